// Native (exponential) histograms: counts one observation into a part's cells. App thread; allocates nothing. How the cells are
// laid out, and what becomes of too many buckets, stands in native/core/src/metrics/native_histogram.rs.

/** The coarsest and the finest resolution. */
export const SCHEMA_MIN = -4;
export const SCHEMA_MAX = 8;

/** Added to an index, so that no key is 0. */
const INDEX_OFFSET = 1 << 20;
/** Bits of a mantissa in the high word. */
const HIGH_BITS = 20;
const HIGH_MASK = (1 << HIGH_BITS) - 1;
const EXPONENT_MASK = 0x7ff;
const EXPONENT_BIAS = 1023;
/** Makes a subnormal float normal. */
const NORMALIZE_BITS = 54;
/** In a slice: the high word of the bound, one bit more for "none", and above it the number of the bound. */
const BOUND_BITS = HIGH_BITS + 1;
const BOUND_MASK = (1 << BOUND_BITS) - 1;

/** A float, seen as its two words: little endian, as the memory is. */
const float = new Float64Array(1);
const words = new Int32Array(float.buffer);

/** Fixed point for the bounds: enough that none is so close to a float that rounding could matter. */
const PRECISION = 160n;

function root(square: bigint): bigint {
  let guess = 1n << (BigInt(square.toString(16).length) * 2n + 1n);
  for (;;) {
    const next = (guess + square / guess) >> 1n;
    if (next >= guess) return guess;
    guess = next;
  }
}

/** The 52 mantissa bits of 2^(i / 256), rounded down: a float is at most the bound exactly when it is at most these. */
function mantissas(): bigint[] {
  let step = 2n << PRECISION;
  for (let halving = 0; halving < SCHEMA_MAX; halving++) step = root(step << PRECISION);
  const all: bigint[] = [];
  for (let power = 1n << PRECISION; all.length < 1 << SCHEMA_MAX; power = (power * step) >> PRECISION) {
    all.push((power >> (PRECISION - 52n)) - (1n << 52n));
  }
  return all;
}

let finest: readonly bigint[] | undefined;

/** Where the buckets of one schema end within an octave. Shared by all histograms of the thread; made in 0.1 ms. */
class Octave {
  /**
   * An octave cut into twice as many equal slices as it has buckets, so that one bound at most lies in a slice; by slice, the
   * first bound that is not below it: its number, and the high word of its mantissa.
   */
  readonly slices: Int32Array;
  /** Low words of the bounds' mantissas. */
  readonly low: Int32Array;

  constructor(buckets: number) {
    finest ??= mantissas();
    const stride = finest.length / buckets;
    const bounds = finest.filter((_, at) => at % stride === 0);
    this.low = Int32Array.from(bounds, (mantissa) => Number(BigInt.asIntN(32, mantissa)));
    const width = (1n << 52n) / BigInt(buckets * 2);
    this.slices = Int32Array.from({ length: buckets * 2 }, (_, slice) => {
      const found = bounds.findIndex((mantissa) => mantissa >= width * BigInt(slice));
      const at = found < 0 ? buckets : found;
      return (at << BOUND_BITS) | (at === buckets ? 1 << HIGH_BITS : Number((bounds[at] as bigint) >> 32n));
    });
  }
}

const octaves = new Map<number, Octave>();

function octaveOf(buckets: number): Octave {
  const octave = octaves.get(buckets) ?? new Octave(buckets);
  octaves.set(buckets, octave);
  return octave;
}

/** Where a metric's native cells lie in a part, and how values find their buckets at one schema. */
export class NativeLayout {
  /** Places of the table: a power of two. */
  readonly slots: number;
  readonly maxBuckets: number;
  readonly schema: number;
  /** An octave is 2^left buckets. */
  readonly left: number;
  /** A bucket is 2^right octaves. */
  readonly right: number;
  /** Takes the exponent's bias away, and rounds up when shifting right. */
  readonly carry: number;
  /** Takes the high word of a mantissa to its slice. */
  readonly sliceShift: number;
  readonly slices: Int32Array;
  readonly low: Int32Array;
  /** The layouts at coarser schemas, which a part may come to. */
  readonly #others: NativeLayout[] = [];

  constructor(maxBuckets: number, schema: number) {
    this.slots = 1 << (32 - Math.clz32(maxBuckets + (maxBuckets >>> 2) - 1));
    this.maxBuckets = maxBuckets;
    this.schema = schema;
    this.left = Math.max(schema, 0);
    this.right = Math.max(-schema, 0);
    this.carry = (1 << this.right) - 1 - (EXPONENT_BIAS << this.left);
    this.sliceShift = HIGH_BITS - this.left - 1;
    const octave = octaveOf(1 << this.left);
    this.slices = octave.slices;
    this.low = octave.low;
  }

  /** The same cells at another schema; undefined for what is none: then the addon asks to be called first. */
  at(schema: number): NativeLayout | undefined {
    if (!(schema >= SCHEMA_MIN && schema <= SCHEMA_MAX)) return undefined;
    this.#others[schema - SCHEMA_MIN] ??= new NativeLayout(this.maxBuckets, schema);
    return this.#others[schema - SCHEMA_MIN];
  }
}

/**
 * Counts a finite value into the native cells from `at` on. About 10 ns; allocates nothing. False, and nothing changed, when
 * the addon has to make room or to restore the resolution first (`limitBuckets`).
 */
export function countNative(cells: Float64Array, at: number, layout: NativeLayout, value: number): boolean {
  const state = at + layout.slots;
  const schema = cells[state + 2] as number;
  if (schema !== layout.schema) return countAt(cells, at, layout.at(schema), value);
  if (Math.abs(value) <= (cells[state + 3] as number)) {
    (cells[state] as number) += 1;
    (cells[state + 1] as number) += value;
    return true;
  }
  float[0] = value;
  const high = words[1] as number;
  const exponent = (high >>> HIGH_BITS) & EXPONENT_MASK;
  if (exponent === 0) return countSubnormal(cells, at, layout, value);
  return countNormal(cells, at, layout, exponent, high, value);
}

/** The rest of {@link countNative}: apart, since V8 inlines functions of a limited size only. */
function countNormal(cells: Float64Array, at: number, layout: NativeLayout, exponent: number, high: number, value: number): boolean {
  const state = at + layout.slots;
  const index = indexOf(layout, exponent, high);
  const key = (index + INDEX_OFFSET) * 2 + (high >>> 31);
  const mask = layout.slots - 1;
  let slot = index & mask;
  let found = cells[state + 6 + slot] as number;
  while (found !== key) {
    if (found === 0) {
      if (!addKey(cells, state, slot, key, layout)) return false;
      break;
    }
    slot = (slot + 1) & mask;
    found = cells[state + 6 + slot] as number;
  }
  (cells[at + slot] as number) += 1;
  (cells[state + 1] as number) += value;
  return true;
}

/** The bucket of the float whose low word is in {@link words}. */
function indexOf(layout: NativeLayout, exponent: number, high: number): number {
  const mantissa = high & HIGH_MASK;
  const slice = layout.slices[mantissa >>> layout.sliceShift] as number;
  const bound = slice & BOUND_MASK;
  let within = slice >>> BOUND_BITS;
  if (bound === mantissa) {
    if ((words[0] as number) >>> 0 > (layout.low[within] as number) >>> 0) within += 1;
  } else within += (bound - mantissa) >>> 31; // 1 when above the bound; a branch would be taken at random
  return ((exponent << layout.left) + within + layout.carry) >> layout.right;
}

/**
 * A number that tells the buckets of a part apart, in [0, slots]: almost always that of the slot where `value` was counted.
 */
export function slotOf(cells: Float64Array, at: number, layout: NativeLayout, value: number): number {
  if (Math.abs(value) <= (cells[at + layout.slots + 3] as number)) return layout.slots;
  float[0] = value;
  const high = words[1] as number;
  return indexOf(layout, (high >>> HIGH_BITS) & EXPONENT_MASK, high) & (layout.slots - 1);
}

/** A float with less than 53 bits, brought to the form of the others. */
function countSubnormal(cells: Float64Array, at: number, layout: NativeLayout, value: number): boolean {
  float[0] = value * 2 ** NORMALIZE_BITS;
  const high = words[1] as number;
  return countNormal(cells, at, layout, ((high >>> HIGH_BITS) & EXPONENT_MASK) - NORMALIZE_BITS, high, value);
}

/** A part that lost resolution. */
function countAt(cells: Float64Array, at: number, layout: NativeLayout | undefined, value: number): boolean {
  return layout !== undefined && countNative(cells, at, layout, value);
}

/** Takes a place of the table for a bucket, before its first count: a count without a key would be nobody's. */
function addKey(cells: Float64Array, state: number, slot: number, key: number, layout: NativeLayout): boolean {
  if ((cells[state + 4] as number) >= layout.maxBuckets) return false;
  cells[state + 6 + slot] = key;
  (cells[state + 4] as number) += 1;
  return true;
}
