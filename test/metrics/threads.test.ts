// One registry for all threads: exact sums, what stays of a thread that ended, and removal across threads. Real workers in
// child processes, once per kind of memory.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { memoryFolder, removeFolder } from '../recorder/processes.js';
import { inChild, MEMORIES } from './thread-script.js';

let folder: string;
beforeAll(() => {
  folder = memoryFolder();
});
afterAll(() => removeFolder(folder));

type Samples = Record<string, number>;

describe.each(MEMORIES)('threads with memory %s', (memory) => {
  it('count one counter exactly, four workers and the main thread at once', async () => {
    const { counted, shown } = await inChild<{ counted: number; shown: Samples }>(
      memory,
      folder,
      `const body = \`
         const { counter, histogram } = declare();
         const bound = counter.labels('x');
         for (let n = 0; n < 200_000; n++) bound.inc();
         for (let n = 0; n < 50_000; n++) counter.inc({ k: 'x' }, 2);
         for (let n = 0; n < 50_000; n++) histogram.observe({ k: 'x' }, n % 3);
         return 1;\`;
       const workers = Array.from({ length: 4 }, start);
       const all = Promise.all(workers.map(({ ask }) => ask(body)));
       const { counter } = declare();
       for (let n = 0; n < 200_000; n++) { counter.inc({ k: 'x' }); if (n % 20_000 === 0) { samples(); await new Promise(setImmediate); } }
       await all;
       const counted = samples()['c{k="x"}'];
       await Promise.all(workers.map(({ end }) => end()));
       say({ counted, shown: samples() });`,
    );
    expect(counted).toBe(4 * 300_000 + 200_000);
    expect(shown).toEqual({
      'c{k="x"}': counted,
      'h_bucket{k="x",le="1"}': 4 * 33_334,
      'h_bucket{k="x",le="2"}': 4 * 50_000,
      'h_bucket{k="x",le="+Inf"}': 4 * 50_000,
      'h_sum{k="x"}': 4 * 49_999,
      'h_count{k="x"}': 4 * 50_000,
    });
  });

  it('leave their counts when they end, and take their gauges with them', async () => {
    const [before, during, after, next] = await inChild<Samples[]>(
      memory,
      folder,
      `const { counter, gauge } = declare();
       counter.inc({ k: 'x' }, 1); gauge.set({ k: 'x' }, 1);
       const seen = [samples()];
       const use = "const { counter, gauge, histogram } = declare(); counter.inc({ k: 'x' }, 10); gauge.set({ k: 'x' }, 10); gauge.set({ k: 'own' }, 5); return 1";
       const first = start();
       await first.ask(use);
       seen.push(samples());
       await first.end();
       seen.push(samples());
       const second = start();
       await second.ask(use.replaceAll('10', '100'));
       seen.push(samples());
       await second.end();
       say(seen);`,
    );
    expect(before).toEqual({ 'c{k="x"}': 1, 'g{k="x"}': 1 });
    expect(during).toEqual({ 'c{k="x"}': 11, 'g{k="x"}': 11, 'g{k="own"}': 5 });
    expect(after?.['c{k="x"}']).toBe(11);
    expect(after?.['g{k="x"}']).toBe(1);
    expect(after?.['g{k="own"}'] ?? 0).toBe(0);
    expect(next).toEqual({ 'c{k="x"}': 111, 'g{k="x"}': 101, 'g{k="own"}': 5 });
  });

  it('read what other threads declared and counted, in both directions', async () => {
    const seen = await inChild<string[]>(
      memory,
      folder,
      `declare().counter.inc({ k: 'main' });
       const { ask, end } = start();
       const byWorker = await ask("declare().counter.inc({ k: 'worker' }); return metrics.formatPrometheus()");
       say([byWorker, metrics.formatPrometheus(), JSON.stringify(metrics.snapshot().counters)]);
       await end();`,
    );
    expect(seen[0]).toBe(seen[1]);
    expect(seen[0]).toContain('c{k="main"} 1\nc{k="worker"} 1\n');
    expect(JSON.parse(seen[2] as string)).toEqual({ 'c{k="main"}': 1, 'c{k="worker"}': 1 });
  });

  it('remove and reset what others hold handles to; a handle that is used again counts from then on', async () => {
    const seen = await inChild<Samples[]>(
      memory,
      folder,
      `const { counter, gauge, histogram } = declare();
       const mine = [counter.labels('x'), gauge.labels('x'), histogram.labels('x')];
       const write = ([c, g, h], v) => { c.inc(v); g.set(v); h.observe(v); };
       const { ask, end } = start();
       await ask("const { counter, gauge, histogram } = declare(); ctx.held = [counter.labels('x'), gauge.labels('x'), histogram.labels('x')]; ctx.write = " + write + "; return 1");
       const theirs = (v) => ask('ctx.write(ctx.held, ' + v + '); return 1');
       const seen = [];
       const look = () => { const s = samples(); seen.push({ c: s['c{k="x"}'], g: s['g{k="x"}'], count: s['h_count{k="x"}'], sum: s['h_sum{k="x"}'], rest: Object.keys(s).filter((key) => !key.includes('k="x"')).length }); };
       write(mine, 5); await theirs(7); look();
       for (const m of [counter, gauge, histogram]) m.remove('x');
       look();
       // Series that could be given the cells of those that were removed.
       for (let n = 0; n < 20; n++) { counter.inc({ k: 'n' + n }, 0); }
       await ask("for (let n = 0; n < 20; n++) declare().counter.inc({ k: 'w' + n }, 0); return 1");
       await theirs(7); look();
       write(mine, 5); look();
       counter.labels('x'); histogram.labels('x');
       for (const m of [counter, gauge, histogram]) m.reset();
       look();
       await theirs(7); look();
       await ask("const m = declare(); for (const one of [m.counter, m.gauge, m.histogram]) one.remove('x'); return 1"); look();
       write(mine, 5); look();
       await end();
       const total = Object.entries(samples()).filter(([key]) => key.startsWith('c{') && !key.includes('"x"')).reduce((sum, [, v]) => sum + v, 0);
       seen.push({ total });
       say(seen);`,
    );
    const none = { rest: 40 };
    expect(seen).toEqual([
      { c: 12, g: 12, count: 2, sum: 12, rest: 0 },
      { rest: 0 },
      { c: 7, g: 7, count: 1, sum: 7, ...none },
      { c: 12, g: 12, count: 2, sum: 12, ...none },
      { c: 0, g: 0, count: 0, sum: 0, ...none },
      { c: 7, g: 7, count: 1, sum: 7, ...none },
      none,
      { c: 5, g: 5, count: 1, sum: 5, ...none },
      { total: 0 },
    ]);
  });

  it('never write another series through a handle, whichever thread removed it before and after', async () => {
    const shown = await inChild<Samples>(
      memory,
      folder,
      `const { counter } = declare();
       const { ask, end } = start();
       await ask("ctx.c = declare().counter; ctx.h = ctx.c.labels('x'); ctx.c.remove('x'); ctx.h.inc(100); return 1");
       counter.remove('x');
       await ask("ctx.c.labels('y'); ctx.h.inc(1); return 1");
       await ask("ctx.c.labels('z'); return 1");
       say(samples());
       await end();`,
    );
    expect(shown).toEqual({ 'c{k="x"}': 1, 'c{k="y"}': 0, 'c{k="z"}': 0 });
  });
});

describe.each(['file', 'anonymous'] as const)('segments of threads with memory %s', (memory) => {
  it('give cells back that an earlier thread left and another one removed', async () => {
    const { early, late } = await inChild<{ early: number; late: number }>(
      memory,
      folder,
      `const { counter } = declare();
       let early;
       for (let round = 0; round < 12; round++) {
         await start().end("const { counter } = declare(); for (let n = 0; n < 500; n++) counter.inc({ k: 'r" + round + "-' + n }); return 1");
         for (let n = 0; n < 500; n++) if (!counter.remove('r' + round + '-' + n)) throw new Error('not there');
         if (round === 3) early = await bytes();
       }
       say({ early, late: await bytes() });`,
    );
    expect(late).toBe(early);
  });

  it('give cells back that this thread took over and never declared, when another one removes them', async () => {
    const { early, late } = await inChild<{ early: number; late: number }>(
      memory,
      folder,
      `const { counter } = declare();
       await start().end("const { counter } = declare(); for (let n = 0; n < 2000; n++) counter.inc({ k: 'old-' + n }); return 1");
       const { ask, end } = start();
       await ask("ctx.other = metrics.counter({ name: 'o', help: 'o', labelNames: ['k'] }); ctx.other.inc({ k: 'first' }); return 1");
       const early = await bytes();
       for (let n = 0; n < 2000; n++) if (!counter.remove('old-' + n)) throw new Error('not there');
       await ask("for (let n = 0; n < 2000; n++) ctx.other.inc({ k: 'new-' + n }); return 1");
       say({ early, late: await bytes() });
       await end();`,
    );
    expect(late).toBe(early);
  });
});

describe('a gauge of the last value', () => {
  it('is what any thread wrote last, also after that thread ended', async () => {
    const seen = await inChild<number[]>(
      'file',
      folder,
      `const gauge = metrics.gauge({ name: 'v', help: 'v', aggregate: 'last' });
       const seen = [];
       const look = () => seen.push(samples().v);
       gauge.set(1); look();
       const { ask, end } = start();
       await ask("ctx.g = metrics.gauge({ name: 'v', help: 'v', aggregate: 'last' }); ctx.g.set(2); return 1"); look();
       gauge.set(3); look();
       gauge.remove(); look();
       await ask('ctx.g.set(4); return 1'); look();
       gauge.inc(); look();
       await end(); look();
       say(seen.map((v) => v ?? null));`,
    );
    expect(seen).toEqual([1, 2, 3, null, 4, 5, 5]);
  });

  it('whose memory another thread cannot be lent is a counted drop there, and nothing else is lost', async () => {
    const told = await inChild<{ v: number; drops: Samples }>(
      'internal',
      folder,
      `metrics.gauge({ name: 'v', help: 'v', aggregate: 'last' }).set(1);
       await start().end("const g = metrics.gauge({ name: 'v', help: 'v', aggregate: 'last' }); g.set(2); g.set(3); return 1");
       say({ v: samples().v, drops: drops() });`,
    );
    expect(told).toEqual({ v: 1, drops: { memory: 2 } });
  });
});
