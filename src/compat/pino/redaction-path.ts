// Paths of `redact`, read and put into a tree. App threads, when a logger is made.

/** One step: a key, `*` for any key of one level, `**` for any keys of any number of levels. */
export type Path = readonly string[];

const SEGMENT = /[^.[\]]+|\[([^[\]]*?)\]/g;
const QUOTED = /^(['"])(.*)\1$/;

/**
 * `a.b`, `a["b-c"].d`, `a[0]`, `*.b`, `a[*]`, and `**` for any depth.
 * @throws Error for no text, for brackets that do not match and for two dots in a row.
 */
export function readPath(text: unknown): Path {
  if (typeof text !== 'string') throw new Error('Paths must be (non-empty) strings');
  const path = [...text.matchAll(SEGMENT)].map(([segment, bracketed]) => {
    const inner = bracketed ?? segment;
    return bracketed === undefined ? inner : (QUOTED.exec(inner)?.[2] ?? inner);
  });
  if (path.length === 0 || text.includes('..') || !balanced(text)) throw new Error(`Invalid redaction path (${text})`);
  return path.filter((step, index) => step !== '**' || path[index + 1] !== '**');
}

/** Whether each bracket has its other half, quotes included. */
function balanced(text: string): boolean {
  let open = false;
  let quote = '';
  for (const character of text) {
    if (quote !== '') {
      if (character === quote) quote = '';
    } else if (open && (character === '"' || character === "'")) quote = character;
    else if (character === '[') {
      if (open) return false;
      open = true;
    } else if (character === ']') {
      if (!open) return false;
      open = false;
    }
  }
  return !open;
}

/** What is to be done below one place of an object, for all paths together. */
export class PathTree {
  /** How many paths end here: as often its value is censored. */
  ends = 0;
  /** Below named keys. */
  readonly named = new Map<string, PathTree>();
  /** Below any key. */
  any: PathTree | undefined;
  /** Below any key, and at any depth below that. */
  deep: PathTree | undefined;
  /** This tree as a list of one. */
  readonly alone: readonly PathTree[] = [this];

  static of(paths: readonly Path[]): PathTree {
    const root = new PathTree();
    for (const path of paths) root.#add(path, 0);
    return root;
  }

  /** Whether only named keys matter here. */
  get isPlain(): boolean {
    return this.any === undefined && this.deep === undefined;
  }

  #add(path: Path, at: number): void {
    const step = path[at];
    if (step === undefined) {
      this.ends++;
      return;
    }
    this.#step(step, at === path.length - 1).#add(path, at + 1);
  }

  #step(step: string, isLast: boolean): PathTree {
    // `**` at the end is all keys below, which `*` says as well.
    if (step === '*' || (step === '**' && isLast)) {
      this.any ??= new PathTree();
      return this.any;
    }
    if (step === '**') {
      this.deep ??= new PathTree();
      return this.deep;
    }
    const next = this.named.get(step) ?? new PathTree();
    this.named.set(step, next);
    return next;
  }
}
