// What a registry is configured with: prefix, default labels, defaults of its declarations, and being switched off.
import { describe, expect, it } from 'vitest';
import { collectDefaultMetrics, DEFAULT_BUCKETS, InvalidMetricError, MetricsRegistry } from '../../src/index.js';
import { scrape } from './scrape.js';

describe('a prefix', () => {
  it('is put in front of each name once, when the metric is made', () => {
    const registry = new MetricsRegistry({ prefix: 'app_' });
    const counter = registry.counter('jobs_total', 'Jobs');
    expect(counter.name).toBe('app_jobs_total');
    expect(registry.counter({ name: 'jobs_total', help: 'Jobs' })).toBe(counter);
    expect(registry.counter(counter.name)).toBe(counter);
    registry.inc('jobs_total', 2);
    registry.inc('app_jobs_total', 2);
    registry.gauge('depth', 1);
    expect(scrape(registry)).toEqual({ app_jobs_total: 4, app_depth: 1 });
    expect(registry.getMetric('jobs_total')).toBe(counter);
    expect(registry.unregister('jobs_total')).toBe(true);
    expect(scrape(registry)).toEqual({ app_depth: 1 });
  });

  it.each(['9a', 'a b', 'a"', 1, null])('may not be %o', (prefix) => {
    expect(() => new MetricsRegistry({ prefix } as never)).toThrow(InvalidMetricError);
  });
});

describe('default labels', () => {
  it('stand in front of each series; a label of the metric itself wins', () => {
    const registry = new MetricsRegistry({ defaultLabels: { region: 'eu', zone: 1 } });
    registry.inc('a');
    registry.counter('b', 'B', ['zone']).inc({ zone: 'own' });
    expect(scrape(registry)).toEqual({ 'a{region="eu",zone="1"}': 1, 'b{region="eu",zone="own"}': 1 });
  });

  it('can be replaced at any time, and are escaped', () => {
    const registry = new MetricsRegistry();
    registry.inc('a');
    registry.setDefaultLabels({ region: 'q"\n' });
    expect(scrape(registry)).toEqual({ 'a{region="q\\"\\n"}': 1 });
    registry.setDefaultLabels({});
    expect(scrape(registry)).toEqual({ a: 1 });
  });

  it.each([{ 'a b': '1' }, { __a: '1' }, { le: '1' }, { quantile: '1' }, { a: undefined }, { a: null }, 'a', null, ['a']])(
    'may not be %j',
    (labels) => {
      const registry = new MetricsRegistry();
      expect(() => new MetricsRegistry({ defaultLabels: labels } as never)).toThrow(InvalidMetricError);
      expect(() => registry.setDefaultLabels(labels as never)).toThrow(InvalidMetricError);
    },
  );
});

describe('what a declaration takes from its registry', () => {
  it('is the policy for missing labels, unless it has its own', () => {
    const registry = new MetricsRegistry({ missingLabels: 'empty' });
    registry.counter('a', 'A', ['x']).inc({} as never);
    registry.inc('b', 1, { x: '1' });
    expect(() => registry.counter({ name: 'c', help: 'C', labelNames: ['x'], missingLabels: 'throw' }).inc({} as never)).toThrow(
      InvalidMetricError,
    );
    expect(registry.snapshot().counters).toEqual({ 'a{x=""}': 1, 'b{x="1"}': 1 });
  });

  it('are its buckets', () => {
    const registry = new MetricsRegistry({ histogramBuckets: [1, 10] });
    registry.histogram('a').observe(5);
    registry.histogram('b', 'B', [3]).observe(5);
    const buckets = (name: string): string[] => Object.keys(registry.snapshot().histograms[name]?.buckets ?? {});
    expect([buckets('a'), buckets('b')]).toEqual([
      ['1', '10', '+Inf'],
      ['3', '+Inf'],
    ]);
    const other = new MetricsRegistry();
    other.histogram('a');
    expect(Object.keys(other.snapshot().histograms.a?.buckets ?? {}).length).toBe(DEFAULT_BUCKETS.length + 1);
  });

  it('is its limit of series', () => {
    const registry = new MetricsRegistry({ maxSeries: 2 });
    for (let n = 0; n < 5; n++) registry.inc('a', 1, { n });
    expect(registry.snapshot().counters).toEqual({ 'a{n="0"}': 1, 'a{n="1"}': 1, 'a{otel_metric_overflow="true"}': 3 });
  });

  it.each([
    { missingLabels: 'ignore' },
    { maxSeries: 0 },
    { maxSeries: 2 ** 32 },
    { maxSeries: 1.5 },
    { idleMs: -1 },
    { idleMs: 0.5 },
    { histogramBuckets: ['1'] },
    { histogramBuckets: 'a' },
    { collectIntervalMs: 9 },
    { collectTimeoutMs: 2 ** 31 },
    { enabled: 'yes' },
  ])('may not be %j, and nothing is changed then', (config) => {
    const registry = new MetricsRegistry({ prefix: 'a_' });
    expect(() => registry.configure(config as never)).toThrow(InvalidMetricError);
    expect(registry.counter('b').name).toBe('a_b');
  });
});

describe('configuring a registry', () => {
  it('[H-28] replaces all that it was configured with, and keeps what it has', () => {
    const registry = new MetricsRegistry({ prefix: 'a_', defaultLabels: { x: '1' }, histogramBuckets: [1] });
    const counter = registry.counter('jobs');
    registry.configure({ prefix: 'b_' });
    counter.inc();
    registry.counter('jobs').inc(2);
    expect(scrape(registry)).toEqual({ a_jobs: 1, b_jobs: 2 });
    registry.configure();
    expect(registry.counter('jobs').name).toBe('jobs');
  });

  it('[H-34 H-35] with enabled: false makes it declare, record and show nothing, until it is enabled again', async () => {
    const registry = new MetricsRegistry();
    expect(registry.disabled()).toBe(false);
    registry.configure({ enabled: false });
    expect(registry.disabled()).toBe(true);
    registry.counter('a', 'A', ['x']).inc({ x: '1' });
    registry.counter({ name: 'b', help: 'B' }).labels().inc();
    registry.gauge('c').set(1);
    registry.histogram('d').observe(1);
    registry.summary('e').observe(1);
    registry.info('f', 'F', ['v']).set({ v: '1' });
    registry.stateSet('g', { states: ['on'] }).set('on');
    registry.createCounter('h').inc();
    registry.inc('i');
    registry.setGauge('j', 1);
    registry.observe('k', 1);
    expect(registry.getAllMetrics().size).toBe(0);
    expect(registry.getMetric('a')).toBeUndefined();
    expect(registry.snapshot()).toEqual({ counters: {}, gauges: {}, histograms: {}, summaries: {}, infos: {}, stateSets: {} });
    expect(registry.collect()).toEqual([]);
    expect([registry.formatPrometheus(), await registry.metrics(), registry.renderInto(new Uint8Array(8))]).toEqual(['', '', 0]);
    expect(registry.cardinality().metrics).toEqual([]);
    registry.configure({ enabled: true });
    registry.inc('i');
    expect(scrape(registry)).toEqual({ i: 1 });
  });

  it('[H-35] still refuses an increment that is none: what is wrong does not hide behind a switch', () => {
    const registry = new MetricsRegistry({ enabled: false });
    expect(() => registry.inc('a', -1)).toThrow(InvalidMetricError);
  });

  it('[H-04] needs nothing but the configuration: no registry is opened for one that is switched off', () => {
    const before = new MetricsRegistry().id;
    for (let n = 0; n < 10; n++) new MetricsRegistry({ enabled: false }).counter('a').inc();
    expect(new MetricsRegistry().id).toBe(before + 1);
  });

  it('[L-222] takes process metrics on and off beside it', () => {
    const registry = new MetricsRegistry();
    const defaults = collectDefaultMetrics({ registry });
    expect(Object.keys(scrape(registry))).toContain('process_resident_memory_bytes');
    defaults.stop();
    expect(scrape(registry)).toEqual({});
  });
});
