// The requests of a reading by class of status code, 2xx to 5xx. Main thread.
import type { Samples } from './samples.js';

/** How many requests ended in which class. */
export class StatusClasses {
  /** All requests. */
  readonly total: number;
  readonly #byClass = new Map<string, number>();

  constructor(samples: Samples) {
    let total = 0;
    for (const [status, value] of samples.sumBy('http_requests_total', 'status')) {
      const name = `${status[0]}xx`;
      this.#byClass.set(name, (this.#byClass.get(name) ?? 0) + value);
      total += value;
    }
    this.total = total;
  }

  /** The count of a class such as `2xx`. */
  of(name: string): number {
    return this.#byClass.get(name) ?? 0;
  }

  /** Per class seen so far, ascending: its name, how many came since `before`, and how many of all classes did. */
  since(before?: StatusClasses): (readonly [name: string, value: number, whole: number])[] {
    const whole = this.total - (before?.total ?? 0);
    return [...this.#byClass.keys()].sort().map((name) => [name, this.of(name) - (before?.of(name) ?? 0), whole] as const);
  }
}
