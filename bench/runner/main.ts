// The command line of `npm run bench`: chooses rows, measures each in a process of its own, prints, records and compares.
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { thisMachine } from './machine.js';
import type { Result } from './measure.js';
import { COMPILED, RECORD } from './places.js';
import { readRecord, worseThan, writeRecord } from './record.js';
import { jsonRow, table } from './report.js';
import type { Plan } from './row.js';
import { measureInProcess } from './row-parent.js';
import { FIGURES, readConfig, type Settings, smokeSettings, UsageError } from './settings.js';

const USAGE = `npm run bench [-- OPTIONS]
  --only NAME     rows whose name contains NAME; may be given again for more
  --config FILE   your own sizes, as a JSON object; see bench/README.md
  --json          rows of JSON instead of the table
  --check         compare with the last record of this platform; ends with 1 when a row got worse
  --record        write the record that --check compares with
  --smoke         every row once and tiny: checks the answers, gives no figures
  --list          names of the rows
`;

/** A row and the file that plans it. */
interface Place {
  readonly file: string;
  readonly name: string;
}

/**
 * Runs the command line `args`.
 * @param cwd relative paths in `args` start here.
 * @returns the exit code: 1 for a usage error, a row that failed or, with `--check`, got worse.
 */
export async function main(args: readonly string[], cwd: string): Promise<number> {
  try {
    return await run(args, cwd);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`bench: ${error.message}\n`);
    return 1;
  }
}

async function run(args: readonly string[], cwd: string): Promise<number> {
  const options = optionsOf(args);
  if (options.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const custom = options.config !== undefined;
  if (custom && (options.check || options.record))
    throw new UsageError('--config measures other sizes than the record: no --check or --record with it');
  if (options.smoke && (options.check || options.record)) throw new UsageError('--smoke gives no figures: no --check or --record with it');
  const chosen = custom ? readConfig(resolve(cwd, options.config as string)) : FIGURES;
  const settings = options.smoke ? smokeSettings(chosen) : chosen;
  const wanted = options.only ?? [];
  const places = (await everyRow(settings)).filter(({ name }) => wanted.length === 0 || wanted.some((part) => name.includes(part)));
  if (places.length === 0)
    throw new UsageError(`no row has ${wanted.map((part) => JSON.stringify(part)).join(' or ')} in its name; see --list`);
  if (options.list) {
    for (const { name } of places) process.stdout.write(`${name}\n`);
    return 0;
  }
  // Before hours of measuring, not after them.
  const last = options.check ? readRecord(RECORD) : undefined;
  const { results, failures } = await measureAll(places, settings);
  const machine = thisMachine();
  process.stdout.write(options.json ? `${JSON.stringify(results.map(jsonRow), null, 1)}\n` : table(machine, results));
  const worse = last === undefined ? [] : worseThan(last.rows, results, wanted.length === 0);
  for (const sentence of [...failures, ...worse.map((row) => `worse than the record: ${row}`)])
    process.stderr.write(`bench: ${sentence}\n`);
  if (last !== undefined && worse.length === 0 && failures.length === 0) process.stderr.write('bench: no row is worse than the record\n');
  if (options.record && failures.length === 0) writeRecord(RECORD, machine, results, existsSync(RECORD) ? readRecord(RECORD) : undefined);
  return failures.length + worse.length === 0 ? 0 : 1;
}

function optionsOf(args: readonly string[]) {
  const flag = { type: 'boolean', default: false } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        only: { type: 'string', multiple: true },
        config: { type: 'string' },
        json: flag,
        check: flag,
        record: flag,
        smoke: flag,
        list: flag,
        help: { ...flag, short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n${USAGE}`);
  }
}

/** Rows of every `*.bench.js` below the compiled domains, in the order of their files. */
async function everyRow(settings: Settings): Promise<Place[]> {
  const files = readdirSync(COMPILED, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.bench.js'));
  const places: Place[] = [];
  for (const name of files.sort()) {
    const file = join(COMPILED, name);
    const { plan } = (await import(pathToFileURL(file).href)) as { plan: Plan };
    for (const row of plan(settings)) {
      if (places.some((other) => other.name === row.name)) throw new Error(`two rows are called ${row.name}`);
      places.push({ file, name: row.name });
    }
  }
  return places;
}

async function measureAll(places: readonly Place[], settings: Settings): Promise<{ results: Result[]; failures: string[] }> {
  const results: Result[] = [];
  const failures: string[] = [];
  for (const [k, { file, name }] of places.entries()) {
    process.stderr.write(`bench: ${k + 1}/${places.length} ${name}\n`);
    try {
      results.push(await measureInProcess(file, name, settings));
    } catch (error) {
      failures.push(`${name} failed: ${(error as Error).message}`);
    }
  }
  return { results, failures };
}
