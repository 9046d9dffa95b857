// Classic histograms: which bucket a value falls into, what is dropped, and timers.
import { describe, expect, it, vi } from 'vitest';
import { native } from '../../src/binding/load.js';
import { AGENT_LATENCY_BUCKETS_MS, DEFAULT_BUCKETS, MetricsRegistry } from '../../src/index.js';
import { Histogram } from '../../src/metrics/histogram.js';
import { dropsOf, scrape } from './scrape.js';

function sizes(buckets: readonly number[] = [1, 2, 5]) {
  const registry = new MetricsRegistry();
  const histogram = registry.histogram({ name: 'size', help: 'Sizes', labelNames: ['kind'], buckets });
  return { registry, histogram, read: () => registry.snapshot().histograms['size{kind="a"}'] };
}

/** A generator of numbers in [0, 1) that gives the same ones in each run (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe('a histogram', () => {
  it('counts a value in the first bucket whose bound is not below it: bounds are inclusive', () => {
    const { histogram, read } = sizes([-1, 0, 1]);
    const next = 1 + Number.EPSILON;
    for (const value of [-Number.MAX_VALUE, -1, -1 + Number.EPSILON, -0, 0, Number.MIN_VALUE, 1, next, Number.MAX_VALUE]) {
      histogram.observe({ kind: 'a' }, value);
    }
    expect(read()?.buckets).toEqual({ '-1': 2, 0: 3, 1: 2, '+Inf': 2 });
    expect(read()?.count).toBe(9);
  });

  it('is written cumulatively, with +Inf equal to the count', () => {
    const { registry, histogram } = sizes();
    histogram.observe({ kind: 'a' }, 1);
    histogram.observe(1.5, { kind: 'a' });
    histogram.labels('a').observe(10);
    expect(scrape(registry)).toEqual({
      'size_bucket{kind="a",le="1"}': 1,
      'size_bucket{kind="a",le="2"}': 2,
      'size_bucket{kind="a",le="5"}': 2,
      'size_bucket{kind="a",le="+Inf"}': 3,
      'size_sum{kind="a"}': 12.5,
      'size_count{kind="a"}': 3,
    });
  });

  it.each([1, 2, 23, 24, 25, 26, 64, 1000])('finds the bucket that a naive search finds, with %i buckets', (count) => {
    const random = numbers(count);
    const bounds = [...new Set(Array.from({ length: count }, () => Math.round((random() - 0.5) * 1e6) / 8))].sort((a, b) => a - b);
    const { histogram, read } = sizes(bounds);
    const bound = histogram.labels('a');
    const expected = new Array<number>(bounds.length + 1).fill(0);
    const values = bounds.flatMap((edge) => [edge, edge + 2 ** -8, edge - 2 ** -8]);
    for (let n = 0; n < 2000; n++) values.push((random() - 0.5) * 1.1e5);
    for (const [at, value] of values.entries()) {
      const naive = bounds.findIndex((edge) => value <= edge);
      (expected[naive === -1 ? bounds.length : naive] as number) += 1;
      at % 2 ? bound.observe(value) : histogram.observe({ kind: 'a' }, value);
    }
    const { buckets = {}, count: total, sum } = read() ?? {};
    expect([...bounds.map((edge) => buckets[String(edge)]), buckets['+Inf']]).toEqual(expected);
    expect(total).toBe(values.length);
    expect(sum).toBe(values.reduce((a, b) => a + b, 0));
  });

  it.each([
    ['NaN', Number.NaN, 'not_finite'],
    ['Infinity', Infinity, 'not_finite'],
    ['-Infinity', -Infinity, 'not_finite'],
    ['nothing', undefined, 'not_a_number'],
    ['a string', '1', 'not_a_number'],
    ['null', null, 'not_a_number'],
    ['an array', [1], 'not_a_number'],
  ])('drops and counts %s, neither in a bucket nor in the sum', (_, value, reason) => {
    const { histogram, read } = sizes();
    const bound = histogram.labels('a');
    const drops = dropsOf(() => {
      bound.observe(value as number);
      histogram.observe({ kind: 'a' }, value as number);
      if (typeof value !== 'object' || value === null) histogram.observe(value as never, { kind: 'a' });
    });
    expect(drops).toEqual({ [reason]: typeof value !== 'object' || value === null ? 3 : 2 });
    expect(read()).toEqual({ count: 0, sum: 0, buckets: { 1: 0, 2: 0, 5: 0, '+Inf': 0 } });
  });

  it('has the default buckets of a web request, and an explicit +Inf changes nothing', () => {
    const registry = new MetricsRegistry();
    const plain = registry.histogram({ name: 'a', help: 'a' });
    expect(plain.buckets).toEqual(DEFAULT_BUCKETS);
    const given = registry.histogram({ name: 'b', help: 'b', buckets: [1, Infinity] });
    expect(given.buckets).toEqual([1]);
    expect(registry.histogram({ name: 'b', help: 'b', buckets: [1] })).toBe(given);
    given.observe(2);
    expect(registry.snapshot().histograms.b).toEqual({ count: 1, sum: 2, buckets: { 1: 0, '+Inf': 1 } });
  });

  it('is not changed by changing the array of its bounds', () => {
    const buckets = [1, 2, 5];
    const { histogram, read } = sizes(buckets);
    buckets[0] = 100;
    expect(() => ((histogram.buckets as number[])[0] = 100)).toThrow(TypeError);
    histogram.observe({ kind: 'a' }, 50);
    expect(read()?.buckets).toEqual({ 1: 0, 2: 0, 5: 0, '+Inf': 1 });
  });
});

describe('a timer of a histogram', () => {
  it('observes the seconds that it gives, with the labels of both calls together', () => {
    const registry = new MetricsRegistry();
    const histogram = registry.histogram({ name: 'd', help: 'd', labelNames: ['method', 'status'], buckets: [10] });
    const start: { method: string; status?: string } = { method: 'GET' };
    const end = histogram.startTimer(start);
    start.method = 'changed';
    const result = { status: '200' };
    const seconds = end(result);
    result.status = 'changed';
    const again = end({ method: 'PUT', status: '500' });
    expect(seconds).toBeGreaterThanOrEqual(0);
    expect(again).toBeGreaterThanOrEqual(seconds);
    const { histograms } = registry.snapshot();
    expect(histograms['d{method="GET",status="200"}']).toEqual({ count: 1, sum: seconds, buckets: { 10: 1, '+Inf': 0 } });
    expect(histograms['d{method="PUT",status="500"}']?.sum).toBe(again);
    expect(Object.keys(histograms)).toHaveLength(2);
  });

  it('works without labels and on a bound handle', () => {
    const registry = new MetricsRegistry();
    const plain = registry.histogram({ name: 'd', help: 'd', buckets: [10] });
    const sum = plain.startTimer()() + plain.labels().startTimer()();
    expect(registry.snapshot().histograms.d).toMatchObject({ count: 2, sum });
  });
});

describe('a removed or reset histogram series', () => {
  it('starts from nothing, count and sum together, through handles and labels', () => {
    const { registry, histogram, read } = sizes();
    const bound = histogram.labels('a');
    bound.observe(1.5);
    histogram.reset();
    expect(read()).toEqual({ count: 0, sum: 0, buckets: { 1: 0, 2: 0, 5: 0, '+Inf': 0 } });
    bound.observe(1.5);
    expect(histogram.remove('a')).toBe(true);
    expect(scrape(registry)).toEqual({});
    histogram.labels('b');
    bound.observe(0);
    expect(read()).toEqual({ count: 1, sum: 0, buckets: { 1: 1, 2: 0, 5: 0, '+Inf': 0 } });
    expect(registry.snapshot().histograms['size{kind="b"}']?.count).toBe(0);
  });
});

describe('a histogram of its own', () => {
  it('has the bounds that were given, or those of web requests in seconds; agents have some in milliseconds [A-061 A-062]', () => {
    expect(Histogram.DEFAULT_BUCKETS).toEqual([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]);
    expect(AGENT_LATENCY_BUCKETS_MS).toEqual([1, 5, 10, 25, 50, 100, 250, 500, 1000, 5000, 10_000]);
    expect(Object.isFrozen(Histogram.DEFAULT_BUCKETS) && Object.isFrozen(AGENT_LATENCY_BUCKETS_MS)).toBe(true);
    expect(new Histogram({ name: 'h' }).buckets).toEqual(Histogram.DEFAULT_BUCKETS);
    expect(new Histogram({ name: 'h', buckets: [] }).buckets).toEqual(Histogram.DEFAULT_BUCKETS);
    expect(new Histogram({ name: 'h', buckets: AGENT_LATENCY_BUCKETS_MS }).buckets).toEqual(AGENT_LATENCY_BUCKETS_MS);
  });

  it('is made of a name, a description, default labels and bounds, which do not change [L-070 L-071]', () => {
    const histogram = new Histogram({ name: 'took_seconds', description: 'How long.', labels: { kind: 'x' }, buckets: [1] });
    expect([histogram.name, histogram.description, histogram.buckets]).toEqual(['took_seconds', 'How long.', [1]]);
    expect(Object.isFrozen(histogram.buckets)).toBe(true);
    expect(() => Object.assign(histogram, { description: 'other' })).toThrow(TypeError);
    histogram.observe(0.5);
    expect(histogram.getBucketCounts({ kind: 'x' }).get(1)).toBe(1);
  });

  it('adds one to the count and the value to the sum, and one to the first bound at or above it [A-063]', () => {
    const histogram = new Histogram({ name: 'h', buckets: [1, 2, 5] });
    for (const value of [1, 1.5, 2, 5.5]) histogram.observe(value);
    expect([histogram.count, histogram.sum]).toEqual([4, 10]);
    // Above all bounds it touches no bucket but +Inf's.
    expect([...histogram.getBucketCounts()]).toEqual([
      [1, 1],
      [2, 3],
      [5, 3],
      [Infinity, 4],
    ]);
  });

  it('tells count, sum and cumulative counts by bound, over all series or one; they cannot be set [A-064 L-075]', () => {
    const histogram = new Histogram({ name: 'h', labelNames: ['k'], buckets: [1] });
    histogram.observe({ k: 'a' }, 1);
    histogram.observe({ k: 'b' }, 2);
    expect([histogram.count, histogram.sum]).toEqual([2, 3]);
    const counts = histogram.getBucketCounts();
    expect([...counts]).toEqual([
      [1, 1],
      [Infinity, 2],
    ]);
    expect([...histogram.getBucketCounts({ k: 'b' })]).toEqual([
      [1, 0],
      [Infinity, 1],
    ]);
    counts.clear();
    expect(histogram.getBucketCounts().size, 'a copy').toBe(2);
    for (const name of ['count', 'sum']) expect(() => Object.assign(histogram, { [name]: 0 })).toThrow(TypeError);
  });

  it('records as it observes [L-072 L-073]', () => {
    const histogram = new Histogram({ name: 'h', labelNames: ['k'], buckets: [1] });
    histogram.record(0.5, { k: 'a' });
    histogram.observe(0.5, { k: 'a' });
    expect(histogram.getBucketCounts({ k: 'a' }).get(1)).toBe(2);
    const plain = new Histogram({ name: 'plain', buckets: [1] });
    plain.record(3);
    expect([plain.count, plain.sum]).toEqual([1, 3]);
  });

  it('remembers as many of its last observations as it was told, in order, and counts all [L-074]', () => {
    const histogram = new Histogram({ name: 'h', labelNames: ['k'], buckets: [1], keepObservations: 10_000 });
    const bound = histogram.labels('a');
    for (let n = 0; n < 10_003; n++) n % 2 ? bound.observe(n) : histogram.observe({ k: 'a' }, n);
    bound.observe(Number.NaN);
    const kept = histogram.getObservations();
    expect([kept.length, kept[0], kept.at(-1)]).toEqual([10_000, 3, 10_002]);
    expect(kept.every((value, at) => value === at + 3)).toBe(true);
    expect(histogram.getMeasurements()[0]).toMatchObject({ value: 3, labels: { k: 'a' } });
    expect([histogram.count, histogram.sum]).toEqual([10_003, (10_002 * 10_003) / 2]);
    expect(new Histogram({ name: 'h' }).getObservations(), 'nothing unless told').toEqual([]);
  });

  it('forgets all observations and values when it is reset [L-076]', () => {
    const histogram = new Histogram({ name: 'h', buckets: [1], keepObservations: 5 });
    histogram.observe(0.5);
    histogram.reset();
    expect([histogram.count, histogram.sum, histogram.getObservations()]).toEqual([0, 0, []]);
    expect([...histogram.getBucketCounts().values()]).toEqual([0, 0]);
    histogram.observe(0.5);
    expect([histogram.count, histogram.getObservations()]).toEqual([1, [0.5]]);
  });

  it('estimates quantiles within a bucket: evenly spread in it, and never above the last bound', () => {
    const histogram = new Histogram({ name: 'h', buckets: [1, 2, 4] });
    expect(histogram.quantile(0.5)).toBeNaN();
    for (const value of [1.1, 1.2, 1.3, 1.4]) histogram.observe(value);
    expect([0, 0.25, 0.5, 1].map((q) => histogram.quantile(q))).toEqual([1, 1.25, 1.5, 2]);
    for (const value of [100, 200, 300, 400]) histogram.observe(value);
    expect(histogram.quantile(0.99)).toBe(4);
    for (const q of [-0.1, 1.1, Number.NaN, '0.5' as never]) {
      expect(() => histogram.quantile(q)).toThrow(expect.objectContaining({ code: 'KYMO_CONFIG_VALUE' }));
    }
  });

  it('keeps exemplars that come with an observation', () => {
    const kept: unknown[][] = [];
    const setExemplar = vi.spyOn(native, 'setExemplar').mockImplementation((...given) => kept.push(given));
    const histogram = new Histogram({ name: 'h', labelNames: ['k'], buckets: [1, 2], native: true });
    histogram.labels('a').observe(1.5, { trace_id: 'x' });
    histogram.observe({ k: 'a' }, 5, { trace_id: 'y' });
    histogram.observe(0.5, { k: 'a' }, { trace_id: 'z' });
    histogram.observe(0.5, { k: 'a' });
    setExemplar.mockRestore();
    const buckets = kept.map(([, , , bucket, value, , ...labels]) => [bucket, value, ...labels]);
    const NATIVE = 2 ** 32 - 1;
    expect(buckets).toEqual([
      [1, 1.5, 'trace_id', 'x'],
      [NATIVE, 1.5, 'trace_id', 'x'],
      [2, 5, 'trace_id', 'y'],
      [NATIVE, 5, 'trace_id', 'y'],
      [0, 0.5, 'trace_id', 'z'],
      [NATIVE, 0.5, 'trace_id', 'z'],
    ]);
    expect(histogram.count).toBe(4);
  });
});
