// Runs every bench once, tiny, as `npm run bench -- --smoke` does: each checks its own answers, so that a bench that measures the
// wrong thing fails here and not in a figure. Times do not count.
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonRow } from '../../bench/runner/report.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

function bench(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((done) => {
    execFile(process.execPath, [join(ROOT, 'bench', 'run.mjs'), ...args], { cwd: ROOT, encoding: 'utf8' }, (error, stdout, stderr) =>
      done({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr }),
    );
  });
}

describe('every bench', () => {
  it('gives the right answers, and a row for each figure', { timeout: 300_000 }, async () => {
    const { code, stdout, stderr } = await bench('--smoke', '--json');
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const rows = JSON.parse(stdout) as JsonRow[];
    for (const row of rows) expect(Object.keys(row)).toEqual(['name', 'ours', 'peer', 'ratio', 'goal', 'met', 'unit']);
    const figures = [
      /one bound handle, against f64/,
      /16 bound handles in turn, against f64/,
      /counter inc, bound, against prom-client/,
      /3 dynamic labels, against prom-client/,
      /3 dynamic labels, one string built anew/,
      /histogram observe, 11 buckets, bound/,
      /summary observe, bound, against prom-client$/,
      /heap bytes per operation/,
      /render .* against prom-client/,
      /render .* against copying/,
      /main-loop delay p99.* against no scrape/,
      /main-loop delay p99.* against prom-client/,
      /scrape p99, loop blocked/,
      /resident memory per counter series/,
      /resident memory per histogram series/,
      /scrape after .* distinct label values/,
      /resident memory after .* distinct label values/,
      /\/live p99/,
      /gateway request .* overhead beyond one AsyncLocalStorage\.run, against prom-client \+ OpenTelemetry JS/,
      /ring record/,
      /4 worker threads on one counter/,
    ];
    const names = rows.map(({ name }) => name);
    expect(figures.filter((figure) => !names.some((name) => figure.test(name)))).toEqual([]);
  });

  it('allocates per operation what its snapshot says', { timeout: 120_000 }, async () => {
    const { code, stdout, stderr } = await bench('--only', 'heap bytes', '--json');
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const rows = JSON.parse(stdout) as JsonRow[];
    const counted = Object.fromEntries(rows.map(({ name, ours }) => [name.replace('heap bytes per operation: ', ''), ours]));
    expect(counted).toEqual(JSON.parse(readFileSync(join(ROOT, 'bench', 'metrics', 'allocations.snap.json'), 'utf8')));
  });
});

describe('the command line', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kymo-bench-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('measures a user’s own options, without goals', { timeout: 60_000 }, async () => {
    const config = join(folder, 'own.json');
    writeFileSync(config, '{ "buckets": [1, 2, 4, 8] }');
    const { code, stdout, stderr } = await bench(
      '--smoke',
      '--json',
      '--only',
      'per operation: histogram observe',
      '--only',
      'histogram observe, 4',
      '--only',
      'no such row',
      '--config',
      config,
    );
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(JSON.parse(stdout)).toMatchObject([
      { name: 'heap bytes per operation: histogram observe, bound', goal: null, met: null },
      { name: 'histogram observe, 4 buckets, bound, against prom-client', goal: null, met: null },
    ]);
  });

  it.each([
    [['--onyl', 'inc'], "Unknown option '--onyl'"],
    [['--only', 'no such row'], 'no row has "no such row" in its name'],
    [['--config', '/nowhere.json'], '--config: ENOENT'],
    [['--smoke', '--record'], '--smoke gives no figures: no --check or --record with it'],
  ])('%j ends with 1 and one clear line', async (args, message) => {
    const { code, stdout, stderr } = await bench(...args);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toContain(`bench: ${message}`);
  });
});
