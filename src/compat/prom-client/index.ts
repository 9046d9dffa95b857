// All that `kymo/prom-client` offers, under prom-client's names; `entry.cts` gives it to programs. App threads.
import { globalRegistry, Registry } from './registry.js';

export { AggregatorRegistry } from './aggregator-registry.js';
export { aggregators } from './aggregators.js';
export { exponentialBuckets, linearBuckets } from './bucket-generators.js';
export { ClusterRegistry } from './cluster-registry.js';
export { Counter } from './counter.js';
export { collectDefaultMetrics } from './default-metrics/index.js';
export { Gauge } from './gauge.js';
export { Histogram } from './histogram.js';
export { Pushgateway } from './pushgateway.js';
export { globalRegistry as register, Registry } from './registry.js';
export { Summary } from './summary.js';
export { validateMetricName } from './validation.js';
export { WorkerRegistry } from './worker-registry.js';

/** Content type of Prometheus text 0.0.4. */
export const prometheusContentType: string = Registry.PROMETHEUS_CONTENT_TYPE;
/** Content type of OpenMetrics 1.0.0. */
export const openMetricsContentType: string = Registry.OPENMETRICS_CONTENT_TYPE;
/** Content type of the global registry when this module was loaded; the CommonJS entry has it as an accessor. */
export const contentType: string = globalRegistry.contentType;
