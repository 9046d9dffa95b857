// Span contexts of the OpenTelemetry API from Kymo's contexts, and back. Pure functions; any thread.
import { isSpanContextValid, type SpanContext } from '@opentelemetry/api';
import {
  Context,
  Extra,
  FLAGS_KNOWN,
  flagsOf,
  isRemote,
  ROOT_CONTEXT,
  spanHighOf,
  spanLowOf,
  spanNumberOf,
  traceStateOf,
} from '../../context/context.js';
import { spanIdText, traceIdText } from '../../context/id-text.js';
import { TraceStateView, traceStateText } from './trace-state.js';

/** The word that 8 hex digits, of either case, stand for. */
function word(text: string, at: number): number {
  return Number.parseInt(text.slice(at, at + 8), 16) | 0;
}

/** True where a context has a span: a local one, or one from elsewhere. */
export function hasSpan(context: Context): boolean {
  return spanNumberOf(context) !== 0 || (spanHighOf(context) | spanLowOf(context)) !== 0;
}

/** The API's span context of the span of `context`; a fresh object. */
export function spanContextOf(context: Context): SpanContext {
  const text = traceStateOf(context);
  return {
    traceId: traceIdText(context),
    spanId: spanIdText(spanHighOf(context), spanLowOf(context)),
    traceFlags: flagsOf(context),
    ...(isRemote(context) ? { isRemote: true } : {}),
    ...(text === '' ? {} : { traceState: new TraceStateView(text) }),
  };
}

/**
 * A context with the trace and the span of one of the API's; {@link ROOT_CONTEXT} for one that is not valid. Flags that this version of
 * W3C Trace Context does not know are masked out, a `tracestate` that is not valid is left out.
 */
export function contextOfSpanContext(spanContext: SpanContext | undefined): Context {
  if (spanContext === undefined || spanContext === null || !isSpanContextValid(spanContext)) return ROOT_CONTEXT;
  const { traceId, spanId, traceFlags, traceState } = spanContext;
  const extra = new Extra();
  extra.s0 = word(spanId, 0);
  extra.s1 = word(spanId, 8);
  extra.flags = traceFlags & FLAGS_KNOWN;
  extra.isRemote = spanContext.isRemote === true;
  extra.traceState = traceStateText(traceState);
  return new Context(word(traceId, 0), word(traceId, 8), word(traceId, 16), word(traceId, 24), extra);
}
