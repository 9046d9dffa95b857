// `pino.transport`: the same targets do on ours what they do on pino's; and what ours keeps to: memory, exits, failing targets.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { pinoPackages } from '../../pino.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const PROGRAM = fileURLToPath(new URL('transport-program.cjs', import.meta.url));
const OURS = join(ROOT, 'dist', 'cjs', 'compat', 'pino', 'entry.cjs');
const THEIRS = join(pinoPackages.folder, 'node_modules', 'original', 'pino.js');
const folder = mkdtempSync(join(tmpdir(), 'kymo-transport-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Target modules. */
const TARGETS: Record<string, string> = {
  'plain.cjs': `module.exports = ({ to }) => require('node:fs').createWriteStream(to);`,
  'module.mjs': `import fs from 'node:fs';
    export default async ({ to }) => { await new Promise((resolve) => setTimeout(resolve, 5)); return fs.createWriteStream(to); };`,
  'transpiled.cjs': `Object.defineProperty(exports, '__esModule', { value: true }); exports.default = ({ to }) => require('node:fs').createWriteStream(to);`,
  'caller.cjs': `module.exports = (pino, options) => pino.transport({ target: './plain.cjs', options });`,
  'upper.cjs': `const { Transform } = require('node:stream');
    module.exports = () => new Transform({ transform(piece, _encoding, done) { done(null, String(piece).toUpperCase()); } });`,
  'throws.cjs': `module.exports = () => { throw new Error('at the start'); };`,
  'object.cjs': 'module.exports = { no: 1 };',
  'nothing.cjs': 'module.exports = () => ({});',
  'later.cjs': `const { Writable } = require('node:stream');
    module.exports = () => { setTimeout(() => { throw new Error('later'); }, 30); return new Writable({ write(_piece, _encoding, done) { done(); } }); };`,
  'destroyed.cjs': `const { Writable } = require('node:stream');
    module.exports = () => { const stream = new Writable({ write(_piece, _encoding, done) { done(); } }); setTimeout(() => stream.destroy(new Error('no more')), 30); return stream; };`,
  'exits.cjs': 'module.exports = () => process.exit(3);',
  'stuck.cjs': `const { Writable } = require('node:stream'); module.exports = () => new Writable({ write() {} });`,
  'slow.cjs': `const { Writable } = require('node:stream'); const fs = require('node:fs');
    module.exports = ({ to, ms }) => new Writable({ write(piece, _encoding, done) { fs.appendFileSync(to, piece); setTimeout(done, ms); } });`,
  'config.cjs': `const build = require(${JSON.stringify(join(pinoPackages.folder, 'node_modules', 'pino-abstract-transport'))}); const fs = require('node:fs');
    module.exports = ({ to }) => build(async (source) => {
      for await (const line of source) fs.appendFileSync(to, JSON.stringify([source.levels.labels[line.level], line[source.messageKey], source.errorKey]) + '\\n');
    }, { expectPinoConfig: true });`,
};
for (const [name, code] of Object.entries(TARGETS)) writeFileSync(join(folder, name), code);

/** What a scenario of transport-program.cjs tells about a library. */
function told(library: string, scenario: string): string[] {
  const { stdout, stderr, status } = spawnSync(process.execPath, [PROGRAM, library, folder, scenario], {
    encoding: 'utf8',
    timeout: 40_000,
  });
  expect([stderr, status]).toEqual(['', 0]);
  return JSON.parse(stdout);
}

/** Runs a program with `pino` and `folder` in it. */
function run(code: string, ...flags: string[]) {
  const start = performance.now();
  const preamble = `const pino = require(${JSON.stringify(OURS)}); const fs = require('node:fs'); const folder = ${JSON.stringify(folder)};`;
  const { stdout, stderr, status, signal } = spawnSync(process.execPath, [...flags, '-e', preamble + code], {
    encoding: 'utf8',
    timeout: 40_000,
  });
  return { stdout, stderr, status, signal, ms: performance.now() - start };
}

function numbers(name: string): number[] {
  return readFileSync(join(folder, name), 'utf8')
    .split('\n')
    .filter((line) => line.includes('"n":'))
    .map((line) => JSON.parse(line).n);
}

const ALL = Array.from({ length: 5_000 }, (_, n) => n);

describe.runIf(pinoPackages.installed)('transports beside pino', () => {
  it.each([
    ['targets in CommonJS, as an ES module, transpiled', 'kinds'],
    ['a target named from the module that asks for it', 'relative'],
    ['several targets by level, a pipeline among them, without what is no line', 'targets'],
    ['a line only to the highest of its targets', 'dedupe'],
    ['a pipeline', 'pipeline'],
    ['a target of pino-abstract-transport that waits for the configuration', 'config'],
    ['the target pino/file', 'file'],
    ['the option `transport`, with levels of its own', 'option'],
    ['targets that fail: at the start, later, by leaving', 'failures'],
    ['what cannot be', 'refused'],
  ])('do the same with %s', (_what, scenario) => {
    // In which turn a stream gets ready, and whether an error or the end of the worker is told first, differs from run to run.
    const text = (lines: string[]) => lines.sort();
    expect(text(told(OURS, scenario))).toEqual(text(told(THEIRS, scenario)));
  });
});

describe('a transport', () => {
  it.each([
    ['by itself', ''],
    ['by process.exit', 'process.exit();'],
    ['by an exception', `throw new Error('uncaught');`],
  ])('has every line written when the process ends %s', (how, end) => {
    const name = `ends-${how.replaceAll(/\W/g, '')}.out`;
    run(`const logger = pino(pino.transport({ target: folder + '/plain.cjs', options: { to: folder + '/${name}' } }));
      for (let n = 0; n < 5000; n++) logger.info({ n });
      ${end}`);
    expect(numbers(name)).toEqual(ALL);
  });

  it('has a line written when the call returns, where `sync` asks for that', () => {
    const { stdout } = run(`const to = folder + '/sync.out';
      const logger = pino(pino.transport({ target: 'pino/file', options: { destination: to, sync: true }, sync: true }));
      const seen = [];
      for (let n = 0; n < 20; n++) { logger.info({ n }); seen.push(fs.readFileSync(to, 'utf8').split('\\n').length - 1); }
      console.log(seen.join());`);
    const seen = stdout.trim().split(',').map(Number);
    expect(seen).toEqual([...seen].sort((one, other) => one - other));
    expect(numbers('sync.out')).toEqual(ALL.slice(0, 20));
  });

  it('calls back a flush when its streams have every line', () => {
    const { stdout } = run(`const to = folder + '/flushed.out';
      const logger = pino(pino.transport({ target: folder + '/slow.cjs', options: { to, ms: 1 } }));
      for (let n = 0; n < 100; n++) logger.info({ n });
      logger.flush((error) => { console.log(error, fs.readFileSync(to, 'utf8').split('\\n').length - 1); process.kill(process.pid, 'SIGKILL'); });`);
    expect(stdout).toBe('undefined 100\n');
  });

  it('drops and counts what a stuck target has no room for, blocks for a moment once, and lets the process end', () => {
    const { stdout, stderr, ms, status } = run(`const stream = pino.transport({ target: folder + '/stuck.cjs' });
      const logger = pino(stream);
      const line = 'x'.repeat(1000);
      let longest = 0, began = performance.now();
      for (let n = 0; n < 20000; n++) {
        logger.info(line);
        const now = performance.now(); longest = Math.max(longest, now - began); began = now;
      }
      console.log(JSON.stringify({ longest, mib: process.memoryUsage().rss / 2 ** 20 }));`);
    const { longest, mib } = JSON.parse(stdout);
    expect(longest).toBeLessThan(1_000);
    expect(mib).toBeLessThan(400);
    expect(stderr).toMatch(/a transport did not end within 2000 ms, \d{7} characters of log lines are lost/);
    expect([status, ms < 15_000]).toEqual([0, true]);
  });

  it('says in a line how many it dropped once its target goes on', () => {
    run(`const stream = pino.transport({ target: folder + '/slow.cjs', options: { to: folder + '/dropped.out', ms: 250 } });
      const logger = pino(stream);
      const line = 'x'.repeat(1_000_000);
      for (let n = 0; n < 10; n++) logger.info({ n }, line);
      setTimeout(() => logger.warn({ n: -1 }), 2500);`);
    const text = readFileSync(join(folder, 'dropped.out'), 'utf8');
    const { dropped, level_30 } = JSON.parse(/^.*"log lines dropped".*$/m.exec(text)?.[0] ?? '{}');
    expect(dropped).toBeGreaterThan(0);
    expect(level_30 + numbers('dropped.out').filter((n) => n >= 0).length).toBe(10);
    expect(numbers('dropped.out').at(-1)).toBe(-1);
  });

  it('leaves the application alone when its target fails later and nobody listens', () => {
    const { stdout, stderr, status } = run(`const logger = pino(pino.transport({ target: folder + '/destroyed.cjs' }));
      logger.info('before');
      setTimeout(() => { logger.info('after'); logger.flush(() => console.log('flushed')); console.log('alive'); }, 500);`);
    expect([stdout, status]).toEqual(['alive\nflushed\n', 0]);
    expect(stderr).toBe('kymo/pino: a transport failed, its lines are dropped from now on: no more\n');
  });

  it('works with timers that a test has faked', () => {
    run(`const real = setTimeout;
      for (const name of ['setTimeout', 'setImmediate', 'setInterval']) globalThis[name] = () => 0;
      process.nextTick = () => undefined;
      Date.now = () => 1;
      const logger = pino(pino.transport({ target: folder + '/plain.cjs', options: { to: folder + '/faked.out' } }));
      for (let n = 0; n < 10; n++) logger.info({ n });
      real(() => process.exit(), 500);`);
    expect(numbers('faked.out')).toEqual(ALL.slice(0, 10));
  });

  it('starts once where a preloaded module starts it, which its own worker preloads as well', () => {
    const preload = join(folder, 'preload.cjs');
    writeFileSync(
      preload,
      `const pino = require(${JSON.stringify(OURS)});
      globalThis.logger = pino(pino.transport({ target: ${JSON.stringify(join(folder, 'plain.cjs'))}, options: { to: ${JSON.stringify(join(folder, 'preloaded.out'))} } }));`,
    );
    const { status } = run('for (let n = 0; n < 10; n++) logger.info({ n });', '--require', preload);
    expect(status).toBe(0);
    expect(numbers('preloaded.out')).toEqual(ALL.slice(0, 10));
  });
});
