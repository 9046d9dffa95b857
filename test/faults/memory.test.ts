// Memory that the system refuses, shares or takes away: every process goes on, and what was lost is counted.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MemoryState } from '../../src/binding/native-memory.js';
import { peer } from '../peers.js';
import { answer, Child, memoryFolder, removeFolder, run, segmentFiles } from '../recorder/processes.js';

let folder: string;
beforeEach(() => {
  folder = memoryFolder();
});
afterEach(() => removeFolder(folder));

const inner = (): string => join(folder, `kymo-${process.getuid?.()}`);

/** Counts in 1000 series and tells where memory is and what the text says. */
const COUNT_AND_TELL = `
const jobs = metrics.counter({ name: 'jobs_total', help: 'Jobs', labelNames: ['kind'] });
for (let kind = 0; kind < 1000; kind++) jobs.inc({ kind: String(kind) });
const text = await metrics.metrics();
say({ ...(await memoryState()), counted: text.split('\\n').filter((line) => line.startsWith('jobs_total{')).length });`;

interface Told extends MemoryState {
  readonly counted: number;
}

describe('the segment folder', () => {
  it('[M4] is closed to everybody else, and so is each file in it', async () => {
    const child = new Child(`metrics.counter({ name: 'a_total', help: 'a' }).inc(); say('ready'); stay();`, { folder });
    await child.says('ready');
    const modes = [inner(), ...segmentFiles(folder).map((name) => join(inner(), name))].map((path) => statSync(path).mode & 0o777);
    await child.kill();
    expect(modes.length).toBeGreaterThan(1);
    expect(modes).toEqual([0o700, ...modes.slice(1).map(() => 0o600)]);
  });

  it.each([
    [
      'a link',
      () => {
        mkdirSync(join(folder, 'elsewhere'), { mode: 0o700 });
        symlinkSync(join(folder, 'elsewhere'), inner());
      },
    ],
    [
      'open to a group',
      () => {
        mkdirSync(inner());
        chmodSync(inner(), 0o750);
      },
    ],
  ] as [string, () => void][])('[M4] that is %s is refused: anonymous memory, counted', async (_, spoil) => {
    spoil();
    const told = answer<Told>(await run(COUNT_AND_TELL, { folder }));
    expect(told).toMatchObject({ counted: 1000, fileBytes: 0, fallbacks: [{ reason: 'memory_folder' }] });
    expect(told.refusal).toBeTruthy();
    expect(readdirSync(folder, { recursive: true }).filter((name) => String(name).endsWith('.kymo'))).toEqual([]);
  });

  it('[M4] that is missing or on a disk is refused: anonymous memory, counted', async () => {
    for (const dir of ['/absent', process.cwd()]) {
      const told = answer<Told>(await run(COUNT_AND_TELL, { folder: dir }));
      expect(told, dir).toMatchObject({ counted: 1000, fileBytes: 0 });
      expect(told.fallbacks.map(({ reason }) => reason)).toEqual(['memory_folder']);
    }
  });

  it('[M5] is not needed: anonymous memory and memory of the runtime count just the same', async () => {
    for (const mode of ['anonymous', 'internal']) {
      const ended = await run(COUNT_AND_TELL, { folder, env: { KYMO_MEMORY: mode } });
      expect(answer<Told>(ended), mode).toMatchObject({ counted: 1000, fileBytes: 0, fallbacks: [] });
      expect(segmentFiles(folder)).toEqual([]);
    }
  });
});

describe('a full memory file system', () => {
  const unshare = process.platform === 'linux' ? peer('unshare', 'apt-get install util-linux') : undefined;
  const spaces = process.getuid?.() === 0 ? '-m' : '-Urm';
  const mayMount = unshare !== undefined && spawnSync(unshare, [spaces, 'sh', '-c', 'mount -t tmpfs none /mnt']).status === 0;

  it.runIf(mayMount)('[M3] means anonymous memory, counted; nothing ends by SIGBUS', async () => {
    for (const size of ['64k', '1500k']) {
      const under = [unshare as string, spaces, 'sh', '-c', `mount -t tmpfs -o size=${size} none '${folder}' && exec "$@"`, 'sh'];
      const told = answer<Told>(await run(COUNT_AND_TELL, { folder, under }));
      expect(told, size).toMatchObject({ counted: 1000, fileBytes: 0 });
      expect(told.fallbacks.map(({ reason }) => reason)).toEqual(['memory_budget']);
    }
  });

  it.runIf(mayMount)('[M3] is left half empty by all segments together', async () => {
    const under = [unshare as string, spaces, 'sh', '-c', `mount -t tmpfs -o size=4m none '${folder}' && exec "$@"`, 'sh'];
    const script = `
      const many = metrics.counter({ name: 'many_total', help: 'Many', labelNames: ['n'], maxSeries: 10_000_000 });
      for (let n = 0; n < 80000; n++) many.inc({ n: String(n) });
      say(await memoryState());`;
    const told = answer<MemoryState>(await run(script, { folder, under }));
    expect(told.fileBytes).toBeGreaterThan(0);
    expect(told.fileBytes).toBeLessThanOrEqual(2 << 20);
    expect(told.anonymousBytes).toBeGreaterThan(0);
  });

  it('[M3] of files that may not grow means anonymous memory, counted', async () => {
    const under = ['sh', '-c', 'ulimit -f 64; exec "$@"', 'sh'];
    const told = answer<Told>(await run(COUNT_AND_TELL, { folder, under }));
    expect(told).toMatchObject({ counted: 1000, fileBytes: 0 });
    expect(told.fallbacks.map(({ reason }) => reason)).toEqual(['memory_io']);
  });
});

describe('the budget', () => {
  it('[M3] holds for all segments together, and what does not fit is counted, not thrown', async () => {
    const limit = 4 << 20;
    const script = `
      const many = metrics.counter({ name: 'many_total', help: 'Many', labelNames: ['n'], maxSeries: 10_000_000 });
      for (let n = 0; n < 100000; n++) many.inc({ n: String(n) });
      const state = await memoryState();
      const text = await metrics.metrics();
      say({ ...state, counted: text.split('\\n').filter((line) => line.startsWith('many_total{')).length });`;
    const told = answer<Told>(await run(script, { folder, env: { KYMO_MEMORY_LIMIT: String(limit) } }));
    expect(told.fileBytes).toBeGreaterThan(0);
    expect(told.fileBytes + told.anonymousBytes).toBeLessThanOrEqual(limit);
    expect(told.counted).toBeGreaterThan(10_000);
    expect(told.counted).toBeLessThan(100_000);
    expect(told.fallbacks.map(({ reason }) => reason)).toEqual(['memory_budget']);
  });

  it('[M3] lets the first segment through whatever the limit', async () => {
    const told = answer<Told>(await run(COUNT_AND_TELL, { folder, env: { KYMO_MEMORY_LIMIT: '1m' } }));
    expect(told.counted).toBe(1000);
    expect(told.fileBytes + told.anonymousBytes).toBeLessThanOrEqual(1 << 20);
  });
});

describe('processes side by side', () => {
  const HOLD = `metrics.counter({ name: 'a_total', help: 'a' }).inc(); say('ready'); await told();`;

  it('[M4] leave each other alone: a start sweeps neither live segments nor those of another service', async () => {
    const live = new Child(HOLD, { folder });
    const other = new Child(HOLD, { folder, env: { KYMO_SERVICE_NAME: 'other' } });
    await Promise.all([live.says('ready'), other.says('ready')]);
    const before = segmentFiles(folder).sort();
    await other.kill();
    expect(await run('', { folder })).toMatchObject({ code: 0 });
    expect(segmentFiles(folder).sort()).toEqual(before);
    live.tell('end');
    process.kill(live.pid, 'SIGTERM');
    await live.ended;
  });

  it('[M3] a crash loop whose content is recovered does not pile segments up', async () => {
    for (let crash = 0; crash < 5; crash++) {
      const child = new Child(`recoverRuns(); ${HOLD}`, { folder });
      await child.says('ready');
      const live = segmentFiles(folder).length;
      await child.kill();
      expect(live).toBeLessThanOrEqual(2 * 2 * 2);
    }
    // The last crash, and the one before, which the last start recovered but could not sweep any more.
    const runs = new Set(segmentFiles(folder).map((name) => name.slice(0, -'00000000.kymo'.length)));
    expect(runs.size).toBeLessThanOrEqual(2);
  });

  const unshare = process.platform === 'linux' ? peer('unshare', 'apt-get install util-linux') : undefined;
  const ownPids = unshare !== undefined && spawnSync(unshare, ['-Urpf', 'true']).status === 0;

  it.runIf(ownPids)('[M4] are seen as alive from another pid namespace', async () => {
    const live = new Child(HOLD, { folder });
    await live.says('ready');
    const before = segmentFiles(folder);
    const ended = await run('say([process.pid, recoverRuns().length])', { folder, under: [unshare as string, '-Urpf'] });
    expect(answer(ended)).toEqual([1, 0]);
    expect(segmentFiles(folder)).toEqual(before);
    await live.kill();
    expect(answer(await run('say(recoverRuns().length)', { folder, under: [unshare as string, '-Urpf'] }))).toBe(1);
  });

  it('[M4] made by child_process.fork and cluster have segments of their own', async () => {
    const script = `
      const { fork } = await import('node:child_process');
      const { writeFileSync } = await import('node:fs');
      metrics.counter({ name: 'a_total', help: 'a' }).inc(1);
      writeFileSync(process.env.FORKED, "const { metrics } = await import('" + process.env.INDEX + "');"
        + "metrics.counter({ name: 'a_total', help: 'a' }).inc(10); process.send('counted'); setInterval(() => {}, 1000);");
      const cluster = (await import('node:cluster')).default;
      cluster.setupPrimary({ exec: process.env.FORKED, execArgv: [] });
      const children = [fork(process.env.FORKED, { execArgv: [] }), cluster.fork().process];
      await Promise.all(children.map((child) => new Promise((done) => child.once('message', done))));
      process.stdout.write('pids ' + JSON.stringify([process.pid, ...children.map((child) => child.pid)]) + '\\n');
      say('ready'); stay();`;
    const env = { FORKED: join(folder, 'forked.mjs'), INDEX: new URL('../../dist/index.js', import.meta.url).href };
    const parent = new Child(script, { folder, env });
    await parent.says('ready');
    // The children first: a cluster worker whose primary is gone exits cleanly.
    const pids = JSON.parse(/pids (.*)/.exec(parent.said)?.[1] as string) as number[];
    for (const pid of pids.slice(1)) process.kill(pid, 'SIGKILL');
    await parent.kill();
    const values = answer<[number, number][]>(
      await run(
        `let runs = []; while (runs.length < 3) runs = runs.concat(recoverRuns());
         say(runs.map(({ pid, metrics }) => [pid, metrics.find(({ name }) => name === 'a_total').value]))`,
        { folder },
      ),
    );
    expect(new Map(values)).toEqual(new Map(pids.map((pid, index) => [pid, index === 0 ? 1 : 10])));
  });
});
