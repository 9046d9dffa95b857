// The current span of OpenTelemetry's API, without a dependency on it. App threads.

/** Where the API of version 1 keeps what is registered, and under what a context holds its span: both are its public contract between copies. */
const API = Symbol.for('opentelemetry.js.api.1');
const SPAN = Symbol.for('OpenTelemetry Context Key SPAN');

interface Span {
  spanContext(): { readonly traceId: string; readonly spanId: string };
}

interface Api {
  readonly context?: { active(): { getValue(key: symbol): unknown } };
}

/** `traceId` and `spanId` of the current span as exemplar labels; empty without a span, or without OpenTelemetry in the process. */
export function currentSpanLabels(): Record<string, string> {
  const api = (globalThis as Record<symbol, unknown>)[API] as Api | undefined;
  const span = api?.context?.active().getValue(SPAN) as Span | undefined;
  if (!span) return {};
  const { traceId, spanId } = span.spanContext();
  return { traceId, spanId };
}
