// Keeps a number of traces per second, whatever comes. App threads; each counts for itself.
import { KymoError } from '../../core/errors.js';
import { DROP, SAMPLE, type Sampler, type SamplingResult } from './sampler.js';

class RateLimiting implements Sampler {
  readonly #perSecond: number;
  /** Milliseconds that a trace takes of the balance. */
  readonly #cost: number;
  readonly #clock: () => number;
  /** Milliseconds saved up; at most a second, or what one trace takes. */
  #balance: number;
  #at: number;

  constructor(perSecond: number, clock: () => number) {
    this.#perSecond = perSecond;
    this.#cost = 1_000 / perSecond;
    this.#clock = clock;
    this.#balance = this.#most();
    this.#at = clock();
  }

  #most(): number {
    return Math.max(1_000, this.#cost);
  }

  shouldSample(): SamplingResult {
    const now = this.#clock();
    this.#balance = Math.min(this.#most(), this.#balance + Math.max(0, now - this.#at));
    this.#at = now;
    if (this.#balance < this.#cost) return DROP;
    this.#balance -= this.#cost;
    return SAMPLE;
  }

  toString(): string {
    return `RateLimiting{${this.#perSecond}}`;
  }
}

/**
 * Keeps at most `maxTracesPerSecond` (more than 0; a fraction is one trace in so many seconds) on average, a second's worth at once after a
 * pause. Per thread. It decides for each span that asks, so put it at the root of a `parentBasedSampler`. The weight of what it keeps is
 * unknown. `clock` gives milliseconds that never go back.
 * @throws KymoError `KYMO_CONFIG_VALUE` for another rate.
 */
export function rateLimitingSampler(maxTracesPerSecond: number, clock: () => number = () => performance.now()): Sampler {
  if (!(maxTracesPerSecond > 0 && maxTracesPerSecond < Number.POSITIVE_INFINITY)) {
    const values = {
      source: 'the rate of a sampler',
      value: String(maxTracesPerSecond),
      expected: 'a number of traces per second above 0',
    };
    throw new KymoError('KYMO_CONFIG_VALUE', values);
  }
  return new RateLimiting(maxTracesPerSecond, clock);
}
