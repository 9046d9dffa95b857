// Registries: which metrics exist under which names, and recording by name. App threads; cold paths but those by name.
import { native } from '../binding/load.js';
import { KymoError } from '../core/errors.js';
import { noopMetric } from '../noop/metrics.js';
import { collectorsOf } from './collect.js';
import { Counter } from './counter.js';
import { type CounterOptions, type GaugeOptions, type HistogramOptions, KINDS } from './declaration.js';
import {
  adoptMetric,
  type Declaration,
  type Declared,
  declarationOf,
  declarationOfId,
  declare,
  idOf,
  NOWHERE,
  releaseCollected,
} from './declared.js';
import { describedBy } from './described.js';
import { type DefaultLabels, type NamedOptions, readAsked } from './factories.js';
import { Gauge } from './gauge.js';
import { Histogram } from './histogram.js';
import { Info } from './info.js';
import type { InfoOptions, StateSetOptions, SummaryOptions } from './kind-options.js';
import type { LabelValue } from './labels.js';
import { MergedRegistries } from './merged.js';
import type { NameBasedCollector, Tags } from './proxy.js';
import { type Readable, RegistryReadings } from './readings.js';
import { REGISTRY_ID, type ServedRegistry } from './registry-id.js';
import {
  checkConfig,
  checkDefaultLabels,
  checkName,
  type RegistryConfig,
  type RegistryOptions,
  type RegistrySettings,
  settingsFor,
} from './registry-options.js';
import { StateSet } from './state-set.js';
import { Summary } from './summary.js';
import { type View, Views } from './view.js';

/** A registry that nobody can reach any more: all of its metrics can go, whichever object the collector took first. */
const abandoned = new FinalizationRegistry<{ id: number; metrics: ReadonlySet<number> }>(({ id, metrics }) => {
  native.clearRegistry(id);
  metrics.forEach(releaseCollected);
});

const CLASSES = { counter: Counter, gauge: Gauge, histogram: Histogram, summary: Summary, info: Info, stateset: StateSet } as const;

/** Kinds, and the instrument of each. */
interface Instruments {
  counter: Counter;
  gauge: Gauge;
  histogram: Histogram;
  summary: Summary;
  info: Info;
  stateset: StateSet;
}
type Made = keyof Instruments;

/** Any instrument. */
export type AnyMetric = Instruments[Made];

/**
 * A set of metrics with distinct names; starts empty, shares nothing with others unless it is named. Factories take an options
 * object, or a name with a description, label names (or labels with default values) and buckets; asked again, they give the
 * metric that is there, with its first description. A number behind the name records instead.
 */
export class MetricsRegistry extends RegistryReadings implements ServedRegistry, NameBasedCollector {
  /** True for a named registry, which all threads share. */
  readonly shared: boolean;
  readonly #name: string | null;
  readonly #metrics = new Map<string, AnyMetric>();
  /** Ids of the metrics declared here, for {@link abandoned}. */
  readonly #declared = new Set<number>();
  readonly #views = new Views();
  #settings: RegistrySettings;
  #id: number | undefined;

  /** @throws InvalidMetricError `KYMO_METRICS_DECLARATION` for an empty name, one that Kymo uses itself, or a bad option. */
  constructor(options: RegistryOptions = {}) {
    super();
    checkName(options.name);
    this.#name = options.name ?? null;
    this.shared = this.#name !== null;
    this.#settings = checkConfig(options);
    if (this.#settings.defaultLabels.length > 0) this.#showDefaultLabels(this.#settings.defaultLabels);
  }

  /** One scrape, one snapshot, one report of several registries; what clashes is shown as the first of them has it. */
  static merge<R extends MetricsRegistry>(registries: readonly R[]): MergedRegistries<R> {
    return new MergedRegistries(registries);
  }

  /** Process-wide number of this registry. */
  get id(): number {
    if (this.#id === undefined) {
      this.#id = native.openRegistry(this.#name);
      if (!this.shared) abandoned.register(this, { id: this.#id, metrics: this.#declared });
    }
    return this.#id;
  }

  /** The number under which servers of `kymo` find it, see {@link ServedRegistry}. */
  get [REGISTRY_ID](): number {
    return this.id;
  }

  /**
   * Replaces everything that this registry was configured with; what is left out gets its default. Metrics that are there keep
   * what they were declared with, and go on recording for those who hold them.
   * @throws InvalidMetricError `KYMO_METRICS_DECLARATION` for an option that cannot be used; nothing is changed then.
   */
  configure(config: RegistryConfig = {}): void {
    const settings = checkConfig(config);
    if (settings.enabled || this.#id !== undefined) this.#showDefaultLabels(settings.defaultLabels);
    this.#settings = settings;
  }

  /** True when it was configured with `enabled: false`: then it declares, records and shows nothing. */
  disabled(): boolean {
    return !this.#settings.enabled;
  }

  /** Shows these labels with each series, in front of its own, in place of those that were set before. */
  setDefaultLabels(labels: Readonly<Record<string, LabelValue>>): void {
    const defaultLabels = checkDefaultLabels(labels);
    if (this.#settings.enabled) this.#showDefaultLabels(defaultLabels);
    this.#settings = { ...this.#settings, defaultLabels };
  }

  /** Changes metrics that match, from the next declaration on; see {@link View}. */
  addView(view: View): this {
    this.#views.add(view);
    return this;
  }

  /**
   * Declares a counter, or gives the one of that name. With a number: as {@link MetricsRegistry.inc}. Cold: about 20 us.
   * @throws InvalidMetricError `KYMO_METRICS_DECLARATION` for a bad name, label name or option, `KYMO_METRICS_CONFLICT` when the
   *   name is in use for something else.
   */
  counter<const N extends string = never, const D extends string = never>(options: CounterOptions<N, D>): Counter<N | D, D>;
  counter(name: string, value: number, tags?: Tags): void;
  counter<const N extends string = never>(name: string, description?: string, labels?: readonly N[]): Counter<N>;
  counter<const N extends string = never>(name: string, given: NamedOptions<CounterOptions<N>> | readonly N[]): Counter<N>;
  counter(first: unknown, ...rest: unknown[]): unknown {
    if (typeof rest[0] !== 'number') return this.#asked('counter', first, rest);
    return this.inc(first as string, rest[0], rest[1] as Tags | undefined);
  }

  /** Declares a gauge: see {@link MetricsRegistry.counter}. With a number: as {@link MetricsRegistry.setGauge}. */
  gauge<const N extends string = never, const D extends string = never>(options: GaugeOptions<N, D>): Gauge<N | D, D>;
  gauge(name: string, value: number, tags?: Tags): void;
  gauge<const N extends string = never>(name: string, description?: string, labels?: readonly N[]): Gauge<N>;
  gauge<const N extends string = never>(name: string, given: NamedOptions<GaugeOptions<N>> | readonly N[]): Gauge<N>;
  gauge(first: unknown, ...rest: unknown[]): unknown {
    if (typeof rest[0] !== 'number') return this.#asked('gauge', first, rest);
    return this.setGauge(first as string, rest[0], rest[1] as Tags | undefined);
  }

  /**
   * Declares a histogram: see {@link MetricsRegistry.counter}. With a number: as {@link MetricsRegistry.observe}.
   */
  histogram<const N extends string = never>(options: HistogramOptions<N>): Histogram<N>;
  histogram(name: string, value: number, tags?: Tags): void;
  histogram(name: string, description: string | undefined, buckets: readonly number[]): Histogram<never>;
  histogram<const N extends string = never>(
    name: string,
    description?: string,
    labels?: readonly N[],
    buckets?: readonly number[],
  ): Histogram<N>;
  histogram<const N extends string = never>(name: string, given: NamedOptions<HistogramOptions<N>> | readonly N[]): Histogram<N>;
  histogram(first: unknown, ...rest: unknown[]): unknown {
    if (typeof rest[0] !== 'number') return this.#asked('histogram', first, rest);
    return this.observe(first as string, rest[0], rest[1] as Tags | undefined);
  }

  /** Declares a summary: see {@link MetricsRegistry.counter}. With a number: observes it, as {@link MetricsRegistry.observe}. */
  summary<const N extends string = never>(options: SummaryOptions<N>): Summary<N>;
  summary(name: string, value: number, tags?: Tags): void;
  summary<const N extends string = never>(name: string, description?: string, labels?: readonly N[]): Summary<N>;
  summary<const N extends string = never>(name: string, given: NamedOptions<SummaryOptions<N>> | readonly N[]): Summary<N>;
  summary(first: unknown, ...rest: unknown[]): unknown {
    if (typeof rest[0] !== 'number') return this.#asked('summary', first, rest);
    return this.#observe('summary', first as string, rest[0], rest[1] as Tags | undefined);
  }

  /** Declares an info: see {@link MetricsRegistry.counter}. */
  info<const N extends string = never>(options: InfoOptions<N>): Info<N>;
  info<const N extends string = never>(name: string, description?: string, labels?: readonly N[]): Info<N>;
  info(first: unknown, ...rest: unknown[]): unknown {
    return this.#asked('info', first, rest);
  }

  /** Declares a state set: see {@link MetricsRegistry.counter}. */
  stateSet<const N extends string = never, const S extends string = string>(options: StateSetOptions<N, S>): StateSet<N, S>;
  stateSet<const N extends string = never, const S extends string = string>(
    name: string,
    options: NamedOptions<StateSetOptions<N, S>>,
  ): StateSet<N, S>;
  stateSet(first: unknown, ...rest: unknown[]): unknown {
    return this.#asked('stateset', first, rest);
  }

  /**
   * As {@link MetricsRegistry.counter} with a name; never records. An object behind the description names the labels and gives
   * each its default value.
   */
  createCounter<const N extends string = never>(name: string, description?: string, labels?: readonly N[]): Counter<N>;
  createCounter(name: string, description: string | undefined, labels: DefaultLabels): Counter;
  createCounter(name: string, description?: string, labels?: unknown): unknown {
    return this.#asked('counter', name, [description, labels]);
  }

  /** As {@link MetricsRegistry.createCounter}, of a gauge. */
  createGauge<const N extends string = never>(name: string, description?: string, labels?: readonly N[]): Gauge<N>;
  createGauge(name: string, description: string | undefined, labels: DefaultLabels): Gauge;
  createGauge(name: string, description?: string, labels?: unknown): unknown {
    return this.#asked('gauge', name, [description, labels]);
  }

  /** As {@link MetricsRegistry.createCounter}, of a histogram. */
  createHistogram<const N extends string = never>(
    name: string,
    description?: string,
    labels?: readonly N[],
    buckets?: readonly number[],
  ): Histogram<N>;
  createHistogram(name: string, description: string | undefined, labels: DefaultLabels, buckets?: readonly number[]): Histogram;
  createHistogram(name: string, description?: string, labels?: unknown, buckets?: readonly number[]): unknown {
    return this.#asked('histogram', name, [description, labels, buckets]);
  }

  /** As {@link MetricsRegistry.createCounter}, of a summary. */
  createSummary<const N extends string = never>(name: string, description?: string, labels?: readonly N[]): Summary<N>;
  createSummary(name: string, description: string | undefined, labels: DefaultLabels): Summary;
  createSummary(name: string, description?: string, labels?: unknown): unknown {
    return this.#asked('summary', name, [description, labels]);
  }

  /**
   * Adds `value` (default 1) to the counter of that name, which is made at 0 first, with the names of the tags as its labels. A
   * negative or non-finite value is an error here, since the call names its counter and cannot be a bound handle in a hot path.
   * @throws InvalidMetricError `KYMO_METRICS_VALUE`, state unchanged; `KYMO_METRICS_CONFLICT` if the name is no counter,
   *   `KYMO_METRICS_LABELS` if it has other labels.
   */
  inc(name: string, value = 1, tags?: Tags): void {
    if (!(typeof value === 'number' && value >= 0 && value < Infinity)) throw new KymoError('KYMO_METRICS_VALUE', { metric: name, value });
    if (!this.#settings.enabled) return;
    const counter = this.#named('counter', name, tags);
    if (tags) counter.inc(tags, value);
    else counter.inc(value);
  }

  /** The same as {@link MetricsRegistry.inc}. */
  increment(name: string, value = 1, tags?: Tags): void {
    this.inc(name, value, tags);
  }

  /** Sets the gauge of that name, which is made first; errors as for {@link MetricsRegistry.inc}, but for the value. */
  setGauge(name: string, value: number, tags?: Tags): void {
    if (!this.#settings.enabled) return;
    const gauge = this.#named('gauge', name, tags);
    if (tags) gauge.set(tags, value);
    else gauge.set(value);
  }

  /**
   * Observes a value in the histogram or summary of that name; a histogram is made first where there is none. Errors as for
   * {@link MetricsRegistry.setGauge}.
   */
  observe(name: string, value: number, tags?: Tags): void {
    if (!this.#settings.enabled) return;
    const full = this.#full(name);
    const known = this.#metrics.get(full);
    const isSummary = known === undefined ? this.#described(full)?.kind === KINDS.summary : known instanceof Summary;
    this.#observe(isSummary ? 'summary' : 'histogram', name, value, tags);
  }

  /**
   * Shows an instrument that was made without this registry; what it has recorded is there at once. Registering it again does
   * nothing.
   * @throws InvalidMetricError `KYMO_METRICS_CONFLICT` for another metric of that name, `KYMO_METRICS_DECLARATION` for what is no
   *   instrument of Kymo.
   */
  register(metric: object): void {
    if (!this.#settings.enabled) return;
    const id = idOf(metric);
    if (id === undefined)
      throw new KymoError('KYMO_METRICS_DECLARATION', { metric: typeof metric, problem: 'it is no instrument of Kymo' });
    const instrument = metric as AnyMetric;
    const { name } = instrument;
    const isHere = id === NOWHERE || native.findMetric(this.id, name) === id;
    if (isHere && this.#metrics.get(name) === instrument) return;
    if (!isHere) adoptMetric(this.id, id, name);
    this.#metrics.set(name, instrument);
    this.#remember(instrument, id);
    this.#collect(instrument, declarationOf(instrument) as Declaration);
  }

  /**
   * The metric of that name, as it was declared or as a view renamed it, if this registry object declared or registered it;
   * `undefined` otherwise, never an error.
   */
  get(name: string): AnyMetric | undefined {
    return this.#metrics.get(this.#full(name)) ?? [...this.#metrics.values()].find((metric) => metric.name === name);
  }

  /** The same as {@link MetricsRegistry.get}. */
  getMetric(name: string): AnyMetric | undefined {
    return this.get(name);
  }

  /** As {@link MetricsRegistry.get}. @throws KymoError `KYMO_METRICS_NOT_FOUND` */
  requireMetric(name: string): AnyMetric {
    const metric = this.get(name);
    if (metric === undefined) throw new KymoError('KYMO_METRICS_NOT_FOUND', { name });
    return metric;
  }

  /** A copy: what this registry object declared or registered, by name. */
  getAllMetrics(): Map<string, AnyMetric> {
    return new Map(this.#metrics);
  }

  /** Takes a metric out, whichever thread declared it; its name is free again. False if there was none. Handles to it record nothing any more. */
  unregister(name: string): boolean {
    const full = this.#full(name);
    const metric = this.#metrics.get(full);
    this.#metrics.delete(full);
    if (this.#id === undefined && !this.shared) return false;
    const shown = metric?.name ?? full;
    collectorsOf(this).remove(shown);
    const id = native.findMetric(this.id, shown);
    return id >= 0 && native.unregisterMetric(this.id, id);
  }

  /** Sets all series of all metrics to 0, whichever thread declared them. */
  reset(): void {
    if (this.#id !== undefined || this.shared) native.resetRegistry(this.id);
  }

  /** Takes all metrics and default metrics out. */
  clear(): void {
    this.#metrics.clear();
    collectorsOf(this).clear();
    if (this.#id !== undefined || this.shared) native.clearRegistry(this.id);
  }

  /** What a log line shows of a registry. */
  toJSON(): unknown {
    return { id: this.id, metrics: [...this.#metrics.keys()] };
  }

  protected sources(): readonly Readable[] {
    return this.#settings.enabled ? [this] : [];
  }

  #observe(kind: 'histogram' | 'summary', name: string, value: number, tags: Tags | undefined): void {
    if (!this.#settings.enabled) return;
    const metric = this.#named(kind, name, tags);
    if (tags) metric.observe(tags, value);
    else metric.observe(value);
  }

  #full(name: string): string {
    const { prefix } = this.#settings;
    return prefix === '' || typeof name !== 'string' || name.startsWith(prefix) ? name : prefix + name;
  }

  #showDefaultLabels(labels: readonly string[]): void {
    native.setDefaultLabels(this.id, [...labels]);
  }

  /** What a factory was asked for, made or found. */
  #asked(kind: Made, first: unknown, rest: readonly unknown[]): unknown {
    const { options, byName } = readAsked(first, rest);
    if (!this.#settings.enabled) return noopMetric(kind, options);
    const name = this.#full(options?.name);
    const known = byName ? this.#known(kind, name) : undefined;
    if (known !== undefined) {
      const { labelNames } = options;
      if (labelNames === undefined || String(labelNames) === String(known.labelNames)) return known;
      throw conflict(name, `a ${kind} with the labels (${known.labelNames.join(', ')})`);
    }
    return this.#declare(kind, this.#views.apply(kind, settingsFor(kind, this.#settings, { ...options, name })), name);
  }

  /** The metric of that name, whichever thread declared it; undefined where there is none, or one of another kind. */
  #known<K extends Made>(kind: K, name: string): Instruments[K] | undefined {
    const metric = this.#metrics.get(name);
    if (metric !== undefined) {
      const registered = idOf(metric) === NOWHERE || native.findMetric(this.id, metric.name) === idOf(metric);
      return registered && metric instanceof CLASSES[kind] ? (metric as Instruments[K]) : undefined;
    }
    const existing = this.#described(name);
    return existing?.kind === KINDS[kind] ? this.#declare(kind, existing, name) : undefined;
  }

  /** How another thread, or another registry of this name, declared a metric. */
  #described(name: string): Declaration | undefined {
    const id = this.shared && typeof name === 'string' ? native.findMetric(this.id, name) : NOWHERE;
    return id < 0 ? undefined : (declarationOfId(id) ?? describedBy(native.describeMetric(id), this.#settings));
  }

  #declare<K extends Made>(kind: K, declaration: Declaration, name: string): Instruments[K] {
    const known = this.#metrics.get(name);
    const first = known === undefined ? this.#described(declaration.name) : declarationOf(known);
    // The first description stays: two declarations that differ in nothing else are one metric.
    const asked = first?.kind === declaration.kind ? { ...declaration, help: first.help } : declaration;
    if (declaration.dropped && known !== undefined && idOf(known) === NOWHERE) return known as Instruments[K];
    const metric = declare(this.id, asked, (declared) => make(kind, declared));
    if (known !== metric) {
      this.#metrics.set(name, metric);
      this.#remember(metric, idOf(metric) ?? NOWHERE);
    }
    this.#collect(metric, declaration);
    return metric;
  }

  /** Has a metric collected from now on; of several declarations the last one says how. */
  #collect(metric: AnyMetric, { collect, dropped }: Declaration): void {
    if (collect === undefined || dropped) return;
    collectorsOf(this, this.#settings.collecting).add(metric.name, () => (collect as (this: AnyMetric) => unknown).call(metric));
  }

  #remember(metric: AnyMetric, id: number): void {
    const holders = registriesOf.get(metric) ?? new Set();
    registriesOf.set(metric, holders.add(this));
    if (!this.shared && id !== NOWHERE) this.#declared.add(id);
  }

  /** The metric that a recording by name means; made on first use, with the names of its tags as labels. */
  #named<K extends Made>(kind: K, name: string, tags: Tags | undefined): Instruments[K] {
    const full = this.#full(name);
    const metric = this.#metrics.get(full);
    if (metric instanceof CLASSES[kind]) return metric as Instruments[K];
    const known = metric === undefined ? this.#known(kind, full) : undefined;
    if (known !== undefined) return known;
    const options = { name: full, help: name, labelNames: Object.keys(tags ?? {}) };
    return this.#declare(kind, this.#views.apply(kind, settingsFor(kind, this.#settings, options)), full);
  }
}

/** Who holds a metric holds its registries: what is still counted is still shown. */
const registriesOf = new WeakMap<object, Set<MetricsRegistry>>();

function make<K extends Made>(kind: K, declared: Declared): Instruments[K] {
  const instrument = CLASSES[kind] as unknown as new (declared: Declared) => Instruments[K];
  return new instrument(declared);
}

function conflict(name: string, existing: string): KymoError {
  return new KymoError('KYMO_METRICS_CONFLICT', { name, existing });
}

/** The registry of the process: every thread that imports Kymo records into it. */
export const metrics: MetricsRegistry = new MetricsRegistry({ name: 'default' });
