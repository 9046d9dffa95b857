// kymo/pino in processes that end in every way, and in front of readers and disks that do not take what is written.
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { memoryFolder, removeFolder } from '../recorder/processes.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PREAMBLE = `const pino = require(${JSON.stringify(join(ROOT, 'dist', 'cjs', 'compat', 'pino', 'entry.cjs'))}); const fs = require('node:fs');`;
const ALL = Array.from({ length: 5_000 }, (_, n) => n);

let folder: string;
let path: string;
beforeEach(() => {
  folder = memoryFolder();
  path = join(folder, 'a.log');
});
afterEach(() => removeFolder(folder));

const env = () => ({ ...process.env, KYMO_MEMORY_DIR: folder, KYMO_SERVICE_NAME: 'pino-faults' });

function run(code: string) {
  return spawnSync(process.execPath, ['-e', PREAMBLE + code], { encoding: 'utf8', timeout: 40_000, env: env() });
}

function numbers(text: string): number[] {
  return text
    .split('\n')
    .filter((line) => line.includes('"n":'))
    .map((line) => JSON.parse(line).n);
}

const BURST = 'for (let n = 0; n < 5000; n++) logger.info({ n });';

describe('5,000 lines through kymo/pino in one tick, and then', () => {
  it.each([
    ['SIGKILL', `process.kill(process.pid, 'SIGKILL');`],
    ['an abort', 'process.abort();'],
    ['an uncaught exception', `throw new Error('on purpose');`],
    ['process.exit()', 'process.exit();'],
  ])('%s: they are in the file after the next start at the latest, once and in order', (_, end) => {
    run(`const logger = pino(pino.destination(${JSON.stringify(path)})); ${BURST} ${end}`);
    const next = run(`const stream = pino.destination(${JSON.stringify(path)}); stream.flushSync();`);
    expect([next.stderr, next.status]).toEqual(['', 0]);
    expect(numbers(readFileSync(path, 'utf8'))).toEqual(ALL);
  });

  it.each([
    ['SIGKILL', `process.kill(process.pid, 'SIGKILL');`],
    ['an uncaught exception', `throw new Error('on purpose');`],
    ['process.exit()', 'process.exit();'],
  ])('%s: they are on the default destination after the next start at the latest', (_, end) => {
    const first = run(`const logger = pino(); ${BURST} ${end}`);
    const next = run(`pino().info('next'); pino.destination(1).flushSync();`);
    expect(numbers(first.stdout + next.stdout)).toEqual(ALL);
  });

  it('SIGKILL in the callback of flush: they are all written', () => {
    const { stdout, signal } = run(`const logger = pino(); ${BURST} logger.flush(() => process.kill(process.pid, 'SIGKILL'));`);
    expect([numbers(stdout), signal]).toEqual([ALL, 'SIGKILL']);
  });
});

describe('kymo/pino', () => {
  it('has a line in the file when the call returns, where `sync` asks for that', () => {
    const { stdout } = run(`const logger = pino(pino.destination({ dest: ${JSON.stringify(path)}, sync: true }));
      let wrong = 0;
      for (let n = 0; n < 100; n++) {
        logger.info({ n });
        if (!fs.readFileSync(${JSON.stringify(path)}, 'utf8').endsWith('"n":' + n + '}\\n')) wrong++;
      }
      console.log(wrong);`);
    expect(stdout).toBe('0\n');
  });

  it.each(['', ', sync: true'])('keeps the loop and the end of the process free of a reader that stalls%s', async (option) => {
    const code = `const logger = pino(pino.destination({ dest: 1${option} }));
      const text = 'x'.repeat(1000);
      let ticks = 0, most = 0, last = performance.now();
      const timer = setInterval(() => {
        const now = performance.now(); most = Math.max(most, now - last); last = now;
        for (let n = 0; n < 400; n++) logger.info(text);
        if (++ticks < 40) return;
        clearInterval(timer);
        process.stderr.write(JSON.stringify({ most, mib: process.memoryUsage().rss / 2 ** 20 }) + '\\n');
        process.exit(0);
      }, 10);`;
    const child = spawn(process.execPath, ['-e', PREAMBLE + code], { env: env(), stdio: ['ignore', 'pipe', 'pipe'] });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    const start = performance.now();
    // Nobody reads stdout until the process has ended.
    const status = await new Promise((resolve) => child.on('exit', resolve));
    expect([status, performance.now() - start < 20_000]).toEqual([0, true]);
    const { most, mib } = JSON.parse(stderr.split('\n')[0] as string);
    expect(most).toBeLessThan(2_500);
    expect(mib).toBeLessThan(300);
  });

  it.each(['', ', sync: true'])('does not notice a disk that is full%s', (option) => {
    const { stdout, stderr, status } = run(`const logger = pino(pino.destination({ dest: '/dev/full'${option} }));
      for (let n = 0; n < 100; n++) logger.info({ n });
      setTimeout(() => console.log('alive'), 50);`);
    expect([stdout, status]).toEqual(['alive\n', 0]);
    expect(stderr).toMatch(/No space left on device/);
    expect(stderr.split('\n').length).toBeLessThan(5);
  });
});
