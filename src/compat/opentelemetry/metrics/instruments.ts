// The instruments that record when they are called: counter, up-down counter, gauge, histogram. App threads; none of them ever throws, and a
// value that an instrument cannot take is dropped and counted in `kymo_dropped_total`.
import type { Attributes, Counter, Histogram, UpDownCounter } from '@opentelemetry/api';
import { cellOf, cellsAt } from '../../../binding/segment.js';
import { dropped, droppedValue } from '../../../metrics/drops.js';
import { sampleExemplar } from '../../../metrics/exemplar.js';
import { bucketOf, countClassic } from '../../../metrics/histogram-series.js';
import type { NativeMetric } from './native-metric.js';

/** An instrument that keeps what was recorded last; `Gauge` of the API, which has that type since 1.9. */
export interface SyncGauge {
  record(value: number, attributes?: Attributes): void;
}

/** True for what any instrument takes; the rest is counted as a drop. */
export function isRecordable(value: unknown): value is number {
  if (typeof value === 'number' && value - value === 0) return true;
  if (typeof value === 'number') dropped('not_finite');
  else dropped('not_a_number');
  return false;
}

/** A sum that only grows. Into a series that is known about 30 ns with two attributes; nothing is allocated. */
export class KymoCounter implements Counter {
  readonly #metric: NativeMetric;
  readonly #whole: boolean;

  /** @param whole takes whole numbers only: fractions are cut off */
  constructor(metric: NativeMetric, whole: boolean) {
    this.#metric = metric;
    this.#whole = whole;
  }

  add(value: number, attributes?: Attributes): void {
    if (!(typeof value === 'number' && value >= 0 && value < Infinity)) return droppedValue(value);
    const place = this.#metric.place(attributes);
    if (place < 0) return;
    const amount = this.#whole ? Math.trunc(value) : value;
    (cellsAt(place)[cellOf(place)] as number) += amount;
    sampleExemplar(this.#metric.id, place, 0, amount);
  }
}

/** A sum over all threads that goes up and down. */
export class KymoUpDownCounter implements UpDownCounter {
  readonly #metric: NativeMetric;
  readonly #whole: boolean;

  constructor(metric: NativeMetric, whole: boolean) {
    this.#metric = metric;
    this.#whole = whole;
  }

  add(value: number, attributes?: Attributes): void {
    if (!isRecordable(value)) return;
    const place = this.#metric.place(attributes);
    if (place >= 0) (cellsAt(place)[cellOf(place)] as number) += this.#whole ? Math.trunc(value) : value;
  }
}

/** What was recorded last, by whichever thread. */
export class KymoGauge implements SyncGauge {
  readonly #metric: NativeMetric;
  readonly #whole: boolean;

  constructor(metric: NativeMetric, whole: boolean) {
    this.#metric = metric;
    this.#whole = whole;
  }

  record(value: number, attributes?: Attributes): void {
    if (!isRecordable(value)) return;
    const place = this.#metric.place(attributes);
    if (place >= 0) cellsAt(place)[cellOf(place)] = this.#whole ? Math.trunc(value) : value;
  }
}

/** Counts values in buckets; negative ones are dropped and counted, as in OpenTelemetry's SDK. */
export class KymoHistogram implements Histogram {
  readonly #metric: NativeMetric;
  readonly #bounds: readonly number[];
  readonly #whole: boolean;

  constructor(metric: NativeMetric, whole: boolean) {
    this.#metric = metric;
    this.#bounds = metric.declaration.bounds ?? [];
    this.#whole = whole;
  }

  record(value: number, attributes?: Attributes): void {
    if (!(typeof value === 'number' && value >= 0 && value < Infinity)) return droppedValue(value);
    const place = this.#metric.place(attributes);
    if (place < 0) return;
    const amount = this.#whole ? Math.trunc(value) : value;
    countClassic(cellsAt(place), cellOf(place), this.#bounds, amount);
    sampleExemplar(this.#metric.id, place, bucketOf(this.#bounds, amount), amount);
  }
}
