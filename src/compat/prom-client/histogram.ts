// prom-client's histogram. App threads; an observation of labels seen before is a look-up and two stores into native cells.
import util from 'util';
import { BucketLayout } from './bucket-layout.js';
import { Exemplar, keepNatively, nowTimestamp } from './exemplar.js';
import { getLabels, type Identity, isObject, type Labels, NO_LABELS } from './label-identity.js';
import { connect, Metric, type MetricConfig, type MetricData, READ_MAP, READERS, runCollect, SAMPLES, WRITE_MAP } from './metric.js';
import { beforeChange, openScrapes } from './open-scrapes.js';
import type { BucketExemplars, Series } from './series.js';
import { type SeriesTable, TABLE } from './series-table.js';
import type { Sample } from './text.js';
import { validateLabel } from './validation.js';

/** Name of the layout on a histogram. */
const LAYOUT: unique symbol = Symbol('kymo.layout');

/** Upper bounds in seconds. */
const DEFAULT_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What a histogram takes beside the rest. */
export interface HistogramConfig extends MetricConfig {
  readonly buckets?: number[];
}

interface ObserveWithExemplar {
  labels?: Labels;
  value?: number;
  exemplarLabels?: object;
}

/** A series as prom-client's map has it. */
interface HistogramEntry {
  labels: Labels;
  bucketValues: Record<string, number>;
  sum: number;
  count: number;
  bucketExemplars?: BucketExemplars;
}

/** See the file. */
export class Histogram extends Metric {
  declare buckets: readonly number[];
  declare upperBounds: readonly number[];
  declare bucketValues: Readonly<Record<string, number>>;
  declare bucketExemplars: Readonly<BucketExemplars> | undefined;
  declare defaultLabels: Labels;
  declare defaultExemplarLabelSet: object;
  /** Counts an observation: `observe(value)`, `observe(labels, value)`, or one object where exemplars are enabled. */
  declare observe: (first?: unknown, second?: unknown) => void;
  declare readonly [LAYOUT]: BucketLayout;

  constructor(config: HistogramConfig) {
    super(config, { buckets: [...DEFAULT_BUCKETS] });
    this.type = 'histogram';
    this.defaultLabels = {};
    this.defaultExemplarLabelSet = {};
    this.enableExemplars = false;
    for (const label of this.labelNames) if (label === 'le') throw new Error('le is a reserved label keyword');
    this.upperBounds = this.buckets;
    this.bucketValues = Object.freeze(this.upperBounds.reduce(...byBound(0)));
    if (config.enableExemplars) {
      this.enableExemplars = true;
      this.bucketExemplars = Object.freeze(this.upperBounds.reduce(...byBound<Exemplar | null>(null)));
      this.observe = this.observeWithExemplar as Histogram['observe'];
    } else {
      this.observe = this.observeWithoutExemplar;
    }
    Object.freeze(this.upperBounds);
    const layout = new BucketLayout(this.upperBounds);
    // Like the table: not enumerable, and there for a proxy of the metric as well.
    Object.defineProperty(this, LAYOUT, { value: layout });
    if (layout.ascending) connect(this, { kind: 3, bounds: layout.bounds }, layout.cells);
    else this[TABLE].keepPrivate(layout.cells);
    if (this.labelNames.length === 0) addSeries(this, NO_LABELS, {});
  }

  /**
   * Counts one observation.
   * @throws TypeError for no finite number, Error for labels that were not declared.
   */
  observeWithoutExemplar(labels?: unknown, value?: unknown): void {
    const table = this[TABLE];
    if (typeof labels === 'object' && labels !== null) {
      if (isFiniteNumber(value)) {
        const series = table.find(labels as Labels);
        if (series !== undefined) {
          record(this[LAYOUT], table, series, value);
          return;
        }
      }
    } else if (table.bare !== undefined && isFiniteNumber(labels)) {
      record(this[LAYOUT], table, table.bare, labels);
      return;
    }
    observe(this, labels === 0 ? 0 : labels || {}, value);
  }

  /** As {@link observeWithoutExemplar}, and keeps the exemplar if there is one. @throws RangeError for labels of it that are too long. */
  observeWithExemplar({
    labels = this.defaultLabels,
    value,
    exemplarLabels = this.defaultExemplarLabelSet,
  }: ObserveWithExemplar = {}): void {
    observe(this, (labels as unknown) === 0 ? 0 : labels || {}, value);
    this.updateExemplar(labels, value as number, exemplarLabels);
  }

  updateExemplar(labels: Labels, value: number, exemplarLabels: object): void {
    if (Object.keys(exemplarLabels).length === 0) return;
    const table = this[TABLE];
    const bound = this.upperBounds.find((upper) => value <= upper) ?? -1;
    const series = table.byKey.get(table.identify(labels).key) as Series;
    const exemplars = series.exemplars as BucketExemplars;
    let exemplar = exemplars[bound];
    if (!isObject(exemplar)) {
      exemplar = new Exemplar();
      exemplars[bound] = exemplar;
    }
    exemplar.validateExemplarLabelSet(exemplarLabels);
    exemplar.labelSet = { ...exemplarLabels };
    exemplar.value = value;
    exemplar.timestamp = nowTimestamp();
    keepNatively(table, series, this[LAYOUT].cellOf(value), exemplar);
  }

  /** Asks `collect`, and gives the name, the help and a sample per bucket, sum and count. */
  override async get(): Promise<MetricData> {
    const data = await this.getForPromString();
    data.values = data.values.map(({ sharedLabels, labels, ...sample }) => ({
      ...sample,
      labels: Object.assign(labels as Labels, sharedLabels),
    }));
    return data;
  }

  /** As {@link get}, with the labels that a series' samples share apart. */
  async getForPromString(): Promise<MetricData> {
    const collected = runCollect(this);
    if (collected !== undefined) await collected;
    return { name: this.name, help: this.help, type: this.type, values: this[SAMPLES](), aggregator: this.aggregator };
  }

  /** Forgets all series, that without labels included. */
  override reset(): void {
    this[TABLE].clear();
  }

  /** Shows a series with nothing counted, or sets it back to that. */
  zero(labels: Labels): void {
    const table = this[TABLE];
    const identity = table.identify(labels);
    const series = table.byKey.get(identity.key);
    if (series === undefined) {
      addSeries(this, identity, labels);
      return;
    }
    table.respell(series, labels);
    series.cells.fill(0, series.at, series.at + this[LAYOUT].cells);
    if (this.bucketExemplars) series.exemplars = { ...this.bucketExemplars };
  }

  /** Starts a clock; the function it gives observes the seconds since with the labels of both calls, and returns them. */
  startTimer(labels?: object, exemplarLabels?: object): (endLabels?: object, endExemplarLabels?: object) => number {
    return this.enableExemplars ? startTimerWithExemplar(this, labels, exemplarLabels) : startTimer(this, labels);
  }

  /** The series of an object of labels, or of values in the order of the names. @throws Error for anything else. */
  labels(...args: unknown[]) {
    const first = args[0];
    if (typeof first === 'object' || args.length !== this.labelNames.length) {
      const labels = getLabels(this.labelNames, args);
      validateLabel(this.labelNames, labels);
      return { observe: (value?: unknown) => observe(this, labels, value), startTimer: () => startTimer(this, labels) };
    }
    const table = this[TABLE];
    let series = table.findValues(args);
    const layout = this[LAYOUT];
    const observeBound = (value?: unknown): void => {
      if (series?.live && isFiniteNumber(value)) {
        record(layout, table, series, value);
        return;
      }
      const labels = getLabels(this.labelNames, args);
      observe(this, labels, value);
      series = table.find(labels);
    };
    return { observe: observeBound, startTimer: () => startTimer(this, getLabels(this.labelNames, args)) };
  }

  /** Takes one series out. @throws as `labels` does. */
  remove(...args: unknown[]): void {
    const labels = getLabels(this.labelNames, args);
    validateLabel(this.labelNames, labels);
    const table = this[TABLE];
    table.remove(table.identify(labels).key);
  }

  [SAMPLES](): Sample[] {
    const { name, upperBounds } = this;
    const layout = this[LAYOUT];
    const samples: Sample[] = [];
    const push = (metricName: string, labels: Labels, value: number, exemplar: Exemplar | null | undefined, sharedLabels: Labels): void => {
      samples.push({ labels, sharedLabels, value, metricName, exemplar });
    };
    for (const series of this[TABLE].byKey.values()) {
      const { exemplars } = series;
      const shared = series.labels();
      const count = layout.count(series.cells, series.at);
      let sum = 0;
      for (const [at, bound] of upperBounds.entries()) {
        sum += series.cells[series.at + layout.cellOfBound(at)] as number;
        push(`${name}_bucket`, { le: bound }, sum, exemplars ? exemplars[bound] : null, shared);
      }
      push(`${name}_bucket`, { le: '+Inf' }, count, exemplars ? exemplars['-1'] : null, shared);
      push(`${name}_sum`, {}, series.cells[series.at + layout.sum] as number, undefined, shared);
      push(`${name}_count`, {}, count, undefined, shared);
    }
    return samples;
  }

  [READ_MAP](): Record<string, HistogramEntry> {
    const layout = this[LAYOUT];
    const map: Record<string, HistogramEntry> = {};
    for (const series of this[TABLE].byKey.values()) {
      const { cells, at, exemplars } = series;
      const bucketValues = { ...this.bucketValues };
      for (const [n, bound] of layout.bounds.entries()) bucketValues[bound] = cells[at + layout.cellOfBound(n)] as number;
      const sum = cells[at + layout.sum] as number;
      const entry: HistogramEntry = { labels: series.labels(), bucketValues, sum, count: layout.count(cells, at) };
      map[series.key] = exemplars ? { ...entry, bucketExemplars: exemplars } : entry;
    }
    return map;
  }

  [WRITE_MAP](map: Record<string, unknown>): void {
    const table = this[TABLE];
    const layout = this[LAYOUT];
    table.clear();
    for (const { labels = {}, bucketValues, sum, count } of Object.values(map) as HistogramEntry[]) {
      const { cells, at } = addSeries(this, table.identify(labels), labels);
      let below = 0;
      for (const [n, bound] of layout.bounds.entries()) {
        if (layout.cellOfBound(n) !== n) continue;
        cells[at + n] = bucketValues[bound] as number;
        below += bucketValues[bound] as number;
      }
      cells[at + layout.bounds.length] = count - below;
      cells[at + layout.sum] = sum;
    }
  }
}

/** As it was declared: a program may have replaced the method. */
const plainObserve = Histogram.prototype.observeWithoutExemplar;
READERS.add(Histogram.prototype.getForPromString);
const NOTHING: Labels = Object.freeze({});

function record(layout: BucketLayout, table: SeriesTable, series: Series, value: number): void {
  if (openScrapes.count > 0) beforeChange(table);
  const { cells, at } = series;
  (cells[at + layout.cellOf(value)] as number) += 1;
  (cells[at + layout.sum] as number) += value;
}

/** Everything prom-client does, in its order. */
function observe(histogram: Histogram, first: unknown, second: unknown): void {
  const [labels, value] = isObject(first) ? [first, second] : [{}, first];
  validateLabel(histogram.labelNames, labels);
  if (!Number.isFinite(value)) throw new TypeError(`Value is not a valid number: ${util.format(value)}`);
  const table = histogram[TABLE];
  const identity = table.identify(labels);
  const series = table.byKey.get(identity.key) ?? addSeries(histogram, identity, labels);
  table.remember(labels, series);
  record(histogram[LAYOUT], table, series, value as number);
}

function addSeries(histogram: Histogram, identity: Identity, labels: unknown): Series {
  const series = histogram[TABLE].add(identity, labels);
  if (histogram.bucketExemplars) series.exemplars = { ...histogram.bucketExemplars };
  return series;
}

function isFiniteNumber(value: unknown): value is number {
  return typeof value === 'number' && value - value === 0;
}

/** Arguments of a `reduce` over bounds: an object with `value` for each. */
function byBound<T>(value: T): [(all: Record<string, T>, bound: number) => Record<string, T>, Record<string, T>] {
  return [(all, bound) => Object.assign(all, { [bound]: value }), {}];
}

/** Asks the clock of the moment: tests replace it. */
function startTimer(histogram: Histogram, labels: object | undefined): (endLabels?: object) => number {
  const start = process.hrtime();
  return (endLabels) => {
    const delta = process.hrtime(start);
    const value = delta[0] + delta[1] / 1e9;
    const observer = histogram.observe;
    const alone =
      endLabels === undefined && (labels === undefined || labels === null || Object.getPrototypeOf(labels) === Object.prototype);
    // The same as with a copy of the labels, unless someone looks at the call.
    if (alone && observer === plainObserve) plainObserve.call(histogram, labels ?? NOTHING, value);
    else histogram.observe(Object.assign({}, labels, endLabels), value);
    return value;
  };
}

function startTimerWithExemplar(histogram: Histogram, labels: object | undefined, exemplarLabels: object | undefined) {
  const start = process.hrtime();
  return (endLabels?: object, endExemplarLabels?: object): number => {
    const delta = process.hrtime(start);
    const value = delta[0] + delta[1] / 1e9;
    const all = {
      labels: Object.assign({}, labels, endLabels),
      value,
      exemplarLabels: Object.assign({}, exemplarLabels, endExemplarLabels),
    };
    histogram.observe(all);
    return value;
  };
}
