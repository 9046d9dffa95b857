// Attributes: what users give made into plain data, within limits, in one flat list. App threads; runs user code (getters, toJSON,
// proxies) while an attribute is set, so that none runs while a span is written.
import type { FlatAttributes } from '../binding/writable-span.js';
import type { SpanLimits } from './limits.js';

/** Values that an attribute keeps; others (functions, symbols) are dropped. Objects are copied when they are set. */
export type AttributeValue =
  | string
  | number
  | boolean
  | bigint
  | null
  | undefined
  | readonly AttributeValue[]
  | { readonly [key: string]: unknown };

/** Attributes by name. */
export type Attributes = Readonly<Record<string, unknown>>;

/** What {@link plainValue} gives for a value that no attribute can have. */
export const DROPPED: unique symbol = Symbol('dropped');

/** Values that one attribute holds at most, nested ones included: beyond it is a word. */
const MOST_VALUES = 65_536;
/** Longest key, in UTF-16 code units. */
export const LONGEST_KEY = 4_096;
/** Attributes from which on a list has an index: up to here looking through it is quicker. */
export const INDEXED_FROM = 64;

const hasOwn = Object.prototype.hasOwnProperty;

/** The first `characters` of `text`; a character is never split, and none is half of a surrogate pair. */
export function cutText(text: string, characters: number): string {
  if (text.length <= characters) return text;
  let at = 0;
  for (let count = 0; count < characters && at < text.length; count++) {
    const unit = text.charCodeAt(at);
    const isPair = unit >= 0xd800 && unit <= 0xdbff && at + 1 < text.length && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00;
    at += isPair ? 2 : 1;
  }
  return text.slice(0, at);
}

/** The text that stands for a value whose reading threw. */
function thrown(error: unknown): string {
  try {
    const message = error instanceof Error ? error.message : String(error);
    return `[Throws: ${message.slice(0, 100)}]`;
  } catch {
    return '[Throws]';
  }
}

/** Copies one value; lives as long as that. */
class Copier {
  readonly #length: number;
  readonly #depth: number;
  readonly #path: object[] = [];
  #left = MOST_VALUES;

  constructor(limits: SpanLimits) {
    this.#length = limits.maxAttributeLength;
    this.#depth = limits.maxAttributeDepth;
  }

  value(value: unknown, key: string): unknown {
    switch (typeof value) {
      case 'string':
        return cutText(value, this.#length);
      case 'number':
      case 'boolean':
        return value;
      case 'bigint':
        return BigInt.asIntN(64, value) === value ? value : cutText(String(value), this.#length);
      case 'object':
        return value === null ? null : this.#caught(value, key);
      default:
        return DROPPED;
    }
  }

  #caught(value: object, key: string): unknown {
    const depth = this.#path.length;
    try {
      return this.#structure(value, key);
    } catch (error) {
      this.#path.length = depth;
      return cutText(thrown(error), this.#length);
    }
  }

  #structure(value: object, key: string): unknown {
    if (ArrayBuffer.isView(value)) {
      return cutText(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64'), this.#length);
    }
    if (value instanceof Error) return cutText(`${value.name}: ${value.message}`, this.#length);
    if (this.#path.includes(value)) return '[Circular]';
    if (this.#path.length >= this.#depth) return Array.isArray(value) ? '[Array]' : '[Object]';
    this.#path.push(value);
    const copy = this.#copy(value, key);
    this.#path.pop();
    return copy;
  }

  #copy(value: object, key: string): unknown {
    if (Array.isArray(value)) return this.#list(value);
    const { toJSON } = value as { toJSON?: unknown };
    if (typeof toJSON === 'function') return this.value(toJSON.call(value, key), key);
    if (value instanceof Map) return this.#entries(value);
    if (value instanceof Set) return this.#list(value);
    return this.#object(value as Record<string, unknown>);
  }

  #list(values: Iterable<unknown>): unknown[] {
    const copy: unknown[] = [];
    for (const value of values) {
      if (this.#left-- <= 0) {
        copy.push('[Truncated]');
        break;
      }
      const plain = this.value(value, '');
      copy.push(plain === DROPPED ? null : plain);
    }
    return copy;
  }

  #entries(values: Map<unknown, unknown>): Record<string, unknown> {
    const copy = emptyObject();
    for (const [key, value] of values) {
      if (this.#left-- <= 0) break;
      const plain = this.value(value, '');
      if (plain !== DROPPED && typeof key !== 'symbol') copy[String(key)] = plain;
    }
    return copy;
  }

  #object(object: Record<string, unknown>): Record<string, unknown> {
    const copy = emptyObject();
    for (const key in object) {
      if (!hasOwn.call(object, key)) continue;
      if (this.#left-- <= 0) break;
      let plain: unknown;
      try {
        plain = this.value(object[key], key);
      } catch (error) {
        plain = cutText(thrown(error), this.#length);
      }
      if (plain !== DROPPED) copy[key] = plain;
    }
    return copy;
  }
}

/** Without a prototype, so that a key called `__proto__` is a key. */
function emptyObject(): Record<string, unknown> {
  return Object.create(null) as Record<string, unknown>;
}

/**
 * A value as an attribute keeps it: text cut to length, structures copied (cycles, depth and reading that throws replaced by a word in
 * brackets), bytes as base64, what has `toJSON` as that says; {@link DROPPED} for functions and symbols. Never throws.
 */
export function plainValue(value: unknown, limits: SpanLimits): unknown {
  switch (typeof value) {
    case 'string':
      return value.length <= limits.maxAttributeLength ? value : cutText(value, limits.maxAttributeLength);
    case 'number':
    case 'boolean':
      return value;
    default:
      return new Copier(limits).value(value, '');
  }
}

/** Where `key` stands in a long list. Made when the list got long, and kept up to date by {@link setPair}. */
const indexes = new WeakMap<FlatAttributes, Map<unknown, number>>();

/** Index of `key` in `pairs`; -1 when it is not there. */
export function findPair(pairs: FlatAttributes, key: string): number {
  const length = pairs.length;
  if (length >= 2 * INDEXED_FROM) return indexOf(pairs).get(key) ?? -1;
  for (let index = 0; index < length; index += 2) if (pairs[index] === key) return index;
  return -1;
}

function indexOf(pairs: FlatAttributes): Map<unknown, number> {
  let index = indexes.get(pairs);
  if (index === undefined) {
    index = new Map();
    for (let at = 0; at < pairs.length; at += 2) index.set(pairs[at], at);
    indexes.set(pairs, index);
  }
  return index;
}

/** True for what a key may be. */
export function isKey(key: unknown): key is string {
  return typeof key === 'string' && key !== '' && key.length <= LONGEST_KEY;
}

/** Sets a plain value of `key` in `pairs`, which holds `most` attributes at most. Returns false when it is dropped. */
export function setPair(pairs: FlatAttributes, key: string, plain: unknown, most: number): boolean {
  const found = findPair(pairs, key);
  if (found >= 0) {
    pairs[found + 1] = plain;
    return true;
  }
  if (pairs.length >= 2 * most) return false;
  const length = pairs.push(key, plain);
  if (length > 2 * INDEXED_FROM) indexOf(pairs).set(key, length - 2);
  return true;
}

/** What attributes are given to, one by one. */
export interface AttributeTarget {
  setAttribute(key: string, value: unknown): unknown;
}

/** Attributes of an event or a link while they are gathered. */
class Gathering implements AttributeTarget {
  pairs: FlatAttributes | undefined = undefined;
  dropped = 0;
  readonly #limits: SpanLimits;
  readonly #most: number;

  constructor(limits: SpanLimits, most: number) {
    this.#limits = limits;
    this.#most = most;
  }

  setAttribute(key: string, value: unknown): void {
    const plain = plainValue(value, this.#limits);
    this.pairs ??= [];
    if (plain === DROPPED || !isKey(key) || !setPair(this.pairs, key, plain, this.#most)) this.dropped++;
  }
}

/** A list, and how many attributes found no place in it. */
export interface Gathered {
  readonly pairs: FlatAttributes | undefined;
  readonly dropped: number;
}

const NOTHING: Gathered = Object.freeze({ pairs: undefined, dropped: 0 });

/** The attributes of an event or a link as a list of at most `most`. Values that are undefined or null are no attributes. Never throws. */
export function gather(attributes: Attributes | null | undefined, limits: SpanLimits, most: number): Gathered {
  if (typeof attributes !== 'object' || attributes === null) return NOTHING;
  const gathering = new Gathering(limits, most);
  // First, since it counts as well.
  const unnamed = giveEach(attributes, gathering);
  gathering.dropped += unnamed;
  return gathering;
}

/**
 * Gives `target` each own attribute that has a value; one whose reading throws is given as the text of that error. Returns 1 when the
 * rest could not even be named, else 0. Never throws.
 */
export function giveEach(attributes: Attributes, target: AttributeTarget): number {
  try {
    for (const key in attributes) {
      if (!hasOwn.call(attributes, key)) continue;
      let value: unknown;
      try {
        value = attributes[key];
      } catch (error) {
        value = thrown(error);
      }
      if (value !== undefined && value !== null) target.setAttribute(key, value);
    }
  } catch {
    return 1;
  }
  return 0;
}

/** Longest name of a span or an event and longest message, in UTF-16 code units. */
const LONGEST_TEXT = 8_192;

/** Whatever was given as a name or a message, as a text. Never throws. */
export function textOf(given: unknown): string {
  if (typeof given === 'string') return given.length <= LONGEST_TEXT ? given : cutText(given, LONGEST_TEXT);
  try {
    return cutText(String(given), LONGEST_TEXT);
  } catch {
    return '';
  }
}

/** The list as a fresh object; structures in it are shared. */
export function asObject(pairs: FlatAttributes | undefined): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  if (pairs === undefined) return object;
  for (let index = 0; index < pairs.length; index += 2) {
    const key = pairs[index] as string;
    if (key === '__proto__')
      Object.defineProperty(object, key, { value: pairs[index + 1], enumerable: true, configurable: true, writable: true });
    else object[key] = pairs[index + 1];
  }
  return object;
}
