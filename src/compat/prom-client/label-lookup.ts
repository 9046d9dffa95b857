// From a metric's labels to the number of a series, without allocation for a spelling that was seen before. It is a cache: whatever it
// does not know goes by the identity of the labels. App threads; the hottest code of the drop-in.
import { Level, type Next } from '../../metrics/label-level.js';
import type { Labels } from './label-identity.js';

/** Gives the number of a series, or {@link UNSEEN}. */
type Walk = (root: Level, labels: Labels) => number;

/** Not a spelling that was seen before: the careful path decides. */
export const UNSEEN = -1;

type Key = Parameters<Level['get']>[0];

const LEGACY_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const walks = new Map<string, Walk>();

/**
 * The walk for these names. It gives up at a property, own or inherited, of another name: prom-client refuses such labels. Compiled per
 * set of names where the engine allows it, so that each access to a property stays monomorphic.
 */
function walkFor(names: readonly string[]): Walk {
  const key = names.join();
  let walk = walks.get(key);
  if (walk === undefined) {
    walk = compiled(names) ?? looped(names);
    walks.set(key, walk);
  }
  return walk;
}

function compiled(names: readonly string[]): Walk | undefined {
  const others = names.map((name) => `name !== '${name}'`).join(' && ') || 'true';
  const steps = names.map((name) => `at = at.get(labels.${name}); if (at === undefined) return ${UNSEEN};`);
  const last = names.length === 0 ? `at = at.get(undefined); if (at === undefined) return ${UNSEEN};` : '';
  try {
    const body = `"use strict"; for (const name in labels) if (${others}) return ${UNSEEN}; ${steps.join(' ')} ${last} return at;`;
    return new Function('at', 'labels', body) as Walk;
  } catch {
    return undefined; // The process forbids code from text.
  }
}

function looped(names: readonly string[]): Walk {
  const levels = names.length === 0 ? [''] : names;
  return (root, labels) => {
    for (const name in labels) if (!names.includes(name)) return UNSEEN;
    let at: Next | undefined = root;
    for (const name of levels) {
      at = (at as Level).get((name === '' ? undefined : labels[name]) as Key);
      if (at === undefined) return UNSEEN;
    }
    return at as number;
  };
}

function nothing(): number {
  return UNSEEN;
}

/** The spellings of one metric. */
export class LabelLookup {
  root = new Level();
  readonly walk: Walk;
  /** False for names that cannot be told from what every object inherits, or that stand twice: then nothing is remembered. */
  readonly #usable: boolean;
  readonly #names: readonly string[];

  constructor(names: readonly string[]) {
    this.#names = names;
    const legal = (name: unknown): boolean => typeof name === 'string' && LEGACY_NAME.test(name) && !(name in Object.prototype);
    this.#usable = names.every(legal) && new Set(names).size === names.length;
    this.walk = this.#usable ? walkFor(names) : nothing;
  }

  /** As `walk`, for values in the order of the names. */
  findValues(values: readonly unknown[]): number {
    if (!this.#usable) return UNSEEN;
    let at: Next | undefined = this.root;
    for (let depth = 0; depth < values.length; depth++) {
      at = (at as Level).get(values[depth] as Key);
      if (at === undefined) return UNSEEN;
    }
    return typeof at === 'number' ? at : UNSEEN;
  }

  /** Remembers a spelling; does nothing for values that a map cannot be keyed by. */
  remember(labels: Labels, series: number): void {
    if (!this.#usable) return;
    const values = this.#names.length === 0 ? [undefined] : this.#names.map((name) => labels[name]);
    if (!values.every(isKey)) return;
    let level = this.root;
    const last = values.length - 1;
    for (let depth = 0; depth < last; depth++) {
      const value = values[depth] as Key;
      let next = level.get(value) as Level | undefined;
      if (next === undefined) {
        next = new Level();
        level.set(value, next);
      }
      level = next;
    }
    level.set(values[last] as Key, series);
  }

  /** Forgets all spellings of a series, by one of them. */
  forget(labels: Labels): void {
    const texts = this.#names.map((name) => (labels[name] === undefined ? undefined : `${labels[name]}`));
    if (this.#usable) this.#prune(this.root, 0, this.#names.length === 0 ? [undefined] : texts);
  }

  #prune(level: Level, depth: number, texts: readonly (string | undefined)[]): void {
    for (const key of spellings(texts[depth])) {
      const next = level.get(key as Key);
      if (next === undefined) continue;
      if (typeof next !== 'number') {
        this.#prune(next, depth + 1, texts);
        if (next.size > 0) continue;
      }
      level.delete(key as Key);
    }
  }

  /** Forgets everything. */
  clear(): void {
    this.root = new Level();
  }
}

/** True for a value that is found again: its text never changes. NaN would be found in large levels only. */
function isKey(value: unknown): boolean {
  if (value === undefined || value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  return typeof value === 'number' && !Number.isNaN(value);
}

/** Every key that stands for a text; undefined is a label that is not there. */
function spellings(text: string | undefined): unknown[] {
  if (text === undefined) return [undefined];
  const keys: unknown[] = [text];
  if (`${Number(text)}` === text) keys.push(Number(text));
  if (text === 'true' || text === 'false') keys.push(text === 'true');
  if (text === 'null') keys.push(null);
  return keys;
}
