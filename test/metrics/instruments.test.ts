// Counters and gauges as objects of their own: made without a registry, recording by other names, read back.
import { describe, expect, it } from 'vitest';
import { Counter, Gauge, InvalidMetricError, KymoError, MetricsRegistry } from '../../src/index.js';
import { scrape } from './scrape.js';

const codeOf = (body: () => unknown): string => {
  try {
    body();
    return 'accepted';
  } catch (error) {
    return KymoError.is(error) ? error.code : String(error);
  }
};

describe('an instrument made without a registry', () => {
  it('has a name and a description, and starts at 0 [L-056 L-057 L-062 L-063]', () => {
    const counter = new Counter({ name: 'jobs_total', description: 'Jobs done' });
    const gauge = new Gauge({ name: 'queue' });
    expect([counter.name, counter.description, counter.help, counter.value]).toEqual(['jobs_total', 'Jobs done', 'Jobs done', 0]);
    expect([gauge.name, gauge.description, gauge.value]).toEqual(['queue', '', 0]);
    expect(() => Object.assign(counter, { description: 'x' })).toThrow(TypeError);
  });

  it('records before it is registered, and is shown with that afterwards', () => {
    const counter = new Counter({ name: 'jobs_total', labelNames: ['kind'] });
    const gauge = new Gauge({ name: 'queue' });
    const bound = counter.labels('a');
    bound.inc(2);
    counter.inc({ kind: 'b' });
    gauge.set(7);
    const registry = new MetricsRegistry();
    registry.register(counter);
    registry.register(gauge);
    bound.inc();
    expect(scrape(registry)).toEqual({ 'jobs_total{kind="a"}': 3, 'jobs_total{kind="b"}': 1, queue: 7 });
  });

  it('joins the registries of its options, and shows the same in each', () => {
    const registers = [new MetricsRegistry(), new MetricsRegistry()];
    const counter = new Counter({ name: 'jobs_total', registers });
    const gauge = new Gauge({ name: 'queue', registers });
    counter.inc(3);
    gauge.set(-1);
    for (const registry of registers) expect(scrape(registry)).toEqual({ jobs_total: 3, queue: -1 });
  });

  it('is its own even when another has the same name', () => {
    const [one, other] = [new Counter({ name: 'jobs_total' }), new Counter({ name: 'jobs_total' })];
    one.inc();
    expect([one.value, other.value]).toEqual([1, 0]);
    const registry = new MetricsRegistry();
    registry.register(one);
    expect(() => registry.register(other)).toThrow(InvalidMetricError);
  });

  it.each([undefined, null, {}, { name: '' }, { name: 'a b' }, { name: 'a', labels: { le: '1' } }, { name: 'a', help: 1 }])(
    'is refused with %j',
    (options) => {
      expect(codeOf(() => new Counter(options as never))).toBe('KYMO_METRICS_DECLARATION');
      expect(codeOf(() => new Gauge(options as never))).toBe('KYMO_METRICS_DECLARATION');
    },
  );

  it('cannot be made over the cells of another one', () => {
    const registry = new MetricsRegistry();
    const counter = registry.counter({ name: 'jobs_total', help: 'Jobs' });
    const { declaration } = { declaration: { name: 'x', help: '', kind: 1, labelNames: [], missingLabels: 'throw' } };
    expect(codeOf(() => new Counter({ id: 1, declaration } as never))).toBe('KYMO_METRICS_DECLARATION');
    expect(counter.value).toBe(0);
  });
});

describe('default label values', () => {
  it('stand behind those of the call, and each label set is its own series [L-084]', () => {
    const registry = new MetricsRegistry();
    const counter = registry.counter({ name: 'c_total', help: 'c', labelNames: ['region', 'method'], labels: { region: 'eu' } });
    const gauge = registry.gauge({ name: 'g', help: 'g', labels: { pool: 'main' } });
    for (let round = 0; round < 2; round++) {
      counter.inc({ method: 'GET' });
      counter.inc({ method: 'GET', region: 'us' });
      counter.inc({ method: 'GET', region: undefined });
      counter.labels({ method: 'GET', region: null }).inc();
      counter.labels(undefined as never, 'GET').inc();
      gauge.inc();
      gauge.inc({});
      gauge.inc({ pool: 'other' });
    }
    expect(scrape(registry)).toEqual({
      'c_total{region="eu",method="GET"}': 8,
      'c_total{region="us",method="GET"}': 2,
      'g{pool="main"}': 4,
      'g{pool="other"}': 2,
    });
  });

  it('are taken when the instrument is made', () => {
    const labels = { pool: 'main' };
    const gauge = new Gauge({ name: 'g', labels });
    labels.pool = 'changed';
    gauge.set(1);
    expect(gauge.getValue({ pool: 'main' })).toBe(1);
  });

  it('hide no name that was not declared, and no value that is missing', () => {
    const counter = new Counter({ name: 'c_total', labelNames: ['region', 'method'], labels: { region: 'eu' } });
    counter.inc({ method: 'GET' });
    for (const labels of [{ method: 'GET', regoin: 'us' }, { region: 'us' }, {}, { method: 'GET', toString: 'x' }]) {
      expect(codeOf(() => counter.inc(labels as never))).toBe('KYMO_METRICS_LABELS');
    }
    expect(codeOf(() => counter.inc())).toBe('KYMO_METRICS_LABELS');
    expect(counter.getCount()).toBe(1);
  });

  it('must be declared names where names are declared', () => {
    expect(codeOf(() => new Counter({ name: 'c', labelNames: ['a'], labels: { b: '1' } as never }))).toBe('KYMO_METRICS_DECLARATION');
  });

  it('that differ make no second metric of one name', () => {
    const registry = new MetricsRegistry();
    const declared = (pool: string) => registry.gauge({ name: 'g', help: 'g', labels: { pool } });
    expect(declared('main')).toBe(declared('main'));
    expect(codeOf(() => declared('other'))).toBe('KYMO_METRICS_CONFLICT');
  });
});

describe('a counter by its other names', () => {
  it('adds what is recorded, 1 when nothing is said, to the series of the labels [L-013 L-058 L-059 A-057]', () => {
    const counter = new Counter({ name: 'c_total', labelNames: ['kind'], labels: { kind: 'none' } });
    counter.record(2.5);
    counter.record(1, { kind: 'a' });
    counter.increment();
    counter.increment(4, { kind: 'a' });
    counter.inc(0.5);
    expect([counter.getValue({ kind: 'none' }), counter.getValue({ kind: 'a' })]).toEqual([4, 5]);
  });

  it.each([-1, -Number.MIN_VALUE, Number.NaN, Infinity, '1', null, 1n])(
    'refuses %o as an error and changes nothing [A-057 L-058 L-059]',
    (value) => {
      const counter = new Counter({ name: 'c_total' });
      counter.record(3);
      for (const body of [() => counter.record(value as never), () => counter.increment(value as never)]) {
        expect(body).toThrow(InvalidMetricError);
        expect(codeOf(body)).toBe('KYMO_METRICS_VALUE');
      }
      expect(counter.value).toBe(3);
    },
  );

  it('gives the total over all label sets, and each of them [L-060 A-058]', () => {
    const counter = new Counter({ name: 'c_total', labelNames: ['a', 'b'] });
    expect([counter.getCount(), counter.value]).toEqual([0, 0]);
    counter.inc({ a: 'x"\\\n', b: '' }, 2);
    counter.inc({ a: 'y', b: 'other_metric="true"' }, 40);
    expect([counter.getCount(), counter.value, counter.getValue()]).toEqual([42, 42, 42]);
    expect(counter.getValue({ a: 'x"\\\n', b: '' })).toBe(2);
    expect(counter.getValue({ a: 'none', b: '' })).toBe(0);
    expect(() => counter.getValue({ c: '1' } as never)).toThrow(InvalidMetricError);
  });

  it('is 0 after a reset, without observations [L-061]', () => {
    const counter = new Counter({ name: 'c_total', keepObservations: 10 });
    counter.record(5);
    counter.reset();
    expect([counter.value, counter.getObservations()]).toEqual([0, []]);
    counter.record(1);
    expect([counter.value, counter.getObservations()]).toEqual([1, [1]]);
  });
});

describe('a gauge by its other names', () => {
  it('is set, raised and lowered, per label set [L-064 L-065 L-066 L-067 A-059]', () => {
    const gauge = new Gauge({ name: 'g', labelNames: ['kind'], labels: { kind: 'none' } });
    gauge.record(5);
    gauge.set(6);
    gauge.increment();
    gauge.increment(0.5);
    gauge.decrement();
    gauge.decrement(10, { kind: 'a' });
    gauge.increment(1, { kind: 'a' });
    gauge.record(2, { kind: 'b' });
    expect([gauge.getValue({ kind: 'none' }), gauge.getValue({ kind: 'a' }), gauge.getValue({ kind: 'b' })]).toEqual([6.5, -9, 2]);
  });

  it('can be recorded as NaN and the infinities, but neither raised nor lowered by them, nor take what is no number', () => {
    const gauge = new Gauge({ name: 'g' });
    for (const value of [Number.NaN, Infinity, -Infinity]) {
      gauge.record(value);
      expect(gauge.value).toBe(value);
      gauge.record(1);
      expect(codeOf(() => gauge.increment(value))).toBe('KYMO_METRICS_VALUE');
      expect(codeOf(() => gauge.decrement(value))).toBe('KYMO_METRICS_VALUE');
    }
    for (const value of ['1', null, {}, 1n]) {
      expect(codeOf(() => gauge.record(value as never))).toBe('KYMO_METRICS_VALUE');
      expect(codeOf(() => gauge.decrement(value as never))).toBe('KYMO_METRICS_VALUE');
    }
    expect(gauge.value).toBe(1);
  });

  it('gives its current value, and 0 after a reset, without observations [L-068 L-069 A-060]', () => {
    const gauge = new Gauge({ name: 'g', keepObservations: 3 });
    expect([gauge.value, gauge.getValue()]).toEqual([0, 0]);
    gauge.set(4);
    gauge.dec();
    expect([gauge.value, gauge.getValue(), gauge.getObservations()]).toEqual([3, 3, [4, -1]]);
    gauge.reset();
    expect([gauge.value, gauge.getObservations()]).toEqual([0, []]);
  });
});

describe('observations', () => {
  it('are kept in order with labels and time, whichever call recorded them, and only the last of them [A-043 L-058 L-085]', () => {
    const counter = new Counter({ name: 'c_total', labelNames: ['kind'], keepObservations: 4 });
    const before = Date.now() / 1000;
    const bound = counter.labels('a');
    counter.inc({ kind: 'lost' }, 9);
    bound.inc();
    counter.inc({ kind: 'b' }, 2);
    counter.inc(3, { kind: 'b' });
    counter.record(4, { kind: 'a' });
    bound.inc(-1);
    counter.inc({ kind: 'a' }, Number.NaN);
    const after = Date.now() / 1000;
    expect(counter.getObservations()).toEqual([1, 2, 3, 4]);
    expect(counter.getMeasurements().map(({ value, labels }) => [value, labels.kind])).toEqual([
      [1, 'a'],
      [2, 'b'],
      [3, 'b'],
      [4, 'a'],
    ]);
    for (const { timestamp } of counter.getMeasurements()) {
      expect(timestamp).toBeGreaterThanOrEqual(before);
      expect(timestamp).toBeLessThanOrEqual(after);
    }
    expect(counter.getCount()).toBe(19);
  });

  it('are bounded at 10,000, and none are kept unless asked for [L-058]', () => {
    const counter = new Counter({ name: 'c_total', keepObservations: 10_000 });
    for (let n = 0; n < 10_005; n++) counter.inc(n);
    const kept = counter.getObservations();
    expect([kept.length, kept[0], kept.at(-1)]).toEqual([10_000, 5, 10_004]);
    const plain = new Counter({ name: 'c_total' });
    plain.inc();
    expect(plain.getObservations()).toEqual([]);
    for (const keepObservations of [-1, 10_001, 0.5, Number.NaN, '1']) {
      expect(codeOf(() => new Counter({ name: 'c', keepObservations } as never))).toBe('KYMO_METRICS_DECLARATION');
    }
  });

  it('give each its own copy', () => {
    const gauge = new Gauge({ name: 'g', keepObservations: 2 });
    gauge.set(1);
    gauge.getObservations().push(2);
    expect(gauge.getObservations()).toEqual([1]);
  });
});

describe('zero', () => {
  it('shows a series with 0 before anything is recorded', () => {
    const registry = new MetricsRegistry();
    const counter = registry.counter({ name: 'c_total', help: 'c', labelNames: ['kind'] });
    counter.zero({ kind: 'a' });
    counter.zero('b');
    expect(scrape(registry)).toEqual({ 'c_total{kind="a"}': 0, 'c_total{kind="b"}': 0 });
  });

  it('sets a series back to 0, and handles go on from there', () => {
    const registry = new MetricsRegistry();
    const counter = registry.counter({ name: 'c_total', help: 'c', labelNames: ['kind'] });
    const gauge = registry.gauge({ name: 'g', help: 'g' });
    const bound = counter.labels('a');
    bound.inc(5);
    counter.inc({ kind: 'b' }, 7);
    gauge.set(3);
    counter.zero('a');
    gauge.zero();
    expect(scrape(registry)).toEqual({ 'c_total{kind="b"}': 7, 'c_total{kind="a"}': 0, g: 0 });
    bound.inc();
    counter.inc({ kind: 'a' });
    gauge.inc();
    expect(scrape(registry)).toEqual({ 'c_total{kind="b"}': 7, 'c_total{kind="a"}': 2, g: 1 });
    expect(codeOf(() => counter.zero('a', 'b'))).toBe('KYMO_METRICS_LABELS');
  });
});

describe('removeMatching', () => {
  const routes = () => {
    const registry = new MetricsRegistry();
    const counter = registry.counter({ name: 'c_total', help: 'c', labelNames: ['route', 'status'] });
    for (const route of ['/x', '/y', 'x"}\n']) for (const status of [200, 500]) counter.inc({ route, status });
    return { registry, counter };
  };

  it('takes away every series with these values, says how many, and handles revive from 0', () => {
    const { registry, counter } = routes();
    const bound = counter.labels('/x', 200);
    expect(counter.removeMatching({ route: '/x' })).toBe(2);
    expect(counter.removeMatching({ route: '/x' })).toBe(0);
    expect(counter.removeMatching({ route: 'x"}\n', status: 500 })).toBe(1);
    expect(Object.keys(scrape(registry))).toHaveLength(3);
    bound.inc(4);
    expect(counter.getValue({ route: '/x', status: 200 })).toBe(4);
    expect(counter.removeMatching({ status: '200' })).toBe(3);
    expect(scrape(registry)).toEqual({ 'c_total{route="/y",status="500"}': 1 });
    expect(counter.removeMatching({})).toBe(1);
    expect(scrape(registry)).toEqual({});
  });

  it('refuses names that were not declared, and finds nothing for a value that cannot be told', () => {
    const { registry, counter } = routes();
    expect(codeOf(() => counter.removeMatching({ rout: '/x' }))).toBe('KYMO_METRICS_LABELS');
    expect(counter.removeMatching({ route: Object.create(null) as never })).toBe(0);
    expect(Object.keys(scrape(registry))).toHaveLength(6);
  });

  it('leaves nothing behind that grows', () => {
    const { registry, counter } = routes();
    for (let round = 0; round < 50; round++) {
      for (let n = 0; n < 100; n++) counter.inc({ route: `/r${round}-${n}`, status: 1 });
      expect(counter.removeMatching({ status: 1 })).toBe(100);
    }
    expect(Object.keys(scrape(registry))).toHaveLength(6);
  });
});
