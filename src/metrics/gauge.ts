// Gauges: values that go up and down. App thread; each write is one store, after a look at the word that says whether
// another thread removed or reset something.
import { cellOf, cellsAt, EPOCH, epochWords, type Place } from '../binding/segment.js';
import { InvalidMetricError } from '../core/errors.js';
import { checkStandalone, type GaugeOptions, type StandaloneOptions } from './declaration.js';
import { Declared, declaredBy } from './declared.js';
import { type DropReason, dropped, droppedValue } from './drops.js';
import { announcing, recorded } from './hook.js';
import type { GivenLabels, LabelValues } from './labels.js';
import { type Bound, epochTaken, isPlace, joinRegistries } from './metric.js';
import { type MetricValue, measured, type Observations } from './observations.js';
import { sumOf } from './reading.js';
import { observationsOf, RememberingMetric } from './remembering-metric.js';
import { startClock } from './timer.js';

/** Options of `new Gauge`: `help` may be left out, or be called `description`. */
export type NewGaugeOptions<N extends string = string, D extends string = N> = Omit<GaugeOptions<N, D>, 'help'> &
  StandaloneOptions<Gauge<N | D, D>>;

/** A gauge's series, looked up once. */
export interface BoundGauge extends Bound {
  /** Sets the value; NaN and the infinities are values of a gauge. About 4 ns, never throws; what is no number is dropped and counted. */
  set(value: number): void;
  /** Adds `value` (default 1), finite; else dropped and counted. */
  inc(value?: number): void;
  /** Subtracts `value` (default 1), finite; else dropped and counted. */
  dec(value?: number): void;
  /** Sets to the wall clock in seconds since 1970. */
  setToCurrentTime(): void;
  /** Starts a clock; the function it gives sets the gauge to the seconds since and returns them. */
  startTimer(): () => number;
}

/** No epoch has this value: a handle that carries it registers before its next write. */
const EXPIRED = 0.5;

/** What can be added to a gauge; it can be set to any number. */
function isStep(value: unknown): value is number {
  return typeof value === 'number' && value - value === 0;
}

class GaugeSeries implements BoundGauge {
  static {
    announcing(
      GaugeSeries.prototype,
      'set',
      (set) =>
        function (this: GaugeSeries, value: number): void {
          set.call(this, value);
          if (typeof value === 'number') recorded(this.#metric.name, value, this.labels);
        },
    );
    announcing(
      GaugeSeries.prototype,
      'inc',
      (inc) =>
        function (this: GaugeSeries, value = 1): void {
          inc.call(this, value);
          if (isStep(value)) recorded(this.#metric.name, value, this.labels);
        },
    );
  }

  #cells: Float64Array;
  #at: number;
  readonly #words = epochWords();
  #seen = epochTaken();
  readonly #metric: Gauge;
  readonly #values: readonly string[];

  constructor(metric: Gauge, place: Place, values: readonly string[]) {
    this.#cells = cellsAt(place);
    this.#at = cellOf(place);
    this.#metric = metric;
    this.#values = values;
  }

  static expire(series: GaugeSeries): void {
    series.#seen = EXPIRED;
  }

  set(value: number): void {
    if (typeof value !== 'number') return droppedValue(value);
    if (this.#seen === this.#words[EPOCH] || this.#again()) this.#cells[this.#at] = value;
  }

  inc(value = 1): void {
    if (typeof value !== 'number' || value - value !== 0) return droppedValue(value);
    if (this.#seen === this.#words[EPOCH] || this.#again()) (this.#cells[this.#at] as number) += value;
  }

  dec(value = 1): void {
    this.inc(typeof value === 'number' ? -value : value);
  }

  setToCurrentTime(): void {
    this.set(Date.now() / 1000);
  }

  startTimer(): () => number {
    return startClock((seconds) => this.set(seconds));
  }

  get labels(): Readonly<Record<string, string>> {
    return this.#metric.labelsOf(this.#values);
  }

  toJSON(): unknown {
    return { gauge: this.#metric.name, labels: this.#values };
  }

  /** Something was removed or reset: registers again, which starts a removed or reset series at 0. */
  #again(): boolean {
    const seen = this.#words[EPOCH] as number;
    const place = Gauge.again(this.#metric, this, this.#values);
    if (!isPlace(place)) return false;
    this.#cells = cellsAt(place);
    this.#at = cellOf(place);
    this.#seen = seen;
    return true;
  }
}

/** The series of a gauge that remembers what it recorded. */
class ObservedGaugeSeries extends GaugeSeries {
  readonly #observations: Observations<MetricValue>;

  constructor(metric: Gauge, place: Place, values: readonly string[], observations: Observations<MetricValue>) {
    super(metric, place, values);
    this.#observations = observations;
  }

  override set(value: number): void {
    super.set(value);
    if (typeof value === 'number') this.#observations.add(measured(value, this.labels));
  }

  override inc(value = 1): void {
    super.inc(value);
    if (isStep(value)) this.#observations.add(measured(value, this.labels));
  }
}

class RefusedGauge implements BoundGauge {
  readonly #reason: DropReason;

  constructor(reason: DropReason) {
    this.#reason = reason;
  }

  set(): void {
    dropped(this.#reason);
  }

  inc(): void {
    dropped(this.#reason);
  }

  dec(): void {
    dropped(this.#reason);
  }

  setToCurrentTime(): void {
    dropped(this.#reason);
  }

  startTimer(): () => number {
    return startClock(() => dropped(this.#reason));
  }

  toJSON(): unknown {
    return { gauge: null };
  }
}

/**
 * A value that goes up and down: queue length, memory, requests in flight. Where several threads write one series, `aggregate`
 * says what is shown: the sum, mean, least or greatest value over the threads that are alive, or one value for the process.
 */
export class Gauge<N extends string = string, D extends string = never> extends RememberingMetric<BoundGauge> {
  readonly #whole: BoundGauge | undefined;

  /**
   * A gauge that is in no registry yet, or in those of `registers`; `registry.gauge` makes one and gives the same one to whoever
   * asks again.
   * @throws KymoError `KYMO_METRICS_DECLARATION` for a bad name, label name or option.
   */
  constructor(options: NewGaugeOptions<N, D>);
  /** @internal */
  constructor(declared: Declared);
  constructor(given: NewGaugeOptions<N, D> | Declared) {
    const declared = declaredBy(given instanceof Declared ? given : checkStandalone('gauge', given));
    super(declared);
    this.#whole = this.isWhole ? this.labels({}) : undefined;
    if (!(given instanceof Declared)) joinRegistries(this as unknown as Gauge<N | D, D>, given.registers);
  }

  static again(gauge: Gauge, series: BoundGauge, values: readonly string[]): Place {
    return gauge.again(series, values);
  }

  /** Sets a series: `set(value)`, `set(labels, value)` or `set(value, labels)`. See {@link BoundGauge.set}. */
  set(value: number): void;
  set(labels: GivenLabels<N, D>, value: number): void;
  set(value: number, labels: GivenLabels<N, D>): void;
  set(first: number | GivenLabels<N, D>, second?: number | GivenLabels<N, D>): void {
    this.#series(first, second).set(number(first, second) as number);
  }

  /** Adds to a series: `inc()`, `inc(value)`, `inc(labels, value?)` or `inc(value, labels)`. See {@link BoundGauge.inc}. */
  inc(value?: number): void;
  inc(labels: GivenLabels<N, D>, value?: number): void;
  inc(value: number, labels: GivenLabels<N, D>): void;
  inc(first?: number | GivenLabels<N, D>, second?: number | GivenLabels<N, D>): void {
    this.#series(first, second).inc(number(first, second));
  }

  /** Subtracts from a series; forms as for `inc`. */
  dec(value?: number): void;
  dec(labels: GivenLabels<N, D>, value?: number): void;
  dec(value: number, labels: GivenLabels<N, D>): void;
  dec(first?: number | GivenLabels<N, D>, second?: number | GivenLabels<N, D>): void {
    this.#series(first, second).dec(number(first, second));
  }

  /**
   * Sets a series, as `set` does, for callers that want to hear of a value that is none.
   * @throws KymoError `KYMO_METRICS_VALUE` for what is no number; nothing is changed then.
   */
  record(value: number, labels?: GivenLabels<N, D>): void {
    if (typeof value !== 'number') throw new InvalidMetricError('KYMO_METRICS_VALUE', { metric: this.name, value });
    this.#series(labels).set(value);
  }

  /**
   * Raises a series by `amount`, which may be negative.
   * @throws KymoError `KYMO_METRICS_VALUE` for NaN, the infinities and what is no number; nothing is changed then.
   */
  increment(amount = 1, labels?: GivenLabels<N, D>): void {
    if (!isStep(amount)) throw new InvalidMetricError('KYMO_METRICS_VALUE', { metric: this.name, value: amount });
    this.#series(labels).inc(amount);
  }

  /** Lowers a series: see {@link Gauge.increment}. */
  decrement(amount = 1, labels?: GivenLabels<N, D>): void {
    if (!isStep(amount)) throw new InvalidMetricError('KYMO_METRICS_VALUE', { metric: this.name, value: amount });
    this.#series(labels).dec(amount);
  }

  /** {@link Gauge.getValue} without labels. */
  get value(): number {
    return this.getValue();
  }

  /**
   * One series over all threads, 0 when there is none; without labels all series together. Reads each series: for tests and
   * reports.
   */
  getValue(labels?: Partial<GivenLabels<N, D>>): number {
    return sumOf(this.series(labels));
  }

  /** Sets a series to the wall clock in seconds since 1970. */
  setToCurrentTime(labels?: GivenLabels<N, D>): void {
    this.#series(labels).setToCurrentTime();
  }

  /** Starts a clock; the function it gives sets the series to the seconds since, and returns them. */
  startTimer(labels?: GivenLabels<N, D>): () => number {
    return this.#series(labels).startTimer();
  }

  #series(first: unknown, second?: unknown): BoundGauge {
    const labels = typeof first === 'object' && first !== null ? first : second;
    if (typeof labels === 'object' && labels !== null) return this.handleFor(labels as LabelValues);
    return this.#whole ?? this.labels();
  }

  protected override get keepsRemoved(): boolean {
    return false;
  }

  protected bind(place: Place, values: readonly string[]): BoundGauge {
    const self = this as unknown as Gauge;
    const observations = observationsOf(this);
    return observations === undefined ? new GaugeSeries(self, place, values) : new ObservedGaugeSeries(self, place, values, observations);
  }

  protected refused(reason: DropReason): BoundGauge {
    return new RefusedGauge(reason);
  }

  protected expire(handle: BoundGauge): void {
    GaugeSeries.expire(handle as GaugeSeries);
  }
}

/** The value among two arguments of which one may be labels. */
function number(first: unknown, second: unknown): number | undefined {
  return (typeof first === 'object' && first !== null ? second : first) as number | undefined;
}
