// The public surface: every name is listed here, and nothing else is public. App threads.
export { type ErrorCode, InvalidMetricError, KymoError } from './core/errors.js';
export { AGENT_LATENCY_BUCKETS_MS, AgentMetrics } from './metrics/agent-metrics.js';
export type { NativeHistogramSnapshot } from './metrics/bucket-reading.js';
export {
  type BufferedMetricEntry,
  BufferedMetricRecorder,
  type BufferedMetricRecorderOptions,
  type MetricBackend,
  type RecordingMetric,
} from './metrics/buffered-recorder.js';
export type { CardinalityReport, LabelCardinality, MetricCardinality } from './metrics/cardinality.js';
export { CoordinationMetrics } from './metrics/coordination-metrics.js';
export { type BoundCounter, Counter, type NewCounterOptions } from './metrics/counter.js';
export type {
  CounterOptions,
  GaugeAggregate,
  GaugeOptions,
  HistogramOptions,
  MetricOptions,
  StandaloneOptions,
} from './metrics/declaration.js';
export { collectDefaultMetrics, type DefaultMetrics, type DefaultMetricsOptions } from './metrics/default-metrics.js';
export { type ExemplarLabels, type ExemplarSource, type ExemplarSourceOptions, setExemplarSource } from './metrics/exemplar.js';
export { CONTENT_TYPES, type ExpositionFormat, type ExpositionOptions, type NameEscaping, type Scrape } from './metrics/exposition.js';
export type { DefaultLabels, NamedOptions } from './metrics/factories.js';
export { type BoundGauge, Gauge, type NewGaugeOptions } from './metrics/gauge.js';
export { type BoundHistogram, DEFAULT_BUCKETS, Histogram, type NewHistogramOptions } from './metrics/histogram.js';
export type { BucketOptions, NativeHistogramOptions } from './metrics/histogram-options.js';
export { type MetricListener, type MetricRecorded, metricHooks } from './metrics/hook.js';
export { Info, type NewInfoOptions } from './metrics/info.js';
export type { InfoOptions, StateSetOptions, SummaryOptions } from './metrics/kind-options.js';
export type { LabelValue, LabelValues } from './metrics/labels.js';
export { MergedRegistries } from './metrics/merged.js';
export type { MissingLabels } from './metrics/metric.js';
export type { MetricValue } from './metrics/observations.js';
export { MetricProxy, MetricType, type NameBasedCollector, type Tags } from './metrics/proxy.js';
export { type AnyMetric, MetricsRegistry, MetricsRegistry as MetricsCollector, metrics } from './metrics/registry.js';
export type { ServedRegistry } from './metrics/registry-id.js';
export type { RegistryConfig, RegistryOptions } from './metrics/registry-options.js';
export type { HistogramSnapshot, MetricSample, MetricsSnapshot, SummarySnapshot } from './metrics/snapshot.js';
export {
  createStandardMetrics,
  type StandardMetrics,
  type StandardMetricsOptions,
  StateGauge,
  standardMetrics,
} from './metrics/standard-metrics.js';
export { type BoundStateSet, type NewStateSetOptions, StateSet } from './metrics/state-set.js';
export { type BoundSummary, type NewSummaryOptions, Summary } from './metrics/summary.js';
export type { View, ViewedMetric } from './metrics/view.js';
export { NoopMetricsCollector } from './noop/metrics.js';
export { type MetricsHandler, type MetricsHandlerOptions, metricsHandler } from './ops/metrics-handler.js';
export type { OpsServerOptions } from './ops/options.js';
export { type OpsAddress, OpsServer } from './ops/server.js';
export {
  type RecoveredHistogram,
  type RecoveredRun,
  type RecoveredSeries,
  type RecoveredStateSet,
  type RecoveredSummary,
  type RecoveredValue,
  type RecoverOptions,
  type RunEnd,
  recoverRuns,
} from './recorder/recover.js';
export { configureMetrics, type MetricsStack, type MetricsStackOptions } from './stack/metrics.js';
export { createSpanData, type SpanData, type SpanDataFields, type SpanDataStatus } from './traces/span-data.js';
export { type SpanBackend, SpanExportWorker, type SpanExportWorkerOptions } from './traces/span-export-worker.js';
export { SPAN_QUEUE_SIZE, SpanQueue, type SpanQueueOptions } from './traces/span-queue.js';
