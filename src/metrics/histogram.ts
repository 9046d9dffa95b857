// Classic histograms: counts per bucket and a sum. App thread; an observation is two stores into this thread's cells.
import { cellOf, cellsAt, type Place } from '../binding/segment.js';
import { type DropReason, dropped, droppedValue } from './drops.js';
import type { LabelValues } from './labels.js';
import { type Bound, type Declared, isPlace, Metric } from './metric.js';
import { secondsSince, startClock, timestamp } from './timer.js';

/** Upper bounds in seconds that fit a web request, as in the other Prometheus clients. */
export const DEFAULT_BUCKETS: readonly number[] = Object.freeze([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]);

/** Up to here a walk from the first bound is quicker than halving. */
const WALK_MAX = 24;

/** A histogram's series, looked up once. */
export interface BoundHistogram extends Bound {
  /**
   * Counts one observation in the first bucket whose upper bound is not below `value`. About 10 ns with 11 buckets; allocates
   * nothing, never throws. NaN, an infinity or what is no number is dropped and counted in `kymo_dropped_total`.
   */
  observe(value: number): void;
  /** Starts a clock; the function it gives observes the seconds since, and returns them. */
  startTimer(): () => number;
}

/** Index of the bucket of a finite value: upper bounds are inclusive. */
function bucketOf(bounds: readonly number[], value: number): number {
  const count = bounds.length;
  if (count <= WALK_MAX) {
    let at = 0;
    while (at < count && value > (bounds[at] as number)) at++;
    return at;
  }
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (value > (bounds[middle] as number)) low = middle + 1;
    else high = middle;
  }
  return low;
}

class HistogramSeries implements BoundHistogram {
  readonly #cells: Float64Array;
  readonly #at: number;
  readonly #bounds: readonly number[];
  readonly #metric: Histogram;
  readonly #values: readonly string[];

  constructor(metric: Histogram, place: Place, bounds: readonly number[], values: readonly string[]) {
    this.#cells = cellsAt(place);
    this.#at = cellOf(place);
    this.#bounds = bounds;
    this.#metric = metric;
    this.#values = values;
  }

  observe(value: number): void {
    if (typeof value !== 'number' || value - value !== 0) return droppedValue(value);
    const cells = this.#cells;
    const at = this.#at;
    const bounds = this.#bounds;
    (cells[at + bucketOf(bounds, value)] as number) += 1;
    (cells[at + bounds.length + 1] as number) += value;
  }

  startTimer(): () => number {
    return startClock((seconds) => this.observe(seconds));
  }

  toJSON(): unknown {
    return { histogram: this.#metric.name, labels: this.#values };
  }
}

class RefusedHistogram implements BoundHistogram {
  readonly #reason: DropReason;

  constructor(reason: DropReason) {
    this.#reason = reason;
  }

  observe(): void {
    dropped(this.#reason);
  }

  startTimer(): () => number {
    return startClock(() => dropped(this.#reason));
  }

  toJSON(): unknown {
    return { histogram: null };
  }
}

/** Counts of observations in buckets, and their sum: latencies, sizes. */
export class Histogram<N extends string = string> extends Metric<BoundHistogram> {
  /** Upper bounds without +Inf, ascending. */
  readonly buckets: readonly number[];
  readonly #bounds: number[];
  readonly #whole: BoundHistogram | undefined;

  /** Made by `registry.histogram`. */
  constructor(declared: Declared) {
    super(declared);
    const { declaration } = declared;
    this.#bounds = [...(declaration.bounds as readonly number[])];
    this.buckets = Object.freeze([...this.#bounds]);
    this.#whole = declaration.labelNames.length === 0 ? this.labels() : undefined;
  }

  /**
   * Counts one observation: `observe(value)`, `observe(labels, value)` or `observe(value, labels)`. See
   * {@link BoundHistogram.observe}; with labels about 20 ns more.
   * @throws KymoError `KYMO_METRICS_LABELS` for labels that were not declared, or missing ones.
   */
  observe(value: number): void;
  observe(labels: LabelValues<N>, value: number): void;
  observe(value: number, labels: LabelValues<N>): void;
  observe(first: number | LabelValues<N>, second?: number | LabelValues<N>): void {
    if (typeof first === 'object' && first !== null) this.#observe(first, second as number);
    else if (typeof second === 'object' && second !== null) this.#observe(second, first);
    else (this.#whole ?? this.labels()).observe(first);
  }

  /**
   * Starts a clock. The function it gives observes the seconds since, with the labels of both calls together, and returns
   * them. Labels are taken when given: changing the object afterwards does no harm.
   */
  startTimer(labels?: Partial<LabelValues<N>>): (labels?: Partial<LabelValues<N>>) => number {
    const start = labels === undefined ? undefined : { ...labels };
    const from = timestamp();
    return (end) => {
      const seconds = secondsSince(from);
      const all = start === undefined && end === undefined ? undefined : { ...start, ...end };
      if (all === undefined) this.observe(seconds);
      else this.#observe(all as LabelValues, seconds);
      return seconds;
    };
  }

  #observe(labels: LabelValues, value: number): void {
    const place = this.placeOf(labels);
    if (!isPlace(place)) return;
    if (typeof value !== 'number' || value - value !== 0) return droppedValue(value);
    const cells = cellsAt(place);
    const at = cellOf(place);
    (cells[at + bucketOf(this.#bounds, value)] as number) += 1;
    (cells[at + this.#bounds.length + 1] as number) += value;
  }

  protected bind(place: Place, values: readonly string[]): BoundHistogram {
    return new HistogramSeries(this as unknown as Histogram, place, this.#bounds, values);
  }

  protected refused(reason: DropReason): BoundHistogram {
    return new RefusedHistogram(reason);
  }

  protected expire(): void {}
}
