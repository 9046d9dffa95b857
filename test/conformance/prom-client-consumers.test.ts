// Published consumers of prom-client, unchanged, on ours and on the original: npm's overrides put a shim in its place, their routes are
// called, and the scrapes compared. Then a user's own Jest.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { CONSUMERS, consumersInstalled, installOurs } from '../consumers.js';

interface Answer {
  readonly path: string;
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** What the scrapes of one application answer; `client` is the file that its `require('prom-client')` found. */
function run(app: string, ...options: string[]): { client: string; answers: Answer[] } {
  const { stdout, stderr, status } = spawnSync(process.execPath, [...options, 'run-app.cjs', app], { cwd: CONSUMERS, encoding: 'utf8' });
  expect([stderr, status]).toEqual(['', 0]);
  return JSON.parse(stdout);
}

/** Values that differ from run to run: times, memory, handles, sizes of answers that hold them. */
const VOLATILE =
  /^(\w*_)?(process_|nodejs_(?!version))|seconds?(_sum|_bucket)?$|seconds\{quantile|^open_connections|response_size_bytes_sum/;
/** Families whose very series differ from run to run. */
const VARYING = /^(\w+_)?nodejs_(gc_duration_seconds|active_(resources|handles|requests))/;

/** The lines of a scrape, with numbers that are times left out. */
function lines(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('#') || !VARYING.test(line))
    .map((line) => {
      const [, name, labels = '', value] = /^(\w+)(\{.*\})? (\S+)$/.exec(line) ?? [];
      if (name === undefined) return line;
      return `${name}${labels} ${VOLATILE.test(name) || labels.includes('quantile=') ? 'N' : value}`;
    });
}

/** A scrape as JSON, in the same way. */
function families(json: string): unknown {
  type Family = { name: string; values: { value: number; metricName?: string; labels: object }[] };
  return (JSON.parse(json) as Family[])
    .filter(({ name }) => !VARYING.test(name))
    .map((family) => ({
      ...family,
      values: family.values.map((sample) => (VOLATILE.test(sample.metricName ?? family.name) ? { ...sample, value: 'N' } : sample)),
    }));
}

describe.runIf(consumersInstalled)('published consumers of prom-client', () => {
  beforeAll(installOurs);

  it.each(['express-prom-bundle', 'prometheus-api-metrics', 'fastify-metrics'])('%s scrapes as on the original, unchanged', (app) => {
    const ours = run(app);
    const original = run(app, '--require', './with-original.cjs');
    expect(ours.client).toBe(join(CONSUMERS, 'shim', 'index.js'));
    expect(original.client).toBe(join(CONSUMERS, 'node_modules', 'original', 'index.js'));
    expect(ours.answers.map(({ path, status, type }) => [path, status, type])).toEqual(
      original.answers.map(({ path, status, type }) => [path, status, type]),
    );
    for (const [at, { body, type }] of ours.answers.entries()) {
      const expected = (original.answers[at] as Answer).body;
      if (type.startsWith('application/json')) expect(families(body)).toEqual(families(expected));
      else expect(lines(body)).toEqual(lines(expected));
    }
    expect(ours.answers[0]?.body.length).toBeGreaterThan(3000);
  });

  it('is what a user tests with Jest: required, spied on, mocked, with fake timers, loaded anew', () => {
    const config = JSON.stringify({ testMatch: ['**/jest/*.cjs'], testEnvironment: 'node' });
    const { stderr, stdout, status } = spawnSync(
      process.execPath,
      [join('node_modules', 'jest', 'bin', 'jest.js'), '--runInBand', '--config', config],
      { cwd: CONSUMERS, encoding: 'utf8', env: { ...process.env, NODE_ENV: 'test', NO_COLOR: '1', FORCE_COLOR: '0', CI: 'true' } },
    );
    expect(`${stderr}${stdout}`).toMatch(/^PASS .*\nPASS .*\n\n.*\nTests: +8 passed, 8 total\n/);
    expect(status).toBe(0);
  });
});
