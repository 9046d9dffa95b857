// The same calls of the OpenTelemetry API on `kymo/opentelemetry` and on OpenTelemetry's own SDK: spans one by one, a request with nested
// spans, and the SDK's processor behind both.
import type { SpanExporter } from '@opentelemetry/sdk-trace-base';
import { KymoTracerProvider } from 'kymo/opentelemetry';
import { expectCount } from '../runner/exposed.js';
import { loadOpenTelemetryTraces } from '../runner/peers.js';
import type { PreparedRow, Row } from '../runner/row.js';
import type { Settings } from '../runner/settings.js';
import { BATCH, timed } from '../runner/timing.js';
import { type AnySpan, peerTracer, setFour, spansAccounted } from './subjects.js';

const PEER = 'OpenTelemetry JS';

/** What the rows call of a tracer of the API. */
interface AnyTracer {
  startSpan(name: string, options?: object): AnySpan & AnyDetails;
  startActiveSpan<R>(name: string, options: object, fn: (span: AnySpan & AnyDetails) => R): R;
}

interface AnyDetails {
  addEvent(name: string, attributes: object): unknown;
  setStatus(status: { code: number; message?: string }): unknown;
}

/** A program, and how many spans one call of it ends. */
interface Program {
  readonly spans: number;
  readonly run: (tracer: AnyTracer) => void;
}

const ONE: Program = {
  spans: 1,
  run(tracer) {
    const span = tracer.startSpan('GET /users/:id');
    setFour(span);
    span.end();
  },
};

const REQUEST: Program = {
  spans: 3,
  run(tracer) {
    tracer.startActiveSpan('GET /users/:id', { kind: 1, attributes: { 'url.path': '/users/4711' } }, (server) => {
      tracer.startActiveSpan('query', { kind: 2 }, (query) => {
        query.setAttribute('db.system.name', 'postgresql');
        query.addEvent('row', { 'row.number': 1 });
        query.end();
      });
      const failed = tracer.startSpan('cache');
      failed.setStatus({ code: 2, message: 'miss' });
      failed.end();
      setFour(server);
      server.end();
    });
  },
};

export function plan(settings: Settings): Row[] {
  return [
    {
      name: `OpenTelemetry drop-in: startSpan, 4 attributes, end, against ${PEER}`,
      unit: 'ns',
      prepare: () => plain(settings, ONE),
    },
    {
      name: `OpenTelemetry drop-in: a request of 3 spans, against ${PEER}`,
      unit: 'ns',
      prepare: () => plain(settings, REQUEST),
    },
    {
      name: `OpenTelemetry drop-in: a request of 3 spans, with the SDK's BatchSpanProcessor, against ${PEER}`,
      unit: 'ns',
      prepare: () => processed(settings, REQUEST),
    },
  ];
}

function repeated(tracer: AnyTracer, { run }: Program): () => void {
  return () => {
    for (let turn = 0; turn < BATCH; turn++) run(tracer);
  };
}

/** Ours with its native queue alone, the SDK with a batch processor and an exporter that only counts. */
function plain(settings: Settings, program: Program): PreparedRow {
  const ours = timed('kymo/opentelemetry', settings, repeated(new KymoTracerProvider().getTracer('bench') as AnyTracer, program));
  const { tracer, exported } = peerTracer();
  const theirs = timed(PEER, settings, repeated(tracer as AnyTracer, program));
  return {
    ours,
    peer: theirs,
    async verify() {
      expectCount('kymo/opentelemetry', await spansAccounted(), ours.operations() * program.spans);
      await exported();
    },
  };
}

/** The SDK's processor and the counting exporter behind both. */
function processed(settings: Settings, program: Program): PreparedRow {
  const { BatchSpanProcessor } = loadOpenTelemetryTraces();
  let told = 0;
  const exporter: SpanExporter = { export: (_batch, done) => done({ code: 0 }), shutdown: async () => undefined };
  const counting = {
    onStart: () => undefined,
    onEnd: () => void told++,
    forceFlush: async () => undefined,
    shutdown: async () => undefined,
  };
  const provider = new KymoTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter), counting] });
  const ours = timed('kymo/opentelemetry', settings, repeated(provider.getTracer('bench') as AnyTracer, program));
  const { tracer, exported } = peerTracer();
  const theirs = timed(PEER, settings, repeated(tracer as AnyTracer, program));
  return {
    ours,
    peer: theirs,
    async verify() {
      expectCount('kymo/opentelemetry', told, ours.operations() * program.spans);
      await exported();
    },
  };
}
