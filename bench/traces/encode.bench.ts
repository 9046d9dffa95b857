// What it takes to make a body of a batch of spans, on whichever thread takes the batch: ours from the records in native memory,
// OpenTelemetry's from its span objects. Rows per span of a batch of 512.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { TracerProvider } from 'kymo';
import { Packr } from 'msgpackr';
import type { native as Native } from '../../dist/binding/load.js';
import { expectCount } from '../runner/exposed.js';
import { loadOpenTelemetryTraces } from '../runner/peers.js';
import { PEERS, ROOT } from '../runner/places.js';
import type { PreparedRow, Row } from '../runner/row.js';
import type { Settings } from '../runner/settings.js';
import { timed } from '../runner/timing.js';
import { type AnySpan, setFour, setSixMore } from './subjects.js';

const PEER = 'OpenTelemetry JS';
/** The batch of OpenTelemetry's defaults. */
const SPANS = 512;
const NAME = 'GET /users/:id';

/** OpenTelemetry's two serializers. */
interface Transformer {
  readonly ProtobufTraceSerializer: { serializeRequest(spans: readonly ReadableSpan[]): Uint8Array };
  readonly JsonTraceSerializer: { serializeRequest(spans: readonly ReadableSpan[]): Uint8Array };
}

export function plan(settings: Settings): Row[] {
  return [
    {
      name: `span of 10 attributes as OTLP protobuf, against ${PEER}`,
      unit: 'ns',
      goal: { kind: 'times-faster', factor: 3 },
      prepare: () => encoded(settings, 'protobuf', ({ ProtobufTraceSerializer }) => ProtobufTraceSerializer.serializeRequest),
    },
    {
      name: `span of 10 attributes as OTLP/JSON, against ${PEER}`,
      unit: 'ns',
      prepare: () => encoded(settings, 'json', ({ JsonTraceSerializer }) => JsonTraceSerializer.serializeRequest),
    },
    {
      name: 'span of 10 attributes as a map in msgpack, against msgpackr',
      unit: 'ns',
      prepare: () => packed(settings),
    },
  ];
}

function setTen(span: AnySpan): void {
  setFour(span);
  setSixMore(span);
}

/** A batch of ours that can be taken over and over. */
interface Batch {
  /** Makes its body; the batch goes back to the front of its queue. */
  take(): Uint8Array;
}

async function ourBatch(format: 'protobuf' | 'json' | 'msgpack'): Promise<Batch> {
  // Pipelines as such are no public API: they come from the built library itself.
  const { native } = (await import(pathToFileURL(join(ROOT, 'dist', 'binding', 'load.js')).href)) as { native: typeof Native };
  const provider = new TracerProvider({ serviceName: 'bench' });
  const pipeline = native.tracesPipeline(provider.host, {
    label: 'bench',
    format,
    compression: 'none',
    maxQueueItems: SPANS,
    maxQueueBytes: 2 ** 30,
    maxBatchItems: SPANS,
    maxBatchBytes: 2 ** 26,
  });
  const tracer = provider.getTracer('bench');
  for (let n = 0; n < SPANS; n++) {
    const span = tracer.startSpan(NAME, { kind: 'server' });
    setTen(span);
    span.end();
  }
  native.ringFlush(10_000);
  return {
    take() {
      const batch = native.pipelineTake(pipeline);
      if (batch === null) throw new Error('no batch');
      expectCount('spans of a batch', batch.items, SPANS);
      native.pipelineDone(pipeline, batch.batch, 'again', 0, '');
      return batch.body;
    },
  };
}

function peerBatch(): ReadableSpan[] {
  const { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } = loadOpenTelemetryTraces();
  const exporter = new InMemorySpanExporter();
  const tracer = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).getTracer('bench');
  for (let n = 0; n < SPANS; n++) {
    // 1: a server's.
    const span = tracer.startSpan(NAME, { kind: 1 });
    setTen(span as unknown as AnySpan);
    span.end();
  }
  return exporter.getFinishedSpans();
}

async function encoded(
  settings: Settings,
  format: 'protobuf' | 'json',
  serializer: (transformer: Transformer) => (spans: readonly ReadableSpan[]) => Uint8Array,
): Promise<PreparedRow> {
  const batch = await ourBatch(format);
  const serialize = serializer(createRequire(PEERS)('@opentelemetry/otlp-transformer'));
  const spans = peerBatch();
  let bytes = 0;
  return {
    ours: timed('Kymo', settings, () => (bytes += batch.take().length), SPANS),
    peer: timed(PEER, settings, () => (bytes += serialize(spans).length), SPANS),
    verify() {
      expectCount('spans of ours', namesIn(batch.take()), SPANS);
      expectCount('spans of the peer', namesIn(serialize(spans)), SPANS);
      if (bytes === 0) throw new Error('nothing was encoded');
    },
  };
}

async function packed(settings: Settings): Promise<PreparedRow> {
  const batch = await ourBatch('msgpack');
  const packr = new Packr({ useRecords: false });
  const spans = packr.unpack(batch.take()) as unknown[];
  let bytes = 0;
  return {
    ours: timed('Kymo', settings, () => (bytes += batch.take().length), SPANS),
    peer: timed('msgpackr', settings, () => (bytes += packr.pack(spans).length), SPANS),
    verify() {
      expectCount('spans', spans.length, SPANS);
      expectCount('spans of ours', namesIn(batch.take()), SPANS);
      if (bytes === 0) throw new Error('nothing was encoded');
    },
  };
}

/** How often the name of the spans stands in a body of any format. */
function namesIn(body: Uint8Array): number {
  return Buffer.from(body).toString('latin1').split(NAME).length - 1;
}
