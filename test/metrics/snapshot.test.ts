// Snapshots: plain copies, whatever the names and values are.
import { describe, expect, it } from 'vitest';
import { MetricsRegistry } from '../../src/index.js';

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
    expect(registry.snapshot()).toEqual({ counters: {}, gauges: { 'g{a="2"}': 2 }, histograms: {} });
  });
});
