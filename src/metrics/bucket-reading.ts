// What the buckets of a histogram say when they are read back: counts by upper bound, and quantiles. Pure functions, any thread.

/** A native histogram's buckets at one moment. */
export interface NativeHistogramSnapshot {
  /** Resolution in [-4, 8]: the bucket of index i ends at `2 ** (i * 2 ** -schema)`, inclusive. */
  readonly schema: number;
  /** Values up to this magnitude are in the zero bucket. */
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  readonly count: number;
  readonly sum: number;
  /** Index and count of each bucket in use above zero, ascending. */
  readonly positive: readonly (readonly [index: number, count: number])[];
  /** The same below zero. */
  readonly negative: readonly (readonly [index: number, count: number])[];
  /** When counting began, ms since 1970. */
  readonly startMs: number;
}

/** JSON has no NaN and no infinities: they come as text. */
export function finite(native: NativeHistogramSnapshot): NativeHistogramSnapshot {
  return { ...native, sum: Number(native.sum), zeroThreshold: Number(native.zeroThreshold) };
}

/** Values in (low, high], or in [low, high] where zero is between them. */
interface Range {
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

/** Upper bound of a native bucket: the largest value in it, within rounding. */
export function nativeBound(schema: number, index: number): number {
  return Math.min(2 ** (index * 2 ** -schema), Number.MAX_VALUE);
}

/** Series added up: at the coarsest resolution and the widest zero bucket among those that counted anything. */
export function mergeNative(parts: readonly NativeHistogramSnapshot[]): NativeHistogramSnapshot | undefined {
  const counted = parts.filter(({ count }) => count > 0);
  const [first = parts[0]] = counted;
  if (first === undefined || counted.length < 2) return first;
  const schema = Math.min(...counted.map((part) => part.schema));
  const zeroThreshold = Math.max(...counted.map((part) => part.zeroThreshold));
  let zeroCount = counted.reduce((sum, part) => sum + part.zeroCount, 0);
  const side = (of: 'positive' | 'negative'): [number, number][] => {
    const sums = new Map<number, number>();
    for (const part of counted) {
      for (const [index, count] of part[of]) {
        const coarse = ((index - 1) >> (part.schema - schema)) + 1;
        if (nativeBound(schema, coarse) <= zeroThreshold) zeroCount += count;
        else sums.set(coarse, (sums.get(coarse) ?? 0) + count);
      }
    }
    return [...sums].sort(([one], [other]) => one - other);
  };
  const positive = side('positive');
  const negative = side('negative');
  return {
    schema,
    zeroThreshold,
    zeroCount,
    count: counted.reduce((sum, part) => sum + part.count, 0),
    sum: counted.reduce((sum, part) => sum + part.sum, 0),
    positive,
    negative,
    startMs: Math.min(...counted.map((part) => part.startMs)),
  };
}

/** Native buckets in ascending order of their values. */
function nativeRanges({ schema, zeroThreshold, zeroCount, positive, negative }: NativeHistogramSnapshot): Range[] {
  const bound = (index: number): number => nativeBound(schema, index);
  // Where all values have one sign, zero does not reach to the other side.
  const zero = { low: negative.length > 0 ? -zeroThreshold : 0, high: positive.length > 0 ? zeroThreshold : 0, count: zeroCount };
  return [
    ...[...negative].reverse().map(([index, count]) => ({ low: -bound(index), high: -bound(index - 1), count })),
    ...(zeroCount > 0 ? [zero] : []),
    ...positive.map(([index, count]) => ({ low: bound(index - 1), high: bound(index), count })),
  ];
}

/** Classic buckets: as Prometheus reads them, the first begins at 0 when it ends above, and the last ends where it begins. */
function classicRanges(bounds: readonly number[], counts: readonly number[]): Range[] {
  const first = bounds[0] as number;
  const lows = [Math.min(first, 0), ...bounds];
  return counts.map((count, at) => ({ low: lows[at] as number, high: bounds[at] ?? (bounds.at(-1) as number), count }));
}

/** Cumulative counts by upper bound, Infinity with all of them last. */
function cumulative(ranges: readonly Range[]): Map<number, number> {
  let sum = 0;
  const counts = new Map<number, number>();
  for (const { high, count } of ranges) {
    sum += count;
    counts.set(high, sum);
  }
  return counts.set(Number.POSITIVE_INFINITY, sum);
}

/** Cumulative counts of classic buckets by upper bound; `counts` has one more, for +Inf. */
export function classicCounts(bounds: readonly number[], counts: readonly number[]): Map<number, number> {
  const finite = bounds.map((high, at) => ({ low: high, high, count: counts[at] as number }));
  return cumulative([...finite, { low: 0, high: Number.POSITIVE_INFINITY, count: counts.at(-1) as number }]);
}

/** Cumulative counts of the native buckets in use, by upper bound. */
export function nativeCounts(native: NativeHistogramSnapshot): Map<number, number> {
  return cumulative(nativeRanges(native));
}

/** Where rank q·n falls, and how far into its range; undefined when nothing was counted. */
function find(ranges: readonly Range[], q: number): { range: Range; share: number } | undefined {
  const counted = ranges.filter(({ count }) => count > 0);
  let rank = q * counted.reduce((sum, { count }) => sum + count, 0);
  for (const range of counted) {
    if (rank <= range.count) return { range, share: rank / range.count };
    rank -= range.count;
  }
  const last = counted.at(-1);
  return last === undefined ? undefined : { range: last, share: 1 };
}

/** A quantile from classic buckets, spread evenly within each; NaN for nothing. */
export function classicQuantile(bounds: readonly number[], counts: readonly number[], q: number): number {
  const found = find(classicRanges(bounds, counts), q);
  if (found === undefined) return Number.NaN;
  const { low, high } = found.range;
  return low + (high - low) * found.share;
}

/** A quantile from native buckets, spread evenly on a logarithmic scale within each, evenly in the zero bucket; NaN for nothing. */
export function nativeQuantile(native: NativeHistogramSnapshot, q: number): number {
  const found = find(nativeRanges(native), q);
  if (found === undefined) return Number.NaN;
  const { range, share } = found;
  if (range.low <= 0 && range.high >= 0) return range.low + (range.high - range.low) * share;
  return range.low * (range.high / range.low) ** share;
}
