// Summaries: quantiles of the last minutes. App thread; an observation is three stores into this thread's cells, and every 128th
// has the native side take the last 128 over into the sketch that it keeps (native/core/src/metrics/summary.rs).
import { native } from '../binding/load.js';
import { cellOf, cellsAt, type Place, segmentOf } from '../binding/segment.js';
import { KymoError } from '../core/errors.js';
import { checkStandalone, type StandaloneOptions } from './declaration.js';
import { Declared, declaredBy, idOf } from './declared.js';
import { type DropReason, dropped, droppedValue } from './drops.js';
import { announcing, recorded } from './hook.js';
import type { SummaryOptions } from './kind-options.js';
import type { LabelValues } from './labels.js';
import { type Bound, isPlace, joinRegistries } from './metric.js';
import { type MetricValue, measured, type Observations } from './observations.js';
import { observationsOf, RememberingMetric } from './remembering-metric.js';
import { startClock, startLabelledClock } from './timer.js';

/** Options of `new Summary`: `help` may be left out, or be called `description`. */
export type NewSummaryOptions<N extends string = string> = Omit<SummaryOptions<N>, 'help'> & StandaloneOptions<Summary<N>>;

/** Cells of a series: how many values there were, their sum, and the last 128 of them. */
const SUM = 1;
const RING = 2;
const RING_MASK = 127;

/** A summary's series, looked up once. */
export interface BoundSummary extends Bound {
  /**
   * Counts one observation. About 15 ns, the native side's part of it included; allocates nothing, never throws. NaN, an
   * infinity or what is no number is dropped and counted in `kymo_dropped_total`.
   */
  observe(value: number): void;
  /** Starts a clock; the function it gives observes the seconds since, and returns them. */
  startTimer(): () => number;
}

/** What a summary takes. */
function isObservable(value: unknown): value is number {
  return typeof value === 'number' && value - value === 0;
}

/** Stores value number n, the count last; true when the ring has to be taken over before the next. */
function store(cells: Float64Array, at: number, value: number): boolean {
  const n = cells[at] as number;
  cells[at + RING + (n & RING_MASK)] = value;
  (cells[at + SUM] as number) += value;
  cells[at] = n + 1;
  return (n & RING_MASK) === RING_MASK;
}

class SummarySeries implements BoundSummary {
  static {
    announcing(
      SummarySeries.prototype,
      'observe',
      (observe) =>
        function (this: SummarySeries, value: number): void {
          observe.call(this, value);
          if (isObservable(value)) recorded(this.#metric.name, value, this.labels);
        },
    );
  }

  readonly #cells: Float64Array;
  readonly #at: number;
  readonly #place: Place;
  /** Keeps the metric, and with it these cells, for as long as the handle. */
  readonly #metric: Summary;
  readonly #values: readonly string[];

  constructor(metric: Summary, place: Place, values: readonly string[]) {
    this.#cells = cellsAt(place);
    this.#at = cellOf(place);
    this.#place = place;
    this.#metric = metric;
    this.#values = values;
  }

  observe(value: number): void {
    if (typeof value !== 'number' || value - value !== 0) return droppedValue(value);
    if (store(this.#cells, this.#at, value)) drain(this.#metric, this.#place);
  }

  startTimer(): () => number {
    return startClock((seconds) => this.observe(seconds));
  }

  get labels(): Readonly<Record<string, string>> {
    return this.#metric.labelsOf(this.#values);
  }

  toJSON(): unknown {
    return { summary: this.#metric.name, labels: this.#values };
  }
}

/** The series of a summary that remembers what it recorded. */
class ObservedSummarySeries extends SummarySeries {
  readonly #observations: Observations<MetricValue>;

  constructor(metric: Summary, place: Place, values: readonly string[], observations: Observations<MetricValue>) {
    super(metric, place, values);
    this.#observations = observations;
  }

  override observe(value: number): void {
    super.observe(value);
    if (isObservable(value)) this.#observations.add(measured(value, this.labels));
  }
}

class RefusedSummary implements BoundSummary {
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
    return { summary: null };
  }
}

/** Once per 128 observations: about 2 us. */
function drain(metric: object, place: Place): void {
  native.drainSummary(idOf(metric) as number, segmentOf(place), cellOf(place));
}

/**
 * Quantiles of what was observed in the last `maxAgeMs`, each within `relativeError` of the exact one, over all threads; count
 * and sum are exact and cover all time. Memory per series and thread: 1 kB, and up to 32 kB at 1 % per age bucket when the
 * values spread over 17 decades.
 */
export class Summary<N extends string = string> extends RememberingMetric<BoundSummary> {
  static {
    announcing(
      Summary.prototype,
      'observe',
      () =>
        function (this: Summary, first: number | Partial<LabelValues>, second?: number | Partial<LabelValues>): void {
          this.#observeByHandle(first, second);
        },
    );
  }

  /** As declared, each in [0, 1]. */
  readonly quantiles: readonly number[];
  readonly #whole: BoundSummary | undefined;

  /**
   * A summary that is in no registry yet, or in those of `registers`; `registry.summary` makes one and gives the same one to
   * whoever asks again.
   * @throws KymoError `KYMO_METRICS_DECLARATION` for a bad name, label name or option.
   */
  constructor(options: NewSummaryOptions<N>);
  /** @internal */
  constructor(declared: Declared);
  constructor(given: NewSummaryOptions<N> | Declared) {
    const declared = declaredBy(given instanceof Declared ? given : checkStandalone('summary', given));
    super(declared);
    const { summary } = declared.declaration;
    this.quantiles = Object.freeze([...(summary?.quantiles ?? [])]);
    if (observationsOf(this) !== undefined) Object.defineProperty(this, 'observe', { value: this.#observeByHandle });
    this.#whole = this.isWhole ? this.labels({}) : undefined;
    if (!(given instanceof Declared)) joinRegistries(this, given.registers);
  }

  /**
   * Counts one observation: `observe(value)`, `observe(labels, value)` or `observe(value, labels)`. See
   * {@link BoundSummary.observe}; with labels about 20 ns more.
   * @throws KymoError `KYMO_METRICS_LABELS` for labels that were not declared, or missing ones.
   */
  observe(value: number): void;
  observe(labels: Partial<LabelValues<N>>, value: number): void;
  observe(value: number, labels: Partial<LabelValues<N>>): void;
  observe(first: number | Partial<LabelValues<N>>, second?: number | Partial<LabelValues<N>>): void {
    if (typeof first === 'object' && first !== null) this.#observe(first, second as number);
    else if (typeof second === 'object' && second !== null) this.#observe(second, first as number);
    else (this.#whole ?? this.labels()).observe(first as number);
  }

  /** Counts one observation: {@link observe} under the name that all instruments have for what they record. */
  record(value: number, labels?: Partial<LabelValues<N>>): void {
    if (labels === undefined) this.observe(value);
    else this.observe(labels, value);
  }

  /**
   * Starts a clock. The function it gives observes the seconds since, with the labels of both calls together, and returns
   * them. Labels are taken when given: changing the object afterwards does no harm.
   */
  startTimer(labels?: Partial<LabelValues<N>>): (labels?: Partial<LabelValues<N>>) => number {
    return startLabelledClock(labels, (seconds, all) => this.record(seconds, all));
  }

  /**
   * The value of rank ⌈q·n⌉ among what was observed in the last `maxAgeMs`, over all threads: of one series, or without labels
   * of all of them together. NaN when there was nothing. `q` in [0, 1], declared or not. For reports: some us.
   * @throws KymoError `KYMO_CONFIG_VALUE` for another `q`, `KYMO_METRICS_LABELS` for labels that were not declared, or missing
   *   ones.
   */
  quantile(q: number, labels?: Partial<LabelValues<N>>): number {
    if (!(typeof q === 'number' && q >= 0 && q <= 1)) {
      throw new KymoError('KYMO_CONFIG_VALUE', { source: 'q', value: String(q), expected: 'a number in [0, 1]' });
    }
    const id = idOf(this) as number;
    if (id < 0) return Number.NaN;
    if (labels === undefined) return native.quantileOfSummary(id, q, null);
    const values = this.textsOf(labels);
    return values === undefined ? Number.NaN : native.quantileOfSummary(id, q, values);
  }

  /** Observations of all series over all threads. Reads each series, as all that follows: for tests and reports. */
  get count(): number {
    return this.getCount();
  }

  /** Sum of the observations of all series. */
  get sum(): number {
    return this.getSum();
  }

  /** Observations of one series since it began, 0 when there is none; without labels of all together. */
  getCount(labels?: Partial<LabelValues<N>>): number {
    return this.#total(0, labels);
  }

  /** Sum of the observations: see {@link Summary.getCount}. */
  getSum(labels?: Partial<LabelValues<N>>): number {
    return this.#total(SUM, labels);
  }

  #total(at: number, labels?: Partial<LabelValues>): number {
    return this.series(labels).reduce((sum, { numbers }) => sum + (numbers[at] as number), 0);
  }

  #observe(labels: Partial<LabelValues>, value: number): void {
    const place = this.placeOf(labels);
    if (!isPlace(place)) return;
    if (typeof value !== 'number' || value - value !== 0) return droppedValue(value);
    if (store(cellsAt(place), cellOf(place), value)) drain(this, place);
  }

  /** `observe`, but with labels by way of their handle, too: where more is to be done with a value than storing it. */
  #observeByHandle(first: number | Partial<LabelValues<N>>, second?: number | Partial<LabelValues<N>>): void {
    if (typeof first === 'object' && first !== null) this.handleFor(first).observe(second as number);
    else if (typeof second === 'object' && second !== null) this.handleFor(second).observe(first as number);
    else (this.#whole ?? this.labels()).observe(first as number);
  }

  protected bind(place: Place, values: readonly string[]): BoundSummary {
    const self = this as unknown as Summary;
    const observations = observationsOf(this);
    return observations === undefined
      ? new SummarySeries(self, place, values)
      : new ObservedSummarySeries(self, place, values, observations);
  }

  protected refused(reason: DropReason): BoundSummary {
    return new RefusedSummary(reason);
  }

  protected expire(): void {}
}
