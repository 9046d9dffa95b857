// What all loggers inherit: children, bindings, levels, flushing. App threads.
import { EventEmitter } from 'node:events';
import { stringify } from './json-text.js';
import { assertNoCollision, isLevelEnabled, isStandard, levelName, mappings, rememberBeginnings, STANDARD_LEVELS } from './levels.js';
import { asJson, bindingsText, type Serializers } from './line.js';
import type { ChildOptions, Formatters, Logger, LogHook, LogMethod } from './logger.js';
import { fatalMethod, logMethod, noop, write } from './methods.js';
import { redaction } from './redaction.js';
import {
  asJsonSym,
  chindingsSym,
  formatOptsSym,
  formattersSym,
  getLevelSym,
  hooksSym,
  levelCompSym,
  levelValSym,
  lsCacheSym,
  msgPrefixSym,
  redactFmtSym,
  serializersSym,
  setLevelSym,
  streamSym,
  stringifiersSym,
  stringifySym,
  useOnlyCustomLevelsSym,
  writeSym,
} from './symbols.js';
import { VERSION } from './version.js';

/** @throws Error without bindings, and for levels that cannot be. */
function child(this: Logger, bindings: object, options?: ChildOptions): Logger {
  if (!bindings) throw new Error('missing bindings for child Pino');
  const { level, msgPrefix, redact, serializers, formatters, customLevels }: ChildOptions = options ?? {};
  const instance: Logger = Object.create(this);
  const parents = this[formattersSym];
  // Without options a child goes on with whatever its parent has, also later.
  if (serializers) instance[serializersSym] = mergedSerializers(this[serializersSym], serializers);
  else if (options) instance[serializersSym] = this[serializersSym];
  // A formatter of bindings is for the logger that it was given to.
  instance[formattersSym] = formattersOf(parents.level, identity, parents.log, formatters ?? {});
  if (customLevels) {
    assertNoCollision(this.levels, customLevels);
    instance.levels = mappings(customLevels, instance[useOnlyCustomLevelsSym]);
    rememberBeginnings(instance);
  }
  if (typeof redact === 'object' && redact !== null) {
    instance.redact = redact;
    const stringifiers = redaction(redact, refuse);
    instance[stringifySym] = stringify;
    instance[stringifiersSym] = stringifiers;
    instance[formatOptsSym] = { stringify: stringifiers[redactFmtSym] as (value: unknown) => string };
  }
  if (typeof msgPrefix === 'string') instance[msgPrefixSym] = (this.msgPrefix ?? '') + msgPrefix;
  instance[chindingsSym] = bindingsText(instance, bindings);
  if ((level !== undefined && level !== this.level) || (options !== undefined && customLevels !== undefined && customLevels !== null))
    instance[setLevelSym](level || this.level);
  this.onChild?.(instance);
  return instance;
}

/** A child's own redaction has no serializer for what JSON.stringify refuses, in pino: its text is a placeholder. */
function refuse(): never {
  throw new TypeError('no serializer to fall back to');
}

/** The serializers of a child: its parent's, with its own in their place. */
function mergedSerializers(parents: Serializers, own: Serializers): Serializers {
  return Object.assign(Object.create(null), parents, own);
}

/** Formatters with `own` in place of those given. */
export function formattersOf(
  level: Formatters['level'],
  bindings: Formatters['bindings'],
  log: Formatters['log'],
  own: Partial<Formatters>,
): Formatters {
  return { level: own.level || level, bindings: own.bindings || bindings, log: own.log || log };
}

function identity(bindings: unknown): unknown {
  return bindings;
}

/** What the children's bindings added up to, read back from their text; without `pid` and `hostname`. */
function bindings(this: Logger): Record<string, unknown> {
  const all = JSON.parse(`{${this[chindingsSym].slice(1)}}`) as Record<string, unknown>;
  delete all.pid;
  delete all.hostname;
  return all;
}

function setBindings(this: Logger, added: object): void {
  this[chindingsSym] = bindingsText(this, added);
}

/** @throws Error for a callback that is no function. */
function flush(this: Logger, done?: unknown): void {
  if (done !== undefined && done !== null && typeof done !== 'function') throw new Error('callback must be a function');
  const stream = this[streamSym];
  if (typeof stream.flush === 'function') stream.flush((done ?? noop) as () => void);
  else if (done) (done as () => void)();
}

/** @throws Error for a level that the logger does not have. */
function setLevel(this: Logger, given: unknown): void {
  const { labels, values } = this.levels;
  if (typeof given === 'number' && labels[given] === undefined) throw new Error(`unknown level value${given}`);
  const level = typeof given === 'number' ? (labels[given] as string) : (given as string);
  const value = values[level];
  if (value === undefined) throw new Error(`unknown level ${level}`);
  const before = this[levelValSym];
  this[levelValSym] = value;
  const allows = this[levelCompSym];
  const hook = this[hooksSym].logMethod;
  const methods = this as unknown as Record<string, unknown>;
  for (const name in values) {
    const number = values[name] as number;
    methods[name] = allows(number, value) === false ? noop : methodOf(this, name, number, hook);
  }
  this.emit('level-change', level, value, labels[before], before, this);
}

/** The method of an enabled level. pino's own levels log under their own numbers, whatever the application says. */
function methodOf(logger: Logger, name: string, number: number, hook: LogHook | undefined): LogMethod {
  if (!isStandard(logger, name)) return logMethod(number, hook);
  const own = STANDARD_LEVELS[name] as number;
  return name === 'fatal' ? fatalMethod(own, hook) : logMethod(own, hook);
}

/** What every logger inherits in the end; its own prototype is EventEmitter's. */
export const prototype: object = Object.setPrototypeOf(
  {
    constructor: class Pino {},
    child,
    bindings,
    setBindings,
    flush,
    isLevelEnabled,
    version: VERSION,
    get level() {
      return (this as unknown as Logger)[getLevelSym]();
    },
    set level(level) {
      (this as unknown as Logger)[setLevelSym](level);
    },
    get levelVal() {
      return (this as unknown as Logger)[levelValSym];
    },
    set levelVal(_value) {
      throw new Error('levelVal is read-only');
    },
    get msgPrefix() {
      return (this as unknown as Logger)[msgPrefixSym];
    },
    get [Symbol.toStringTag]() {
      return 'Pino';
    },
    [lsCacheSym]: {},
    [writeSym]: write,
    [asJsonSym]: asJson,
    [getLevelSym](this: Logger) {
      return levelName(this);
    },
    [setLevelSym]: setLevel,
  },
  EventEmitter.prototype,
);
