// Several registries read as one.
import { describe, expect, it } from 'vitest';
import { MergedRegistries, MetricsRegistry } from '../../src/index.js';
import { samplesOf } from './scrape.js';

describe('merged registries', () => {
  it('give one scrape of all', async () => {
    const [one, other] = [new MetricsRegistry(), new MetricsRegistry()];
    const merged = MetricsRegistry.merge([one, other]);
    expect(merged).toBeInstanceOf(MergedRegistries);
    other.inc('b', 2);
    one.inc('a', 1);
    const text = merged.formatPrometheus();
    expect(samplesOf(text)).toMatchObject({ a: 1, b: 2 });
    expect(await merged.metrics()).toBe(text);
    expect(merged.toPrometheusText()).toBe(text);
    const target = new Uint8Array(4096);
    expect(Buffer.from(target.subarray(0, merged.renderInto(target))).toString()).toBe(text);
    expect((await merged.metrics({ format: 'openmetrics' })).endsWith('# EOF\n')).toBe(true);
  });

  it('show what is declared, recorded and cleared later', () => {
    const [one, other] = [new MetricsRegistry(), new MetricsRegistry()];
    const merged = MetricsRegistry.merge([one, other]);
    expect(merged.snapshot().counters).toEqual({});
    one.inc('a');
    other.inc('b');
    one.inc('a');
    expect(merged.snapshot().counters).toEqual({ a: 2, b: 1 });
    one.clear();
    expect(merged.snapshot().counters).toEqual({ b: 1 });
  });

  it('put a family together, and of equal series and kinds that clash show the first', () => {
    const [one, other] = [new MetricsRegistry(), new MetricsRegistry()];
    one.inc('jobs', 1, { queue: 'a' });
    other.inc('jobs', 10, { queue: 'a' });
    other.inc('jobs', 20, { queue: 'b' });
    one.gauge('depth', 5);
    other.inc('depth', 7);
    const merged = MetricsRegistry.merge([one, other]);
    const text = merged.formatPrometheus();
    expect(text.match(/^# TYPE jobs counter$/gm)?.length).toBe(1);
    expect(samplesOf(text)).toMatchObject({ 'jobs{queue="a"}': 1, 'jobs{queue="b"}': 20, depth: 5 });
    expect(samplesOf(text)).toMatchObject({ 'kymo_scrape_left_out{what="metric"}': 1, 'kymo_scrape_left_out{what="series"}': 1 });
    expect(merged.snapshot()).toMatchObject({ counters: { 'jobs{queue="a"}': 1, 'jobs{queue="b"}': 20 }, gauges: { depth: 5 } });
    expect(merged.snapshot().counters.depth).toBeUndefined();
    expect(merged.collect().map(({ name, type }) => [name, type])).toEqual([
      ['jobs', 'counter'],
      ['jobs', 'counter'],
      ['depth', 'gauge'],
    ]);
  });

  it('are one where the same one is given twice, and none where none is given', () => {
    const one = new MetricsRegistry();
    one.inc('a');
    const merged = MetricsRegistry.merge([one, one]);
    expect(merged.registries).toEqual([one]);
    expect(samplesOf(merged.formatPrometheus())).toEqual({ a: 1 });
    expect(MetricsRegistry.merge([]).formatPrometheus()).toBe('');
    expect(JSON.parse(JSON.stringify(merged))).toEqual({ registries: [one.id] });
  });

  it('run the collect callbacks of all before a scrape', async () => {
    const [one, other] = [new MetricsRegistry(), new MetricsRegistry()];
    for (const registry of [one, other]) {
      registry.gauge({
        name: `g${registry.id}`,
        help: '',
        collect() {
          this.inc(1);
        },
      });
    }
    const samples = samplesOf(await MetricsRegistry.merge([one, other]).metrics());
    expect(Object.values(samples).every((value) => value >= 1)).toBe(true);
    expect(Object.keys(samples).length).toBe(2);
  });
});
