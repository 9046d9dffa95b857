// Counters: values that only go up. App thread; each increment is one store into a cell of this thread's segment.
import { cellOf, cellsAt, type Place } from '../binding/segment.js';
import { type DropReason, dropped, droppedValue } from './drops.js';
import type { LabelValues } from './labels.js';
import { type Bound, type Declared, isPlace, Metric } from './metric.js';

/** A counter's series, looked up once. */
export interface BoundCounter extends Bound {
  /**
   * Adds `value` (default 1). One load, one addition, one store: about 3 ns; allocates nothing, never throws. A value that is
   * negative, NaN, infinite or no number is dropped and counted in `kymo_dropped_total`.
   */
  inc(value?: number): void;
}

class CounterSeries implements BoundCounter {
  readonly #cells: Float64Array;
  readonly #at: number;
  /** Keeps the metric, and with it these cells, for as long as the handle. */
  readonly #metric: Counter;
  readonly #values: readonly string[];

  constructor(metric: Counter, place: Place, values: readonly string[]) {
    this.#cells = cellsAt(place);
    this.#at = cellOf(place);
    this.#metric = metric;
    this.#values = values;
  }

  inc(value = 1): void {
    if (typeof value === 'number' && value >= 0 && value < Infinity) (this.#cells[this.#at] as number) += value;
    else droppedValue(value);
  }

  toJSON(): unknown {
    return { counter: this.#metric.name, labels: this.#values };
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
export class Counter<N extends string = string> extends Metric<BoundCounter> {
  readonly #whole: BoundCounter | undefined;

  /** Made by `registry.counter`. */
  constructor(declared: Declared) {
    super(declared);
    this.#whole = this.labelNames.length === 0 ? this.labels() : undefined;
  }

  /**
   * Adds to a series: `inc()`, `inc(value)`, `inc(labels, value?)` or `inc(value, labels)`. With labels about 25 ns once the
   * combination is known (no allocation); a new one registers a series. Bad values as for {@link BoundCounter.inc}.
   * @throws KymoError `KYMO_METRICS_LABELS` for labels that were not declared, or missing ones.
   */
  inc(value?: number): void;
  inc(labels: LabelValues<N>, value?: number): void;
  inc(value: number, labels: LabelValues<N>): void;
  inc(first?: number | LabelValues<N>, second?: number | LabelValues<N>): void {
    if (typeof first === 'object' && first !== null) this.#add(first, second as number | undefined);
    else if (typeof second === 'object' && second !== null) this.#add(second, first as number | undefined);
    else (this.#whole ?? this.labels()).inc(first as number | undefined);
  }

  #add(labels: LabelValues, value = 1): void {
    const place = this.placeOf(labels);
    if (!isPlace(place)) return;
    if (typeof value === 'number' && value >= 0 && value < Infinity) (cellsAt(place)[cellOf(place)] as number) += value;
    else droppedValue(value);
  }

  protected bind(place: Place, values: readonly string[]): BoundCounter {
    return new CounterSeries(this as unknown as Counter, place, values);
  }

  protected refused(reason: DropReason): BoundCounter {
    return new RefusedCounter(reason);
  }

  protected expire(): void {}
}
