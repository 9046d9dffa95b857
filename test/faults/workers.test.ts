// Worker threads that end badly or while a scrape runs: what they counted stays, and nothing is torn. Child processes.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inChild, MEMORIES } from '../metrics/thread-script.js';
import { memoryFolder, removeFolder } from '../recorder/processes.js';

let folder: string;
beforeAll(() => {
  folder = memoryFolder();
});
afterAll(() => removeFolder(folder));

type Samples = Record<string, number>;

/** A worker that writes without pause, counter before gauge, once it said that it began. */
const WRITE_FOR_EVER = `
  const { counter, gauge, histogram } = declare();
  const [c, g, h] = [counter.labels('x'), gauge.labels('x'), histogram.labels('x')];
  gauge.set({ k: 'x' }, 1);
  c.inc();
  parentPort.postMessage('writing');
  for (;;) { c.inc(); g.set(1); h.observe(1); counter.inc({ k: 'dynamic' }); }`;

describe.each(MEMORIES)('a worker with memory %s', (memory) => {
  it('that is terminated in mid-write leaves what it counted, whole, and the next one goes on', async () => {
    const seen = await inChild<{ before: Samples; after: Samples; later: Samples; ended: Samples }>(
      memory,
      folder,
      `declare();
       const { ask, worker, gone } = start();
       await ask(${JSON.stringify(WRITE_FOR_EVER)});
       let before = samples();
       while (!(before['c{k="dynamic"}'] > 1000)) before = samples();
       await worker.terminate(); await gone;
       const after = samples();
       await new Promise((done) => setTimeout(done, 20));
       const later = samples();
       const next = start();
       await next.end("const { counter, histogram } = declare(); counter.inc({ k: 'x' }, 1); counter.inc({ k: 'dynamic' }, 1); histogram.observe({ k: 'x' }, 1); return 1");
       say({ before, after, later, ended: samples() });`,
    );
    const of = (samples: Samples, series: string): number => samples[series] as number;
    for (const series of ['c{k="x"}', 'c{k="dynamic"}', 'h_count{k="x"}']) {
      expect(of(seen.after, series)).toBeGreaterThanOrEqual(of(seen.before, series));
      expect(of(seen.ended, series)).toBe(of(seen.after, series) + 1);
      expect(Number.isInteger(of(seen.after, series))).toBe(true);
    }
    // It may have died between the two stores of one observation.
    expect(of(seen.after, 'h_count{k="x"}') - of(seen.after, 'h_sum{k="x"}')).toBeLessThanOrEqual(1);
    expect(seen.later).toEqual(seen.after);
    expect(seen.before['g{k="x"}']).toBe(1);
    expect(seen.after['g{k="x"}'] ?? 0).toBe(0);
  });

  it('that dies of an uncaught exception, or of process.exit, leaves exact counts', async () => {
    const { errors, shown } = await inChild<{ errors: string[]; shown: Samples }>(
      memory,
      folder,
      `const errors = [];
       for (const end of ["throw new Error('crash')", 'process.exit(3)', "setImmediate(() => { throw new Error('later') }); return 1"]) {
         const { worker, gone } = start();
         worker.on('error', (error) => errors.push(error.message));
         worker.postMessage("const { counter, gauge } = declare(); for (let n = 0; n < 1000; n++) counter.inc({ k: 'x' }); gauge.set({ k: 'x' }, 9); " + end);
         await gone;
       }
       say({ errors, shown: samples() });`,
    );
    expect(errors).toEqual(['crash', 'later']);
    expect(shown['c{k="x"}']).toBe(3000);
    expect(shown['g{k="x"}'] ?? 0).toBe(0);
  });
});

describe('scrapes', () => {
  it('go on while workers start and end: no count goes down, none is lost', async () => {
    const { down, wrong, shown } = await inChild<{ down: number; wrong: number; shown: number }>(
      'file',
      folder,
      `declare();
       let last = 0, down = 0, wrong = 0, running = true;
       const scraping = (async () => { while (running) {
         const text = await metrics.metrics();
         const value = Number(/^c\\{k="x"\\} (.*)$/m.exec(text)?.[1] ?? 0);
         if (value < last) down++;
         if (!Number.isInteger(value)) wrong++;
         last = value;
       } })();
       const body = "const { counter } = declare(); const h = counter.labels('x'); for (let n = 0; n < 20_000; n++) h.inc(); for (let n = 0; n < 50; n++) counter.inc({ k: 'w' + n }); return 1";
       for (let round = 0; round < 5; round++) await Promise.all(Array.from({ length: 4 }, () => start().end(body)));
       running = false;
       await scraping;
       say({ down, wrong, shown: samples()['c{k="x"}'] });`,
    );
    expect({ down, wrong, shown }).toEqual({ down: 0, wrong: 0, shown: 20 * 20_000 });
  });

  it('survive sixty workers that are terminated in the middle of their own', async () => {
    const { terminated, shown, panics } = await inChild<{ terminated: number; shown: number; panics: string }>(
      'file',
      folder,
      `const { counter } = declare();
       for (let n = 0; n < 500; n++) counter.inc({ k: 'm' + n });
       let terminated = 0;
       for (let round = 0; round < 15; round++) {
         const four = Array.from({ length: 4 }, start);
         await Promise.all(four.map(({ ask }) => ask("const { counter } = declare(); counter.inc({ k: 'x' }); parentPort.postMessage(1); for (;;) { metrics.formatPrometheus(); void metrics.metrics(); if (Math.random() < 0.1) await new Promise(setImmediate); }")));
         await Promise.all(four.map(async ({ worker, gone }) => { await worker.terminate(); await gone; terminated++; }));
       }
       const self = native.renderSync([native.openRegistry('kymo')], 0, false);
       say({ terminated, shown: samples()['c{k="x"}'], panics: /^kymo_panics_total.*$/m.exec(self)?.[0] ?? 'none' });`,
    );
    expect({ terminated, shown }).toEqual({ terminated: 60, shown: 60 });
    expect(['none', 'kymo_panics_total 0']).toContain(panics);
  });
});

describe('segments', () => {
  it('are taken over by the next thread: a hundred workers one after another need no more than a few', async () => {
    const { early, late, shown } = await inChild<{ early: number; late: number; shown: number }>(
      'file',
      folder,
      `let early;
       for (let n = 0; n < 100; n++) {
         await start().end("const { counter } = declare(); for (let n = 0; n < 50; n++) counter.inc({ k: 'k' + n }); return 1");
         if (n === 4) early = await bytes();
       }
       say({ early, late: await bytes(), shown: Object.values(samples()).reduce((a, b) => a + b, 0) });`,
    );
    expect(late).toBe(early);
    expect(shown).toBe(5000);
  });
});

describe.each(['the main thread', 'a worker'])('a cell that %s writes while native threads read it without pause', (thread) => {
  it('is never torn, never goes down, and ends at the exact sum', async () => {
    // What the design rests on, and what no standard promises: plain stores into memory that other threads read.
    const told = await inChild<{ reads: number; seen: number; down: number; torn: number; last: number; expected: number }>(
      'file',
      folder,
      `const STEP = 2 ** 20 + 1;
       const write = async (metrics, alive) => {
         const counter = metrics.counter({ name: 'stress', help: 's' });
         const h = counter.labels();
         let n = 0;
         const until = Date.now() + 1500;
         while (Date.now() < until) { for (let k = 0; k < 20_000; k++) { h.inc(${2 ** 20 + 1}); n++; } if (alive) await new Promise(setImmediate); }
         return n;
       };
       let reads = 0, seen = 0, down = 0, torn = 0, last = 0, running = true;
       const read = (async () => {
         while (running) {
           const texts = await Promise.all([metrics.metrics(), metrics.metrics(), metrics.metrics()]);
           const values = texts.map((text) => Number(/^stress (.*)$/m.exec(text)?.[1] ?? 0));
           for (const value of values) if (value % STEP !== 0) torn++;
           if (Math.min(...values) < last) down++;
           if (Math.max(...values) > last) seen++;
           last = Math.max(...values);
           reads += 3;
         }
       })();
       let n;
       if (${JSON.stringify(thread)} === 'a worker') {
         const { end } = start();
         n = await end('return (' + write + ')(metrics, false)');
       } else n = await write(metrics, true);
       running = false;
       await read;
       say({ reads, seen, down, torn, last: samples().stress, expected: n * STEP });`,
    );
    expect(told).toMatchObject({ down: 0, torn: 0, last: told.expected });
    expect(told.reads).toBeGreaterThan(10);
    expect(told.seen).toBeGreaterThan(1);
  });
});
