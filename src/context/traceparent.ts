// The header `traceparent` of W3C Trace Context level 2: read, and written from a context. App threads.
import { Context, Extra, FLAGS_KNOWN, flagsOf, hasTrace, spanHighOf, spanLowOf } from './context.js';
import { hexByte, hexFailed, hexWord, writeHex } from './hex.js';

/** Characters of version 00: `00-<32 digits>-<16 digits>-<2 digits>`. */
const LENGTH = 55;
const DASH = 45;

/** Where a header is put together, as one flat text: strings that are joined are flattened again when they are sent. */
const header = Buffer.from(`00-${'0'.repeat(32)}-${'0'.repeat(16)}-00`, 'latin1');

/** White space that HTTP allows around a value. */
function isOws(code: number): boolean {
  return code === 32 || code === 9;
}

/**
 * The remote context that the header `text` names, with its known flags, unchanged; undefined for anything that the specification calls
 * invalid: upper-case digits, version `ff`, another length than 55 in version 00, more than 55 without a dash there in a later
 * version, a zero trace or parent id, two headers in one. White space around it is ignored. Never throws; about 0.15 us.
 */
export function parseTraceparent(text: string): Context | undefined {
  let start = 0;
  let end = text.length;
  while (start < end && isOws(text.charCodeAt(start))) start++;
  while (end > start && isOws(text.charCodeAt(end - 1))) end--;
  const length = end - start;
  if (length < LENGTH) return undefined;
  const version = hexByte(text, start);
  if (version < 0 || version === 0xff) return undefined;
  if (length > LENGTH && (version === 0 || text.charCodeAt(start + LENGTH) !== DASH)) return undefined;
  if (text.charCodeAt(start + 2) !== DASH || text.charCodeAt(start + 35) !== DASH || text.charCodeAt(start + 52) !== DASH) return undefined;
  const t0 = hexWord(text, start + 3);
  const t1 = hexWord(text, start + 11);
  const t2 = hexWord(text, start + 19);
  const t3 = hexWord(text, start + 27);
  const s0 = hexWord(text, start + 36);
  const s1 = hexWord(text, start + 44);
  const flags = hexByte(text, start + 53);
  if (hexFailed() || flags < 0 || (t0 | t1 | t2 | t3) === 0 || (s0 | s1) === 0) return undefined;
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
  writeHex(context.t0, header, 3);
  writeHex(context.t1, header, 11);
  writeHex(context.t2, header, 19);
  writeHex(context.t3, header, 27);
  writeHex(s0, header, 36);
  writeHex(s1, header, 44);
  header[54] = 0x30 | (flagsOf(context) & FLAGS_KNOWN);
  return header.toString('latin1');
}
