// Ids of traces and spans: random words for traces, and span ids derived from a number, so that a context stores one small integer.
// App threads; the state is one per thread, seeded from the operating system's random source.
import { randomFillSync } from 'node:crypto';
import { perThread } from '../binding/per-thread.js';

/** The 128 bits of a trace id as four signed 32-bit words, the first bytes in `t0`. All zero: no trace. */
export interface TraceWords {
  t0: number;
  t1: number;
  t2: number;
  t3: number;
}

/** The numbers of spans lie in [1, SPAN_NUMBERS). */
export const SPAN_NUMBERS = 0x4000_0000;

/** The range of numbers is cut into parts of this many; a part has two keys of its own, made when it is entered. */
const PART_BITS = 27;
/** First number whose span id has 48 bits only, for the text form `prefixed`. The two parts from here on are theirs. */
const NARROW_FIRST = 6 << PART_BITS;
/** Words drawn from one seed of the generator before it takes the next one. */
const WORDS_PER_SEED = 1 << 20;

/** State of the generator: xoshiro128++ for trace ids, counters and keys for span ids. All words are signed 32-bit. */
interface IdState {
  a: number;
  b: number;
  c: number;
  d: number;
  /** Words that may still be drawn from this seed. */
  left: number;
  /** Number of the next span, in [1, NARROW_FIRST). */
  next: number;
  /** Number of the next span with a 48-bit id, in [NARROW_FIRST, SPAN_NUMBERS). */
  nextNarrow: number;
  /** Two keys for each of the eight parts. */
  readonly keys: Int32Array;
}

const ids: IdState = perThread('context.ids', () => {
  const state: IdState = { a: 0, b: 0, c: 0, d: 0, left: 0, next: 1, nextNarrow: NARROW_FIRST, keys: new Int32Array(16) };
  enterPart(state, 0);
  enterPart(state, NARROW_FIRST);
  return state;
});

function reseed(state: IdState): void {
  const seed = randomFillSync(new Int32Array(4));
  state.a = seed[0] as number;
  state.b = seed[1] as number;
  state.c = seed[2] as number;
  state.d = (seed[3] as number) | 1; // Four zeros would stay zeros.
  state.left = WORDS_PER_SEED;
}

/** Makes the keys of the part that begins at `number`. Their bit 30 is set and a number's is not, so no mixed word is ever zero. */
function enterPart(state: IdState, number: number): void {
  const part = (number >>> PART_BITS) << 1;
  const keys = randomFillSync(new Int32Array(2));
  state.keys[part] = (keys[0] as number) | 0x4000_0000;
  state.keys[part + 1] = (keys[1] as number) | 0x4000_0000;
}

/** 32 random bits as a signed integer: xoshiro128++, seeded anew from the random source every 2^20 words. About 3 ns. */
export function randomWord(): number {
  if (ids.left === 0) reseed(ids);
  ids.left--;
  const { a, b, c, d } = ids;
  const sum = (a + d) | 0;
  const result = (((sum << 7) | (sum >>> 25)) + a) | 0;
  const c1 = c ^ a;
  const d1 = d ^ b;
  ids.b = b ^ c1;
  ids.a = a ^ d1;
  ids.c = c1 ^ (b << 9);
  ids.d = (d1 << 11) | (d1 >>> 21);
  return result;
}

/** Writes a fresh random trace id into `target`; never all zero, and its low 56 bits are random, as the flag `random` of W3C says. */
export function newTraceWords(target: TraceWords): void {
  target.t0 = randomWord();
  target.t1 = randomWord();
  target.t2 = randomWord();
  target.t3 = randomWord() || 1;
}

/**
 * The number of a new local span, in [1, 2^30). Numbers begin anew after 805 million spans of the thread (134 million with `narrow`),
 * with other keys, so that ids do not come again. With `narrow` the span's id has 48 bits, for the text form `prefixed`.
 */
export function nextSpanNumber(narrow = false): number {
  const number = narrow ? ids.nextNarrow : ids.next;
  let following = number + 1;
  if (following === SPAN_NUMBERS) following = NARROW_FIRST;
  else if (following === NARROW_FIRST) following = 1;
  if (narrow) ids.nextNarrow = following;
  else ids.next = following;
  const ofPart = following & ((1 << PART_BITS) - 1);
  if (ofPart === 0 || following === 1) enterPart(ids, following);
  return number;
}

/** The finalizer of MurmurHash3: a bijection of 32-bit words that maps only zero to zero. */
function mix(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return h ^ (h >>> 16);
}

/** The high word of the id of local span `number`, signed. Two local spans of a thread never share an id until their part comes round. */
export function spanHigh(number: number): number {
  const high = mix(number ^ (ids.keys[(number >>> PART_BITS) << 1] as number));
  return number < NARROW_FIRST ? high : high & 0xffff;
}

/** The low word of the id of local span `number`, signed; never zero. */
export function spanLow(number: number): number {
  return mix(number ^ (ids.keys[((number >>> PART_BITS) << 1) + 1] as number));
}
