// Redaction rules as an automaton over keys: states are made when a record first leads to them, and kept. Runs on the app thread
// while fields are written: one lookup per key in a state that rules look at, nothing for the others.
import { Buffer } from 'node:buffer';
import { REDACT_CENSOR } from '../../binding/redaction.js';
import { folded, isNamed, type NameTest } from './names.js';
import type { Segment } from './path-syntax.js';

/** What a rule looks for: a path from the record's root, or a name at any depth. */
export type Target = { readonly segments: readonly Segment[] } | { readonly name: NameTest };

/** A rule as the automaton runs it. */
export interface Rule {
  readonly target: Target;
  /** What {@link Automaton.step} answers for a key that it matches, below 0. */
  readonly answer: number;
}

/** Most states and most keys remembered by all states together; keys beyond are looked at each time they come. */
const MOST_STATES = 4096;
const MOST_KEYS = 16_384;

/** A place in a rule: how many of its steps are behind, as one number. */
type Item = number;

/** The step of a rule that comes next, in a flat list of all rules. */
interface Position {
  readonly rule: number;
  readonly segment: Segment | NameTest | undefined;
}

interface State {
  readonly items: readonly Item[];
  /** Where each key leads that came by. */
  readonly next: Map<string, number>;
  /** Where all indexes lead, unless a rule names one; found out when the first one comes. */
  element: number | undefined;
  readonly namesIndexes: boolean;
}

/** An index of an array, or a key that looks like one. */
const INDEX = /^\d+$/;

/**
 * Rules over keys. The first rule in the list that matches a key decides; a value that is censored or removed is not looked into.
 *
 * State 0 holds what may match at any depth, and is where every value is that no rule leads to. A key that is not flagged leads nowhere
 * from there, and is itself redacted in no state.
 */
export class Automaton {
  /** State at the root of a record. */
  readonly root: number;
  readonly #rules: readonly Rule[];
  readonly #positions: Position[] = [];
  readonly #states: State[] = [];
  readonly #byItems = new Map<string, number>();
  /** A rule ends with a star, or the way to each key is asked for. */
  readonly #isAboutAny: boolean;
  readonly #flags = new Map<string, boolean>();
  #keys = 0;

  /** @param isFollowed each key is asked for, as where somebody wants to know the way to it. */
  constructor(rules: readonly Rule[], isFollowed = false) {
    this.#rules = rules;
    const starts = rules.map((rule, index) => this.#add(rule, index));
    // Names, and paths that begin with `**`, are alive in each state.
    const floating = this.#closed(starts.filter((at) => this.#floats(at)));
    this.#state(floating);
    // Elements of arrays are asked for in other states than 0 only: where one may match at any depth, nothing ever is in state 0.
    if (isFollowed || floating.some((item) => this.#takesIndexes(item))) this.#byItems.clear();
    this.root = this.#state(this.#closed(starts));
    this.#isAboutAny = isFollowed || rules.some(({ target }) => 'segments' in target && target.segments.at(-1)?.kind === 'one');
  }

  /** True when a rule mentions the key, or may be about any. A property of the key alone: ask once and keep the answer. */
  isFlagged(key: string): boolean {
    if (this.#isAboutAny) return true;
    const known = this.#flags.get(key);
    if (known !== undefined) return known;
    const name = folded(key);
    const isFlagged = this.#positions.some(({ segment }) => segment !== undefined && matchesByName(segment, key, name));
    if (this.#flags.size < MOST_KEYS) this.#flags.set(copied(key), isFlagged);
    return isFlagged;
  }

  /** Where `key` leads from a state: a state, or below 0 the answer of a rule. Elements of arrays have their index as key. */
  step(from: number, key: string): number {
    const state = this.#states[from] as State;
    return state.next.get(key) ?? this.#look(state, key);
  }

  /** The first rule that matches `key` in a state, by its place in the list; -1 for none. */
  ruleFor(from: number, key: string): number {
    const name = folded(key);
    let first = -1;
    for (const item of (this.#states[from] as State).items) {
      const { rule, segment } = this.#positions[item] as Position;
      const isLast = this.#positions[item + 1]?.segment === undefined;
      if (segment !== undefined && isLast && matches(segment, key, name) && (first < 0 || rule < first)) first = rule;
    }
    return first;
  }

  #add({ target }: Rule, rule: number): Item {
    const first = this.#positions.length;
    const steps = 'name' in target ? [{ kind: 'any' } as const, target.name] : target.segments;
    for (const segment of steps) this.#positions.push({ rule, segment });
    this.#positions.push({ rule, segment: undefined });
    return first;
  }

  #floats(item: Item): boolean {
    const { segment } = this.#positions[item] as Position;
    return segment !== undefined && 'kind' in segment && segment.kind === 'any';
  }

  #takesIndexes(item: Item): boolean {
    const { segment } = this.#positions[item] as Position;
    if (segment === undefined) return false;
    if (!('kind' in segment)) return INDEX.test(segment.text);
    return segment.kind === 'one' || (segment.kind === 'key' && INDEX.test(segment.key));
  }

  /** Adds the places that are reached without a key: behind a `**`. */
  #closed(items: readonly Item[]): Item[] {
    const all = new Set<Item>();
    for (let item of items) {
      all.add(item);
      while (this.#floats(item)) all.add(++item);
    }
    return [...all].sort((a, b) => a - b);
  }

  #look(state: State, key: string): number {
    const isElement = !state.namesIndexes && INDEX.test(key);
    if (isElement && state.element !== undefined) return state.element;
    const name = folded(key);
    const reached: Item[] = [];
    let decided = -1;
    for (const item of state.items) {
      const { rule, segment } = this.#positions[item] as Position;
      if (segment === undefined) continue;
      if (this.#floats(item)) {
        reached.push(item);
      } else if (matches(segment, key, name)) {
        if (this.#positions[item + 1]?.segment !== undefined) reached.push(item + 1);
        else if (decided < 0 || rule < decided) decided = rule;
      }
    }
    const next = decided < 0 ? this.#state(this.#closed(reached)) : (this.#rules[decided] as Rule).answer;
    if (isElement) {
      state.element = next;
    } else if (this.#keys < MOST_KEYS) {
      this.#keys++;
      state.next.set(copied(key), next);
    }
    return next;
  }

  /** The number of a set of places. When there are too many sets, what would need another one is censored as a whole. */
  #state(items: readonly Item[]): number {
    const name = items.join();
    const known = this.#byItems.get(name);
    if (known !== undefined) return known;
    if (this.#states.length >= MOST_STATES) return REDACT_CENSOR;
    this.#byItems.set(name, this.#states.length);
    const namesIndexes = items.some((item) => {
      const { segment } = this.#positions[item] as Position;
      return this.#takesIndexes(item) && !(segment !== undefined && 'kind' in segment && segment.kind === 'one');
    });
    return this.#states.push({ items, next: new Map(), element: undefined, namesIndexes }) - 1;
  }
}

/** A copy of a key: a slice would keep the text alive that it was cut from. */
function copied(key: string): string {
  return Buffer.from(key, 'utf16le').toString('utf16le');
}

function matches(segment: Segment | NameTest, key: string, name: string): boolean {
  return ('kind' in segment && segment.kind === 'one') || matchesByName(segment, key, name);
}

function matchesByName(segment: Segment | NameTest, key: string, name: string): boolean {
  if (!('kind' in segment)) return isNamed(segment, name);
  return segment.kind === 'key' && segment.key === (segment.folded ? name : key);
}
