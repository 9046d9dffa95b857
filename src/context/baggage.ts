// Baggage of W3C: named values that travel with a request. Immutable; any thread.

/** One value, with the properties that were sent with it (`;ttl=30`, kept as text). */
export interface BaggageEntry {
  readonly value: string;
  readonly metadata?: string;
}

/** An immutable set of named values. */
export class Baggage {
  readonly #entries: ReadonlyMap<string, BaggageEntry>;

  constructor(entries: Iterable<readonly [string, BaggageEntry]> = []) {
    this.#entries = new Map(entries);
  }

  /** Number of values. */
  get size(): number {
    return this.#entries.size;
  }

  get(key: string): BaggageEntry | undefined {
    return this.#entries.get(key);
  }

  entries(): IterableIterator<[string, BaggageEntry]> {
    return this.#entries.entries();
  }

  /** This baggage with `key` set. */
  with(key: string, entry: BaggageEntry): Baggage {
    return new Baggage([...this.#entries, [key, entry]]);
  }

  /** This baggage without `key`. */
  without(key: string): Baggage {
    return new Baggage([...this.#entries].filter(([name]) => name !== key));
  }
}
