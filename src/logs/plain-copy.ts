// Copies of values that share nothing with the original and that no user code can change or break: for handlers, and for objects in the
// text of a message. App threads.
import { types } from 'node:util';
import { REDACT_REMOVE, type Redaction } from '../binding/redaction.js';
import { isError, thrown } from '../binding/value-writer.js';

/** Objects and arrays nested deeper than this become a word. */
const DEEPEST = 8;

/** One walk over one value. */
class Copying {
  readonly #redaction: Redaction | undefined;
  readonly #scrub: ((text: string) => string) | undefined;
  readonly #path: object[] = [];

  constructor(redaction: Redaction | undefined, scrub: ((text: string) => string) | undefined) {
    this.#redaction = redaction;
    this.#scrub = scrub;
  }

  value(value: unknown, key: string, state: number): unknown {
    switch (typeof value) {
      case 'string':
        return this.#scrub === undefined ? value : this.#scrub(value);
      case 'function':
        return `[Function: ${value.name || 'anonymous'}]`;
      case 'symbol':
        return String(value);
      case 'object':
        return value === null ? null : this.#object(value, key, state);
      default:
        return value;
    }
  }

  #object(given: object, key: string, state: number): unknown {
    const path = this.#path;
    if (path.includes(given)) return '[Circular]';
    if (path.length >= DEEPEST) return Array.isArray(given) ? '[Array]' : '[Object]';
    if (types.isDate(given)) return new Date(given);
    if (types.isBoxedPrimitive(given)) return this.value(given.valueOf(), key, state);
    if (given instanceof URL || given instanceof URLSearchParams || types.isRegExp(given)) return String(given);
    if (ArrayBuffer.isView(given)) return `[${given.byteLength} bytes]`;
    path.push(given);
    try {
      return this.#structure(given, key, state);
    } finally {
      path.pop();
    }
  }

  #structure(given: object, key: string, state: number): unknown {
    const { toJSON } = given as { toJSON?: unknown };
    if (typeof toJSON === 'function') return this.value(toJSON.call(given, key), key, state);
    if (Array.isArray(given)) return Array.from(given, (_, index) => this.#element(() => given[index], index, state));
    if (types.isSet(given)) return Array.from(given, (one, index) => this.#element(() => one, index, state));
    const copy: Record<string, unknown> = {};
    if (types.isMap(given)) {
      for (const [name, value] of given) this.#property(copy, String(name), () => value, state);
      return copy;
    }
    const read = (name: string) => () => (given as Record<string, unknown>)[name];
    if (isError(given)) {
      for (const name of ['name', 'message', 'stack', 'cause']) {
        if (name in given) this.#property(copy, name === 'name' ? 'type' : name, read(name), state);
      }
    }
    for (const name of Object.keys(given)) this.#property(copy, name, read(name), state);
    return copy;
  }

  #property(copy: Record<string, unknown>, key: string, read: () => unknown, state: number): void {
    const next = state !== 0 || this.#redaction?.isFlagged(key) ? this.#step(key, state) : 0;
    if (next === REDACT_REMOVE) return;
    const value = next < 0 ? this.#replaced(read, key, next) : this.#guarded(read, key, next);
    if (value === undefined) return;
    // A key of that name must not reach the prototype.
    Object.defineProperty(copy, key, { value, enumerable: true, writable: true, configurable: true });
  }

  /** Only rules with a path name an index. */
  #element(read: () => unknown, index: number, state: number): unknown {
    const key = String(index);
    const next = state === 0 ? 0 : this.#step(key, state);
    if (next === REDACT_REMOVE) return null;
    return (next < 0 ? this.#replaced(read, key, next) : this.#guarded(read, key, next)) ?? null;
  }

  #step(key: string, state: number): number {
    const redaction = this.#redaction;
    if (redaction === undefined) return 0;
    if (redaction.path !== undefined) {
      redaction.path.length = this.#path.length - 1;
      redaction.path.push(key);
    }
    return redaction.step(state, key);
  }

  #replaced(read: () => unknown, key: string, answer: number): unknown {
    try {
      const value = this.#redaction?.replace(read(), key, answer);
      return typeof value === 'object' ? new Copying(undefined, undefined).value(value, key, 0) : value;
    } catch (error) {
      return thrown(error);
    }
  }

  #guarded(read: () => unknown, key: string, state: number): unknown {
    const depth = this.#path.length;
    try {
      return this.value(read(), key, state);
    } catch (error) {
      this.#path.length = depth;
      return thrown(error);
    }
  }
}

/**
 * A deep copy of `value` in plain objects and arrays, without what `redaction` hides and `scrub` finds in texts. Cycles, depth over 8 and getters that throw become a word in brackets,
 * errors objects with `type`, `message` and `stack`, functions and symbols text. Never throws.
 */
export function plainCopy(value: unknown, redaction?: Redaction, scrub?: (text: string) => string): unknown {
  try {
    return new Copying(redaction, scrub).value(value, '', redaction?.root ?? 0);
  } catch (error) {
    return thrown(error);
  }
}
