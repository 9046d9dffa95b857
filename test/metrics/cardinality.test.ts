// The report on series and labels.
import { describe, expect, it } from 'vitest';
import { MetricsRegistry } from '../../src/index.js';

describe('the cardinality of a registry', () => {
  it('is a report of metrics by series, and of labels by values with the most frequent ones', () => {
    const registry = new MetricsRegistry();
    registry.inc('plain');
    const metric = registry.counter({ name: 'exploding_total', help: '', labelNames: ['method', 'user'] });
    for (let n = 0; n < 30; n++) metric.inc({ method: n % 3 === 0 ? 'PUT' : 'GET', user: `u${n}` });
    const report = registry.cardinality();
    expect(report.series).toBe(31);
    expect(report.metrics.map(({ name, series }) => [name, series])).toEqual([
      ['exploding_total', 30],
      ['plain', 1],
    ]);
    const [worst, plain] = report.metrics;
    expect(worst).toMatchObject({ maxSeries: 10_000, overflowed: 0 });
    expect(worst?.labels.map(({ name, values, more }) => [name, values, more])).toEqual([
      ['user', 30, false],
      ['method', 2, false],
    ]);
    expect(worst?.labels[0]?.top.length).toBe(10);
    expect(worst?.labels[1]?.top).toEqual([
      ['GET', 20],
      ['PUT', 10],
    ]);
    expect(plain?.labels).toEqual([]);
    expect(report.bytes).toBe((worst?.bytes ?? 0) + (plain?.bytes ?? 0));
    expect(worst?.bytes).toBeGreaterThan(30 * 8);
  });

  it('says which metric is full, and how often', () => {
    const registry = new MetricsRegistry({ maxSeries: 3 });
    for (let n = 0; n < 10; n++) registry.inc('full', 1, { n });
    expect(registry.cardinality().metrics[0]).toMatchObject({ name: 'full', maxSeries: 3, overflowed: 7 });
  });

  it('of merged registries is one report', () => {
    const [one, other] = [new MetricsRegistry(), new MetricsRegistry()];
    one.inc('b');
    other.inc('a');
    other.inc('c', 1, { x: 1 });
    other.inc('c', 1, { x: 2 });
    const { series, metrics } = MetricsRegistry.merge([one, other]).cardinality();
    expect([series, metrics.map(({ name }) => name)]).toEqual([4, ['c', 'a', 'b']]);
  });
});
