// Fastify and pino-http, unchanged, on ours and on pino: npm's overrides put a shim in its place, and what they log is compared.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { pinoPackages } from '../pino.js';

interface Logged {
  readonly pino: string;
  readonly lines: string[];
}

/** What an application logs; `pino` is the file that its `require('pino')` found. */
function run(app: string, where: string, ...options: string[]): Logged {
  const { folder } = pinoPackages;
  const { stdout, stderr, status } = spawnSync(process.execPath, [...options, 'run-app.cjs', app, where], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect([stderr, status]).toEqual(['', 0]);
  return JSON.parse(stdout);
}

/** Lines without what differs from run to run: times, ports, process, stacks. */
function steady(lines: readonly string[]): string[] {
  return lines.map((line) =>
    line
      .replaceAll(/"(time|pid|remotePort|responseTime|ms)":[\d.]+/g, '"$1":0')
      .replaceAll(/127\.0\.0\.1:\d+|\[::1\]:\d+/g, 'HOST')
      .replaceAll(/\\n {4}at .*?(?=")/g, ''),
  );
}

describe.runIf(pinoPackages.installed)('published consumers of pino', () => {
  beforeAll(() => pinoPackages.installOurs());

  it.each(['fastify', 'pino-http'])('%s logs as on pino, unchanged', (app) => {
    const ours = run(app, 'stream');
    const original = run(app, 'stream', '--require', './with-original.cjs');
    expect(ours.pino).toBe(join(pinoPackages.folder, 'shim', 'index.js'));
    expect(original.pino).toBe(join(pinoPackages.folder, 'node_modules', 'original', 'pino.js'));
    expect(steady(ours.lines)).toEqual(steady(original.lines));
    expect(ours.lines.length).toBeGreaterThan(5);
    for (const line of ours.lines) expect(line).not.toContain('Bearer secret');
  });

  it.each(['fastify', 'pino-http'])('%s logs the same into a file by our destination', (app) => {
    const ours = run(app, join(pinoPackages.folder, `${app}-${process.pid}.log`));
    expect(steady(ours.lines)).toEqual(steady(run(app, 'stream', '--require', './with-original.cjs').lines));
  });
});
