// Process warnings about exports, few enough to be read. Any thread.
import type { KymoError } from '../core/errors.js';

const INTERVAL_MS = 60_000;

/** Emits a warning at most once a minute; those in between are counted and told with the next one. */
export class RateLimitedWarning {
  #nextAt = Number.NEGATIVE_INFINITY;
  #held = 0;

  /** @param make called only when the warning is emitted */
  emit(make: () => KymoError, now: number = performance.now()): void {
    if (now < this.#nextAt) {
      this.#held += 1;
      return;
    }
    const error = make();
    const more = this.#held > 0 ? ` (and ${this.#held} more like it since the last warning)` : '';
    this.#nextAt = now + INTERVAL_MS;
    this.#held = 0;
    warn(error, more);
  }
}

/** Emits a {@link KymoError} as a process warning with its code. */
export function warn(error: KymoError, more = ''): void {
  process.emitWarning(`${error.message}${more}`, { code: error.code });
}
