// A handle on one metric of a collector that is used by name. App threads.
import type { LabelValue } from './labels.js';

/** Tags of a recording by name: values by label name. */
export type Tags = Readonly<Record<string, LabelValue>>;

/** What records by name: a registry, the collector that does nothing, or one of the application's own. */
export interface NameBasedCollector {
  /** Adds `value` (default 1) to the counter of that name. */
  increment(name: string, value?: number, tags?: Tags): void;
  /** Sets the gauge of that name. */
  gauge(name: string, value: number, tags?: Tags): void;
  /** Observes `value` in the histogram of that name. */
  histogram(name: string, value: number, tags?: Tags): void;
}

/** What a metric is: the words of `# TYPE`. */
export type MetricType = 'counter' | 'gauge' | 'histogram' | 'summary' | 'info' | 'stateset';

/** The words of {@link MetricType}. */
export const MetricType = Object.freeze({
  COUNTER: 'counter',
  GAUGE: 'gauge',
  HISTOGRAM: 'histogram',
  SUMMARY: 'summary',
  INFO: 'info',
  STATE_SET: 'stateset',
}) satisfies Readonly<Record<string, MetricType>>;

/** Forwards to a collector, and remembers what went through this handle. Costs the collector's look-up by name on each call. */
export class MetricProxy {
  /** Name of the metric in the collector. */
  readonly name: string;
  /** What the metric is meant to be. */
  readonly type: MetricType;
  readonly #collector: NameBasedCollector;
  #value = 0;

  constructor(name: string, collector: NameBasedCollector, type: MetricType) {
    this.name = name;
    this.type = type;
    this.#collector = collector;
  }

  /** What {@link increment} added by this handle alone; other handles, threads and resets do not show. */
  get value(): number {
    return this.#value;
  }

  /**
   * Adds to the collector's counter, and to {@link value} once the collector took it.
   * @throws what the collector throws; `value` is unchanged then.
   */
  increment(amount = 1): void {
    this.#collector.increment(this.name, amount);
    this.#value += amount;
  }

  /** Observes `value` in the collector's histogram. */
  record(value: number): void {
    this.#collector.histogram(this.name, value);
  }
}
