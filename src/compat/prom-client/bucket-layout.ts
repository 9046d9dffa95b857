// Where a histogram's series counts its observations: which cell belongs to which bound, prom-client's ways included. App threads; the
// search for the bucket runs per observation.

/** More bounds than this and halving finds one sooner than walking. */
const WALK_MAX = 24;

/** Cells of a series: a count per bound, the count of what is above all bounds, and the sum. */
export class BucketLayout {
  readonly bounds: readonly number[];
  /** True for bounds that native code takes: finite, ascending, at least one. */
  readonly ascending: boolean;
  /** By the number of a bound: its cell. Bounds of one spelling share one, as keys of one object. */
  readonly #cellOfBound: readonly number[];
  /** Cell of what no bound holds. */
  readonly #above: number;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    const spellings = bounds.map(String);
    this.#cellOfBound = spellings.map((spelling) => spellings.indexOf(spelling));
    // It is counted under -1, which may be a bound of the program's.
    this.#above = spellings.includes('-1') ? spellings.indexOf('-1') : bounds.length;
    const ascends = (bound: number, at: number): boolean => Number.isFinite(bound) && (at === 0 || bound > (bounds[at - 1] as number));
    this.ascending = bounds.length > 0 && bounds.every(ascends);
  }

  /** Cells of a series. */
  get cells(): number {
    return this.bounds.length + 2;
  }

  /** The cell of the sum. */
  get sum(): number {
    return this.bounds.length + 1;
  }

  /** The cell that the bound number `at` is counted in. */
  cellOfBound(at: number): number {
    return this.#cellOfBound[at] as number;
  }

  /** The cell of a finite value: that of the first bound that is not below it. */
  cellOf(value: number): number {
    const { bounds } = this;
    const count = bounds.length;
    if (count > WALK_MAX && this.ascending) return this.#search(value);
    for (let at = 0; at < count; at++) if (value <= (bounds[at] as number)) return this.#cellOfBound[at] as number;
    return this.#above;
  }

  #search(value: number): number {
    const { bounds } = this;
    let low = 0;
    let high = bounds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (value > (bounds[middle] as number)) low = middle + 1;
      else high = middle;
    }
    return low === bounds.length ? this.#above : low;
  }

  /** Observations of the series whose cells begin at `from`. */
  count(cells: Float64Array, from: number): number {
    let count = 0;
    for (let cell = 0; cell <= this.bounds.length; cell++) count += cells[from + cell] as number;
    return count;
  }
}
