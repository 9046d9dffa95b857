// Gauges: values that go up and down. App thread; each write is one store, after a look at the word that says whether
// another thread removed or reset something.
import { cellOf, cellsAt, EPOCH, epochWords, type Place } from '../binding/segment.js';
import { type DropReason, dropped, droppedValue } from './drops.js';
import type { LabelValues } from './labels.js';
import { type Bound, type Declared, epochTaken, isPlace, Metric } from './metric.js';
import { startClock } from './timer.js';

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

class GaugeSeries implements BoundGauge {
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
 * A value that goes up and down: queue length, memory, requests in flight. Several threads that write one series are added
 * up, over the threads that are alive; a gauge declared with `aggregate: 'last'` has one value for the process.
 */
export class Gauge<N extends string = string> extends Metric<BoundGauge> {
  readonly #whole: BoundGauge | undefined;

  /** Made by `registry.gauge`. */
  constructor(declared: Declared) {
    super(declared);
    this.#whole = this.labelNames.length === 0 ? this.labels() : undefined;
  }

  static again(gauge: Gauge, series: BoundGauge, values: readonly string[]): Place {
    return gauge.again(series, values);
  }

  /** Sets a series: `set(value)`, `set(labels, value)` or `set(value, labels)`. See {@link BoundGauge.set}. */
  set(value: number): void;
  set(labels: LabelValues<N>, value: number): void;
  set(value: number, labels: LabelValues<N>): void;
  set(first: number | LabelValues<N>, second?: number | LabelValues<N>): void {
    this.#series(first, second).set(number(first, second) as number);
  }

  /** Adds to a series: `inc()`, `inc(value)`, `inc(labels, value?)` or `inc(value, labels)`. See {@link BoundGauge.inc}. */
  inc(value?: number): void;
  inc(labels: LabelValues<N>, value?: number): void;
  inc(value: number, labels: LabelValues<N>): void;
  inc(first?: number | LabelValues<N>, second?: number | LabelValues<N>): void {
    this.#series(first, second).inc(number(first, second));
  }

  /** Subtracts from a series; forms as for `inc`. */
  dec(value?: number): void;
  dec(labels: LabelValues<N>, value?: number): void;
  dec(value: number, labels: LabelValues<N>): void;
  dec(first?: number | LabelValues<N>, second?: number | LabelValues<N>): void {
    this.#series(first, second).dec(number(first, second));
  }

  /** Sets a series to the wall clock in seconds since 1970. */
  setToCurrentTime(labels?: LabelValues<N>): void {
    this.#series(labels).setToCurrentTime();
  }

  /** Starts a clock; the function it gives sets the series to the seconds since, and returns them. */
  startTimer(labels?: LabelValues<N>): () => number {
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
    return new GaugeSeries(this as unknown as Gauge, place, values);
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
