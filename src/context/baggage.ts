// Baggage of W3C: named values that travel with a request, and the header they travel in. Immutable; any thread.

/** Members and characters that are read and sent; what the specification asks everyone to carry. */
const MAX_MEMBERS = 64;
const MAX_LENGTH = 8_192;

/** One value, with the properties that came with it (`;ttl=30`), as text that is passed on and not read. */
export interface BaggageEntry {
  readonly value: string;
  readonly metadata?: string;
}

/** A key is a token of HTTP: no white space, separators or percent-encoding. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Characters of a value that stand for themselves in the header: printable ASCII without space, `"`, `,`, `;`, `\` and `%`. */
const PLAIN = /^[!#$&-+\--:<-[\]-~]*$/;
/** A property as it may be sent: printable ASCII that ends neither itself nor the member. */
const METADATA = /^[\x20-\x2b\x2d-\x7e\t]*$/;

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

/** An immutable set of named values. A name appears once. */
export class Baggage {
  readonly #entries: ReadonlyMap<string, BaggageEntry>;

  /** Keys are tokens (`!#$%&'*+-.^_|~` and backtick, digits, letters), values any text; entries with another key are left out. */
  constructor(entries: Iterable<readonly [key: string, entry: BaggageEntry]> = []) {
    const kept = new Map<string, BaggageEntry>();
    for (const [key, { value, metadata }] of entries) {
      if (typeof key !== 'string' || !TOKEN.test(key) || typeof value !== 'string') continue;
      const passed = typeof metadata === 'string' && metadata !== '' && METADATA.test(metadata);
      kept.set(key, passed ? { value, metadata } : { value });
    }
    this.#entries = kept;
  }

  /** Number of values. */
  get size(): number {
    return this.#entries.size;
  }

  get(key: string): BaggageEntry | undefined {
    return this.#entries.get(key);
  }

  /** Names and values in the order in which they came. */
  entries(): IterableIterator<[string, BaggageEntry]> {
    return this.#entries.entries();
  }

  /** This baggage with `key` set to a value, or to an entry with metadata. */
  set(key: string, entry: string | BaggageEntry): Baggage {
    return new Baggage([...this.#entries, [key, typeof entry === 'string' ? { value: entry } : entry]]);
  }

  /** This baggage without `key`. */
  delete(key: string): Baggage {
    return new Baggage([...this.#entries].filter(([name]) => name !== key));
  }

  /**
   * Reads a header, or several in their order: up to 64 members and 8,192 characters, further ones are left out whole. Values are
   * percent-decoded, with U+FFFD for what is not UTF-8; members without a valid key are left out; the last one of a key counts.
   * Never throws; time linear in the length that is read.
   */
  static parse(header: string | readonly string[]): Baggage {
    const entries: [string, BaggageEntry][] = [];
    let budget = MAX_LENGTH;
    for (const text of typeof header === 'string' ? [header] : header) {
      for (let at = 0; at < text.length && entries.length < MAX_MEMBERS; ) {
        const comma = text.indexOf(',', at);
        const end = comma < 0 ? text.length : comma;
        budget -= end - at + 1;
        if (budget < -1) return new Baggage(entries); // The last member has no comma after it.
        const entry = memberOf(text.slice(at, end));
        if (entry !== undefined) entries.push(entry);
        at = end + 1;
      }
    }
    return new Baggage(entries);
  }

  /** The header: members in their order, up to 64 and 8,192 characters, each whole or not at all; empty without members. */
  toString(): string {
    let header = '';
    let count = 0;
    for (const [key, { value, metadata }] of this.#entries) {
      if (count === MAX_MEMBERS) break;
      const member = `${key}=${encoded(value)}${metadata === undefined ? '' : `;${metadata}`}`;
      if (header.length + member.length + 1 > MAX_LENGTH + (header === '' ? 1 : 0)) continue;
      header = header === '' ? member : `${header},${member}`;
      count++;
    }
    return header;
  }
}

function memberOf(text: string): [string, BaggageEntry] | undefined {
  const semicolon = text.indexOf(';');
  const pair = semicolon < 0 ? text : text.slice(0, semicolon);
  const equals = pair.indexOf('=');
  if (equals < 0) return undefined;
  const key = pair.slice(0, equals).trim();
  if (!TOKEN.test(key)) return undefined;
  const value = decoded(pair.slice(equals + 1).trim());
  const metadata = semicolon < 0 ? '' : text.slice(semicolon + 1).trim();
  return [key, metadata === '' ? { value } : { value, metadata }];
}

/** Percent-decodes; a percent sign that no two digits follow stands for itself. */
function decoded(text: string): string {
  if (!text.includes('%')) return text;
  const bytes = encoder.encode(text);
  let length = 0;
  for (let index = 0; index < bytes.length; index++) {
    let byte = bytes[index] as number;
    if (byte === 0x25) {
      const value = /^[0-9A-Fa-f]{2}$/.exec(String.fromCharCode(bytes[index + 1] ?? 0, bytes[index + 2] ?? 0));
      if (value !== null) {
        byte = Number.parseInt(value[0], 16);
        index += 2;
      }
    }
    bytes[length++] = byte;
  }
  return decoder.decode(bytes.subarray(0, length));
}

/** Percent-encodes what must not stand in a value. Half of a surrogate pair becomes U+FFFD. */
function encoded(value: string): string {
  if (PLAIN.test(value)) return value;
  let text = '';
  for (const byte of encoder.encode(value)) {
    const character = String.fromCharCode(byte);
    text += byte < 128 && PLAIN.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return text;
}
