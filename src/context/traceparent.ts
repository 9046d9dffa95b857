// The header `traceparent` of W3C Trace Context level 2: read, and written from a context. App threads.
import { Context, Extra, FLAGS_KNOWN, flagsOf, hasTrace, spanHighOf, spanLowOf } from './context.js';
import { hexByte, hexOf, hexWord } from './hex.js';

/** Characters of version 00: `00-<32 digits>-<16 digits>-<2 digits>`. */
const LENGTH = 55;
const DASH = 45;

/** White space that HTTP allows around a value. */
function isOws(code: number): boolean {
  return code === 32 || code === 9;
}

/**
 * The remote context that `header` names, with its known flags, unchanged; undefined for anything that the specification calls
 * invalid: upper-case digits, version `ff`, another length than 55 in version 00, more than 55 without a dash there in a later
 * version, a zero trace or parent id, two headers in one. White space around it is ignored. Never throws; about 0.15 us.
 */
export function parseTraceparent(header: string): Context | undefined {
  let start = 0;
  let end = header.length;
  while (start < end && isOws(header.charCodeAt(start))) start++;
  while (end > start && isOws(header.charCodeAt(end - 1))) end--;
  const length = end - start;
  if (length < LENGTH) return undefined;
  const version = hexByte(header, start);
  if (version < 0 || version === 0xff) return undefined;
  if (length > LENGTH && (version === 0 || header.charCodeAt(start + LENGTH) !== DASH)) return undefined;
  if (header.charCodeAt(start + 2) !== DASH || header.charCodeAt(start + 35) !== DASH || header.charCodeAt(start + 52) !== DASH)
    return undefined;
  const t0 = hexWord(header, start + 3);
  const t1 = hexWord(header, start + 11);
  const t2 = hexWord(header, start + 19);
  const t3 = hexWord(header, start + 27);
  const s0 = hexWord(header, start + 36);
  const s1 = hexWord(header, start + 44);
  const flags = hexByte(header, start + 53);
  if (Number.isNaN(t0 + t1 + t2 + t3 + s0 + s1) || flags < 0) return undefined;
  if ((t0 | t1 | t2 | t3) === 0 || (s0 | s1) === 0) return undefined;
  return remoteContext(t0, t1, t2, t3, s0, s1, flags);
}

/** A context whose span is in another process. */
export function remoteContext(t0: number, t1: number, t2: number, t3: number, s0: number, s1: number, flags: number): Context {
  const extra = new Extra();
  extra.s0 = s0;
  extra.s1 = s1;
  extra.flags = flags & FLAGS_KNOWN;
  extra.isRemote = true;
  return new Context(t0, t1, t2, t3, extra);
}

/** The header for `context`, always in version 00 and lower case, unknown flags zero; undefined when it has no trace or no span. */
export function traceparentOf(context: Context): string | undefined {
  const s0 = spanHighOf(context);
  const s1 = spanLowOf(context);
  if ((s0 | s1) === 0 || !hasTrace(context)) return undefined;
  const trace = hexOf(context.t0) + hexOf(context.t1) + hexOf(context.t2) + hexOf(context.t3);
  return `00-${trace}-${hexOf(s0)}${hexOf(s1)}-0${flagsOf(context) & FLAGS_KNOWN}`;
}
