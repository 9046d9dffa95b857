// The text forms of ids: hexadecimal as on the wire, ULID, UUID, and with a prefix. They are forms of one number and turn into one
// another without loss. Any thread; new ids come from the thread's generator.
import { perThread } from '../binding/per-thread.js';
import { hexDigitOfAnyCase, hexOf } from './hex.js';
import { newTraceWords, nextSpanNumber, randomWord, spanHigh, spanLow, type TraceWords } from './ids.js';

/** How ids are written: 32 (spans: 16) hexadecimal digits, the 26 characters of a ULID, a UUID, or `trace-` and `span-` before digits. */
export const IdFormat = Object.freeze({ hex: 'hex', ulid: 'ulid', uuid: 'uuid', prefixed: 'prefixed' } as const);
/** A text form of ids. */
export type IdFormat = (typeof IdFormat)[keyof typeof IdFormat];

/** Crockford's base 32: no I, L, O, U. */
const BASE32 = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const BASE32_VALUES = new Int8Array(128).fill(-1);
for (let value = 0; value < 32; value++) {
  BASE32_VALUES[BASE32.charCodeAt(value)] = value;
  BASE32_VALUES[(BASE32[value] as string).toLowerCase().charCodeAt(0)] = value;
}
// Crockford's readers take these for the digits that they look like.
for (const [letters, value] of [
  ['ILil', 1],
  ['Oo', 0],
] as const) {
  for (const letter of letters) BASE32_VALUES[letter.charCodeAt(0)] = value;
}

/** Bits of a ULID after its 48 of time that count up within a millisecond; the other 56 are always random, as the flag of W3C asks. */
const COUNTER_MASK = 0xff_ffff;

/** The last ULID of this thread: milliseconds since 1970, and the 24 bits that make ids of one millisecond ascend. */
const ulid = perThread('context.ulid', () => ({ ms: 0, counter: 0 }));

/** Writes a fresh id into `target` that fits `format`: 48 bits of time first for `ulid`, a version 4 UUID, 64 bits for `prefixed`. */
export function newTraceWordsAs(format: IdFormat, target: TraceWords): void {
  newTraceWords(target);
  if (format === 'ulid') writeUlid(target);
  else if (format === 'uuid') {
    target.t1 = (target.t1 & ~0xf000) | 0x4000;
    target.t2 = (target.t2 & 0x3fff_ffff) | 0x8000_0000;
  } else if (format === 'prefixed') {
    target.t0 = 0;
    target.t1 = 0;
  }
}

/** Milliseconds and counter ascend strictly, whatever the clock does, so that the texts sort by creation within the thread. */
function writeUlid(target: TraceWords): void {
  const ms = Date.now();
  if (ms > ulid.ms) {
    ulid.ms = ms;
    ulid.counter = randomWord() & (COUNTER_MASK >>> 1); // Room to count up.
  } else if (++ulid.counter > COUNTER_MASK) {
    ulid.ms++;
    ulid.counter = 0;
  }
  target.t0 = Math.floor(ulid.ms / 0x1_0000) | 0;
  target.t1 = ((ulid.ms % 0x1_0000) << 16) | (ulid.counter >>> 8) | 0;
  target.t2 = (ulid.counter << 24) | (target.t2 & COUNTER_MASK);
}

/** A fresh trace id as text; never zero. ULIDs of one thread sort by the time of their creation, also within a millisecond. */
export function newTraceId(format: IdFormat = 'hex'): string {
  const words = { t0: 0, t1: 0, t2: 0, t3: 0 };
  newTraceWordsAs(format, words);
  return traceIdText(words, format);
}

/** A fresh span id as text; never zero, and no two local spans of a thread share one. */
export function newSpanId(format: IdFormat = 'hex'): string {
  const number = nextSpanNumber(format === 'prefixed');
  return spanIdText(spanHigh(number), spanLow(number), format);
}

/** A trace id as text. In the form `prefixed`, one of more than 64 bits has 32 digits in place of 16. */
export function traceIdText({ t0, t1, t2, t3 }: Readonly<TraceWords>, format: IdFormat = 'hex'): string {
  if (format === 'ulid') return ulidText(t0, t1, t2, t3);
  const low = hexOf(t2) + hexOf(t3);
  if (format === 'prefixed' && (t0 | t1) === 0) return `trace-${low}`;
  const digits = hexOf(t0) + hexOf(t1) + low;
  if (format === 'uuid') return dashed(digits);
  return format === 'prefixed' ? `trace-${digits}` : digits;
}

/** A span id as text. A UUID has 64 zero bits first; `prefixed` has 12 digits, or 16 for an id of more than 48 bits; `ulid` is as `hex`. */
export function spanIdText(s0: number, s1: number, format: IdFormat = 'hex'): string {
  const digits = hexOf(s0) + hexOf(s1);
  if (format === 'uuid') return dashed(`0000000000000000${digits}`);
  if (format === 'prefixed') return `span-${s0 >>> 16 === 0 ? digits.slice(4) : digits}`;
  return digits;
}

function dashed(digits: string): string {
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-${digits.slice(12, 16)}-${digits.slice(16, 20)}-${digits.slice(20)}`;
}

function ulidText(t0: number, t1: number, t2: number, t3: number): string {
  let value = (BigInt(t0 >>> 0) << 96n) | (BigInt(t1 >>> 0) << 64n) | (BigInt(t2 >>> 0) << 32n) | BigInt(t3 >>> 0);
  let text = '';
  for (let index = 0; index < 26; index++) {
    text = (BASE32[Number(value & 31n)] as string) + text;
    value >>= 5n;
  }
  return text;
}

/**
 * Reads a trace id in any of the forms, of either case, into `target`: 32 or 16 hexadecimal digits, UUID, ULID, `trace-` with 16 or 32
 * digits. False, and `target` unchanged, for anything else, and for zero.
 */
export function readTraceId(text: string, target: TraceWords): boolean {
  if (typeof text !== 'string') return false;
  if (text.length === 26) return readUlid(text, target);
  const digits = digitsOf(text, 'trace-');
  return digits !== undefined && (digits.length === 16 || digits.length === 32) && readDigits(digits.padStart(32, '0'), target);
}

/** Reads a span id in any of the forms, as {@link readTraceId} does, into the last two words of `target`. */
export function readSpanId(text: string, target: TraceWords): boolean {
  if (typeof text !== 'string') return false;
  const digits = digitsOf(text, 'span-');
  if (digits === undefined) return false;
  const fits = digits.length === 16 || (digits.length === 12 && text.length === 17) || (digits.length === 32 && /^0{16}/.test(digits));
  return fits && readDigits(digits.padStart(32, '0'), target);
}

/** The digits of `text` without `prefix` or the dashes of a UUID. */
function digitsOf(text: string, prefix: string): string | undefined {
  if (text.length > 64) return undefined;
  if (text.length === 36 && !text.startsWith(prefix)) {
    const parts = text.split('-');
    return parts.map((part) => part.length).join() === '8,4,4,4,12' ? parts.join('') : undefined;
  }
  return text.startsWith(prefix) ? text.slice(prefix.length) : text;
}

function readDigits(digits: string, target: TraceWords): boolean {
  const words = [0, 0, 0, 0];
  for (let index = 0; index < 32; index++) {
    const value = hexDigitOfAnyCase(digits.charCodeAt(index));
    if (value < 0) return false;
    words[index >>> 3] = ((words[index >>> 3] as number) << 4) | value;
  }
  return assign(words, target);
}

function readUlid(text: string, target: TraceWords): boolean {
  let value = 0n;
  for (let index = 0; index < 26; index++) {
    const code = text.charCodeAt(index);
    const digit = code < 128 ? (BASE32_VALUES[code] as number) : -1;
    if (digit < 0 || (index === 0 && digit > 7)) return false; // 26 characters have 130 bits.
    value = (value << 5n) | BigInt(digit);
  }
  return assign(
    [96n, 64n, 32n, 0n].map((shift) => Number(BigInt.asIntN(32, value >> shift))),
    target,
  );
}

function assign(words: readonly number[], target: TraceWords): boolean {
  const [t0 = 0, t1 = 0, t2 = 0, t3 = 0] = words;
  if ((t0 | t1 | t2 | t3) === 0) return false;
  target.t0 = t0;
  target.t1 = t1;
  target.t2 = t2;
  target.t3 = t3;
  return true;
}

/** A trace id in another text form; undefined when `text` is none in any. */
export function convertTraceId(text: string, format: IdFormat): string | undefined {
  const words = { t0: 0, t1: 0, t2: 0, t3: 0 };
  return readTraceId(text, words) ? traceIdText(words, format) : undefined;
}

/** A span id in another text form; undefined when `text` is none in any. */
export function convertSpanId(text: string, format: IdFormat): string | undefined {
  const words = { t0: 0, t1: 0, t2: 0, t3: 0 };
  return readSpanId(text, words) ? spanIdText(words.t2, words.t3, format) : undefined;
}
