// The syntax of redaction paths: text to segments, or an error that says what to write. Pure functions; any thread; cold.
import { KymoError } from '../../core/errors.js';
import { folded } from './names.js';

/** One step of a path, from an object or array to something in it. */
export type Segment =
  /** A key; `folded` ones are compared without regard to case and separators. An index of an array is a key of digits. */
  | { readonly kind: 'key'; readonly key: string; readonly folded: boolean }
  /** Any one key or element. */
  | { readonly kind: 'one' }
  /** Any number of keys and elements, none included. */
  | { readonly kind: 'any' };

/** Longest path, in characters. */
const LONGEST = 1000;
/** Most segments of a path; records are not nested deeper than eight levels, error chains included a few more. */
const MOST_SEGMENTS = 64;

const ONE: Segment = Object.freeze({ kind: 'one' });
const ANY: Segment = Object.freeze({ kind: 'any' });
/** What a bare key is made of; everything else has to be quoted, since other languages of paths mean something by it. */
const BARE = /[\p{L}\p{N}\p{M}_$@:-]/u;

/**
 * Reads a path.
 *
 * `a.b` steps from key to key, `a["b c"]` takes a key with any characters exactly as it is written, `a[0]` an element of an array,
 * `*` and `[*]` any one key or element, `**` any number of levels, none included; at the end of a path `**` is `*`.
 *
 * @param exact bare keys are compared exactly, as quoted ones always are.
 * @throws KymoError `KYMO_LOG_REDACT_PATH` for anything else.
 */
export function parsePath(path: string, exact = false): readonly Segment[] {
  if (typeof path !== 'string') throw refused(path, 'it is no text; write a path such as "user.password"');
  if (path === '') throw refused(path, 'it is empty; name a key, or "*" for all of them');
  if (path.length > LONGEST) throw refused(path, `it is longer than ${LONGEST} characters`);
  const segments: Segment[] = [];
  let at = 0;
  while (at < path.length) {
    const before = at;
    const bracket = path[at] === '[';
    if (!bracket && at > 0) {
      if (path[at] !== '.') throw refused(path, `a key has to follow a dot or stand in brackets, at character ${at + 1}`);
      at++;
    }
    const step = bracket || path[at] === '[' ? bracketed(path, at) : bare(path, at, exact);
    if (!bracket && step.bracketed && before > 0) throw refused(path, `there is no dot before a bracket, at character ${before + 1}`);
    segments.push(step.segment);
    at = step.end;
  }
  if (segments.length > MOST_SEGMENTS) throw refused(path, `it has more than ${MOST_SEGMENTS} steps`);
  return simplified(segments);
}

interface Step {
  readonly segment: Segment;
  readonly end: number;
  readonly bracketed?: boolean;
}

function bare(path: string, start: number, exact: boolean): Step {
  if (path[start] === '*') {
    const end = path[start + 1] === '*' ? start + 2 : start + 1;
    const next = path[end];
    if (next !== undefined && next !== '.' && next !== '[') {
      throw refused(path, `a star stands for a whole key, at character ${start + 1}; parts of names belong into "names", as "*password"`);
    }
    return { segment: end - start === 2 ? ANY : ONE, end };
  }
  let end = start;
  for (const character of path.slice(start)) {
    if (!BARE.test(character)) break;
    end += character.length;
  }
  if (end === start) throw refused(path, unexpected(path, start));
  const next = path[end];
  if (next !== undefined && next !== '.' && next !== '[') throw refused(path, unexpected(path, end));
  const key = path.slice(start, end);
  if (key === '$') throw refused(path, 'paths begin with a key, and not with "$"; leave "$." out, or quote it as ["$"]');
  const name = folded(key);
  // A name of separators alone says nothing once they are left out.
  if (exact || name === '') return { segment: { kind: 'key', key, folded: false }, end };
  return { segment: { kind: 'key', key: name, folded: true }, end };
}

function bracketed(path: string, start: number): Step {
  const first = path[start + 1];
  if (first === '"' || first === "'" || first === '`') return quoted(path, start, first);
  const close = path.indexOf(']', start);
  if (close < 0) throw refused(path, `the bracket at character ${start + 1} is not closed`);
  const inside = path.slice(start + 1, close);
  if (inside === '*') return { segment: ONE, end: close + 1, bracketed: true };
  if (!/^(0|[1-9]\d{0,9})$/.test(inside)) {
    throw refused(
      path,
      `"[${inside}]" is neither an index, nor [*], nor a quoted key; write one of these, or ["${inside.replace(/["\\]/g, '\\$&')}"]`,
    );
  }
  return { segment: { kind: 'key', key: inside, folded: false }, end: close + 1, bracketed: true };
}

function quoted(path: string, start: number, quote: string): Step {
  let key = '';
  for (let at = start + 2; at < path.length; at++) {
    const character = path[at] as string;
    if (character === quote) {
      if (path[at + 1] !== ']') throw refused(path, `a quoted key ends with ${quote}], at character ${at + 1}`);
      return { segment: { kind: 'key', key, folded: false }, end: at + 2, bracketed: true };
    }
    if (character === '\\' && at + 1 < path.length) at++;
    key += path[at];
  }
  throw refused(path, `the quote at character ${start + 2} is not closed`);
}

/** `**.**` is `**`; at the end it stands for what is below, of which the first level is enough. */
function simplified(segments: Segment[]): readonly Segment[] {
  const kept = segments.filter((segment, index) => segment.kind !== 'any' || segments[index + 1]?.kind !== 'any');
  if (kept.at(-1)?.kind === 'any') kept[kept.length - 1] = ONE;
  return kept;
}

function unexpected(path: string, at: number): string {
  const character = path[at];
  if (character === undefined) return 'a key has to follow the last dot';
  if (character === '.') return `a key has to stand between the dots at character ${at + 1}; any number of levels is "**"`;
  if (character === ']') return `the bracket at character ${at + 1} was never opened`;
  if (character === '/') return 'a regular expression is no path; values are found by "patterns", and keys by "names"';
  return `${JSON.stringify(character)} at character ${at + 1} is no part of a bare key; quote the key, as ["a${character === '"' ? '\\"' : character}b"]`;
}

function refused(path: unknown, problem: string): KymoError {
  return new KymoError('KYMO_LOG_REDACT_PATH', { path, problem });
}
