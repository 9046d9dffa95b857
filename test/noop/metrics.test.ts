// The metrics that do nothing: every method of the real ones, without effect.
import { describe, expect, it } from 'vitest';
import { Counter, Gauge, Histogram, Info, MetricProxy, MetricsRegistry, NoopMetricsCollector, StateSet, Summary } from '../../src/index.js';
import { NoopCounter, NoopGauge, NoopHistogram, NoopInfo, NoopStateSet, NoopSummary, noopMetric } from '../../src/noop/metrics.js';

/** What a type offers to everybody. */
type Public<T> = Pick<T, keyof T>;

/** Compiles only while each instrument that does nothing has all that the real one offers. */
const DOUBLES: {
  counter: Public<Counter>;
  gauge: Public<Gauge>;
  histogram: Public<Histogram>;
  summary: Public<Summary>;
  info: Public<Info>;
  stateset: Public<StateSet>;
} = {
  counter: new NoopCounter(),
  gauge: new NoopGauge(),
  histogram: new NoopHistogram(),
  summary: new NoopSummary(),
  info: new NoopInfo(),
  stateset: new NoopStateSet(),
};

/** Names of all methods and accessors of an instrument's class and those above it. */
function members(type: { readonly prototype: object }): string[] {
  const names = new Set<string>();
  for (let at: object = type.prototype; at !== Object.prototype; at = Object.getPrototypeOf(at) as object) {
    for (const name of Object.getOwnPropertyNames(at)) names.add(name);
  }
  return [...names];
}

/** Methods that only subclasses and the package itself call. */
const INTERNAL = /^(constructor|bind|refused|expire|again|placeOf|handleFor|keepsRemoved|isWhole|series|textsOf|labelsOf|toJSON)$/;

describe('an instrument that does nothing', () => {
  it.each(Object.entries({ counter: Counter, gauge: Gauge, histogram: Histogram, summary: Summary, info: Info, stateset: StateSet }))(
    '[H-35] answers to all that a %s answers to, so that callers need no checks',
    (kind, type) => {
      const double = DOUBLES[kind as keyof typeof DOUBLES] as unknown as Record<string, unknown>;
      const wanted = members(type).filter((name) => !INTERNAL.test(name) && !name.startsWith('_'));
      expect(wanted.filter((name) => !(name in double))).toEqual([]);
    },
  );

  it('takes whatever it is told, and reads as nothing', () => {
    const { counter, gauge, histogram, summary, info, stateset } = DOUBLES;
    counter.inc(Number.NaN);
    counter.inc({ any: 'label' });
    counter.labels('a', 'b').inc(-1);
    gauge.set({ a: 1 }, 2);
    gauge.labels().setToCurrentTime();
    histogram.observe(3);
    summary.observe({ a: 1 }, 3);
    info.set({ version: 1 });
    stateset.set('on' as never);
    expect([counter.value, counter.getCount(), gauge.value, gauge.getValue(), summary.quantile(0.5)]).toEqual([0, 0, 0, 0, Number.NaN]);
    expect([counter.remove('a'), counter.removeMatching({}), counter.getObservations()]).toEqual([false, 0, []]);
    expect(JSON.parse(JSON.stringify(counter.labels()))).toEqual({ noop: true });
  });

  it('still measures with the clocks that it starts', () => {
    const ends = [
      DOUBLES.gauge.startTimer(),
      DOUBLES.histogram.startTimer(),
      DOUBLES.summary.startTimer(),
      DOUBLES.gauge.labels().startTimer(),
    ];
    for (const end of ends) {
      const first = end();
      expect(first).toBeGreaterThanOrEqual(0);
      expect(end()).toBeGreaterThanOrEqual(first);
    }
  });

  it('keeps the name, the help and the labels that it was asked for, and survives what is none of these', () => {
    const asked = { name: 'a', help: 'A', labelNames: ['x'] };
    expect(JSON.parse(JSON.stringify(noopMetric('counter', asked)))).toEqual(asked);
    for (const options of [undefined, null, 1, {}, { name: 1, labelNames: 'x' }]) {
      expect(noopMetric('gauge', options)).toMatchObject({ name: 'noop', labelNames: [] });
    }
    expect(new MetricsRegistry({ enabled: false }).counter('a', 'A', ['x'])).toMatchObject({ ...asked, description: 'A' });
  });
});

describe('a collector that does nothing', () => {
  it('[H-35 L-352 L-353 L-354 L-355 L-356 L-357 L-361] drops all observations', () => {
    const collector = new NoopMetricsCollector();
    expect([collector.name, collector.description]).toEqual(['noop', 'Drops all observations.']);
    expect([
      collector.register(new Counter({ name: 'a' })),
      collector.increment('a', 1, { x: 1 }),
      collector.increment('a', -1),
      collector.gauge('b', 1),
      collector.histogram('c', 1, { x: 1 }),
      collector.record(1),
      collector.clear(),
      collector.getMetric('a'),
    ]).toEqual(Array(8).fill(undefined));
    expect([collector.formatPrometheus(), collector.getAllMetrics().size]).toEqual(['', 0]);
    const proxy = new MetricProxy('a', collector, 'counter');
    proxy.increment(2);
    expect(proxy.value).toBe(2);
  });

  it('[L-358 L-359 L-360] gives itself to whoever wants an instrument, with the methods of one', () => {
    const collector = new NoopMetricsCollector();
    for (const made of [collector.createCounter('a'), collector.createGauge('b'), collector.createHistogram('c', '', [], [1])]) {
      expect(made).toBe(collector);
      made.increment();
      made.decrement();
      made.set(1);
      made.observe(1);
      made.record(1);
      made.labels('x').inc();
    }
    expect(collector.createSummary()).toBe(collector);
  });
});
