// Reads the batches that native encodes for exporters of the application. Exporter threads, or the thread that such an exporter insists on.
import { Unpackr } from 'msgpackr';
import { convertSpanId, convertTraceId, type IdFormat } from '../context/id-text.js';
import type { ExportedSpan } from './exported-span.js';

/** Text forms of ids; without them, hexadecimal digits. */
export interface SpanIdText {
  readonly trace: IdFormat;
  readonly span: IdFormat;
}

const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** The spans of a batch, about 2 us each. Their ids are in the forms of `ids`. @throws what msgpackr throws for bytes that are none */
export function decodeSpans(bytes: Uint8Array, ids?: SpanIdText): ExportedSpan[] {
  if (bytes.length === 0) return [];
  const spans = unpackr.unpack(bytes) as Writable<ExportedSpan>[];
  for (const span of spans) {
    // Plain data has all its keys, set or not.
    span.parentSpanId ??= undefined;
    span.errorMessage ??= undefined;
    if (ids && (ids.trace !== 'hex' || ids.span !== 'hex')) rewriteIds(span, ids);
  }
  return spans;
}

function rewriteIds(span: Writable<ExportedSpan>, { trace, span: form }: SpanIdText): void {
  span.traceId = convertTraceId(span.traceId, trace) ?? span.traceId;
  span.spanId = convertSpanId(span.spanId, form) ?? span.spanId;
  if (span.parentSpanId !== undefined) span.parentSpanId = convertSpanId(span.parentSpanId, form) ?? span.parentSpanId;
}
