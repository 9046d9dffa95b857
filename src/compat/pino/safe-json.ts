// JSON of what JSON.stringify refuses: cycles, BigInts. As safe-stable-stringify, pino's fallback, writes it: keys sorted, limited in depth and
// breadth. App threads; only for objects that JSON.stringify threw at.

/** Gives JSON, or undefined for what has none. */
export type SafeStringify = (value: unknown, standsFor?: StandsFor) => string | undefined;

/** The object that another one is a changed copy of, so that a cycle through the original ends at the copy. */
export type StandsFor = (copy: object) => object;

const CIRCULAR = '"[Circular]"';

/**
 * A serializer with pino's `depthLimit` and `edgeLimit`, both at least 1.
 * @throws TypeError for no number, RangeError for less than 1 or no whole number.
 */
export function safeStringify(depthLimit: unknown, edgeLimit: unknown): SafeStringify {
  const depth = limit(depthLimit, 'maximumDepth');
  const breadth = limit(edgeLimit, 'maximumBreadth');
  return (value, standsFor) => new Traversal(depth, breadth, standsFor).any('', value);
}

/** A limit; errors name it as the ones of the original do. */
function limit(value: unknown, name: string): number {
  if (typeof value !== 'number') throw new TypeError(`The "${name}" argument must be of type number`);
  if (!Number.isInteger(value)) throw new TypeError(`The "${name}" argument must be an integer`);
  if (value < 1) throw new RangeError(`The "${name}" argument must be >= 1`);
  return value;
}

/** One value being written: where it is, for cycles and depth. */
class Traversal {
  readonly #depth: number;
  readonly #breadth: number;
  readonly #standsFor: StandsFor | undefined;
  readonly #open: object[] = [];

  constructor(depth: number, breadth: number, standsFor: StandsFor | undefined) {
    this.#depth = depth;
    this.#breadth = breadth;
    this.#standsFor = standsFor;
  }

  any(key: string, value: unknown): string | undefined {
    switch (typeof value) {
      case 'string':
        return JSON.stringify(value);
      case 'number':
        return Number.isFinite(value) ? String(value) : 'null';
      case 'boolean':
      case 'bigint':
        return String(value);
      case 'object':
        return value === null ? 'null' : this.#converted(key, value);
      default:
        return undefined;
    }
  }

  #converted(key: string, value: object): string | undefined {
    const { toJSON } = value as { toJSON?: unknown };
    if (typeof toJSON !== 'function') return this.#object(value);
    const converted: unknown = (value as { toJSON(key: string): unknown }).toJSON(key);
    return typeof converted === 'object' && converted !== null ? this.#object(converted) : this.any(key, converted);
  }

  #object(value: object): string {
    const open = this.#open;
    const original = this.#standsFor?.(value) ?? value;
    if (open.includes(original)) return CIRCULAR;
    const isArray = Array.isArray(value);
    const keys = isArray ? [] : Object.keys(value);
    if ((isArray ? value.length : keys.length) === 0) return isArray ? '[]' : '{}';
    if (open.length + 1 > this.#depth) return isArray ? '"[Array]"' : '"[Object]"';
    open.push(original);
    const text = isArray ? this.#elements(value) : this.#properties(value as Record<string, unknown>, keys);
    open.pop();
    return text;
  }

  #elements(array: readonly unknown[]): string {
    const shown = Math.min(array.length, this.#breadth);
    let text = '';
    for (let index = 0; index < shown; index++) text += `${index === 0 ? '' : ','}${this.any(String(index), array[index]) ?? 'null'}`;
    // One element more than the limit is dropped without a word, as there.
    const left = array.length - this.#breadth - 1;
    return left > 0 ? `[${text},"... ${notStringified(left)}"]` : `[${text}]`;
  }

  #properties(object: Record<string, unknown>, keys: string[]): string {
    const total = keys.length;
    let shown = Math.min(total, this.#breadth);
    let text = '';
    let names = keys;
    if (isTypedArray(object)) {
      const count = Math.min(object.length, this.#breadth);
      for (let index = 0; index < count; index++) text += `,"${index}":${object[index]}`;
      names = keys.slice(object.length);
      shown -= object.length;
    }
    names.sort();
    for (let index = 0; index < shown; index++) {
      const name = names[index] as string;
      const value = this.any(name, object[name]);
      if (value !== undefined) text += `,${JSON.stringify(name)}:${value}`;
    }
    if (total > this.#breadth) text += `,"...":"${notStringified(total - this.#breadth)}"`;
    return `{${text.slice(1)}}`;
  }
}

function notStringified(count: number): string {
  return `${count} ${count === 1 ? 'item' : 'items'} not stringified`;
}

function isTypedArray(value: object): value is Uint8Array & Record<string, unknown> {
  return ArrayBuffer.isView(value) && !(value instanceof DataView) && (value as Uint8Array).length > 0;
}
