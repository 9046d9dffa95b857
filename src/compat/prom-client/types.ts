// The types of `kymo/prom-client`: prom-client 15.1.3's, with what 0.16 adds, so that code that is typed against either compiles.
// Declarations only; the classes are in the files of their names. Any thread.

export type Charset = 'utf-8';
export type PrometheusMIME = 'text/plain';
export type PrometheusMetricsVersion = '0.0.4';
export type OpenMetricsMIME = 'application/openmetrics-text';
export type OpenMetricsVersion = '1.0.0';
export type OpenMetricsContentType = `${OpenMetricsMIME}; version=${OpenMetricsVersion}; charset=${Charset}`;
export type PrometheusContentType = `${PrometheusMIME}; version=${PrometheusMetricsVersion}; charset=${Charset}`;
export type RegistryContentType = PrometheusContentType | OpenMetricsContentType;

/** How the values of several processes or threads become one. */
export type Aggregator = 'omit' | 'sum' | 'first' | 'min' | 'max' | 'average';
export type Collector = () => void;
export type CollectFunction<T> = (this: T) => void | Promise<void>;
export type LabelValues<T extends string> = Partial<Record<T, string | number>>;

/** As prom-client's declarations have it; at run time a metric's type is a word, and there is no such object. */
export declare enum MetricType {
  Counter,
  Gauge,
  Histogram,
  Summary,
}

/** A metric of any kind. */
export type Metric<T extends string = string> = Counter<T> | Gauge<T> | Summary<T> | Histogram<T>;

export interface MetricObject {
  name: string;
  help: string;
  type: MetricType;
  aggregator: Aggregator;
  // biome-ignore lint/suspicious/noExplicitAny: as declared there
  collect: CollectFunction<any>;
}

export interface MetricObjectWithValues<T extends MetricValue<string>> extends MetricObject {
  values: T[];
}

export type MetricValue<T extends string> = { value: number; labels: LabelValues<T> };
export type MetricValueWithName<T extends string> = MetricValue<T> & { metricName?: string };

type AnyRegistry = Registry<PrometheusContentType> | Registry<OpenMetricsContentType>;

/** A set of metrics with distinct names. `OpsServer` and `metricsHandler` of `kymo` serve it as well as their own. */
export declare class Registry<BoundRegistryContentType extends RegistryContentType = PrometheusContentType> {
  constructor(contentType?: RegistryContentType);
  /** Content type of the text that `metrics()` gives. */
  readonly contentType: BoundRegistryContentType;
  /** The text of all metrics; runs their `collect` functions first. */
  metrics(): Promise<string>;
  /** Takes all metrics out. */
  clear(): void;
  /** Resets all metrics. */
  resetMetrics(): void;
  /** Takes a metric in. @throws Error when another one has its name. */
  registerMetric<T extends string>(metric: Metric<T>): void;
  /** All metrics with their values; only those of one aggregator where it is given. */
  getMetricsAsJSON(aggregator?: string): Promise<MetricObjectWithValues<MetricValue<string>>[]>;
  /** All metrics; only those of one aggregator where it is given. */
  getMetricsAsArray(aggregator?: string): MetricObject[];
  /** The text of one metric. */
  getMetricsAsString<T extends string>(metric: Metric<T>): Promise<string>;
  /** Takes the metric of that name out. */
  removeSingleMetric(name: string): void;
  /** The metric of that name. */
  getSingleMetric<T extends string>(name: string): Metric<T> | undefined;
  /** The text of the metric of that name. */
  getSingleMetricAsString(name: string): Promise<string>;
  /** Labels that every series gets, unless it has its own of that name. */
  setDefaultLabels(labels: object): void;
  /** @throws Error for a content type other than the two. */
  setContentType(contentType: BoundRegistryContentType): void;
  /** A registry of the metrics of several. @throws Error for different content types or equal names. */
  static merge(registers: Registry[]): Registry;
  /** A registry of the aggregated metrics of several results of `getMetricsAsJSON()`. */
  static aggregate<T extends RegistryContentType>(metricsArr: Array<object>): Registry<T>;
  static PROMETHEUS_CONTENT_TYPE: PrometheusContentType;
  static OPENMETRICS_CONTENT_TYPE: OpenMetricsContentType;
}

/** The global registry: that of metrics which name none. */
export declare const register: Registry;
/** Content type of the global registry. */
export declare const contentType: RegistryContentType;
export declare const prometheusContentType: PrometheusContentType;
export declare const openMetricsContentType: OpenMetricsContentType;

/** A registry that can also ask the workers of a cluster; prom-client 15's messages. */
export declare class AggregatorRegistry<T extends RegistryContentType> extends Registry<T> {
  /** The metrics of all workers as one text; rejects after 5 s. */
  clusterMetrics(): Promise<string>;
  static override aggregate<T extends RegistryContentType>(metricsArr: Array<object>): Registry<T>;
  /** Which registries this process reports; the global one without this. */
  static setRegistries(regs: AnyRegistry | AnyRegistry[]): void;
}

/** A registry that can also ask the processes of a cluster; 0.16's messages. */
export declare class ClusterRegistry<T extends RegistryContentType> extends Registry<T> {
  /** The metrics of the primary and of all workers as one text; rejects after 5 s. */
  clusterMetrics(): Promise<string>;
  /** Hands this worker's sums to the primary; to be awaited before the process ends. */
  shutdown(timeoutMs?: number): Promise<void>;
  /** Which registries this process reports; the global one without this. */
  static setRegistries(regs: AnyRegistry | AnyRegistry[]): void;
}

/** A registry that can also ask other threads. */
export declare class WorkerRegistry<T extends RegistryContentType> extends Registry<T> {
  constructor(contentType?: RegistryContentType, primary?: boolean);
  /** The metrics of all known threads as one text; rejects after 5 s. */
  workerMetrics(): Promise<string>;
  /** Hands this thread's sums to the primary; to be awaited before the thread ends. */
  shutdown(timeoutMs?: number): Promise<void>;
  /** Threads that this one knows. */
  static workerCount(): number;
  /** Which registries this thread reports; the global one without this. */
  static setRegistries(regs: AnyRegistry | AnyRegistry[]): void;
}

export interface MetricConfiguration<T extends string> {
  name: string;
  help: string;
  labelNames?: T[] | readonly T[];
  /** Default: the global registry. */
  registers?: AnyRegistry[];
  /** Default `sum`. */
  aggregator?: Aggregator;
  /** Run before the metric is read. */
  // biome-ignore lint/suspicious/noExplicitAny: as declared there
  collect?: CollectFunction<any>;
  /** For OpenMetrics registries only. */
  enableExemplars?: boolean;
}

export interface CounterConfiguration<T extends string> extends MetricConfiguration<T> {
  collect?: CollectFunction<Counter<T>>;
}

export interface IncreaseDataWithExemplar<T extends string> {
  value?: number;
  labels?: LabelValues<T>;
  exemplarLabels?: LabelValues<T>;
}

export interface ObserveDataWithExemplar<T extends string> {
  value: number;
  labels?: LabelValues<T>;
  exemplarLabels?: LabelValues<T>;
}

/** A sum that only grows. */
export declare class Counter<T extends string = string> {
  constructor(configuration: CounterConfiguration<T>);
  /** Adds `value` (default 1). @throws Error for a negative one, TypeError for one that is no finite number. */
  inc(labels: LabelValues<T>, value?: number): void;
  inc(value?: number): void;
  /** With `enableExemplars`. */
  inc(incData: IncreaseDataWithExemplar<T>): void;
  get(): Promise<MetricObjectWithValues<MetricValue<T>>>;
  labels(...values: string[]): Counter.Internal;
  labels(labels: LabelValues<T>): Counter.Internal;
  reset(): void;
  remove(...values: string[]): void;
  remove(labels: LabelValues<T>): void;
}

export declare namespace Counter {
  interface Internal {
    inc(value?: number): void;
  }
}

export interface GaugeConfiguration<T extends string> extends MetricConfiguration<T> {
  collect?: CollectFunction<Gauge<T>>;
}

/** A number that goes up and down. */
export declare class Gauge<T extends string = string> {
  constructor(configuration: GaugeConfiguration<T>);
  /** Adds `value` (default 1). @throws TypeError for anything that is no number. */
  inc(labels: LabelValues<T>, value?: number): void;
  inc(value?: number): void;
  /** Subtracts `value` (default 1). @throws TypeError for anything that is no number. */
  dec(labels: LabelValues<T>, value?: number): void;
  dec(value?: number): void;
  /** @throws TypeError for anything that is no number. */
  set(labels: LabelValues<T>, value: number): void;
  set(value: number): void;
  get(): Promise<MetricObjectWithValues<MetricValue<T>>>;
  /** Seconds since 1970. */
  setToCurrentTime(labels?: LabelValues<T>): void;
  /** Gives a function that sets the seconds that passed, and returns them. */
  startTimer(labels?: LabelValues<T>): (labels?: LabelValues<T>) => number;
  labels(...values: string[]): Gauge.Internal<T>;
  labels(labels: LabelValues<T>): Gauge.Internal<T>;
  reset(): void;
  remove(...values: string[]): void;
  remove(labels: LabelValues<T>): void;
}

export declare namespace Gauge {
  interface Internal<T extends string> {
    inc(value?: number): void;
    dec(value?: number): void;
    set(value: number): void;
    setToCurrentTime(): void;
    startTimer(): (labels?: LabelValues<T>) => number;
  }
}

export interface HistogramConfiguration<T extends string> extends MetricConfiguration<T> {
  /** Upper bounds, without +Inf. */
  buckets?: number[];
  collect?: CollectFunction<Histogram<T>>;
}

/** Counts of observations by bucket, with their sum. */
export declare class Histogram<T extends string = string> {
  constructor(configuration: HistogramConfiguration<T>);
  /** @throws TypeError for anything that is no finite number. */
  observe(value: number): void;
  observe(labels: LabelValues<T>, value: number): void;
  /** With `enableExemplars`. */
  observe(observeData: ObserveDataWithExemplar<T>): void;
  get(): Promise<MetricObjectWithValues<MetricValueWithName<T>>>;
  /** Gives a function that observes the seconds that passed, and returns them. */
  startTimer(labels?: LabelValues<T>): (labels?: LabelValues<T>) => number;
  startTimer(
    labels?: LabelValues<T>,
    exemplarLabels?: LabelValues<T>,
  ): (labels?: LabelValues<T>, exemplarLabels?: LabelValues<T>) => number;
  reset(): void;
  /** Begins a series with zeros. */
  zero(labels: LabelValues<T>): void;
  labels(...values: string[]): Histogram.Internal<T>;
  labels(labels: LabelValues<T>): Histogram.Internal<T>;
  remove(...values: string[]): void;
  remove(labels: LabelValues<T>): void;
}

export declare namespace Histogram {
  interface Internal<T extends string> {
    observe(value: number): void;
    startTimer(): (labels?: LabelValues<T>) => number;
  }

  interface Config {
    buckets?: number[];
  }
}

export interface SummaryConfiguration<T extends string> extends MetricConfiguration<T> {
  /** Quantiles in [0, 1]. */
  percentiles?: number[];
  /** Length of the window, in seconds. */
  maxAgeSeconds?: number;
  /** Parts of the window. */
  ageBuckets?: number;
  /** Leaves series out whose window is empty. */
  pruneAgedBuckets?: boolean;
  /** Observations between two compressions of the sketch; default 1000. */
  compressCount?: number;
  collect?: CollectFunction<Summary<T>>;
}

/** Quantiles of observations, with their count and sum. */
export declare class Summary<T extends string = string> {
  constructor(configuration: SummaryConfiguration<T>);
  /** @throws TypeError for anything that is no finite number. */
  observe(value: number): void;
  observe(labels: LabelValues<T>, value: number): void;
  get(): Promise<MetricObjectWithValues<MetricValueWithName<T>>>;
  /** Gives a function that observes the seconds that passed, and returns them. */
  startTimer(labels?: LabelValues<T>): (labels?: LabelValues<T>) => number;
  reset(): void;
  labels(...values: string[]): Summary.Internal<T>;
  labels(labels: LabelValues<T>): Summary.Internal<T>;
  remove(...values: string[]): void;
  remove(labels: LabelValues<T>): void;
}

export declare namespace Summary {
  interface Internal<T extends string> {
    observe(value: number): void;
    startTimer(): (labels?: LabelValues<T>) => number;
  }

  interface Config {
    percentiles?: number[];
  }
}

/** A Pushgateway at one address. */
export declare class Pushgateway<T extends RegistryContentType> {
  constructor(url: string, registry: Registry<T>);
  // biome-ignore lint/suspicious/noExplicitAny: as declared there
  constructor(url: string, options?: any, registry?: Registry<T>);
  /** Replaces the group's metrics of the names sent. */
  pushAdd(params?: Pushgateway.Parameters): Promise<{ resp?: unknown; body?: unknown }>;
  /** Replaces all metrics of the group. */
  push(params?: Pushgateway.Parameters): Promise<{ resp?: unknown; body?: unknown }>;
  /** Removes the group. */
  delete(params?: Pushgateway.Parameters): Promise<{ resp?: unknown; body?: unknown }>;
}

export declare namespace Pushgateway {
  interface Options {
    /** Default true. */
    requireJobName?: boolean;
    [key: string]: unknown;
  }

  interface Parameters {
    jobName: string;
    /** Further labels of the group. */
    groupings?: { [key: string]: string };
  }
}

/** `count` bounds from `start`, `width` apart. */
export declare function linearBuckets(start: number, width: number, count: number): number[];
/** `count` bounds from `start`, each `factor` times the one before. */
export declare function exponentialBuckets(start: number, factor: number, count: number): number[];

export interface DefaultMetricsCollectorConfiguration<T extends RegistryContentType> {
  register?: Registry<T>;
  prefix?: string;
  gcDurationBuckets?: number[];
  /** In milliseconds, at least 1. */
  eventLoopMonitoringPrecision?: number;
  labels?: object;
  /** Any of these five adds 0.16's `nodejs_eventloop_utilization_{summary,histogram}`; in milliseconds. */
  eventLoopUtilizationTimeout?: number;
  eventLoopUtilizationBuckets?: number[];
  eventLoopUtilizationPercentiles?: number[];
  eventLoopUtilizationAgeBuckets?: number;
  eventLoopUtilizationMaxAgeSeconds?: number;
}

export declare const collectDefaultMetrics: {
  <T extends RegistryContentType>(config?: DefaultMetricsCollectorConfiguration<T>): void;
  /** Names of the sets. */
  metricsList: string[];
};

/** An aggregator: one metric of several of one name, or nothing. */
export type MetricAggregator = (metrics: readonly object[]) => object | undefined;
export declare const aggregators: Record<Aggregator, MetricAggregator>;

/** True for `[a-zA-Z_:][a-zA-Z0-9_:]*`. */
export declare function validateMetricName(name: string): boolean;
