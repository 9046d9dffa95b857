// Registries: declaring metrics, recording by name, and what they give: text, snapshot. App threads; cold paths but `inc`
// and `gauge` by name.
import { native } from '../binding/load.js';
import { KymoError } from '../core/errors.js';
import { Counter } from './counter.js';
import { checkDeclaration, type GaugeOptions, type HistogramOptions, type MetricOptions } from './declaration.js';
import { type Declaration, type Declared, declare, releaseCollected } from './declared.js';
import { SELF_REGISTRY } from './drops.js';
import { Gauge } from './gauge.js';
import { Histogram } from './histogram.js';
import type { Metric } from './metric.js';
import { REGISTRY_ID, type ServedRegistry } from './registry-id.js';
import { type MetricsSnapshot, readSnapshot } from './snapshot.js';

/** Options of a registry. */
export interface RegistryOptions {
  /** Registries of one name are the same on every thread of the process; without a name a registry is its own. */
  readonly name?: string;
}

/** Text 0.0.4 or OpenMetrics 1.0.0. */
export type ExpositionFormat = 'text' | 'openmetrics';

/** Options of {@link MetricsRegistry.metrics}. */
export interface ExpositionOptions {
  /** Default `text`. */
  readonly format?: ExpositionFormat;
  /** Adds a `_created` sample per series of counters and histograms to OpenMetrics; default false. */
  readonly created?: boolean;
}

/** Content types of the formats, as a scraper expects them. */
export const CONTENT_TYPES = Object.freeze({
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}) satisfies Readonly<Record<ExpositionFormat, string>>;

/** A registry that nobody can reach any more: all of its metrics can go, whichever object the collector took first. */
const abandoned = new FinalizationRegistry<{ id: number; metrics: ReadonlySet<number> }>(({ id, metrics }) => {
  native.clearRegistry(id);
  metrics.forEach(releaseCollected);
});

type AnyMetric = Counter | Gauge | Histogram;

/** A set of metrics with distinct names; starts empty, shares nothing with others unless it is named. */
export class MetricsRegistry implements ServedRegistry {
  /** Process-wide number of this registry. */
  readonly id: number;
  /** True for a named registry, which all threads share. */
  readonly shared: boolean;
  readonly #metrics = new Map<string, AnyMetric>();
  /** Ids of the metrics declared here, for {@link abandoned}. */
  readonly #declared = new Set<number>();

  /** @throws KymoError `KYMO_METRICS_DECLARATION` for an empty name, or one that Kymo uses itself. */
  constructor(options: RegistryOptions = {}) {
    const { name } = options;
    if (name !== undefined && (typeof name !== 'string' || name === '' || name === SELF_REGISTRY)) {
      throw new KymoError('KYMO_METRICS_DECLARATION', { metric: 'registry', problem: `its name is ${JSON.stringify(name)}` });
    }
    this.shared = name !== undefined;
    this.id = native.openRegistry(name ?? null);
    if (!this.shared) abandoned.register(this, { id: this.id, metrics: this.#declared });
  }

  /** The number under which servers of `kymo` find it, see {@link ServedRegistry}. */
  get [REGISTRY_ID](): number {
    return this.id;
  }

  /**
   * Declares a counter, or gives the one that was declared alike. Cold: about 20 us.
   * @throws KymoError `KYMO_METRICS_DECLARATION` for a bad name, label name or option, `KYMO_METRICS_CONFLICT` when the name
   *   is in use for something else.
   */
  counter<const N extends string = never>(options: MetricOptions<N>): Counter<N> {
    return this.#declare(checkDeclaration('counter', options), Counter) as unknown as Counter<N>;
  }

  /** Declares a gauge: see {@link MetricsRegistry.counter}. With a number instead of options: sets the gauge of that name. */
  gauge<const N extends string = never>(options: GaugeOptions<N>): Gauge<N>;
  gauge(name: string, value: number): void;
  gauge<const N extends string = never>(options: GaugeOptions<N> | string, value?: number): Gauge<N> | undefined {
    if (typeof options !== 'string') return this.#declare(checkDeclaration('gauge', options), Gauge) as unknown as Gauge<N>;
    this.#named(options, 'gauge', Gauge).set(value as number);
    return undefined;
  }

  /** Declares a histogram: see {@link MetricsRegistry.counter}. */
  histogram<const N extends string = never>(options: HistogramOptions<N>): Histogram<N> {
    return this.#declare(checkDeclaration('histogram', options), Histogram) as unknown as Histogram<N>;
  }

  /**
   * Adds `value` (default 1) to the counter of that name, which is made at 0 first. A negative or non-finite value is an
   * error here, since the call names its counter and cannot be a bound handle in a hot path.
   * @throws KymoError `KYMO_METRICS_VALUE`, state unchanged; `KYMO_METRICS_CONFLICT` if the name is no counter without labels.
   */
  inc(name: string, value = 1): void {
    if (!(typeof value === 'number' && value >= 0 && value < Infinity)) throw new KymoError('KYMO_METRICS_VALUE', { metric: name, value });
    this.#named(name, 'counter', Counter).inc(value);
  }

  /** The metric of that name, if this registry object declared it. */
  get(name: string): AnyMetric | undefined {
    return this.#metrics.get(name);
  }

  /** Takes a metric out, whichever thread declared it; its name is free again. False if there was none. Handles to it record nothing any more. */
  unregister(name: string): boolean {
    this.#metrics.delete(name);
    const id = native.findMetric(this.id, name);
    return id >= 0 && native.unregisterMetric(this.id, id);
  }

  /** Sets all series of all metrics to 0, whichever thread declared them. */
  reset(): void {
    native.resetRegistry(this.id);
  }

  /** Takes all metrics and default metrics out. */
  clear(): void {
    this.#metrics.clear();
    native.clearRegistry(this.id);
  }

  /** A copy of all values at this moment, grouped by kind. */
  snapshot(): MetricsSnapshot {
    return readSnapshot(native.snapshotRegistry(this.id), (name) => native.boundsOfMetric(this.id, name));
  }

  /** Prometheus text 0.0.4, rendered on this thread; `''` for an empty registry. Opens no port. */
  formatPrometheus(): string {
    return native.renderSync([this.id], 0, false);
  }

  /** The text of a scrape, rendered on another thread: this one pays for the copy into a string only. */
  metrics(options: ExpositionOptions = {}): Promise<string> {
    const { format, created } = checkExposition(options);
    return native.renderAsync([this.id], format, created);
  }

  /**
   * The bytes of a scrape in memory of the caller, rendered on this thread: no string, no garbage when the buffer is used again.
   * Gives the length of the text in bytes; when that is more than `target` has, nothing was written: come again with more room.
   * @throws KymoError `KYMO_CONFIG_VALUE` when `target` is no Uint8Array.
   */
  renderInto(target: Uint8Array, options: ExpositionOptions = {}): number {
    const { format, created } = checkExposition(options);
    if (!(target instanceof Uint8Array)) {
      throw new KymoError('KYMO_CONFIG_VALUE', { source: 'target', value: typeof target, expected: 'a Uint8Array' });
    }
    return native.renderInto([this.id], format, created, target);
  }

  /** What a log line shows of a registry. */
  toJSON(): unknown {
    return { id: this.id, metrics: [...this.#metrics.keys()] };
  }

  #declare<M extends AnyMetric>(declaration: Declaration, kind: new (declared: Declared) => M): M {
    const known = this.#metrics.get(declaration.name);
    const metric = declare(this.id, declaration, (declared) => this.#remember(new kind(declared), declared.id));
    if (known !== metric) this.#metrics.set(declaration.name, metric);
    return metric;
  }

  #remember<M extends AnyMetric>(metric: M, id: number): M {
    registryOf.set(metric as unknown as Metric<never>, this);
    if (!this.shared) this.#declared.add(id);
    return metric;
  }

  #named<M extends AnyMetric>(name: string, kind: 'counter' | 'gauge', type: new (declared: Declared) => M): M {
    const known = this.#metrics.get(name);
    if (known instanceof type && known.labelNames.length === 0) return known;
    return this.#declare(checkDeclaration(kind, { name, help: name }), type);
  }
}

/** Options as the addon wants them. */
function checkExposition({ format = 'text', created = false }: ExpositionOptions): { format: number; created: boolean } {
  if (!Object.hasOwn(CONTENT_TYPES, format)) {
    throw new KymoError('KYMO_CONFIG_VALUE', { source: 'format', value: format, expected: "'text' or 'openmetrics'" });
  }
  return { format: format === 'openmetrics' ? 1 : 0, created };
}

/** Who holds a metric holds its registry: what is still counted is still shown. */
const registryOf = new WeakMap<Metric<never>, MetricsRegistry>();

/** The registry of the process: every thread that imports Kymo records into it. */
export const metrics: MetricsRegistry = new MetricsRegistry({ name: 'default' });
