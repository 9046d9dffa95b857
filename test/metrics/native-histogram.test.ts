// Native histograms through the public objects: which bucket each value falls into, judged by exact arithmetic; what becomes of
// too many buckets; and what is read back.
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { native as addon } from '../../src/binding/load.js';
import type { NativeHistogramSnapshot } from '../../src/metrics/bucket-reading.js';
import { idOf } from '../../src/metrics/declared.js';
import { setExemplarSource } from '../../src/metrics/exemplar.js';
import { Histogram } from '../../src/metrics/histogram.js';
import type { NativeHistogramOptions } from '../../src/metrics/histogram-options.js';
import { dropsOf } from './scrape.js';

const SCHEMAS = Array.from({ length: 13 }, (_, at) => at - 4);

function sized(native: boolean | NativeHistogramOptions = true, buckets: readonly number[] | false = false) {
  const histogram = new Histogram({ name: 'size', labelNames: ['kind'], native, buckets });
  return { histogram, read: () => nativeOf(histogram) };
}

/** The native buckets of the only series. */
function nativeOf(histogram: Histogram<string>): NativeHistogramSnapshot {
  const rows = JSON.parse(addon.snapshotMetric(idOf(histogram) as number)) as unknown[][];
  expect(rows).toHaveLength(1);
  return rows[0]?.at(-1) as NativeHistogramSnapshot;
}

/** Numerator and binary exponent of a float over 0: `value = whole * 2 ** exponent`. */
function exactly(value: number): { whole: bigint; exponent: number } {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  const raw = bits.getBigUint64(0);
  const biased = Number(raw >> 52n);
  const mantissa = raw & ((1n << 52n) - 1n);
  return biased === 0 ? { whole: mantissa, exponent: -1074 } : { whole: mantissa | (1n << 52n), exponent: biased - 1075 };
}

/** True when `value <= 2 ** (index * 2 ** -schema)`, in whole numbers. */
function isWithin(value: number, schema: number, index: number): boolean {
  // value ** power <= 2 ** limit
  const power = schema > 0 ? 1n << BigInt(schema) : 1n;
  const limit = schema > 0 ? index : index * 2 ** -schema;
  const { whole, exponent } = exactly(value);
  const shift = limit - exponent * Number(power);
  return shift < 0 ? false : whole ** power <= 1n << BigInt(shift);
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

describe('a native histogram', () => {
  const edges = [Number.MAX_VALUE, 2 ** -1022, 2 ** -1022 - 2 ** -1074, 2 ** -1074, 3 * 2 ** -1074, 2 ** -1050, Math.SQRT2, Math.SQRT1_2];
  const random = numbers(20);
  const near = (value: number): number[] => {
    const view = new DataView(new ArrayBuffer(8));
    view.setFloat64(0, value);
    const bits = view.getBigUint64(0);
    return [bits - 1n, bits, bits + 1n].flatMap((one) => {
      view.setBigUint64(0, one);
      const float = view.getFloat64(0);
      return float > 0 && Number.isFinite(float) ? [float] : [];
    });
  };
  const bounds = [-1074, -1022, -900, -129, -1, 0, 1, 7, 900, 1023].flatMap((exponent) =>
    Array.from({ length: 16 }, () => 2 ** (exponent + Math.floor(random() * 256) / 256)),
  );
  const values = [...edges, ...bounds, ...[-1073, -1022, -3, 0, 5, 1023].map((exponent) => 2 ** exponent)].flatMap(near);

  it.each(SCHEMAS)(
    'puts a value into the bucket that ends at or above it, at schema %i (rule 20)',
    (schema) => {
      for (const sign of [1, -1]) {
        for (const value of values) {
          const { histogram, read } = sized({ schema, zeroThreshold: 0 });
          histogram.labels('a').observe(sign * value);
          const { positive, negative, zeroCount } = read();
          const [bucket, ...others] = sign > 0 ? positive : negative;
          expect([others, sign > 0 ? negative : positive, zeroCount]).toEqual([[], [], 0]);
          const [index, count] = bucket as readonly [number, number];
          expect(count).toBe(1);
          expect(isWithin(value, schema, index), `${value} <= bound ${index}`).toBe(true);
          expect(isWithin(value, schema, index - 1), `${value} > bound ${index - 1}`).toBe(false);
          expect(histogram.remove('a')).toBe(true);
        }
      }
    },
    60_000,
  );

  it('counts as zero what is within the threshold, which is 2^-128 unless declared (rule 20)', () => {
    const { histogram, read } = sized();
    for (const value of [0, -0, 2 ** -128, -(2 ** -128), Number.MIN_VALUE, 2 ** -127, -(2 ** -127)])
      histogram.observe({ kind: 'a' }, value);
    expect(read()).toMatchObject({ schema: 3, zeroThreshold: 2 ** -128, zeroCount: 5, count: 7, sum: 0 });
    expect(2 ** -128).toBe(2.938735877055719e-39);
    const wide = sized({ zeroThreshold: 0.25 });
    for (const value of [0.25, -0.25, 0.25 + 2 ** -54]) wide.histogram.observe({ kind: 'a' }, value);
    expect(wide.read()).toMatchObject({ zeroCount: 2, positive: [[-15, 1]] });
  });

  it('counts by a handle as by labels, and shows a series before its first value', () => {
    const { histogram, read } = sized();
    const bound = histogram.labels('a');
    expect(read()).toMatchObject({ schema: 3, zeroThreshold: 2 ** -128, zeroCount: 0, count: 0, sum: 0, positive: [], negative: [] });
    bound.observe(1);
    histogram.observe({ kind: 'a' }, 1);
    histogram.observe(1, { kind: 'a' });
    histogram.record(1, { kind: 'a' });
    expect(read()).toMatchObject({ count: 4, sum: 4, positive: [[0, 4]] });
    expect(read().startMs).toBeLessThanOrEqual(Date.now());
    expect(read().startMs).toBeGreaterThan(Date.now() - 60_000);
  });

  it('drops what is no finite number, and counts that (rule 13)', () => {
    const { histogram, read } = sized(true, [1]);
    const bad = [Number.NaN, Infinity, -Infinity, '5', undefined, null, 5n] as number[];
    const drops = dropsOf(() => {
      for (const value of bad) {
        histogram.labels('a').observe(value);
        histogram.observe({ kind: 'a' }, value);
      }
    });
    expect(drops).toEqual({ not_finite: 6, not_a_number: 8 });
    expect(read().count).toBe(0);
  });

  it('times', () => {
    const { histogram, read } = sized();
    expect(histogram.labels('a').startTimer()()).toBeGreaterThanOrEqual(0);
    expect(histogram.startTimer()({ kind: 'a' })).toBeGreaterThanOrEqual(0);
    expect(read().count).toBe(2);
  });

  it('beside classic buckets counts each value in both', () => {
    const { histogram, read } = sized({ schema: 0 }, [1, 4]);
    const bound = histogram.labels('a');
    for (const value of [0.5, 1, 3, 9]) bound.observe(value);
    histogram.observe({ kind: 'a' }, 3);
    expect(read()).toMatchObject({
      count: 5,
      sum: 16.5,
      positive: [
        [-1, 1],
        [0, 1],
        [2, 2],
        [4, 1],
      ],
    });
    expect([...histogram.getBucketCounts()]).toEqual([
      [1, 2],
      [4, 4],
      [Infinity, 5],
    ]);
    expect(histogram.buckets).toEqual([1, 4]);
    expect([histogram.count, histogram.sum]).toEqual([5, 16.5]);
  });

  it('agrees with a model that keeps every value, whatever they are', () => {
    const random = numbers(7);
    const { histogram, read } = sized({ schema: 5, maxBuckets: 1000, zeroThreshold: 0.01 });
    const bound = histogram.labels('a');
    const expected = { zero: 0, positive: new Map<number, number>(), negative: new Map<number, number>() };
    for (let n = 0; n < 20_000; n++) {
      const value = (random() < 0.3 ? -1 : 1) * Math.exp(random() * 8 - 6);
      n % 2 ? bound.observe(value) : histogram.observe({ kind: 'a' }, value);
      if (Math.abs(value) <= 0.01) expected.zero++;
      else {
        const side = value < 0 ? expected.negative : expected.positive;
        // No value is so close to a bound that the logarithm would go wrong.
        const index = Math.ceil(Math.log2(Math.abs(value)) * 32);
        side.set(index, (side.get(index) ?? 0) + 1);
      }
    }
    const { zeroCount, positive, negative, count } = read();
    const sorted = (side: Map<number, number>) => [...side].sort(([one], [other]) => one - other);
    expect([zeroCount, positive, negative]).toEqual([expected.zero, sorted(expected.positive), sorted(expected.negative)]);
    expect(count).toBe(20_000);
  });
});

describe('too many buckets', () => {
  const powers = (count: number): number[] => Array.from({ length: count }, (_, exponent) => 2 ** exponent);
  let histogram: Histogram<string>;
  let read: () => NativeHistogramSnapshot;
  const declared = (options: NativeHistogramOptions) => {
    ({ histogram, read } = sized({ schema: 0, maxBuckets: 8, ...options }));
    return histogram.labels('a');
  };
  beforeEach(() => declared({}));

  it('halve the resolution, without losing a count (rule 21)', () => {
    const bound = declared({});
    for (const value of powers(8)) bound.observe(value);
    expect(read()).toMatchObject({ schema: 0, count: 8 });
    expect(read().positive).toHaveLength(8);
    bound.observe(256);
    expect(read()).toMatchObject({
      schema: -1,
      count: 9,
      sum: 511,
      positive: [
        [0, 1],
        [1, 2],
        [2, 2],
        [3, 2],
        [4, 2],
      ],
    });
    // The handle and the labels go on at the new resolution.
    histogram.observe({ kind: 'a' }, 3);
    bound.observe(1000);
    expect(read()).toMatchObject({
      schema: -1,
      count: 11,
      positive: [
        [0, 1],
        [1, 3],
        [2, 2],
        [3, 2],
        [4, 2],
        [5, 1],
      ],
    });
  });

  it('widen the zero bucket first, as far as that is allowed (rule 21)', () => {
    const bound = declared({ maxZeroThreshold: 2 });
    for (const value of [...powers(8), -2]) bound.observe(value);
    expect(read()).toMatchObject({ schema: 0, zeroThreshold: 1, zeroCount: 1, count: 9, negative: [[1, 1]] });
    bound.observe(256);
    expect(read()).toMatchObject({ schema: 0, zeroThreshold: 2, zeroCount: 3, count: 10, negative: [] });
    for (const value of [512, 1024, 2048]) bound.observe(value);
    expect(read()).toMatchObject({ schema: -1, zeroThreshold: 2, count: 13 });
  });

  it('begin the series anew when the last time is long enough ago, classic buckets included (rule 21)', async () => {
    ({ histogram, read } = sized({ schema: 0, maxBuckets: 8, minResetMs: 1 }, [10]));
    const bound = histogram.labels('a');
    for (const value of powers(8)) bound.observe(value);
    const { startMs } = read();
    while (Date.now() <= startMs + 1) await new Promise((done) => setTimeout(done, 1));
    bound.observe(256);
    expect(read()).toMatchObject({ schema: 0, count: 1, sum: 256, positive: [[8, 1]] });
    expect(read().startMs).toBeGreaterThan(startMs);
    expect([...histogram.getBucketCounts()]).toEqual([
      [10, 0],
      [Infinity, 1],
    ]);
  });

  it('never make a series larger than declared, at whatever resolution', () => {
    const bound = declared({ schema: 8 });
    const drops = dropsOf(() => {
      for (let exponent = -1000; exponent < 1024; exponent++) {
        bound.observe(2 ** exponent);
        bound.observe(-(2 ** exponent));
      }
    });
    const { schema, zeroCount, positive, negative, count } = read();
    expect(drops).toEqual({});
    expect(schema).toBe(-4);
    expect(positive.length + negative.length).toBeLessThanOrEqual(8);
    expect([...positive, ...negative].reduce((sum, [, counted]) => sum + counted, zeroCount)).toBe(count);
    expect(count).toBe(2 * 2024);
  });
});

describe('a native series', () => {
  it('that is removed comes back from 0 under a handle that is held', () => {
    const { histogram, read } = sized({ schema: 0, maxBuckets: 8 });
    const bound = histogram.labels('a');
    for (let exponent = 0; exponent < 12; exponent++) bound.observe(2 ** exponent);
    expect(read().schema).toBe(-1);
    expect(histogram.remove('a')).toBe(true);
    expect(addon.snapshotMetric(idOf(histogram) as number)).toBe('[]');
    bound.observe(4);
    expect(read(), 'at the resolution that was declared').toMatchObject({ schema: 0, count: 1, sum: 4, positive: [[2, 1]] });
  });

  it('that is reset is shown with nothing in it [L-076]', () => {
    const { histogram, read } = sized({ schema: 0, maxBuckets: 8 }, [1]);
    for (let exponent = 0; exponent < 12; exponent++) histogram.observe({ kind: 'a' }, 2 ** exponent);
    histogram.reset();
    expect(read()).toMatchObject({ schema: 0, count: 0, sum: 0, positive: [] });
    expect([histogram.count, histogram.sum]).toEqual([0, 0]);
    histogram.observe({ kind: 'a' }, 1);
    expect(read()).toMatchObject({ count: 1, sum: 1 });
  });

  it('can be shown with 0 before anything is observed', () => {
    const { histogram, read } = sized();
    histogram.zero('a');
    expect(read().count).toBe(0);
    histogram.observe({ kind: 'a' }, 1);
    histogram.zero({ kind: 'a' });
    expect(read().count).toBe(0);
  });
});

describe('exemplars of a native histogram', () => {
  it('are asked for once per bucket in an interval, for classic buckets as well where there are some', () => {
    const kept: number[][] = [];
    const setExemplar = vi
      .spyOn(addon, 'setExemplar')
      .mockImplementation((_metric, _segment, _cell, bucket, value) => kept.push([bucket, value]));
    const NATIVE = 2 ** 32 - 1;
    setExemplarSource(() => ({ trace_id: 'x' }), { intervalMs: 1_000_000 });
    try {
      const alone = sized().histogram.labels('a');
      for (const value of [1, 1, 1.5, 0, 0, Number.NaN]) alone.observe(value);
      expect(kept.splice(0)).toEqual([
        [NATIVE, 1],
        [NATIVE, 1.5],
        [NATIVE, 0],
      ]);
      const { histogram } = sized(true, [1, 4]);
      for (const value of [2, 2, 3]) histogram.observe({ kind: 'a' }, value);
      expect(kept.splice(0)).toEqual([
        [1, 2],
        [NATIVE, 2],
        [NATIVE, 3],
      ]);
      expect(histogram.count).toBe(3);
    } finally {
      setExemplarSource(undefined);
      setExemplar.mockRestore();
    }
  });
});

describe('read back', () => {
  it('quantiles are within a bucket of the exact ones', () => {
    const random = numbers(3);
    const { histogram } = sized();
    const bound = histogram.labels('a');
    const values = Array.from({ length: 5000 }, () => Math.exp(random() * 6 - 5) * (random() < 0.1 ? -1 : 1));
    for (const value of values) bound.observe(value);
    values.sort((one, other) => one - other);
    for (const q of [0.001, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1]) {
      const exact = values[Math.max(Math.ceil(q * values.length) - 1, 0)] as number;
      const error = Math.abs(histogram.quantile(q) - exact) / Math.abs(exact);
      expect(error, `q ${q}`).toBeLessThan(2 ** (1 / 8) - 1);
    }
    expect(histogram.quantile(0.5, { kind: 'a' })).toBe(histogram.quantile(0.5));
    expect(histogram.quantile(0.5, { kind: 'b' })).toBeNaN();
  });

  it('series of different resolution are taken together at the coarser one', () => {
    const { histogram } = sized({ schema: 2, maxBuckets: 8 });
    const coarse = histogram.labels('coarse');
    for (let exponent = 0; exponent < 12; exponent++) coarse.observe(2 ** exponent);
    histogram.observe({ kind: 'fine' }, 1.9);
    histogram.observe({ kind: 'fine' }, -1.9);
    expect([...histogram.getBucketCounts({ kind: 'fine' })]).toEqual([
      [-(2 ** 0.75), 1],
      [2, 2],
      [Infinity, 2],
    ]);
    expect([...histogram.getBucketCounts()]).toEqual([
      [-1, 1],
      [1, 2],
      [4, 5],
      [16, 7],
      [64, 9],
      [256, 11],
      [1024, 13],
      [4096, 14],
      [Infinity, 14],
    ]);
    expect(histogram.count).toBe(14);
  });

  it('nothing is nothing', () => {
    const { histogram } = sized();
    expect([...histogram.getBucketCounts()]).toEqual([[Infinity, 0]]);
    expect([histogram.count, histogram.sum, histogram.quantile(0.5)]).toEqual([0, 0, Number.NaN]);
  });
});
