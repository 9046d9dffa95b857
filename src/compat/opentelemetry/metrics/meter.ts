// A meter: the factory of instruments that an instrumentation is given. App threads; cold.
import {
  type BatchObservableCallback,
  type Counter,
  createNoopMeter,
  diag,
  type Histogram,
  type Meter,
  type MetricOptions,
  type Observable,
  type UpDownCounter,
  ValueType,
} from '@opentelemetry/api';
import { KymoCounter, KymoGauge, KymoHistogram, KymoUpDownCounter, type SyncGauge } from './instruments.js';
import { type InstrumentDeclaration, NativeMetric, type Shape } from './native-metric.js';
import type { Observables } from './observables.js';

/** Upper bounds where an instrument advises none: those of OpenTelemetry's SDK. */
const DEFAULT_BOUNDS: readonly number[] = [0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10_000];

/** Kymo's rule for names of metrics; wider than OpenTelemetry's own, which allows letters, digits, `_`, `.`, `-` and `/`. */
const NAME = /^[^\s\d"{}\\,=#\p{Cc}][^\s"{}\\,=#\p{Cc}]{0,511}$/u;

/** What the meters of one provider share: one metric per name, whichever meter asked first. */
export class Instruments {
  readonly observables: Observables;
  readonly #registry: number;
  readonly #metrics = new Map<string, NativeMetric>();

  constructor(registry: number, observables: Observables) {
    this.#registry = registry;
    this.observables = observables;
  }

  /** The metric of that name; undefined when there cannot be one, which is said to `diag`. */
  metric(declaration: InstrumentDeclaration): NativeMetric | undefined {
    const { name, shape } = declaration;
    const known = this.#metrics.get(name);
    // One that the registry shows no more, since somebody cleared it, is made anew.
    if (known?.isIn(this.#registry)) {
      if (known.declaration.shape === shape) return known;
      return this.#refuse(name, 'its name is in use for an instrument of another kind');
    }
    if (!NAME.test(name)) return this.#refuse(name, 'its name is not a metric name');
    try {
      const metric = new NativeMetric(this.#registry, declaration);
      this.#metrics.set(name, metric);
      return metric;
    } catch (error) {
      return this.#refuse(name, (error as Error).message);
    }
  }

  #refuse(name: string, problem: string): undefined {
    diag.warn(`kymo: the instrument ${JSON.stringify(name)} records nothing, since ${problem}`);
    return undefined;
  }
}

const NOOP = createNoopMeter();

/** See the file. */
export class KymoMeter implements Meter {
  readonly #instruments: Instruments;

  constructor(instruments: Instruments) {
    this.#instruments = instruments;
  }

  createGauge(name: string, options?: MetricOptions): SyncGauge {
    const metric = this.#metric(name, 'last', options);
    return metric === undefined ? { record: () => undefined } : new KymoGauge(metric, isWhole(options));
  }

  createHistogram(name: string, options?: MetricOptions): Histogram {
    const metric = this.#metric(name, 'histogram', options);
    return metric === undefined ? NOOP.createHistogram(name) : new KymoHistogram(metric, isWhole(options));
  }

  createCounter(name: string, options?: MetricOptions): Counter {
    const metric = this.#metric(name, 'counter', options);
    return metric === undefined ? NOOP.createCounter(name) : new KymoCounter(metric, isWhole(options));
  }

  createUpDownCounter(name: string, options?: MetricOptions): UpDownCounter {
    const metric = this.#metric(name, 'upDown', options);
    return metric === undefined ? NOOP.createUpDownCounter(name) : new KymoUpDownCounter(metric, isWhole(options));
  }

  createObservableGauge(name: string, options?: MetricOptions): Observable {
    return this.#observable(name, 'last', options);
  }

  createObservableCounter(name: string, options?: MetricOptions): Observable {
    return this.#observable(name, 'counter', options);
  }

  createObservableUpDownCounter(name: string, options?: MetricOptions): Observable {
    return this.#observable(name, 'upDown', options);
  }

  addBatchObservableCallback(callback: BatchObservableCallback, observables: Observable[]): void {
    this.#instruments.observables.addBatch(callback, observables);
  }

  removeBatchObservableCallback(callback: BatchObservableCallback, observables: Observable[]): void {
    this.#instruments.observables.removeBatch(callback, observables);
  }

  #observable(name: string, shape: Shape, options: MetricOptions | undefined): Observable {
    const metric = this.#metric(name, shape, options);
    return metric === undefined ? NOOP.createObservableGauge(name) : this.#instruments.observables.make(metric, isWhole(options));
  }

  #metric(name: string, shape: Shape, options: MetricOptions | undefined): NativeMetric | undefined {
    const bounds = shape === 'histogram' ? boundsOf(name, options?.advice?.explicitBucketBoundaries) : undefined;
    return this.#instruments.metric({ name: String(name), help: String(options?.description ?? ''), shape, bounds });
  }
}

function isWhole(options: MetricOptions | undefined): boolean {
  return options?.valueType === ValueType.INT;
}

/** The bounds that an instrument advises, if they are any; `Infinity` at the end, which a scrape has anyway, is left out. */
function boundsOf(name: string, advised: readonly number[] | undefined): readonly number[] {
  if (advised === undefined) return DEFAULT_BOUNDS;
  const bounds = Array.isArray(advised) && advised.at(-1) === Infinity ? advised.slice(0, -1) : advised;
  const ascends = (bound: unknown, at: number): boolean =>
    Number.isFinite(bound) && (at === 0 || (bound as number) > (bounds[at - 1] as number));
  if (Array.isArray(bounds) && bounds.every(ascends)) return bounds;
  diag.warn(`kymo: the bounds that ${JSON.stringify(name)} advises are not ascending numbers; those of the SDK take their place`);
  return DEFAULT_BOUNDS;
}
