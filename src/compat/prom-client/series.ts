// One series of the drop-in: its labels as the program spelled them, and where its numbers lie. App threads.
import type { Exemplar } from './exemplar.js';
import { type Identity, isObject, type Labels } from './label-identity.js';
import type { TimeWindowQuantiles } from './time-window-quantiles.js';

/** What `get()` gives of a counter's or gauge's series, and goes on showing as the series changes. */
export interface Entry {
  value: number;
  labels: Labels;
  exemplar?: Exemplar;
}

/** Exemplars of a histogram's series by upper bound; `-1` is that of the bucket without one. */
export type BucketExemplars = Record<string, Exemplar | null>;

/** See the file. */
export class Series {
  /** This thread's cells, or memory of its own where native code has none. */
  cells: Float64Array;
  /** Its first cell. */
  at: number;
  readonly key: string;
  /** What `inc` returns. */
  readonly hash: string;
  /** Number in its table. */
  readonly number: number;
  /** Own label names in the order in which the program gave them first, and their values as given: what is printed. */
  names: readonly string[];
  values: readonly unknown[];
  /** Prototype of the object that the program gave: what is handed out looks like it. */
  #prototype: object | null;
  /** False once it was removed, and while its value is no number: handles have to look again. */
  live = true;
  /** Its own labels are those that identify it, so that its spellings can be forgotten by them: else none is remembered. */
  steady = true;
  /** Native code has it. */
  native = false;
  /** Its cells as native code numbers them. */
  location = 0;
  /** Names and values in turn by which native code knows it, once a program spells them otherwise. */
  nativePairs: readonly string[] | undefined = undefined;
  /** What it printed when it was made, if that is not what identifies it. */
  printed: string | undefined = undefined;
  /** Handed out by `get()`: shows the value from then on. */
  entry: Entry | undefined = undefined;
  /** A value that is no number, which a counter takes from a program that gives it `''`. */
  loose: unknown = undefined;
  exemplars: BucketExemplars | undefined = undefined;
  /** Of a summary. */
  digests: TimeWindowQuantiles | undefined = undefined;

  constructor(number: number, identity: Identity, labels: unknown, cells: Float64Array, at: number) {
    this.number = number;
    this.key = identity.key;
    this.hash = identity.hash;
    this.names = labelNames(labels);
    this.values = labelValues(labels);
    this.#prototype = prototypeOf(labels);
    this.cells = cells;
    this.at = at;
  }

  /** A new object of the labels, as the program spelled them. */
  labels(): Labels {
    const labels: Labels = this.#prototype === Object.prototype ? {} : emptyLike(this.#prototype);
    for (let at = 0; at < this.names.length; at++) labels[this.names[at] as string] = this.values[at];
    return labels;
  }

  /** Names and values in turn, as they are printed. */
  pairs(): string[] {
    return this.names.flatMap((name, at) => [name, `${this.values[at]}`]);
  }

  /** True when `labels` is spelled as these are: same names in the same order, same values, and a plain object. */
  isSpelled(labels: Labels): boolean {
    const { names, values } = this;
    if (this.#prototype !== Object.prototype || Object.getPrototypeOf(labels) !== Object.prototype) return false;
    let at = 0;
    for (const name in labels) {
      if (name !== names[at] || !Object.is(labels[name], values[at])) return false;
      at++;
    }
    return at === names.length;
  }

  /** Takes another spelling of the same labels over; true when what is printed changes. */
  respell(labels: unknown): boolean {
    const names = labelNames(labels);
    const values = labelValues(labels);
    const printed =
      names.length !== this.names.length || names.some((name, at) => name !== this.names[at] || `${values[at]}` !== `${this.values[at]}`);
    if (printed && this.native) this.nativePairs ??= this.pairs();
    this.names = names;
    this.values = values;
    this.#prototype = prototypeOf(labels);
    return printed;
  }

  /** The single value of a counter or gauge. */
  get value(): unknown {
    return this.loose === undefined ? this.cells[this.at] : this.loose;
  }
}

function labelNames(labels: unknown): readonly string[] {
  return isObject(labels) ? Object.keys(labels) : [];
}

function labelValues(labels: unknown): readonly unknown[] {
  return isObject(labels) ? Object.values(labels) : [];
}

function prototypeOf(labels: unknown): object | null {
  return isObject(labels) ? Object.getPrototypeOf(labels) : Object.prototype;
}

function emptyLike(prototype: object | null): Labels {
  return prototype === Array.prototype ? ([] as unknown as Labels) : Object.create(prototype);
}
