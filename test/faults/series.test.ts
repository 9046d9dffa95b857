// More series than memory allows, where the cap of a metric is higher: what does not fit is dropped and counted, nothing throws, and what exists goes on.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inChild, MEMORIES } from '../metrics/thread-script.js';
import { memoryFolder, removeFolder } from '../recorder/processes.js';

let folder: string;
beforeAll(() => {
  folder = memoryFolder();
});
afterAll(() => removeFolder(folder));

describe.each(['file', 'anonymous'] as const)('a budget of 1 MB with memory %s', (memory) => {
  it('holds what fits; each further value is one counted drop, whichever metric and form', async () => {
    const told = await inChild<{
      first: number;
      shown: number;
      drops: Record<string, number>;
      forms: Record<string, number>;
      again: number;
    }>(
      memory,
      folder,
      `metrics.configure({ maxSeries: 1_000_000 });
       const { counter, gauge, histogram } = declare();
       const held = counter.labels('held');
       for (let n = 0; n < 100_000; n++) counter.inc({ k: 'series-' + n });
       const shown = Object.keys(samples()).length;
       const before = drops();
       const forms = () => {
         counter.inc({ k: 'new' }); counter.labels('new').inc(); counter.labels('new').inc(-1);
         gauge.set({ k: 'new' }, 1); gauge.labels('new').set(1); gauge.inc({ k: 'new' }); gauge.labels('new').dec(); gauge.setToCurrentTime({ k: 'new' }); gauge.startTimer({ k: 'new' })();
         histogram.observe({ k: 'new' }, 1); histogram.labels('new').observe(1); histogram.startTimer({ k: 'new' })(); histogram.labels('new').startTimer()();
         JSON.stringify([counter.labels('new'), gauge.labels('new'), histogram.labels('new')]);
       };
       forms();
       const after = drops();
       for (let n = 0; n < 1000; n++) { held.inc(); counter.inc({ k: 'series-7' }); }
       const seen = samples();
       say({ first: seen['c{k="held"}'], again: seen['c{k="series-7"}'], shown, drops: before,
         forms: Object.fromEntries(Object.entries(after).map(([reason, n]) => [reason, n - (before[reason] ?? 0)])) });`,
      { env: { KYMO_MEMORY_LIMIT: '1m' } },
    );
    expect(told.shown).toBeGreaterThan(1000);
    expect(told.shown).toBeLessThan(100_001);
    expect(told.drops).toEqual({ memory: 100_001 - told.shown });
    expect(told.forms).toEqual({ memory: 13 });
    expect(told).toMatchObject({ first: 1000, again: 1001 });
  });

  it('takes series again in the room of those that were removed', async () => {
    const told = await inChild<{ full: number; refilled: number; late: number }>(
      memory,
      folder,
      `metrics.configure({ maxSeries: 1_000_000 });
       const { counter } = declare();
       let full = 0;
       while ((drops().memory ?? 0) === 0) for (let n = 0; n < 1000; n++) counter.inc({ k: 'series-' + full++ });
       const shown = Object.keys(samples()).length;
       for (let n = 0; n < 500; n++) counter.remove('series-' + n);
       const before = drops().memory;
       for (let n = 0; n < 500; n++) counter.inc({ k: 'seriez-' + n });
       say({ full: shown, refilled: Object.keys(samples()).length, late: drops().memory - before });`,
      { env: { KYMO_MEMORY_LIMIT: '1m' } },
    );
    expect(told.refilled).toBe(told.full);
    expect(told.late).toBe(0);
  });

  it('refuses the first segment of a worker without stopping it', async () => {
    const told = await inChild<{ errors: string[]; said: unknown; main: number }>(
      memory,
      folder,
      `metrics.configure({ maxSeries: 1_000_000 });
       const { counter } = declare();
       for (let n = 0; n < 20_000; n++) counter.inc({ k: 'series-' + n });
       const errors = [];
       const { worker, gone, ask } = start();
       worker.on('error', (error) => errors.push(error.code ?? String(error)));
       let said = null;
       const asked = ask("try { declare().counter.inc({ k: 'series-1' }); return 'counted' } catch (error) { return error.code }").then((value) => { said = value; });
       await Promise.race([asked, gone]);
       await worker.terminate();
       counter.inc({ k: 'series-1' });
       say({ errors, said, main: samples()['c{k="series-1"}'] });`,
      { env: { KYMO_MEMORY_LIMIT: '1m' } },
    );
    expect(told.errors).toEqual([]);
    expect(['counted', 'KYMO_MEMORY_REFUSED']).toContain(told.said);
    expect(told.main).toBe(told.said === 'counted' ? 3 : 2);
  });
});

describe.each(MEMORIES)('series that expire with memory %s', (memory) => {
  it('while handles are held in two threads come back through them, each with its own values only', async () => {
    const told = await inChild<{ wrong: string[]; shown: number; hidden: number; last: Record<string, number> }>(
      memory,
      folder,
      `const body = \`
         const options = { labelNames: ['k', 'n'], idleMs: 30 };
         const counter = metrics.counter({ name: 'c', help: 'c', ...options });
         const gauge = metrics.gauge({ name: 'g', help: 'g', ...options });
         const handles = Array.from({ length: 40 }, (_, n) => [counter.labels('held', n), gauge.labels('held', n), n]);
         const until = Date.now() + 2500;
         for (let round = 0; Date.now() < until; round++) {
           // Written now and then, at times longer than it takes to expire; between them others come and go in the same memory.
           for (const [c, g, n] of handles) if ((round + n) % 7 === 0) { c.inc(n + 1); g.set(n + 1); }
           for (let n = 0; n < 20; n++) { counter.inc({ k: 'passing', n: round * 20 + n }, 1_000_003); gauge.set({ k: 'passing', n: round * 20 + n }, 1_000_003); }
           await new Promise((resolve) => setTimeout(resolve, 25));
         }
         return 1;\`;
       const run = Object.getPrototypeOf(async () => {}).constructor;
       const { ask, end } = start();
       const both = Promise.all([ask(body), new run('metrics', body)(metrics)]);
       const wrong = [];
       let [hidden, shown, over, before] = [0, 0, false, new Set()];
       void both.then(() => { over = true; });
       while (!over) {
         const now = samples();
         for (const [series, value] of Object.entries(now)) {
           const [, name, k, n] = /^(.)\\{k="(\\w+)",n="(\\d+)"\\}$/.exec(series) ?? [];
           const step = k === 'held' ? Number(n) + 1 : 1_000_003;
           if (name === undefined || value % step !== 0 || (name === 'g' && value > 2 * step)) wrong.push(series + ' ' + value);
         }
         const held = new Set(Object.keys(now).filter((series) => series.includes('held')));
         for (const series of before) if (!held.has(series)) hidden++;
         for (const series of held) if (!before.has(series)) shown++;
         before = held;
         await new Promise((resolve) => setTimeout(resolve, 10));
       }
       metrics.get('c').labels('held', 3).inc(4);
       const last = Object.fromEntries(Object.entries(samples()).filter(([series]) => series === 'c{k="held",n="3"}'));
       await end();
       say({ wrong: wrong.slice(0, 10), hidden, shown, last });`,
    );
    expect(told.wrong).toEqual([]);
    expect(told.hidden).toBeGreaterThan(0);
    expect(told.shown).toBeGreaterThan(80);
    expect(Object.keys(told.last)).toEqual(['c{k="held",n="3"}']);
  });
});
