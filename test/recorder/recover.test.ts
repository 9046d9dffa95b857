// What a process that crashed had counted, read by another one; and how it ended.
import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RecoveredHistogram, RecoveredRun, RecoveredValue, RecoverOptions } from '../../src/recorder/recover.js';
import { answer, Child, type Ended, memoryFolder, removeFolder, run, segmentFiles } from './processes.js';

let folder: string;
beforeEach(() => {
  folder = memoryFolder();
});
afterEach(() => removeFolder(folder));

/** Recovers in a process of its own, whose memory lies elsewhere, so that its start sweeps nothing of `folder`. */
async function recovered(options: RecoverOptions = {}): Promise<RecoveredRun[]> {
  const wanted = JSON.stringify({ service: 'svc', dir: folder, ...options });
  const ended = await run(`say(recoverRuns(${wanted}))`, { folder, env: { KYMO_MEMORY: 'anonymous' } });
  return answer<RecoveredRun[]>(ended);
}

const counted = (one: RecoveredRun | undefined, name: string, labels: Record<string, string> = {}): number | undefined => {
  const metrics = (one?.metrics ?? []) as readonly RecoveredValue[];
  return metrics.find((metric) => metric.name === name && JSON.stringify(metric.labels) === JSON.stringify(labels))?.value;
};

const COUNT = `
const jobs = metrics.counter({ name: 'jobs_total', help: 'Jobs', labelNames: ['kind'] });
jobs.labels('a').inc(2);
jobs.inc({ kind: 'b' });
`;

describe('what a killed process counted', () => {
  it('[M1] [M4] is recovered after SIGKILL, not before', async () => {
    const child = new Child(
      `${COUNT}
      metrics.gauge({ name: 'depth', help: 'Depth' }).set(-3.5);
      const took = metrics.histogram({ name: 'took_seconds', help: 'Time', buckets: [0.5, 1] });
      for (const seconds of [0.25, 0.5, 0.75, 9]) took.observe(seconds);
      say('ready'); stay();`,
      { folder },
    );
    await child.says('ready');
    expect(await recovered()).toEqual([]);
    const before = Date.now();
    await child.kill();
    const runs = await recovered();
    expect(runs).toHaveLength(1);
    expect(runs[0]).toMatchObject({ service: 'svc', pid: child.pid, threads: [0], endedBy: 'unclean', damaged: 0 });
    expect(runs[0]?.startedAt).toBeGreaterThan(before - 60_000);
    expect(runs[0]?.startedAt).toBeLessThanOrEqual(before);
    expect(counted(runs[0], 'jobs_total', { kind: 'a' })).toBe(2);
    expect(counted(runs[0], 'jobs_total', { kind: 'b' })).toBe(1);
    expect(counted(runs[0], 'depth')).toBe(-3.5);
    const took = runs[0]?.metrics.find(({ name }) => name === 'took_seconds') as RecoveredHistogram;
    expect(took).toMatchObject({ kind: 'histogram', help: 'Time', labels: {}, count: 4, sum: 10.5 });
    // JSON has no Infinity: the answer came through it.
    expect(took.buckets).toEqual([
      { le: 0.5, count: 2 },
      { le: 1, count: 3 },
      { le: null, count: 4 },
    ]);
  });

  it('[M1] comes with native buckets of all threads, summaries, infos and state sets', async () => {
    const child = new Child(
      `const declare = "const took = metrics.histogram({ name: 'took_seconds', help: 'Time', buckets: [1], native: { schema: 2, maxBuckets: 8, minResetMs: 0 } });";
      const took = metrics.histogram({ name: 'took_seconds', help: 'Time', buckets: [1], native: { schema: 2, maxBuckets: 8, minResetMs: 0 } });
      for (const seconds of [0, 0.5, 1, 3, -2]) took.observe(seconds);
      const worker = workerOf(declare + "for (let n = 0; n < 16; n++) took.observe(2 ** n); parentPort.postMessage('counted'); setInterval(() => {}, 1000);");
      await new Promise((done) => worker.once('message', done));
      metrics.histogram({ name: 'alone', help: 'Alone', buckets: false, native: true }).observe(8);
      const size = metrics.summary({ name: 'size_bytes', help: 'Sizes', labelNames: ['kind'] });
      for (let n = 0; n < 200; n++) size.observe({ kind: 'a' }, n);
      metrics.info({ name: 'build', help: 'Build', labelNames: ['version'] }).set({ version: '1.2' });
      metrics.stateSet({ name: 'mode', help: 'Mode', states: ['on', 'off'] }).enable('off');
      say('ready'); stay();`,
      { folder },
    );
    await child.says('ready');
    await child.kill();
    const [one] = await recovered();
    const found = (name: string) => one?.metrics.find((metric) => metric.name === name);
    expect(one?.damaged).toBe(0);
    expect(found('took_seconds')).toMatchObject({
      kind: 'histogram',
      count: 21,
      sum: 2.5 + 65_535,
      buckets: [{ count: 5 }, { count: 21 }],
      native: { schema: -2, zeroCount: 1, count: 21, negative: [[1, 1]] },
    });
    expect(found('alone')).toMatchObject({ count: 1, sum: 8, buckets: [], native: { schema: 3, positive: [[24, 1]] } });
    expect(found('size_bytes')).toEqual({
      name: 'size_bytes',
      help: 'Sizes',
      kind: 'summary',
      labels: { kind: 'a' },
      count: 200,
      sum: 19_900,
    });
    expect(found('build')).toMatchObject({ kind: 'info', labels: { version: '1.2' }, value: 1 });
    expect(found('mode')).toMatchObject({ kind: 'stateset', states: { on: 0, off: 1 } });
  });

  it('[M1] is summed over the main thread and workers, running, ended and terminated', async () => {
    const child = new Child(
      `${COUNT}
      const add = (count) => "const jobs = metrics.counter({ name: 'jobs_total', help: 'Jobs', labelNames: ['kind'] });"
        + "jobs.inc({ kind: 'a' }, " + count + ");";
      const ended = workerOf(add(10));
      await new Promise((done) => ended.once('exit', done));
      const running = workerOf(add(100) + "parentPort.postMessage('counted'); setInterval(() => {}, 1000);");
      await new Promise((done) => running.once('message', done));
      const stopped = workerOf(add(1000) + "parentPort.postMessage('counted'); for (;;) jobs.inc({ kind: 'loop' });");
      await new Promise((done) => stopped.once('message', done));
      await stopped.terminate();
      say('ready'); stay();`,
      { folder },
    );
    await child.says('ready');
    await child.kill();
    const [one] = await recovered();
    expect(counted(one, 'jobs_total', { kind: 'a' })).toBe(1112);
    expect(one?.threads).toContain(0);
  });

  it('[M1] keeps label values as they were, separators, quotes and all', async () => {
    const values = ['a"b', 'a\\b', 'a\nb', 'a,b="c"}', '', 'ключ \u{1f600}', '__proto__'];
    const child = new Child(
      `
      const odd = metrics.counter({ name: 'odd_total', help: 'Odd', labelNames: ['value'] });
      ${JSON.stringify(values)}.forEach((value, index) => odd.inc({ value }, index + 1));
      say('ready'); stay();`,
      { folder },
    );
    await child.says('ready');
    await child.kill();
    const [one] = await recovered();
    values.forEach((value, index) => {
      expect(counted(one, 'odd_total', { value }), value).toBe(index + 1);
    });
  });

  it('[M1] is not lost to the very last increment', async () => {
    const child = new Child(
      `
      const ticks = metrics.counter({ name: 'ticks_total', help: 'Ticks' });
      for (let count = 1; ; count++) { ticks.inc(); if (count % 100000 === 0) { (await import('node:fs')).writeSync(1, count + ' ready\\n'); } }`,
      { folder },
    );
    await child.says('300000 ready');
    const { stdout } = await child.kill();
    const said = Number(stdout.trimEnd().split('\n').at(-1)?.split(' ')[0]);
    const last = counted((await recovered())[0], 'ticks_total') as number;
    expect(last).toBeGreaterThanOrEqual(said);
    expect(last).toBeLessThanOrEqual(said + 100_000);
  });

  it('is given once, and removed by the next start', async () => {
    const child = new Child(`${COUNT} say('ready'); stay();`, { folder });
    await child.says('ready');
    await child.kill();
    expect(await recovered({ mark: false })).toHaveLength(1);
    expect(await recovered()).toHaveLength(1);
    expect(await recovered()).toEqual([]);
    const left = segmentFiles(folder);
    const next = new Child(`say('ready'); stay();`, { folder });
    await next.says('ready');
    expect(segmentFiles(folder).filter((name) => left.includes(name))).toEqual([]);
    await next.kill();
  });

  it('stays through starts of the service until somebody recovers it', async () => {
    const child = new Child(`${COUNT} say('ready'); stay();`, { folder });
    await child.says('ready');
    await child.kill();
    const restarted = await run(`say(recoverRuns())`, { folder });
    expect(counted(answer<RecoveredRun[]>(restarted)[0], 'jobs_total', { kind: 'a' })).toBe(2);
  });

  it('is not given to another service', async () => {
    const child = new Child(`${COUNT} say('ready'); stay();`, { folder, env: { KYMO_SERVICE_NAME: 'other' } });
    await child.says('ready');
    await child.kill();
    expect(await recovered()).toEqual([]);
    expect(await recovered({ service: 'other' })).toHaveLength(1);
  });
});

describe('how a process ended', () => {
  /** Runs to the end and gives the files it left and what recovery says about them. */
  async function end(script: string): Promise<{ ended: Ended; files: number; as: Pick<RecoveredRun, 'endedBy' | 'detail'> | undefined }> {
    const ended = await run(`${COUNT}${script}`, { folder });
    const files = segmentFiles(folder).length;
    const [one] = await recovered();
    return { ended, files, as: one && { endedBy: one.endedBy, detail: one.detail } };
  }

  it.each([
    ['nothing left to do', '', 0],
    ['process.exit(0)', 'process.exit(0)', 0],
    ['process.exit(3)', 'process.exit(3)', 3],
    ['process.exitCode', 'process.exitCode = 4', 4],
    [
      'process.exit in a handler of SIGTERM',
      `process.on('SIGTERM', () => process.exit(5)); process.kill(process.pid, 'SIGTERM'); stay()`,
      5,
    ],
    ['an exception that a handler took', `process.on('uncaughtException', () => {}); setImmediate(() => { throw new Error('x'); })`, 0],
    ['a capture callback', `process.setUncaughtExceptionCaptureCallback(() => {}); setImmediate(() => { throw new Error('x'); })`, 0],
    ['a worker that crashed', `workerOf('throw new Error(1)').on('error', () => {})`, 0],
  ])('[T1] %s is clean and leaves no files', async (_, script, code) => {
    const { ended, files } = await end(script);
    expect(ended).toMatchObject({ code, signal: null });
    expect(files).toBe(0);
  });

  it.each([
    ['an exception', `setImmediate(() => { throw new Error('x'); }); stay()`, 1],
    ['a rejection', `Promise.reject(new Error('x')); stay()`, 1],
    [
      'an exception in main while workers run',
      `workerOf('setInterval(() => {}, 1000)').once('online', () => { throw new Error('x'); })`,
      1,
    ],
  ])('[T1] %s that nobody caught is uncaught', async (_, script, code) => {
    const { ended, as } = await end(script);
    expect(ended).toMatchObject({ code, signal: null });
    expect(as).toEqual({ endedBy: 'uncaught', detail: code });
  });

  it.each([
    ['an abort', 'process.abort()', 'SIGABRT'],
    ['a signal that nobody handles', `process.kill(process.pid, 'SIGTERM'); stay()`, 'SIGTERM'],
  ])('%s is unclean', async (_, script, signal) => {
    const { ended, as } = await end(script);
    expect(ended.signal).toBe(signal);
    expect(as).toEqual({ endedBy: 'unclean' });
  });

  /** Loads the package in a worker only; the main thread has no hook that could tell anything. */
  const WORKER_ONLY = (main: string, code: string): string => `
    import { Worker } from 'node:worker_threads';
    const dist = ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)};
    const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(
      "import { parentPort } from 'node:worker_threads'; const { metrics } = await import('" + dist + "');"
      + "metrics.counter({ name: 'jobs_total', help: 'Jobs' }).inc(7); parentPort.postMessage('counted');" + ${JSON.stringify(code)})));
    await new Promise((done) => worker.once('message', done));
    ${main}`;

  it('[T1] a process whose worker alone loaded the package ends as well, cleanly', async () => {
    for (const main of ['', 'process.exit(0)', 'await worker.terminate()']) {
      const child = new Child(WORKER_ONLY(main, ''), { folder, bare: true });
      expect(await child.ended, main).toMatchObject({ code: 0, signal: null, stderr: '' });
      expect(segmentFiles(folder)).toEqual([]);
    }
  });

  it('[T1] a worker-only load is recovered after SIGKILL and after an exception in the main thread', async () => {
    const killed = new Child(WORKER_ONLY(`process.stdout.write('ready\\n')`, 'setInterval(() => {}, 1000)'), { folder, bare: true });
    await killed.says('ready');
    await killed.kill();
    expect(counted((await recovered())[0], 'jobs_total')).toBe(7);
    await new Child(WORKER_ONLY(`throw new Error('x')`, 'setInterval(() => {}, 1000)'), { folder, bare: true }).ended;
    expect(counted((await recovered())[0], 'jobs_total')).toBe(7);
  });
});

describe('a folder that cannot be trusted', () => {
  const codeOf = async (): Promise<unknown> =>
    answer(
      await run(`try { say(recoverRuns({ service: 'svc', dir: ${JSON.stringify(folder)} })) } catch ({ code }) { say({ code }) }`, {
        folder,
        env: { KYMO_MEMORY: 'anonymous' },
      }),
    );

  it('[M4] is an error of recovery, a missing one is not', async () => {
    expect(await codeOf()).toEqual([]);
    const inner = join(folder, `kymo-${process.getuid?.()}`);
    mkdirSync(inner, { mode: 0o700 });
    expect(await codeOf()).toEqual([]);
    chmodSync(inner, 0o750);
    expect(await codeOf()).toEqual({ code: 'KYMO_MEMORY_FOLDER' });
  });

  it('[M4] is an error when it is a link', async () => {
    const elsewhere = join(folder, 'elsewhere');
    mkdirSync(elsewhere, { mode: 0o700 });
    symlinkSync(elsewhere, join(folder, `kymo-${process.getuid?.()}`));
    expect(await codeOf()).toEqual({ code: 'KYMO_MEMORY_FOLDER' });
  });
});
