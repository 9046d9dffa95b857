// A completed span as plain data, for queues, exporters and other threads. Any thread; no native memory behind it.
import type { Span } from './span.js';

/** How a span ended: `timeout` is an error that was one of time. */
export type SpanDataStatus = 'ok' | 'error' | 'timeout';

/**
 * A completed span of plain types only: `structuredClone`, `postMessage`, msgpack and `JSON.stringify` take it as it is. Its keys
 * are always there, in this order.
 */
export interface SpanData {
  readonly name: string;
  /** Text form of the tracer that made it. */
  readonly traceId: string;
  readonly spanId: string;
  /** Undefined for a root. */
  readonly parentSpanId: string | undefined;
  /** Seconds since 1970. */
  readonly startTime: number;
  /** Seconds since 1970, not before `startTime`. */
  readonly endTime: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly status: SpanDataStatus;
  /** Undefined unless the span failed with a message. */
  readonly errorMessage: string | undefined;
}

/** What {@link createSpanData} needs: the rest has defaults. */
export type SpanDataFields = Pick<SpanData, 'name' | 'traceId' | 'spanId' | 'startTime' | 'endTime'> & Partial<SpanData>;

/** Fills in what is left out: no parent, fresh empty attributes, status `ok`, no error. Attributes that are given are copied one level deep. */
export function createSpanData(fields: SpanDataFields): SpanData {
  return {
    name: fields.name,
    traceId: fields.traceId,
    spanId: fields.spanId,
    parentSpanId: fields.parentSpanId,
    startTime: fields.startTime,
    endTime: fields.endTime,
    attributes: { ...fields.attributes },
    status: fields.status ?? 'ok',
    errorMessage: fields.errorMessage,
  };
}

/**
 * An ended span as plain data, with `unset` as `ok`; one that is open is taken as ended now. Whole numbers of 64 bits (bigints) become
 * numbers where these are exact, else text.
 */
export function toSpanData(span: Span): SpanData {
  const { startTime, status, statusMessage } = span;
  return {
    name: span.name,
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId,
    startTime,
    endTime: Math.max(startTime, span.endTime ?? startTime + span.durationMs / 1_000),
    attributes: withoutBigints(span.attributes) as Record<string, unknown>,
    status: status === 'unset' ? 'ok' : status,
    errorMessage: statusMessage === '' ? undefined : statusMessage,
  };
}

/** A plain value, copied as far as it has structure. */
function withoutBigints(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (Array.isArray(value)) return value.map(withoutBigints);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inside]) => [key, withoutBigints(inside)]));
}
