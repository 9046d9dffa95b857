// The same spans through published processors and exporters, on the drop-in or on OpenTelemetry's SDK; prints what each of them sent:
//   node run-exporters.cjs <kymo | sdk>
const { createServer } = require('node:http');
const { context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } = require('@opentelemetry/api');
const {
  BasicTracerProvider,
  BatchSpanProcessor,
  ConsoleSpanExporter,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} = require('@opentelemetry/sdk-trace-base');
const { AsyncLocalStorageContextManager } = require('@opentelemetry/context-async-hooks');
const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-http');
const { LangfuseSpanProcessor } = require('@langfuse/otel');

/** Ids by their first use. */
const ids = new Map();
const steady = (id) => {
  if (!ids.has(id)) ids.set(id, `id ${ids.size}`);
  return ids.get(id);
};

/** JSON with ids replaced, resources left out: a resource says which library it is of. */
const described = (value) =>
  JSON.parse(
    JSON.stringify(value, (key, inner) => {
      if (key === 'resource') return undefined;
      if (/^(id|traceId|spanId|parentSpanId)$/.test(key) && typeof inner === 'string' && inner !== '') return steady(inner);
      // Bit 1 is the random flag of W3C Trace Context level 2, which the SDK does not set.
      if (key === 'flags' || key === 'traceFlags') return inner & ~2;
      return inner;
    }),
  );

(async () => {
  const bodies = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const part of request) text += part;
    bodies.push(JSON.parse(text));
    response.setHeader('content-type', 'application/json');
    response.end('{}');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const printed = [];
  console.dir = (value) => printed.push(value);
  const langfuse = new InMemorySpanExporter();
  const mask = ({ data }) => (typeof data === 'string' ? data.replace('secret', '***') : data);
  const spanProcessors = [
    new LangfuseSpanProcessor({
      exporter: langfuse,
      publicKey: 'pk',
      secretKey: 'sk',
      environment: 'test',
      exportMode: 'immediate',
      mask,
      mediaUploadEnabled: false,
      shouldExportSpan: () => true,
    }),
    new SimpleSpanProcessor(new ConsoleSpanExporter()),
    new BatchSpanProcessor(new OTLPTraceExporter({ url: `http://127.0.0.1:${server.address().port}/v1/traces` })),
  ];
  let provider;
  if (process.argv[2] === 'kymo') provider = require('kymo/opentelemetry').register({ spanProcessors }).tracerProvider;
  else {
    provider = new BasicTracerProvider({ spanProcessors });
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    trace.setGlobalTracerProvider(provider);
  }
  const tracer = trace.getTracer('application', '1.0', { schemaUrl: 'https://example.org/schema' });
  const at = (ms) => [1_700_000_000, ms * 1e6];
  const root = tracer.startSpan(
    'root',
    { kind: SpanKind.SERVER, startTime: at(1), attributes: { 'langfuse.observation.input': 'a secret', n: 1 } },
    ROOT_CONTEXT,
  );
  const child = tracer.startSpan(
    'child',
    { startTime: at(2), links: [{ context: root.spanContext(), attributes: { why: 'so' } }] },
    trace.setSpan(ROOT_CONTEXT, root),
  );
  child.setAttributes({ list: ['a', 'b'], yes: true, half: 0.5 }).addEvent('event', { at: 'once' }, at(3));
  child.setStatus({ code: SpanStatusCode.ERROR, message: 'failed' }).end(at(4));
  const remote = trace.setSpanContext(ROOT_CONTEXT, { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 1, isRemote: true });
  tracer.startSpan('from elsewhere', { kind: SpanKind.CONSUMER, startTime: at(5) }, remote).end(at(6));
  root.end(at(7));
  await provider.forceFlush();
  const inLangfuse = langfuse.getFinishedSpans().map(({ name, attributes }) => ({ name, attributes }));
  await provider.shutdown();
  server.close();
  const found = { otlp: described(bodies), console: described(printed), langfuse: inLangfuse };
  process.stdout.write(JSON.stringify(found), () => process.exit());
})();
