// From label values to a place, without allocation for a known combination: nested levels, one per label, keyed by
// the values themselves, so that no separator can be imitated. App thread.
import { native } from '../binding/load.js';
import type { Place } from '../binding/segment.js';
import type { LabelRules } from './label-input.js';
import { Level, type Next } from './label-level.js';
import { type PartialWalk, partialWalkFor, UNKNOWN, unknown, type Walk, walkFor } from './label-walk.js';

/** A label value. Numbers, booleans and bigints are written as `String(value)`. */
export type LabelValue = string | number | boolean | bigint;
/** Values by label name. */
export type LabelValues<N extends string = string> = { readonly [K in N]: LabelValue | undefined | null };

/** Values by label name, where those of the names `D` may be left out: they have a default. */
export type GivenLabels<N extends string, D extends string> = LabelValues<Exclude<N, D>> & Partial<LabelValues<D>>;

/** Shorter strings cannot be slices of a longer one that they would keep alive. */
const SLICE_MIN = 13;
/** The levels are put in order of cardinality when so many combinations are known, and again at every eighth power after. */
const FIRST_ORDER_AT = 64;

export { UNKNOWN };

/** See the file. One per metric and thread. */
export class LabelIndex {
  /** Names in the order of the declaration. */
  readonly names: readonly string[];
  /** Names in the order of the levels: low cardinality first, which keeps the maps few (37 instead of 221 bytes per series). */
  #levels: string[];
  /** Walks the levels with an object of labels. */
  #walk: Walk;
  /** The same for objects that may leave values out. */
  #partialWalk: PartialWalk = unknown;
  /** What stands in for a missing value, in the order of the levels. */
  #levelFallbacks: readonly (string | undefined)[] = [];
  readonly #fallbacks: readonly (string | undefined)[];
  /** A name is one that every object inherits, such as `constructor`: then each call takes the careful path. */
  readonly #inherited: boolean;
  #root = new Level();
  /** The place of a metric without labels. */
  #only: Place = UNKNOWN;
  #size = 0;
  #orderAt = FIRST_ORDER_AT;

  /** @param fallbacks texts for missing values, as in {@link LabelRules} */
  constructor(names: readonly string[], fallbacks: readonly (string | undefined)[] = []) {
    this.names = names;
    this.#fallbacks = fallbacks;
    this.#levels = [...names];
    this.#inherited = names.some((name) => name in Object.prototype);
    this.#walk = this.#compile();
  }

  /** The walk through the levels as they are now. */
  #compile(): Walk {
    if (this.#inherited) return unknown;
    this.#levelFallbacks = this.#levels.map((name) => this.#fallbacks[this.names.indexOf(name)]);
    if (this.#levelFallbacks.some((text) => text !== undefined)) this.#partialWalk = partialWalkFor(this.#levels);
    return walkFor(this.#levels);
  }

  /** Combinations known. */
  get size(): number {
    return this.#size;
  }

  /**
   * The place of a known combination, {@link UNKNOWN} otherwise. Allocates nothing. Reads the declared names only; that there
   * are no others, and that these are the object's own, is checked when a combination is first seen (`LabelInput`).
   */
  find(labels: LabelValues): Place {
    return this.#walk(this.#root, labels);
  }

  /**
   * As {@link find}, for objects that leave out values which {@link LabelRules.fallbacks} stands in for. Allocates nothing. Every
   * name that is there is looked at: a misspelt one must not become a missing one.
   */
  findPartial(labels: LabelValues, { accepted }: LabelRules): Place {
    if (this.#inherited) return UNKNOWN;
    for (const name in labels) if (!accepted.includes(name)) return UNKNOWN;
    return this.#partialWalk(this.#root, labels, this.#levelFallbacks);
  }

  /** As {@link find}, for values in the order of the declaration. */
  findValues(values: readonly LabelValue[]): Place {
    if (this.names.length === 0) return this.#only;
    let at: Next | undefined = this.#root;
    for (const name of this.#levels) {
      at = (at as Level).get(values[this.names.indexOf(name)] as LabelValue);
      if (at === undefined) return UNKNOWN;
    }
    return at as Place;
  }

  /** Remembers a combination. Strings that may be slices are copied first. */
  add(values: readonly LabelValue[], place: Place): void {
    if (this.names.length === 0) {
      this.#only = place;
      return;
    }
    let level = this.#root;
    const last = this.#levels.length - 1;
    for (let depth = 0; depth < last; depth++) {
      const value = values[this.names.indexOf(this.#levels[depth] as string)] as LabelValue;
      let next = level.get(value) as Level | undefined;
      if (next === undefined) {
        next = new Level();
        level.set(fresh(value), next);
      }
      level = next;
    }
    const value = values[this.names.indexOf(this.#levels[last] as string)] as LabelValue;
    const before = level.size;
    level.set(fresh(value), place);
    this.#size += level.size - before;
    if (this.#size >= this.#orderAt) this.#order();
  }

  /** Forgets every spelling of a combination: the number 200 and the string '200' are the same series. */
  delete(values: readonly string[]): void {
    this.#only = UNKNOWN;
    if (this.names.length > 0) this.#prune(this.#root, 0, values);
  }

  #prune(level: Level, depth: number, values: readonly string[]): void {
    const wanted = values[this.names.indexOf(this.#levels[depth] as string)] as string;
    for (const key of spellings(wanted)) {
      const next = level.get(key);
      if (next === undefined) continue;
      if (typeof next === 'number') {
        level.delete(key);
        this.#size -= 1;
      } else {
        this.#prune(next, depth + 1, values);
        if (next.size === 0) level.delete(key);
      }
    }
  }

  /** Counts the distinct values of each label and, if that changes the order, rebuilds the levels: low cardinality first. */
  #order(): void {
    this.#orderAt *= 8;
    if (this.#levels.length < 2) return;
    const distinct = this.#levels.map(() => new Set<LabelValue>());
    const count = (level: Level, depth: number): void => {
      for (const [key, next] of level) {
        (distinct[depth] as Set<LabelValue>).add(key);
        if (typeof next !== 'number') count(next, depth + 1);
      }
    };
    count(this.#root, 0);
    const sizes = distinct.map((values) => values.size);
    const order = sizes.map((_, at) => at).sort((a, b) => (sizes[a] as number) - (sizes[b] as number));
    if (order.every((at, depth) => at === depth)) return;
    const rows: LabelValue[][] = [];
    const walk = (level: Level, row: LabelValue[]): void => {
      for (const [key, next] of level) typeof next === 'number' ? rows.push([...row, key, next]) : walk(next, [...row, key]);
    };
    walk(this.#root, []);
    this.#levels = order.map((at) => this.#levels[at] as string);
    this.#walk = this.#compile();
    this.#root = new Level();
    for (const row of rows) {
      let level = this.#root;
      for (const at of order.slice(0, -1)) {
        let next = level.get(row[at] as LabelValue) as Level | undefined;
        if (next === undefined) {
          next = new Level();
          level.set(row[at] as LabelValue, next);
        }
        level = next;
      }
      level.set(row[order.at(-1) as number] as LabelValue, row.at(-1) as Place);
    }
    this.#size = rows.length;
  }
}

/** A value that keeps no longer string alive. */
export function fresh<V extends LabelValue>(value: V): V {
  return typeof value === 'string' && value.length >= SLICE_MIN ? (native.copyString(value) as V) : value;
}

/** Every map key that stands for the text of a value. */
function spellings(text: string): LabelValue[] {
  const keys: LabelValue[] = [text];
  const number = Number(text);
  if (String(number) === text) keys.push(number);
  if (text === 'true' || text === 'false') keys.push(text === 'true');
  if (/^(0|-?[1-9]\d*)$/.test(text)) keys.push(BigInt(text));
  return keys;
}

/**
 * The text of a label value, with U+FFFD for lone surrogates as a scrape shows it: two values that look alike are one series.
 * Undefined for one that cannot be told (an object whose `toString` throws).
 */
export function labelText(value: unknown): string | undefined {
  try {
    return (typeof value === 'string' ? value : String(value)).toWellFormed();
  } catch {
    return undefined;
  }
}

/** True for a value that a map may be keyed by. */
export function isLabelValue(value: unknown): value is LabelValue {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint';
}
