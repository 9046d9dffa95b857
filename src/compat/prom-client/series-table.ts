// The series of one metric of the drop-in: found by their labels, kept in the order of first use as prom-client's map is, and recorded in
// native cells where they can be rendered from. App threads.
import { native } from '../../binding/load.js';
import { attach, cellOf, cellsAt, placeOf } from '../../binding/segment.js';
import { type Identity, identify, type Labels } from './label-identity.js';
import { LabelLookup, UNSEEN } from './label-lookup.js';
import { warnOfPrivateMemory } from './native-metric.js';
import { beforeChange, openScrapes } from './open-scrapes.js';
import { Series } from './series.js';

/** Name of the table on a metric: not enumerable, so that a metric prints and compares as prom-client's. */
export const TABLE: unique symbol = Symbol('kymo.series');

/** A shorter string is no slice of a longer one that it would keep alive. */
const SLICE_MIN = 13;

/** What stands above a metric's lines. */
export interface Head {
  readonly name: string;
  readonly help: string;
  readonly type: string;
}

/** See the file. */
export class SeriesTable {
  readonly lookup: LabelLookup;
  /** Series by the number that the lookup gives. */
  readonly list: (Series | undefined)[] = [];
  /** All series in the order of first use. */
  readonly byKey = new Map<string, Series>();
  /** The series without labels. */
  bare: Series | undefined;
  /** Id of the native metric; -1 while there is none. */
  nativeId = -1;
  /** Its head as native code prints it. */
  head: Head = { name: '', help: '', type: '' };
  /** Something that native code cannot print as prom-client does: text is made in JavaScript from now on. */
  odd = false;
  /** Labels that `getMetricsAsJSON()` wrote into what `get()` had handed out. */
  stamped: string | undefined;
  readonly #free: number[] = [];
  readonly #sortedNames: readonly string[];
  /** What series print whose labels are not those that identify them, such as undefined ones. */
  readonly #printed = new Set<string>();
  #cells = 1;
  #names: readonly string[] = [];

  constructor(labelNames: readonly string[], sortedNames: readonly string[]) {
    this.lookup = new LabelLookup(labelNames);
    this.#sortedNames = sortedNames;
  }

  /** Ties the table to a native metric. Series made before get their cells there. */
  connect(nativeId: number, cells: number, head: Head): void {
    this.#cells = cells;
    this.nativeId = nativeId;
    this.head = head;
    for (const series of this.byKey.values()) {
      const before = series.cells;
      this.#place(series);
      series.cells.set(before.subarray(0, Math.min(cells, before.length)), series.at);
    }
  }

  /** Cells of a series. */
  get cells(): number {
    return this.#cells;
  }

  /** Lines of its text, about. */
  get lines(): number {
    return this.byKey.size * (this.#cells === 1 ? 1 : this.#cells + 1);
  }

  /** Cells of a metric that native code does not know. */
  keepPrivate(cells: number): void {
    this.#cells = cells;
    this.odd = true;
  }

  /** What tells these labels apart. */
  identify(labels: Labels): Identity {
    return identify(this.#sortedNames, labels);
  }

  /** The series of a spelling seen before. */
  find(labels: Labels): Series | undefined {
    const number = this.lookup.walk(this.lookup.root, labels);
    return number === UNSEEN ? undefined : this.list[number];
  }

  /** As {@link find}, for values in the order of the names. */
  findValues(values: readonly unknown[]): Series | undefined {
    const number = this.lookup.findValues(values);
    return number === UNSEEN ? undefined : this.list[number];
  }

  /** Makes a series, with 0 in all cells. */
  add(identity: Identity, labels: unknown): Series {
    if (openScrapes.count > 0) beforeChange(this);
    const number = this.#free.pop() ?? this.list.length;
    const series = new Series(number, identity, labels, new Float64Array(0), 0);
    series.values = series.values.map(own);
    series.names = this.#shared(series.names);
    series.steady = this.#isSteady(series);
    this.#place(series);
    this.list[number] = series;
    this.byKey.set(series.key, series);
    if (series.key === '') this.bare = series;
    return series;
  }

  /** Lets a spelling of a series be found at once, unless some of it may be inherited: gauges ask for own labels only. */
  remember(labels: Labels, series: Series): void {
    const prototype = Object.getPrototypeOf(labels);
    if (series.steady && (prototype === Object.prototype || prototype === null)) this.lookup.remember(labels, series.number);
  }

  /** Another spelling is printed from now on. */
  respell(series: Series, labels: unknown): void {
    if (openScrapes.count > 0) beforeChange(this);
    if (series.steady) this.lookup.forget(series.labels());
    if (series.respell(labels)) this.odd = true;
    series.steady = this.#isSteady(series);
  }

  /** From now on handles and the lookup do not find it: its value is no number. */
  hide(series: Series): void {
    this.odd = true;
    series.live = false;
    if (series.steady) this.lookup.forget(series.labels());
    if (this.bare === series) this.bare = undefined;
  }

  /** Takes {@link hide} back. */
  unhide(series: Series): void {
    series.live = true;
    if (series.key === '') this.bare = series;
  }

  /** Takes one series out. */
  remove(key: string): void {
    const series = this.byKey.get(key);
    if (series === undefined) return;
    if (openScrapes.count > 0) beforeChange(this);
    this.byKey.delete(key);
    if (series.steady) this.lookup.forget(series.labels());
    this.list[series.number] = undefined;
    this.#free.push(series.number);
    this.#drop(series);
  }

  /** Takes all series out. */
  clear(): void {
    if (this.byKey.size === 0) return;
    if (openScrapes.count > 0) beforeChange(this);
    for (const series of this.byKey.values()) this.#drop(series);
    this.byKey.clear();
    this.lookup.clear();
    this.list.length = 0;
    this.#free.length = 0;
    this.#printed.clear();
  }

  #drop(series: Series): void {
    series.live = false;
    if (this.bare === series) this.bare = undefined;
    if (series.printed !== undefined) this.#printed.delete(series.printed);
    if (!series.native) return;
    // Its cells may be another series' soon; whoever still holds it sees that it lives no more.
    native.removePairs(this.nativeId, false, ...(series.nativePairs ?? series.pairs()));
  }

  /** One list for all series with the same names in the same order. */
  #shared(names: readonly string[]): readonly string[] {
    if (names.length !== this.#names.length || names.some((name, at) => name !== this.#names[at])) this.#names = names;
    return this.#names;
  }

  #isSteady(series: Series): boolean {
    return identify(this.#sortedNames, series.labels()).key === series.key;
  }

  /** Gives a series its cells: native ones if it prints something that no other does. */
  #place(series: Series): void {
    const printed = printedKey(series);
    const plain = printed === series.key;
    const taken = plain ? this.#printed.has(printed) : this.byKey.has(printed) || this.#printed.has(printed);
    if (!plain && !taken) {
      this.#printed.add(printed);
      series.printed = printed;
    }
    if (this.nativeId >= 0 && !taken && this.#placeNatively(series)) return;
    if (this.nativeId >= 0) this.odd = true;
    series.cells = new Float64Array(this.#cells);
    series.at = 0;
  }

  #placeNatively(series: Series): boolean {
    const pairs = series.pairs();
    // Half a surrogate pair has no UTF-8: native code would print something else.
    if (!pairs.every((text) => text.isWellFormed())) return false;
    attach();
    const location = native.registerPairs(this.nativeId, ...pairs);
    if (location < 0) return warnOfPrivateMemory(location);
    try {
      const place = placeOf(location);
      series.cells = cellsAt(place);
      series.at = cellOf(place);
    } catch {
      return warnOfPrivateMemory(location);
    }
    series.native = true;
    series.location = location;
    return true;
  }
}

/** The key of the labels that a series prints, which may not be those that identify it. */
function printedKey(series: Series): string {
  const labels: Labels = {};
  for (let at = 0; at < series.names.length; at++) labels[series.names[at] as string] = `${series.values[at]}`;
  return identify([...series.names].sort(), labels).key;
}

/** A value that keeps no longer string alive. */
function own(value: unknown): unknown {
  return typeof value === 'string' && value.length >= SLICE_MIN ? native.copyString(value) : value;
}
