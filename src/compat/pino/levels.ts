// Levels: their names and numbers, what a level lets through, and the beginning of a line for each. App threads.
import type { Logger } from './logger.js';
import { formattersSym, levelCompSym, levelValSym, lsCacheSym, useOnlyCustomLevelsSym } from './symbols.js';

/** Names by number and numbers by name. `silent` and `Infinity` are there, but do not show. */
export interface Levels {
  labels: Record<string, string>;
  values: Record<string, number>;
}

/** Whether a line of level `current` is written by a logger of level `expected`. */
export type LevelComparison = (current: number, expected: number) => unknown;

/** pino's own levels. */
export const STANDARD_LEVELS: Readonly<Record<string, number>> = { trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60 };

/** The levels of a logger: pino's and an application's own, or its own alone. */
export function mappings(customLevels?: Record<string, number> | null, useOnlyCustomLevels?: unknown): Levels {
  const labels: Record<string, string> = Object.create(Object.prototype, { [Number.POSITIVE_INFINITY]: { value: 'silent' } });
  const values: Record<string, number> = Object.create(Object.prototype, { silent: { value: Number.POSITIVE_INFINITY } });
  const own = customLevels ?? {};
  for (const levels of useOnlyCustomLevels ? [own] : [STANDARD_LEVELS, own]) {
    for (const name of Object.keys(levels)) {
      labels[levels[name] as number] = name;
      values[name] = levels[name] as number;
    }
  }
  return { labels, values };
}

/** @throws Error for a level that is not among those of the options. */
export function assertDefaultLevel(
  level: unknown,
  customLevels: Record<string, number> | null | undefined,
  useOnlyCustomLevels: unknown,
): void {
  const { values, labels } = mappings(customLevels, useOnlyCustomLevels);
  const isKnown = typeof level === 'number' ? level in labels : (level as string) in values;
  if (!isKnown) throw new Error(`default level:${level} must be included in custom levels`);
}

/** @throws Error for a child's level with a name or a number that is taken. */
export function assertNoCollision({ labels, values }: Levels, customLevels: Record<string, number>): void {
  for (const name of Object.keys(customLevels)) {
    if (name in values) throw new Error('levels cannot be overridden');
    if ((customLevels[name] as number) in labels) throw new Error('pre-existing level values cannot be used for new levels');
  }
}

/** @throws Error for anything but a function and the words `ASC` and `DESC`. */
export function levelComparison(option: unknown): LevelComparison {
  if (typeof option === 'function') return option as LevelComparison;
  if (option === 'ASC') return (current, expected) => current >= expected;
  if (option === 'DESC') return (current, expected) => current <= expected;
  throw new Error('Levels comparison should be one of "ASC", "DESC" or "function" type');
}

/** How the line of each level begins, without the comma behind it. */
export function rememberBeginnings(logger: Logger): void {
  const format = logger[formattersSym].level;
  const beginnings: Record<string, string> = {};
  for (const [number, label] of Object.entries(logger.levels.labels)) {
    const shown: unknown = format(label, Number(number));
    beginnings[number] = typeof shown === 'object' && shown !== null ? (JSON.stringify(shown) as string).slice(0, -1) : beginningOf(number);
  }
  logger[lsCacheSym] = beginnings;
}

/** The beginning for a level that the logger has no other for: one of its parents' that its own levels have replaced. */
export function beginningOf(level: number | string): string {
  const number = Number(level);
  return `{"level":${Number.isFinite(number) ? number : null}`;
}

/** `logger.isLevelEnabled(name)`. */
export function isLevelEnabled(this: Logger, name: string): unknown {
  const value = this.levels.values[name];
  return value !== undefined && this[levelCompSym](value, this[levelValSym]);
}

/** `logger.level`. */
export function levelName(logger: Logger): string {
  const value = logger[levelValSym];
  return value === Number.POSITIVE_INFINITY ? 'silent' : (logger.levels.labels[value] as string);
}

/** Whether a name is that of a level of pino's own, which logs under its own number whatever an application says. */
export function isStandard(logger: Logger, name: string): boolean {
  return !logger[useOnlyCustomLevelsSym] && Object.hasOwn(STANDARD_LEVELS, name);
}
