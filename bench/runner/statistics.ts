// Medians, quantiles and ratios of interleaved rounds. Pure functions on the runner's thread.

/**
 * The value below which the share `p` (in [0, 1]) of `values` lies, interpolated between neighbours.
 * O(n log n); the input is left as it is.
 * @throws RangeError on an empty list, since any number for it would be invented.
 */
export function quantile(values: readonly number[], p: number): number {
  if (values.length === 0) throw new RangeError('quantile of no values');
  const sorted = Float64Array.from(values).sort();
  const position = p * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below] as number;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number;
  return low + (high - low) * (position - below);
}

/** The middle value: one disturbed round does not move it. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The nearest-rank percentile of latencies: an observed value, never one between two. `p` in (0, 1]. */
export function percentile(values: readonly number[], p: number): number {
  if (values.length === 0) throw new RangeError('percentile of no values');
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)] as number;
}

/** Middle and quartiles of something measured in several rounds. */
export interface Spread {
  readonly middle: number;
  /** First quartile. */
  readonly low: number;
  /** Third quartile. */
  readonly high: number;
}

/** {@link Spread} of `values`. */
export function spread(values: readonly number[]): Spread {
  return { middle: median(values), low: quantile(values, 0.25), high: quantile(values, 0.75) };
}

/**
 * Ratio of each round, `over[k] / under[k]`: both sides of a round ran one after the other, so a slow phase of the machine
 * falls on both and cancels out.
 * @throws RangeError when the sides have different numbers of rounds.
 */
export function roundRatios(over: readonly number[], under: readonly number[]): number[] {
  if (over.length !== under.length) throw new RangeError(`${over.length} rounds against ${under.length}`);
  return over.map((value, round) => value / (under[round] as number));
}
