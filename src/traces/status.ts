// The status of a span: what it is called, how one status replaces another, and where it stands in the span's bits. Any thread.

/** What can be said about how a span went. */
export const SpanStatus = Object.freeze({
  UNSET: 'unset',
  OK: 'ok',
  ERROR: 'error',
  /** An error that was one of time; exported as an error. */
  TIMEOUT: 'timeout',
} as const);

/** One of {@link SpanStatus}. */
export type SpanStatus = (typeof SpanStatus)[keyof typeof SpanStatus];

/** A status as agents know it: what is unset went well. */
export const AgentSpanStatus = Object.freeze({ OK: 'ok', ERROR: 'error', TIMEOUT: 'timeout' } as const);

/** One of {@link AgentSpanStatus}. */
export type AgentSpanStatus = (typeof AgentSpanStatus)[keyof typeof AgentSpanStatus];

/** A status as OpenTelemetry's API writes it: code 0 unset, 1 ok, 2 error. */
export interface StatusObject {
  readonly code: 0 | 1 | 2;
  readonly message?: string;
}

/** Two bits of the code, then the one that tells a timeout from other errors. */
const OK = 1 << 11;
const ERROR = 2 << 11;
const TIMEOUT = ERROR | (1 << 13);
/** All bits of a status. */
export const STATUS_MASK = 7 << 11;
/** Set for errors, timeouts among them. */
export const STATUS_ERROR = ERROR;

const WORDS: Readonly<Record<SpanStatus, number>> = { unset: 0, ok: OK, error: ERROR, timeout: TIMEOUT };
const CODES = [0, OK, ERROR] as const;

/** The bits of a status given as a word, as OpenTelemetry's number or its object; -1 for anything else. Never throws. */
export function statusBits(status: unknown): number {
  if (typeof status === 'string') return Object.hasOwn(WORDS, status) ? WORDS[status as SpanStatus] : -1;
  if (typeof status === 'number') return CODES[status] ?? -1;
  return -1;
}

/**
 * True when a span of these bits takes the status `next`: ok is final, unset is ignored, an error replaces an error (the OpenTelemetry
 * specification, "Set Status").
 */
export function mayReplace(bits: number, next: number): boolean {
  return next > 0 && (bits & STATUS_MASK) !== OK;
}

/** The status in the bits of a span. */
export function statusOf(bits: number): SpanStatus {
  switch (bits & STATUS_MASK) {
    case OK:
      return SpanStatus.OK;
    case ERROR:
      return SpanStatus.ERROR;
    case TIMEOUT:
      return SpanStatus.TIMEOUT;
    default:
      return SpanStatus.UNSET;
  }
}
