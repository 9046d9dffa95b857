// Writes JavaScript's values into a record, whatever they are. Runs on the app thread that owns the ring.
//
// User code may run here: a getter, `toJSON`, a Proxy. What it throws stands in the place of its value (`[Throws: ...]`), and the
// values beside it are kept. Objects that hold themselves, go on for ever or are too long are cut where that shows.
import { types } from 'node:util';
import {
  VALUE_ARRAY,
  VALUE_ERROR,
  VALUE_F64,
  VALUE_FALSE,
  VALUE_I32,
  VALUE_INTERNED,
  VALUE_LATIN1,
  VALUE_NULL,
  VALUE_OBJECT,
  VALUE_TRUE,
} from './generated/layout.js';
import { FLAGGED, ID_MASK } from './key-ids.js';
import { LOOPED, type RecordBuilder } from './record-builder.js';
import { REDACT_REMOVE, type Redaction } from './redaction.js';

/** Objects and arrays nested deeper than this are written as a word. */
export const DEEPEST = 8;
/** Room for a key with an id, a value's tag and count, and the longest text that is written unit by unit. */
export const SHORT_PAIR = 16 + LOOPED;
/** Bytes of a buffer or typed array that are written. */
const MOST_BYTES = 1_024;
/** Members of an `AggregateError` that are written. */
const MOST_ERRORS = 32;

// Captured before an application can replace them.
const hasOwn = Object.prototype.hasOwnProperty;
const PLAIN = Object.prototype;
const { getPrototypeOf } = Object;
const { isArray } = Array;
const { isView } = ArrayBuffer;
const dateTime = Date.prototype.getTime;
const dateToJson = Date.prototype.toJSON;
const regExpText = RegExp.prototype.toString;
const symbolText = Symbol.prototype.toString;

/** The text that stands for a value whose reading threw. */
export function thrown(error: unknown): string {
  try {
    const message = error instanceof Error ? error.message : String(error);
    return `[Throws: ${message.slice(0, 100)}]`;
  } catch {
    return '[Throws]';
  }
}

/** Keeps the keys that lead to what is being written: `key` is the one at `depth`, counted from 1. */
function follow(path: string[], depth: number, key: string): void {
  path.length = depth - 1;
  path.push(key);
}

/** Keys of an {@link Error} that have a place of their own. */
const OF_ERRORS: Readonly<Record<string, true>> = Object.freeze({
  __proto__: null as never,
  type: true,
  message: true,
  stack: true,
  cause: true,
  errors: true,
  name: true,
});

/** True for errors of this realm and others, and for what calls itself one: `name`, `message` and `stack` are texts. */
export function isError(value: object): boolean {
  if (types.isNativeError(value) || value instanceof Error) return true;
  const { stack, message } = value as { stack?: unknown; message?: unknown };
  return typeof stack === 'string' && typeof message === 'string' && !hasOwn.call(value, 'toJSON');
}

/** Writes values by way of a builder. One per builder. */
export class ValueWriter {
  readonly #builder: RecordBuilder;
  /** Objects being written, outermost first: one that holds itself is written as a word. */
  readonly #path: (object | undefined)[] = new Array(DEEPEST + 2).fill(undefined);
  /** What must not be written; see {@link Redaction}. */
  redaction: Redaction | undefined;

  constructor(builder: RecordBuilder) {
    this.#builder = builder;
  }

  /** A value that is its caller's own: when it finds no room, what fits of it or nothing stands in its place. */
  whole(value: unknown): void {
    const builder = this.#builder;
    const from = builder.at - builder.start;
    if (this.value(value, 0, '', 0)) return;
    const { redaction } = this;
    builder.instead(typeof value === 'string' && redaction?.hasText ? redaction.text(value) : value, from);
  }

  /**
   * Writes one value found under `key`, nested `depth` deep, where redaction is in `state`; false when there is no room, with the
   * builder's `at` wherever it was. May throw what user code throws.
   */
  value(value: unknown, depth: number, key: string, state: number): boolean {
    const builder = this.#builder;
    switch (typeof value) {
      case 'string':
        return builder.string(this.redaction?.hasText ? this.redaction.text(value) : value);
      case 'number':
        return builder.number(value);
      case 'boolean':
        return builder.tag(value ? VALUE_TRUE : VALUE_FALSE);
      case 'object':
        return value === null ? builder.tag(VALUE_NULL) : this.#structure(value, depth, key, state);
      case 'bigint':
        return builder.bigint(value);
      case 'symbol':
        return builder.string(symbolText.call(value));
      case 'function':
        return builder.string(`[Function: ${String(value.name)}]`);
      default:
        return builder.tag(VALUE_NULL);
    }
  }

  /** Own enumerable properties of `object` as pairs of a key and a value each; their number, or -1 - number when there was no room for all. */
  pairs(object: object, depth: number, state: number): number {
    let count = 0;
    const builder = this.#builder;
    const { redaction } = this;
    const isPlain = redaction === undefined || !redaction.hasText;
    for (const key in object) {
      if (!hasOwn.call(object, key)) continue;
      // Asked once: a key that is asked for twice has been seen twice, and gets an id.
      const id = builder.keys.flagged(key);
      if (isPlain && id >= 0 && id < FLAGGED && builder.at + SHORT_PAIR <= builder.limit) {
        const written = this.#known(object, key, id, depth, state);
        if (written < 0) return -1 - count;
        count += written;
        continue;
      }
      const written = this.pair(object, key, id, depth, state);
      if (written < 0) return -1 - count;
      count += written;
    }
    return count;
  }

  /** As {@link pair}, where {@link field} may be used. */
  #known(object: object, key: string, id: number, depth: number, state: number): number {
    const builder = this.#builder;
    const from = builder.at - builder.start;
    let fits: boolean;
    try {
      const value = (object as Record<string, unknown>)[key];
      if (value === undefined) return 0;
      fits = this.field(key, id, value, depth, state);
    } catch (error) {
      builder.at = builder.start + from;
      fits = builder.keyOf(key, id) && builder.string(thrown(error));
    }
    if (fits) return builder.at - builder.start === from ? 0 : 1;
    builder.at = builder.start + from;
    return -1;
  }

  /** One pair: 1, 0 when there is nothing to write, -1 when there is no room; `at` is behind what was written. */
  pair(object: object, key: string, id: number, depth: number, state: number): number {
    const builder = this.#builder;
    const from = builder.at - builder.start;
    let fits: boolean;
    try {
      const value = (object as Record<string, unknown>)[key];
      if (value === undefined) return 0;
      fits = this.#entry(key, id, value, depth, state);
    } catch (error) {
      builder.at = builder.start + from;
      fits = builder.keyOf(key, id < 0 ? id : id & ID_MASK) && builder.string(this.#thrown(error));
    }
    if (fits) return builder.at - builder.start === from ? 0 : 1;
    builder.at = builder.start + from;
    return -1;
  }

  /** What stands for a value whose reading threw: a text like others. */
  #thrown(error: unknown): string {
    const text = thrown(error);
    return this.redaction?.hasText ? this.redaction.text(text) : text;
  }

  /** A key and its value, or what redaction puts in its place; nothing when it removes it. */
  #entry(key: string, id: number, value: unknown, depth: number, state: number): boolean {
    const builder = this.#builder;
    const { redaction } = this;
    const bare = id < 0 ? id : id & ID_MASK;
    if (redaction === undefined || (state === 0 && id >= 0 && id < FLAGGED)) {
      return builder.keyOf(key, bare) && this.value(value, depth, key, 0);
    }
    const next = redaction.step(state, key);
    if (redaction.path !== undefined) follow(redaction.path, depth, key);
    if (next >= 0) return builder.keyOf(key, bare) && this.value(value, depth, key, next);
    if (next === REDACT_REMOVE) return true;
    return builder.keyOf(key, bare) && this.value(redaction.replace(value, key, next), depth, key, 0);
  }

  /**
   * One pair whose key has an id and is not flagged, where there is room for {@link SHORT_PAIR}: rules may only be about what is inside
   * of the value. What most values need is written out here: a call for each costs more than what it does.
   */
  field(key: string, id: number, value: unknown, depth: number, state: number): boolean {
    const builder = this.#builder;
    const { out, view } = builder;
    let { at } = builder;
    out[at] = VALUE_INTERNED;
    view.setInt32(at + 1, id, true);
    at += 5;
    if (typeof value === 'string') {
      const { length } = value;
      if (length <= LOOPED) {
        const from = at + 5;
        let wide = 0;
        for (let index = 0; index < length; index++) {
          const unit = value.charCodeAt(index);
          out[from + index] = unit;
          wide |= unit;
        }
        if (wide <= 255) {
          out[at] = VALUE_LATIN1;
          view.setInt32(at + 1, length, true);
          builder.at = from + length;
          return true;
        }
      }
      builder.at = at;
      return builder.string(value);
    }
    if (typeof value === 'number') {
      if ((value | 0) === value) {
        out[at] = VALUE_I32;
        view.setInt32(at + 1, value, true);
        builder.at = at + 5;
      } else {
        out[at] = VALUE_F64;
        view.setFloat64(at + 1, value, true);
        builder.at = at + 9;
      }
      return true;
    }
    if (typeof value === 'boolean') {
      out[at] = value ? VALUE_TRUE : VALUE_FALSE;
      builder.at = at + 1;
      return true;
    }
    if (state !== 0) return this.#entry(key, id, value, depth, state);
    builder.at = at;
    return this.value(value, depth, key, 0);
  }

  #structure(value: object, depth: number, key: string, state: number): boolean {
    const prototype = getPrototypeOf(value);
    if (prototype !== PLAIN && prototype !== null && !isArray(value)) {
      const special = this.#special(value, depth, state);
      if (special !== undefined) return special;
    }
    const { toJSON } = value as { toJSON?: unknown };
    if (typeof toJSON === 'function') {
      const plain: unknown = toJSON.call(value, key);
      if (typeof plain !== 'object' || plain === null) return this.value(plain, depth, key, state);
      if (plain !== value && getPrototypeOf(plain) !== PLAIN && !isArray(plain)) {
        const special = this.#special(plain, depth, state);
        if (special !== undefined) return special;
      }
      value = plain;
    }
    return isArray(value)
      ? this.#elements(value, value, depth, '[Array]', state)
      : this.#properties(value, value, depth, '[Object]', state);
  }

  /** Objects that JSON would make nothing of; undefined for one that is written by its properties. */
  #special(value: object, depth: number, state: number): boolean | undefined {
    const builder = this.#builder;
    if (isView(value)) return this.#bytes(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
    if (types.isAnyArrayBuffer(value)) return this.#bytes(new Uint8Array(value));
    if (types.isDate(value)) {
      if ((value as { toJSON?: unknown }).toJSON !== dateToJson) return undefined;
      return builder.time(dateTime.call(value));
    }
    if (isError(value)) return this.#error(value as Error, depth, state);
    if (types.isMap(value)) return this.#map(value, depth, state);
    if (types.isSet(value)) return this.#elements(value, [...(value as Set<unknown>)], depth, '[Set]', state);
    if (types.isRegExp(value)) return builder.string(regExpText.call(value));
    if (types.isBoxedPrimitive(value)) return this.value((value as { valueOf(): unknown }).valueOf(), depth, '', state);
    const kind = (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag];
    if (kind === 'Headers' || kind === 'URLSearchParams') {
      return this.#properties(value, Object.fromEntries(value as Iterable<[string, string]>), depth, '[Object]', state);
    }
    return undefined;
  }

  /** The word that stands for `value` where it is too deep (`word`) or inside of itself; empty when it can be written. */
  #wordFor(value: object, depth: number, word: string): string {
    if (depth > DEEPEST) return word;
    const path = this.#path;
    for (let outer = 0; outer < depth; outer++) if (path[outer] === value) return '[Circular]';
    return '';
  }

  #bytes(bytes: Uint8Array): boolean {
    const builder = this.#builder;
    if (bytes.length <= MOST_BYTES) return builder.bytes(bytes);
    const text = Buffer.from(bytes.subarray(0, MOST_BYTES)).toString('base64');
    return builder.string(`${text}...truncated, ${bytes.length} bytes`);
  }

  #map(map: Map<unknown, unknown>, depth: number, state: number): boolean {
    const entries = [...map];
    const isObject = entries.every(([key]) => typeof key === 'string');
    if (isObject) return this.#properties(map, Object.fromEntries(entries), depth, '[Map]', state);
    return this.#elements(map, entries, depth, '[Map]', state);
  }

  /** The properties of `object` as those of `value`, which they were made of. */
  #properties(value: object, object: object, depth: number, tooDeep: string, state: number): boolean {
    const builder = this.#builder;
    const word = this.#wordFor(value, depth, tooDeep);
    if (word !== '') return builder.string(word);
    const header = this.#open(VALUE_OBJECT);
    if (header < 0) return false;
    this.#path[depth] = value;
    const count = this.pairs(object, depth + 1, state);
    this.#path[depth] = undefined;
    // What found no room is cut off, which the record says; the object is whole in itself.
    builder.view.setUint32(builder.start + header, count < 0 ? -1 - count : count, true);
    return true;
  }

  #elements(value: object, array: readonly unknown[], depth: number, tooDeep: string, state: number): boolean {
    const builder = this.#builder;
    const word = this.#wordFor(value, depth, tooDeep);
    if (word !== '') return builder.string(word);
    const header = this.#open(VALUE_ARRAY);
    if (header < 0) return false;
    this.#path[depth] = value;
    let count = 0;
    while (count < array.length && this.#element(array, count, depth, state)) count++;
    this.#path[depth] = undefined;
    builder.view.setUint32(builder.start + header, count, true);
    return true;
  }

  #element(array: readonly unknown[], index: number, depth: number, state: number): boolean {
    const builder = this.#builder;
    const from = builder.at - builder.start;
    let fits: boolean;
    try {
      const { redaction } = this;
      let value = array[index];
      let next = 0;
      // An element is found under its index, which only rules with a path may name.
      if (state > 0 && redaction !== undefined) {
        next = redaction.step(state, String(index));
        if (redaction.path !== undefined) follow(redaction.path, depth + 1, String(index));
        if (next < 0) {
          value = next === REDACT_REMOVE ? null : redaction.replace(value, String(index), next);
          next = 0;
        }
      }
      fits = this.value(value, depth + 1, '', next);
    } catch (error) {
      builder.at = builder.start + from;
      fits = builder.string(this.#thrown(error));
    }
    if (!fits) builder.at = builder.start + from;
    return fits;
  }

  /** Tag and count of something nested; where the count is in the record, or -1 when there is no room. */
  #open(tag: number): number {
    const builder = this.#builder;
    if (!builder.room(5)) return -1;
    builder.counted(tag, 0);
    const header = builder.at - builder.start + 1;
    builder.at += 5;
    return header;
  }

  /** `type`, `message`, `stack`, own properties, `cause`, `errors`; each read on its own, since any of them may be a getter that throws. */
  #error(error: Error, depth: number, state: number): boolean {
    const builder = this.#builder;
    const word = this.#wordFor(error, depth, '[Error]');
    if (word !== '') return builder.string(word);
    const header = this.#open(VALUE_ERROR);
    if (header < 0) return false;
    this.#path[depth] = error;
    let count = 0;
    for (const [key, value] of partsOf(error)) {
      const written = this.pair({ [key]: value }, key, builder.keys.flagged(key), depth + 1, state);
      if (written < 0) break;
      count += written;
    }
    this.#path[depth] = undefined;
    builder.view.setUint32(builder.start + header, count, true);
    return true;
  }
}

/** The value of a property, or the text that stands for one that cannot be read. */
function read(error: Error, key: string): unknown {
  try {
    return (error as unknown as Record<string, unknown>)[key];
  } catch (thrownError) {
    return thrown(thrownError);
  }
}

function typeOf(error: Error): unknown {
  try {
    const { name } = (error as { constructor?: { name?: unknown } }).constructor ?? {};
    if (typeof name === 'string' && name !== '' && name !== 'Object') return name;
  } catch {
    // Its name says enough.
  }
  return read(error, 'name');
}

function partsOf(error: Error): [string, unknown][] {
  const parts: [string, unknown][] = [
    ['type', typeOf(error)],
    ['message', read(error, 'message')],
    ['stack', read(error, 'stack')],
  ];
  for (const key in error) if (hasOwn.call(error, key) && OF_ERRORS[key] === undefined) parts.push([key, read(error, key)]);
  const cause = read(error, 'cause');
  if (cause !== undefined) parts.push(['cause', cause]);
  const errors = read(error, 'errors');
  if (isArray(errors)) {
    const members = errors.slice(0, MOST_ERRORS);
    if (errors.length > MOST_ERRORS) members.push(`...truncated, ${errors.length} errors`);
    parts.push(['errors', members]);
  } else if (errors !== undefined) {
    parts.push(['errors', errors]);
  }
  return parts;
}
