// The public surface: every name is listed here, and nothing else is public. App threads.

export { wantsColors } from './config/terminal.js';
export { type Attachment, attachContext, forkContext } from './context/attach.js';
export { Baggage, type BaggageEntry } from './context/baggage.js';
export type { CarrierReader, CarrierWriter } from './context/carrier.js';
export {
  activeContext,
  baggageOf,
  bindContext,
  type Context,
  ROOT_CONTEXT,
  runInContext,
  traceStateOf,
  withBaggage,
} from './context/context.js';
export { getCurrentTraceId, setTraceId } from './context/current.js';
export { convertSpanId, convertTraceId, IdFormat, newSpanId, newTraceId } from './context/id-text.js';
export { currentLogFields, withLogFields } from './context/log-fields.js';
export {
  extract,
  extractContext,
  extractEnvironment,
  inject,
  injectContext,
  injectEnvironment,
  injectTraceContext,
} from './context/propagation.js';
export {
  compositePropagator,
  PropagationFormat,
  type Propagator,
  propagatorOf,
  setPropagator,
} from './context/propagator.js';
export { SpanContext, type SpanContextFields } from './context/span-context.js';
export { TraceState } from './context/tracestate.js';
export { type ErrorCode, InvalidMetricError, KymoError } from './core/errors.js';
export type { BatchOptions } from './export/batch-options.js';
export { type ConsoleExporterOptions, ConsoleSpanExporter, LogSpanExporter } from './export/console/console-exporter.js';
export { formatLlmLine, formatSendLine, formatSpanLine, formatToolLine, type LineMessage, type LineSpan } from './export/console/lines.js';
export { type SpanLogger, type SpanLogLevel, streamLogger } from './export/console/logger.js';
export { type ContextSpanExporter, registerSpanExporter, withSpanExporter } from './export/context-exporter.js';
export type { ExportedEvent, ExportedLink, ExportedSpan } from './export/exported-span.js';
export { type SpanCallback, type SpanExporter, spanCallbackExporter } from './export/exporter.js';
export { FanOutExporter, type FanOutOptions } from './export/fan-out.js';
export { type CallbackSinkOptions, callbackSink, type LogCallback } from './export/logs/callback-sink.js';
export type { ExportedLog } from './export/logs/exported-log.js';
export type { LogExporter } from './export/logs/log-exporter.js';
export { type MemorySink, type MemorySinkOptions, memorySink } from './export/logs/memory-sink.js';
export { type ModuleLogSinkOptions, moduleLogSink } from './export/logs/module-log-sink.js';
export type { LogBatchOptions, LogRecordChoices } from './export/logs/options.js';
export { type OtlpLogSinkOptions, otlpLogSink } from './export/logs/otlp-log-sink.js';
export { ModuleExporter, type ModuleExporterOptions, moduleExporter } from './export/module-exporter.js';
export type { OtlpProtocol } from './export/otlp/endpoint.js';
export { OtlpExporter, otlpExporter } from './export/otlp/exporter.js';
export { type OtlpCompression, type OtlpExporterOptions, type OtlpTargetOptions, validateCompression } from './export/otlp/options.js';
export type { ExportPipeline } from './export/pipeline.js';
export type { ExporterChoice } from './export/plan.js';
export type { ResourceAttributes, ResourceValue } from './export/resource.js';
export { type SimpleExporter, SimpleSpanProcessor } from './export/simple-processor.js';
export { type TraceCallback, type TraceCallbackOptions, type TraceData, traceCallbackExporter } from './export/trace-callback.js';
export type { HttpClientOptions, OutgoingRequest } from './instrument/client-calls.js';
export { type ExpressOptions, expressErrorMiddleware, expressMiddleware } from './instrument/express.js';
export { recordHttpException, setHttpRoute } from './instrument/http-route.js';
export type { HttpServerOptions } from './instrument/http-server.js';
export { type Instrumentation, type InstrumentOptions, instrument } from './instrument/instrument.js';
export { type KoaContext, koaMiddleware } from './instrument/koa.js';
export { TracedHttpAgent, TracedHttpsAgent } from './instrument/traced-agent.js';
export type { RateLimitOptions, SampleOptions } from './logs/conditional-loggers.js';
export {
  JsonFormatter,
  type JsonFormatterOptions,
  type LogRecord,
  TextFormatter,
  type TextFormatterOptions,
} from './logs/format/formatters.js';
export type { LogFieldNames, LogFormatOptions, LogLinePart } from './logs/format/options.js';
export type { LogLineFormat, LogPreset } from './logs/format/presets.js';
export type { TemplateStyle } from './logs/format/template.js';
export { LogLevel, type LogLevelLike, parseLogLevel } from './logs/levels.js';
export type { LogMethod, LogMethods } from './logs/log-methods.js';
export type { ChildOptions, Logger } from './logs/logger.js';
export { getLogger, logStruct, setLogLevel } from './logs/loggers.js';
export { flushLogs } from './logs/opening.js';
export { RateLimitedLogger } from './logs/rate-limited-logger.js';
export { explainRedaction, type RedactionFinding } from './logs/redaction/explain.js';
export { SECRET_NAMES } from './logs/redaction/names.js';
export type { Redact, RedactAction, RedactFunction, RedactName, RedactOptions, RedactPath } from './logs/redaction/options.js';
export { type RedactPattern, SecretPattern } from './logs/redaction/patterns.js';
export type { LogFields } from './logs/settings.js';
export { type FileSinkOptions, fileSink, LOG_RETENTION_DAYS } from './logs/sinks/file.js';
export type { ConnectionOptions, LineSinkOptions } from './logs/sinks/options.js';
export { RotatingFileSink, type RotatingFileSinkOptions } from './logs/sinks/rotating-file-sink.js';
export type { LogSink, OpenedSink, SinkOpening } from './logs/sinks/sink.js';
export { type TcpSinkOptions, tcpSink, type UnixSocketSinkOptions, unixSocketSink } from './logs/sinks/socket.js';
export { type DescriptorSinkOptions, descriptorSink, stderrSink, stdoutSink } from './logs/sinks/standard.js';
export { SyslogFacility, type SyslogSinkOptions, syslogSink } from './logs/sinks/syslog.js';
export {
  type IdentifyingTracer,
  type LogEntry,
  type LogHandler,
  StructuredLogger,
  type StructuredLoggerOptions,
} from './logs/structured-logger.js';
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
export { addLogSink, configureLogging, type LoggingStack, type RecoveredLines } from './stack/logging.js';
export type { ConfiguredSink, FormatChoice, LoggingConfig, LoggingOptions, LogOverload, SinkChoice } from './stack/logging-options.js';
export { configureMetrics, type MetricsStack, type MetricsStackOptions } from './stack/metrics.js';
export { configureTracing, type TracingStack, type TracingStackOptions } from './stack/tracing.js';
export type { Attributes, AttributeValue } from './traces/attributes.js';
export {
  AutomaticSpans,
  type BusOptions,
  type LifecycleDetails,
  type LifecycleStage,
  type SupervisorOptions,
  type SupervisorRestart,
  type TraceEvent,
} from './traces/automatic-spans.js';
export { getCurrentSpan } from './traces/current-span.js';
export {
  attach,
  currentTrace,
  defaultTracing,
  detach,
  getRecent,
  newTrace,
  runWithTrace,
  setDefaultTracing,
  span,
  startTrace,
  trace,
  traceConsume,
  tracePublish,
} from './traces/default-tracing.js';
export type { SpanEvent } from './traces/events.js';
export { InMemoryTraceProvider, type InMemoryTraceProviderOptions } from './traces/in-memory-provider.js';
export type { SpanLimits } from './traces/limits.js';
export type { LinkInput, SpanIds, SpanLink, SpanReference } from './traces/links.js';
export type { TracedMessage } from './traces/message-fields.js';
export { type ConsumeOptions, MessageSpans, type MessageSpansOptions, type PublishOptions } from './traces/message-spans.js';
export type { OpenSpan, OpenSpanOptions } from './traces/open-spans.js';
export type { OpenTrace } from './traces/open-trace.js';
export { DEFAULT_MAX_SPANS, TRACE_RING_BUFFER, TRACING_PRESETS, type TracingPreset, type TracingTraits } from './traces/presets.js';
export type { SpanProcessor } from './traces/processors.js';
export { type ErrorAttributes, type SpanDelivery, TracerProvider, type TracerProviderOptions } from './traces/provider.js';
export type { RecipientPolicy } from './traces/recipients.js';
export type { RetainedEvent, RetainedSpan, RetainedTrace } from './traces/retained-trace.js';
export { type SamplerOptions, SamplerType, samplerOf } from './traces/samplers/named.js';
export { type ParentBasedOptions, parentBasedSampler } from './traces/samplers/parent-based.js';
export { rateLimitingSampler } from './traces/samplers/rate-limiting.js';
export { consistentSampler, ratioSampler, validateSampleRate } from './traces/samplers/ratio.js';
export { rulesSampler, type SamplingRule } from './traces/samplers/rules.js';
export { ALWAYS_OFF, ALWAYS_ON, type Sampler, SamplingDecision, type SamplingResult } from './traces/samplers/sampler.js';
export { SemanticAttributes } from './traces/semantic-attributes.js';
export type { Span } from './traces/span.js';
export { type SpanBatchExporter, SpanBuffer, type SpanBufferOptions } from './traces/span-buffer.js';
export { createSpanData, type SpanData, type SpanDataFields, type SpanDataStatus, toSpanData } from './traces/span-data.js';
export { type SpanBackend, SpanExportWorker, type SpanExportWorkerOptions } from './traces/span-export-worker.js';
export { AgentSpanKind, SpanKind } from './traces/span-kind.js';
export type { ContextExporter } from './traces/span-listeners.js';
export type { SpanOptions } from './traces/span-options.js';
export { SPAN_QUEUE_SIZE, SpanQueue, type SpanQueueOptions } from './traces/span-queue.js';
export type { SemanticConvention, SpanDict, SpanJson } from './traces/span-reading.js';
export { AgentSpanStatus, SpanStatus, type StatusObject } from './traces/status.js';
export type { TailAttributeRule, TailSamplingOptions, TailShare, TailSlowRule, TailValue } from './traces/tail.js';
export type { TimeInput } from './traces/time-input.js';
export { Trace, type TraceDict, type TraceSpan, type TraceSummary } from './traces/trace.js';
export type { TraceDone, TraceListener, TraceLogger } from './traces/trace-listeners.js';
export { type TracedDecorator, type TracedOptions, traced } from './traces/traced.js';
export type { Tracer, TracerOptions } from './traces/tracer.js';
export { type NewTraceOptions, Tracing, type TracingOptions } from './traces/tracing.js';
