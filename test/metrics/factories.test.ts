// The ways to ask a registry for a metric: which of them declare, which record, and what asking again gives.
import { describe, expect, it } from 'vitest';
import { Counter, Gauge, Histogram, InvalidMetricError, MetricsCollector, MetricsRegistry, Summary } from '../../src/index.js';

const conflict = expect.objectContaining({ code: 'KYMO_METRICS_CONFLICT' });

describe('a registry under its second name', () => {
  it('[A-096 A-044 L-091] is the same class, made without arguments, each apart', () => {
    expect(MetricsCollector).toBe(MetricsRegistry);
    const [one, other] = [new MetricsCollector(), new MetricsCollector()];
    one.counter('a').inc();
    expect(one.getAllMetrics().size).toBe(1);
    expect(other.getAllMetrics().size).toBe(0);
  });
});

describe('a factory', () => {
  it('[A-045 H-29] gives a counter of a name, made when it is asked for first', () => {
    const registry = new MetricsRegistry();
    const counter = registry.counter('jobs_total', 'Jobs done', ['queue']);
    expect(counter).toBeInstanceOf(Counter);
    expect([counter.name, counter.help, counter.description, counter.labelNames]).toEqual([
      'jobs_total',
      'Jobs done',
      'Jobs done',
      ['queue'],
    ]);
    expect(registry.counter('jobs_total', 'Other words')).toBe(counter);
    expect(registry.counter('jobs_total')).toBe(counter);
    expect(registry.counter('jobs_total', 'Jobs done', ['queue'])).toBe(counter);
    expect(counter.help).toBe('Jobs done');
  });

  it('[A-046 H-30] gives a histogram, with the buckets of the first call', () => {
    const registry = new MetricsRegistry();
    const plain = registry.histogram('a_seconds', 'A', [1, 2]);
    expect(plain).toBeInstanceOf(Histogram);
    expect(registry.histogram('a_seconds', 'A', [5])).toBe(plain);
    const labelled = registry.histogram('b_seconds', 'B', ['route'], [1, 2, 3]);
    expect(labelled.labelNames).toEqual(['route']);
    plain.observe(1.5);
    labelled.observe({ route: '/' }, 2.5);
    expect(registry.snapshot().histograms).toEqual({
      a_seconds: { count: 1, sum: 1.5, buckets: { 1: 0, 2: 1, '+Inf': 0 } },
      'b_seconds{route="/"}': { count: 1, sum: 2.5, buckets: { 1: 0, 2: 0, 3: 1, '+Inf': 0 } },
    });
    const keys = (name: string): string[] => Object.keys(registry.snapshot().histograms[name]?.buckets ?? {});
    registry.histogram('c_seconds', 'C', []);
    registry.histogram('d_seconds', 'D');
    expect(keys('c_seconds')).toEqual(keys('d_seconds'));
    expect(keys('c_seconds').length).toBe(12);
  });

  it('[A-047 H-31] gives a gauge', () => {
    const registry = new MetricsRegistry();
    const gauge = registry.gauge('depth', 'Depth', ['queue']);
    expect(gauge).toBeInstanceOf(Gauge);
    expect(registry.gauge('depth')).toBe(gauge);
    gauge.set({ queue: 'a' }, 3);
    expect(registry.snapshot().gauges).toEqual({ 'depth{queue="a"}': 3 });
  });

  it('[H-33] declares no labels unless it is told to, and shares no list between calls', () => {
    const registry = new MetricsRegistry();
    const names: string[] = ['x'];
    const first = registry.counter('a', 'A', names);
    names.push('y');
    const second = registry.counter('b', 'B');
    expect([first.labelNames, second.labelNames]).toEqual([['x'], []]);
    expect(() => (second.labelNames as string[]).push('z')).toThrow(TypeError);
    expect(registry.counter('c', 'C').labelNames).toEqual([]);
  });

  it('takes options behind a name, and labels in place of a description', () => {
    const registry = new MetricsRegistry();
    const histogram = registry.histogram('took_ms', { description: 'Time', labelNames: ['a'], buckets: [1] });
    expect([histogram.help, histogram.labelNames]).toEqual(['Time', ['a']]);
    const counter = registry.counter('a', ['x', 'y']);
    expect([counter.help, counter.labelNames]).toEqual(['', ['x', 'y']]);
    const summary = registry.summary('s', 'S', ['a']);
    expect(summary).toBeInstanceOf(Summary);
    expect(registry.info('build', 'B', ['version']).labelNames).toEqual(['version']);
    expect(registry.stateSet('mode', { states: ['on', 'off'] }).name).toBe('mode');
  });

  it('[L-084 L-093 L-094 L-095 L-096] has a form that never records, where an object behind the description gives labels and their defaults', () => {
    const registry = new MetricsRegistry();
    const counter = registry.createCounter('a', 'A', { region: 'eu', zone: '1' });
    counter.inc({ region: 'us' });
    counter.inc();
    const gauge = registry.createGauge('b', 'B', { region: 'eu' });
    gauge.set(2);
    registry.createHistogram('c', 'C', ['x'], [1]).observe({ x: 1 }, 0.5);
    const summary = registry.createSummary('d', 'D');
    expect(summary).toBeInstanceOf(Summary);
    expect(registry.snapshot()).toMatchObject({
      counters: { 'a{region="us",zone="1"}': 1, 'a{region="eu",zone="1"}': 1 },
      gauges: { 'b{region="eu"}': 2 },
      histograms: { 'c{x="1"}': { count: 1 } },
    });
    expect([...registry.getAllMetrics().keys()]).toEqual(['a', 'b', 'c', 'd']);
  });

  it('[H-32 A-048] refuses a name that is another type, or has other labels', () => {
    const registry = new MetricsRegistry();
    const counter = registry.counter('a', 'A', ['x']);
    expect(() => registry.gauge('a')).toThrow(conflict);
    expect(() => registry.histogram('a')).toThrow(conflict);
    expect(() => registry.counter('a', 'A', ['y'])).toThrow(conflict);
    expect(() => registry.counter('a', 'A', [])).toThrow(conflict);
    expect(() => registry.gauge('a', 1)).toThrow(InvalidMetricError);
    expect(registry.counter('a', 'A', ['x'])).toBe(counter);
  });

  it('[H-32] makes metrics that refuse labels which were not declared, or are missing', () => {
    const counter = new MetricsRegistry().counter('a', 'A', ['x']);
    expect(() => counter.inc({ y: '1' } as never)).toThrow(InvalidMetricError);
    expect(() => counter.inc({} as never)).toThrow(InvalidMetricError);
    expect(() => counter.labels({ x: '1', y: '1' } as never)).toThrow(InvalidMetricError);
    counter.labels({ x: '1' }).inc();
    expect(counter.getValue({ x: '1' })).toBe(1);
  });

  it.each<[string, (registry: MetricsRegistry) => unknown]>([
    ['an empty name', (registry) => registry.counter('')],
    ['a reserved label', (registry) => registry.counter('a', 'A', ['le'])],
    ['a bucket that is no number', (registry) => registry.histogram('a', 'A', [1, Number.NaN])],
    ['labels that are none', (registry) => registry.counter('a', 'A', 'x' as never)],
    ['a description that is none', (registry) => registry.counter('a', true as never)],
    ['a name that is none', (registry) => registry.counter(1 as never)],
    ['a state set without states', (registry) => registry.stateSet('a', {} as never)],
  ])('[L-097] refuses %s with an InvalidMetricError', (_, ask) => {
    const registry = new MetricsRegistry();
    expect(() => ask(registry)).toThrow(InvalidMetricError);
    expect(registry.getAllMetrics().size).toBe(0);
  });
});

describe('a number behind the name', () => {
  it('[L-101] adds to a counter, made on first use', () => {
    const registry = new MetricsRegistry();
    registry.increment('jobs');
    registry.increment('jobs', 2);
    registry.counter('jobs', 3);
    registry.inc('labelled', 1, { queue: 'a' });
    registry.increment('labelled', 2, { queue: 'b' });
    registry.counter('labelled', 4, { queue: 'b' });
    expect(registry.snapshot().counters).toEqual({ jobs: 6, 'labelled{queue="a"}': 1, 'labelled{queue="b"}': 6 });
    expect(() => registry.counter('jobs', -1)).toThrow(InvalidMetricError);
    expect(() => registry.increment('labelled', 1, { other: 'a' })).toThrow(InvalidMetricError);
    expect(() => registry.increment('labelled', 1)).toThrow(InvalidMetricError);
    expect(() => registry.increment('jobs', 1, { queue: 'a' })).toThrow(InvalidMetricError);
  });

  it('[L-102] sets a gauge', () => {
    const registry = new MetricsRegistry();
    registry.gauge('depth', 3);
    registry.setGauge('depth', 4);
    registry.gauge('heat', Number.NaN);
    registry.gauge('labelled', 5, { queue: 'a' });
    registry.setGauge('labelled', 6, { queue: 'b' });
    expect(registry.snapshot().gauges).toEqual({ depth: 4, heat: Number.NaN, 'labelled{queue="a"}': 5, 'labelled{queue="b"}': 6 });
  });

  it('[L-103] observes in a histogram, or in the summary that there is', () => {
    const registry = new MetricsRegistry({ histogramBuckets: [1, 2] });
    registry.histogram('took', 1.5);
    registry.observe('took', 0.5);
    registry.observe('labelled', 3, { route: '/' });
    registry.createSummary('waited');
    registry.observe('waited', 7);
    registry.summary('waited', 8);
    registry.summary('paused', 9, { why: 'gc' });
    const { histograms, summaries } = registry.snapshot();
    expect(histograms).toEqual({
      took: { count: 2, sum: 2, buckets: { 1: 1, 2: 1, '+Inf': 0 } },
      'labelled{route="/"}': { count: 1, sum: 3, buckets: { 1: 0, 2: 0, '+Inf': 1 } },
    });
    expect(summaries).toMatchObject({ waited: { count: 2, sum: 15 }, 'paused{why="gc"}': { count: 1, sum: 9 } });
  });
});

describe('tags', () => {
  it('may be none in any way, and any names that labels may have', () => {
    const registry = new MetricsRegistry();
    registry.inc('a', 1, null as never);
    registry.inc('a', 1, {});
    registry.setGauge('b', 2, null as never);
    registry.observe('c', 3, {});
    registry.inc('d', 1, { constructor: 'x', toString: 1 });
    registry.inc('d', 1, { toString: 1, constructor: 'x' });
    expect(registry.snapshot()).toMatchObject({
      counters: { a: 2, 'd{constructor="x",toString="1"}': 2 },
      gauges: { b: 2 },
      histograms: { c: { count: 1, sum: 3 } },
    });
  });

  it.each([{ le: 1 }, { __a: 1 }, { '': 1 }])('may not be %j, and nothing is made then', (tags) => {
    const registry = new MetricsRegistry();
    expect(() => registry.inc('a', 1, tags as never)).toThrow(InvalidMetricError);
    expect(registry.getAllMetrics().size).toBe(0);
    expect(registry.formatPrometheus()).toBe('');
  });
});

describe('instruments of a registry', () => {
  it('[L-098] are found by name, and what is not there is no error', () => {
    const registry = new MetricsRegistry();
    const counter = registry.counter('a');
    expect(registry.getMetric('a')).toBe(counter);
    expect(registry.getMetric('b')).toBeUndefined();
    expect(registry.requireMetric('a')).toBe(counter);
    expect(() => registry.requireMetric('b')).toThrow(expect.objectContaining({ code: 'KYMO_METRICS_NOT_FOUND' }));
  });

  it('[L-099] are given as a copy of the map', () => {
    const registry = new MetricsRegistry();
    const counter = registry.counter('a');
    const all = registry.getAllMetrics();
    expect([...all]).toEqual([['a', counter]]);
    all.clear();
    registry.counter('b');
    expect([...registry.getAllMetrics().keys()]).toEqual(['a', 'b']);
  });

  it('[L-100] are all gone when it is cleared', () => {
    const registry = new MetricsRegistry();
    registry.counter('a').inc();
    registry.gauge('b', 1);
    registry.clear();
    expect(registry.getAllMetrics().size).toBe(0);
    expect(registry.formatPrometheus()).toBe('');
    registry.counter('b').inc(2);
    expect(registry.snapshot().counters).toEqual({ b: 2 });
  });

  it('[L-092] can join, with what they recorded; again is nothing, another of that name an error', () => {
    const registry = new MetricsRegistry();
    const counter = new Counter({ name: 'jobs_total', description: 'Jobs' });
    counter.inc(3);
    registry.register(counter);
    registry.register(counter);
    expect(registry.getMetric('jobs_total')).toBe(counter);
    expect(registry.snapshot().counters).toEqual({ jobs_total: 3 });
    expect(() => registry.register(new Counter({ name: 'jobs_total' }))).toThrow(conflict);
    expect(() => registry.register(new Gauge({ name: 'jobs_total' }))).toThrow(InvalidMetricError);
    for (const none of [{}, { name: 'a' }]) expect(() => registry.register(none)).toThrow(InvalidMetricError);
    counter.inc();
    expect(registry.snapshot().counters).toEqual({ jobs_total: 4 });
    const other = new MetricsRegistry();
    other.register(counter);
    registry.unregister('jobs_total');
    counter.inc();
    expect(registry.snapshot().counters).toEqual({});
    expect(other.snapshot().counters).toEqual({ jobs_total: 5 });
  });
});
