// Histograms: observations counted in classic buckets, native (exponential) ones, or both, and their sum. App thread; an
// observation is two stores into this thread's cells per kind of buckets.
import { cellOf, cellsAt, type Place } from '../binding/segment.js';
import { KymoError } from '../core/errors.js';
import { classicCounts, classicQuantile, mergeNative, nativeCounts, nativeQuantile } from './bucket-reading.js';
import { checkStandalone, type HistogramOptions, type StandaloneOptions } from './declaration.js';
import { Declared, declaredBy } from './declared.js';
import { type DropReason, droppedValue } from './drops.js';
import { type ExemplarLabels, sampling } from './exemplar.js';
import { DEFAULT_BUCKETS } from './histogram-options.js';
import {
  type BoundHistogram,
  ClassicSeries,
  classicCells,
  countClassic,
  countWithRoom,
  DualSeries,
  NativeSeries,
  ObservedSeries,
  RefusedHistogram,
} from './histogram-series.js';
import { announcing } from './hook.js';
import type { LabelValues } from './labels.js';
import { isPlace, joinRegistries } from './metric.js';
import { countNative, NativeLayout } from './native-histogram.js';
import type { SeriesReading } from './reading.js';
import { observationsOf, RememberingMetric } from './remembering-metric.js';
import { startLabelledClock } from './timer.js';

export { DEFAULT_BUCKETS } from './histogram-options.js';
export type { BoundHistogram } from './histogram-series.js';

/** Options of `new Histogram`: `help` may be left out, or be called `description`. */
export type NewHistogramOptions<N extends string = string> = Omit<HistogramOptions<N>, 'help'> & StandaloneOptions<Histogram<N>>;

/** Counts of observations in buckets, and their sum: latencies, sizes. */
export class Histogram<N extends string = string> extends RememberingMetric<BoundHistogram> {
  static {
    const byHandle = () =>
      function (this: Histogram, first: number | LabelValues, second?: number | LabelValues, exemplar?: ExemplarLabels): void {
        this.#observeByHandle(first, second, exemplar);
      };
    announcing(Histogram.prototype, 'observe', byHandle);
    sampling.over(Histogram.prototype, 'observe', byHandle);
  }

  /** Upper bounds in seconds that fit a web request. */
  static readonly DEFAULT_BUCKETS = DEFAULT_BUCKETS;

  /** Upper bounds of the classic buckets without +Inf, ascending; empty where there are native ones only. */
  readonly buckets: readonly number[];
  readonly #bounds: number[];
  readonly #layout: NativeLayout | undefined;
  readonly #whole: BoundHistogram | undefined;

  /**
   * A histogram that is in no registry yet, or in those of `registers`; `registry.histogram` makes one and gives the same one to
   * whoever asks again.
   * @throws KymoError `KYMO_METRICS_DECLARATION` for a bad name, label name or option.
   */
  constructor(options: NewHistogramOptions<N>);
  /** @internal */
  constructor(declared: Declared);
  constructor(given: NewHistogramOptions<N> | Declared) {
    const declared = declaredBy(given instanceof Declared ? given : checkStandalone('histogram', given));
    super(declared);
    const { bounds = [], native } = declared.declaration;
    this.#bounds = [...bounds];
    this.#layout = native === undefined ? undefined : new NativeLayout(native.maxBuckets, native.schema);
    this.buckets = Object.freeze([...bounds]);
    if (observationsOf(this) !== undefined) Object.defineProperty(this, 'observe', { value: this.#observeByHandle });
    this.#whole = this.isWhole ? this.labels({}) : undefined;
    if (!(given instanceof Declared)) joinRegistries(this, given.registers);
  }

  /**
   * Counts one observation: `observe(value)`, `observe(labels, value)` or `observe(value, labels)`. See
   * {@link BoundHistogram.observe}; with labels about 20 ns more.
   * @param exemplar labels to keep with the observation, `trace_id` by convention: 1 us
   * @throws KymoError `KYMO_METRICS_LABELS` for labels that were not declared, or missing ones.
   */
  observe(value: number, labels?: undefined, exemplar?: ExemplarLabels): void;
  observe(labels: LabelValues<N>, value: number, exemplar?: ExemplarLabels): void;
  observe(value: number, labels: LabelValues<N>, exemplar?: ExemplarLabels): void;
  observe(first: number | LabelValues<N>, second?: number | LabelValues<N>, exemplar?: ExemplarLabels): void {
    if (exemplar !== undefined) this.#observeByHandle(first, second, exemplar);
    else if (typeof first === 'object' && first !== null) this.#observe(first, second as number);
    else if (typeof second === 'object' && second !== null) this.#observe(second, first);
    else (this.#whole ?? this.labels()).observe(first);
  }

  /** Counts one observation: {@link observe} under the name that all instruments have for what they record. */
  record(value: number, labels?: LabelValues<N>): void {
    if (labels === undefined) this.observe(value);
    else this.observe(labels, value);
  }

  /**
   * Starts a clock. The function it gives observes the seconds since, with the labels of both calls together, and returns
   * them. Labels are taken when given: changing the object afterwards does no harm.
   */
  startTimer(labels?: Partial<LabelValues<N>>): (labels?: Partial<LabelValues<N>>) => number {
    return startLabelledClock(labels, (seconds, all) => this.record(seconds, all as LabelValues<N> | undefined));
  }

  /** Observations of all series over all threads. Reads each series, as all that follows: for tests and reports. */
  get count(): number {
    return this.series().reduce((sum, series) => sum + this.#countOf(series), 0);
  }

  /** Sum of the observations of all series. */
  get sum(): number {
    const at = this.#bounds.length === 0 ? 1 : this.#bounds.length + 1;
    return this.series().reduce((sum, { numbers }) => sum + (numbers[at] as number), 0);
  }

  /**
   * Observations up to each upper bound, over all series or the one with these labels, ending with Infinity: all of them. With
   * native buckets only, those in use.
   */
  getBucketCounts(labels?: Partial<LabelValues<N>>): Map<number, number> {
    const series = this.series(labels);
    if (this.#bounds.length > 0) return classicCounts(this.#bounds, this.#countsOf(series));
    const native = mergeNative(series.flatMap((one) => one.native ?? []));
    return native === undefined ? new Map([[Number.POSITIVE_INFINITY, 0]]) : nativeCounts(native);
  }

  /**
   * The quantile `q` in [0, 1] of what was observed, over all series or the one with these labels; NaN when there was nothing. It
   * lies in the same bucket as the exact value, so from native buckets it is off by less than their growth: 9.05 % at schema 3,
   * 2^(2^-schema) - 1 in general; from classic ones by the width of a bucket, and never above the last bound.
   * @throws KymoError `KYMO_CONFIG_VALUE` for another `q`, `KYMO_METRICS_LABELS` for labels that were not declared, or missing
   *   ones.
   */
  quantile(q: number, labels?: Partial<LabelValues<N>>): number {
    if (!(typeof q === 'number' && q >= 0 && q <= 1)) {
      throw new KymoError('KYMO_CONFIG_VALUE', { source: 'q', value: String(q), expected: 'a number in [0, 1]' });
    }
    const series = this.series(labels);
    if (this.#layout === undefined) return classicQuantile(this.#bounds, this.#countsOf(series), q);
    const native = mergeNative(series.flatMap((one) => one.native ?? []));
    return native === undefined ? Number.NaN : nativeQuantile(native, q);
  }

  #countOf({ numbers }: SeriesReading): number {
    if (this.#bounds.length === 0) return numbers[0] as number;
    return numbers.slice(0, -1).reduce((sum, count) => sum + count, 0);
  }

  /** Counts per classic bucket, +Inf's included, of all these series together. */
  #countsOf(series: readonly SeriesReading[]): number[] {
    const counts = new Array<number>(this.#bounds.length + 1).fill(0);
    for (const { numbers } of series) for (const at of counts.keys()) (counts[at] as number) += numbers[at] as number;
    return counts;
  }

  #observe(labels: Partial<LabelValues>, value: number): void {
    const place = this.placeOf(labels);
    if (!isPlace(place)) return;
    if (typeof value !== 'number' || value - value !== 0) return droppedValue(value);
    const cells = cellsAt(place);
    const at = cellOf(place);
    const layout = this.#layout;
    if (layout === undefined) return countClassic(cells, at, this.#bounds, value);
    const isDual = this.#bounds.length > 0;
    // Native first: making room may begin the whole series anew.
    const nativeAt = isDual ? at + classicCells(this.#bounds) : at;
    if (!countNative(cells, nativeAt, layout, value) && !countWithRoom(this, place, nativeAt, layout, value)) return;
    if (isDual) countClassic(cells, at, this.#bounds, value);
  }

  /** `observe`, but with labels by way of their handle, too: where more is to be done with a value than counting it. */
  #observeByHandle(first: number | LabelValues<N>, second?: number | LabelValues<N>, exemplar?: ExemplarLabels): void {
    if (typeof first === 'object' && first !== null) this.handleFor(first as LabelValues).observe(second as number, exemplar);
    else if (typeof second === 'object' && second !== null) this.handleFor(second as LabelValues).observe(first as number, exemplar);
    else (this.#whole ?? this.labels()).observe(first as number, exemplar);
  }

  protected bind(place: Place, values: readonly string[]): BoundHistogram {
    const self = this as unknown as Histogram;
    const [bounds, layout] = [this.#bounds, this.#layout];
    const series =
      layout === undefined
        ? new ClassicSeries(self, place, values, bounds)
        : bounds.length === 0
          ? new NativeSeries(self, place, values, layout)
          : new DualSeries(self, place, values, bounds, layout);
    const observations = observationsOf(this);
    return observations === undefined ? series : new ObservedSeries(series, observations);
  }

  protected refused(reason: DropReason): BoundHistogram {
    return new RefusedHistogram(reason);
  }

  protected expire(): void {}
}
