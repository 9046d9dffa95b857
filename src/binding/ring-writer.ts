// Writes records into a ring: the producer of native/core/src/ring, in JavaScript. Runs on the app thread that owns the ring.
//
// All state that matters between two records is in the segment (M2): `head`, the last reading of `released`, and whether a
// record is being built. A second copy of this code over the same segment goes on where the first one stopped.
//
// User code may run while a record is built: a getter, `toJSON`, a Proxy. It may write records itself (kept as a bounded
// snapshot until the outer record is published), throw (its value becomes `[Throws: ...]`), or never come back: a `vm`
// time-out unwinds the stack without running `catch` or `finally`. So nothing relies on them: `head` is stored last, and a
// microtask, which runs when the stack is empty, resets what an unwound call left behind (W2).
import { Buffer } from 'node:buffer';
import {
  DROP_ABANDONED,
  DROP_CUT,
  DROP_FAILED,
  DROP_NESTED,
  HEADER_SIZE,
  RECORD_CUT,
  RECORD_HEADER,
  RECORD_PAD,
  RING_BUILDING_AT,
  RING_HEAD_AT,
  RING_OFFSET_AT,
  RING_PARK_AT,
  RING_RELEASED_AT,
  RING_SEEN_AT,
  RING_SIZE_AT,
  VALUE_ARRAY,
  VALUE_BIGINT,
  VALUE_F64,
  VALUE_FALSE,
  VALUE_I32,
  VALUE_INTERNED,
  VALUE_LATIN1,
  VALUE_NULL,
  VALUE_OBJECT,
  VALUE_TRUE,
  VALUE_UTF16,
} from './generated/layout.js';
import type { NativeRing, RingAttachment } from './native-ring.js';

const HEAD = RING_HEAD_AT >> 2;
const BUILDING = RING_BUILDING_AT >> 2;
const SEEN = RING_SEEN_AT >> 2;
const RELEASED = RING_RELEASED_AT >> 2;
const PARK = RING_PARK_AT >> 2;

/** Objects and arrays nested deeper than this are written as a word. */
const DEEPEST = 8;
/** Nested calls kept while one record is built; further ones are dropped and counted. */
const MOST_SPILLED = 64;
/** Properties of an object that a nested call's snapshot keeps. */
const MOST_SNAPPED = 64;
/** Snapshots inside snapshots: a getter that logs its own object would never end. */
const DEEPEST_SNAPSHOT = 2;
/** Bytes that cut records keep free, for values that say nothing. */
const RESERVE = 16;
/** Longest text written unit by unit; beyond it one call is cheaper on Node 20, 24 and 26, ten times so at 1,000 units. */
const LOOPED = 48;
/** First size of the memory in which a long record is built. */
const SCRATCH = 64 << 10;

const KEPT = 0;
const DROPPED = 1;
const CUT = 2;

// Captured before an application can replace them.
const afterThisTurn = queueMicrotask;
const hasOwn = Object.prototype.hasOwnProperty;
const { store, load } = Atomics;

interface Spilled {
  readonly kind: number;
  readonly values: readonly [unknown, unknown, unknown, unknown];
}

/** The text that stands for a value whose reading threw. Runs user code (`message`), so it may throw again. */
function thrown(error: unknown): string {
  try {
    const message = error instanceof Error ? error.message : String(error);
    return `[Throws: ${message.slice(0, 100)}]`;
  } catch {
    return '[Throws]';
  }
}

/** Writes records into one ring. One per ring and copy of the code; views are private and never returned. */
export class RingWriter {
  readonly #native: NativeRing;
  readonly #ring: number;
  readonly #words: Int32Array;
  readonly #bytes: Buffer;
  readonly #view: DataView;
  /** The segment is here. If not (M5), each record is built in memory of our own and handed over by a call. */
  readonly #lent: boolean;
  #own: DataView<ArrayBuffer> | undefined;
  /** Byte offset of the ring in the segment. */
  readonly #base: number;
  readonly #size: number;
  /** Longest record that is built in place: a quarter of the ring. */
  readonly #longest: number;
  /** Longest record that the overflow takes. */
  readonly #longestBytes: number;
  /** Ids of keys; every key is a fresh copy made by native, so that it pins no longer string it was cut from. */
  readonly #ids = new Map<string, number>();
  readonly #heal = (): void => this.settle();
  /** Where the record is built: the ring, or memory for a record that is too long for it. */
  #out: Buffer;
  #outView: DataView;
  /** The record's first byte, the next byte, and the end of the room, in `#out`. */
  #start = 0;
  #at = 0;
  #limit = 0;
  /** Bytes of padding before the record: it did not fit in front of the ring's end. */
  #padding = 0;
  #fate = KEPT;
  #askNoMore = false;
  #spilled: Spilled[] | null = null;
  #snapshots = 0;
  /** Objects being written, outermost first: one that holds itself is written as a word. */
  readonly #path: (object | undefined)[] = new Array(DEEPEST + 1).fill(undefined);

  constructor(native: NativeRing, { ring, buffer, longestBytes }: RingAttachment) {
    this.#native = native;
    this.#ring = ring;
    this.#lent = buffer !== undefined;
    const bytes = buffer ?? new ArrayBuffer(HEADER_SIZE);
    this.#words = new Int32Array(bytes);
    this.#bytes = Buffer.from(bytes);
    this.#view = new DataView(bytes);
    this.#out = this.#bytes;
    this.#outView = this.#view;
    this.#base = this.#words[RING_OFFSET_AT >> 2] as number;
    this.#size = this.#words[RING_SIZE_AT >> 2] as number;
    this.#longest = this.#size >> 2;
    this.#longestBytes = longestBytes;
  }

  /** Gives keys their ids before anybody writes them. Cold; a key that finds no room is written inline. */
  declare(keys: readonly string[]): void {
    for (const key of keys) {
      const id = this.#native.ringDeclare(this.#ring, key);
      if (id >= 0) this.#learn(key, id);
    }
  }

  /**
   * Writes one record of up to four values; `undefined` at the end is left out. Never throws.
   *
   * Own enumerable string-keyed properties of objects are written, nested ones to a depth of 8, `toJSON` of nested ones is
   * called. Flat records with known keys allocate nothing on the heap, but that V8 boxes a fraction which it reads out of
   * an object (16 bytes). When the ring is full, waits at most as long as its policy allows. A call from inside another
   * one's getter is kept and written after it.
   *
   * @param kind in [16, 65535], says how the values are meant.
   * @returns false when the record was dropped, which is counted by reason.
   */
  write(kind: number, a?: unknown, b?: unknown, c?: unknown, d?: unknown): boolean {
    const words = this.#words;
    if (words[BUILDING] !== 0) return this.#keep(kind, a, b, c, d);
    words[BUILDING] = 1;
    this.#begin();
    let kept = false;
    try {
      const count = d !== undefined ? 4 : c !== undefined ? 3 : b !== undefined ? 2 : a !== undefined ? 1 : 0;
      if (count > 0) this.#whole(a);
      if (count > 1) this.#whole(b);
      if (count > 2) this.#whole(c);
      if (count > 3) this.#whole(d);
      kept = this.#publish(kind);
    } catch {
      // Our own stack ran out, or a Proxy threw outside of a property. The ring holds nothing of it.
      words[BUILDING] = 0;
      this.#native.ringDropped(this.#ring, DROP_FAILED, 1);
    }
    if (this.#spilled !== null) this.#flush();
    return kept;
  }

  /**
   * Writes what nested calls left, and resets what an unwound call left. Runs by itself in a microtask; an exit hook calls
   * it for the turn that never ends. Must not be called from inside a getter.
   */
  settle(): void {
    const words = this.#words;
    if (words[BUILDING] !== 0) {
      words[BUILDING] = 0;
      this.#native.ringDropped(this.#ring, DROP_ABANDONED, 1);
    }
    this.#snapshots = 0;
    this.#flush();
  }

  #begin(): void {
    this.#padding = 0;
    this.#fate = KEPT;
    if (!this.#lent) {
      this.#beginAlone();
      return;
    }
    const words = this.#words;
    const head = words[HEAD] as number;
    const offset = head & (this.#size - 1);
    const free = this.#size - ((head - (words[SEEN] as number)) | 0);
    const start = this.#base + offset;
    this.#start = start;
    this.#at = start + RECORD_HEADER;
    this.#limit = start + Math.min(this.#size - offset, free, this.#longest);
    if (this.#out !== this.#bytes) this.#inRing();
  }

  #beginAlone(): void {
    this.#own ??= new DataView(new ArrayBuffer(Math.min(SCRATCH, this.#longestBytes)));
    this.#outView = this.#own;
    this.#out = Buffer.from(this.#own.buffer);
    this.#start = 0;
    this.#at = RECORD_HEADER;
    this.#limit = this.#out.length - RESERVE;
  }

  #inRing(): void {
    this.#out = this.#bytes;
    this.#outView = this.#view;
  }

  #publish(kind: number): boolean {
    const words = this.#words;
    if (this.#at > this.#limit) this.#grow(0);
    if (this.#fate === DROPPED) {
      words[BUILDING] = 0;
      return false;
    }
    const used = this.#at - this.#start;
    const length = (used + 7) & ~7;
    if (this.#out !== this.#bytes) return this.#publishLong(kind, length, used);
    const at = this.#start >> 2;
    words[at] = length;
    words[at + 1] = (kind & 0xffff) | ((length - used) << 16);
    const head = words[HEAD] as number;
    if (this.#padding !== 0) {
      const end = (this.#base + (head & (this.#size - 1))) >> 2;
      words[end] = this.#padding;
      words[end + 1] = RECORD_PAD;
    }
    // Sequentially consistent, as is the look at `PARK` behind it: the collector sees this head, or we see it parked.
    store(words, HEAD, (head + this.#padding + length) | 0);
    words[BUILDING] = 0;
    if (load(words, PARK) !== 0) this.#native.ringWake(this.#ring);
    return true;
  }

  #publishLong(kind: number, length: number, used: number): boolean {
    const cut = this.#fate === CUT ? RECORD_CUT : 0;
    this.#outView.setUint32(0, length, true);
    this.#outView.setUint32(4, (kind & 0xffff) | ((cut | (length - used)) << 16), true);
    const record = this.#out;
    this.#inRing();
    this.#words[BUILDING] = 0;
    const call = this.#lent ? this.#native.ringOversized : this.#native.ringPush;
    const kept = call(this.#ring, record, length) !== 0;
    this.#words[SEEN] = load(this.#words, RELEASED);
    if (kept && cut !== 0) this.#native.ringDropped(this.#ring, DROP_CUT, 1);
    return kept;
  }

  /** True when `bytes` more fit behind `#at`; everything but `#at - #start` may have changed. */
  #room(bytes: number): boolean {
    return this.#at + bytes <= this.#limit || this.#grow(bytes);
  }

  #grow(bytes: number): boolean {
    if (this.#fate !== KEPT) return false;
    const used = this.#at - this.#start;
    const wanted = (used + bytes + 7) & ~7;
    if (wanted > this.#longest || this.#out !== this.#bytes) return this.#growLong(used, wanted);
    const words = this.#words;
    const size = this.#size;
    for (let attempt = 0; ; attempt++) {
      const head = words[HEAD] as number;
      const offset = head & (size - 1);
      const free = size - ((head - (words[SEEN] as number)) | 0);
      const padding = wanted <= size - offset ? 0 : size - offset;
      if (padding + wanted <= free) {
        const start = this.#base + (padding === 0 ? offset : 0);
        if (start !== this.#start) this.#out.copyWithin(start, this.#start, this.#at);
        this.#start = start;
        this.#at = start + used;
        this.#padding = padding;
        this.#limit = start + Math.min(padding === 0 ? size - offset : size, free - padding, this.#longest);
        return true;
      }
      const released = load(words, RELEASED);
      if (released !== words[SEEN]) {
        words[SEEN] = released;
      } else if (attempt > 3 || this.#native.ringFull(this.#ring, wanted) === 0) {
        this.#fate = DROPPED;
        return false;
      }
    }
  }

  /** The record is longer than a quarter of the ring: it is built in memory and handed over by a call. */
  #growLong(used: number, wanted: number): boolean {
    const most = this.#longestBytes;
    const room = this.#out === this.#bytes ? 0 : this.#out.length;
    if (wanted + RESERVE > most && room === most) {
      this.#fate = CUT;
      return false;
    }
    const memory = new ArrayBuffer(Math.min(Math.max(SCRATCH, 2 * room, wanted + RESERVE), most));
    const bytes = Buffer.from(memory);
    this.#out.copy(bytes, 0, this.#start, this.#start + used);
    this.#out = bytes;
    this.#outView = new DataView(memory);
    this.#start = 0;
    this.#at = used;
    this.#limit = bytes.length - RESERVE;
    if (used + RESERVE <= bytes.length && wanted <= this.#limit) return true;
    this.#fate = CUT;
    return false;
  }

  /** A value of its own. When it is too long a text is cut, anything else says nothing. */
  #whole(value: unknown): void {
    const from = this.#at - this.#start;
    if (this.#value(value, 0, '') || this.#fate === DROPPED) return;
    this.#at = this.#start + from;
    const room = this.#limit - this.#at - 5;
    if (typeof value === 'string' && room > 2) {
      this.#fate = KEPT;
      const fits = this.#string(value.slice(0, room >> 1));
      this.#fate = CUT;
      if (fits) return;
    }
    this.#out[this.#at++] = VALUE_NULL;
  }

  /** Writes one value; false when there is no room, with `#at` wherever it was. */
  #value(value: unknown, depth: number, key: string): boolean {
    switch (typeof value) {
      case 'string':
        return this.#string(value);
      case 'number':
        return this.#number(value);
      case 'boolean':
        return this.#tag(value ? VALUE_TRUE : VALUE_FALSE);
      case 'object':
        return value === null ? this.#tag(VALUE_NULL) : this.#structure(value, depth, key);
      case 'bigint':
        if (BigInt.asIntN(64, value) === value) return this.#latin1(String(value), VALUE_BIGINT);
        return this.#string(String(value));
      default:
        return this.#tag(VALUE_NULL);
    }
  }

  #tag(tag: number): boolean {
    if (!this.#room(1)) return false;
    this.#out[this.#at++] = tag;
    return true;
  }

  #number(value: number): boolean {
    if (!this.#room(9)) return false;
    const at = this.#at;
    if ((value | 0) === value) {
      this.#out[at] = VALUE_I32;
      this.#outView.setInt32(at + 1, value, true);
      this.#at = at + 5;
    } else {
      this.#out[at] = VALUE_F64;
      this.#outView.setFloat64(at + 1, value, true);
      this.#at = at + 9;
    }
    return true;
  }

  #string(text: string): boolean {
    return text.length > LOOPED ? this.#long(text) : this.#latin1(text, VALUE_LATIN1);
  }

  /** One call that writes a text and tells by its length that it was ASCII; other alphabets are written as they are. */
  #long(text: string): boolean {
    const length = text.length;
    const at = this.#at + 5;
    let ascii = false;
    if (at + 3 * length <= this.#limit) {
      ascii = this.#out.write(text, at, 'utf8') === length;
    } else if (Buffer.byteLength(text) === length) {
      if (!this.#room(5 + length)) return false;
      this.#out.write(text, this.#at + 5, 'latin1');
      ascii = true;
    }
    if (ascii) {
      this.#counted(VALUE_LATIN1, length);
      this.#at += 5 + length;
      return true;
    }
    if (!this.#room(5 + 2 * length)) return false;
    this.#out.write(text, this.#at + 5, 'utf16le');
    this.#counted(VALUE_UTF16, length);
    this.#at += 5 + 2 * length;
    return true;
  }

  #latin1(text: string, tag: number): boolean {
    const length = text.length;
    if (!this.#room(5 + length)) return false;
    const out = this.#out;
    const at = this.#at + 5;
    for (let index = 0; index < length; index++) {
      const unit = text.charCodeAt(index);
      if (unit > 255) return this.#utf16(text);
      out[at + index] = unit;
    }
    this.#counted(tag, length);
    this.#at = at + length;
    return true;
  }

  #utf16(text: string): boolean {
    const length = text.length;
    if (!this.#room(5 + 2 * length)) return false;
    const out = this.#out;
    let at = this.#at + 5;
    for (let index = 0; index < length; index++) {
      const unit = text.charCodeAt(index);
      out[at++] = unit;
      out[at++] = unit >> 8;
    }
    this.#counted(VALUE_UTF16, length);
    this.#at = at;
    return true;
  }

  #counted(tag: number, count: number): void {
    this.#out[this.#at] = tag;
    this.#outView.setUint32(this.#at + 1, count, true);
  }

  #structure(value: object, depth: number, key: string): boolean {
    if (depth > 0) {
      // The outermost one is the caller's own record, whose `toJSON` would be looked up in vain for each.
      const { toJSON } = value as { toJSON?: unknown };
      if (typeof toJSON === 'function') {
        const plain: unknown = toJSON.call(value, key);
        if (typeof plain !== 'object' || plain === null) return this.#value(plain, depth, key);
        value = plain;
      }
      if (depth > DEEPEST) return this.#string(Array.isArray(value) ? '[Array]' : '[Object]');
      for (let outer = 0; outer < depth; outer++) if (this.#path[outer] === value) return this.#string('[Circular]');
    }
    if (ArrayBuffer.isView(value)) return this.#string(`[${value.byteLength} bytes]`);
    this.#path[depth] = value;
    const written = Array.isArray(value) ? this.#array(value, depth) : this.#object(value as Record<string, unknown>, depth);
    this.#path[depth] = undefined;
    return written;
  }

  #object(object: Record<string, unknown>, depth: number): boolean {
    if (!this.#room(5)) return false;
    this.#counted(VALUE_OBJECT, 0);
    const header = this.#at - this.#start + 1;
    this.#at += 5;
    let count = 0;
    for (const key in object) {
      if (!hasOwn.call(object, key)) continue;
      const entry = this.#at - this.#start;
      let fits = true;
      try {
        const value = object[key];
        if (value === undefined || typeof value === 'function' || typeof value === 'symbol') continue;
        fits = this.#key(key) && this.#value(value, depth + 1, key);
      } catch (error) {
        this.#at = this.#start + entry;
        fits = this.#key(key) && this.#string(thrown(error));
      }
      if (!fits) {
        this.#at = this.#start + entry;
        break;
      }
      count++;
    }
    this.#outView.setUint32(this.#start + header, count, true);
    return true;
  }

  #array(array: readonly unknown[], depth: number): boolean {
    if (!this.#room(5)) return false;
    this.#counted(VALUE_ARRAY, 0);
    const header = this.#at - this.#start + 1;
    this.#at += 5;
    let count = 0;
    for (; count < array.length; count++) {
      const entry = this.#at - this.#start;
      let fits = true;
      try {
        fits = this.#value(array[count], depth + 1, '');
      } catch (error) {
        this.#at = this.#start + entry;
        fits = this.#string(thrown(error));
      }
      if (!fits) {
        this.#at = this.#start + entry;
        break;
      }
    }
    this.#outView.setUint32(this.#start + header, count, true);
    return true;
  }

  #key(key: string): boolean {
    const id = this.#ids.get(key) ?? this.#newKey(key);
    if (id < 0) return this.#string(key);
    if (!this.#room(5)) return false;
    this.#counted(VALUE_INTERNED, id);
    this.#at += 5;
    return true;
  }

  #newKey(key: string): number {
    if (this.#askNoMore) return -1;
    const id = this.#native.ringIntern(this.#ring, key);
    if (id >= 0) return this.#learn(key, id);
    if (id === -2) this.#askNoMore = true;
    return id;
  }

  /** Keeps native's copy of a key. One with lone surrogates comes back changed, and is written inline for ever. */
  #learn(key: string, id: number): number {
    const copy = this.#native.ringKey(this.#ring, id);
    if (copy !== key) return -1;
    this.#ids.set(copy, id);
    return id;
  }

  /** A call from inside another record's building: kept as it is now, written after that one. */
  #keep(kind: number, a: unknown, b: unknown, c: unknown, d: unknown): boolean {
    if (this.#spilled === null) {
      this.#spilled = [];
      afterThisTurn(this.#heal);
    }
    if (this.#spilled.length >= MOST_SPILLED) {
      this.#native.ringDropped(this.#ring, DROP_NESTED, 1);
      return false;
    }
    const spilled: Spilled = { kind, values: [this.#snapshot(a), this.#snapshot(b), this.#snapshot(c), this.#snapshot(d)] };
    // Snapshots run getters, whose calls may have filled the list or begun another one.
    this.#spilled ??= [];
    this.#spilled.push(spilled);
    return true;
  }

  /** One level of an object, so that what is written later is what was there now. */
  #snapshot(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value;
    if (this.#snapshots >= DEEPEST_SNAPSHOT) return '[Object]';
    this.#snapshots++;
    const copy: Record<string, unknown> = Object.create(null);
    try {
      let count = 0;
      for (const key in value) {
        if (!hasOwn.call(value, key)) continue;
        if (count++ === MOST_SNAPPED) break;
        try {
          const property = (value as Record<string, unknown>)[key];
          copy[key] = typeof property === 'object' && property !== null ? '[Object]' : property;
        } catch (error) {
          copy[key] = thrown(error);
        }
      }
    } catch (error) {
      copy.snapshot = thrown(error);
    }
    this.#snapshots--;
    return copy;
  }

  #flush(): void {
    const spilled = this.#spilled;
    this.#spilled = null;
    if (spilled === null) return;
    for (const { kind, values } of spilled) this.write(kind, values[0], values[1], values[2], values[3]);
  }
}
