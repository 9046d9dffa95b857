// Snapshots: plain copies, whatever the names and values are.
import { describe, expect, it } from 'vitest';
import { MetricsRegistry } from '../../src/index.js';

/** What a snapshot says of the kinds that are not there. */
const NONE = { summaries: {}, infos: {}, stateSets: {} };

describe('a snapshot', () => {
  it('names series as the text format does, with values escaped', () => {
    const registry = new MetricsRegistry();
    const counter = registry.counter({ name: 'c', help: 'c', labelNames: ['a', 'b'] });
    counter.inc({ a: 'q"\\\n', b: '\u0001\u2028é' }, 0.25);
    expect(registry.snapshot().counters).toEqual({ 'c{a="q\\"\\\\\\n",b="\u0001\u2028é"}': 0.25 });
  });

  it('carries every number that a cell can hold', () => {
    const registry = new MetricsRegistry();
    const gauge = registry.gauge({ name: 'g', help: 'g', labelNames: ['v'] });
    const values = [0, 1, -1, 0.1, 1e21, 1e-7, Number.MAX_VALUE, Number.MIN_VALUE, 2 ** 53, Math.PI, Infinity, -Infinity, Number.NaN];
    for (const value of values) gauge.set({ v: value }, value);
    expect(Object.values(registry.snapshot().gauges)).toEqual(values);
  });

  it('is not changed by what is recorded later, and changes nothing when it is changed', () => {
    const registry = new MetricsRegistry();
    const histogram = registry.histogram({ name: 'h', help: 'h', buckets: [1] });
    registry.inc('c');
    histogram.observe(0.5);
    const snapshot = registry.snapshot();
    registry.inc('c');
    histogram.observe(0.5);
    expect(snapshot.counters.c).toBe(1);
    expect(snapshot.histograms.h).toEqual({ count: 1, sum: 0.5, buckets: { 1: 1, '+Inf': 0 } });
    snapshot.counters.c = 100;
    delete snapshot.histograms.h;
    expect(registry.snapshot().counters.c).toBe(2);
    expect(registry.snapshot().histograms.h?.count).toBe(2);
  });

  it('leaves removed series and unregistered metrics out', () => {
    const registry = new MetricsRegistry();
    const gauge = registry.gauge({ name: 'g', help: 'g', labelNames: ['a'] });
    gauge.set({ a: '1' }, 1);
    gauge.set({ a: '2' }, 2);
    gauge.remove('1');
    registry.inc('c');
    registry.unregister('c');
    expect(registry.snapshot()).toEqual({ counters: {}, gauges: { 'g{a="2"}': 2 }, histograms: {}, ...NONE });
  });
});

describe('collected samples', () => {
  it('[A-049 A-050] are counters, then histograms, then gauges, each in the order of creation, with one time', () => {
    const registry = new MetricsRegistry();
    registry.gauge('g2', 1);
    registry.histogram({ name: 'h', help: 'h', buckets: [1, 2] }).observe(1.5);
    registry.inc('c2', 2);
    registry.gauge('g1', -1);
    registry.inc('c1', 0.5);
    const before = Date.now() / 1000;
    const samples = registry.collect();
    const timestamp = samples[0]?.timestamp ?? 0;
    expect(timestamp).toBeGreaterThanOrEqual(before);
    expect(timestamp).toBeLessThanOrEqual(Date.now() / 1000);
    expect(samples).toEqual([
      { name: 'c2', type: 'counter', value: 2, timestamp },
      { name: 'c1', type: 'counter', value: 0.5, timestamp },
      { name: 'h', type: 'histogram', count: 1, sum: 1.5, buckets: { 1: 0, 2: 1 }, timestamp },
      { name: 'g2', type: 'gauge', value: 1, timestamp },
      { name: 'g1', type: 'gauge', value: -1, timestamp },
    ]);
  });

  it('[A-051] have a copy of the counts per bucket, not cumulative, from which what is over can be told', () => {
    const registry = new MetricsRegistry();
    const histogram = registry.histogram({ name: 'h', help: 'h', buckets: [1, 2] });
    for (const value of [0.5, 1, 1.5, 9, 10]) histogram.observe(value);
    const [sample] = registry.collect();
    if (sample?.type !== 'histogram') throw new Error('no histogram');
    expect(sample.buckets).toEqual({ 1: 2, 2: 1 });
    expect(sample.count - Object.values(sample.buckets).reduce((sum, count) => sum + count)).toBe(2);
    (sample.buckets as Record<string, number>)[1] = 99;
    const [again] = registry.collect();
    expect(again).toMatchObject({ buckets: { 1: 2, 2: 1 } });
  });

  it('have labels, unescaped, where the metric has some', () => {
    const registry = new MetricsRegistry();
    const labels = { a: 'q"\\\n,b="c"', b: '' };
    registry.inc('c', 1, labels);
    expect(registry.collect()).toMatchObject([{ name: 'c', labels }]);
  });

  it('[C-37] know summaries, infos and state sets, as the snapshot does', () => {
    const registry = new MetricsRegistry();
    registry.summary({ name: 's', help: 's', quantiles: [0.5] }).observe(3);
    registry.summary({ name: 'empty', help: 's', quantiles: [0.5] });
    registry.info('build', 'b', ['version']).set({ version: '1' });
    registry.stateSet('mode', { states: ['on', 'off'] }).set('off');
    const { summaries, infos, stateSets } = registry.snapshot();
    expect(summaries.s).toMatchObject({ count: 1, sum: 3 });
    expect(summaries.s?.quantiles['0.5']).toBeCloseTo(3, 1);
    expect(summaries.empty).toEqual({ count: 0, sum: 0, quantiles: { 0.5: Number.NaN } });
    expect(infos).toEqual({ 'build{version="1"}': 1 });
    expect(stateSets).toEqual({ mode: { on: 0, off: 1 } });
    expect(registry.collect()).toMatchObject([
      { name: 's', type: 'summary', count: 1, sum: 3 },
      { name: 'empty', type: 'summary', count: 0 },
      { name: 'build', type: 'info', value: 1, labels: { version: '1' } },
      { name: 'mode', type: 'stateset', states: { on: 0, off: 1 } },
    ]);
  });

  it('have the native buckets of a histogram, with or without classic ones', () => {
    const registry = new MetricsRegistry();
    registry.histogram({ name: 'both', help: '', buckets: [1], native: true }).observe(0.75);
    registry.histogram({ name: 'alone', help: '', buckets: false, native: { schema: 0 } }).observe(3);
    const [both, alone] = registry.collect();
    expect(both).toMatchObject({ type: 'histogram', count: 1, sum: 0.75, buckets: { 1: 1 }, native: { count: 1, sum: 0.75 } });
    expect(alone).toMatchObject({
      type: 'histogram',
      count: 1,
      sum: 3,
      buckets: {},
      native: { schema: 0, positive: [[2, 1]], negative: [] },
    });
    expect(registry.snapshot().histograms.alone?.native).toEqual(alone?.type === 'histogram' ? alone.native : undefined);
  });
});

describe('the text of a registry', () => {
  it('[A-052 A-053 A-054 A-055 A-056] is HELP with its own description, TYPE and samples per metric, with cumulative buckets', () => {
    const registry = new MetricsRegistry();
    registry.counter('jobs_total', 'Jobs done').inc(2);
    const histogram = registry.histogram('took_ms', 'Time\\ taken\nin all', [5, 1]);
    for (const value of [0.5, 3, 9]) histogram.observe(value);
    registry.gauge('depth').set(1.5);
    expect(registry.toPrometheusText()).toBe(
      [
        '# HELP jobs_total Jobs done',
        '# TYPE jobs_total counter',
        'jobs_total 2',
        '# HELP took_ms Time\\\\ taken\\nin all',
        '# TYPE took_ms histogram',
        'took_ms_bucket{le="1"} 1',
        'took_ms_bucket{le="5"} 2',
        'took_ms_bucket{le="+Inf"} 3',
        'took_ms_sum 12.5',
        'took_ms_count 3',
        '# TYPE depth gauge',
        'depth 1.5',
        '',
      ].join('\n'),
    );
    expect(registry.formatPrometheus()).toBe(registry.toPrometheusText());
  });
});
