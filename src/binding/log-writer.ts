// Writes log records into the ring of its thread; see native/core/src/logs/record.rs for the record. Runs on the app thread that owns
// the ring.
//
// User code may run while a record is built: a getter, `toJSON`, a Proxy. It may log itself (kept as a bounded snapshot until the outer
// record is published), throw (its value becomes `[Throws: ...]`), or never come back: a `vm` time-out unwinds the stack without
// running `catch` or `finally`. So nothing relies on them: `head` is stored last, and a microtask, which runs when the stack is
// empty, resets what an unwound call left behind (W2).
import {
  DROP_NESTED,
  LOG_HEAD,
  LOG_HEAD_TRACED,
  LOG_TRACED,
  RECORD_HEADER,
  RECORD_LINE,
  RECORD_LOG,
  VALUE_NULL,
} from './generated/layout.js';
import { FLAGGED, KeyIds } from './key-ids.js';
import type { NativeRing, RingAttachment } from './native-ring.js';
import { RecordBuilder } from './record-builder.js';
import type { Redaction } from './redaction.js';
import { forgetSnapshots, Spill, snapshot, snapshotOfFields } from './snapshot.js';
import { SHORT_PAIR, thrown, ValueWriter } from './value-writer.js';

/** Keys remembered by their place: records of a kind have the same keys in the same places as the one before. A power of two. */
const REMEMBERED = 64;

const hasOwn = Object.prototype.hasOwnProperty;

/** Fields written once, for many records: the bindings of a logger. */
export interface EncodedFields {
  /** The pairs, and up to three bytes behind them, so that they can be read in words. */
  readonly words: DataView;
  /** Bytes of the pairs. */
  readonly length: number;
  /** The writer's {@link LogWriter.epoch} when they were encoded; at another one they have to be encoded anew. */
  readonly epoch: number;
}

/** What a record says besides message and fields. One object per writer, filled anew before each call: nothing is allocated. */
export interface LogCall {
  /** In [0, 65535]; pino's numbers. */
  level: number;
  /** Number of the route. */
  route: number;
  /** W3C's trace flags, `LOG_TRACED` when the ids below count, `LOG_HELD`. */
  bits: number;
  /** What {@link LogWriter.logger} gave, -1 for none. */
  logger: number;
  /** Milliseconds since 1970. */
  time: number;
  /** Words of the trace id. */
  t0: number;
  t1: number;
  t2: number;
  t3: number;
  /** Words of the span id. */
  s0: number;
  s1: number;
  /** Fields of the logger. */
  bindings: EncodedFields | undefined;
  /** Fields of the context. */
  context: object | undefined;
}

/** What takes log records: the ring of the thread, or something that only counts. */
export interface LogWriter {
  /** Filled before {@link write} and {@link line}. */
  readonly call: LogCall;
  /** Number of the ring that has the keys of its records; -1 for none. */
  readonly ring: number;
  /** Changes when bindings have to be encoded anew. */
  readonly epoch: number;
  /** Rules about fields that must not be written; they hold for records from now on. */
  redaction: Redaction | undefined;
  /**
   * Writes one record. `undefined` stands for no message, no fields, no error; an error is the field `err`, last of all. Never throws.
   *
   * Costs about 80 ns for a message, 40 to 60 more per short field, in a loop. Flat records with known keys allocate nothing on the heap, but that V8
   * boxes a fraction which it reads out of an object (16 bytes). When the ring is full, waits at most as long as the policy of the
   * level allows.
   * @returns false when the record was dropped, which is counted by level and reason.
   */
  write(message: unknown, fields: object | undefined, error: unknown): boolean;
  /** Writes a finished line, its line ending included. As {@link write}. */
  line(text: string): boolean;
  /** Number of a logger's name in this ring. Cold. */
  logger(name: string): number;
  /** Encodes the fields of a logger once; undefined when there are none. Never throws. */
  encode(fields: object): EncodedFields;
  /** The record that {@link write} would write, for formatters and handlers. Never throws. */
  record(message: unknown, fields: object | undefined, error: unknown): Uint8Array;
  /** Has rules see fields as {@link write} shows them to its own; writes nothing. Cold. Never throws. */
  show(fields: object, redaction: Redaction): void;
  /** Writes what nested calls left, and resets what an unwound call left. An exit hook calls it for the turn that never ends. */
  settle(): void;
}

interface Spilled {
  readonly call: LogCall;
  readonly message: unknown;
  readonly fields: object | undefined;
  readonly error: unknown;
}

/** A call that says nothing yet. */
export function emptyCall(): LogCall {
  return {
    level: 0,
    route: 0,
    bits: 0,
    logger: -1,
    time: 0,
    t0: 0,
    t1: 0,
    t2: 0,
    t3: 0,
    s0: 0,
    s1: 0,
    bindings: undefined,
    context: undefined,
  };
}

/** Writes into one ring. One per ring and copy of the code; views are private and never returned. */
export class RingLogWriter implements LogWriter {
  readonly call: LogCall = emptyCall();
  readonly ring: number;
  epoch = 0;
  readonly #builder: RecordBuilder;
  readonly #values: ValueWriter;
  readonly #keys: KeyIds;
  /** For records that never reach the ring; while one is being built, user code may ask for another one. */
  #aside: { readonly builder: RecordBuilder; readonly values: ValueWriter } | undefined;
  /** The head is written as words; the ring's records lie on multiples of 8. */
  readonly #heal = (): void => this.settle();
  readonly #placed: (string | undefined)[] = new Array(REMEMBERED).fill(undefined);
  readonly #placedIds = new Int32Array(REMEMBERED);
  readonly #errKey: number;
  #redaction: Redaction | undefined;
  /** State of the fields of a record. */
  #root = 0;
  /** Rules that may be about any key or text: fields are written one by one, slowly. */
  #isSlow = false;
  readonly #spill = new Spill<Spilled>();

  constructor(native: NativeRing, attachment: RingAttachment) {
    this.ring = attachment.ring;
    this.#keys = new KeyIds(native, attachment.ring);
    this.#builder = new RecordBuilder(native, attachment, this.#keys);
    this.#values = new ValueWriter(this.#builder);
    this.#errKey = this.#keys.declare('err');
  }

  get redaction(): Redaction | undefined {
    return this.#redaction;
  }

  set redaction(redaction: Redaction | undefined) {
    this.#redaction = redaction;
    this.#values.redaction = redaction;
    this.#root = redaction?.root ?? 0;
    this.#isSlow = redaction?.hasText === true;
    this.#keys.flag(redaction && ((key) => redaction.isFlagged(key)));
    this.#placed.fill(undefined);
    this.#aside = undefined;
    this.epoch++;
  }

  logger(name: string): number {
    return this.#keys.declare(name);
  }

  write(message: unknown, fields: object | undefined, error: unknown): boolean {
    const builder = this.#builder;
    if (builder.isBuilding) return this.#keep(message, fields, error);
    const { call } = this;
    builder.level = call.level;
    builder.begin();
    let kept = false;
    try {
      if (this.#head(builder, call)) {
        this.#body(builder, this.#values, message, fields, error);
        kept = builder.publish(RECORD_LOG);
      } else {
        builder.publish(RECORD_LOG);
      }
    } catch {
      // Our own stack ran out, or a Proxy threw outside of a property. The ring holds nothing of it.
      builder.fail();
    }
    this.#flush();
    return kept;
  }

  line(text: string): boolean {
    const builder = this.#builder;
    const { call } = this;
    // A line is written whole by one call that runs no user code; inside of a record's building it goes the way of records.
    if (builder.isBuilding) return this.#keep(text, undefined, LINE);
    builder.level = call.level;
    builder.begin();
    call.bits = 0;
    call.logger = -1;
    if (this.#head(builder, call) && !builder.string(text)) builder.instead(text, RECORD_HEADER + LOG_HEAD);
    return builder.publish(RECORD_LINE);
  }

  encode(fields: object): EncodedFields {
    const from = RECORD_HEADER;
    const record = this.#apart((builder, values) => {
      builder.at = builder.start + from;
      values.pairs(fields, 1, this.#redaction?.root ?? 0);
    }, RECORD_LOG);
    // The flags say how many bytes at the end of the record are not its own.
    const length = record.length - from - ((record[6] as number) & 7);
    const bytes = new Uint8Array((length + 3) & ~3);
    bytes.set(record.subarray(from, from + length));
    return { words: new DataView(bytes.buffer), length, epoch: this.epoch };
  }

  record(message: unknown, fields: object | undefined, error: unknown): Uint8Array {
    const call = { ...this.call };
    return this.#apart((builder, values) => {
      this.#words(builder, call);
      this.#slow(builder, values, call, message, fields, error);
    }, RECORD_LOG);
  }

  show(fields: object, redaction: Redaction): void {
    this.#apart((_, values) => {
      values.redaction = redaction;
      values.pairs(fields, 1, redaction.root);
    }, RECORD_LOG);
  }

  settle(): void {
    this.#builder.heal();
    forgetSnapshots();
    this.#flush();
  }

  #apart(build: (builder: RecordBuilder, values: ValueWriter) => void, kind: number): Uint8Array {
    const own = this.#aside;
    const builder = own === undefined || own.builder.isBuilding ? this.#builder.aside() : own.builder;
    const values = own !== undefined && builder === own.builder ? own.values : new ValueWriter(builder);
    values.redaction = this.#redaction;
    this.#aside ??= { builder, values };
    builder.begin();
    try {
      build(builder, values);
      return builder.take(kind);
    } catch {
      builder.fail();
      return new Uint8Array(RECORD_HEADER);
    }
  }

  /** The head of the record; false when there is no room, and so none for the record. */
  #head(builder: RecordBuilder, call: LogCall): boolean {
    if (!builder.room(LOG_HEAD_TRACED)) return false;
    this.#words(builder, call);
    return true;
  }

  #words(builder: RecordBuilder, call: LogCall): void {
    const { view, at } = builder;
    const { bits } = call;
    view.setFloat64(at, call.time, true);
    view.setInt32(at + 8, (call.level & 0xffff) | (call.route << 16), true);
    view.setInt32(at + 12, bits, true);
    view.setInt32(at + 16, call.logger, true);
    view.setInt32(at + 20, 0, true);
    if ((bits & LOG_TRACED) === 0) {
      builder.at = at + LOG_HEAD;
      return;
    }
    view.setInt32(at + 24, call.t0, true);
    view.setInt32(at + 28, call.t1, true);
    view.setInt32(at + 32, call.t2, true);
    view.setInt32(at + 36, call.t3, true);
    view.setInt32(at + 40, call.s0, true);
    view.setInt32(at + 44, call.s1, true);
    builder.at = at + LOG_HEAD_TRACED;
  }

  /** Message and pairs. */
  #body(builder: RecordBuilder, values: ValueWriter, message: unknown, fields: object | undefined, error: unknown): void {
    const { bindings, context } = this.call;
    if (this.#isSlow || (typeof message !== 'string' && message !== undefined) || context !== undefined) {
      this.#slow(builder, values, this.call, message, fields, error);
      return;
    }
    if (message === undefined) builder.tag(VALUE_NULL);
    else if (!builder.string(message)) builder.instead(message, builder.at - builder.start);
    if (bindings !== undefined) this.#copy(builder, bindings);
    if (fields !== undefined) this.#fields(builder, values, fields);
    if (error !== undefined) this.#error(builder, values, error, this.#root);
  }

  /** As {@link #body}, with everything that is rare. */
  #slow(builder: RecordBuilder, values: ValueWriter, call: LogCall, message: unknown, fields: object | undefined, error: unknown): void {
    const state = this.#redaction?.root ?? 0;
    const { bindings, context } = call;
    values.whole(message);
    if (bindings !== undefined) this.#copy(builder, bindings);
    if (context !== undefined) values.pairs(context, 1, state);
    if (fields !== undefined) values.pairs(fields, 1, state);
    if (error !== undefined) this.#error(builder, values, error, state);
  }

  #copy(builder: RecordBuilder, { words, length }: EncodedFields): void {
    // Four bytes at once, wherever they lie; what is written behind the end is written over.
    if (!builder.room(length + 3)) return;
    const { view, at } = builder;
    for (let index = 0; index < length; index += 4) view.setInt32(at + index, words.getInt32(index, true), true);
    builder.at = at + length;
  }

  #error(builder: RecordBuilder, values: ValueWriter, error: unknown, state: number): void {
    if (state !== 0 || this.#redaction !== undefined) {
      values.pair({ err: error }, 'err', this.#keys.flagged('err'), 1, state);
      return;
    }
    const from = builder.at - builder.start;
    if (!builder.keyOf('err', this.#errKey) || !values.value(error, 1, 'err', 0)) builder.at = builder.start + from;
  }

  /**
   * Fields, where texts are written as they are. What most of them need is written out here, on local variables: a call per key and value costs more
   * than what it does.
   */
  #fields(builder: RecordBuilder, values: ValueWriter, fields: object): void {
    const placed = this.#placed;
    const placedIds = this.#placedIds;
    const state = this.#root;
    let place = 0;
    for (const key in fields) {
      if (!hasOwn.call(fields, key)) continue;
      const slot = place++ & (REMEMBERED - 1);
      if (placed[slot] !== key || builder.at + SHORT_PAIR > builder.limit) {
        const id = this.#keys.flagged(key);
        if (id >= 0 && id < FLAGGED) {
          placed[slot] = key;
          placedIds[slot] = id;
        }
        if (values.pair(fields, key, id, 1, state) < 0) return;
        continue;
      }
      const from = builder.at - builder.start;
      let fits = true;
      try {
        const value = (fields as Record<string, unknown>)[key];
        if (value === undefined) continue;
        fits = values.field(key, placedIds[slot] as number, value, 1, state);
      } catch (error) {
        builder.at = builder.start + from;
        fits = builder.keyOf(key, placedIds[slot] as number) && builder.string(thrown(error));
      }
      if (!fits) {
        builder.at = builder.start + from;
        return;
      }
    }
  }

  /** A call from inside another record's building: kept as it is now, written after that one. */
  #keep(message: unknown, fields: object | undefined, error: unknown): boolean {
    const call = { ...this.call };
    const snapshotOf = (): Spilled => ({
      call: { ...call, context: call.context && snapshotOfFields(call.context) },
      message: snapshot(message),
      fields: fields && snapshotOfFields(fields),
      error,
    });
    if (this.#spill.keep(snapshotOf, this.#heal)) return true;
    const builder = this.#builder;
    const { level } = builder;
    builder.level = call.level;
    builder.count(DROP_NESTED, 1);
    builder.level = level;
    return false;
  }

  #flush(): void {
    if (this.#spill.isEmpty) return;
    const before = { ...this.call };
    for (const { call, message, fields, error } of this.#spill.take()) {
      Object.assign(this.call, call);
      if (error === LINE) this.line(message as string);
      else this.write(message, fields, error);
    }
    Object.assign(this.call, before);
  }
}

/** Marks a kept call as one of {@link RingLogWriter.line}. */
const LINE = Symbol('line');
