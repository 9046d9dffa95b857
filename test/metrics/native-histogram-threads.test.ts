// One native histogram of several threads: exact counts whatever resolution each came to, and what a reset, a removal or a crash
// of one does to all. Real workers in child processes, once per kind of memory.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NativeHistogramSnapshot } from '../../src/index.js';
import { memoryFolder, removeFolder } from '../recorder/processes.js';
import { inChild, MEMORIES } from './thread-script.js';

let folder: string;
beforeAll(() => {
  folder = memoryFolder();
});
afterAll(() => removeFolder(folder));

interface Seen {
  readonly count: number;
  readonly sum: number;
  readonly buckets: Record<string, number>;
  readonly native: NativeHistogramSnapshot;
}

/** Declares the histogram, in the main thread and, as text, in workers. */
const DECLARE = `const took = metrics.histogram({ name: 'took', help: 't', labelNames: ['k'], buckets: [16], native: { schema: 0, maxBuckets: 8, minResetMs: 0 } });`;
const SCRIPT = `${DECLARE} const seen = () => metrics.snapshot().histograms['took{k="x"}'];`;

const countsOf = ({ native }: Seen): number =>
  [...native.positive, ...native.negative].reduce((sum, [, count]) => sum + count, native.zeroCount);

describe.each(MEMORIES)('a native histogram of several threads, with memory %s', (memory) => {
  it('counts exactly while each goes through resolutions of its own (rule 21)', async () => {
    const seen = await inChild<Seen[]>(
      memory,
      folder,
      `${SCRIPT}
       const body = (spread) => \`${DECLARE}
         const bound = took.labels('x');
         for (let n = 0; n < 60_000; n++) (n % 2 ? bound.observe(2 ** (n % \${spread})) : took.observe({ k: 'x' }, -(2 ** (n % \${spread}))));
         return 1;\`;
       const workers = Array.from({ length: 3 }, start);
       const all = Promise.all(workers.map(({ ask }, at) => ask(body([3, 17, 60][at]))));
       const read = [];
       took.observe({ k: 'x' }, 1);
       let busy = true;
       all.then(() => { busy = false; });
       while (busy) { read.push(seen()); await new Promise(setImmediate); }
       await Promise.all(workers.map(({ end }) => end()));
       say([...read.slice(-50), seen()]);`,
    );
    const last = seen.at(-1) as Seen;
    expect(last.count).toBe(3 * 60_000 + 1);
    for (const one of seen) {
      expect(countsOf(one)).toBe(one.native.count);
      expect(one.count, 'both kinds of buckets').toBe(one.native.count);
    }
    expect(last.native.schema).toBeLessThan(-1);
    expect(last.native.positive.length + last.native.negative.length).toBeLessThanOrEqual(8);
    expect(last.buckets['+Inf']).toBeGreaterThan(0);
  });

  it('begins anew in all of them when one resets or removes it, at the declared resolution', async () => {
    const [before, reset, after, gone, back] = await inChild<(Seen | null)[]>(
      memory,
      folder,
      `${SCRIPT}
       const { ask, end } = start();
       await ask(\`${DECLARE} ctx.bound = took.labels('x'); for (let n = 0; n < 12; n++) ctx.bound.observe(2 ** n); return 1;\`);
       took.observe({ k: 'x' }, 1);
       const said = [seen()];
       took.reset();
       said.push(seen());
       await ask('ctx.bound.observe(2); return 1;');
       said.push(seen());
       took.remove('x');
       said.push(seen() ?? null);
       await ask('ctx.bound.observe(4); return 1;');
       said.push(seen());
       await end();
       say(said);`,
    );
    expect(before).toMatchObject({ count: 13, native: { schema: -1, count: 13 } });
    expect(reset).toMatchObject({ count: 0, sum: 0, native: { schema: 0, count: 0, positive: [] } });
    expect(after).toMatchObject({ count: 1, sum: 2, native: { schema: 0, positive: [[1, 1]] } });
    expect(gone).toBeNull();
    expect(back).toMatchObject({ count: 1, sum: 4, native: { schema: 0, positive: [[2, 1]] } });
  });

  it('keeps what threads counted that ended, and goes on in the memory of one', async () => {
    const [during, after, next] = await inChild<Seen[]>(
      memory,
      folder,
      `${SCRIPT}
       const body = \`${DECLARE} for (let n = 0; n < 12; n++) took.observe({ k: 'x' }, 2 ** n); return 1;\`;
       const one = start();
       await one.ask(body);
       const said = [seen()];
       await one.end();
       said.push(seen());
       const other = start();
       await other.end(body);
       said.push(seen());
       say(said);`,
    );
    expect(during).toMatchObject({ count: 12, native: { schema: -1 } });
    expect(after).toEqual(during);
    expect(next).toMatchObject({ count: 24, sum: 2 * 4095, native: { schema: -1 } });
  });

  it('comes back from 0 when it was hidden for being idle and its handle is used again', async () => {
    const [idle, back] = await inChild<(Seen | null)[]>(
      memory,
      folder,
      `const took = metrics.histogram({ name: 'took', help: 't', labelNames: ['k'], native: { schema: 0 }, buckets: false, idleMs: 50 });
       const seen = () => metrics.snapshot().histograms['took{k="x"}'];
       const bound = took.labels('x');
       bound.observe(8);
       while (seen() !== undefined) await new Promise((done) => setTimeout(done, 10));
       const said = [seen() ?? null];
       bound.observe(2);
       said.push(seen());
       say(said);`,
    );
    expect(idle).toBeNull();
    expect(back).toMatchObject({ count: 1, sum: 2, native: { positive: [[1, 1]] } });
  });

  it('gets its resolution back by a reset that the native side asks for (rule 21)', async () => {
    const [before, after] = await inChild<Seen[]>(
      memory,
      folder,
      `const took = metrics.histogram({ name: 'took', help: 't', native: { schema: 0, maxBuckets: 8, minResetMs: 2000 }, buckets: [16] });
       const seen = () => metrics.snapshot().histograms.took;
       for (let n = 0; n < 12; n++) took.observe(2 ** n);
       const said = [seen()];
       while (seen().native.schema < 0) { took.observe(2); await new Promise((done) => setTimeout(done, 20)); }
       said.push(seen());
       say(said);`,
    );
    expect(before).toMatchObject({ count: 12, native: { schema: -1 } });
    expect(after?.native.startMs).toBeGreaterThanOrEqual((before as Seen).native.startMs + 2000);
    expect(after).toMatchObject({ count: 1, sum: 2, buckets: { 16: 1, '+Inf': 0 }, native: { schema: 0, positive: [[1, 1]] } });
  });
});
