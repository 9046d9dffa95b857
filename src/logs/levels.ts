// The levels of log lines: their words, their numbers inside (pino's), and how other people's spellings and scales are read. Pure data;
// any thread.
import { KymoError } from '../core/errors.js';

/** The words of levels, all that are read. `warn` and `warning`, `fatal` and `critical` are the same level. */
export const LogLevel = Object.freeze({
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  WARNING: 'warning',
  ERROR: 'error',
  FATAL: 'fatal',
  CRITICAL: 'critical',
} as const);

/** One of {@link LogLevel}. */
export type LogLevel = (typeof LogLevel)[keyof typeof LogLevel];

/** A level as it is given: a word in any case, `silent` (or `off`) for none at all, or a number in the scale in force. */
export type LogLevelLike = LogLevel | Uppercase<LogLevel> | 'silent' | 'off' | number;

/** Numbers of levels inside, in records and where lines show them: pino's. */
export const TRACE = 10;
export const DEBUG = 20;
export const INFO = 30;
export const WARN = 40;
export const ERROR = 50;
export const FATAL = 60;
/** Above every level: nothing is written. */
export const SILENT = Number.POSITIVE_INFINITY;

/** Which numbers mean which level: `pino` counts 10 (trace) to 60 (fatal); `python` 10 (debug) to 50 (critical), with 5 for trace. */
export type LevelScale = 'pino' | 'python';

/** Largest number of a level: records keep them in 16 bits. */
const LARGEST = 0xffff;

const NUMBERS: Readonly<Record<string, number>> = Object.freeze({
  __proto__: null,
  trace: TRACE,
  debug: DEBUG,
  info: INFO,
  warn: WARN,
  warning: WARN,
  error: ERROR,
  fatal: FATAL,
  critical: FATAL,
  silent: SILENT,
  off: SILENT,
} as never);

const WORDS = new Map<number, LogLevel>([
  [TRACE, 'trace'],
  [DEBUG, 'debug'],
  [INFO, 'info'],
  [WARN, 'warn'],
  [ERROR, 'error'],
  [FATAL, 'fatal'],
]);

/** The words of the older systems where they are not ours. */
const LONG_WORDS: Readonly<Partial<Record<LogLevel, LogLevel>>> = Object.freeze({ warn: 'warning', fatal: 'critical' });

/** Which of two words is written: `warn` and `fatal`, or `warning` and `critical`. */
export type LevelWords = 'short' | 'long';

/** The number inside of `level`; undefined for what is no level. Never throws. */
export function levelNumber(level: unknown, scale: LevelScale = 'pino'): number | undefined {
  if (typeof level === 'string') return NUMBERS[level] ?? NUMBERS[level.trim().toLowerCase()];
  if (typeof level !== 'number' || !(level >= 0)) return undefined;
  if (level === SILENT) return SILENT;
  // In Python's scale everything lies ten below, and trace, which Python has not, at half of debug.
  const number = scale === 'pino' ? level : level < 10 ? 2 * level : level + 10;
  return number <= LARGEST ? number : undefined;
}

/** The number inside of a level that was declared. @throws KymoError `KYMO_CONFIG_VALUE`, naming `source`, for what is no level */
export function declaredLevel(source: string, level: unknown, scale: LevelScale = 'pino'): number {
  const number = levelNumber(level, scale);
  if (number !== undefined) return number;
  const value = typeof level === 'string' ? JSON.stringify(level) : level;
  throw new KymoError('KYMO_CONFIG_VALUE', { source, value, expected: `a level (${[...WORDS.values()].join(', ')}) or its number` });
}

/** The word of the level with that number; of one between two words, the number itself. */
export function levelWord(number: number, words: LevelWords = 'short'): LogLevel | 'silent' | number {
  if (number === SILENT) return 'silent';
  const word = WORDS.get(number);
  if (word === undefined) return number;
  return words === 'long' ? (LONG_WORDS[word] ?? word) : word;
}

/**
 * The level that `value` names, in the spelling of the lines: `parseLogLevel('WARNING')` is `warn`; with `words` `long`, as the presets of
 * the older systems write them, `warning`. Numbers are pino's; one between two levels is the next lower one.
 * @throws KymoError `KYMO_CONFIG_VALUE` for what is no level
 */
export function parseLogLevel(value: unknown, words: LevelWords = 'short'): LogLevel {
  const number = declaredLevel('level', value);
  const known = [...WORDS.keys()].filter((level) => level <= number).pop() ?? TRACE;
  return levelWord(known, words) as LogLevel;
}
