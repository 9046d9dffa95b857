// What the instruments that record numbers share: the last values recorded on this thread, where a declaration asks for them.
// App threads.
import type { Declared } from './declared.js';
import { type Bound, Metric } from './metric.js';
import { type MetricValue, Observations } from './observations.js';

/** Where the handles of a metric put what they record; none unless its declaration asked for it. No member: nobody else's business. */
export let observationsOf: <B extends Bound>(metric: RememberingMetric<B>) => Observations<MetricValue> | undefined;

/** See the file. `B` is the bound handle of the kind. */
export abstract class RememberingMetric<B extends Bound> extends Metric<B> {
  static {
    observationsOf = (metric) => metric.#observations;
  }

  readonly #observations: Observations<MetricValue> | undefined;

  constructor(declared: Declared) {
    super(declared);
    const { keepObservations = 0 } = declared.declaration;
    if (keepObservations > 0) this.#observations = new Observations(keepObservations);
  }

  /** What this thread recorded last, oldest first: at most `keepObservations`, which is 0 unless declared. */
  getObservations(): number[] {
    return this.getMeasurements().map(({ value }) => value);
  }

  /** As {@link getObservations}, with labels and times. */
  getMeasurements(): MetricValue[] {
    return this.#observations?.values() ?? [];
  }

  /**
   * Sets every series to 0, whichever thread wrote it, and forgets this thread's observations; none disappears. A summary's
   * window is empty afterwards.
   */
  override reset(): void {
    super.reset();
    this.#observations?.clear();
  }
}
