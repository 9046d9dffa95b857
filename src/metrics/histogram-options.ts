// Which buckets a histogram has: classic, native (exponential), or both. Pure functions, any thread.
import type { NativeDeclaration } from '../binding/native-metrics.js';
import { SCHEMA_MAX, SCHEMA_MIN } from './native-histogram.js';

/** Upper bounds in seconds that fit a web request, as in the other Prometheus clients. */
export const DEFAULT_BUCKETS: readonly number[] = Object.freeze([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]);

/** The buckets of a histogram. */
export interface BucketOptions {
  /**
   * Upper bounds of the classic buckets: finite, at most 1,000; put in order, each once, +Inf is added. Default, also for an empty
   * list, {@link DEFAULT_BUCKETS}. `false`, or an empty list with `native`: no classic buckets.
   */
  readonly buckets?: readonly number[] | false;
  /**
   * Native (exponential) buckets: a quantile within some percent whatever the values are. Only OpenMetrics 2.0 and protobuf can
   * carry them, so classic buckets stand beside them unless `buckets` says otherwise. Default false.
   */
  readonly native?: boolean | NativeHistogramOptions;
}

/** What a checked declaration says of the buckets. */
export interface CheckedBuckets {
  /** Upper bounds of the classic buckets without +Inf, ascending; empty for none. */
  readonly bounds: readonly number[];
  readonly native?: NativeDeclaration;
}

/** Native (exponential) buckets of a histogram. */
export interface NativeHistogramOptions {
  /**
   * Each bucket's upper bound is at most this many times the one before, over 1. The next finer of 13 resolutions is taken. Default
   * 1.1: bounds grow by 9.05 %, and a quantile is off by less than that.
   */
  readonly factor?: number;
  /** The resolution itself, instead of `factor`: a whole number in [-4, 8]; bounds grow by 2^(2^-schema). */
  readonly schema?: number;
  /** Values up to this magnitude are counted as zero: finite, at least 0. Default 2^-128. */
  readonly zeroThreshold?: number;
  /**
   * Buckets in use at most, in [8, 1000], per thread and series; default 160. When a value needs one more: if the last reset is
   * `minResetMs` ago, the series begins anew; else the zero bucket is widened up to `maxZeroThreshold`; else the resolution is
   * halved. What was lost comes back with a reset `minResetMs` after the last one. Memory: 4.1 kB at 160.
   */
  readonly maxBuckets?: number;
  /** Least time between two resets in ms; default 3,600,000; 0 = never a reset. */
  readonly minResetMs?: number;
  /** Up to here the zero bucket may be widened: finite, at least 0. Default 0: never. */
  readonly maxZeroThreshold?: number;
}

/** As in the other clients. */
const DEFAULT_FACTOR = 1.1;
const DEFAULT_ZERO_THRESHOLD = 2 ** -128;
const DEFAULT_MAX_BUCKETS = 160;
const DEFAULT_MIN_RESET_MS = 3_600_000;
const FEWEST_BUCKETS = 8;
const MOST_BUCKETS = 1000;

const MOST_BOUNDS = 1000;

type Refuse = (problem: string) => Error;

const NAMES: readonly string[] = ['factor', 'schema', 'zeroThreshold', 'maxBuckets', 'minResetMs', 'maxZeroThreshold'];

/**
 * The buckets of a histogram's options.
 * @throws what `refuse` makes of the first thing that cannot be.
 */
export function checkHistogram({ buckets, native: wanted }: BucketOptions, refuse: Refuse): CheckedBuckets {
  const native = checkNative(wanted, refuse);
  if (buckets === false && native === undefined) throw refuse('it has neither classic nor native buckets');
  const none = buckets === false || (native !== undefined && Array.isArray(buckets) && buckets.length === 0);
  return { bounds: none ? [] : checkBuckets(buckets, refuse), ...(native === undefined ? {} : { native }) };
}

/**
 * Upper bounds without +Inf, ascending, each once; {@link DEFAULT_BUCKETS} for none.
 * @throws what `refuse` makes of the first bound that cannot be one.
 */
export function checkBuckets(buckets: unknown, refuse: Refuse): readonly number[] {
  if (buckets === undefined || buckets === null) return DEFAULT_BUCKETS;
  if (!Array.isArray(buckets)) throw refuse('`buckets` is not an array');
  // An explicit +Inf is what other clients ask for; it is always there.
  const given = buckets.filter((bound) => bound !== Infinity);
  for (const bound of given) if (!Number.isFinite(bound)) throw refuse(`the bucket ${String(bound)} is not a finite number`);
  const bounds = [...new Set<number>(given)].sort((one, other) => one - other);
  if (bounds.length > MOST_BOUNDS) throw refuse(`it has ${bounds.length} buckets, at most ${MOST_BOUNDS} are possible`);
  return bounds.length === 0 ? DEFAULT_BUCKETS : bounds;
}

/** The coarsest resolution whose bounds grow by at most `factor` from one to the next. */
export function schemaOfFactor(factor: number): number {
  const exact = Math.ceil(-Math.log2(Math.log2(factor)));
  return Math.min(Math.max(exact, SCHEMA_MIN), SCHEMA_MAX) + 0; // not -0
}

/**
 * The option `native` of a histogram; undefined when it has none.
 * @throws what `refuse` makes of the first thing that cannot be.
 */
function checkNative(native: unknown, refuse: Refuse): NativeDeclaration | undefined {
  if (native === undefined || native === false) return undefined;
  if (native !== true && (typeof native !== 'object' || native === null)) throw refuse('`native` is neither true nor an object of options');
  const options: NativeHistogramOptions = native === true ? {} : native;
  for (const name of Object.keys(options)) if (!NAMES.includes(name)) throw refuse(`\`native.${name}\` is no option`);
  const { factor, schema } = options;
  if (factor !== undefined && schema !== undefined) throw refuse('`native` has a factor and a schema');
  if (factor !== undefined && !(Number.isFinite(factor) && factor > 1)) {
    throw refuse(`\`native.factor\` is ${String(factor)}, not a finite number over 1`);
  }
  const whole = (name: 'schema' | 'maxBuckets' | 'minResetMs', otherwise: number, min: number, max: number): number => {
    const value = options[name] === undefined ? otherwise : options[name];
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    throw refuse(`\`native.${name}\` is ${String(value)}, not a whole number in [${min}, ${max}]`);
  };
  const width = (name: 'zeroThreshold' | 'maxZeroThreshold', otherwise: number): number => {
    const value = options[name] === undefined ? otherwise : options[name];
    if (Number.isFinite(value) && value >= 0) return value;
    throw refuse(`\`native.${name}\` is ${String(value)}, not a finite number of at least 0`);
  };
  return {
    schema: whole('schema', schemaOfFactor(factor ?? DEFAULT_FACTOR), SCHEMA_MIN, SCHEMA_MAX),
    zeroThreshold: width('zeroThreshold', DEFAULT_ZERO_THRESHOLD),
    maxBuckets: whole('maxBuckets', DEFAULT_MAX_BUCKETS, FEWEST_BUCKETS, MOST_BUCKETS),
    minResetMs: whole('minResetMs', DEFAULT_MIN_RESET_MS, 0, Number.MAX_SAFE_INTEGER),
    maxZeroThreshold: width('maxZeroThreshold', 0),
  };
}
