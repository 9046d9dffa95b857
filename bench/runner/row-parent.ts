// Measures a row in a process of its own, so that no row meets the heap, the optimised code or the threads of another.
// This is the parent's side; row-process.ts is the child's.
import { fork } from 'node:child_process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Result } from './measure.js';
import type { Plan, Row } from './row.js';
import type { Settings } from './settings.js';

/** What the child is told, as its only argument. */
export interface RowTask {
  readonly file: string;
  readonly name: string;
  readonly settings: Settings;
}

/** What the child answers. */
export type RowAnswer = { readonly result: Result } | { readonly failure: string };

/** The row `name` of the compiled bench `file`. @throws Error when the file has no such row. */
export async function findRow(file: string, name: string, settings: Settings): Promise<Row> {
  const { plan } = (await import(pathToFileURL(file).href)) as { plan: Plan };
  const row = plan(settings).find((candidate) => candidate.name === name);
  if (row === undefined) throw new Error(`${file} has no row ${name}`);
  return row;
}

/** Runs the row to its end. Rejects with the child's own words when it fails, or with how it ended when it says nothing. */
export async function measureInProcess(file: string, name: string, settings: Settings): Promise<Result> {
  const { nodeFlags = [] } = await findRow(file, name, settings);
  const task: RowTask = { file, name, settings };
  const child = fork(fileURLToPath(new URL('./row-process.js', import.meta.url)), [JSON.stringify(task)], {
    execArgv: ['--expose-gc', ...nodeFlags],
    // A child's stray prints must not land in the middle of `--json`.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  return new Promise((done, fail) => {
    let answer: RowAnswer | undefined;
    child.on('message', (message) => {
      answer = message as RowAnswer;
    });
    child.on('error', fail);
    child.on('close', (code, signal) => {
      if (answer !== undefined && 'result' in answer) done(answer.result);
      else fail(new Error(answer?.failure ?? `its process ended with ${signal ?? `code ${code}`} and no answer`));
    });
  });
}
