// `redact`: what replaces values at the given paths while a line is made. What an application logs is never changed: what lies on a path is
// copied. App threads.
import { Redactor } from './redaction-copy.js';
import { type Path, readPath } from './redaction-path.js';
import type { SafeStringify } from './safe-json.js';
import { redactFmtSym, wildcardFirstSym } from './symbols.js';

/** Replaces a value; gets the keys that lead to it. */
export type Censor = (value: unknown, path: PropertyKey[]) => unknown;

/** JSON of a property's value, or undefined to leave the property out. */
export type Stringifier = (value: unknown) => string | undefined;

/** Stringifiers by the name of the top-level property, and those for all others and for arguments of messages. */
export interface Stringifiers {
  [key: string]: Stringifier | undefined;
  [wildcardFirstSym]?: Stringifier;
  [redactFmtSym]?: Stringifier;
}

interface RedactOptions {
  paths?: unknown;
  censor?: unknown;
  remove?: unknown;
}

const CENSOR = '[Redacted]';

/**
 * The stringifiers of a logger with these options.
 * @param safe for what JSON.stringify refuses
 * @throws Error for paths that are none.
 */
export function redaction(options: unknown, safe: SafeStringify): Stringifiers {
  const { paths: texts, censor: given, remove }: RedactOptions = Array.isArray(options) ? { paths: options } : (options as RedactOptions);
  if (!Array.isArray(texts)) throw new Error('pino – redact must contain an array of strings');
  const paths = texts.map(readPath);
  const removes = remove === true;
  const censor = removes ? undefined : given === undefined ? CENSOR : given;
  const redactorOf = (below: readonly Path[], at: readonly PropertyKey[]) => new Redactor(below, censor, removes, at, safe);

  const stringifiers: Stringifiers = Object.create(null);
  const whole = redactorOf(paths, []);
  stringifiers[redactFmtSym] = (value) => whole.stringify(value);
  const anywhere = paths.flatMap(belowAnyKey);
  for (const key of topLevelKeys(paths)) {
    // What holds for all keys holds for the named ones too.
    const below = [...paths.filter(([first]) => first === key).map((path) => path.slice(1)), ...anywhere, ...pathsBelowDeep(paths, key)];
    const redactor = redactorOf(below, [key]);
    stringifiers[key] = (value) => redactor.stringify(value);
  }
  if (anywhere.length > 0) {
    const redactor = redactorOf(anywhere, [wildcardFirstSym]);
    stringifiers[wildcardFirstSym] = (value) => redactor.stringify(value);
  }
  return stringifiers;
}

/** The top-level keys that paths name. */
function topLevelKeys(paths: readonly Path[]): Set<string> {
  const keys = new Set(paths.map(([first, second]) => (first === '**' ? second : first)).filter((key) => key !== undefined));
  keys.delete('*');
  return keys;
}

/** What a path that begins with `*` or `**` says about what is below any top-level key. */
function belowAnyKey(path: Path): Path[] {
  const [first, second] = path;
  if (first === '*') return [path.slice(1)];
  if (first !== '**') return [];
  if (second === undefined) return [[]];
  // `**` stands for no key, and for the top-level one and more.
  return second === '*' ? [path, path.slice(2)] : [path];
}

/** What paths such as `**.key.a` say about what is below the top-level key. */
function pathsBelowDeep(paths: readonly Path[], key: string): Path[] {
  return paths.filter(([first, second]) => first === '**' && second === key).map((path) => path.slice(2));
}
