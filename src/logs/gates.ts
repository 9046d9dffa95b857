// From which level on each named logger writes: rules by pattern, and one gate per name that follows them. App threads.
import { perThread } from '../binding/per-thread.js';
import { readOptions } from '../config/options.js';
import { declaredLevel, INFO, levelNumber } from './levels.js';
import { bequeath, inheritedSettings } from './settings.js';

/** What a logger asks before it does anything: one load and one comparison. */
export interface Gate {
  /** Lowest level that is written; infinite: none. */
  level: number;
}

interface Rule {
  readonly pattern: string;
  readonly level: number;
  readonly fits: (name: string) => boolean;
  /** How much of a name it says: the more, the stronger. */
  readonly weight: number;
}

/** Gates and rules of this thread. */
interface Tree {
  /** Of loggers without a rule of theirs. */
  root: number;
  rules: readonly Rule[];
  readonly gates: Map<string, Gate>;
}

const tree: Tree = perThread('logs.gates', () => ({ ...startingLevels(), gates: new Map() }));

function startingLevels(): Pick<Tree, 'root' | 'rules'> {
  const given = inheritedSettings()?.levels;
  const own = { root: initialLevel() ?? INFO, rules: [] };
  if (given === undefined) return own;
  const rules = given.filter(([pattern]) => pattern !== '*').map(([pattern, level]) => ruleOf(pattern, level));
  return { root: given.find(([pattern]) => pattern === '*')?.[1] ?? own.root, rules };
}

/** What the environment asks for: `KYMO_LOG_LEVEL`, else `debug` where the program was started with `--debug`. */
export function initialLevel(): number | undefined {
  const { logLevel } = readOptions();
  if (logLevel !== undefined) return levelNumber(logLevel);
  return process.argv.includes('--debug', 1) ? levelNumber('debug') : undefined;
}

/** The gate of the logger `name`: the same for the same name, kept for good. */
export function gateOf(name: string): Gate {
  let gate = tree.gates.get(name);
  if (gate === undefined) {
    gate = { level: levelOf(name) };
    tree.gates.set(name, gate);
  }
  return gate;
}

/**
 * Sets the level of loggers from now on: of `db` and everything under it (`db`), of what is under it (`db.*`), of all that have no
 * other rule (`*`); a `*` inside a pattern stands for any text. Of several patterns that fit a name, the one with the most letters decides.
 */
export function setRule(pattern: string, level: number): void {
  if (pattern === '*') {
    tree.root = level;
  } else {
    tree.rules = [...tree.rules.filter((rule) => rule.pattern !== pattern), ruleOf(pattern, level)].sort((a, b) => a.weight - b.weight);
  }
  refresh();
}

/** All levels anew: `root` for loggers that no pattern of `levels` fits. */
export function setRules(root: number, levels: readonly (readonly [pattern: string, level: number])[]): void {
  tree.root = root;
  tree.rules = [];
  for (const [pattern, level] of levels) setRule(pattern, level);
  refresh();
}

/** The rules in force, the weakest first. */
export function rulesInForce(): readonly (readonly [pattern: string, level: number])[] {
  return [['*', tree.root] as const, ...tree.rules.map(({ pattern, level }) => [pattern, level] as const)];
}

/** Checks a table of levels by pattern. @throws KymoError `KYMO_CONFIG_VALUE` */
export function checkedLevels(levels: Readonly<Record<string, unknown>>, scale: 'pino' | 'python'): [string, number][] {
  return Object.entries(levels).map(([pattern, level]) => [pattern, declaredLevel(`levels[${JSON.stringify(pattern)}]`, level, scale)]);
}

function levelOf(name: string): number {
  let level = tree.root;
  for (const rule of tree.rules) if (rule.fits(name)) level = rule.level;
  return level;
}

function refresh(): void {
  bequeath({ levels: rulesInForce() });
  for (const [name, gate] of tree.gates) gate.level = levelOf(name);
}

function ruleOf(pattern: string, level: number): Rule {
  const letters = pattern.replaceAll('*', '').length;
  if (!pattern.includes('*')) {
    const below = `${pattern}.`;
    return { pattern, level, weight: letters, fits: (name) => name === pattern || name.startsWith(below) };
  }
  const source = pattern.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'));
  const expression = new RegExp(`^${source.join('.*')}$`, 's');
  return { pattern, level, weight: letters, fits: (name) => expression.test(name) };
}
