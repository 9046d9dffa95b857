// The headers of Jaeger's own clients: `uber-trace-id` and `uberctx-*`. Deprecated, and still sent by gateways. App threads.
// https://www.jaegertracing.io/sdk-migration/#propagation-format
import { Baggage } from './baggage.js';
import type { CarrierReader, CarrierWriter } from './carrier.js';
import {
  baggageOf,
  type Context,
  type Extra,
  extraOf,
  FLAG_SAMPLED,
  flagsOf,
  hasTrace,
  spanHighOf,
  spanLowOf,
  withBaggage,
} from './context.js';
import { readSpanId, readTraceId, spanIdText, traceIdText } from './id-text.js';
import { remoteContext } from './traceparent.js';

const HEADER = 'uber-trace-id';
const BAGGAGE_PREFIX = 'uberctx-';
const DEBUG = 2;
/** Ids without their leading zeros, an outdated parent id, and flags of up to two digits. */
const FORM = /^([0-9a-f]{1,32}):([0-9a-f]{1,16}):[0-9a-f]{1,16}:([0-9a-f]{1,2})$/i;

/** `text` percent-decoded; itself where that fails. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Reads `{trace}:{span}:{parent}:{flags}`, percent-encoded or not, ids padded or not; undefined for anything else. */
export function parseJaeger(header: string): Context | undefined {
  if (header.length > 256) return undefined;
  const [, traceId, spanId, flags] = FORM.exec(decoded(header.trim())) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  const trace = { t0: 0, t1: 0, t2: 0, t3: 0 };
  const span = { t0: 0, t1: 0, t2: 0, t3: 0 };
  if (!readTraceId(traceId.padStart(32, '0'), trace) || !readSpanId(spanId.padStart(16, '0'), span)) return undefined;
  const bits = Number.parseInt(flags, 16);
  const context = remoteContext(trace.t0, trace.t1, trace.t2, trace.t3, span.t2, span.t3, bits & (FLAG_SAMPLED | DEBUG) ? FLAG_SAMPLED : 0);
  (context.state as Extra).debug = (bits & DEBUG) !== 0;
  return context;
}

/** The context of a carrier, without baggage. */
export function extractJaeger(reader: CarrierReader): Context | undefined {
  const header = reader.get(HEADER);
  return typeof header === 'string' ? parseJaeger(header) : undefined;
}

/** `context` with what travels in `uberctx-*` added to its baggage. */
export function withJaegerBaggage(context: Context, reader: CarrierReader): Context {
  const before = baggageOf(context) ?? new Baggage();
  let baggage = before;
  for (const name of reader.keys()) {
    const value = name.startsWith(BAGGAGE_PREFIX) ? reader.get(name) : undefined;
    if (typeof value === 'string' && baggage.size < 64) baggage = baggage.set(name.slice(BAGGAGE_PREFIX.length), decoded(value));
  }
  return baggage === before ? context : withBaggage(context, baggage);
}

/** Writes both kinds of headers; the parent id is zero, as the format asks since long. */
export function injectJaeger(context: Context, writer: CarrierWriter): void {
  const s0 = spanHighOf(context);
  const s1 = spanLowOf(context);
  if (hasTrace(context) && (s0 | s1) !== 0) {
    const flags = extraOf(context)?.debug === true ? FLAG_SAMPLED | DEBUG : flagsOf(context) & FLAG_SAMPLED;
    writer.set(HEADER, `${traceIdText(context)}:${spanIdText(s0, s1)}:0:${flags}`);
  }
  for (const [key, { value }] of baggageOf(context)?.entries() ?? []) {
    writer.set(`${BAGGAGE_PREFIX}${key}`, encodeURIComponent(value.toWellFormed()));
  }
}
