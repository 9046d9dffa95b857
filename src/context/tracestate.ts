// The header `tracestate` of W3C Trace Context level 2: checked, changed and forwarded. Any thread.

/** List members that a header may have. */
const MAX_MEMBERS = 32;
/** Characters of a key or a value. */
const MAX_TEXT = 256;
/** Characters that are sent; what the specification asks everyone to forward. */
const MAX_SENT = 512;
/** Characters of a member, `=` included, that goes first where more would be sent. */
const LONG_MEMBER = 128;

/** What a character may be part of. */
const KEY_START = 1;
const KEY = 2;
const VALUE = 4;
const CLASSES = new Uint8Array(128);
for (let code = 0x20; code <= 0x7e; code++) if (code !== 0x2c && code !== 0x3d) CLASSES[code] = VALUE;
for (const character of 'abcdefghijklmnopqrstuvwxyz0123456789_-*/@') {
  const code = character.charCodeAt(0);
  CLASSES[code] = VALUE | KEY | (/[a-z0-9]/.test(character) ? KEY_START : 0);
}

function isOf(text: string, start: number, end: number, kind: number): boolean {
  if (start === end || end - start > MAX_TEXT) return false;
  for (let index = start; index < end; index++) {
    const code = text.charCodeAt(index);
    if (code >= 128 || ((CLASSES[code] as number) & kind) === 0) return false;
  }
  return true;
}

function isKey(text: string, start: number, end: number): boolean {
  return isOf(text, start, end, KEY) && ((CLASSES[text.charCodeAt(start)] as number) & KEY_START) !== 0;
}

function isValue(text: string, start: number, end: number): boolean {
  return isOf(text, start, end, VALUE) && text.charCodeAt(end - 1) !== 0x20;
}

/** The members of a header in order, or undefined when one of them is invalid or there are more than 32. The first of a key counts. */
function membersOf(header: string): Map<string, string> | undefined {
  const members = new Map<string, string>();
  let count = 0;
  for (let at = 0; at <= header.length; ) {
    const comma = header.indexOf(',', at);
    const next = comma < 0 ? header.length : comma;
    let start = at;
    let end = next;
    while (start < end && (header.charCodeAt(start) === 32 || header.charCodeAt(start) === 9)) start++;
    while (end > start && (header.charCodeAt(end - 1) === 32 || header.charCodeAt(end - 1) === 9)) end--;
    at = next + 1;
    if (start === end) continue; // Empty members are legal.
    const equals = header.indexOf('=', start);
    if (equals < 0 || equals >= end || !isKey(header, start, equals) || !isValue(header, equals + 1, end)) return undefined;
    if (++count > MAX_MEMBERS) return undefined;
    const key = header.slice(start, equals);
    if (!members.has(key)) members.set(key, header.slice(equals + 1, end));
  }
  return members;
}

/**
 * The members that services pass on beside `traceparent`: an immutable list, the one changed last at the left. Keys have up to 256
 * characters of `a-z 0-9 _ - * / @` and begin with a letter or digit, values up to 256 of printable ASCII without `,` and `=`.
 */
export class TraceState {
  readonly #members: ReadonlyMap<string, string>;

  private constructor(members: ReadonlyMap<string, string>) {
    this.#members = members;
  }

  /** One without members. */
  static readonly EMPTY: TraceState = new TraceState(new Map());

  /**
   * Reads a header, or several in their order. What the specification does not allow anywhere in it (an invalid member, more than 32)
   * makes it empty, since the rest cannot be trusted; of equal keys the first one stays. Never throws; time linear in its length.
   */
  static parse(header: string | readonly string[]): TraceState {
    const text = typeof header === 'string' ? header : header.join(',');
    const members = membersOf(text);
    return members === undefined || members.size === 0 ? TraceState.EMPTY : new TraceState(members);
  }

  /** Number of members, in [0, 32]. */
  get size(): number {
    return this.#members.size;
  }

  get(key: string): string | undefined {
    return this.#members.get(key);
  }

  /** Keys and values from left to right. */
  entries(): IterableIterator<[string, string]> {
    return this.#members.entries();
  }

  /** With `key` set, at the left; the rightmost member goes when there are 32 others. This one itself for an invalid key or value. */
  set(key: string, value: string): TraceState {
    const fits = typeof key === 'string' && typeof value === 'string' && isKey(key, 0, key.length) && isValue(value, 0, value.length);
    if (!fits) return this;
    const others = [...this.#members].filter(([name]) => name !== key).slice(0, MAX_MEMBERS - 1);
    return new TraceState(new Map([[key, value], ...others]));
  }

  /** Without `key`. */
  delete(key: string): TraceState {
    return this.#members.has(key) ? new TraceState(new Map([...this.#members].filter(([name]) => name !== key))) : this;
  }

  /** The header, empty without members. */
  toString(): string {
    return [...this.#members].map(([key, value]) => `${key}=${value}`).join(',');
  }
}

/** A header that was received, or several, as a context keeps it: without white space, empty members and repeated keys; else empty. */
export function checkedTraceState(header: string | readonly string[]): string {
  const text = typeof header === 'string' ? header : header.join(',');
  return isCanonical(text) ? text : TraceState.parse(text).toString();
}

/** True for a valid header without anything to leave out, as most are: it is kept as it came. Allocates its keys only. */
function isCanonical(header: string): boolean {
  const keys: string[] = [];
  for (let at = 0; at < header.length; ) {
    const comma = header.indexOf(',', at);
    const end = comma < 0 ? header.length : comma;
    const equals = header.indexOf('=', at);
    if (equals < 0 || equals >= end || !isKey(header, at, equals) || !isValue(header, equals + 1, end)) return false;
    const key = header.slice(at, equals);
    if (keys.length === MAX_MEMBERS || keys.includes(key) || end === header.length - 1) return false;
    keys.push(key);
    at = end + 1;
  }
  return keys.length > 0;
}

/**
 * `traceState`, valid, as it is sent: at most 512 characters. Where it has more, members of more than 128 go first, from the right, and
 * then others from the right; a member is never cut.
 */
export function sentTraceState(traceState: string): string {
  if (traceState.length <= MAX_SENT) return traceState;
  const members = traceState.split(',');
  let length = traceState.length;
  for (const least of [LONG_MEMBER + 1, 0]) {
    for (let index = members.length - 1; index >= 0 && length > MAX_SENT; index--) {
      const member = members[index] as string;
      if (member.length < least) continue;
      members.splice(index, 1);
      length -= member.length + 1;
    }
  }
  return members.join(',');
}
