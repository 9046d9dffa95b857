// Counters: values that only go up. App thread; each increment is one store into a cell of this thread's segment.
import { cellOf, cellsAt, type Place } from '../binding/segment.js';
import { InvalidMetricError } from '../core/errors.js';
import { type CounterOptions, checkStandalone, type StandaloneOptions } from './declaration.js';
import { Declared, declaredBy, idOf } from './declared.js';
import { type DropReason, dropped, droppedValue } from './drops.js';
import { type ExemplarLabels, keepExemplar, sampleExemplar, sampling } from './exemplar.js';
import { announcing, recorded } from './hook.js';
import type { GivenLabels, LabelValues } from './labels.js';
import { type Bound, isPlace, joinRegistries } from './metric.js';
import { type MetricValue, measured, type Observations } from './observations.js';
import { sumOf } from './reading.js';
import { observationsOf, RememberingMetric } from './remembering-metric.js';

/** Options of `new Counter`: `help` may be left out, or be called `description`. */
export type NewCounterOptions<N extends string = string, D extends string = N> = Omit<CounterOptions<N, D>, 'help'> &
  StandaloneOptions<Counter<N | D, D>>;

/** A counter's series, looked up once. */
export interface BoundCounter extends Bound {
  /**
   * Adds `value` (default 1). One load, one addition, one store: about 3 ns; allocates nothing, never throws. A value that is
   * negative, NaN, infinite or no number is dropped and counted in `kymo_dropped_total`.
   * @param exemplar labels to keep with the addition, `trace_id` by convention: 1 us; see {@link ExemplarLabels}
   */
  inc(value?: number, exemplar?: ExemplarLabels): void;
}

/** What a counter takes. */
function isStep(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value < Infinity;
}

class CounterSeries implements BoundCounter {
  static {
    announcing(
      CounterSeries.prototype,
      'inc',
      (inc) =>
        function (this: CounterSeries, value = 1, exemplar?: ExemplarLabels): void {
          inc.call(this, value, exemplar);
          if (isStep(value)) recorded(this.#metric.name, value, this.labels);
        },
    );
    sampling.over(
      CounterSeries.prototype,
      'inc',
      (inc) =>
        function (this: CounterSeries, value = 1, exemplar?: ExemplarLabels): void {
          inc.call(this, value, exemplar);
          if (exemplar === undefined && isStep(value)) sampleExemplar(idOf(this.#metric) as number, this.#place, 0, value);
        },
    );
  }

  readonly #cells: Float64Array;
  readonly #place: Place;
  /** Keeps the metric, and with it these cells, for as long as the handle. */
  readonly #metric: Counter;
  readonly #values: readonly string[];

  constructor(metric: Counter, place: Place, values: readonly string[]) {
    this.#cells = cellsAt(place);
    this.#place = place;
    this.#metric = metric;
    this.#values = values;
  }

  inc(value = 1, exemplar?: ExemplarLabels): void {
    if (!(typeof value === 'number' && value >= 0 && value < Infinity)) return droppedValue(value);
    (this.#cells[cellOf(this.#place)] as number) += value;
    if (exemplar !== undefined) keepExemplar(idOf(this.#metric) as number, this.#place, 0, value, exemplar);
  }

  get labels(): Readonly<Record<string, string>> {
    return this.#metric.labelsOf(this.#values);
  }

  toJSON(): unknown {
    return { counter: this.#metric.name, labels: this.#values };
  }
}

/** The series of a counter that remembers what it recorded. */
class ObservedCounterSeries extends CounterSeries {
  readonly #observations: Observations<MetricValue>;

  constructor(metric: Counter, place: Place, values: readonly string[], observations: Observations<MetricValue>) {
    super(metric, place, values);
    this.#observations = observations;
  }

  override inc(value = 1, exemplar?: ExemplarLabels): void {
    super.inc(value, exemplar);
    if (isStep(value)) this.#observations.add(measured(value, this.labels));
  }
}

/** What `labels()` gives when there is no room: each call is one counted drop. */
class RefusedCounter implements BoundCounter {
  readonly #reason: DropReason;

  constructor(reason: DropReason) {
    this.#reason = reason;
  }

  inc(): void {
    dropped(this.#reason);
  }

  toJSON(): unknown {
    return { counter: null };
  }
}

/** A value that only goes up: requests, bytes, errors. Its name should end in `_total`. */
export class Counter<N extends string = string, D extends string = never> extends RememberingMetric<BoundCounter> {
  static {
    const byHandle = () =>
      function (this: Counter, first?: number | LabelValues, second?: number | LabelValues, exemplar?: ExemplarLabels): void {
        this.#incByHandle(first, second, exemplar);
      };
    announcing(Counter.prototype, 'inc', byHandle);
    sampling.over(Counter.prototype, 'inc', byHandle);
  }

  readonly #whole: BoundCounter | undefined;

  /**
   * A counter that is in no registry yet, or in those of `registers`; `registry.counter` makes one and gives the same one to
   * whoever asks again.
   * @throws KymoError `KYMO_METRICS_DECLARATION` for a bad name, label name or option.
   */
  constructor(options: NewCounterOptions<N, D>);
  /** @internal */
  constructor(declared: Declared);
  constructor(given: NewCounterOptions<N, D> | Declared) {
    const declared = declaredBy(given instanceof Declared ? given : checkStandalone('counter', given));
    super(declared);
    if (observationsOf(this) !== undefined) Object.defineProperty(this, 'inc', { value: this.#incByHandle });
    this.#whole = this.isWhole ? this.labels({}) : undefined;
    if (!(given instanceof Declared)) joinRegistries(this as unknown as Counter<N | D, D>, given.registers);
  }

  /**
   * Adds to a series: `inc()`, `inc(value)`, `inc(labels, value?)` or `inc(value, labels)`, each with an exemplar as third
   * argument. With labels about 25 ns once the combination is known (no allocation); a new one registers a series. Bad values
   * and exemplars as for {@link BoundCounter.inc}.
   * @throws KymoError `KYMO_METRICS_LABELS` for labels that were not declared, or missing ones.
   */
  inc(value?: number): void;
  inc(labels: GivenLabels<N, D>, value?: number, exemplar?: ExemplarLabels): void;
  inc(value: number | undefined, labels: GivenLabels<N, D> | undefined, exemplar?: ExemplarLabels): void;
  inc(first?: number | GivenLabels<N, D>, second?: number | GivenLabels<N, D>, exemplar?: ExemplarLabels): void {
    if (typeof first === 'object' && first !== null) this.#add(first, second as number | undefined, exemplar);
    else if (typeof second === 'object' && second !== null) this.#add(second, first as number | undefined, exemplar);
    else (this.#whole ?? this.labels()).inc(first as number | undefined, exemplar);
  }

  /**
   * Adds `amount`, as `inc` does, for callers that want to hear of a value that is none.
   * @throws KymoError `KYMO_METRICS_VALUE` for one that is negative, NaN, infinite or no number; nothing is changed then.
   */
  increment(amount = 1, labels?: GivenLabels<N, D>): void {
    if (!isStep(amount)) throw new InvalidMetricError('KYMO_METRICS_VALUE', { metric: this.name, value: amount });
    if (labels === undefined) this.inc(amount);
    else this.inc(labels, amount);
  }

  /** Adds `value`: {@link increment} under the name that all instruments have for what they record. */
  record(value: number, labels?: GivenLabels<N, D>): void {
    this.increment(value, labels);
  }

  /** All series together, over all threads: {@link getCount}. */
  get value(): number {
    return this.getCount();
  }

  /** All series together, over all threads. Reads each series: for tests and reports. */
  getCount(): number {
    return sumOf(this.series());
  }

  /** One series over all threads, 0 when there is none; without labels all of them together. */
  getValue(labels?: Partial<GivenLabels<N, D>>): number {
    return sumOf(this.series(labels));
  }

  #add(labels: Partial<LabelValues>, value = 1, exemplar?: ExemplarLabels): void {
    const place = this.placeOf(labels);
    if (!isPlace(place)) return;
    if (!(typeof value === 'number' && value >= 0 && value < Infinity)) return droppedValue(value);
    (cellsAt(place)[cellOf(place)] as number) += value;
    if (exemplar !== undefined) keepExemplar(idOf(this) as number, place, 0, value, exemplar);
  }

  /** `inc`, but with labels by way of their handle, too: where more is to be done with a value than adding it. */
  #incByHandle(first?: number | GivenLabels<N, D>, second?: number | GivenLabels<N, D>, exemplar?: ExemplarLabels): void {
    if (typeof first === 'object' && first !== null) this.handleFor(first).inc(second as number | undefined, exemplar);
    else if (typeof second === 'object' && second !== null) this.handleFor(second).inc(first as number | undefined, exemplar);
    else (this.#whole ?? this.labels()).inc(first as number | undefined, exemplar);
  }

  protected bind(place: Place, values: readonly string[]): BoundCounter {
    const self = this as unknown as Counter;
    const observations = observationsOf(this);
    return observations === undefined
      ? new CounterSeries(self, place, values)
      : new ObservedCounterSeries(self, place, values, observations);
  }

  protected refused(reason: DropReason): BoundCounter {
    return new RefusedCounter(reason);
  }

  protected expire(): void {}
}
