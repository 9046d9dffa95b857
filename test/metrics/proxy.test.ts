// Handles on one metric of a collector that is used by name.
import { describe, expect, it } from 'vitest';
import { MetricProxy, MetricsRegistry, MetricType, type NameBasedCollector } from '../../src/index.js';

/** A collector that writes down what it is told. */
class Recording implements NameBasedCollector {
  readonly calls: unknown[][] = [];

  increment(...call: unknown[]): void {
    if ((call[1] as number) < 0) throw new RangeError('negative');
    this.calls.push(['increment', ...call]);
  }

  gauge(...call: unknown[]): void {
    this.calls.push(['gauge', ...call]);
  }

  histogram(...call: unknown[]): void {
    this.calls.push(['histogram', ...call]);
  }
}

describe('a metric proxy', () => {
  it('[L-086 L-087] is made of a name, a collector and a type, and keeps the name', () => {
    const proxy = new MetricProxy('jobs', new Recording(), 'counter');
    expect([proxy.name, proxy.type, proxy.value]).toEqual(['jobs', 'counter', 0]);
  });

  it('[L-088] forwards increments, by 1 unless told otherwise, and adds them to its own value', () => {
    const collector = new Recording();
    const proxy = new MetricProxy('jobs', collector, 'counter');
    proxy.increment();
    proxy.increment(2.5);
    expect(collector.calls).toEqual([
      ['increment', 'jobs', 1],
      ['increment', 'jobs', 2.5],
    ]);
    expect(proxy.value).toBe(3.5);
  });

  it('[L-088] keeps its value when the collector refuses', () => {
    const proxy = new MetricProxy('jobs', new Recording(), 'counter');
    proxy.increment(2);
    expect(() => proxy.increment(-1)).toThrow(RangeError);
    expect(proxy.value).toBe(2);
  });

  it('[L-089] forwards values to the histogram of its name, which its own value does not show', () => {
    const collector = new Recording();
    const proxy = new MetricProxy('took', collector, 'histogram');
    proxy.record(0.5);
    expect(collector.calls).toEqual([['histogram', 'took', 0.5]]);
    expect(proxy.value).toBe(0);
  });

  it('[L-090] counts what went through itself alone', () => {
    const collector = new Recording();
    const [one, other] = [new MetricProxy('jobs', collector, 'counter'), new MetricProxy('jobs', collector, 'counter')];
    one.increment(3);
    expect([one.value, other.value]).toEqual([3, 0]);
  });

  it('[L-091] works over a registry, which records by name', () => {
    const registry = new MetricsRegistry();
    const proxy = new MetricProxy('jobs', registry, MetricType.COUNTER);
    proxy.increment(2);
    new MetricProxy('took', registry, MetricType.HISTOGRAM).record(3);
    expect(registry.snapshot()).toMatchObject({ counters: { jobs: 2 }, histograms: { took: { count: 1, sum: 3 } } });
  });
});

describe('the types of metrics', () => {
  it('[A-042] are the words that a scrape uses, each under a name', () => {
    expect(MetricType).toMatchObject({ COUNTER: 'counter', GAUGE: 'gauge', HISTOGRAM: 'histogram', SUMMARY: 'summary' });
    const registry = new MetricsRegistry();
    registry.counter('a');
    registry.gauge('b');
    registry.histogram('c').observe(1);
    registry.summary('d').observe(1);
    expect(registry.collect().map(({ type }) => type)).toEqual([
      MetricType.COUNTER,
      MetricType.HISTOGRAM,
      MetricType.GAUGE,
      MetricType.SUMMARY,
    ]);
    expect(Object.isFrozen(MetricType)).toBe(true);
  });
});
