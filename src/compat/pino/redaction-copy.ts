// Censored copies of values: what lies on a path of `redact` is copied, everything else is shared with the original. App threads; a value
// without anything at a path costs no allocation.
import { stringify } from './json-text.js';
import { type Path, PathTree } from './redaction-path.js';
import type { SafeStringify } from './safe-json.js';

const isOwn = Object.prototype.propertyIsEnumerable;
const CENSORED_INSTEAD = '[Redacted]';

/** Censors what lies at some paths below one place. */
export class Redactor {
  readonly #tree: readonly PathTree[];
  readonly #censor: unknown;
  readonly #removes: boolean;
  readonly #at: readonly PropertyKey[];
  readonly #safe: SafeStringify;

  /**
   * @param paths from the place down; an empty one is the value itself
   * @param censor what replaces a value, or a function of the value and its keys
   * @param removes properties are left out instead
   * @param at the keys that lead to the place
   * @param safe for what JSON.stringify refuses
   */
  constructor(paths: readonly Path[], censor: unknown, removes: boolean, at: readonly PropertyKey[], safe: SafeStringify) {
    this.#tree = [PathTree.of(paths)];
    this.#censor = censor;
    this.#removes = removes;
    this.#at = at;
    this.#safe = safe;
  }

  /** JSON of the censored value; undefined where it has none. */
  stringify(value: unknown): string | undefined {
    const [root] = this.#tree as [PathTree];
    const copies = new Copies();
    const path = [...this.#at];
    const censored = this.#censoredInside(value, this.#tree, path, '', copies);
    const copy = root.ends === 0 ? censored : this.#censored(censored, path);
    if (copy === value) return stringify(copy, this.#safe);
    // A cycle leads from the copy to the original, where everything would be in the open once more.
    return stringify(copy, (cyclic) => this.#safe(cyclic, (object) => copies.originalOf(object)));
  }

  /** What is below the value censored, if the value is not replaced as a whole anyway. */
  #censoredInside(value: unknown, trees: readonly PathTree[], path: PropertyKey[], key: string, copies: Copies): unknown {
    if (typeof value !== 'object' || value === null) return value;
    if (typeof this.#censor !== 'function' && trees.some(({ ends }) => ends > 0)) return value;
    return this.#below(value, trees, path, key, copies);
  }

  #censored(value: unknown, path: PropertyKey[]): unknown {
    const censor = this.#censor;
    if (typeof censor !== 'function') return censor;
    try {
      return censor(value, path);
    } catch {
      return CENSORED_INSTEAD;
    }
  }

  /** `value` itself, or a copy where something at a path was censored, in what its toJSON gives as well. */
  #below(value: object, trees: readonly PathTree[], path: PropertyKey[], key: string, copies: Copies): object {
    const copy = this.#properties(value, trees, path, copies);
    const { toJSON } = copy as { toJSON?: unknown };
    if (typeof toJSON !== 'function') return copy;
    // The copy has its methods, so that toJSON sees no more than is to be seen; what it adds from elsewhere is looked through again.
    const shown = jsonOf(copy, value, key);
    if (typeof shown !== 'object' || shown === null || shown === copy) return copy;
    const censored = this.#properties(shown, trees, path, copies);
    return censored === shown && !isBytes(copy) ? copy : censored;
  }

  #properties(value: object, trees: readonly PathTree[], path: PropertyKey[], copies: Copies): object {
    // Only `**` goes round in circles.
    if (trees.some(({ deep }) => deep !== undefined) && copies.isOpen(value)) return value;
    let copy: Record<string, unknown> | undefined;
    copies.enter(value);
    for (const key of keysOf(value, trees)) {
      const below = treesBelow(trees, key);
      if (below.length === 0) continue;
      const inner = (value as Record<string, unknown>)[key];
      const ends = below.reduce((sum, tree) => sum + tree.ends, 0);
      path.push(key);
      let changed = this.#censoredInside(inner, below, path, key, copies);
      for (let times = 0; times < ends; times++) changed = this.#censored(changed, [...path]);
      path.pop();
      if (changed === inner && ends === 0) continue;
      copy ??= copies.of(value);
      if (ends > 0 && this.#removes && !Array.isArray(copy)) delete copy[key];
      else put(copy, key, changed);
    }
    copies.leave();
    return copy ?? value;
  }
}

/** Keys of `value` that some path may mean: own ones, for `*` also inherited ones, as for-in gives them. */
function keysOf(value: object, trees: readonly PathTree[]): string[] {
  const keys: string[] = [];
  if (trees.some(({ any, deep }) => any !== undefined || deep !== undefined)) {
    for (const key in value) keys.push(key);
    return keys;
  }
  for (const { named } of trees)
    if (named !== undefined) for (const key of named.keys()) if (isOwn.call(value, key) && !keys.includes(key)) keys.push(key);
  return keys;
}

function treesBelow(trees: readonly PathTree[], key: string): PathTree[] {
  const below: PathTree[] = [];
  const add = (tree: PathTree): void => {
    if (tree.any !== undefined) below.push(tree.any);
    const named = tree.named?.get(key);
    if (named !== undefined) below.push(named);
  };
  for (const tree of trees) {
    add(tree);
    if (tree.deep === undefined) continue;
    add(tree.deep);
    // `**` goes on: the same is looked for below.
    below.push(continued(tree.deep));
  }
  return below;
}

/** A tree that says of all that is below what `deep` says. One per tree. */
function continued(deep: PathTree): PathTree {
  let tree = CONTINUED.get(deep);
  if (tree === undefined) {
    tree = new PathTree();
    tree.deep = deep;
    CONTINUED.set(deep, tree);
  }
  return tree;
}
const CONTINUED = new WeakMap<PathTree, PathTree>();

function put(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(object, key, { value, configurable: true, enumerable: true, writable: true });
  else object[key] = value;
}

/** What the copy's toJSON gives, or the original's for bytes, whose methods work on no copy; undefined when it throws, as JSON.stringify will. */
function jsonOf(copy: object, original: object, key: string): unknown {
  const owner = isBytes(original) ? original : copy;
  try {
    return (owner as { toJSON(key: string): unknown }).toJSON(key);
  } catch {
    return undefined;
  }
}

function isBytes(value: object): boolean {
  return ArrayBuffer.isView(value);
}

/** The copies that one line needed, and the objects that are being looked through. */
class Copies {
  readonly #originals = new Map<object, object>();
  readonly #open: object[] = [];

  of(value: object): Record<string, unknown> {
    const prototype = Object.getPrototypeOf(value);
    let copy: object;
    if (Array.isArray(value)) copy = value.slice();
    else if (prototype === Object.prototype) copy = { ...value };
    else copy = Object.assign(Object.create(prototype), value);
    this.#originals.set(copy, value);
    return copy as Record<string, unknown>;
  }

  originalOf(object: object): object {
    return this.#originals.get(object) ?? object;
  }

  isOpen(value: object): boolean {
    return this.#open.includes(value);
  }

  enter(value: object): void {
    this.#open.push(value);
  }

  leave(): void {
    this.#open.pop();
  }
}
