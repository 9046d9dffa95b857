// Bodies that the exporters send, made by the addon from spans that a test writes into its ring; and how the project's own decoder
// reads them. Runs in the test process.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { native } from '../../../src/binding/load.js';
import type { NativeAttributeValue } from '../../../src/binding/native-traces.js';
import { spanRing } from '../../../src/binding/span-ring.js';
import type { WritableRest, WritableSpan } from '../../../src/binding/writable-span.js';
import { pythonPeer } from '../../peers.js';

const DECODE = fileURLToPath(new URL('decode.py', import.meta.url));

/** A Python with OpenTelemetry's messages. */
export const python = pythonPeer('opentelemetry.proto.collector.trace.v1.trace_service_pb2', 'pip install opentelemetry-proto');

export type BodyFormat = 'protobuf' | 'json' | 'msgpack';

/** What a test says of a provider. */
export interface Provider {
  readonly resource?: readonly NativeAttributeValue[];
  readonly schemaUrl?: string;
}

/** A provider of the addon with a pipeline for each format, all of which get the same spans. */
export class Bodies {
  readonly host: number;
  readonly #pipelines: ReadonlyMap<BodyFormat, number>;

  constructor({ resource = [], schemaUrl = '' }: Provider = {}, formats: readonly BodyFormat[] = ['protobuf', 'json', 'msgpack']) {
    this.host = native.tracesHost({ resource, schemaUrl, retainedTraces: 1000, retainedBytes: 1 << 26 });
    const pipeline = (format: BodyFormat): number =>
      native.tracesPipeline(this.host, {
        label: `conformance-${format}`,
        format,
        compression: 'none',
        maxQueueItems: 10_000,
        maxQueueBytes: 2 ** 30,
        maxBatchItems: 10_000,
        maxBatchBytes: 2 ** 26,
      });
    this.#pipelines = new Map(formats.map((format) => [format, pipeline(format)]));
  }

  scope(name: string, version = '', schemaUrl = '', attributes: readonly NativeAttributeValue[] = []): number {
    return native.tracesScope(this.host, name, version, schemaUrl, attributes);
  }

  /** Writes spans, whose ids are the low words 1, 2, 3 unless they say otherwise, and gives the body of their batch in each format. */
  of(spans: readonly (WritableSpan & { readonly s0?: number; readonly s1?: number })[]): Map<BodyFormat, Uint8Array> {
    spans.forEach((span, index) => {
      const write = (): boolean => spanRing().write(span, span.s0 ?? 0, span.s1 ?? index + 1);
      // Large batches fill the ring.
      if (index % 500 === 499) native.ringFlush(10_000);
      if (!write()) throw new Error(`the ring is full at span ${index}`);
    });
    native.ringFlush(10_000);
    const bodies = new Map<BodyFormat, Uint8Array>();
    for (const [format, pipeline] of this.#pipelines) {
      const batch = native.pipelineTake(pipeline);
      if (batch === null || batch.items !== spans.length) throw new Error(`${batch?.items ?? 0} spans of ${spans.length} in ${format}`);
      native.pipelineDone(pipeline, batch.batch, 'exported', 0, '');
      bodies.set(format, batch.body);
    }
    return bodies;
  }
}

/** A request as the decoder understood it: OTLP/JSON in its canonical form, ids in lower case. */
export interface DecodedRequest {
  readonly message: {
    readonly resourceSpans: readonly {
      readonly resource: { readonly attributes?: readonly unknown[] };
      readonly scopeSpans: readonly {
        readonly scope?: { readonly name?: string; readonly version?: string; readonly attributes?: readonly unknown[] };
        readonly spans: readonly Record<string, unknown>[];
        readonly schemaUrl?: string;
      }[];
      readonly schemaUrl?: string;
    }[];
  };
  /** The bytes are those that protobuf's own encoder writes; true for JSON. */
  readonly canonical: boolean;
}

/** Reads bodies of spans, or of another signal, with OpenTelemetry's own messages, unknown fields refused. @throws Error with what the decoder says */
export function decode<Request = DecodedRequest>(
  bodies: readonly { readonly format: BodyFormat; readonly body: Uint8Array }[],
  signal: 'traces' | 'logs' = 'traces',
): Request[] {
  const input = JSON.stringify(bodies.map(({ format, body }) => ({ signal, format, body: Buffer.from(body).toString('base64') })));
  const { status, stdout, stderr } = spawnSync(python as string, [DECODE], { input, encoding: 'utf8', maxBuffer: 2 ** 29 });
  if (status !== 0) throw new Error(`the decoder: ${stderr.trim().split('\n').at(-1)}`);
  return JSON.parse(stdout) as Request[];
}

const NO_REST: WritableRest = {
  eventList: undefined,
  linkList: undefined,
  statusText: '',
  traceStateText: '',
  droppedAttributes: 0,
  droppedEvents: 0,
  droppedLinks: 0,
};

/** A span of one millisecond in the trace 0…1, with what is given instead. */
export function aSpan(
  scope: number,
  given: Partial<Omit<WritableSpan, 'rest'>> & { rest?: Partial<WritableRest>; s0?: number; s1?: number } = {},
): WritableSpan {
  const { rest, ...fields } = given;
  return {
    t0: 0,
    t1: 0,
    t2: 0,
    t3: 1,
    p0: 0,
    p1: 0,
    bits: 1,
    scope,
    clock: 0,
    name: 'span',
    startedAt: [1_700_000_000, 0],
    endedAt: [1_700_000_000, 1_000_000],
    pairs: undefined,
    rest: rest && { ...NO_REST, ...rest },
    ...fields,
  };
}
