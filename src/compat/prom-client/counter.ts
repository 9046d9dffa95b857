// prom-client's counter. App threads; an increment of labels seen before is a look-up and a store into a native cell.
import util from 'util';
import { Exemplar, keepNatively, nowTimestamp } from './exemplar.js';
import { getLabels, isObject, type Labels, NO_LABELS } from './label-identity.js';
import { connect, entriesOf, Metric, type MetricConfig, READ_MAP, readEntries, SAMPLES, WRITE_MAP, writeEntries } from './metric.js';
import { beforeAdd, openScrapes } from './open-scrapes.js';
import type { Entry, Series } from './series.js';
import { type SeriesTable, TABLE } from './series-table.js';
import { validateLabel } from './validation.js';

/** What `inc` gives. */
interface IncResult {
  labelHash: string;
}

interface IncWithExemplar {
  labels?: Labels;
  value?: number;
  exemplarLabels?: object;
}

/** See the file. */
export class Counter extends Metric {
  declare defaultLabels: Labels;
  declare defaultValue: number;
  declare defaultExemplarLabelSet: object;
  /** Adds to a series: `inc()`, `inc(value)`, `inc(labels, value)`, or one object where exemplars are enabled. */
  declare inc: (first?: unknown, second?: unknown) => IncResult | undefined;

  constructor(config: MetricConfig) {
    super(config);
    this.type = 'counter';
    this.defaultLabels = {};
    this.defaultValue = 1;
    this.defaultExemplarLabelSet = {};
    if (config.enableExemplars) {
      this.enableExemplars = true;
      this.inc = this.incWithExemplar as Counter['inc'];
    } else {
      this.inc = this.incWithoutExemplar;
    }
    connect(this, { kind: 1 }, 1);
  }

  /**
   * Adds `value`, 1 without one.
   * @throws TypeError for no number, Error for a negative one and for labels that were not declared.
   */
  incWithoutExemplar(labels?: unknown, value?: unknown): IncResult {
    const table = this[TABLE];
    if (typeof labels === 'object' && labels !== null) {
      const amount = value === undefined ? 1 : value;
      if (isAmount(amount)) {
        const series = table.find(labels as Labels);
        if (series !== undefined) return add(table, series, amount);
      }
    } else {
      const amount = labels === undefined ? 1 : labels;
      if (table.bare !== undefined && isAmount(amount)) return add(table, table.bare, amount);
    }
    return incCarefully(this, table, labels, value);
  }

  /** As {@link incWithoutExemplar}, and keeps the exemplar if there is one. @throws RangeError for labels of it that are too long. */
  incWithExemplar({
    labels = this.defaultLabels,
    value = this.defaultValue,
    exemplarLabels = this.defaultExemplarLabelSet,
  }: IncWithExemplar = {}): void {
    const { labelHash } = this.incWithoutExemplar(labels, value);
    this.updateExemplar(exemplarLabels, value, labelHash, isObject(labels) ? labels : {});
  }

  updateExemplar(exemplarLabels: object, value: number, hash: string, labels?: Labels): void {
    if (exemplarLabels === this.defaultExemplarLabelSet) return;
    const table = this[TABLE];
    const series = table.byKey.get(labels === undefined ? hash : table.identify(labels).key) as Series;
    series.entry ??= { value: series.value as number, labels: series.labels() };
    const { entry } = series;
    if (!isObject(entry.exemplar)) entry.exemplar = new Exemplar();
    entry.exemplar.validateExemplarLabelSet(exemplarLabels);
    entry.exemplar.labelSet = { ...exemplarLabels };
    entry.exemplar.value = value ? value : 1;
    entry.exemplar.timestamp = nowTimestamp();
    keepNatively(table, series, 0, entry.exemplar);
  }

  /** Forgets all series; without label names there is one at 0 again. */
  override reset(): void {
    const table = this[TABLE];
    table.clear();
    if (this.labelNames.length === 0) table.add(NO_LABELS, {});
  }

  /** The series of an object of labels, or of values in the order of the names. @throws Error for another number of values. */
  labels(...args: unknown[]): { inc: (value?: unknown) => IncResult | undefined } {
    const first = args[0];
    if (this.inc !== plainInc || typeof first === 'object' || args.length !== this.labelNames.length) {
      const labels = getLabels(this.labelNames, args) || {};
      return { inc: this.inc.bind(this, labels) };
    }
    const table = this[TABLE];
    let series = table.findValues(args);
    const inc = (value?: unknown): IncResult => {
      const amount = value === undefined ? 1 : value;
      if (series?.live && isAmount(amount)) return add(table, series, amount);
      const labels = getLabels(this.labelNames, args);
      const result = plainInc.call(this, labels, value);
      series = table.find(labels);
      return result;
    };
    return { inc };
  }

  /** Takes one series out; it starts at 0 when it is counted again. @throws Error as `labels` does, and for names that were not declared. */
  remove(...args: unknown[]): void {
    const labels = getLabels(this.labelNames, args) || {};
    validateLabel(this.labelNames, labels);
    const table = this[TABLE];
    table.remove(table.identify(labels).key);
  }

  [SAMPLES](): Entry[] {
    return entriesOf(this[TABLE]);
  }

  [READ_MAP](): Record<string, Entry> {
    return readEntries(this[TABLE]);
  }

  [WRITE_MAP](map: Record<string, unknown>): void {
    writeEntries(this[TABLE], map);
  }
}

/** As it was declared: a program may have replaced the method. */
const plainInc = Counter.prototype.incWithoutExemplar;

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value < Infinity;
}

function add(table: SeriesTable, series: Series, amount: number): IncResult {
  if (openScrapes.count > 0) beforeAdd(table);
  const value = (series.cells[series.at] as number) + amount;
  series.cells[series.at] = value;
  if (series.entry !== undefined) series.entry.value = value;
  return { labelHash: series.hash };
}

/** Everything prom-client does, in its order. */
function incCarefully(counter: Counter, table: SeriesTable, first: unknown, second: unknown): IncResult {
  let labels: Labels = {};
  let identity = NO_LABELS;
  let value = first;
  if (isObject(first)) {
    labels = first;
    value = second;
    identity = table.identify(labels);
    validateLabel(counter.labelNames, labels);
  }
  if (value && !Number.isFinite(value)) throw new TypeError(`Value is not a valid number: ${util.format(value)}`);
  if ((value as number) < 0) throw new Error('It is not possible to decrease a counter');
  if (value === null || value === undefined) value = 1;
  if (openScrapes.count > 0) beforeAdd(table);
  const known = table.byKey.get(identity.key);
  const series = known ?? table.add(identity, labels);
  // `''`, `false` and what comes of adding to them is kept as it is.
  const sum = known === undefined ? value : (known.value as never) + (value as never);
  setLoosely(table, series, sum);
  if (series.live) table.remember(labels, series);
  return { labelHash: identity.hash };
}

function setLoosely(table: SeriesTable, series: Series, value: unknown): void {
  if (typeof value === 'number') {
    if (series.loose !== undefined) table.unhide(series);
    series.loose = undefined;
    series.cells[series.at] = value;
  } else {
    if (series.loose === undefined) table.hide(series);
    series.loose = value;
  }
  if (series.entry !== undefined) series.entry.value = value as number;
}
