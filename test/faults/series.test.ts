// More series than memory allows, where the cap of a metric is higher: what does not fit is dropped and counted, nothing throws, and what exists goes on.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inChild } from '../metrics/thread-script.js';
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
