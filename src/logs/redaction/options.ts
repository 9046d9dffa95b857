// What a user says about redaction, and the rules it becomes. Pure functions; any thread; cold.
import { REDACT_CENSOR, REDACT_CUSTOM, REDACT_REMOVE } from '../../binding/redaction.js';
import { KymoError } from '../../core/errors.js';
import type { Rule, Target } from './automaton.js';
import { parseName, SECRET_NAMES } from './names.js';
import { parsePath } from './path-syntax.js';
import type { RedactPattern, SecretPattern } from './patterns.js';

/** What is done with a value: its place is taken by the censor's text or by a hash, or its key is left out. */
export type RedactAction = 'censor' | 'remove' | 'hash';

/** Writes something else in the place of a value. When it throws, the default text stands there; `undefined` is null. */
export type RedactFunction = (value: unknown, path: readonly string[]) => unknown;

/** A rule about one path, with an action of its own. */
export interface RedactPath {
  readonly path: string;
  readonly action?: RedactAction;
  readonly censor?: string | RedactFunction;
}

/** A rule about one name, with an action of its own. */
export interface RedactName {
  readonly name: string;
  readonly action?: RedactAction;
  readonly censor?: string | RedactFunction;
}

/** What must not be written. Of several rules that match a key, the first one counts: paths first, then names, each in their order. */
export interface RedactOptions {
  /** Paths from the root of a line's fields: `user.password`, `items[*].card`, `**.pin`, `headers["x-api-key"]`. */
  readonly paths?: readonly (string | RedactPath)[];
  /** Keys at any depth, without regard to case and separators; a star at either end stands for the rest. `true`: {@link SECRET_NAMES}. */
  readonly names?: true | readonly (string | RedactName)[];
  /** Secrets that are known by their looks, in values and messages. `true`: all that come with Kymo. */
  readonly patterns?: true | readonly (SecretPattern | RegExp | RedactPattern)[];
  /** What rules without an action of their own do; default `censor`. */
  readonly action?: RedactAction;
  /** As `action: 'remove'`, as pino has it. */
  readonly remove?: boolean;
  /** What stands in the place of a value; default `[REDACTED]`. A function is called for paths and names, not for patterns. */
  readonly censor?: string | RedactFunction;
  /** Key of the hashes, so that equal values have equal hashes in all processes that have it; without one, within a process. */
  readonly hashKey?: string | Uint8Array;
  /** Looks for patterns before a line is written into the ring; otherwise the collector does, before any sink. Default false. */
  readonly beforeRing?: boolean;
  /** Bare keys of paths are compared exactly, as quoted ones always are. Default false. */
  readonly exactPaths?: boolean;
}

/** The short forms: `true` for all names and patterns that come with Kymo, or paths alone. */
export type Redact = true | readonly string[] | RedactOptions;

/** A rule with all that it needs to know. */
export interface FullRule extends Rule {
  /** As the user wrote it. */
  readonly source: string;
  readonly kind: 'path' | 'name';
  readonly action: RedactAction;
  readonly censor: string | RedactFunction;
}

/** What stands in the place of a value. */
export const REDACTED = '[REDACTED]';

/** Most rules of a set. */
const MOST_RULES = 1000;
const ACTIONS: readonly unknown[] = ['censor', 'remove', 'hash'];
const OPTIONS: readonly string[] = ['paths', 'names', 'patterns', 'action', 'remove', 'censor', 'hashKey', 'beforeRing', 'exactPaths'];
const OF_RULES: readonly string[] = ['action', 'censor'];

/** The options that a short form stands for. @throws KymoError `KYMO_LOG_REDACT_OPTION` */
export function redactOptions(redact: Redact): RedactOptions {
  if (redact === true) return { names: true, patterns: true };
  if (Array.isArray(redact)) return { paths: redact };
  if (typeof redact !== 'object' || redact === null) throw refused('redact', redact, 'true, a list of paths, or options');
  const options = redact as RedactOptions;
  known(options, OPTIONS);
  const { action, remove, censor, hashKey } = options;
  if (action !== undefined && !ACTIONS.includes(action)) throw refused('action', action, "'censor', 'remove' or 'hash'");
  for (const flag of ['remove', 'beforeRing', 'exactPaths'] as const) {
    if (options[flag] !== undefined && typeof options[flag] !== 'boolean') throw refused(flag, options[flag], 'true or false');
  }
  if (remove === true && action !== undefined && action !== 'remove') throw refused('remove', true, `nothing, since action is '${action}'`);
  if (censor !== undefined && typeof censor !== 'string' && typeof censor !== 'function')
    throw refused('censor', censor, 'a text or a function');
  if (hashKey !== undefined && (!(typeof hashKey === 'string' || hashKey instanceof Uint8Array) || hashKey.length === 0)) {
    throw refused('hashKey', typeof hashKey, 'a text or bytes, not empty');
  }
  return options;
}

/** The rules of options, those that come first counting first. @throws KymoError `KYMO_LOG_REDACT_PATH`, `KYMO_LOG_REDACT_OPTION` */
export function redactRules(options: RedactOptions): readonly FullRule[] {
  const { paths = [], names = [], exactPaths = false } = options;
  if (!Array.isArray(paths)) throw refused('paths', paths, 'a list of paths');
  if (names !== true && !Array.isArray(names)) throw refused('names', names, 'true or a list of names');
  const rules: FullRule[] = [];
  const add = (kind: 'path' | 'name', source: string, target: Target, own: Omit<RedactPath, 'path'>): void => {
    if (rules.length >= MOST_RULES) throw refused('paths and names', rules.length + 1, `at most ${MOST_RULES} rules`);
    rules.push({ kind, source, target, ...decided(own, options, rules.length) });
  };
  for (const entry of paths) {
    const rule = typeof entry === 'object' && entry !== null ? entry : { path: entry };
    known(rule, ['path', ...OF_RULES]);
    add('path', rule.path, { segments: parsePath(rule.path, exactPaths) }, rule);
  }
  for (const entry of names === true ? SECRET_NAMES : names) {
    const rule = typeof entry === 'object' && entry !== null ? entry : { name: entry };
    known(rule, ['name', ...OF_RULES]);
    add('name', rule.name, { name: parseName(rule.name) }, rule);
  }
  return rules;
}

function decided(own: Omit<RedactPath, 'path'>, options: RedactOptions, place: number): Pick<FullRule, 'action' | 'censor' | 'answer'> {
  const { action: ownAction, censor: ownCensor } = own;
  if (ownAction !== undefined && !ACTIONS.includes(ownAction)) throw refused('action', ownAction, "'censor', 'remove' or 'hash'");
  if (ownCensor !== undefined && typeof ownCensor !== 'string' && typeof ownCensor !== 'function') {
    throw refused('censor', ownCensor, 'a text or a function');
  }
  // A censor of a rule's own says what to do with it.
  const inherited = ownCensor !== undefined ? 'censor' : (options.action ?? (options.remove === true ? 'remove' : 'censor'));
  const action = ownAction ?? inherited;
  const censor = ownCensor ?? options.censor ?? REDACTED;
  if (action === 'remove') return { action, censor, answer: REDACT_REMOVE };
  const isDefault = action === 'censor' && typeof censor === 'string' && censor === (options.censor ?? REDACTED);
  return { action, censor, answer: isDefault ? REDACT_CENSOR : REDACT_CUSTOM - place };
}

/** A word that is misspelt must not leave everything readable. */
function known(options: object, words: readonly string[]): void {
  for (const word of Object.keys(options)) if (!words.includes(word)) throw refused(word, 'not known', `one of ${words.join(', ')}`);
}

function refused(option: string, value: unknown, expected: string): KymoError {
  return new KymoError('KYMO_LOG_REDACT_OPTION', { option, value, expected });
}
