// Bounds of histograms by formula. App threads; cold.

/** `count` bounds from `start`, `width` apart. @throws Error for a count below 1. */
export function linearBuckets(start: number, width: number, count: number): number[] {
  if (count < 1) throw new Error('Linear buckets needs a positive count');
  const buckets = new Array<number>(count);
  for (let at = 0; at < count; at++) buckets[at] = start + at * width;
  return buckets;
}

/** `count` bounds from `start`, each `factor` times the one before. @throws Error for a start at or below 0, a count below 1, a factor at or below 1. */
export function exponentialBuckets(start: number, factor: number, count: number): number[] {
  if (start <= 0) throw new Error('Exponential buckets needs a positive start');
  if (count < 1) throw new Error('Exponential buckets needs a positive count');
  if (factor <= 1) throw new Error('Exponential buckets needs a factor greater than 1');
  const buckets = new Array<number>(count);
  let bound = start;
  for (let at = 0; at < count; at++) {
    buckets[at] = bound;
    bound *= factor; // Multiplied step by step: a power would round differently from prom-client's bounds.
  }
  return buckets;
}
