// The threads that exporters run on: one piscina pool for each app thread that exports, a thread for each pipeline. App thread.
import { join } from 'node:path';
import type { MessagePort } from 'node:worker_threads';
import type { Piscina } from 'piscina';
import location from '../binding/location.cjs';
import { workerEnvironment } from '../config/opentelemetry.js';
import { KymoError } from '../core/errors.js';
import type { ExportTask } from './export-task.js';

/** Pipelines that one app thread can have on threads. */
export const MOST_EXPORT_THREADS = 16;

let made: Promise<Piscina> | undefined;
let running = 0;

/**
 * Runs a task on a thread of its own until its pipeline is closed. The thread keeps no process open.
 * @param signal ends the thread at once
 * @throws what ended the thread, when the task did not
 */
export async function runOnThread(task: ExportTask & { readonly control: MessagePort }, signal: AbortSignal): Promise<void> {
  if (running >= MOST_EXPORT_THREADS) {
    throw new KymoError('KYMO_EXPORT_OPTION', {
      option: 'exporters',
      value: running + 1,
      expected: `at most ${MOST_EXPORT_THREADS} at once on threads`,
    });
  }
  running += 1;
  try {
    made ??= makePool();
    const ended = (await made).run(task, { transferList: [task.control], signal });
    letGo();
    return await ended;
  } finally {
    running -= 1;
  }
}

/** What piscina holds the process open with while a task runs, by thread. */
const holds = new Set<Hold>();

/** The part of piscina's own record of a thread that counts here. */
interface Hold {
  unref(): void;
}

/**
 * Lets the process end although tasks run: piscina means them to end, and these do not. It offers no option for that, so its own record
 * of a thread is asked, which is why its version is pinned.
 */
function letGo(): void {
  for (const hold of holds) hold.unref();
}

function holdOf(thread: object): Hold {
  const key = Object.getOwnPropertySymbols(thread).find((symbol) => symbol.description === 'Piscina.kWorkerData');
  return (thread as Record<symbol, Hold>)[key as symbol] as Hold;
}

/** Loaded with the first pipeline: who exports nothing pays nothing. */
async function makePool(): Promise<Piscina> {
  const { Piscina } = await import('piscina');
  const pool = new Piscina({
    // Built, also where the sources run: a thread starts from a file that Node can read.
    filename: join(location.root, 'dist', 'export', 'worker.js'),
    name: 'run',
    minThreads: 0,
    maxThreads: MOST_EXPORT_THREADS,
    idleTimeout: 0,
    concurrentTasksPerWorker: 1,
    // The loop of the task has to turn; nobody counts how long it took.
    atomics: 'disabled',
    recordTiming: false,
    execArgv: [],
    env: workerEnvironment(),
    resourceLimits: { maxOldGenerationSizeMb: 256 },
  });
  // Failures of a task reject its promise; what fails between tasks has harmed nobody.
  pool.on('error', () => undefined);
  pool.on('workerCreate', (thread: object) => {
    holds.add(holdOf(thread));
    // The waiting task is given to the thread right behind this event, and would hold it again.
    queueMicrotask(letGo);
  });
  pool.on('workerDestroy', (thread: object) => holds.delete(holdOf(thread)));
  return pool;
}
