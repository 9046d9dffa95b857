// Declarations: the last that is accepted and the first that is refused, per rule, and what may not stand beside one another.
import { describe, expect, it } from 'vitest';
import { DEFAULT_BUCKETS, type HistogramOptions, KymoError, MetricsRegistry } from '../../src/index.js';
import { schemaOfFactor } from '../../src/metrics/histogram-options.js';

/** What a snapshot says of the kinds that are not there. */
const NONE = { summaries: {}, infos: {}, stateSets: {} };

/** A factory, for options that its types refuse. */
const factory = (registry: MetricsRegistry, kind: 'counter' | 'gauge' | 'histogram'): ((options: unknown) => unknown) =>
  (registry[kind] as (options: unknown) => unknown).bind(registry);

const declared = (options: Record<string, unknown>, kind: 'counter' | 'gauge' | 'histogram' = 'counter'): string => {
  try {
    factory(new MetricsRegistry(), kind)({ name: 'a', help: '', ...options });
    return 'accepted';
  } catch (error) {
    return KymoError.is(error) ? error.code : String(error);
  }
};

const REFUSED = 'KYMO_METRICS_DECLARATION';

describe('a name', () => {
  it.each(['a', 'A9', '_', ':', 'a:b_c', 'a.b', 'a-b/c', 'größe', 'constructor', '__proto__', 'x'.repeat(512)])('may be %j', (name) => {
    expect(declared({ name })).toBe('accepted');
  });

  it.each([
    '',
    '9a',
    ' a',
    'a b',
    'a\n',
    'a\tb',
    'a\0',
    'a{b',
    'a}',
    'a"b',
    'a\\',
    'a,b',
    'a=b',
    'a#b',
    'x'.repeat(513),
    undefined,
    null,
    1,
    ['a'],
    Symbol('a'),
  ])('may not be %o', (name) => {
    expect(declared({ name })).toBe(REFUSED);
  });

  it('that is refused makes nothing, and the error says which and why', () => {
    const registry = new MetricsRegistry();
    expect(() => registry.gauge({ name: 'a b', help: 'a' })).toThrow(
      'KYMO_METRICS_DECLARATION: the metric a b cannot be declared: its name is not a metric name',
    );
    expect(registry.formatPrometheus()).toBe('');
    expect(registry.get('a b')).toBeUndefined();
  });
});

describe('options', () => {
  it.each([undefined, null, 1, []])('may not be %o', (options) => {
    expect(() => new MetricsRegistry().counter(options as never)).toThrow(expect.objectContaining({ code: REFUSED }));
    expect(() => new MetricsRegistry().histogram(options as never)).toThrow(expect.objectContaining({ code: REFUSED }));
  });

  it('need a help text, which may be empty', () => {
    expect(declared({ help: '' })).toBe('accepted');
    for (const help of [undefined, null, 1, {}]) expect(declared({ help })).toBe(REFUSED);
  });

  it('know two policies for missing labels, and five ways to add threads up', () => {
    for (const missingLabels of ['throw', 'empty', undefined]) expect(declared({ missingLabels })).toBe('accepted');
    for (const missingLabels of ['', 'ignore', null, true]) expect(declared({ missingLabels })).toBe(REFUSED);
    for (const aggregate of ['sum', 'last', 'min', 'max', 'avg', undefined]) expect(declared({ aggregate }, 'gauge')).toBe('accepted');
    for (const aggregate of ['', 'median', null, 1]) expect(declared({ aggregate }, 'gauge')).toBe(REFUSED);
  });
});

describe('label names', () => {
  it.each([
    [[]],
    [['a']],
    [['_a', 'A9_']],
    [['constructor']],
    [['les', 'quantiles']],
    [['9a']],
    [['a-b', 'a_c']],
    [['http.route', 'x:y', 'a"b', 'c\\', 'd\n', 'e,f', '\u2028']],
    [['😀']],
    [['x'.repeat(512)]],
    [Array.from({ length: 64 }, (_, n) => `l${n}`)],
  ])('may be %j', (labelNames) => {
    expect(declared({ labelNames })).toBe('accepted');
    expect(declared({ labelNames }, 'histogram')).toBe('accepted');
  });

  it.each([
    [['']],
    [['\ud800']],
    [['x'.repeat(513)]],
    [['__a']],
    [['__proto__']],
    [['.-a']],
    [['._a']],
    [['le']],
    [['a', 'quantile']],
    [['otel_metric_overflow']],
    [['a', 'b', 'a']],
    [['a.b', 'a_b']],
    [['1a', '_a']],
    [[1]],
    [[undefined]],
    [[['a']]],
    ['a'],
    [null],
    [{ 0: 'a', length: 1 }],
    [Array.from({ length: 65 }, (_, n) => `l${n}`)],
  ])('may not be %j', (labelNames) => {
    expect(declared({ labelNames })).toBe(REFUSED);
  });

  it('are taken as they were: changing the array afterwards changes nothing', () => {
    const labelNames = ['a'];
    const registry = new MetricsRegistry();
    const counter = registry.counter({ name: 'c_total', help: 'c', labelNames });
    labelNames[0] = 'b';
    counter.inc({ a: '1' });
    expect(counter.labelNames).toEqual(['a']);
    expect(registry.snapshot().counters).toEqual({ 'c_total{a="1"}': 1 });
  });
});

describe('buckets', () => {
  it.each([
    [[0]],
    [[-1, 0, 1]],
    [[1, 1 + Number.EPSILON]],
    [[-Number.MAX_VALUE, Number.MAX_VALUE]],
    [[1, Infinity]],
    [Array.from({ length: 1000 }, (_, n) => n)],
    [[...Array.from({ length: 1000 }, (_, n) => n), Infinity]],
  ])('may be %j', (buckets) => {
    expect(declared({ buckets }, 'histogram')).toBe('accepted');
  });

  it.each([
    [[-Infinity, 0]],
    [[Number.NaN]],
    [[1, Number.NaN, 2]],
    [['1']],
    [[1n]],
    [[undefined]],
    ['1'],
    [true],
    [{ length: 1 }],
    [new Float64Array([1])],
    [Array.from({ length: 1001 }, (_, n) => n)],
  ])('may not be %o', (buckets) => {
    expect(declared({ buckets }, 'histogram')).toBe(REFUSED);
  });

  it.each([
    [undefined, DEFAULT_BUCKETS],
    [null, DEFAULT_BUCKETS],
    [[], DEFAULT_BUCKETS],
    [[Infinity], DEFAULT_BUCKETS],
    [
      [2, 1],
      [1, 2],
    ],
    [
      [10, 9, 1, 10, Infinity, 9],
      [1, 9, 10],
    ],
    [[0, -0], [0]],
  ])('of %j are put in order, each once; none are the default ones [A-062]', (buckets, expected) => {
    const options = { name: 'h', help: 'h', buckets } as HistogramOptions;
    const histogram = new MetricsRegistry().histogram(options);
    expect(histogram.buckets).toEqual(expected);
    expect(histogram.buckets).not.toBe(buckets);
    expect([...histogram.getBucketCounts().values()], 'all of them begin at 0').toEqual(new Array(expected.length + 1).fill(0));
  });
});

describe('native buckets', () => {
  const native = (options: unknown, buckets?: unknown): string => declared({ native: options, buckets }, 'histogram');

  it.each([
    [true],
    [false],
    [undefined],
    [{}],
    [{ factor: 1 + Number.EPSILON }],
    [{ factor: Number.MAX_VALUE }],
    [{ schema: -4 }],
    [{ schema: 8 }],
    [{ zeroThreshold: 0 }],
    [{ maxBuckets: 8, minResetMs: 0, maxZeroThreshold: 0 }],
    [{ maxBuckets: 1000, minResetMs: Number.MAX_SAFE_INTEGER, maxZeroThreshold: Number.MAX_VALUE }],
    [{ factor: undefined, schema: undefined, maxBuckets: undefined }],
  ])('may be %o', (options) => {
    expect(native(options)).toBe('accepted');
  });

  it.each([
    [null],
    [1],
    ['yes'],
    [{ factor: 1 }],
    [{ factor: Infinity }],
    [{ factor: '1.1' }],
    [{ factor: 1.1, schema: 3 }],
    [{ schema: -5 }],
    [{ schema: 9 }],
    [{ schema: 0.5 }],
    [{ zeroThreshold: -1 }],
    [{ zeroThreshold: Infinity }],
    [{ maxBuckets: 7 }],
    [{ maxBuckets: 1001 }],
    [{ maxBuckets: 8.5 }],
    [{ minResetMs: -1 }],
    [{ minResetMs: 0.5 }],
    [{ maxZeroThreshold: Number.NaN }],
    [{ maxBucket: 8 }],
  ])('may not be %o', (options) => {
    expect(native(options)).toBe(REFUSED);
  });

  it('stand beside classic ones, unless those are declined', () => {
    const buckets = (options: object): readonly number[] => new MetricsRegistry().histogram({ name: 'h', help: 'h', ...options }).buckets;
    expect(buckets({ native: true })).toEqual(DEFAULT_BUCKETS);
    expect(buckets({ native: true, buckets: [1] })).toEqual([1]);
    expect(buckets({ native: true, buckets: [] })).toEqual([]);
    expect(buckets({ native: true, buckets: false })).toEqual([]);
    expect(native(false, false), 'a histogram has buckets').toBe(REFUSED);
  });

  it.each([
    [1.1, 3],
    [1.09, 4],
    [2, 0],
    [4, -1],
    [1.00271, 8],
    [1.000_01, 8],
    [1e9, -4],
  ])('growing by at most a factor of %s have schema %i (rule 20)', (factor, schema) => {
    expect(schemaOfFactor(factor)).toBe(schema);
  });
});

describe('declaring a name again', () => {
  it('gives the same object for the same declaration', () => {
    const registry = new MetricsRegistry();
    const options = { name: 'a', help: 'a', labelNames: ['x', 'y'] as const };
    expect(registry.counter(options)).toBe(registry.counter({ ...options, labelNames: ['x', 'y'], missingLabels: 'throw' }));
    expect(registry.gauge({ name: 'g', help: 'g' })).toBe(registry.gauge({ name: 'g', help: 'g', aggregate: 'sum' }));
    const buckets = [1, 2];
    expect(registry.histogram({ name: 'h', help: 'h', buckets })).toBe(
      registry.histogram({ name: 'h', help: 'h', buckets: [1, 2, Infinity] }),
    );
    expect(registry.get('a')).toBe(registry.counter(options));
  });

  it('[A-045] with another description gives the same object, and the first description stays', () => {
    const registry = new MetricsRegistry();
    const counter = registry.counter({ name: 'a', help: 'first' });
    expect(registry.counter({ name: 'a', help: 'second' })).toBe(counter);
    expect(registry.counter('a', 'third')).toBe(counter);
    expect(counter.help).toBe('first');
    expect(registry.formatPrometheus()).toContain('# HELP a first\n');
  });

  it.each<[string, Record<string, unknown>, 'counter' | 'gauge' | 'histogram']>([
    ['another kind', {}, 'gauge'],
    ['a histogram', {}, 'histogram'],
    ['other labels', { labelNames: ['x', 'z'] }, 'counter'],
    ['labels in another order', { labelNames: ['y', 'x'] }, 'counter'],
    ['fewer labels', { labelNames: ['x'] }, 'counter'],
    ['another policy for missing labels', { missingLabels: 'empty' }, 'counter'],
  ])('with %s is a conflict, and the first stays as it was', (_, options, kind) => {
    const registry = new MetricsRegistry();
    const first = { name: 'a', help: 'a', labelNames: ['x', 'y'] };
    const counter = registry.counter(first);
    counter.inc({ x: '1', y: '2' });
    expect(() => factory(registry, kind)({ ...first, ...options })).toThrow(expect.objectContaining({ code: 'KYMO_METRICS_CONFLICT' }));
    expect(registry.counter(first)).toBe(counter);
    expect(registry.snapshot().counters).toEqual({ 'a{x="1",y="2"}': 1 });
  });

  it('with other buckets, or another way to add threads up, is a conflict', () => {
    const registry = new MetricsRegistry();
    registry.histogram({ name: 'h', help: 'h', buckets: [1, 2] });
    for (const buckets of [[1], [1, 3], [1, 2, 3]]) {
      expect(() => registry.histogram({ name: 'h', help: 'h', buckets })).toThrow(
        expect.objectContaining({ code: 'KYMO_METRICS_CONFLICT' }),
      );
    }
    registry.gauge({ name: 'g', help: 'g' });
    expect(() => registry.gauge({ name: 'g', help: 'g', aggregate: 'last' })).toThrow(
      expect.objectContaining({ code: 'KYMO_METRICS_CONFLICT' }),
    );
  });

  it('is free after it was unregistered or cleared, for anything', () => {
    const registry = new MetricsRegistry();
    const first = registry.counter({ name: 'a', help: 'a' });
    registry.unregister('a');
    const second = registry.histogram({ name: 'a', help: 'b', buckets: [1] });
    registry.clear();
    const third = registry.counter({ name: 'a', help: 'a' });
    expect(new Set<unknown>([first, second, third]).size).toBe(3);
    expect(registry.snapshot()).toEqual({ counters: { a: 0 }, gauges: {}, histograms: {}, ...NONE });
  });
});

describe('names that become one in a scrape', () => {
  it.each([
    ['a histogram', 'its count', 'x', 'x_count'],
    ['a histogram', 'its sum', 'x', 'x_sum'],
    ['a histogram', 'its buckets', 'x', 'x_bucket'],
  ])('of %s and %s are a conflict, whichever is first', (_, __, histogram, other) => {
    const conflict = expect.objectContaining({ code: 'KYMO_METRICS_CONFLICT' });
    const before = new MetricsRegistry();
    before.histogram({ name: histogram, help: 'h' });
    expect(() => before.counter({ name: other, help: 'c' })).toThrow(conflict);
    expect(() => before.gauge({ name: other, help: 'c' })).toThrow(conflict);
    const after = new MetricsRegistry();
    after.gauge({ name: other, help: 'c' });
    expect(() => after.histogram({ name: histogram, help: 'h' })).toThrow(conflict);
    expect(Object.keys(after.snapshot().histograms)).toEqual([]);
  });

  it.each([
    ['a.b', 'a_b'],
    ['a-b', 'a.b'],
    ['größe', 'gr__e'],
    ['h.x', 'h_x'],
  ])('such as %s and %s are a conflict', (one, other) => {
    const registry = new MetricsRegistry();
    registry.gauge({ name: one, help: 'a' });
    expect(() => registry.gauge({ name: other, help: 'a' })).toThrow(expect.objectContaining({ code: 'KYMO_METRICS_CONFLICT' }));
    expect(registry.gauge({ name: one, help: 'a' })).toBe(registry.get(one));
  });

  it('are no conflict in different registries', () => {
    const [one, other] = [new MetricsRegistry(), new MetricsRegistry()];
    one.counter({ name: 'a', help: 'a' });
    other.gauge({ name: 'a', help: 'b', labelNames: ['x'] });
    expect(one.snapshot().counters).toEqual({ a: 0 });
  });
});
