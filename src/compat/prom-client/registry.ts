// prom-client's registry: metrics by name, and their text and JSON. App threads.
import { REGISTRY_ID } from '../../metrics/registry-id.js';
import { type AggregatedMetric, aggregated } from './aggregators.js';
import { collectRegularly } from './collecting.js';
import { isObject, type Labels } from './label-identity.js';
import { NativeRegistry } from './native-metric.js';
import { scrape } from './scrape.js';
import { type SeriesTable, TABLE } from './series-table.js';
import { metricText, type TextSource, withoutTotal } from './text.js';

/** What a registry takes: our metrics, and any object of this shape. */
export interface RegistryEntry {
  name: string;
  type?: string;
  aggregator?: string;
  get?(): unknown;
  getForPromString?: unknown;
  reset?(): void;
}

/** Name of the native registry on a registry: not enumerable, and there for a proxy of it as well. */
const NATIVE: unique symbol = Symbol('kymo.native');

/** See the file. */
export class Registry {
  _metrics: Record<string, RegistryEntry>;
  _collectors: unknown[];
  _defaultLabels: Labels;
  _contentType: string;
  declare [NATIVE]: NativeRegistry | undefined;

  static get PROMETHEUS_CONTENT_TYPE(): string {
    return 'text/plain; version=0.0.4; charset=utf-8';
  }

  static get OPENMETRICS_CONTENT_TYPE(): string {
    return 'application/openmetrics-text; version=1.0.0; charset=utf-8';
  }

  /** @throws TypeError for any other content type than these two. */
  constructor(contentType: string = Registry.PROMETHEUS_CONTENT_TYPE) {
    this._metrics = {};
    this._collectors = [];
    this._defaultLabels = {};
    if (!isContentType(contentType)) throw new TypeError(`Content type ${contentType} is unsupported`);
    this._contentType = contentType;
    Object.defineProperty(this, NATIVE, { value: undefined, writable: true });
  }

  /** Id of the native registry that shows these metrics. Whoever asks may serve it, so `collect` functions run regularly from then on. */
  get [REGISTRY_ID](): number {
    collectRegularly(this);
    return opened(this).id;
  }

  /** The same; what Kymo's registries call it. */
  get id(): number {
    return opened(this).id;
  }

  /** All metrics in the order of registration; only those of one aggregator where it is named. */
  getMetricsAsArray(aggregator?: string): RegistryEntry[] {
    const metrics = Object.values(this._metrics);
    return aggregator === undefined ? metrics : metrics.filter((metric) => (metric.aggregator ?? 'sum') === aggregator);
  }

  /** The text of one metric. Rejects with what its `collect` throws. */
  async getMetricsAsString(metrics: RegistryEntry): Promise<string> {
    const metric = typeof metrics.getForPromString === 'function' ? await metrics.getForPromString() : await metrics.get?.();
    return metricText(metric as TextSource, this._defaultLabels, this.contentType === Registry.OPENMETRICS_CONTENT_TYPE);
  }

  /**
   * The text of all metrics, in the registry's content type. Each `collect` is called first, in order. Rejects with what one of them throws.
   * Rendered natively: up to some 25,000 lines on this thread, more on another one.
   */
  async metrics(): Promise<string> {
    const openMetrics = this.contentType === Registry.OPENMETRICS_CONTENT_TYPE;
    const metrics = this.getMetricsAsArray();
    if (this.getMetricsAsString === plainGetMetricsAsString && isObject(this._defaultLabels)) {
      return scrape(this, metrics, openMetrics, () => shown(this, nativeIds(metrics)));
    }
    const texts = metrics.map((metric) => {
      if (openMetrics && metric.type === 'counter') metric.name = withoutTotal(metric.name);
      return this.getMetricsAsString(metric);
    });
    return (await Promise.all(texts)).join(openMetrics ? '\n' : '\n\n') + (openMetrics ? '\n# EOF\n' : '\n');
  }

  /** Adds a metric; nothing happens when it is there. @throws Error when another one has its name. */
  registerMetric(metric: RegistryEntry): void {
    if (this._metrics[metric.name] && this._metrics[metric.name] !== metric) {
      throw new Error(`A metric with the name ${metric.name} has already been registered.`);
    }
    this._metrics[metric.name] = metric;
    this.showNatively();
  }

  /** Takes all metrics and default labels out. */
  clear(): void {
    this._metrics = {};
    this._defaultLabels = {};
    this.showNatively();
  }

  /** What `get()` of each metric gives, with the default labels; only metrics of one aggregator where it is named. */
  async getMetricsAsJSON(aggregator?: string): Promise<TextSource[]> {
    const names = Object.keys(this._defaultLabels);
    const sources = this.getMetricsAsArray(aggregator);
    const metrics = (await Promise.all(sources.map((metric) => (metric as Required<RegistryEntry>).get()))) as TextSource[];
    for (const [at, { values }] of metrics.entries()) {
      if (!values || names.length === 0) continue;
      let replaced = false;
      for (const value of values) {
        const labels: Labels = Object.assign({}, value.labels);
        for (const name of names) {
          replaced ||= Object.hasOwn(labels, name) && !labels[name];
          labels[name] = labels[name] || this._defaultLabels[name];
        }
        value.labels = labels;
      }
      stamp(sources[at] as RegistryEntry, this._defaultLabels, replaced);
    }
    return metrics;
  }

  /** Takes a metric out; it records on, and can be registered again. */
  removeSingleMetric(name: string): void {
    delete this._metrics[name];
    this.showNatively();
  }

  /** The text of the metric of that name. Rejects when there is none. */
  getSingleMetricAsString(name: string): Promise<string> {
    return this.getMetricsAsString(this._metrics[name] as RegistryEntry);
  }

  /** The metric of that name. */
  getSingleMetric(name: string): RegistryEntry | undefined {
    return this._metrics[name];
  }

  /** Labels that are shown with every series that has none of that name. The object is kept: what changes in it changes the text. */
  setDefaultLabels(labels: Labels): void {
    this._defaultLabels = labels;
    this.showNatively();
  }

  /** Resets every metric. */
  resetMetrics(): void {
    for (const name in this._metrics) (this._metrics[name] as Required<RegistryEntry>).reset();
  }

  get contentType(): string {
    return this._contentType;
  }

  /** @throws Error for any other content type than the two that there are. */
  setContentType(contentType: string): void {
    if (!isContentType(contentType)) throw new Error(`Content type ${contentType} is unsupported`);
    this._contentType = contentType;
  }

  /** Brings the native registry up to date, for whoever serves it while no scrape is asked for. */
  showNatively(): void {
    const ids = nativeIds(Object.values(this._metrics));
    if (ids.length > 0 || this[NATIVE] !== undefined) shown(this, ids);
  }

  /** A registry with the metrics of several. @throws Error for different content types, or for two metrics of one name. */
  static merge(registers: readonly Registry[]): Registry {
    const contentType = (registers[0] as Registry).contentType;
    for (const register of registers) {
      if (register.contentType !== contentType) throw new Error('Registers can only be merged if they have the same content type');
    }
    const merged = new Registry(contentType);
    for (const metric of registers.flatMap((register) => register.getMetricsAsArray())) merged.registerMetric(metric);
    return merged;
  }

  /** A registry of the aggregated metrics of several results of `getMetricsAsJSON()`. @throws Error for an aggregator that does not exist. */
  static aggregate(metrics: AggregatedMetric[][], contentType: string = Registry.PROMETHEUS_CONTENT_TYPE): Registry {
    const registry = new Registry();
    registry.setContentType(contentType);
    for (const metric of aggregated(metrics, 'sum')) registry.registerMetric(metric as never);
    return registry;
  }
}

/** As it was declared: a program may have replaced the method. */
const plainGetMetricsAsString = Registry.prototype.getMetricsAsString;

/** The native registry with these metrics and the default labels; undefined when it cannot show all of it. */
function shown(registry: Registry, ids: readonly number[]): NativeRegistry | undefined {
  const native = opened(registry);
  return native.align(ids) && native.setDefaultLabels(registry._defaultLabels) ? native : undefined;
}

function opened(registry: Registry): NativeRegistry {
  registry[NATIVE] ??= new NativeRegistry(registry);
  return registry[NATIVE];
}

function isContentType(contentType: unknown): boolean {
  return contentType === Registry.PROMETHEUS_CONTENT_TYPE || contentType === Registry.OPENMETRICS_CONTENT_TYPE;
}

/** Ids of those metrics that native code knows, in their order. */
function nativeIds(metrics: readonly object[]): number[] {
  return metrics.map((metric) => (metric as { [TABLE]?: SeriesTable })?.[TABLE]?.nativeId ?? -1).filter((id) => id >= 0);
}

/**
 * Remembers that labels were written into what a metric handed out, which prom-client prints from then on: where native code would print
 * something else, the text is made in JavaScript.
 */
function stamp(metric: RegistryEntry, defaults: Labels, replaced: boolean): void {
  const table = (metric as { [TABLE]?: SeriesTable })[TABLE];
  if (table === undefined || (table.head.type !== 'counter' && table.head.type !== 'gauge')) return;
  const text = JSON.stringify(defaults);
  if (replaced || (table.stamped !== undefined && table.stamped !== text)) table.odd = true;
  table.stamped = text;
}

/** The registry that metrics are in when nothing else is said. */
export const globalRegistry = new Registry();
