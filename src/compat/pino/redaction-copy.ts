// Censored copies of values: what lies on a path of `redact` is copied, everything else is shared with the original. App threads; a value
// without anything at a path costs no allocation.
import { stringify } from './json-text.js';
import { type Path, PathTree } from './redaction-path.js';
import type { SafeStringify } from './safe-json.js';

const isOwn = Object.prototype.propertyIsEnumerable;
const CENSORED_INSTEAD = '[Redacted]';
/** Keys below which `**` gives up on the whole value: a toJSON may give new objects for ever. */
const DEPTH_LIMIT = 500;

/** Censors what lies at some paths below one place. */
export class Redactor {
  readonly #tree: PathTree;
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
    this.#tree = PathTree.of(paths);
    this.#censor = censor;
    this.#removes = removes;
    this.#at = at;
    this.#safe = safe;
  }

  /** JSON of the censored value; undefined where it has none. */
  stringify(value: unknown): string | undefined {
    const walk = new Walk([...this.#at]);
    const censored = this.#inside(value, this.#tree.alone, '', walk, this.#tree.ends);
    const copy = this.#tree.ends === 0 ? censored : this.#censored(censored, walk);
    if (copy === value) return stringify(copy, this.#safe);
    // A cycle leads from the copy to the original, where everything would be in the open once more.
    return stringify(copy, (cyclic) => this.#safe(cyclic, (object) => walk.originalOf(object)));
  }

  /** What is below the value censored, if the value is not replaced as a whole anyway. */
  #inside(value: unknown, trees: readonly PathTree[], key: string, walk: Walk, ends: number): unknown {
    if (typeof value !== 'object' || value === null) return value;
    return ends > 0 && typeof this.#censor !== 'function' ? value : this.#below(value, trees, key, walk);
  }

  #censored(value: unknown, walk: Walk): unknown {
    const censor = this.#censor;
    if (typeof censor !== 'function') return censor;
    try {
      return censor(value, [...walk.path]);
    } catch {
      return CENSORED_INSTEAD;
    }
  }

  /** `value` itself, or a copy where something at a path was censored, in what its toJSON gives as well. */
  #below(value: object, trees: readonly PathTree[], key: string, walk: Walk): object {
    const copy = this.#properties(value, trees, walk);
    const { toJSON } = copy as { toJSON?: unknown };
    if (typeof toJSON !== 'function') return copy;
    // The copy has its methods, so that toJSON sees no more than is to be seen; what it adds from elsewhere is looked through again.
    const shown = jsonOf(copy, value, key);
    if (typeof shown !== 'object' || shown === null || shown === copy) return copy;
    const censored = this.#properties(shown, trees, walk);
    return censored === shown && !isBytes(copy) ? copy : censored;
  }

  #properties(value: object, trees: readonly PathTree[], walk: Walk): object {
    let copy: Record<string, unknown> | undefined;
    const [tree] = trees as [PathTree];
    if (trees.length === 1 && tree.isPlain) {
      for (const [key, next] of tree.named) {
        if (isOwn.call(value, key)) copy = this.#property(value, copy, key, next.alone, next.ends, walk);
      }
      return copy ?? value;
    }
    // Only `**` goes round in circles.
    if (walk.open.includes(value) && trees.some(({ deep }) => deep !== undefined)) return value;
    if (walk.path.length > DEPTH_LIMIT) throw new RangeError('nested too deeply to redact');
    walk.open.push(value);
    for (const key of keysOf(value, trees)) {
      const below = treesBelow(trees, key);
      if (below.length > 0) copy = this.#property(value, copy, key, below, endsOf(below), walk);
    }
    walk.open.pop();
    return copy ?? value;
  }

  /** Censors one property; gives the copy of `value`, made when it is first needed. */
  #property(
    value: object,
    copy: Record<string, unknown> | undefined,
    key: string,
    below: readonly PathTree[],
    ends: number,
    walk: Walk,
  ): Record<string, unknown> | undefined {
    const inner = (value as Record<string, unknown>)[key];
    walk.path.push(key);
    let changed = this.#inside(inner, below, key, walk, ends);
    for (let times = 0; times < ends; times++) changed = this.#censored(changed, walk);
    walk.path.pop();
    if (changed === inner && ends === 0) return copy;
    const target = copy ?? walk.copyOf(value);
    if (ends > 0 && this.#removes && !Array.isArray(target)) delete target[key];
    else put(target, key, changed);
    return target;
  }
}

/** Keys of `value` that some path may mean: own ones, for `*` also inherited ones, as for-in gives them. */
function keysOf(value: object, trees: readonly PathTree[]): Iterable<string> {
  const keys = new Set<string>();
  if (trees.every(({ isPlain }) => isPlain)) {
    for (const { named } of trees) for (const key of named.keys()) if (isOwn.call(value, key)) keys.add(key);
  } else for (const key in value) keys.add(key);
  return keys;
}

function endsOf(trees: readonly PathTree[]): number {
  let ends = 0;
  for (const tree of trees) ends += tree.ends;
  return ends;
}

function treesBelow(trees: readonly PathTree[], key: string): PathTree[] {
  const below: PathTree[] = [];
  const add = (tree: PathTree): void => {
    if (tree.any !== undefined) below.push(tree.any);
    const named = tree.named.get(key);
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

/** Sets an own property, whatever the prototype has under its name. */
function put(object: Record<string, unknown>, key: string, value: unknown): void {
  if (Object.hasOwn(object, key)) object[key] = value;
  else Object.defineProperty(object, key, { value, configurable: true, enumerable: true, writable: true });
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

/** One value being looked through. */
class Walk {
  /** Keys that lead to where it is. */
  readonly path: PropertyKey[];
  /** Objects around where it is, those on the way of wildcards. */
  readonly open: object[] = [];
  #originals: Map<object, object> | undefined;

  constructor(path: PropertyKey[]) {
    this.path = path;
  }

  copyOf(value: object): Record<string, unknown> {
    const prototype = Object.getPrototypeOf(value);
    let copy: object;
    if (Array.isArray(value)) copy = value.slice();
    else if (prototype === Object.prototype) copy = { ...value };
    else {
      copy = Object.create(prototype);
      for (const key of Object.keys(value)) put(copy as Record<string, unknown>, key, (value as Record<string, unknown>)[key]);
    }
    this.#originals ??= new Map();
    this.#originals.set(copy, value);
    return copy as Record<string, unknown>;
  }

  originalOf(object: object): object {
    return this.#originals?.get(object) ?? object;
  }
}
