// Where the metrics of a set go, and what each of them is given. App threads; cold.
import type { Registry } from '../registry.js';

/** Options of `collectDefaultMetrics`, and of each set by itself. */
export interface DefaultMetricsOptions {
  /** Default: the global registry. */
  readonly register?: Registry;
  /** In front of every name. */
  readonly prefix?: string;
  /** Labels with their values, on every series. */
  readonly labels?: Readonly<Record<string, string | number>>;
  /** Upper bounds of `nodejs_gc_duration_seconds`, in seconds. */
  readonly gcDurationBuckets?: readonly number[];
  /** Resolution of the event loop's delay, in milliseconds, at least 1; default 10. */
  readonly eventLoopMonitoringPrecision?: number;
  /** CPU counters carry the current OpenTelemetry span as exemplar; for an OpenMetrics registry. */
  readonly enableExemplars?: boolean;
  /** Milliseconds between two looks at the event loop's utilization; default 100. */
  readonly eventLoopUtilizationTimeout?: number;
  /** Upper bounds of the utilization's histogram. */
  readonly eventLoopUtilizationBuckets?: readonly number[];
  /** Quantiles of the utilization's summary, in [0, 1]. */
  readonly eventLoopUtilizationPercentiles?: readonly number[];
  /** Parts of the summary's window; default 5. */
  readonly eventLoopUtilizationAgeBuckets?: number;
  /** Length of the summary's window, in seconds; default 60. */
  readonly eventLoopUtilizationMaxAgeSeconds?: number;
}

/** A set of default metrics: declares them, and names them without the prefix. */
export interface DefaultMetricsSet {
  (registry?: Registry, options?: DefaultMetricsOptions): void;
  metricNames: string[];
}

/** What the constructors of a set's metrics share. */
export interface Placement {
  readonly prefix: string;
  readonly labels: Record<string, string | number>;
  readonly labelNames: string[];
  /** Undefined is the global registry. */
  readonly registers: Registry[] | undefined;
}

export function placementIn(registry: Registry | undefined, { prefix, labels = {} }: DefaultMetricsOptions): Placement {
  return { prefix: prefix || '', labels, labelNames: Object.keys(labels), registers: registry ? [registry] : undefined };
}
