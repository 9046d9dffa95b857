// What the types of metrics allow and refuse; compiled, never run. `metrics.test.ts` compiles it.
import {
  type BoundCounter,
  Counter,
  Gauge,
  type Histogram,
  type HistogramSnapshot,
  KymoError,
  MetricsRegistry,
  type MetricsSnapshot,
  metricHooks,
  metrics,
} from '../../src/index.js';

/** Compiles only when both types are the same. */
function same<A, B>(_: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : never): void {}

// Label names are taken from the declaration, without `as const`.
const counter = metrics.counter({ name: 'c', help: 'c', labelNames: ['method', 'status'] });
same<typeof counter, Counter<'method' | 'status'>>(true);
counter.inc({ method: 'GET', status: 200 });
counter.inc({ method: 'GET', status: true }, 2);
counter.inc(2, { method: 'GET', status: 10n });
counter.inc({ method: null, status: undefined });
// @ts-expect-error a label is missing
counter.inc({ method: 'GET' });
// @ts-expect-error a label was not declared
counter.inc({ method: 'GET', status: '200', route: '/' });
// @ts-expect-error an object is no label value
counter.inc({ method: 'GET', status: {} });
// @ts-expect-error a string is no value
counter.inc('1');
// @ts-expect-error two sets of labels
counter.inc({ method: 'GET', status: 1 }, { method: 'GET', status: 1 });
// @ts-expect-error a counter is not set
counter.set(1);

const bound: BoundCounter = counter.labels('GET', 200);
bound.inc();
bound.inc(2);
// @ts-expect-error a handle has its labels already
bound.inc({ method: 'GET', status: 1 });
same<ReturnType<typeof counter.remove>, boolean>(true);

// Without labels there are none to give.
const plain = metrics.counter({ name: 'p', help: 'p' });
same<typeof plain, Counter<never>>(true);
plain.inc();
plain.inc(1);

const gauge = metrics.gauge({ name: 'g', help: 'g', labelNames: ['kind'], aggregate: 'last' });
same<typeof gauge, Gauge<'kind'>>(true);
gauge.set({ kind: 'a' }, 1);
gauge.set(1, { kind: 'a' });
gauge.inc({ kind: 'a' });
gauge.dec({ kind: 'a' }, 2);
gauge.setToCurrentTime({ kind: 'a' });
const seconds: number = gauge.startTimer({ kind: 'a' })();
// @ts-expect-error a value is missing
gauge.set({ kind: 'a' });
// @ts-expect-error no such way to add threads up
metrics.gauge({ name: 'g', help: 'g', aggregate: 'median' });
metrics.gauge('g', 1);
// @ts-expect-error by name it gives nothing
metrics.gauge('g', 1).set(2);

const histogram = metrics.histogram({ name: 'h', help: 'h', labelNames: ['route'], buckets: [1, 2] });
same<typeof histogram, Histogram<'route'>>(true);
histogram.observe({ route: '/' }, seconds);
histogram.observe(seconds, { route: '/' });
const end = histogram.startTimer();
const took: number = end({ route: '/' });
// @ts-expect-error a label was not declared
histogram.startTimer({ method: 'GET' });
// @ts-expect-error a counter has no buckets
metrics.counter({ name: 'c', help: 'c', buckets: [1] });
// @ts-expect-error buckets are read only
histogram.buckets[0] = took;
// @ts-expect-error a help text is needed
metrics.counter({ name: 'c' });
// @ts-expect-error no such policy
metrics.counter({ name: 'c', help: 'c', missingLabels: 'drop' });

const snapshot: MetricsSnapshot = new MetricsRegistry({ name: 'x' }).snapshot();
const observed: HistogramSnapshot | undefined = snapshot.histograms.h;
const values: (number | undefined)[] = [snapshot.counters.c, snapshot.gauges.g, observed?.count, observed?.sum, observed?.buckets['+Inf']];
const text: Promise<string> = metrics.metrics({ format: 'openmetrics', created: true });
// @ts-expect-error no such format
metrics.metrics({ format: 'json' });

// Factories by name: the second argument decides.
const named = metrics.counter('n', 'n', ['method']);
same<typeof named, Counter<'method'>>(true);
named.inc({ method: 'GET' });
// @ts-expect-error a label was not declared
named.inc({ route: '/' });
same<ReturnType<typeof plainByName>, Counter<never>>(true);
function plainByName() {
  return metrics.counter('n', 'n');
}
const short = metrics.gauge('n', ['queue']);
same<typeof short, Gauge<'queue'>>(true);
const bucketed = metrics.histogram('n', 'n', ['route'], [1, 2]);
same<typeof bucketed, Histogram<'route'>>(true);
const optioned = metrics.histogram('n', { description: 'n', labelNames: ['route'], buckets: [1] });
same<typeof optioned, Histogram<'route'>>(true);
metrics.counter('n', 1, { method: 'GET' });
// @ts-expect-error a number records, and gives nothing
metrics.counter('n', 1).inc();
metrics.histogram('n', 0.5);
metrics.increment('n', 1, { a: 1, b: true });
// @ts-expect-error a tag is no object
metrics.increment('n', 1, { a: {} });
// @ts-expect-error a form that never records
metrics.createCounter('n', 1);
metrics.createCounter('n', 'n', { region: 'eu' }).inc({ region: 'us' });
// @ts-expect-error a state that was not declared
metrics.stateSet('n', { states: ['on', 'off'] }).set('dim');
metrics.configure({ prefix: 'app_', defaultLabels: { region: 'eu' }, enabled: true });
// @ts-expect-error registries are named when they are made
metrics.configure({ name: 'x' });
for (const sample of metrics.collect()) {
  if (sample.type === 'histogram') sample.buckets['1'];
  // @ts-expect-error only some have a value
  else sample.value;
}

// What is thrown can be told apart by its code.
export function codeOf(error: unknown): string {
  if (!KymoError.is(error)) return String([values, text]);
  same<'KYMO_METRICS_CONFLICT' extends typeof error.code ? true : false, true>(true);
  // @ts-expect-error no such code
  return error.code === 'KYMO_NOTHING' ? '' : error.code;
}

// Labels with a default may be left out, and are names like any other.
const regional = metrics.counter({ name: 'r', help: 'r', labelNames: ['region', 'method'], labels: { region: 'eu' } });
same<typeof regional, Counter<'region' | 'method', 'region'>>(true);
regional.inc({ method: 'GET' });
regional.inc({ method: 'GET', region: 'us' }, 2);
regional.increment(2, { method: 'GET' });
// @ts-expect-error a label without a default is missing
regional.inc({ region: 'us' });
// @ts-expect-error a label was not declared
regional.inc({ method: 'GET', zone: 'a' });

// Instruments of their own.
const own = new Counter({ name: 'o', labelNames: ['method'], registers: [metrics] });
same<typeof own, Counter<'method'>>(true);
own.record(1, { method: 'GET' });
const total: number = own.getCount() + own.value + own.getValue({ method: 'GET' });
const level = new Gauge({ name: 'l', description: 'Level', labels: { pool: 'main' }, aggregate: 'max', keepObservations: 5 });
level.set(total);
level.decrement(1, { pool: 'other' });
const remembered: number[] = [...level.getObservations(), level.getMeasurements()[0]?.timestamp ?? 0];
// @ts-expect-error a name is needed
new Counter({ help: 'c' });
// @ts-expect-error neither can be changed
own.description = String(remembered);

// A callback sets its own metric.
metrics.gauge({
  name: 'q',
  help: 'q',
  labelNames: ['queue'],
  collect() {
    this.set({ queue: 'a' }, 1);
    // @ts-expect-error a label was not declared
    this.set({ name: 'a' }, 1);
  },
});

metricHooks.on('metricRecorded', ({ metricName, value, labels }) => [metricName.length, value + 1, labels.method?.length])();
// @ts-expect-error no such event
metricHooks.on('metricLost', () => undefined);
metrics
  .addView({ match: /x/, rename: (name) => name, dropLabels: ['user'], maxSeries: 5 })
  .addView({ match: ({ kind }) => kind === 'info', drop: true });
// @ts-expect-error a view matches something
metrics.addView({ drop: true });
