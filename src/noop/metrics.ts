// Metrics that do nothing, behind the methods of those that do: what a registry that is switched off gives. Any thread.
import { performance } from 'node:perf_hooks';

/** A clock that measures and records nothing: callers use what it returns. */
function clock(): () => number {
  const from = performance.now();
  return () => (performance.now() - from) / 1000;
}

/** A handle of any kind. */
export class NoopHandle {
  /** No labels. */
  readonly labels: Readonly<Record<string, string>> = Object.freeze({});

  inc(..._given: unknown[]): void {}

  dec(..._given: unknown[]): void {}

  set(..._given: unknown[]): void {}

  observe(..._given: unknown[]): void {}

  enable(..._given: unknown[]): void {}

  disable(..._given: unknown[]): void {}

  setToCurrentTime(): void {}

  /** A clock that measures and records nothing. */
  startTimer(): () => number {
    return clock();
  }

  toJSON(): unknown {
    return { noop: true };
  }
}

const HANDLE = Object.freeze(new NoopHandle());

/** What the instruments have in common: they record nothing and remember nothing. Never throws. */
export class NoopMetric {
  /** As declared. */
  readonly name: string;
  /** As declared. */
  readonly help: string;
  /** As declared. */
  readonly labelNames: readonly string[];

  constructor(name = 'noop', help = '', labelNames: readonly string[] = []) {
    this.name = name;
    this.help = help;
    this.labelNames = Object.freeze([...labelNames]);
  }

  /** The help text under the name that other systems have for it. */
  get description(): string {
    return this.help;
  }

  /** One handle for all labels. */
  labels(..._values: unknown[]): NoopHandle {
    return HANDLE;
  }

  record(..._given: unknown[]): void {}

  remove(..._values: unknown[]): boolean {
    return false;
  }

  removeMatching(..._labels: unknown[]): number {
    return 0;
  }

  zero(..._values: unknown[]): void {}

  reset(): void {}

  getObservations(): number[] {
    return [];
  }

  getMeasurements(): [] {
    return [];
  }

  labelsOf(..._values: unknown[]): Readonly<Record<string, string>> {
    return {};
  }

  toJSON(): unknown {
    return { name: this.name, help: this.help, labelNames: this.labelNames };
  }
}

/** A counter that stays at 0. */
export class NoopCounter extends NoopMetric {
  get value(): number {
    return 0;
  }

  inc(..._given: unknown[]): void {}

  increment(..._given: unknown[]): void {}

  getCount(): number {
    return 0;
  }

  getValue(..._labels: unknown[]): number {
    return 0;
  }
}

/** A gauge that stays at 0. */
export class NoopGauge extends NoopCounter {
  dec(..._given: unknown[]): void {}

  set(..._given: unknown[]): void {}

  decrement(..._given: unknown[]): void {}

  setToCurrentTime(..._labels: unknown[]): void {}

  /** A clock that measures and records nothing. */
  startTimer(..._labels: unknown[]): () => number {
    return clock();
  }
}

/** A histogram without observations. */
export class NoopHistogram extends NoopMetric {
  /** None. */
  readonly buckets: readonly number[] = Object.freeze([]);

  get count(): number {
    return 0;
  }

  get sum(): number {
    return 0;
  }

  observe(..._given: unknown[]): void {}

  /** A clock that measures and records nothing. */
  startTimer(..._labels: unknown[]): (...labels: unknown[]) => number {
    return clock();
  }

  quantile(..._given: unknown[]): number {
    return Number.NaN;
  }

  getBucketCounts(..._labels: unknown[]): Map<number, number> {
    return new Map();
  }
}

/** A summary without observations. */
export class NoopSummary extends NoopMetric {
  /** None. */
  readonly quantiles: readonly number[] = Object.freeze([]);

  get count(): number {
    return 0;
  }

  get sum(): number {
    return 0;
  }

  getCount(..._labels: unknown[]): number {
    return 0;
  }

  getSum(..._labels: unknown[]): number {
    return 0;
  }

  observe(..._given: unknown[]): void {}

  /** A clock that measures and records nothing. */
  startTimer(..._labels: unknown[]): (...labels: unknown[]) => number {
    return clock();
  }

  quantile(..._given: unknown[]): number {
    return Number.NaN;
  }
}

/** An info that says nothing. */
export class NoopInfo extends NoopMetric {
  get(): undefined {
    return undefined;
  }

  set(..._labels: unknown[]): void {}
}

/** A state set of which nothing holds. */
export class NoopStateSet extends NoopMetric {
  /** None. */
  readonly states: readonly string[] = Object.freeze([]);

  set(..._given: unknown[]): void {}

  enable(..._given: unknown[]): void {}

  disable(..._given: unknown[]): void {}

  enabled(..._labels: unknown[]): string[] {
    return [];
  }
}

/** The instrument that does nothing, by the word for its kind. */
const NOOPS = {
  counter: NoopCounter,
  gauge: NoopGauge,
  histogram: NoopHistogram,
  summary: NoopSummary,
  info: NoopInfo,
  stateset: NoopStateSet,
} as const;

/** An instrument of that kind that does nothing; `options` may be anything. */
export function noopMetric(kind: keyof typeof NOOPS, options: unknown): NoopMetric {
  const { name, help, labelNames } = (options ?? {}) as { name?: unknown; help?: unknown; labelNames?: unknown };
  const names = Array.isArray(labelNames) ? labelNames.map(String) : [];
  return new NOOPS[kind](typeof name === 'string' ? name : 'noop', typeof help === 'string' ? help : '', names);
}

/**
 * A collector that drops whatever it is told; what its factories give is itself, with the methods of every instrument. For code
 * that takes a collector and is to run without one.
 */
export class NoopMetricsCollector extends NoopGauge {
  constructor() {
    super('noop', 'Drops all observations.');
  }

  register(_metric: unknown): void {}

  gauge(_name: string, _value: number, _tags?: unknown): void {}

  histogram(_name: string, _value: number, _tags?: unknown): void {}

  observe(..._given: unknown[]): void {}

  createCounter(..._given: unknown[]): this {
    return this;
  }

  createGauge(..._given: unknown[]): this {
    return this;
  }

  createHistogram(..._given: unknown[]): this {
    return this;
  }

  createSummary(..._given: unknown[]): this {
    return this;
  }

  getMetric(_name: string): undefined {
    return undefined;
  }

  getAllMetrics(): Map<string, never> {
    return new Map<string, never>();
  }

  /** `''`: there is nothing to scrape. */
  formatPrometheus(): string {
    return '';
  }

  clear(): void {}
}
