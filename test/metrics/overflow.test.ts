// Too many series, and series that nobody writes: where counts go, and what comes back.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { KymoError, MetricsRegistry } from '../../src/index.js';
import { dropsOf, scrape } from './scrape.js';

const OVERFLOW = 'otel_metric_overflow="true"';
const sum = (samples: Record<string, number>): number => Object.values(samples).reduce((total, value) => total + value, 0);

describe('a metric at its cap', () => {
  it('counts 50,000 combinations without losing one, and holds no more series than its cap and the overflow', () => {
    const registry = new MetricsRegistry();
    const counter = registry.counter({ name: 'c_total', help: 'c', labelNames: ['user', 'status'], maxSeries: 100 });
    const drops = dropsOf(() => {
      for (let round = 0; round < 2; round++) for (let user = 0; user < 25_000; user++) counter.inc({ user, status: user % 2 });
    });
    const shown = scrape(registry);
    expect(drops).toEqual({});
    expect(Object.keys(shown)).toHaveLength(101);
    expect(sum(shown)).toBe(50_000);
    expect(shown['c_total{user="7",status="1"}']).toBe(2);
    expect(shown[`c_total{${OVERFLOW}}`]).toBe(50_000 - 200);
    expect(counter.getCount()).toBe(50_000);
  });

  it('is at 10,000 series unless it says otherwise', () => {
    const registry = new MetricsRegistry();
    const counter = registry.counter({ name: 'c_total', help: 'c', labelNames: ['user'] });
    for (let user = 0; user < 10_010; user++) counter.inc({ user });
    const shown = scrape(registry);
    expect(Object.keys(shown)).toHaveLength(10_001);
    expect(shown[`c_total{${OVERFLOW}}`]).toBe(10);
  });

  it('keeps nothing of a combination that overflowed: no memory grows with their number', () => {
    const registry = new MetricsRegistry();
    const counter = registry.counter({ name: 'c_total', help: 'c', labelNames: ['user'], maxSeries: 10 });
    const gauge = registry.gauge({ name: 'g', help: 'g', labelNames: ['user'], maxSeries: 10 });
    const grow = (from: number): number => {
      for (let user = from; user < from + 20_000; user++) {
        counter.inc({ user: `user-${user}-${'x'.repeat(50)}` });
        gauge.labels(`user-${user}-${'x'.repeat(50)}`).set(1);
      }
      return process.memoryUsage().heapUsed;
    };
    // Garbage alone is given back: what was kept of 200,000 combinations would be 40 MB.
    let least = Infinity;
    const before = grow(0);
    for (let round = 1; round <= 10; round++) least = Math.min(least, grow(round * 20_000));
    expect(least - before).toBeLessThan(20_000_000);
    expect(counter.getCount()).toBe(220_000);
  });

  it('gives handles that count into the overflow series, and new ones their own series when there is room again', () => {
    const registry = new MetricsRegistry();
    const counter = registry.counter({ name: 'c_total', help: 'c', labelNames: ['user'], maxSeries: 2 });
    const gauge = registry.gauge({ name: 'g', help: 'g', labelNames: ['user'], maxSeries: 1 });
    for (const user of ['a', 'b']) counter.inc({ user });
    const over = counter.labels('c');
    over.inc();
    counter.inc({ user: 'd' });
    gauge.set({ user: 'a' }, 1);
    const gaugeOver = gauge.labels('b');
    gaugeOver.set(5);
    expect(scrape(registry)).toEqual({
      'c_total{user="a"}': 1,
      'c_total{user="b"}': 1,
      [`c_total{${OVERFLOW}}`]: 2,
      'g{user="a"}': 1,
      [`g{${OVERFLOW}}`]: 5,
    });
    counter.remove('a');
    gauge.remove('a');
    over.inc();
    counter.inc({ user: 'd' });
    expect(scrape(registry)).toMatchObject({ 'c_total{user="d"}': 1, [`c_total{${OVERFLOW}}`]: 3 });
    expect(JSON.parse(JSON.stringify(over))).toEqual({ counter: 'c_total', labels: ['c'] });
    expect(counter.getCount()).toBe(5);
  });

  it('is reset with its overflow series, and goes on', () => {
    const registry = new MetricsRegistry();
    const counter = registry.counter({ name: 'c_total', help: 'c', labelNames: ['user'], maxSeries: 1 });
    const gauge = registry.gauge({ name: 'g', help: 'g', labelNames: ['user'], maxSeries: 1 });
    counter.inc({ user: 'a' });
    gauge.set({ user: 'a' }, 1);
    const [over, gaugeOver] = [counter.labels('b'), gauge.labels('b')];
    over.inc(7);
    gaugeOver.set(7);
    counter.reset();
    gauge.reset();
    over.inc(2);
    counter.inc({ user: 'c' });
    gaugeOver.inc(3);
    gauge.set({ user: 'a' }, 1);
    expect(scrape(registry)).toEqual({ 'c_total{user="a"}': 0, [`c_total{${OVERFLOW}}`]: 3, 'g{user="a"}': 1, [`g{${OVERFLOW}}`]: 3 });
  });

  it('cannot be told of an overflow by a label: the name is reserved, and a value is no name', () => {
    const registry = new MetricsRegistry();
    expect(() => registry.counter({ name: 'c', help: 'c', labelNames: ['otel_metric_overflow'] })).toThrow(
      expect.objectContaining({ code: 'KYMO_METRICS_DECLARATION' }),
    );
    const counter = registry.counter({ name: 'c_total', help: 'c', labelNames: ['ok'], maxSeries: 1 });
    counter.inc({ ok: true });
    counter.inc({ ok: false });
    expect(counter.removeMatching({ ok: true })).toBe(1);
    expect(scrape(registry)).toEqual({ [`c_total{${OVERFLOW}}`]: 1 });
    expect(counter.removeMatching({})).toBe(0);
  });

  it.each([0, -1, 1.5, Number.NaN, 2 ** 32, '10'])('may not be declared with a cap of %o', (maxSeries) => {
    expect(() => new MetricsRegistry().counter({ name: 'c', help: 'c', maxSeries } as never)).toThrow(KymoError);
  });
});

describe('a series that nobody writes', () => {
  it('is hidden after its time, makes room, and comes back through its handle and by its labels, from 0', async () => {
    const registry = new MetricsRegistry();
    const counter = registry.counter({ name: 'c_total', help: 'c', labelNames: ['user'], idleMs: 50, maxSeries: 3 });
    const gauge = registry.gauge({ name: 'g', help: 'g', labelNames: ['user'], idleMs: 50 });
    const [held, busy] = [counter.labels('held'), counter.labels('busy')];
    held.inc(5);
    counter.inc({ user: 'dynamic' }, 6);
    const heldGauge = gauge.labels('held');
    heldGauge.set(7);
    counter.inc({ user: 'over' });
    while (Object.keys(scrape(registry)).length > 2) {
      busy.inc();
      await sleep(5);
    }
    expect(Object.keys(scrape(registry)).sort()).toEqual(['c_total{user="busy"}', `c_total{${OVERFLOW}}`].sort());
    counter.inc({ user: 'new' });
    held.inc(2);
    heldGauge.inc();
    counter.inc({ user: 'dynamic' });
    expect(scrape(registry)).toMatchObject({
      'c_total{user="held"}': 2,
      'c_total{user="new"}': 1,
      'g{user="held"}': 1,
    });
    expect(scrape(registry)[`c_total{${OVERFLOW}}`]).toBeLessThanOrEqual(2);
  });

  it('leaves no trace in the index: values that come and go need no more memory than those that are there', async () => {
    const registry = new MetricsRegistry();
    const counter = registry.counter({ name: 'c_total', help: 'c', labelNames: ['user'], idleMs: 20, maxSeries: 100 });
    let own = 0;
    for (let round = 0; round < 4; round++) {
      for (let n = 0; n < 100; n++) counter.inc({ user: `${round}-${n}` });
      own += Object.keys(scrape(registry)).filter((series) => series.includes(`"${round}-`)).length;
      while (Object.keys(scrape(registry)).some((series) => series.includes(`"${round}-`))) await sleep(5);
    }
    // Room was found for every round: nothing that expired went on holding a place.
    expect(own).toBe(400);
  });
});
