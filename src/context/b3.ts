// The headers of B3, as Zipkin's libraries have them: `b3` in one, or `X-B3-*` in several. App threads.
// https://github.com/openzipkin/b3-propagation
import type { CarrierReader, CarrierWriter } from './carrier.js';
import { type Context, type Extra, extraOf, FLAG_SAMPLED, flagsOf, hasTrace, spanHighOf, spanLowOf } from './context.js';
import { hexOf } from './hex.js';
import { readSpanId, readTraceId, spanIdText, traceIdText } from './id-text.js';
import { remoteContext } from './traceparent.js';

/** Ids of B3: 16 or 32 digits, and 16. */
const TRACE_ID = /^(?:[0-9a-fA-F]{16}|[0-9a-fA-F]{32})$/;
const SPAN_ID = /^[0-9a-fA-F]{16}$/;

/** What B3 says about sampling: accepted, denied, and accepted whatever samplers say. An absent word is left to the receiver: denied. */
function flagsOfWord(word: string | undefined): { flags: number; debug: boolean } | undefined {
  switch (word) {
    case '1':
    case 'true':
      return { flags: FLAG_SAMPLED, debug: false };
    case 'd':
      return { flags: FLAG_SAMPLED, debug: true };
    case undefined:
    case '':
    case '0':
    case 'false':
      return { flags: 0, debug: false };
    default:
      return undefined;
  }
}

function contextFrom(traceId: string, spanId: string, word: string | undefined): Context | undefined {
  const sampling = flagsOfWord(word);
  if (sampling === undefined || !TRACE_ID.test(traceId) || !SPAN_ID.test(spanId)) return undefined;
  const trace = { t0: 0, t1: 0, t2: 0, t3: 0 };
  const span = { t0: 0, t1: 0, t2: 0, t3: 0 };
  if (!readTraceId(traceId, trace) || !readSpanId(spanId, span)) return undefined;
  const context = remoteContext(trace.t0, trace.t1, trace.t2, trace.t3, span.t2, span.t3, sampling.flags);
  (context.state as Extra).debug = sampling.debug;
  return context;
}

/** One value of a field; undefined when it is absent or there several times. */
function single(reader: CarrierReader, name: string): string | undefined {
  const value = reader.get(name);
  return typeof value === 'string' ? value.trim() : undefined;
}

/** Reads `b3: {trace}-{span}[-{sampled}[-{parent}]]`; undefined for anything else, also for a sampling decision without ids. */
export function parseB3(header: string): Context | undefined {
  if (header.length > 128) return undefined;
  const [traceId = '', spanId = '', word, parent, ...others] = header.trim().split('-');
  if (others.length > 0 || (parent !== undefined && !SPAN_ID.test(parent))) return undefined;
  return contextFrom(traceId, spanId, word);
}

/** The context of a carrier: the one header first, then the several. */
export function extractB3(reader: CarrierReader): Context | undefined {
  const header = single(reader, 'b3');
  const context = header === undefined ? undefined : parseB3(header);
  if (context !== undefined) return context;
  const traceId = single(reader, 'x-b3-traceid');
  const spanId = single(reader, 'x-b3-spanid');
  if (traceId === undefined || spanId === undefined) return undefined;
  return contextFrom(traceId, spanId, single(reader, 'x-b3-flags') === '1' ? 'd' : single(reader, 'x-b3-sampled'));
}

function isComplete(context: Context): boolean {
  return hasTrace(context) && (spanHighOf(context) | spanLowOf(context)) !== 0;
}

function samplingOf(context: Context): string {
  if (extraOf(context)?.debug === true) return 'd';
  return (flagsOf(context) & FLAG_SAMPLED) !== 0 ? '1' : '0';
}

/** Writes the one header. The id of the parent is never sent: it is the receiver's own affair. */
export function injectB3(context: Context, writer: CarrierWriter): void {
  if (!isComplete(context)) return;
  writer.set('b3', `${traceIdText(context)}-${hexOf(spanHighOf(context))}${hexOf(spanLowOf(context))}-${samplingOf(context)}`);
}

/** Writes the several headers. */
export function injectB3Multi(context: Context, writer: CarrierWriter): void {
  if (!isComplete(context)) return;
  writer.set('x-b3-traceid', traceIdText(context));
  writer.set('x-b3-spanid', spanIdText(spanHighOf(context), spanLowOf(context)));
  const word = samplingOf(context);
  if (word === 'd') writer.set('x-b3-flags', '1');
  else writer.set('x-b3-sampled', word);
}
