// Code that is typed against prom-client 15.1.3 compiles against `kymo/prom-client`; compiled, never run, by `prom-client.test.ts`.

import * as everything from 'kymo/prom-client';
import client, {
  type Aggregator,
  AggregatorRegistry,
  type CollectFunction,
  Counter,
  type CounterConfiguration,
  collectDefaultMetrics,
  exponentialBuckets,
  type Gauge,
  Histogram,
  type LabelValues,
  linearBuckets,
  type Metric,
  type MetricObject,
  type MetricObjectWithValues,
  type MetricValue,
  type OpenMetricsContentType,
  type PrometheusContentType,
  Pushgateway,
  Registry,
  type RegistryContentType,
  register,
  Summary,
  validateMetricName,
} from 'kymo/prom-client';

// Bare names are types with string labels.
const bare: Counter = new Counter({ name: 'c', help: 'h' });
const labelled: Counter<'method' | 'code'> = new Counter({ name: 'c', help: 'h', labelNames: ['method', 'code'] as const });
class Requests {
  readonly total: Counter<string> = new client.Counter({ name: 'c', help: 'h', labelNames: ['a'] });
  readonly sizes: Histogram;
  readonly depth: Gauge;
  readonly times: Summary;
  constructor(registers: Registry[] = [register]) {
    this.sizes = new Histogram({ name: 'h', help: 'h', buckets: linearBuckets(0, 1, 3), registers, enableExemplars: false });
    this.depth = new everything.Gauge({
      name: 'g',
      help: 'h',
      aggregator: 'max',
      async collect() {
        this.set(1);
        this.set({ queue: 'a' }, 2);
      },
    });
    this.times = new Summary({
      name: 's',
      help: 'h',
      percentiles: [0.5],
      maxAgeSeconds: 600,
      ageBuckets: 5,
      pruneAgedBuckets: true,
      compressCount: 10,
    });
  }
}
const { sizes, depth, times } = new Requests();

bare.inc();
bare.inc(2);
bare.inc({ anything: 'x', number: 1 });
labelled.inc({ method: 'GET' }, 3);
labelled.labels('GET', '200').inc();
labelled.labels({ method: 'GET', code: 200 }).inc(2);
labelled.inc({ labels: { method: 'GET' }, value: 1, exemplarLabels: { code: 'x' } });
labelled.remove('GET', '200');
labelled.remove({ method: 'GET' });
labelled.reset();
// @ts-expect-error a label that was not declared
labelled.inc({ route: '/' });
// @ts-expect-error a name is needed
new Counter({ help: 'h' });
// @ts-expect-error no such aggregator
new Counter({ name: 'c', help: 'h', aggregator: 'median' });

const child: Counter.Internal = labelled.labels('GET', '200');
const gauged: Gauge.Internal<string> = depth.labels('a');
const observed: Histogram.Internal<string> = sizes.labels('a');
const summarised: Summary.Internal<string> = times.labels('a');
const buckets: Histogram.Config = { buckets: exponentialBuckets(1, 2, 3) };
child.inc();
gauged.set(1);
gauged.setToCurrentTime();
observed.observe(1);
summarised.startTimer()();
depth.dec({ queue: 'a' }, 2);
depth.setToCurrentTime({ queue: 'a' });

const seconds: number = sizes.startTimer({ a: 'x' })({ b: 'y' });
const withExemplar: number = sizes.startTimer({ a: 'x' }, { trace: '1' })({ b: 'y' }, { trace: '2' });
sizes.observe({ a: 'x' }, 1);
sizes.observe({ labels: { a: 'x' }, value: 1, exemplarLabels: { trace: '1' } });
sizes.zero({ a: 'x' });
times.observe(1);
const gaugeSeconds: number = depth.startTimer()();

const openMetrics = new Registry<OpenMetricsContentType>();
openMetrics.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
const type: PrometheusContentType = register.contentType;
const any: RegistryContentType = everything.contentType;
register.setDefaultLabels({ app: 'x' });
register.registerMetric(bare);
const metric: Metric<string> | undefined = register.getSingleMetric('c');
const list: MetricObject[] = register.getMetricsAsArray();
const merged: Registry = Registry.merge([register, new Registry()]);
const text: Promise<string> = merged.metrics();
const json: Promise<MetricObjectWithValues<MetricValue<string>>[]> = register.getMetricsAsJSON();
const single: Promise<string> = register.getSingleMetricAsString('c');
register.removeSingleMetric('c');
register.resetMetrics();
register.clear();

async function values(): Promise<number[]> {
  const { values: found, help, name } = await labelled.get();
  const { values: lines } = await sizes.get();
  return [...found.map(({ value }) => value), lines.filter(({ metricName }) => metricName === `${name}_${help}`).length];
}

collectDefaultMetrics();
collectDefaultMetrics({ register, prefix: 'x_', gcDurationBuckets: [1], eventLoopMonitoringPrecision: 10, labels: { a: 'b' } });
const names: string[] = collectDefaultMetrics.metricsList;
const cluster = new AggregatorRegistry<PrometheusContentType>();
const gathered: Promise<string> = cluster.clusterMetrics();
AggregatorRegistry.setRegistries([register]);
const gateway = new Pushgateway('http://127.0.0.1:9091', { timeout: 5000 }, register);
const pushed: Promise<{ resp?: unknown; body?: unknown }> = gateway.push({ jobName: 'job', groupings: { a: 'b' } });
const valid: boolean = validateMetricName('x');
const aggregator: Aggregator = 'average';
const configuration: CounterConfiguration<'a'> = { name: 'c', help: 'h', labelNames: ['a'], aggregator };
const labels: LabelValues<'a'> = { a: 1 };
const collect: CollectFunction<Gauge<string>> = function () {
  this.inc();
};

export {
  any,
  buckets,
  collect,
  configuration,
  gathered,
  gaugeSeconds,
  json,
  labels,
  list,
  metric,
  names,
  pushed,
  seconds,
  single,
  text,
  type,
  valid,
  values,
  withExemplar,
};
