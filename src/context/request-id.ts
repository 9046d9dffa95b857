// The header `X-HearthNet-Request-Id`, in which a trace id travels alone, as a ULID. App threads.
import type { CarrierReader, CarrierWriter } from './carrier.js';
import { Context, Extra, extraOf, hasTrace } from './context.js';
import { readTraceId, traceIdText } from './id-text.js';

const HEADER = 'X-HearthNet-Request-Id';
/** An id in a form of its own that is kept as text: short, and printable. */
const FOREIGN = /^[\x21-\x7e]{1,128}$/;

/**
 * The trace that a carrier names, without a span: its id in any text form (ULID, hexadecimal, UUID, `trace-`). An id in another form is
 * kept beside a context without a trace, for the attribute `external_trace_id` of the trace that then begins. Undefined without either.
 */
export function extractRequestId(reader: CarrierReader): Context | undefined {
  const header = reader.get(HEADER.toLowerCase());
  const text = typeof header === 'string' ? header.trim() : '';
  const context = new Context(0, 0, 0, 0, 0);
  const known = readTraceId(text, context);
  if (!known && !FOREIGN.test(text)) return undefined;
  const extra = new Extra();
  extra.isRemote = known;
  extra.external = known ? '' : text;
  context.state = extra;
  return context;
}

/** Writes the id of the trace as a ULID; an id that came in a form of its own, as it came. */
export function injectRequestId(context: Context, writer: CarrierWriter): void {
  const external = extraOf(context)?.external ?? '';
  if (external !== '') writer.set(HEADER, external);
  else if (hasTrace(context)) writer.set(HEADER, traceIdText(context, 'ulid'));
}
