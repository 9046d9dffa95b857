// Builds one record at a time: in place in a ring, or in memory of its own. The producer of native/core/src/ring, in JavaScript;
// runs on the app thread that owns the ring. Never leaves `src/binding/`: writers hold one in a private field (M2).
//
// All state that matters between two records is in the segment (M2): `head`, the last reading of `released`, and whether a
// record is being built. A second copy of this code over the same segment goes on where the first one stopped.
import { Buffer } from 'node:buffer';
import {
  DROP_ABANDONED,
  DROP_CUT,
  DROP_FAILED,
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
  VALUE_BIGINT,
  VALUE_BYTES,
  VALUE_F64,
  VALUE_I32,
  VALUE_INTERNED,
  VALUE_LATIN1,
  VALUE_NULL,
  VALUE_TIME,
  VALUE_UTF16,
} from './generated/layout.js';
import type { KeyIds } from './key-ids.js';
import type { NativeRing, RingAttachment } from './native-ring.js';

const HEAD = RING_HEAD_AT >> 2;
const BUILDING = RING_BUILDING_AT >> 2;
const SEEN = RING_SEEN_AT >> 2;
const RELEASED = RING_RELEASED_AT >> 2;
const PARK = RING_PARK_AT >> 2;

/** Bytes that cut records keep free, for values that say nothing. */
const RESERVE = 16;
/** Longest text written unit by unit; beyond it one call is cheaper on Node 20, 24 and 26, ten times so at 1,000 units. */
export const LOOPED = 48;
/** First size of the memory in which a long record is built. */
const SCRATCH = 64 << 10;

const KEPT = 0;
const DROPPED = 1;
const CUT = 2;

const { store, load } = Atomics;

/** The record under construction, and the memory around it. Public fields are for the writers of this folder, in their inner loops. */
export class RecordBuilder {
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
  /** Ids of the ring's keys. */
  readonly keys: KeyIds;
  /** Level of the record under construction, by which the ring decides when it is full; 0 where records have none. */
  level = 0;
  /** Where the record is built: the ring, or memory for a record that is too long for it. */
  out: Buffer;
  view: DataView;
  /** The record's first byte, the next byte, and the end of the room, in `out`. */
  start = 0;
  at = 0;
  limit = 0;
  /** Bytes of padding before the record: it did not fit in front of the ring's end. */
  #padding = 0;
  #fate = KEPT;

  constructor(native: NativeRing, { ring, buffer, longestBytes }: RingAttachment, keys: KeyIds) {
    this.#native = native;
    this.#ring = ring;
    this.keys = keys;
    this.#lent = buffer !== undefined;
    const bytes = buffer ?? new ArrayBuffer(HEADER_SIZE);
    this.#words = new Int32Array(bytes);
    this.#bytes = Buffer.from(bytes);
    this.#view = new DataView(bytes);
    this.out = this.#bytes;
    this.view = this.#view;
    this.#base = this.#words[RING_OFFSET_AT >> 2] as number;
    this.#size = this.#words[RING_SIZE_AT >> 2] as number;
    this.#longest = this.#size >> 2;
    this.#longestBytes = longestBytes;
  }

  /** True from {@link begin} to {@link publish}: a call in between comes from user code that the record runs. */
  get isBuilding(): boolean {
    return this.#words[BUILDING] !== 0;
  }

  /** Begins a record: `at` is where its body begins. */
  begin(): void {
    const words = this.#words;
    words[BUILDING] = 1;
    this.#padding = 0;
    this.#fate = KEPT;
    if (!this.#lent) {
      this.#beginAlone();
      return;
    }
    const head = words[HEAD] as number;
    const offset = head & (this.#size - 1);
    const free = this.#size - ((head - (words[SEEN] as number)) | 0);
    const start = this.#base + offset;
    this.start = start;
    this.at = start + RECORD_HEADER;
    this.limit = start + Math.min(this.#size - offset, free, this.#longest);
    if (this.out !== this.#bytes) this.#inRing();
  }

  #beginAlone(): void {
    this.#own ??= new DataView(new ArrayBuffer(Math.min(SCRATCH, this.#longestBytes)));
    this.view = this.#own;
    this.out = Buffer.from(this.#own.buffer);
    this.start = 0;
    this.at = RECORD_HEADER;
    this.limit = this.out.length - RESERVE;
  }

  #inRing(): void {
    this.out = this.#bytes;
    this.view = this.#view;
  }

  /** Ends the record and shows it to the collector; false when it was dropped, which native has counted. */
  publish(kind: number): boolean {
    const words = this.#words;
    if (this.at > this.limit) this.#grow(0);
    if (this.#fate === DROPPED) {
      words[BUILDING] = 0;
      return false;
    }
    const used = this.at - this.start;
    const length = (used + 7) & ~7;
    if (this.out !== this.#bytes) return this.#publishLong(kind, length, used);
    const at = this.start >> 2;
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
    const isCut = this.#finish(kind, length, used);
    const record = this.out;
    this.#inRing();
    this.#words[BUILDING] = 0;
    const call = this.#lent ? this.#native.ringOversized : this.#native.ringPush;
    const kept = call(this.#ring, record, length, this.level) !== 0;
    this.#words[SEEN] = load(this.#words, RELEASED);
    if (kept && isCut) this.count(DROP_CUT, 1);
    return kept;
  }

  /** Writes the header of a record in memory of its own. */
  #finish(kind: number, length: number, used: number): boolean {
    const cut = this.#fate === CUT ? RECORD_CUT : 0;
    this.view.setUint32(0, length, true);
    this.view.setUint32(4, (kind & 0xffff) | ((cut | (length - used)) << 16), true);
    return cut !== 0;
  }

  /** Ends the record and gives a copy of it to the caller alone: for builders over memory of their own, see {@link aside}. */
  take(kind: number): Uint8Array {
    const used = this.at - this.start;
    const length = (used + 7) & ~7;
    this.#finish(kind, length, used);
    this.#words[BUILDING] = 0;
    return Uint8Array.prototype.slice.call(this.out, 0, length);
  }

  /** A builder with the same keys whose records never reach the ring. */
  aside(): RecordBuilder {
    return new RecordBuilder(this.#native, { ring: this.#ring, longestBytes: this.#longestBytes }, this.keys);
  }

  /** Gives up the record: user code, a Proxy or our own stack threw where no value could stand for it. */
  fail(): void {
    this.#words[BUILDING] = 0;
    this.count(DROP_FAILED, 1);
  }

  /** Resets what a record left behind whose building never came back: a `vm` time-out runs neither `catch` nor `finally` (W2). */
  heal(): void {
    if (this.#words[BUILDING] === 0) return;
    this.#words[BUILDING] = 0;
    this.count(DROP_ABANDONED, 1);
  }

  /** Counts records lost on this side, by a `DROP_*` reason. */
  count(reason: number, records: number): void {
    this.#native.ringDropped(this.#ring, reason, records, this.level);
  }

  /** True when `bytes` more fit behind `at`; everything but `at - start` may have changed. */
  room(bytes: number): boolean {
    return this.at + bytes <= this.limit || this.#grow(bytes);
  }

  #grow(bytes: number): boolean {
    if (this.#fate !== KEPT) return false;
    const used = this.at - this.start;
    const wanted = (used + bytes + 7) & ~7;
    if (wanted > this.#longest || this.out !== this.#bytes) return this.#growLong(used, wanted);
    const words = this.#words;
    const size = this.#size;
    for (let attempt = 0; ; attempt++) {
      const head = words[HEAD] as number;
      const offset = head & (size - 1);
      const free = size - ((head - (words[SEEN] as number)) | 0);
      const padding = wanted <= size - offset ? 0 : size - offset;
      if (padding + wanted <= free) {
        const start = this.#base + (padding === 0 ? offset : 0);
        if (start !== this.start) this.out.copyWithin(start, this.start, this.at);
        this.start = start;
        this.at = start + used;
        this.#padding = padding;
        this.limit = start + Math.min(padding === 0 ? size - offset : size, free - padding, this.#longest);
        return true;
      }
      const released = load(words, RELEASED);
      if (released !== words[SEEN]) {
        words[SEEN] = released;
      } else if (attempt > 3 || this.#native.ringFull(this.#ring, wanted, this.level) === 0) {
        this.#fate = DROPPED;
        return false;
      }
    }
  }

  /** The record is longer than a quarter of the ring: it is built in memory and handed over by a call. */
  #growLong(used: number, wanted: number): boolean {
    const most = this.#longestBytes;
    const room = this.out === this.#bytes ? 0 : this.out.length;
    if (wanted + RESERVE > most && room === most) {
      this.#fate = CUT;
      return false;
    }
    const memory = new ArrayBuffer(Math.min(Math.max(SCRATCH, 2 * room, wanted + RESERVE), most));
    const bytes = Buffer.from(memory);
    this.out.copy(bytes, 0, this.start, this.start + used);
    this.out = bytes;
    this.view = new DataView(memory);
    this.start = 0;
    this.at = used;
    this.limit = bytes.length - RESERVE;
    if (used + RESERVE <= bytes.length && wanted <= this.limit) return true;
    this.#fate = CUT;
    return false;
  }

  /** Called when a whole value did not fit behind `from`: a text is cut, anything else says nothing. */
  instead(value: unknown, from: number): void {
    if (this.#fate === DROPPED) return;
    this.at = this.start + from;
    const room = this.limit - this.at - 5;
    if (typeof value === 'string' && room > 2) {
      this.#fate = KEPT;
      const fits = this.string(value.slice(0, room >> 1));
      this.#fate = CUT;
      if (fits) return;
    }
    this.out[this.at++] = VALUE_NULL;
  }

  /** A value without further bytes. Like all that follow: false when there is no room, with `at` wherever it was. */
  tag(tag: number): boolean {
    if (!this.room(1)) return false;
    this.out[this.at++] = tag;
    return true;
  }

  number(value: number): boolean {
    if ((value | 0) !== value) return this.#double(VALUE_F64, value);
    if (!this.room(5)) return false;
    this.counted(VALUE_I32, value);
    this.at += 5;
    return true;
  }

  /** A date, in ms since 1970. */
  time(ms: number): boolean {
    return this.#double(VALUE_TIME, ms);
  }

  #double(tag: number, value: number): boolean {
    if (!this.room(9)) return false;
    this.out[this.at] = tag;
    this.view.setFloat64(this.at + 1, value, true);
    this.at += 9;
    return true;
  }

  bigint(value: bigint): boolean {
    if (BigInt.asIntN(64, value) === value) return this.latin1(String(value), VALUE_BIGINT);
    return this.string(String(value));
  }

  string(text: string): boolean {
    return text.length > LOOPED ? this.#long(text) : this.latin1(text, VALUE_LATIN1);
  }

  /** One call that writes a text and tells by its length that it was ASCII; other alphabets are written as they are. */
  #long(text: string): boolean {
    const length = text.length;
    const at = this.at + 5;
    let ascii = false;
    if (at + 3 * length <= this.limit) {
      ascii = this.out.write(text, at, 'utf8') === length;
    } else if (Buffer.byteLength(text) === length) {
      if (!this.room(5 + length)) return false;
      this.out.write(text, this.at + 5, 'latin1');
      ascii = true;
    }
    if (ascii) {
      this.counted(VALUE_LATIN1, length);
      this.at += 5 + length;
      return true;
    }
    if (!this.room(5 + 2 * length)) return false;
    this.out.write(text, this.at + 5, 'utf16le');
    this.counted(VALUE_UTF16, length);
    this.at += 5 + 2 * length;
    return true;
  }

  latin1(text: string, tag: number): boolean {
    const length = text.length;
    if (!this.room(5 + length)) return false;
    const { out } = this;
    const at = this.at + 5;
    let wide = 0;
    for (let index = 0; index < length; index++) {
      const unit = text.charCodeAt(index);
      out[at + index] = unit;
      wide |= unit;
    }
    if (wide > 255) return this.#utf16(text);
    this.counted(tag, length);
    this.at = at + length;
    return true;
  }

  #utf16(text: string): boolean {
    const length = text.length;
    if (!this.room(5 + 2 * length)) return false;
    const { out } = this;
    let at = this.at + 5;
    for (let index = 0; index < length; index++) {
      const unit = text.charCodeAt(index);
      out[at++] = unit;
      out[at++] = unit >> 8;
    }
    this.counted(VALUE_UTF16, length);
    this.at = at;
    return true;
  }

  bytes(bytes: Uint8Array): boolean {
    const { length } = bytes;
    if (!this.room(5 + length)) return false;
    this.counted(VALUE_BYTES, length);
    this.out.set(bytes, this.at + 5);
    this.at += 5 + length;
    return true;
  }

  /** A key by its id, or as it is when that is negative. */
  keyOf(key: string, id: number): boolean {
    if (id < 0) return this.string(key);
    if (!this.room(5)) return false;
    this.counted(VALUE_INTERNED, id);
    this.at += 5;
    return true;
  }

  /** Tag and 32-bit number at `at`, which stays. */
  counted(tag: number, count: number): void {
    this.out[this.at] = tag;
    this.view.setInt32(this.at + 1, count, true);
  }
}
