// Summaries: what is counted exactly, what is estimated and how well, what ages, and what a scrape says.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MetricsRegistry, Summary } from '../../src/index.js';
import { memoryFolder, removeFolder } from '../recorder/processes.js';
import { dropsOf, scrape } from './scrape.js';
import { inChild, MEMORIES } from './thread-script.js';

const BAD: readonly [string, unknown, string][] = [
  ['NaN', Number.NaN, 'not_finite'],
  ['Infinity', Infinity, 'not_finite'],
  ['-Infinity', -Infinity, 'not_finite'],
  ['a string', '1', 'not_a_number'],
  ['undefined', undefined, 'not_a_number'],
  ['a bigint', 1n, 'not_a_number'],
];

function made(options: object = {}) {
  const registry = new MetricsRegistry();
  return { registry, summary: registry.summary({ name: 's', help: 'S', labelNames: ['k'], ...options }) };
}

/** The value of rank ⌈q·n⌉. */
function exact(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(1, Math.ceil(q * sorted.length - 1e-9)) - 1] as number;
}

describe('a summary', () => {
  it('is made with or without a registry, with name, description and quantiles to read [L-077 L-078]', () => {
    const alone = new Summary({ name: 'alone_seconds', description: 'Alone', labels: { k: 'x' }, quantiles: [0.5] });
    expect([alone.name, alone.description, alone.help, alone.quantiles]).toEqual(['alone_seconds', 'Alone', 'Alone', [0.5]]);
    alone.observe(2);
    expect(alone.count).toBe(1);
    const registry = new MetricsRegistry();
    registry.register(alone);
    expect(scrape(registry)).toEqual({
      'alone_seconds{k="x",quantile="0.5"}': 2,
      'alone_seconds_sum{k="x"}': 2,
      'alone_seconds_count{k="x"}': 1,
    });
    const declared = registry.summary({ name: 's', help: 'S' });
    expect(declared.quantiles).toEqual([0.5, 0.9, 0.95, 0.99]);
    expect(registry.summary({ name: 's', help: 'S' })).toBe(declared);
  });

  it('observes a value, with labels before or behind it, under both names [L-079 L-080]', () => {
    const { registry, summary } = made();
    summary.observe({ k: 'a' }, 1);
    summary.observe(2, { k: 'a' });
    summary.record(4, { k: 'a' });
    summary.labels('a').observe(8);
    summary.labels({ k: 'b' }).observe(0);
    const plain = registry.summary({ name: 'p', help: 'P' });
    plain.observe(-16);
    plain.record(32);
    expect([summary.getCount({ k: 'a' }), summary.getSum({ k: 'a' })]).toEqual([4, 15]);
    expect([summary.count, summary.sum]).toEqual([5, 15]);
    expect([plain.count, plain.sum]).toEqual([2, 16]);
  });

  it.each(BAD)('drops and counts %s in every form of the call', (_, value, reason) => {
    const { registry, summary } = made();
    const plain = registry.summary({ name: 'p', help: 'P' });
    const bound = summary.labels('a');
    const drops = dropsOf(() => {
      plain.observe(value as number);
      summary.observe({ k: 'a' }, value as number);
      summary.record(value as number, { k: 'a' });
      bound.observe(value as number);
    });
    expect(drops).toEqual({ [reason]: 4 });
    expect([summary.count, plain.count]).toEqual([0, 0]);
  });

  it('keeps count and sum exact, and every quantile within the relative error of the nearest rank [L-082]', () => {
    for (const relativeError of [0.05, 0.01, 0.002]) {
      const { summary } = made({ relativeError });
      const bound = summary.labels('a');
      const values = Array.from({ length: 5_000 }, (_, n) => Math.exp(((n * 2_654_435_761) % 9_973) / 700) - 2);
      for (const value of values) bound.observe(value);
      expect(summary.count).toBe(values.length);
      expect(summary.sum).toBeCloseTo(
        values.reduce((sum, value) => sum + value, 0),
        3,
      );
      for (const q of [0, 0.001, 0.07, 0.5, 0.9, 0.95, 0.99, 0.999, 1]) {
        const expected = exact(values, q);
        expect(Math.abs(summary.quantile(q, { k: 'a' }) - expected)).toBeLessThanOrEqual(Math.abs(expected) * relativeError * 1.000001);
      }
    }
  });

  it('tells one value exactly, and the nearest rank of few', () => {
    const { summary } = made();
    summary.observe({ k: 'a' }, 0.1);
    for (const q of [0, 0.5, 1]) expect(summary.quantile(q)).toBe(0.1);
    for (const value of [0.2, 0.3]) summary.observe({ k: 'a' }, value);
    expect(summary.quantile(1 / 3)).toBe(0.1);
    expect(summary.quantile(0.34)).toBeCloseTo(0.2, 2);
    expect(summary.quantile(0.67)).toBe(0.3);
  });

  it('has NaN as quantiles of nothing, in a scrape, too (rule 14) [L-082]', () => {
    const { registry, summary } = made({ quantiles: [0.5, 1] });
    expect(summary.quantile(0.5)).toBeNaN();
    expect(summary.quantile(0.5, { k: 'a' })).toBeNaN();
    summary.labels('a');
    expect(registry.formatPrometheus()).toBe(
      [
        '# HELP s S',
        '# TYPE s summary',
        's{k="a",quantile="0.5"} NaN',
        's{k="a",quantile="1"} NaN',
        's_sum{k="a"} 0',
        's_count{k="a"} 0',
        '',
      ].join('\n'),
    );
  });

  it('takes the quantile of one series, or of all together', () => {
    const { summary } = made();
    for (let n = 1; n <= 300; n++) summary.observe({ k: n <= 200 ? 'a' : 'b' }, n);
    expect(summary.quantile(1, { k: 'a' })).toBe(200);
    expect(summary.quantile(0, { k: 'b' })).toBe(201);
    expect(summary.quantile(1)).toBe(300);
    expect(summary.quantile(0)).toBe(1);
    expect(Math.abs(summary.quantile(0.5) - 150)).toBeLessThanOrEqual(1.5);
    expect(summary.quantile(0.5, { k: 'c' })).toBeNaN();
    expect(() => summary.quantile(0.5, { other: 'x' } as never)).toThrowError(expect.objectContaining({ code: 'KYMO_METRICS_LABELS' }));
  });

  it.each([-0.1, 1.1, Number.NaN, '0.5'])('refuses %s as a quantile', (q) => {
    expect(() => made().summary.quantile(q as number)).toThrowError(expect.objectContaining({ code: 'KYMO_CONFIG_VALUE' }));
  });

  it('forgets observations older than its window, and keeps count and sum', async () => {
    const { summary } = made({ maxAgeMs: 20, ageBuckets: 2 });
    summary.observe({ k: 'a' }, 5);
    while (!Number.isNaN(summary.quantile(0.5))) await sleep(5);
    summary.observe({ k: 'a' }, 6);
    expect([summary.count, summary.sum]).toEqual([2, 11]);
    while (!Number.isNaN(summary.quantile(0.5))) await sleep(5);
    // 128 values hand themselves over, and age as well.
    for (let n = 0; n < 1_000; n++) summary.observe({ k: 'a' }, 7);
    while (!Number.isNaN(summary.quantile(0.5))) await sleep(5);
    expect(summary.count).toBe(1_002);
  });

  it('sets count, sum and window to nothing when it is reset or a series is zeroed or removed [L-083]', () => {
    const { registry, summary } = made({ quantiles: [0.5], keepObservations: 5 });
    const bound = summary.labels('a');
    for (let n = 0; n < 300; n++) bound.observe(7);
    summary.reset();
    expect(summary.getObservations()).toEqual([]);
    expect(scrape(registry)).toEqual({ 's{k="a",quantile="0.5"}': Number.NaN, 's_sum{k="a"}': 0, 's_count{k="a"}': 0 });
    bound.observe(3);
    expect(scrape(registry)).toEqual({ 's{k="a",quantile="0.5"}': 3, 's_sum{k="a"}': 3, 's_count{k="a"}': 1 });
    summary.zero({ k: 'a' });
    expect([summary.count, summary.quantile(0.5)]).toEqual([0, Number.NaN]);
    bound.observe(4);
    summary.labels('a').observe(4);
    expect([summary.count, summary.sum, summary.quantile(1)]).toEqual([2, 8, 4]);
    expect(summary.remove('a')).toBe(true);
    expect(scrape(registry)).toEqual({});
    bound.observe(5);
    expect([summary.count, summary.quantile(0)]).toEqual([1, 5]);
  });

  it('remembers the last observations where it was told to, and only there [L-081]', () => {
    const { summary } = made({ keepObservations: 3 });
    for (let n = 1; n <= 4; n++) summary.observe({ k: 'a' }, n);
    summary.labels('b').observe(5);
    summary.observe({ k: 'a' }, Number.NaN);
    expect(summary.getObservations()).toEqual([3, 4, 5]);
    expect(summary.getMeasurements().map(({ value, labels }) => [value, labels.k])).toEqual([
      [3, 'a'],
      [4, 'a'],
      [5, 'b'],
    ]);
    const { summary: forgetful } = made();
    forgetful.observe({ k: 'a' }, 1);
    expect(forgetful.getObservations()).toEqual([]);
  });

  it('observes what a timer says, with the labels of both calls', () => {
    const { summary } = made();
    const seconds = [summary.startTimer()({ k: 'a' }), summary.startTimer({ k: 'a' })(), summary.labels('a').startTimer()()];
    expect(summary.getCount({ k: 'a' })).toBe(3);
    expect(summary.getSum({ k: 'a' })).toBeCloseTo(
      seconds.reduce((sum, one) => sum + one, 0),
      9,
    );
  });

  it('shows what it is bound to and no memory when it is logged', () => {
    const { summary } = made();
    expect(JSON.stringify([summary, summary.labels('a')])).toBe(
      '[{"name":"s","help":"S","labelNames":["k"]},{"summary":"s","labels":["a"]}]',
    );
  });

  it.each([
    ['quantiles out of range', { quantiles: [0.5, 1.5] }, /1\.5/],
    ['quantiles that do not ascend', { quantiles: [0.9, 0.5] }, /ascend/],
    ['quantiles that are no array', { quantiles: 0.5 }, /quantiles/],
    ['more than 100 quantiles', { quantiles: Array.from({ length: 101 }, (_, n) => n / 100) }, /101/],
    ['a window of no time', { maxAgeMs: 0 }, /maxAgeMs/],
    ['a window in no parts', { ageBuckets: 0 }, /ageBuckets/],
    ['more than 100 parts', { ageBuckets: 101 }, /ageBuckets/],
    ['an error of nothing', { relativeError: 0 }, /relativeError/],
    ['an error of more than a half', { relativeError: 0.51 }, /relativeError/],
    ['the label quantile', { labelNames: ['quantile'] }, /reserved/],
  ])('refuses %s', (_, options, problem) => {
    expect(() => made(options)).toThrowError(
      expect.objectContaining({ code: 'KYMO_METRICS_DECLARATION', message: expect.stringMatching(problem) }),
    );
  });

  it('accepts the limits of its options', () => {
    const limits = { quantiles: Array.from({ length: 100 }, (_, n) => n / 99), maxAgeMs: 1, ageBuckets: 100, relativeError: 0.5 };
    expect(() => made(limits)).not.toThrow();
    expect(() => made({ quantiles: [], relativeError: 0.001 })).not.toThrow();
  });
});

let folder: string;
beforeAll(() => {
  folder = memoryFolder();
});
afterAll(() => removeFolder(folder));

describe.each(MEMORIES)('threads that observe one summary, with memory %s', (memory) => {
  it('are one window, one count and one sum, also after one of them ended [L-082]', async () => {
    const seen = await inChild<{ during: number[]; after: number[]; reset: (number | null)[] }>(
      memory,
      folder,
      `const summary = metrics.summary({ name: 's', help: 's', labelNames: ['k'] });
       const all = () => [summary.count, summary.sum, summary.quantile(0), summary.quantile(0.5), summary.quantile(1)];
       const observe = "const s = metrics.summary({ name: 's', help: 's', labelNames: ['k'] }); for (let n = FROM; n < TO; n++) s.observe({ k: 'x' }, n); ctx.s = s; return 1";
       const [one, two] = [start(), start()];
       await Promise.all([one.ask(observe.replace('FROM', 1).replace('TO', 334)), two.ask(observe.replace('FROM', 334).replace('TO', 667))]);
       for (let n = 667; n <= 1000; n++) summary.observe({ k: 'x' }, n);
       const during = all();
       await one.end();
       const after = all();
       summary.reset();
       await two.ask("ctx.s.observe({ k: 'x' }, 5); return 1");
       const reset = all();
       await two.end();
       say({ during, after, reset });`,
    );
    for (const [count, sum, min, median, max] of [seen.during, seen.after]) {
      expect([count, sum, min, max]).toEqual([1_000, 500_500, 1, 1_000]);
      expect(Math.abs((median as number) - 500)).toBeLessThanOrEqual(5);
    }
    expect(seen.reset).toEqual([1, 5, 5, 5, 5]);
  });

  it('lose no value and take none twice while scrapes go on', async () => {
    const each = 64_000;
    const seen = await inChild<{ scrapes: number; count: number; wrong: string[] }>(
      memory,
      folder,
      `const declared = { name: 's', help: 's' };
       const summary = metrics.summary(declared);
       const observe = "const s = metrics.summary({ name: 's', help: 's' }); for (let n = 0; n < ${each}; n++) s.observe(2 ** (n % 8)); return 1";
       const workers = [start(), start()];
       let done = false;
       const all = Promise.all(workers.map(({ end }) => end(observe))).then(() => { done = true; });
       let scrapes = 0;
       while (!done) { await metrics.metrics(); summary.quantile(0.5); scrapes++; }
       await all;
       // Powers of two lie far apart, so that the first and the last rank of each tell how many there are.
       const wrong = [];
       for (let power = 0; power < 8; power++) {
         const last = (power + 1) * ${each / 4};
         for (const rank of [last - ${each / 4} + 1, last]) {
           const told = summary.quantile(rank / ${each * 2});
           if (Math.abs(told - 2 ** power) > 0.01 * 2 ** power) wrong.push(rank + ': ' + told);
         }
       }
       say({ scrapes, count: summary.count, wrong });`,
    );
    expect(seen).toEqual({ scrapes: expect.any(Number), count: 2 * each, wrong: [] });
    expect(seen.scrapes).toBeGreaterThan(0);
  });
});
