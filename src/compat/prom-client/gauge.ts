// prom-client's gauge. App threads.
import util from 'util';
import { getLabels, identify, isObject, type Labels, NO_LABELS } from './label-identity.js';
import { connect, entriesOf, Metric, type MetricConfig, READ_MAP, readEntries, SAMPLES, WRITE_MAP, writeEntries } from './metric.js';
import { beforeAdd, beforeChange, openScrapes } from './open-scrapes.js';
import type { Entry, Series } from './series.js';
import { type SeriesTable, TABLE } from './series-table.js';
import { validateLabel } from './validation.js';

/** See the file. */
export class Gauge extends Metric {
  constructor(config: MetricConfig) {
    super(config);
    this.type = 'gauge';
    connect(this, { kind: 2 }, 1);
  }

  /** Sets a series: `set(value)` or `set(labels, value)`. @throws TypeError for no number, Error for labels that were not declared. */
  set(labels?: unknown, value?: unknown): void {
    const table = this[TABLE];
    if (typeof labels === 'object' && labels !== null) {
      if (typeof value === 'number') {
        const series = table.find(labels as Labels);
        // Own labels tell series apart here, and what is printed is the last spelling.
        if (series?.isSpelled(labels as Labels)) {
          store(table, series, value);
          return;
        }
      }
      setCarefully(this, table, labels as Labels, value);
    } else if (typeof labels === 'number' && table.bare?.isSpelled(NOTHING)) {
      store(table, table.bare, labels);
    } else {
      setCarefully(this, table, {}, labels);
    }
  }

  /** Back to 0 without label names, to no series with them. */
  override reset(): void {
    const table = this[TABLE];
    table.clear();
    if (this.labelNames.length === 0) table.add(NO_LABELS, {});
  }

  /** Adds `value`, 1 without one. @throws as `set` does. */
  inc(labels?: unknown, value?: unknown): void {
    const amount = isObject(labels) ? value : labels;
    change(this, isObject(labels) ? labels : {}, amount === undefined ? 1 : amount);
  }

  /** Takes `value` away, 1 without one. @throws as `set` does. */
  dec(labels?: unknown, value?: unknown): void {
    const amount = isObject(labels) ? value : labels;
    change(this, isObject(labels) ? labels : {}, amount === undefined ? -1 : -(amount as number));
  }

  /** Sets a series to the seconds since 1970. */
  setToCurrentTime(labels?: unknown): void {
    const now = Date.now() / 1000;
    if (labels === undefined) this.set(now);
    else this.set(labels, now);
  }

  /** Starts a clock; the function it gives sets the series to the seconds since, and returns them. */
  startTimer(labels?: object): (endLabels?: object) => number {
    const start = process.hrtime();
    return (endLabels) => {
      const delta = process.hrtime(start);
      const value = delta[0] + delta[1] / 1e9;
      this.set(Object.assign({}, labels, endLabels), value);
      return value;
    };
  }

  _getValue(labels?: unknown): unknown {
    const table = this[TABLE];
    const value = table.byKey.get(table.identify((labels || {}) as Labels).key)?.value;
    return value === undefined ? 0 : value;
  }

  /** The series of an object of labels, or of values in the order of the names. @throws Error for anything else. */
  labels(...args: unknown[]) {
    const labels = getLabels(this.labelNames, args);
    validateLabel(this.labelNames, labels);
    return {
      inc: this.inc.bind(this, labels),
      dec: this.dec.bind(this, labels),
      set: this.set.bind(this, labels),
      setToCurrentTime: this.setToCurrentTime.bind(this, labels),
      startTimer: this.startTimer.bind(this, labels),
    };
  }

  /** Takes one series out. @throws as `labels` does. */
  remove(...args: unknown[]): void {
    const labels = getLabels(this.labelNames, args);
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

const NOTHING: Labels = Object.freeze({});

/** What was handed out keeps the value before: prom-client replaces the entry. */
function store(table: SeriesTable, series: Series, value: number): void {
  if (openScrapes.count > 0) beforeChange(table);
  series.entry = undefined;
  series.cells[series.at] = value;
}

function setCarefully(gauge: Gauge, table: SeriesTable, labels: Labels, value: unknown): void {
  if (typeof value !== 'number') throw new TypeError(`Value is not a valid number: ${util.format(value)}`);
  validateLabel(gauge.labelNames, labels);
  const identity = identify(Object.keys(labels).sort(), labels);
  let series = table.byKey.get(identity.key);
  if (series === undefined) series = table.add(identity, labels);
  else table.respell(series, labels);
  store(table, series, value);
  table.remember(labels, series);
}

function change(gauge: Gauge, labels: Labels, delta: unknown): void {
  if (typeof delta !== 'number') throw new TypeError(`Delta is not a valid number: ${util.format(delta)}`);
  const table = gauge[TABLE];
  if (openScrapes.count > 0) beforeAdd(table);
  let series = table.find(labels);
  if (series === undefined) {
    validateLabel(gauge.labelNames, labels);
    const identity = table.identify(labels);
    series = table.byKey.get(identity.key);
    if (series === undefined) {
      series = table.add(identity, labels);
      // Not added to 0, which would take the sign of -0.
      series.cells[series.at] = -0;
    }
    table.remember(labels, series);
  }
  const value = (series.cells[series.at] as number) + delta;
  series.cells[series.at] = value;
  if (series.entry !== undefined) series.entry.value = value;
}
