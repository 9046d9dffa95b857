// Random programs through the OpenTelemetry API, on the drop-in and on OpenTelemetry's own SDK: what exporters get is the same, but for the
// exceptions that the guide names.
import { diag, type SpanContext, type Tracer } from '@opentelemetry/api';
import { describe, expect, it } from 'vitest';
import { KymoTracerProvider } from '../../../src/compat/opentelemetry/tracer-provider.js';
import { openTelemetry } from '../../opentelemetry.js';
import { programOf } from './random-programs.js';

/** What a test reads of `ReadableSpan`. */
interface Readable {
  readonly name: string;
  readonly kind: number;
  readonly status: { readonly code: number; readonly message?: string };
  readonly attributes: Record<string, unknown>;
  readonly events: readonly { name: string; time: unknown; attributes?: Record<string, unknown>; droppedAttributesCount?: number }[];
  readonly links: readonly { context: SpanContext; attributes?: object; droppedAttributesCount?: number }[];
  readonly parentSpanContext?: SpanContext;
  spanContext(): SpanContext;
  readonly [key: string]: unknown;
}

interface Exporter {
  getFinishedSpans(): Readable[];
}

interface Sdk {
  readonly BasicTracerProvider: new (options: object) => { getTracer(name: string): Tracer };
  readonly SimpleSpanProcessor: new (exporter: Exporter) => never;
  readonly InMemorySpanExporter: new () => Exporter;
}

/** Ids of a run by their first use: the same for two runs of one program. */
function steadyIds(): (id: string) => string {
  const ids = new Map<string, string>();
  return (id) => {
    // Ids that the program itself brings stay.
    if (/^0+$|^[0-9a-f]af765|^[0-9a-f]7ad6b|nonsense|more/.test(id)) return id;
    if (!ids.has(id)) ids.set(id, `id ${ids.size}`);
    return ids.get(id) as string;
  };
}

/** Exception: the SDK keeps null and undefined in events and links, where they are as undefined as in spans. */
function said(attributes: object = {}): Record<string, unknown> {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== null && value !== undefined));
}

function described(spans: readonly Readable[]): unknown[] {
  const steady = steadyIds();
  // Exception: the drop-in sets the random flag of W3C Trace Context level 2.
  const ids = ({ traceId, spanId, traceFlags, isRemote }: SpanContext) => [
    steady(traceId),
    steady(spanId),
    traceFlags & 1,
    isRemote ?? false,
  ];
  return spans.map((span) => ({
    name: span.name,
    kind: span.kind,
    // Exception: an empty message is none; on the wire it is the same.
    status: { code: span.status.code, message: span.status.message || undefined },
    attributes: span.attributes,
    events: span.events.map(({ name, time, attributes, droppedAttributesCount = 0 }) => {
      const { 'exception.type': type, 'exception.stacktrace': stack, ...others } = said(attributes);
      return { name, time, attributes: { ...others, ...(type !== undefined && { type }), hasStack: typeof stack }, droppedAttributesCount };
    }),
    links: span.links.map(({ context, attributes, droppedAttributesCount = 0 }) => [
      ids(context),
      said(attributes),
      droppedAttributesCount,
    ]),
    ids: ids(span.spanContext()),
    parent: span.parentSpanContext && ids(span.parentSpanContext),
    times: [span.startTime, span.endTime, span.duration],
    dropped: [span.droppedAttributesCount, span.droppedEventsCount, span.droppedLinksCount],
    ended: span.ended,
    scope: (span.instrumentationScope as { name: string }).name,
  }));
}

describe.runIf(openTelemetry.installed)('random programs', () => {
  const sdk = (): Sdk => openTelemetry.require('@opentelemetry/sdk-trace-base');

  /** What comes out of both sides. */
  function both(seed: number, limits: { attributeCountLimit?: number; attributeValueLengthLimit?: number }): [unknown[], unknown[]] {
    diag.disable();
    const { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } = sdk();
    const program = programOf(seed);
    const [theirs, ours] = [new InMemorySpanExporter(), new InMemorySpanExporter()];
    program(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(theirs)], spanLimits: limits }).getTracer('random'));
    const { attributeCountLimit: maxAttributes = 128, attributeValueLengthLimit: maxAttributeLength = Infinity } = limits;
    const kymo = { limits: { maxAttributes, maxAttributeLength } };
    program(new KymoTracerProvider({ kymo, spanProcessors: [new SimpleSpanProcessor(ours)] }).getTracer('random'));
    return [described(ours.getFinishedSpans()), described(theirs.getFinishedSpans())];
  }

  it.each([0, 1, 2, 3])('export the same spans, batch %i', (batch) => {
    let spans = 0;
    for (let seed = batch * 250; seed < batch * 250 + 250; seed++) {
      const [ours, theirs] = both(seed, {});
      expect(ours, `seed ${seed}`).toEqual(theirs);
      spans += ours.length;
    }
    expect(spans).toBeGreaterThan(500);
  });

  it('export the same under limits of attributes and of their length', () => {
    for (let seed = 2_000; seed < 2_250; seed++) {
      const [ours, theirs] = both(seed, { attributeCountLimit: 3, attributeValueLengthLimit: 7 });
      expect(ours, `seed ${seed}`).toEqual(theirs);
    }
  });
});
