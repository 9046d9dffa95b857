// What the metrics of the drop-in share: the configuration and its errors, registration, and the object that `get()` gives. App threads.
import { isObject, type Labels } from './label-identity.js';
import { declareNatively, type NativeKind } from './native-metric.js';
import { globalRegistry, Registry } from './registry.js';
import type { Entry } from './series.js';
import { SeriesTable, TABLE } from './series-table.js';
import type { Sample } from './text.js';
import { validateLabelName, validateMetricName } from './validation.js';

/** Name of the method that gives a metric's samples as they are, without asking `collect`. */
export const SAMPLES: unique symbol = Symbol('kymo.samples');
/** Names of the methods behind the property `hashMap`. */
export const READ_MAP: unique symbol = Symbol('kymo.readMap');
export const WRITE_MAP: unique symbol = Symbol('kymo.writeMap');

/** The methods that give what text is made of, as they were declared: a metric with another one is asked by it. */
export const READERS = new Set<unknown>();

/** What every kind takes; more is kept as a property of the metric. */
export interface MetricConfig {
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly string[];
  readonly registers?: readonly { readonly contentType: string; registerMetric(metric: never): void }[] | undefined;
  readonly aggregator?: string;
  readonly enableExemplars?: boolean;
  readonly collect?: ((this: never) => unknown) | undefined;
}

/** What `get()` gives. */
export interface MetricData {
  help: string;
  name: string;
  type: string;
  values: Sample[];
  aggregator: string;
}

const hashMap: PropertyDescriptor & ThisType<Metric> = {
  configurable: true,
  enumerable: true,
  get() {
    return this[READ_MAP]();
  },
  set(map: Record<string, never>) {
    this[WRITE_MAP](map);
  },
};

/** See the file. */
export abstract class Metric {
  declare name: string;
  declare help: string;
  declare type: string;
  declare labelNames: string[];
  declare registers: Registry[];
  declare aggregator: string;
  declare enableExemplars: boolean;
  declare collect: (() => unknown) | undefined;
  declare sortedLabelNames: string[];
  /** prom-client's series by their hash: a copy, but for what `get()` handed out. */
  declare hashMap: Record<string, unknown>;
  declare readonly [TABLE]: SeriesTable;

  constructor(config: MetricConfig, defaults: object = {}) {
    if (!isObject(config)) throw new TypeError('constructor expected a config object');
    Object.assign(this, { labelNames: [], registers: [globalRegistry], aggregator: 'sum', enableExemplars: false }, defaults, config);
    if (!this.registers) this.registers = [globalRegistry];
    if (!this.help) throw new Error('Missing mandatory help parameter');
    if (!this.name) throw new Error('Missing mandatory name parameter');
    if (!validateMetricName(this.name)) throw new Error('Invalid metric name');
    if (!validateLabelName(this.labelNames)) throw new Error('Invalid label name');
    if (this.collect && typeof this.collect !== 'function') throw new Error('Optional "collect" parameter must be a function');
    this.sortedLabelNames = this.labelNames ? [...this.labelNames].sort() : [];
    Object.defineProperty(this, TABLE, { value: new SeriesTable([...(this.labelNames ?? [])], [...this.sortedLabelNames]) });
    Object.defineProperty(this, 'hashMap', hashMap);
    this.reset();
    for (const register of this.registers) {
      if (this.enableExemplars && register.contentType === Registry.PROMETHEUS_CONTENT_TYPE) {
        throw new TypeError('Exemplars are supported only on OpenMetrics registries');
      }
      register.registerMetric(this as never);
    }
  }

  /** Back to the state after construction, or to none of the series. */
  reset(): void {}

  /** Asks `collect`, and gives the name, the help and a sample per series. */
  async get(): Promise<MetricData> {
    const collected = runCollect(this);
    if (collected !== undefined) await collected;
    return { help: this.help, name: this.name, type: this.type, values: this[SAMPLES](), aggregator: this.aggregator };
  }

  abstract [SAMPLES](): Sample[];
  abstract [READ_MAP](): Record<string, unknown>;
  abstract [WRITE_MAP](map: Record<string, unknown>): void;
}

READERS.add(Metric.prototype.get);

/** Runs `collect`; the promise that has to be waited for, if it gave one. */
export function runCollect(metric: { collect?: (() => unknown) | undefined }): Promise<unknown> | undefined {
  if (!metric.collect) return undefined;
  const collected = metric.collect();
  return collected instanceof Promise ? collected : undefined;
}

/** To be called at the end of a constructor: lets native code know the metric, and shows it in its registries there. */
export function connect(metric: Metric, kind: NativeKind, cells: number): void {
  const table = metric[TABLE];
  const { name, help } = metric;
  // A help that is no string makes rendering throw; a name that is none cannot be found again.
  const id = typeof name === 'string' && typeof help === 'string' ? declareNatively(metric, name, help, metric.labelNames, kind) : -1;
  if (id < 0) {
    table.keepPrivate(cells);
    return;
  }
  table.connect(id, cells, { name, help, type: metric.type });
  for (const register of metric.registers) if (register instanceof Registry) register.showNatively();
}

/** Samples of a metric with one value per series: what the last call handed out, where a series was in it. */
export function entriesOf(table: SeriesTable): Entry[] {
  const entries: Entry[] = [];
  for (const series of table.byKey.values()) {
    series.entry ??= { value: series.value as number, labels: series.labels() };
    entries.push(series.entry);
  }
  return entries;
}

/** {@link Metric.hashMap} of a metric with one value per series. */
export function readEntries(table: SeriesTable): Record<string, Entry> {
  const map: Record<string, Entry> = {};
  entriesOf(table);
  for (const series of table.byKey.values()) map[series.key] = series.entry as Entry;
  return map;
}

/** Takes a map of {@link readEntries} in place of all series. */
export function writeEntries(table: SeriesTable, map: Record<string, unknown>): void {
  table.clear();
  for (const { value, labels = {} } of Object.values(map) as { value: number; labels?: Labels }[]) {
    const series = table.add(table.identify(labels), labels);
    series.cells[series.at] = value;
  }
}
