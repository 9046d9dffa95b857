// The public surface: every name is listed here, and nothing else is public. App threads.
export { type ErrorCode, InvalidMetricError, KymoError } from './core/errors.js';
export { AGENT_LATENCY_BUCKETS_MS, AgentMetrics } from './metrics/agent-metrics.js';
export {
  type BufferedMetricEntry,
  BufferedMetricRecorder,
  type BufferedMetricRecorderOptions,
  type MetricBackend,
  type RecordingMetric,
} from './metrics/buffered-recorder.js';
export { CoordinationMetrics } from './metrics/coordination-metrics.js';
export type { BoundCounter, Counter } from './metrics/counter.js';
export type { GaugeOptions, HistogramOptions, MetricOptions } from './metrics/declaration.js';
export { collectDefaultMetrics, type DefaultMetrics, type DefaultMetricsOptions } from './metrics/default-metrics.js';
export type { BoundGauge, Gauge } from './metrics/gauge.js';
export { type BoundHistogram, DEFAULT_BUCKETS, type Histogram } from './metrics/histogram.js';
export type { LabelValue, LabelValues } from './metrics/labels.js';
export type { MissingLabels } from './metrics/metric.js';
export { MetricProxy, MetricType, type NameBasedCollector, type Tags } from './metrics/proxy.js';
export {
  CONTENT_TYPES,
  type ExpositionFormat,
  type ExpositionOptions,
  MetricsRegistry,
  metrics,
  type RegistryOptions,
} from './metrics/registry.js';
export type { ServedRegistry } from './metrics/registry-id.js';
export type { HistogramSnapshot, MetricsSnapshot } from './metrics/snapshot.js';
export {
  createStandardMetrics,
  type StandardMetrics,
  type StandardMetricsOptions,
  StateGauge,
  standardMetrics,
} from './metrics/standard-metrics.js';
export { type MetricsHandler, type MetricsHandlerOptions, metricsHandler } from './ops/metrics-handler.js';
export type { OpsServerOptions } from './ops/options.js';
export { type OpsAddress, OpsServer } from './ops/server.js';
export {
  type RecoveredHistogram,
  type RecoveredRun,
  type RecoveredValue,
  type RecoverOptions,
  type RunEnd,
  recoverRuns,
} from './recorder/recover.js';
