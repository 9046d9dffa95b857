// The series of histograms, looked up once: with classic buckets, native ones, or both. App thread; an observation is two stores
// into this thread's cells per kind of buckets. One class per combination, so that each knows what it has to do.
import { native } from '../binding/load.js';
import { cellOf, cellsAt, type Place, segmentOf } from '../binding/segment.js';
import { idOf } from './declared.js';
import { type DropReason, dropped, droppedValue } from './drops.js';
import { type ExemplarLabels, keepExemplar, NATIVE_BUCKET, sampleExemplar, sampling } from './exemplar.js';
import { announcing, recorded } from './hook.js';
import type { Bound } from './metric.js';
import { countNative, type NativeLayout, slotOf } from './native-histogram.js';
import { type MetricValue, measured, type Observations } from './observations.js';
import { startClock } from './timer.js';

/** Up to here a walk from the first bound is quicker than halving. */
const WALK_MAX = 24;

/** A histogram's series, looked up once. */
export interface BoundHistogram extends Bound {
  /**
   * Counts one observation: in the first classic bucket whose upper bound is not below `value`, and in its native bucket. About
   * 10 ns with 11 classic buckets, 12 with native ones, 20 with both; allocates nothing, never throws. NaN, an infinity or what is
   * no number is dropped and counted in `kymo_dropped_total`.
   * @param exemplar labels to keep with the observation, `trace_id` by convention: 1 us
   */
  observe(value: number, exemplar?: ExemplarLabels): void;
  /** Starts a clock; the function it gives observes the seconds since, and returns them. */
  startTimer(): () => number;
}

/** What a series needs to know of its histogram. */
export interface HistogramOwner {
  readonly name: string;
  labelsOf(values: readonly string[]): Readonly<Record<string, string>>;
}

/** What a histogram takes. */
export function isObservable(value: unknown): value is number {
  return typeof value === 'number' && value - value === 0;
}

/** Index of the bucket of a finite value: upper bounds are inclusive. */
export function bucketOf(bounds: readonly number[], value: number): number {
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

/** Counts a value in its classic bucket. */
export function countClassic(cells: Float64Array, at: number, bounds: readonly number[], value: number): void {
  (cells[at + bucketOf(bounds, value)] as number) += 1;
  (cells[at + bounds.length + 1] as number) += value;
}

/**
 * Has the addon make room in the native cells of a series, or restore their resolution, and counts the value then. False when
 * the metric is gone, counted as a drop. Cold: some 10 us. `at`: the first native cell.
 */
export function countWithRoom(metric: object, place: Place, at: number, layout: NativeLayout, value: number): boolean {
  native.limitBuckets(idOf(metric) as number, segmentOf(place), cellOf(place));
  const counted = countNative(cellsAt(place), at, layout, value);
  if (!counted) dropped('unregistered');
  return counted;
}

/** What all series of histograms share. */
abstract class Series implements BoundHistogram {
  /** Keeps the metric, and with it its cells, for as long as the handle. */
  readonly #metric: HistogramOwner;
  readonly #place: Place;
  readonly #values: readonly string[];

  constructor(metric: HistogramOwner, place: Place, values: readonly string[]) {
    this.#metric = metric;
    this.#place = place;
    this.#values = values;
  }

  abstract observe(value: number, exemplar?: ExemplarLabels): void;
  /** Asks the source of exemplars for one of this observation, which was counted. */
  protected abstract sample(value: number): void;

  startTimer(): () => number {
    return startClock((seconds) => this.observe(seconds));
  }

  get labels(): Readonly<Record<string, string>> {
    return this.#metric.labelsOf(this.#values);
  }

  toJSON(): unknown {
    return { histogram: this.#metric.name, labels: this.#values };
  }

  /** See {@link countWithRoom}. */
  protected withRoom(at: number, layout: NativeLayout, value: number): boolean {
    return countWithRoom(this.#metric, this.#place, at, layout, value);
  }

  /** Keeps an exemplar of a value that was counted in this bucket. */
  protected keep(bucket: number, value: number, exemplar: ExemplarLabels): void {
    keepExemplar(idOf(this.#metric) as number, this.#place, bucket, value, exemplar);
  }

  /** As {@link keep}, from the source; `key` tells the buckets of the series apart. */
  protected ask(bucket: number, value: number, key: number): void {
    sampleExemplar(idOf(this.#metric) as number, this.#place, bucket, value, key);
  }

  /** Has the methods of a class tell listeners, and ask for exemplars, while somebody wants that. */
  protected static heard(prototype: Series): void {
    announcing(
      prototype,
      'observe',
      (observe) =>
        function (this: Series, value: number, exemplar?: ExemplarLabels): void {
          observe.call(this, value, exemplar);
          if (isObservable(value)) recorded(this.#metric.name, value, this.labels);
        },
    );
    sampling.over(
      prototype,
      'observe',
      (observe) =>
        function (this: Series, value: number, exemplar?: ExemplarLabels): void {
          observe.call(this, value, exemplar);
          if (exemplar === undefined && isObservable(value)) this.sample(value);
        },
    );
  }
}

/** Classic buckets only. */
export class ClassicSeries extends Series {
  static {
    Series.heard(ClassicSeries.prototype);
  }

  readonly #cells: Float64Array;
  readonly #at: number;
  readonly #bounds: readonly number[];

  constructor(metric: HistogramOwner, place: Place, values: readonly string[], bounds: readonly number[]) {
    super(metric, place, values);
    this.#cells = cellsAt(place);
    this.#at = cellOf(place);
    this.#bounds = bounds;
  }

  observe(value: number, exemplar?: ExemplarLabels): void {
    if (typeof value !== 'number' || value - value !== 0) return droppedValue(value);
    countClassic(this.#cells, this.#at, this.#bounds, value);
    if (exemplar !== undefined) this.keep(bucketOf(this.#bounds, value), value, exemplar);
  }

  protected sample(value: number): void {
    const bucket = bucketOf(this.#bounds, value);
    this.ask(bucket, value, bucket);
  }
}

/** Native buckets only. */
export class NativeSeries extends Series {
  static {
    Series.heard(NativeSeries.prototype);
  }

  readonly #cells: Float64Array;
  readonly #at: number;
  readonly #layout: NativeLayout;

  constructor(metric: HistogramOwner, place: Place, values: readonly string[], layout: NativeLayout) {
    super(metric, place, values);
    this.#cells = cellsAt(place);
    this.#at = cellOf(place);
    this.#layout = layout;
  }

  observe(value: number, exemplar?: ExemplarLabels): void {
    if (typeof value !== 'number' || value - value !== 0) return droppedValue(value);
    if (!countNative(this.#cells, this.#at, this.#layout, value) && !this.withRoom(this.#at, this.#layout, value)) return;
    if (exemplar !== undefined) this.keep(NATIVE_BUCKET, value, exemplar);
  }

  protected sample(value: number): void {
    this.ask(NATIVE_BUCKET, value, slotOf(this.#cells, this.#at, this.#layout, value));
  }
}

/** Classic and native buckets. */
export class DualSeries extends Series {
  static {
    Series.heard(DualSeries.prototype);
  }

  readonly #cells: Float64Array;
  readonly #at: number;
  readonly #bounds: readonly number[];
  /** First cell of the native part. */
  readonly #nativeAt: number;
  readonly #layout: NativeLayout;

  constructor(metric: HistogramOwner, place: Place, values: readonly string[], bounds: readonly number[], layout: NativeLayout) {
    super(metric, place, values);
    this.#cells = cellsAt(place);
    this.#at = cellOf(place);
    this.#bounds = bounds;
    this.#nativeAt = this.#at + classicCells(bounds);
    this.#layout = layout;
  }

  observe(value: number, exemplar?: ExemplarLabels): void {
    if (typeof value !== 'number' || value - value !== 0) return droppedValue(value);
    // Native first: making room may begin the whole series anew.
    if (!countNative(this.#cells, this.#nativeAt, this.#layout, value) && !this.withRoom(this.#nativeAt, this.#layout, value)) return;
    countClassic(this.#cells, this.#at, this.#bounds, value);
    if (exemplar === undefined) return;
    this.keep(bucketOf(this.#bounds, value), value, exemplar);
    this.keep(NATIVE_BUCKET, value, exemplar);
  }

  protected sample(value: number): void {
    const bucket = bucketOf(this.#bounds, value);
    this.ask(bucket, value, bucket);
    const slot = slotOf(this.#cells, this.#nativeAt, this.#layout, value);
    this.ask(NATIVE_BUCKET, value, classicCells(this.#bounds) + slot);
  }
}

/** Cells of the classic part: a count per bucket, +Inf's, and the sum. */
export function classicCells(bounds: readonly number[]): number {
  return bounds.length + 2;
}

/** A series that remembers what it recorded, whatever its buckets. */
export class ObservedSeries implements BoundHistogram {
  readonly #series: BoundHistogram & { readonly labels: Readonly<Record<string, string>> };
  readonly #observations: Observations<MetricValue>;

  constructor(series: BoundHistogram & { readonly labels: Readonly<Record<string, string>> }, observations: Observations<MetricValue>) {
    this.#series = series;
    this.#observations = observations;
  }

  observe(value: number, exemplar?: ExemplarLabels): void {
    this.#series.observe(value, exemplar);
    if (isObservable(value)) this.#observations.add(measured(value, this.labels));
  }

  startTimer(): () => number {
    return startClock((seconds) => this.observe(seconds));
  }

  get labels(): Readonly<Record<string, string>> {
    return this.#series.labels;
  }

  toJSON(): unknown {
    return this.#series.toJSON();
  }
}

/** What there was no room for: each use is one counted drop. */
export class RefusedHistogram implements BoundHistogram {
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
