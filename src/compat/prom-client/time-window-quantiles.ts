// Quantiles of the last minutes, by the t-digest that prom-client uses. App threads.
import { TDigest } from 'tdigest';

/** A ring of digests: each takes every value, and the oldest is replaced when its time is over. */
export class TimeWindowQuantiles {
  maxAgeSeconds: number;
  ageBuckets: number;
  shouldRotate: number | undefined;
  ringBuffer: TDigest[];
  currentBuffer = 0;
  lastRotateTimestampMillis: number;
  durationBetweenRotatesMillis: number;

  /** Without both arguments nothing is ever forgotten. */
  constructor(maxAgeSeconds?: number, ageBuckets?: number) {
    this.maxAgeSeconds = maxAgeSeconds || 0;
    this.ageBuckets = ageBuckets || 0;
    this.shouldRotate = maxAgeSeconds && ageBuckets;
    // One digest in all places until the first turn, and one place when no number is given: as there.
    this.ringBuffer = Array(ageBuckets as number).fill(new TDigest());
    this.lastRotateTimestampMillis = Date.now();
    this.durationBetweenRotatesMillis = ((maxAgeSeconds as number) * 1000) / (ageBuckets as number) || Number.POSITIVE_INFINITY;
  }

  size(): number {
    return this.#current().size();
  }

  percentile(quantile: number): number | undefined {
    return this.#current().percentile(quantile);
  }

  push(value: number): void {
    this.#current();
    for (const digest of this.ringBuffer) digest.push(value);
  }

  reset(): void {
    for (const digest of this.ringBuffer) digest.reset();
  }

  compress(): void {
    for (const digest of this.ringBuffer) digest.compress();
  }

  /** Turns the ring as far as the clock says. */
  #current(): TDigest {
    let age = Date.now() - this.lastRotateTimestampMillis;
    while (age > this.durationBetweenRotatesMillis && this.shouldRotate) {
      this.ringBuffer[this.currentBuffer] = new TDigest();
      if (++this.currentBuffer >= this.ringBuffer.length) this.currentBuffer = 0;
      age -= this.durationBetweenRotatesMillis;
      this.lastRotateTimestampMillis += this.durationBetweenRotatesMillis;
    }
    return this.ringBuffer[this.currentBuffer] as TDigest;
  }
}
