// Sets the OpenTelemetry API up, on the drop-in or on OpenTelemetry's own SDK, with the same exporter behind both; `finish` tells what came
// out, without what differs from run to run.
const { context, metrics, propagation, trace } = require('@opentelemetry/api');
const { InMemorySpanExporter, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-base');
const { registerInstrumentations } = require('@opentelemetry/instrumentation');

/** Attributes that are other numbers in every run. */
const VOLATILE = /^(net\.(peer|host)\.port|server\.port|network\.peer\.port|client\.port)$/;

function onKymo(exporter) {
  const { register } = require('kymo/opentelemetry');
  const { metrics: registry } = require('kymo');
  const processors = [new SimpleSpanProcessor(exporter)];
  const handle = register({ spanProcessors: processors });
  return { flush: () => handle.forceFlush(), scrape: () => registry.metrics() };
}

function onSdk(exporter) {
  const { BasicTracerProvider } = require('@opentelemetry/sdk-trace-base');
  const { AsyncLocalStorageContextManager } = require('@opentelemetry/context-async-hooks');
  const { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } = require('@opentelemetry/core');
  const {
    AggregationTemporality,
    InMemoryMetricExporter,
    MeterProvider,
    PeriodicExportingMetricReader,
  } = require('@opentelemetry/sdk-metrics');
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }));
  trace.setGlobalTracerProvider(provider);
  const reader = new PeriodicExportingMetricReader({
    exporter: new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE),
    exportIntervalMillis: 2 ** 30,
  });
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  return { flush: () => provider.forceFlush(), reader };
}

/** Text with ports and ids of a run replaced. */
const steady = (value) => (typeof value === 'string' ? value.replace(/:\d{4,5}\b/g, ':PORT') : value);

const steadyAttributes = (attributes = {}) =>
  Object.fromEntries(
    Object.entries(attributes)
      .map(([name, value]) => [name, VOLATILE.test(name) ? typeof value : steady(value)])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );

/** The SDK takes an error's `code` for its type, the drop-in its class; stacks hold paths. */
const describeException = (attributes) => ({
  'exception.type': typeof attributes['exception.type'],
  'exception.stacktrace': typeof attributes['exception.stacktrace'],
});

/** Spans by name, each with where it stands in its trace instead of its ids. */
function describeSpans(spans) {
  const named = new Map(spans.map((span) => [span.spanContext().spanId, span]));
  const traces = [...new Set(spans.map((span) => span.spanContext().traceId))];
  const path = (span) => {
    const parent = span.parentSpanContext;
    if (parent === undefined) return span.name;
    const above = named.get(parent.spanId);
    return `${above === undefined ? '(elsewhere)' : path(above)}${parent.isRemote ? ' ~> ' : ' > '}${span.name}`;
  };
  const described = spans.map((span) => ({
    path: path(span),
    kind: span.kind,
    status: span.status,
    attributes: steadyAttributes(span.attributes),
    events: span.events.map(({ name, attributes, droppedAttributesCount }) => ({
      name,
      attributes: steadyAttributes({ ...attributes, ...(name === 'exception' && describeException(attributes)) }),
      droppedAttributesCount,
    })),
    links: span.links.length,
    scope: span.instrumentationScope.name,
    dropped: [span.droppedAttributesCount, span.droppedEventsCount, span.droppedLinksCount],
    ended: span.ended,
    sampled: span.spanContext().traceFlags & 1,
    ordered: span.duration[0] >= 0 && span.startTime[0] <= span.endTime[0],
  }));
  described.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  return { traces: traces.length, spans: described };
}

/** Counts of histograms, as lines of a scrape; both sides in the same order. */
async function describeMetrics({ reader, scrape }) {
  const written = (name) => name.replace(/[^a-zA-Z0-9_]/g, '_');
  const line = (name, attributes, count) => `${written(name)} ${JSON.stringify(steadyLabels(attributes))} ${count}`;
  if (scrape !== undefined) {
    const counts = [...(await scrape()).matchAll(/^(\w+)_count(?:\{(.*)\})? (\d+)$/gm)];
    return counts.map(([, name, labels, count]) => line(name, Object.fromEntries(pairs(labels)), count)).sort();
  }
  const { resourceMetrics } = await reader.collect();
  return resourceMetrics.scopeMetrics
    .flatMap((scope) => scope.metrics)
    .flatMap(({ descriptor, dataPoints }) =>
      dataPoints.map(({ attributes, value }) => {
        const labels = Object.entries(attributes).map(([name, label]) => [written(name), String(label)]);
        return line(descriptor.name, Object.fromEntries(labels), value.count);
      }),
    )
    .sort();
}

const pairs = (labels = '') => [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]);

/** Labels by name, ports left out. */
const steadyLabels = (labels) =>
  Object.entries(labels)
    .map(([name, value]) => [name, /_port$/.test(name) ? 'number' : value])
    .sort(([a], [b]) => (a < b ? -1 : 1));

/** @param {'kymo' | 'sdk'} which */
exports.setUp = (which, instrumentations) => {
  const exporter = new InMemorySpanExporter();
  const side = which === 'kymo' ? onKymo(exporter) : onSdk(exporter);
  registerInstrumentations({ instrumentations });
  return {
    async finish() {
      // Servers end their spans after the answer is out.
      await new Promise((resolve) => setTimeout(resolve, 100));
      await side.flush();
      const spans = exporter.getFinishedSpans();
      return { ...describeSpans(spans), metrics: await describeMetrics(side) };
    },
  };
};
