// Writes a span into the ring of its thread, once, when it ends: see native/core/src/traces/record.rs for the record. Runs on the
// app thread that owns the ring.
//
// Everything in a span is plain by then (strings, numbers, booleans, bigints, plain arrays and objects), so that no user code
// runs while a record is written. As in `ring-writer.ts`, all state between two records is in the segment (M2), and `head` is
// stored last: a `vm` time-out that unwinds the stack leaves nothing behind.
import { Buffer } from 'node:buffer';
import {
  DROP_CUT,
  DROP_NEWEST,
  HEADER_SIZE,
  RECORD_CUT,
  RECORD_HEADER,
  RECORD_PAD,
  RECORD_SPAN,
  RING_CLOCK_AT,
  RING_HEAD_AT,
  RING_OFFSET_AT,
  RING_PARK_AT,
  RING_RELEASED_AT,
  RING_SEEN_AT,
  RING_SIZE_AT,
  SPAN_END_WALL,
  SPAN_HEAD,
  SPAN_REST,
  SPAN_START_WALL,
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
import type { MetricsNative } from './native-metrics.js';
import type { NativeRing, RingAttachment } from './native-ring.js';
import { ORIGIN_MS } from './span-clock.js';
import type { FlatAttributes, WallTime, WritableEvent, WritableLink, WritableRest, WritableSpan } from './writable-span.js';

const HEAD = RING_HEAD_AT >> 2;
const SEEN = RING_SEEN_AT >> 2;
const RELEASED = RING_RELEASED_AT >> 2;
const PARK = RING_PARK_AT >> 2;
const CLOCK = RING_CLOCK_AT >> 2;

/** Objects and arrays nested deeper than this are written as a word; those who set attributes go less deep. */
const DEEPEST = 64;
/** Longest text written unit by unit; beyond it one call is cheaper. */
const LOOPED = 40;
/** Bytes of the memory in which spans are built; longer ones get their own. */
const SCRATCH = 64 << 10;
/** Longest record copied word by word, in words; beyond it one call is cheaper. */
const LOOPED_WORDS = 256;
/** Characters left of a text in a span that is too long for the ring, at the first and at the second attempt. */
const CUTS = [4_096, 128] as const;
/** Keys remembered by their place: a span of a kind has the same keys in the same places as the one before. */
const REMEMBERED = 256;

/** Values that get ids: the table is the keys' first of all. */
const MOST_VALUES = 1_000;
/** Equal to no value of an attribute. */
const NO_VALUE = Symbol('no value');

const { store, load } = Atomics;

/** Writes spans into one ring. One per ring; views are private and never returned. */
export class SpanWriter {
  readonly #native: NativeRing & Pick<MetricsNative, 'copyString'>;
  readonly #ring: number;
  readonly #words: Int32Array;
  /** The segment is here. If not (M5), each record is built in memory of our own and handed over by a call. */
  readonly #lent: boolean;
  /** Byte offset of the ring in the segment. */
  readonly #base: number;
  readonly #size: number;
  /** Longest record that goes into the ring itself. */
  readonly #longest: number;
  /** Longest record that the overflow takes. */
  readonly #longestBytes: number;
  /** Ids of keys; every key is a copy made by native, so that it pins no longer string it was cut from. */
  readonly #ids = new Map<string, number>();
  readonly #placed: (string | undefined)[] = new Array(REMEMBERED).fill(undefined);
  readonly #placedIds = new Int32Array(REMEMBERED);
  #askNoMore = false;
  /** Texts by id, those that this writer knows. */
  readonly #texts: string[] = [];
  /** Values that stood in a place more than once, with their ids: methods, routes and the like cost no more than keys then. */
  readonly #placedValues: (string | typeof NO_VALUE)[] = new Array(REMEMBERED).fill(NO_VALUE);
  readonly #placedValueIds = new Int32Array(REMEMBERED);
  readonly #signs = new Int32Array(REMEMBERED);
  /** Values among the ids. */
  #values = 0;
  /** The memory in which a record is built, four times: as words, numbers, bytes, and whatever else. */
  #record: Int32Array<ArrayBuffer>;
  #numbers: Float64Array<ArrayBuffer>;
  #out: Buffer;
  #view: DataView;
  /** Its bytes. */
  #limit: number;
  /** How far the ring was released when a span found no room. */
  #fullAt: number | undefined;
  /** Longest text, in UTF-16 units. */
  #mostUnits = Number.POSITIVE_INFINITY;

  constructor(native: NativeRing & Pick<MetricsNative, 'copyString'>, { ring, buffer, longestBytes }: RingAttachment) {
    this.#native = native;
    this.#ring = ring;
    this.#lent = buffer !== undefined;
    const bytes = buffer ?? new ArrayBuffer(HEADER_SIZE);
    this.#words = new Int32Array(bytes);
    const memory = new ArrayBuffer(SCRATCH);
    this.#record = new Int32Array(memory);
    this.#numbers = new Float64Array(memory);
    this.#out = Buffer.from(memory);
    this.#view = new DataView(memory);
    this.#limit = SCRATCH;
    this.#base = this.#words[RING_OFFSET_AT >> 2] as number;
    this.#size = this.#words[RING_SIZE_AT >> 2] as number;
    this.#longest = this.#size >> 2;
    this.#longestBytes = longestBytes;
  }

  /** Number of the wall anchor in force: a local trace takes it when it starts. One load. */
  get clock(): number {
    return this.#words[CLOCK] as number;
  }

  /**
   * Writes a span whose id has these words. Never throws, never waits; allocates nothing unless it is longer than 64 KiB.
   *
   * The record is built in memory of its own and copied to the ring, which needs no thought of the ring's end while it is built.
   * @returns false when it was dropped, which is counted in `kymo_ring_dropped_total{signal="traces"}`.
   */
  write(span: WritableSpan, s0: number, s1: number): boolean {
    // Nothing moved since a span found no room: what the collector cannot take has to go cheaply.
    if (this.#fullAt !== undefined && this.#isStillFull()) {
      this.#native.ringDropped(this.#ring, DROP_NEWEST, 1);
      return false;
    }
    const end = this.#encode(span, s0, s1);
    if (end < 0) return this.#writeLong(span, s0, s1);
    const length = (end + 7) & ~7;
    this.#record[0] = length;
    this.#record[1] = RECORD_SPAN | ((length - end) << 16);
    return this.#place(this.#record, length);
  }

  #isStillFull(): boolean {
    if (load(this.#words, RELEASED) === this.#fullAt) return true;
    this.#fullAt = undefined;
    return false;
  }

  /** A span that is longer than the memory we keep: whole while the overflow takes it, else cut. */
  #writeLong(span: WritableSpan, s0: number, s1: number): boolean {
    const most = this.#longestBytes;
    const kept = this.#record.buffer;
    let room = kept.byteLength;
    let end: number;
    let cut = 0;
    for (let attempt = 0; ; ) {
      if (room < most) {
        room = Math.min(2 * room, most);
        this.#build(new ArrayBuffer(room & ~7));
      } else if (attempt < CUTS.length) {
        this.#mostUnits = CUTS[attempt++] as number;
        cut = RECORD_CUT;
      } else {
        span = bare(span);
      }
      end = this.#encode(span, s0, s1);
      if (end >= 0) break;
    }
    const record = this.#record;
    this.#build(kept);
    this.#mostUnits = Number.POSITIVE_INFINITY;
    const length = (end + 7) & ~7;
    record[0] = length;
    record[1] = RECORD_SPAN | ((cut | (length - end)) << 16);
    const isKept = this.#place(record, length);
    if (isKept && cut !== 0) this.#native.ringDropped(this.#ring, DROP_CUT, 1);
    return isKept;
  }

  /** Builds records in `memory` from now on. */
  #build(memory: ArrayBuffer): void {
    this.#record = new Int32Array(memory);
    this.#numbers = new Float64Array(memory);
    this.#out = Buffer.from(memory);
    this.#view = new DataView(memory);
    this.#limit = memory.byteLength;
  }

  /** Copies a record to the ring and publishes it; false when it was dropped. */
  #place(record: Int32Array<ArrayBuffer>, length: number): boolean {
    const words = this.#words;
    if (!this.#lent) return this.#native.ringPush(this.#ring, Buffer.from(record.buffer), length) !== 0;
    if (length > this.#longest) {
      const isKept = this.#native.ringOversized(this.#ring, Buffer.from(record.buffer), length) !== 0;
      words[SEEN] = load(words, RELEASED);
      return isKept;
    }
    for (let attempt = 0; ; attempt++) {
      const head = words[HEAD] as number;
      const offset = head & (this.#size - 1);
      const padding = length <= this.#size - offset ? 0 : this.#size - offset;
      if (padding + length <= this.#size - ((head - (words[SEEN] as number)) | 0)) {
        let at = (this.#base + offset) >> 2;
        if (padding > 0) {
          words[at] = padding;
          words[at + 1] = RECORD_PAD;
          at = this.#base >> 2;
        }
        const count = length >> 2;
        if (count > LOOPED_WORDS) words.set(record.subarray(0, count), at);
        else for (let word = 0; word < count; word++) words[at + word] = record[word] as number;
        // Sequentially consistent, as is the look at `PARK` behind it: the collector sees this head, or we see it parked.
        store(words, HEAD, (head + padding + length) | 0);
        if (load(words, PARK) !== 0) this.#native.ringWake(this.#ring);
        return true;
      }
      const released = load(words, RELEASED);
      if (released !== words[SEEN]) words[SEEN] = released;
      else if (attempt > 3 || this.#native.ringFull(this.#ring, length) === 0) {
        this.#fullAt = released;
        return false;
      }
    }
  }

  /** Writes the record behind its header; its end, or -1 when it does not fit. */
  #encode(span: WritableSpan, s0: number, s1: number): number {
    const record = this.#record;
    let bits = span.bits;
    const { used, rest, started, elapsed } = span;
    const pairs = used === undefined ? span.pairs : span.slots;
    if (typeof started === 'number' && typeof elapsed === 'number') {
      const began = started + ORIGIN_MS;
      this.#numbers[1] = began;
      this.#numbers[2] = began + elapsed / 1e6;
    } else {
      bits |= times(this.#view, RECORD_HEADER, span);
    }
    if (rest !== undefined) bits |= SPAN_REST;
    const length = pairs === undefined ? 0 : (used ?? pairs.length);
    // Words of the head, see `SPAN_*_AT` of the layout; it begins behind the two words of the header.
    record[6] = span.t0;
    record[7] = span.t1;
    record[8] = span.t2;
    record[9] = span.t3;
    record[10] = s0;
    record[11] = s1;
    record[12] = span.p0;
    record[13] = span.p1;
    record[14] = bits;
    record[15] = (span.clock & 0xffff) | (span.scope << 16);
    record[16] = length >> 1;
    record[17] = 0;
    const counts = RECORD_HEADER + 56;
    let at = this.#key(span.name, RECORD_HEADER + SPAN_HEAD, 0);
    if (length > 0) at = this.#attributes(pairs as FlatAttributes, length, at);
    return rest === undefined || at < 0 ? at : this.#rest(rest, at, counts);
  }

  /**
   * Attributes, one after the other. All that most of them need is written out here, on local variables: a call per key and value costs
   * more than what it does.
   */
  #attributes(pairs: FlatAttributes, length: number, at: number): number {
    const out = this.#out;
    const view = this.#view;
    const placed = this.#placed;
    const placedIds = this.#placedIds;
    const placedValues = this.#placedValues;
    const placedValueIds = this.#placedValueIds;
    const signs = this.#signs;
    // Room for a key, a value's tag and count, and the longest text that is written here.
    const limit = this.#limit - 16 - LOOPED;
    for (let index = 0; index < length; index += 2) {
      if (at < 0 || at > limit) return -1;
      const key = pairs[index] as string;
      const slot = (index + 2) & (REMEMBERED - 1);
      if (placed[slot] === key) {
        out[at] = VALUE_INTERNED;
        view.setInt32(at + 1, placedIds[slot] as number, true);
        at += 5;
      } else {
        at = this.#key(key, at, index + 2);
        if (at < 0 || at > limit) return -1;
      }
      const value = pairs[index + 1];
      if (value === placedValues[slot]) {
        out[at] = VALUE_INTERNED;
        view.setInt32(at + 1, placedValueIds[slot] as number, true);
        at += 5;
      } else if (typeof value === 'string' && value.length <= LOOPED) {
        const count = value.length;
        const from = at + 5;
        let wide = 0;
        for (let unit = 0; unit < count; unit++) {
          const code = value.charCodeAt(unit);
          out[from + unit] = code;
          wide |= code;
        }
        if (wide > 255) {
          at = this.#wide(value, at);
        } else {
          out[at] = VALUE_LATIN1;
          view.setInt32(at + 1, count, true);
          at = from + count;
        }
        // Length and last character tell well enough whether this place said the same the last time.
        const sign = (count << 8) | (out[from + count - 1] as number);
        if (signs[slot] === sign) this.#recognize(value, slot);
        else signs[slot] = sign;
      } else if (typeof value === 'number' && (value | 0) === value && value !== 0) {
        out[at] = VALUE_I32;
        view.setInt32(at + 1, value, true);
        at += 5;
      } else if (typeof value === 'number') {
        out[at] = VALUE_F64;
        view.setFloat64(at + 1, value, true);
        at += 9;
      } else {
        at = this.#value(value, at, 0);
      }
    }
    return at;
  }

  #event(event: WritableEvent, at: number): number {
    at = this.#key(event.name, at, 1);
    if (at < 0) return at;
    at = this.#value(event.time, at, 0);
    if (at < 0) return at;
    at = this.#entries(event.pairs, at);
    return at < 0 ? at : this.#int(event.dropped, at);
  }

  #link(link: WritableLink, at: number): number {
    if (at + 35 > this.#limit) return -1;
    at = this.#int(link.t0, at);
    at = this.#int(link.t1, at);
    at = this.#int(link.t2, at);
    at = this.#int(link.t3, at);
    at = this.#int(link.s0, at);
    at = this.#int(link.s1, at);
    at = this.#int(link.flags, at);
    at = this.#text(link.traceStateText, at);
    if (at < 0) return at;
    at = this.#entries(link.pairs, at);
    return at < 0 ? at : this.#int(link.dropped, at);
  }

  /** Events, links and the rest; their counts go to `counts` in the head. */
  #rest(rest: WritableRest, at: number, counts: number): number {
    const { eventList, linkList } = rest;
    if (eventList !== undefined) {
      this.#view.setUint16(counts + 2, eventList.length, true);
      for (let index = 0; index < eventList.length && at >= 0; index++) at = this.#event(eventList[index] as WritableEvent, at);
    }
    if (linkList !== undefined) {
      this.#view.setUint16(counts + 4, linkList.length, true);
      for (let index = 0; index < linkList.length && at >= 0; index++) at = this.#link(linkList[index] as WritableLink, at);
    }
    if (at >= 0) at = this.#text(rest.statusText, at);
    if (at >= 0) at = this.#text(rest.traceStateText, at);
    if (at < 0 || at + 15 > this.#limit) return -1;
    at = this.#int(rest.droppedAttributes, at);
    at = this.#int(rest.droppedEvents, at);
    return this.#int(rest.droppedLinks, at);
  }

  /** Attributes as an object. */
  #entries(pairs: FlatAttributes | undefined, at: number): number {
    const length = pairs === undefined ? 0 : pairs.length;
    at = this.#counted(VALUE_OBJECT, length >> 1, at);
    for (let index = 0; index < length && at >= 0; index += 2) {
      at = this.#key((pairs as FlatAttributes)[index] as string, at, index + 3);
      if (at >= 0) at = this.#value((pairs as FlatAttributes)[index + 1], at, 0);
    }
    return at;
  }

  /** Writes one value at `at`; where it ends, or -1 when there is no room. */
  #value(value: unknown, at: number, depth: number): number {
    if (typeof value === 'string') return this.#text(value, at);
    if (at + 9 > this.#limit) return -1;
    if (typeof value === 'number') {
      if ((value | 0) === value && !Object.is(value, -0)) return this.#int(value, at);
      this.#out[at] = VALUE_F64;
      this.#view.setFloat64(at + 1, value, true);
      return at + 9;
    }
    if (typeof value === 'object' && value !== null) return this.#structure(value, at, depth);
    if (typeof value === 'bigint') {
      const text = String(value);
      return BigInt.asIntN(64, value) === value ? this.#looped(text, at, VALUE_BIGINT) : this.#text(text, at);
    }
    this.#out[at] = value === true ? VALUE_TRUE : value === false ? VALUE_FALSE : VALUE_NULL;
    return at + 1;
  }

  #structure(value: object, at: number, depth: number): number {
    if (depth >= DEEPEST) return this.#text(Array.isArray(value) ? '[Array]' : '[Object]', at);
    if (Array.isArray(value)) {
      at = this.#counted(VALUE_ARRAY, value.length, at);
      for (let index = 0; index < value.length && at >= 0; index++) at = this.#value(value[index], at, depth + 1);
      return at;
    }
    const keys = Object.keys(value);
    at = this.#counted(VALUE_OBJECT, keys.length, at);
    for (let index = 0; index < keys.length && at >= 0; index++) {
      const key = keys[index] as string;
      at = this.#key(key, at, index + 5);
      if (at >= 0) at = this.#value((value as Record<string, unknown>)[key], at, depth + 1);
    }
    return at;
  }

  #int(value: number, at: number): number {
    if (at + 5 > this.#limit) return -1;
    this.#out[at] = VALUE_I32;
    this.#view.setInt32(at + 1, value, true);
    return at + 5;
  }

  #counted(tag: number, count: number, at: number): number {
    if (at + 5 > this.#limit) return -1;
    this.#out[at] = tag;
    this.#view.setInt32(at + 1, count, true);
    return at + 5;
  }

  /** A key by its id, or inline. `place` is where it stands in its span: the same key stood there in the last one. */
  #key(key: string, at: number, place: number): number {
    const slot = place & (REMEMBERED - 1);
    let id: number;
    if (this.#placed[slot] === key) {
      id = this.#placedIds[slot] as number;
    } else {
      id = this.#ids.get(key) ?? this.#newKey(key);
      if (id < 0) return this.#text(key, at);
      this.#placed[slot] = key;
      this.#placedIds[slot] = id;
    }
    if (at + 5 > this.#limit) return -1;
    this.#out[at] = VALUE_INTERNED;
    this.#view.setInt32(at + 1, id, true);
    return at + 5;
  }

  #newKey(key: string): number {
    if (this.#askNoMore) return -1;
    const id = this.#native.ringIntern(this.#ring, key);
    if (id === -2) this.#askNoMore = true;
    if (id < 0) return id;
    // In memory of its own, and the one that other equal texts of the application are most likely to be as well. What has lone
    // surrogates was changed in the table: it is written inline for ever.
    const copy = this.#native.copyString(key);
    if (this.#native.ringKey(this.#ring, id) !== copy) return -1;
    this.#ids.set(copy, id);
    this.#texts[id] = copy;
    return id;
  }

  /** A value that looks like the one before it in its place: it gets an id when it comes again and again. */
  #recognize(value: string, slot: number): void {
    let id = this.#ids.get(value);
    if (id === undefined) {
      if (this.#values >= MOST_VALUES) return;
      id = this.#newKey(value);
      if (id < 0) return;
      this.#values++;
    }
    this.#placedValues[slot] = this.#texts[id] as string;
    this.#placedValueIds[slot] = id;
  }

  #text(text: string, at: number): number {
    if (text.length > this.#mostUnits) {
      text = whole(text, this.#mostUnits);
    }
    return text.length > LOOPED ? this.#long(text, at) : this.#looped(text, at, VALUE_LATIN1);
  }

  #looped(text: string, at: number, tag: number): number {
    const { length } = text;
    if (at + 5 + length > this.#limit) return -1;
    const out = this.#out;
    const from = at + 5;
    for (let index = 0; index < length; index++) {
      const unit = text.charCodeAt(index);
      if (unit > 255) return this.#wide(text, at);
      out[from + index] = unit;
    }
    out[at] = tag;
    this.#view.setInt32(at + 1, length, true);
    return from + length;
  }

  /** One call that writes a text and tells by its length that it was ASCII; other alphabets are written as they are. */
  #long(text: string, at: number): number {
    const { length } = text;
    if (at + 5 + length > this.#limit) return -1;
    if (at + 5 + 3 * length <= this.#limit ? this.#out.write(text, at + 5, 'utf8') !== length : Buffer.byteLength(text) !== length) {
      return this.#wide(text, at);
    }
    if (at + 5 + 3 * length > this.#limit) this.#out.write(text, at + 5, 'latin1');
    return this.#counted(VALUE_LATIN1, length, at) + length;
  }

  #wide(text: string, at: number): number {
    const bytes = 2 * text.length;
    if (at + 5 + bytes > this.#limit) return -1;
    this.#out.write(text, at + 5, 'utf16le');
    return this.#counted(VALUE_UTF16, text.length, at) + bytes;
  }
}

/** Writes start and end as they are; the bits that say which is wall time. */
function times(view: DataView, at: number, { startedAt: began, endedAt: ended }: WritableSpan): number {
  if (typeof began === 'number') view.setFloat64(at, began, true);
  else pair(view, at, began);
  if (typeof ended === 'number') view.setFloat64(at + 8, ended, true);
  else pair(view, at + 8, ended);
  return (typeof began === 'number' ? 0 : SPAN_START_WALL) | (typeof ended === 'number' ? 0 : SPAN_END_WALL);
}

function pair(view: DataView, at: number, [seconds, ns]: WallTime): void {
  view.setUint32(at, seconds, true);
  view.setUint32(at + 4, ns, true);
}

/** The first units of a text, without half a character at the end. */
function whole(text: string, units: number): string {
  const last = text.charCodeAt(units - 1);
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? units - 1 : units);
}

/** A span without what makes it long: name, ids and times. */
function bare(span: WritableSpan): WritableSpan {
  const { t0, t1, t2, t3, p0, p1, bits, scope, clock, name, startedAt, endedAt, pairs, rest } = span;
  const lost: WritableRest = {
    eventList: undefined,
    linkList: undefined,
    statusText: '',
    traceStateText: '',
    droppedAttributes: (pairs?.length ?? 0) >> 1,
    droppedEvents: rest?.eventList?.length ?? 0,
    droppedLinks: rest?.linkList?.length ?? 0,
  };
  return { t0, t1, t2, t3, p0, p1, bits, scope, clock, name: name.slice(0, 128), startedAt, endedAt, pairs: undefined, rest: lost };
}
