// prom-client's summary, on the t-digest it uses: an observation changes digests in JavaScript memory. Count and sum lie in native cells,
// and so do the quantiles as the last scrape saw them. App threads.
import util from 'util';
import { getLabels, type Identity, type Labels, NO_LABELS } from './label-identity.js';
import { connect, Metric, type MetricConfig, type MetricData, READ_MAP, READERS, runCollect, SAMPLES, WRITE_MAP } from './metric.js';
import type { Series } from './series.js';
import { TABLE } from './series-table.js';
import type { Sample } from './text.js';
import { TimeWindowQuantiles } from './time-window-quantiles.js';
import { validateLabel } from './validation.js';

/** What a summary takes beside the rest. */
export interface SummaryConfig extends MetricConfig {
  readonly percentiles?: number[];
  readonly maxAgeSeconds?: number;
  readonly ageBuckets?: number;
  readonly pruneAgedBuckets?: boolean;
  readonly compressCount?: number;
}

/** A series as prom-client's map has it. */
interface SummaryEntry {
  labels: Labels;
  td: TimeWindowQuantiles;
  count: number;
  sum: number;
}

/** Cells of a series. */
const COUNT = 0;
const SUM = 1;
const QUANTILES = 2;

/** See the file. */
export class Summary extends Metric {
  declare percentiles: readonly number[];
  declare maxAgeSeconds: number | undefined;
  declare ageBuckets: number | undefined;
  declare pruneAgedBuckets: boolean | undefined;
  declare compressCount: number;

  constructor(config: SummaryConfig) {
    super(config, { percentiles: [0.01, 0.05, 0.5, 0.9, 0.95, 0.99, 0.999], compressCount: 1000, hashMap: {} });
    this.type = 'summary';
    for (const label of this.labelNames) if (label === 'quantile') throw new Error('quantile is a reserved label keyword');
    const { percentiles } = this;
    if (Array.isArray(percentiles) && percentiles.every((quantile) => quantile >= 0 && quantile <= 1)) {
      connect(this, { kind: 4, quantiles: percentiles }, QUANTILES + percentiles.length);
    } else {
      this[TABLE].keepPrivate(QUANTILES);
    }
    if (this.labelNames.length === 0) addSeries(this, NO_LABELS, {});
  }

  /**
   * Takes an observation: `observe(value)` or `observe(labels, value)`.
   * @throws TypeError for no finite number, Error for labels that were not declared.
   */
  observe(labels?: unknown, value?: unknown): void {
    observe(this, labels === 0 ? 0 : labels || {}, value);
  }

  /** Asks `collect`, and gives the name, the help and a sample per quantile, sum and count. */
  override async get(): Promise<MetricData> {
    const collected = runCollect(this);
    if (collected !== undefined) await collected;
    return { name: this.name, help: this.help, type: this.type, values: this[SAMPLES](), aggregator: this.aggregator };
  }

  /** Sets all series to nothing observed; none disappears. */
  override reset(): void {
    for (const series of this[TABLE].byKey.values()) {
      series.digests?.reset();
      series.cells.fill(0, series.at, series.at + QUANTILES);
    }
  }

  /** Starts a clock; the function it gives observes the seconds since with the labels of both calls, and returns them. */
  startTimer(labels?: object): (endLabels?: object) => number {
    return startTimer(this, labels);
  }

  /** The series of an object of labels, or of values in the order of the names. @throws Error for anything else. */
  labels(...args: unknown[]) {
    const labels = getLabels(this.labelNames, args);
    validateLabel(this.labelNames, labels);
    return { observe: (value?: unknown) => observe(this, labels, value), startTimer: () => startTimer(this, labels) };
  }

  /** Takes one series out. @throws as `labels` does. */
  remove(...args: unknown[]): void {
    const labels = getLabels(this.labelNames, args);
    validateLabel(this.labelNames, labels);
    const table = this[TABLE];
    table.remove(table.identify(labels).key);
  }

  /** Takes out what has aged, where that is asked for. */
  [SAMPLES](): Sample[] {
    const { name, percentiles } = this;
    const table = this[TABLE];
    const samples: Sample[] = [];
    for (const series of [...table.byKey.values()]) {
      const digests = series.digests as TimeWindowQuantiles;
      if (this.pruneAgedBuckets && digests.size() === 0) {
        table.remove(series.key);
        continue;
      }
      const labels = series.labels();
      const { cells, at } = series;
      digests.compress();
      for (const [n, quantile] of percentiles.entries()) {
        const value = digests.percentile(quantile) || 0;
        if (QUANTILES + n < table.cells) cells[at + QUANTILES + n] = value;
        samples.push({ labels: { quantile, ...labels }, value });
      }
      samples.push({ metricName: `${name}_sum`, labels, value: cells[at + SUM] as number });
      samples.push({ metricName: `${name}_count`, labels: series.labels(), value: cells[at + COUNT] as number });
    }
    return samples;
  }

  [READ_MAP](): Record<string, SummaryEntry> {
    const map: Record<string, SummaryEntry> = {};
    for (const series of this[TABLE].byKey.values()) {
      const { cells, at, digests } = series;
      map[series.key] = {
        labels: series.labels(),
        td: digests as TimeWindowQuantiles,
        count: cells[at + COUNT] as number,
        sum: cells[at + SUM] as number,
      };
    }
    return map;
  }

  [WRITE_MAP](map: Record<string, unknown>): void {
    const table = this[TABLE];
    table.clear();
    for (const { labels = {}, td, count, sum } of Object.values(map) as SummaryEntry[]) {
      const series = table.add(table.identify(labels), labels);
      series.digests = td;
      series.cells.set([count, sum], series.at);
    }
  }
}

READERS.add(Summary.prototype.get);

/** Everything prom-client does, in its order. */
function observe(summary: Summary, first: unknown, second: unknown): void {
  const [labels, value] = second === undefined ? [{}, first] : [first, second];
  validateLabel(summary.labelNames, first);
  if (!Number.isFinite(value)) throw new TypeError(`Value is not a valid number: ${util.format(value)}`);
  const table = summary[TABLE];
  const identity = table.identify(labels as Labels);
  const { digests, cells, at } = table.byKey.get(identity.key) ?? addSeries(summary, identity, labels);
  digests?.push(value as number);
  const count = (cells[at + COUNT] as number) + 1;
  cells[at + COUNT] = count;
  if (count % summary.compressCount === 0) digests?.compress();
  (cells[at + SUM] as number) += value as number;
}

function addSeries(summary: Summary, identity: Identity, labels: unknown): Series {
  const digests = new TimeWindowQuantiles(summary.maxAgeSeconds, summary.ageBuckets);
  const series = summary[TABLE].add(identity, labels);
  series.digests = digests;
  return series;
}

/** Asks the clock of the moment: tests replace it. */
function startTimer(summary: Summary, labels: object | undefined): (endLabels?: object) => number {
  const start = process.hrtime();
  return (endLabels) => {
    const delta = process.hrtime(start);
    const value = delta[0] + delta[1] / 1e9;
    summary.observe(Object.assign({}, labels, endLabels), value);
    return value;
  };
}
