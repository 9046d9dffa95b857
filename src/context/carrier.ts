// Reads and writes the places that a context travels in: HTTP headers in every form that Node and the web have, message objects, maps,
// environments. App threads. Whatever a carrier does, nothing is thrown.

/** Reads a carrier. */
export interface CarrierReader {
  /** The value of the field `name` (lower case), found whatever the case of its name; several of them in their order; or undefined. */
  get(name: string): string | readonly string[] | undefined;
  /** The names of all fields, in lower case. */
  keys(): readonly string[];
}

/** Writes a carrier. */
export interface CarrierWriter {
  /** Sets the field `name`, in place of any of that name in another case. */
  set(name: string, value: string): void;
}

/** Longest value of a field that is read. The longest useful one has 8,192 characters. */
const MAX_VALUE = 65_536;
/** Fields of an object that are looked at. Node itself takes up to 2,000 headers. */
const MAX_FIELDS = 4_096;

type Fields = Readonly<Record<string, unknown>>;
type Method = (name: string, value?: string) => unknown;

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

/** A value as text: strings, bytes as message brokers have them, and the first of either in an array of one. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value.length <= MAX_VALUE ? value : undefined;
  if (!(value instanceof Uint8Array) || value.length > MAX_VALUE) return undefined;
  return Buffer.from(value.buffer, value.byteOffset, value.length).toString();
}

function textsOf(value: unknown): string | readonly string[] | undefined {
  if (!Array.isArray(value)) return textOf(value);
  const texts = value.map(textOf).filter((text) => text !== undefined);
  return texts.length > 1 ? texts : texts[0];
}

/** Values found under one name, in their order. */
class Found {
  #first: string | undefined;
  #all: string[] | undefined;

  add(value: unknown): void {
    const texts = textsOf(value);
    if (texts === undefined) return;
    if (this.#first === undefined && typeof texts === 'string') {
      this.#first = texts;
    } else {
      this.#all ??= this.#first === undefined ? [] : [this.#first];
      this.#all.push(...(typeof texts === 'string' ? [texts] : texts));
    }
  }

  get value(): string | readonly string[] | undefined {
    return this.#all ?? this.#first;
  }
}

/** Whether `name` in any case is `wanted`, in lower case. Most names differ in length. */
function isNamed(name: unknown, wanted: string): boolean {
  return typeof name === 'string' && name.length === wanted.length && name.toLowerCase() === wanted;
}

function findInList(list: readonly unknown[], name: string): string | readonly string[] | undefined {
  const found = new Found();
  const inPairs = Array.isArray(list[0]);
  for (let index = 0; index < list.length; index += inPairs ? 1 : 2) {
    const pair = inPairs ? (list[index] as readonly unknown[]) : undefined;
    if (isNamed(inPairs ? pair?.[0] : list[index], name)) found.add(inPairs ? pair?.[1] : list[index + 1]);
  }
  return found.value;
}

function find(carrier: object, name: string): string | readonly string[] | undefined {
  if (Array.isArray(carrier)) return findInList(carrier, name);
  const { get } = carrier as { get?: unknown };
  if (typeof get === 'function') {
    const text = textsOf((get as Method).call(carrier, name));
    return text === undefined && carrier instanceof Map ? findInList([...carrier], name) : text; // `Headers` know every case themselves.
  }
  if (Object.hasOwn(carrier, name)) {
    const text = textsOf((carrier as Fields)[name]);
    if (text !== undefined) return text;
  }
  const found = new Found();
  let count = 0;
  for (const key in carrier) {
    if (++count > MAX_FIELDS) break;
    if (isNamed(key, name) && Object.hasOwn(carrier, key)) found.add((carrier as Fields)[key]);
  }
  return found.value;
}

/** The names of all fields, in lower case. */
function namesOf(carrier: object): readonly string[] {
  const names = Array.isArray(carrier)
    ? carrier.filter((_, index) => Array.isArray(carrier[0]) || index % 2 === 0).map((field) => (Array.isArray(field) ? field[0] : field))
    : typeof (carrier as { keys?: unknown }).keys === 'function'
      ? [...(carrier as { keys(): Iterable<unknown> }).keys()]
      : Object.keys(carrier);
  return names
    .slice(0, MAX_FIELDS)
    .filter((name) => typeof name === 'string')
    .map((name) => name.toLowerCase());
}

/**
 * A reader of `carrier`: an `IncomingMessage` (through its `rawHeaders`, where a repeated field is seen as such), its `headers`, a list
 * of names and values flat or in pairs, `Headers`, a `Map`, a plain object with strings, arrays of them or bytes. Anything else is empty.
 */
export function readerOf(carrier: unknown): CarrierReader {
  const fields = isObject(carrier) ? rawHeadersOf(carrier) : {};
  return {
    get: (name) => {
      try {
        return find(fields, name);
      } catch {
        return undefined; // A getter or a proxy of the application.
      }
    },
    keys: () => {
      try {
        return namesOf(fields);
      } catch {
        return [];
      }
    },
  };
}

function rawHeadersOf(carrier: object): object {
  try {
    const { rawHeaders } = carrier as { rawHeaders?: unknown };
    return Array.isArray(rawHeaders) ? rawHeaders : carrier;
  } catch {
    return {};
  }
}

/**
 * A writer of `carrier`: a request or response of `node:http` (`setHeader`), one of undici (`addHeader`), `Headers` or a `Map` (`set`), a
 * list of names and values flat or in pairs, a plain object. Anything else, and what is frozen, stays as it is.
 */
export function writerOf(carrier: unknown): CarrierWriter {
  return {
    set: (name, value) => {
      try {
        if (isObject(carrier)) write(carrier, name, value);
      } catch {
        // Headers that were sent already, a frozen object, a proxy: nothing is to be had there.
      }
    },
  };
}

function write(carrier: object, name: string, value: string): void {
  if (Array.isArray(carrier)) {
    writeList(carrier, name, value);
    return;
  }
  for (const method of ['setHeader', 'set', 'addHeader'] as const) {
    const found = (carrier as Record<string, unknown>)[method];
    if (typeof found !== 'function') continue;
    if (carrier instanceof Map) deleteOtherCases(carrier, name);
    (found as Method).call(carrier, name, value);
    return;
  }
  const fields = carrier as Record<string, unknown>;
  for (const key of Object.keys(fields))
    if (key.length === name.length && key !== name && key.toLowerCase() === name.toLowerCase()) delete fields[key];
  fields[name] = value;
}

function deleteOtherCases(map: Map<unknown, unknown>, name: string): void {
  for (const key of map.keys()) if (typeof key === 'string' && key !== name && key.toLowerCase() === name.toLowerCase()) map.delete(key);
}

function writeList(list: unknown[], name: string, value: string): void {
  const wanted = name.toLowerCase();
  const inPairs = Array.isArray(list[0]);
  const width = inPairs ? 1 : 2;
  for (let index = list.length - width; index >= 0; index -= width) {
    const key = inPairs ? (list[index] as unknown[] | undefined)?.[0] : list[index];
    if (typeof key === 'string' && key.toLowerCase() === wanted) list.splice(index, width);
  }
  if (inPairs) list.push([name, value]);
  else list.push(name, value);
}

/** The variable that a field travels in: upper case, and `_` for what is neither letter nor digit. */
export function variableOf(name: string): string {
  return name.toUpperCase().replace(/[^A-Z0-9]/g, '_');
}

/** A carrier over environment variables: `TRACEPARENT`, `TRACESTATE`, `BAGGAGE`, `X_B3_TRACEID`. */
export function environmentCarrier(env: Record<string, string | undefined>): CarrierReader & CarrierWriter {
  return {
    get: (name) => env[variableOf(name)],
    keys: () => Object.keys(env).map((name) => name.toLowerCase().replaceAll('_', '-')),
    set: (name, value) => {
      env[variableOf(name)] = value;
    },
  };
}
