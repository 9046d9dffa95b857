// Processes beside one another: forked and cluster workers keep their own values, and a killed one leaves nothing in the way.
import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inChild, MEMORIES, withLibrary } from '../metrics/thread-script.js';
import { Child, DIST, memoryFolder, removeFolder, segmentFiles } from '../recorder/processes.js';

let folder: string;
beforeEach(() => {
  folder = memoryFolder();
});
afterEach(() => removeFolder(folder));

type Samples = Record<string, number>;

/** What a forked process does: counts what it is told and answers with its own scrape. */
const FORKED = `data:text/javascript,${encodeURIComponent(
  `const { metrics } = await import('${DIST}index.js');
   const jobs = metrics.counter({ name: 'jobs', help: 'j', labelNames: ['by'] });
   process.on('message', (n) => {
     if (n === null) return process.disconnect();
     for (let k = 0; k < n; k++) jobs.inc({ by: 'child' });
     process.send({ text: metrics.formatPrometheus(), pid: process.pid });
   });
   process.send('ready');`,
)}`;

describe.each(MEMORIES)('a forked process with memory %s', (memory) => {
  it('counts into its own segments: neither sees the values of the other', async () => {
    const told = await inChild<{ parent: string; children: { text: string; pid: number }[] }>(
      memory,
      folder,
      `const { fork } = await import('node:child_process');
       const jobs = metrics.counter({ name: 'jobs', help: 'j', labelNames: ['by'] });
       jobs.inc({ by: 'parent' }, 5);
       const forked = [10, 20].map((n) => {
         const child = fork('-', { execArgv: ['--input-type=module', '-e', 'await import(' + ${JSON.stringify(JSON.stringify(FORKED))} + ')'] });
         return { child, answer: once(child, 'message').then(() => { child.send(n); return once(child, 'message'); }) };
       });
       const children = (await Promise.all(forked.map(({ answer }) => answer))).map(([told]) => told);
       jobs.inc({ by: 'parent' });
       const parent = metrics.formatPrometheus();
       await Promise.all(forked.map(({ child }) => { const gone = once(child, 'exit'); child.send(null); return gone; }));
       say({ parent, children });`,
    );
    expect(told.parent).toContain('\njobs{by="parent"} 6\n');
    expect(told.parent).not.toContain('child');
    expect(told.children.map(({ text }) => /jobs\{.*/.exec(text)?.[0])).toEqual(['jobs{by="child"} 10', 'jobs{by="child"} 20']);
    expect(new Set(told.children.map(({ pid }) => pid)).size).toBe(2);
    expect(segmentFiles(folder).filter((name) => name.endsWith('.kymo'))).toEqual([]);
  });
});

describe('cluster workers', () => {
  it('have values of their own, and a killed one takes nothing from the others', async () => {
    const told = await inChild<{ primary: Samples; first: string; second: string }>(
      'file',
      folder,
      `const { default: cluster } = await import('node:cluster');
       cluster.setupPrimary({ exec: '-', execArgv: ['--input-type=module', '-e', 'await import(' + ${JSON.stringify(JSON.stringify(FORKED))} + ')'] });
       metrics.inc('primary', 3);
       const [one, other] = [cluster.fork(), cluster.fork()];
       await Promise.all([once(one, 'message'), once(other, 'message')]);
       const ask = async (worker, n) => { worker.send(n); return (await once(worker, 'message'))[0].text; };
       const first = await ask(one, 7);
       await ask(other, 1);
       const gone = once(one, 'exit');
       one.process.kill('SIGKILL');
       await gone;
       const second = await ask(other, 1);
       other.process.kill('SIGKILL');
       await once(other, 'exit');
       say({ primary: samples(), first, second });`,
    );
    expect(told.primary).toEqual({ primary: 3 });
    expect(told.first).toContain('jobs{by="child"} 7\n');
    expect(told.second).toContain('jobs{by="child"} 2\n');
  });
});

describe('a process that is killed in mid-write', () => {
  it.each(['file', 'anonymous'] as const)(
    'starts from 0 the next time, and can be recovered where its memory outlives it (%s)',
    async (memory) => {
      const env = { KYMO_MEMORY: memory };
      for (let round = 0; round < 3; round++) {
        const child = new Child(
          withLibrary(
            `const { counter, histogram } = declare();
           const { worker } = start();
           worker.postMessage("const { counter } = declare(); parentPort.postMessage(1); for (let n = 0; ; n++) { counter.inc({ k: 'k' + n % 50 }); if (n % 100 === 0) counter.remove('k' + (n / 100) % 50); }");
           await once(worker, 'message');
           say('writing');
           for (let n = 0; ; n++) { counter.inc({ k: 'm' + (n % 500) }); histogram.observe({ k: 'x' }, 1); if (n % 1000 === 0) counter.remove('m' + (n % 500)); }`,
          ),
          { folder, env },
        );
        await child.says('writing');
        const ended = await child.kill();
        expect(ended.signal).toBe('SIGKILL');
      }
      const told = await inChild<{ before: Samples; after: Samples; runs: { endedBy: string }[] }>(
        memory,
        folder,
        `const before = samples();
       const { counter } = declare();
       counter.inc({ k: 'm1' });
       const runs = memory === 'file' ? recoverRuns().map(({ endedBy }) => ({ endedBy })) : [];
       say({ before, after: samples(), runs });`.replace('memory ===', `${JSON.stringify(memory)} ===`),
      );
      expect(told.before).toEqual({});
      expect(told.after).toEqual({ 'c{k="m1"}': 1 });
      if (memory === 'file') expect(told.runs).toHaveLength(3);
      expect(existsSync(folder)).toBe(true);
    },
  );
});
