// The last values that an instrument recorded on this thread, for tests and reports: bounded, and only where asked for. App
// thread; adding is one store.

/** One recorded value. */
export interface MetricValue {
  readonly value: number;
  readonly labels: Readonly<Record<string, string>>;
  /** Seconds since 1970. */
  readonly timestamp: number;
}

/** A value recorded now. */
export function measured(value: number, labels: Readonly<Record<string, string>>): MetricValue {
  return { value, labels, timestamp: Date.now() / 1000 };
}

/** Most values that an instrument remembers. */
export const MAX_OBSERVATIONS = 10_000;

/** A list that forgets its oldest value when it is full. */
export class Observations<T = number> {
  readonly #values: T[] = [];
  readonly #limit: number;
  /** Where the next value goes once the list is full. */
  #next = 0;

  /** `limit`: values at most, at least 1. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  add(value: T): void {
    if (this.#values.length < this.#limit) {
      this.#values.push(value);
      return;
    }
    this.#values[this.#next] = value;
    this.#next = (this.#next + 1) % this.#limit;
  }

  /** A copy, oldest first. */
  values(): T[] {
    return [...this.#values.slice(this.#next), ...this.#values.slice(0, this.#next)];
  }

  clear(): void {
    this.#values.length = 0;
    this.#next = 0;
  }
}
