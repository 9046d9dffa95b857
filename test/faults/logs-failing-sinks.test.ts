// Sinks that fail while an application logs: it notices nothing but its metrics and one line on stderr, other sinks go on, and the sink
// comes back by itself.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { memoryFolder, removeFolder } from '../recorder/processes.js';
import { logging, sorted, upTo } from './logging-process.js';

let folder: string;
let path: string;
beforeEach(() => {
  folder = memoryFolder();
  path = join(folder, 'logs', 'a.log');
  mkdirSync(join(folder, 'logs'));
});
afterEach(() => removeFolder(folder));

/** Logs a line whenever it is told to, and says so once a flush is through, or after a while. */
const OBEDIENT = `
  let next = 0;
  process.stdin.on('data', async () => { log(next++); const complete = await native.logFlush(300); tell('n' + next + ' ' + complete); });
  tell('ready');`;

describe('a sink that fails', () => {
  it('ENOSPC: leaves the application and the other sinks alone, is counted, and said once', async () => {
    const script = `const full = file('/dev/full');
      lead(full, file('${path}'));
      for (let n = 0; n < 5_000; n += 100) { for (let at = n; at < n + 100; at++) log(at); await new Promise((later) => setTimeout(later, 5)); }
      const { errors, error } = native.logSinkState(full);
      console.log(JSON.stringify({ errors, error, dropped: native.logState().dropped, metrics: ownMetrics() }));`;
    const ended = await logging(script, { folder }).ended;
    expect(ended.code).toBe(0);
    const { errors, error, dropped, metrics } = JSON.parse(ended.stdout) as {
      errors: number;
      error: string;
      dropped: number;
      metrics: string;
    };
    expect(Number(/^kymo_log_sink_errors_total\{sink="file"\} (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThanOrEqual(errors);
    expect(metrics).toMatch(/^kymo_log_lines_total\{level="info"\} \d+$/m);
    expect(errors).toBeGreaterThan(0);
    expect([error, dropped]).toEqual([expect.stringContaining('No space left'), 0]);
    const said = ended.stderr.trim().split('\n');
    expect(said.filter((line) => line.includes('No space left'))).toHaveLength(1);
    expect(said.at(-1)).toMatch(/did not take all lines in time/);
    expect(sorted(readFileSync(path, 'utf8')).numbers).toEqual(upTo(5_000));
  });

  it('EPIPE: a stdout whose reader went away does not end the application', async () => {
    const child = logging(`lead(descriptor(1), file('${path}')); ${OBEDIENT}`, { folder });
    await child.saysOnStderr('ready\n');
    child.hangUp();
    for (let line = 1; line <= 3; line++) {
      child.tell('log');
      await child.saysOnStderr(`n${line} `);
    }
    child.tell('log');
    await child.saysOnStderr('n4 ');
    const { stderr } = await child.kill('SIGKILL');
    expect(stderr.match(/kymo: /g)).toHaveLength(1);
    expect(stderr).toMatch(/kymo: log sink fd:1: .*(Broken pipe|EPIPE|os error 32)/);
    expect(sorted(readFileSync(path, 'utf8')).numbers).toEqual(upTo(4));
  });

  it.each<[string, () => void, () => string]>([
    ['a deleted file', () => rmSync(path), () => readFileSync(path, 'utf8')],
    ['a removed folder', () => rmSync(join(folder, 'logs'), { recursive: true }), () => readFileSync(path, 'utf8')],
    [
      'a moved file',
      () => renameSync(path, `${path}.1`),
      () => readFileSync(`${path}.1`, 'utf8').split('\n').slice(1).join('\n') + readFileSync(path, 'utf8'),
    ],
  ])('%s: goes on in a new one by itself', async (_, happen, later) => {
    const child = logging(`lead(file('${path}')); ${OBEDIENT}`, { folder });
    await child.saysOnStderr('ready\n');
    child.tell('log');
    await child.saysOnStderr('n1 true\n');
    expect(sorted(readFileSync(path, 'utf8')).numbers).toEqual([0]);
    happen();
    child.tell('log');
    await child.saysOnStderr('n2 true\n');
    expect(sorted(later()).numbers).toEqual([1]);
    const { stderr } = await child.kill('SIGTERM');
    expect(stderr).toBe('ready\nn1 true\nn2 true\n');
  });

  it('a folder that cannot be made: keeps its lines, and writes them once it can', async () => {
    rmSync(join(folder, 'logs'), { recursive: true });
    writeFileSync(join(folder, 'logs'), 'in the way');
    const child = logging(`lead(file('${path}')); ${OBEDIENT}`, { folder });
    await child.saysOnStderr('ready\n');
    for (let line = 1; line <= 3; line++) {
      child.tell('log');
      await child.saysOnStderr(`n${line} false\n`);
    }
    rmSync(join(folder, 'logs'));
    while (!existsSync(path)) await new Promise((later) => setTimeout(later, 10));
    child.tell('log');
    await child.saysOnStderr('n4 true\n');
    const { stderr } = await child.kill('SIGTERM');
    expect(stderr.match(/kymo: /g)).toHaveLength(1);
    expect(sorted(readFileSync(path, 'utf8')).numbers).toEqual(upTo(4));
  });
});
