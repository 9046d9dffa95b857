// What the addon offers for threads and metrics; the twin of native/binding/src/{process,thread,metrics}.rs. Types only.

/** Exponential buckets of a histogram. */
export interface NativeDeclaration {
  /** In [-4, 8]. */
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly maxBuckets: number;
  /** 0 = never. */
  readonly minResetMs: number;
  readonly maxZeroThreshold: number;
}

/** Window and quantiles of a summary. */
export interface SummaryDeclaration {
  readonly quantiles: Float64Array;
  readonly maxAgeMs: number;
  readonly ageBuckets: number;
  readonly relativeError: number;
  /** JS writes the quantiles into the cells behind count and sum. */
  readonly external: boolean;
}

/** A declaration, already checked. */
export interface MetricDeclaration {
  readonly name: string;
  readonly help: string;
  /** Base unit, for OpenMetrics. */
  readonly unit?: string;
  /** 1 counter, 2 gauge, 3 histogram, 4 summary, 5 info, 6 state set. */
  readonly kind: number;
  readonly labelNames: string[];
  /** Upper bounds without +Inf, ascending. */
  readonly bounds?: Float64Array;
  /** How threads' values of a gauge become one: 0 sum (default), 1 last (one cell for the whole process), 2 min, 3 max, 4 avg. */
  readonly aggregate?: number;
  /** The same as `aggregate: 1`. */
  readonly last?: boolean;
  readonly native?: NativeDeclaration;
  readonly summary?: SummaryDeclaration;
  /** Of a state set. */
  readonly states?: string[];
}

/** A series of this thread that another thread removed. */
export interface RemovedSeries {
  readonly metric: number;
  readonly series: number;
  readonly values: string[];
}

/** No room: the value is dropped and counted. */
export const NO_MEMORY = -1;
/** A label value over 16 kB, or all of them over 64 kB. */
export const TOO_LONG = -2;
/** The metric was taken out of its registry. */
export const GONE = -3;
/** This and below: the metric is full, and `OVERFLOW - answer` is the location of its overflow series. */
export const OVERFLOW = -1024;

export interface MetricsNative {
  start(options: { memory: string; memoryDir: string; memoryLimitBytes?: number; service: string; fingerprint: number }): void;
  externalBuffersAllowed(): boolean;
  attachThread(threadId: number, main: boolean): number;
  segmentBuffer(segment: number): ArrayBuffer;
  /** A lenient registry refuses equal names only, not clashing sample names. */
  openRegistry(name: string | null, lenient?: boolean): number;
  /** With a registry of -1 the metric is in none yet, and records all the same. */
  declareMetric(registry: number, declaration: MetricDeclaration): number;
  /** Puts a metric into one more registry; throws `KYMO_METRICS_CONFLICT`. */
  adoptMetric(registry: number, metric: number): void;
  /** Names and values in turn, shown with every series of the registry that has no label of that name. */
  setDefaultLabels(registry: number, pairs: string[]): void;
  /** As `registerSeries`, for names and values in turn: any labels, written in this order. */
  registerPairs(metric: number, ...pairs: string[]): number;
  /** As `removeSeries`, for names and values in turn. */
  removePairs(metric: number, held: boolean, ...pairs: string[]): number;
  /** Makes room for one more bucket in a native histogram's cells. Cold. */
  limitBuckets(metric: number, segment: number, cell: number): number;
  /** Takes the raw values of a summary's cells over. */
  drainSummary(metric: number, segment: number, cell: number): number;
  /** The quantile `q` in [0, 1] of a summary's window: of the series with these label values, or of all; NaN of nothing. */
  quantileOfSummary(metric: number, q: number, values: string[] | null): number;
  /** Keeps an exemplar: bucket as in `native/core/src/metrics/exemplars.rs`, then names and values in turn. */
  setExemplar(
    metric: number,
    segment: number,
    cell: number,
    bucket: number,
    value: number,
    timestampMs: number,
    ...pairs: string[]
  ): number;
  /** The report of `native/core/src/metrics/cardinality.rs`, as JSON. */
  cardinality(registry: number): string;
  /** `segment * 2 ** 32 + cell`, a negative reason, or {@link OVERFLOW} less such a location. */
  registerSeries(metric: number, ...values: string[]): number;
  /** The slot of the removed series, or -1 when none was shown. */
  removeSeries(metric: number, held: boolean, ...values: string[]): number;
  /** 1 when the place was given back. */
  releaseSeries(metric: number, series: number): number;
  copyString(text: string): string;
  takeRemoved(): RemovedSeries[];
  resetMetric(metric: number): void;
  resetRegistry(registry: number): void;
  /** Id of the metric of that name in the registry, or -1. */
  findMetric(registry: number, name: string): number;
  /** Upper bounds of the histogram of that name, without +Inf; empty for any other. */
  boundsOfMetric(registry: number, name: string): number[];
  unregisterMetric(registry: number, metric: number): boolean;
  clearRegistry(registry: number): void;
  releaseMetric(metric: number): void;
  snapshotRegistry(registry: number): string;
  /** The declaration of `native/core/src/metrics/description.rs`, as JSON. */
  describeMetric(metric: number): string;
  /** The rows of one metric, as in `snapshotRegistry`. */
  snapshotMetric(metric: number): string;
  /** Series at most, in [1, 2^32), and ms without a change after which a series is hidden, 0 = never. */
  setLimits(metric: number, maxSeries: number, idleMs: number): void;
}
