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
  RING_WALL_AT,
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
/** First size of the memory in which a span is written that finds no room in one piece. */
const SCRATCH = 64 << 10;
/** With less room than this, in bytes, and nothing released since a span was dropped, the next ones are dropped unseen. */
const NEARLY_FULL = 16 << 10;
/** Characters left of a text in a span that is too long for the ring, at the first and at the second attempt. */
const CUTS = [4_096, 128] as const;
/** Keys remembered by their place: a span of a kind has the same keys in the same places as the one before. */
const REMEMBERED = 256;

const { store, load } = Atomics;

/** Writes spans into one ring. One per ring; views are private and never returned. */
export class SpanWriter {
  readonly #native: NativeRing;
  readonly #ring: number;
  readonly #words: Int32Array;
  readonly #floats: Float64Array;
  readonly #bytes: Buffer;
  readonly #view: DataView;
  /** The segment is here. If not (M5), each record is built in memory of our own and handed over by a call. */
  readonly #lent: boolean;
  /** Byte offset of the ring in the segment. */
  readonly #base: number;
  readonly #size: number;
  /** Longest record that is built in place. */
  readonly #longest: number;
  /** Longest record that the overflow takes. */
  readonly #longestBytes: number;
  /** Ids of keys; every key is a copy made by native, so that it pins no longer string it was cut from. */
  readonly #ids = new Map<string, number>();
  readonly #placed: (string | undefined)[] = new Array(REMEMBERED).fill(undefined);
  readonly #placedIds = new Int32Array(REMEMBERED);
  #askNoMore = false;
  /** Where the record is written, and its view; the ring but for records that find no room in one piece. */
  #out: Buffer;
  #outView: DataView;
  #limit = 0;
  /** Memory for records that find no room in one piece, kept while it is small. */
  #scratch: DataView<ArrayBuffer> | undefined;
  /** How far the ring was released when a span found no room. */
  #fullAt: number | undefined;
  /** Longest text, in UTF-16 units. */
  #mostUnits = Number.POSITIVE_INFINITY;

  constructor(native: NativeRing, { ring, buffer, longestBytes }: RingAttachment) {
    this.#native = native;
    this.#ring = ring;
    this.#lent = buffer !== undefined;
    const bytes = buffer ?? new ArrayBuffer(HEADER_SIZE);
    this.#words = new Int32Array(bytes);
    this.#floats = new Float64Array(bytes, 0, HEADER_SIZE >> 3);
    this.#bytes = Buffer.from(bytes);
    this.#view = new DataView(bytes);
    this.#out = this.#bytes;
    this.#outView = this.#view;
    this.#base = this.#words[RING_OFFSET_AT >> 2] as number;
    this.#size = this.#words[RING_SIZE_AT >> 2] as number;
    this.#longest = this.#size >> 2;
    this.#longestBytes = longestBytes;
  }

  /** Number of the wall anchor in force: a local trace takes it when it starts. One load. */
  get clock(): number {
    return this.#words[CLOCK] as number;
  }

  /** Wall clock minus monotonic clock in ms, of the anchor in force. */
  get wallMinusMonoMs(): number {
    return this.#floats[RING_WALL_AT >> 3] as number;
  }

  /**
   * Writes a span whose id has these words. Never throws, never waits; allocates nothing when it fits in one piece.
   * @returns false when it was dropped, which is counted in `kymo_ring_dropped_total{signal="traces"}`.
   */
  write(span: WritableSpan, s0: number, s1: number): boolean {
    const words = this.#words;
    const head = words[HEAD] as number;
    const offset = head & (this.#size - 1);
    const free = this.#size - ((head - (words[SEEN] as number)) | 0);
    const start = this.#base + offset;
    this.#limit = start + Math.min(this.#size - offset, free, this.#longest);
    const end = this.#lent ? this.#encode(span, s0, s1, start) : -1;
    if (end < 0) return this.#writeLate(span, s0, s1, free);
    const length = (end - start + 7) & ~7;
    words[start >> 2] = length;
    words[(start >> 2) + 1] = RECORD_SPAN | ((length - (end - start)) << 16);
    // Sequentially consistent, as is the look at `PARK` behind it: the collector sees this head, or we see it parked.
    store(words, HEAD, (head + length) | 0);
    if (load(words, PARK) !== 0) this.#native.ringWake(this.#ring);
    return true;
  }

  /** The span did not fit in front of the ring's end, or of what is not yet released as far as we have looked. */
  #writeLate(span: WritableSpan, s0: number, s1: number, free: number): boolean {
    const words = this.#words;
    const released = load(words, RELEASED);
    if (released !== words[SEEN]) {
      words[SEEN] = released;
      return this.write(span, s0, s1);
    }
    // Nothing moved since a span found no room at all: more than the collector can take has to go cheaply.
    if (released === this.#fullAt && free < NEARLY_FULL) {
      this.#native.ringDropped(this.#ring, DROP_NEWEST, 1);
      return false;
    }
    return this.#writeApart(span, s0, s1);
  }

  /** Writes the record in memory of its own, and copies it to where there is room: behind the ring's end, or its overflow. */
  #writeApart(span: WritableSpan, s0: number, s1: number): boolean {
    const most = this.#longestBytes;
    let room = Math.min(SCRATCH, most);
    let end: number;
    let cut = 0;
    for (let attempt = 0; ; ) {
      if (room > SCRATCH || this.#scratch === undefined) this.#scratch = new DataView(new ArrayBuffer(room));
      this.#outView = this.#scratch;
      this.#out = Buffer.from(this.#scratch.buffer);
      this.#limit = room;
      end = this.#encode(span, s0, s1, 0);
      if (end >= 0) break;
      if (room < most) {
        room = Math.min(2 * room, most);
      } else if (attempt < CUTS.length) {
        this.#mostUnits = CUTS[attempt++] as number;
        cut = RECORD_CUT;
      } else {
        span = bare(span);
      }
    }
    const record = this.#out;
    const view = this.#outView;
    this.#out = this.#bytes;
    this.#outView = this.#view;
    this.#mostUnits = Number.POSITIVE_INFINITY;
    if (room > SCRATCH) this.#scratch = undefined;
    const length = (end + 7) & ~7;
    view.setInt32(0, length, true);
    view.setInt32(4, RECORD_SPAN | ((cut | (length - end)) << 16), true);
    const kept = this.#place(record, length);
    if (kept && cut !== 0) this.#native.ringDropped(this.#ring, DROP_CUT, 1);
    return kept;
  }

  #place(record: Buffer, length: number): boolean {
    const words = this.#words;
    if (!this.#lent) return this.#native.ringPush(this.#ring, record, length) !== 0;
    if (length > this.#longest) {
      const kept = this.#native.ringOversized(this.#ring, record, length) !== 0;
      words[SEEN] = load(words, RELEASED);
      return kept;
    }
    for (let attempt = 0; ; attempt++) {
      const head = words[HEAD] as number;
      const offset = head & (this.#size - 1);
      const padding = length <= this.#size - offset ? 0 : this.#size - offset;
      if (padding + length <= this.#size - ((head - (words[SEEN] as number)) | 0)) {
        if (padding > 0) {
          words[(this.#base + offset) >> 2] = padding;
          words[((this.#base + offset) >> 2) + 1] = RECORD_PAD;
        }
        record.copy(this.#bytes, this.#base + (padding === 0 ? offset : 0), 0, length);
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
  #encode(span: WritableSpan, s0: number, s1: number, start: number): number {
    let at = start + RECORD_HEADER;
    if (at + SPAN_HEAD > this.#limit) return -1;
    const view = this.#outView;
    let bits = span.bits;
    const { used, rest, started, elapsed } = span;
    const pairs = used === undefined ? span.pairs : span.slots;
    if (typeof started === 'number' && typeof elapsed === 'number') {
      const began = started + ORIGIN_MS;
      view.setFloat64(at, began, true);
      view.setFloat64(at + 8, began + elapsed / 1e6, true);
    } else {
      bits |= times(view, at, span);
    }
    if (rest !== undefined) bits |= SPAN_REST;
    view.setInt32(at + 16, span.t0, true);
    view.setInt32(at + 20, span.t1, true);
    view.setInt32(at + 24, span.t2, true);
    view.setInt32(at + 28, span.t3, true);
    view.setInt32(at + 32, s0, true);
    view.setInt32(at + 36, s1, true);
    view.setInt32(at + 40, span.p0, true);
    view.setInt32(at + 44, span.p1, true);
    view.setInt32(at + 48, bits, true);
    view.setInt32(at + 52, (span.clock & 0xffff) | (span.scope << 16), true);
    const length = pairs === undefined ? 0 : (used ?? pairs.length);
    view.setInt32(at + 56, length >> 1, true);
    view.setInt32(at + 60, 0, true);
    const counts = at + 56;
    at = this.#key(span.name, at + SPAN_HEAD, 0);
    for (let index = 0; index < length && at >= 0; index += 2) {
      at = this.#key((pairs as FlatAttributes)[index] as string, at, index + 2);
      if (at >= 0) at = this.#value((pairs as FlatAttributes)[index + 1], at, 0);
    }
    return rest === undefined || at < 0 ? at : this.#rest(rest, at, counts);
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
      this.#outView.setUint16(counts + 2, eventList.length, true);
      for (let index = 0; index < eventList.length && at >= 0; index++) at = this.#event(eventList[index] as WritableEvent, at);
    }
    if (linkList !== undefined) {
      this.#outView.setUint16(counts + 4, linkList.length, true);
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
      this.#outView.setFloat64(at + 1, value, true);
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
    this.#outView.setInt32(at + 1, value, true);
    return at + 5;
  }

  #counted(tag: number, count: number, at: number): number {
    if (at + 5 > this.#limit) return -1;
    this.#out[at] = tag;
    this.#outView.setInt32(at + 1, count, true);
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
    this.#outView.setInt32(at + 1, id, true);
    return at + 5;
  }

  #newKey(key: string): number {
    if (this.#askNoMore) return -1;
    const id = this.#native.ringIntern(this.#ring, key);
    if (id === -2) this.#askNoMore = true;
    if (id < 0) return id;
    // One with lone surrogates comes back changed, and is written inline for ever.
    const copy = this.#native.ringKey(this.#ring, id);
    if (copy !== key) return -1;
    this.#ids.set(copy, id);
    return id;
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
    this.#outView.setInt32(at + 1, length, true);
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
