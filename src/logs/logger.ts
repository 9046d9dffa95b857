// The logger: one comparison for a line that is not written, one binary record for one that is. App threads.
import { LOG_HELD, LOG_TRACED } from '../binding/generated/layout.js';
import type { EncodedFields } from '../binding/log-writer.js';
import { activeContext, type Context, type Extra, flagsOf, spanHighOf, spanLowOf } from '../context/context.js';
import { isFields, mergedFields, partsOf } from './call-forms.js';
import { LimitedLogger, OnceLogger, type RateLimitOptions, SampledLogger, type SampleOptions } from './conditional-loggers.js';
import { type Gate, gateOf, setRule } from './gates.js';
import { DEBUG, declaredLevel, ERROR, FATAL, INFO, type LogLevelLike, levelNumber, levelWord, SILENT, TRACE, WARN } from './levels.js';
import type { LogMethods } from './log-methods.js';
import { flushLogs, openWriter, releaseHeld } from './opening.js';
import { plainCopy } from './plain-copy.js';
import { type LogFields, settings } from './settings.js';

/** What all loggers of one name share. */
export interface LoggerSource {
  /** Empty for the root. */
  readonly name: string;
  readonly gate: Gate;
}

/** Options of {@link Logger.child}. */
export interface ChildOptions {
  /** A level of its own, which later changes of the parent's do not touch. */
  readonly level?: LogLevelLike;
  /** Its name under the parent's: `child({}, { name: 'pool' })` of `db` is `db.pool`, and has the level of that. */
  readonly name?: string;
}

/**
 * Writes log lines. Each method takes a constant message and fields, `info('routed', { to, ms })`; fields, an error, or both first;
 * and, for messages with `%s`, `%d`, `%i`, `%f`, `%j`, `%o`, `%O`, further arguments. No method throws into its caller, and none waits, but for
 * a full ring whose level is to `block`. In a loop a line costs 140 to 600 ns, 60 of them the clock, and
 * where its values are flat no garbage but the 16 bytes of its time.
 *
 * A message is best constant: lines of one kind are found by it, counted by it, limited by it, and what varies is in fields with types.
 */
export class Logger implements LogMethods {
  readonly #source: LoggerSource;
  readonly #parent: Logger | undefined;
  readonly #own: LogFields | undefined;
  #gate: Gate;
  /** Of the settings that the next two were made with. */
  #epoch = 0;
  #bindings: EncodedFields | undefined;
  #id = -1;

  /** @internal Loggers are made by `getLogger` and {@link child}. */
  constructor(source: LoggerSource, gate: Gate, parent: Logger | undefined, own: LogFields | undefined) {
    this.#source = source;
    this.#gate = gate;
    this.#parent = parent;
    this.#own = own;
  }

  /** As lines show it; empty for the root. */
  get name(): string {
    return this.#source.name;
  }

  trace(message: string, ...rest: unknown[]): void;
  trace(fields: object, ...rest: unknown[]): void;
  // A rest parameter that only its length is asked of costs nothing: V8 makes no array (no difference in 2e7 calls, Node 20 and 24).
  trace(first: unknown, second?: unknown, ...rest: unknown[]): void {
    if (TRACE < this.#gate.level && TRACE < settings.heldFrom) return;
    if (rest.length === 0) this.#line(TRACE, first, second);
    else this.#formatted(TRACE, [first, second, ...rest]);
  }

  debug(message: string, ...rest: unknown[]): void;
  debug(fields: object, ...rest: unknown[]): void;
  debug(first: unknown, second?: unknown, ...rest: unknown[]): void {
    if (DEBUG < this.#gate.level && DEBUG < settings.heldFrom) return;
    if (rest.length === 0) this.#line(DEBUG, first, second);
    else this.#formatted(DEBUG, [first, second, ...rest]);
  }

  info(message: string, ...rest: unknown[]): void;
  info(fields: object, ...rest: unknown[]): void;
  info(first: unknown, second?: unknown, ...rest: unknown[]): void {
    if (INFO < this.#gate.level && INFO < settings.heldFrom) return;
    if (rest.length === 0) this.#line(INFO, first, second);
    else this.#formatted(INFO, [first, second, ...rest]);
  }

  warn(message: string, ...rest: unknown[]): void;
  warn(fields: object, ...rest: unknown[]): void;
  warn(first: unknown, second?: unknown, ...rest: unknown[]): void {
    if (WARN < this.#gate.level && WARN < settings.heldFrom) return;
    if (rest.length === 0) this.#line(WARN, first, second);
    else this.#formatted(WARN, [first, second, ...rest]);
  }

  /** {@link warn} */
  warning(message: string, ...rest: unknown[]): void;
  warning(fields: object, ...rest: unknown[]): void;
  warning(first: unknown, second?: unknown, ...rest: unknown[]): void {
    this.warn(first as string, second, ...rest);
  }

  error(message: string, ...rest: unknown[]): void;
  error(fields: object, ...rest: unknown[]): void;
  error(first: unknown, second?: unknown, ...rest: unknown[]): void {
    if (ERROR < this.#gate.level && ERROR < settings.heldFrom) return;
    if (rest.length === 0) this.#line(ERROR, first, second);
    else this.#formatted(ERROR, [first, second, ...rest]);
  }

  fatal(message: string, ...rest: unknown[]): void;
  fatal(fields: object, ...rest: unknown[]): void;
  fatal(first: unknown, second?: unknown, ...rest: unknown[]): void {
    if (FATAL < this.#gate.level && FATAL < settings.heldFrom) return;
    if (rest.length === 0) this.#line(FATAL, first, second);
    else this.#formatted(FATAL, [first, second, ...rest]);
  }

  /** {@link fatal} */
  critical(message: string, ...rest: unknown[]): void;
  critical(fields: object, ...rest: unknown[]): void;
  critical(first: unknown, second?: unknown, ...rest: unknown[]): void {
    this.fatal(first as string, second, ...rest);
  }

  /** A line of any level, words and numbers, in the forms of the others. What is no level counts as `info`. */
  log(level: LogLevelLike, message: string, ...rest: unknown[]): void;
  log(level: LogLevelLike, fields: object, ...rest: unknown[]): void;
  log(level: LogLevelLike, first: unknown, second?: unknown, ...rest: unknown[]): void {
    const number = levelNumber(level, settings.scale) ?? INFO;
    if (number === SILENT || (number < this.#gate.level && number < settings.heldFrom)) return;
    if (rest.length === 0) this.#line(number, first, second);
    else this.#formatted(number, [first, second, ...rest]);
  }

  /** A line of level `error` about `error`, whatever was thrown: with type, message, stack and causes, in the same line. */
  exception(message: string, error: unknown, fields?: object): void {
    if (ERROR < this.#gate.level && ERROR < settings.heldFrom) return;
    this.#write(ERROR, message, fields as LogFields | undefined, error);
  }

  /**
   * A logger whose lines have `bindings` as well, after this one's. Costs one small object: the bindings are read and encoded when its first
   * line is written, and not again. Without a `level` it follows this one's.
   * @throws KymoError `KYMO_CONFIG_VALUE` for a level that is none
   */
  child(bindings?: object, options?: ChildOptions): Logger {
    let source = this.#source;
    let gate = this.#gate;
    if (options !== undefined) {
      if (options.name) {
        const name = source.name === '' ? options.name : `${source.name}.${options.name}`;
        source = { name, gate: gateOf(name) };
        gate = source.gate;
      }
      if (options.level !== undefined) gate = { level: declaredLevel('level', options.level, settings.scale) };
    }
    return new Logger(source, gate, this, bindings as LogFields | undefined);
  }

  /** The fields that every line of this logger has, base fields apart: a copy. */
  bindings(): Record<string, unknown> {
    return plainCopy(mergedFields(this.#chain())) as Record<string, unknown>;
  }

  /** The lowest level that is written: a word, `silent`, or a number between two of them. */
  get level(): string | number {
    return levelWord(this.#gate.level, settings.words);
  }

  /**
   * For a named logger, the level of its name: as `setLogLevel(name, level)`. For a child, its own from now on.
   * @throws KymoError `KYMO_CONFIG_VALUE` for what is no level
   */
  set level(level: LogLevelLike) {
    const number = declaredLevel('level', level, settings.scale);
    if (this.#parent === undefined) setRule(this.#source.name === '' ? '*' : this.#source.name, number);
    else if (this.#gate === this.#parent.#gate || this.#gate === this.#source.gate) this.#gate = { level: number };
    else this.#gate.level = number;
  }

  /** True when a line of that level is written, or held for the current trace. What is no level counts as `info`. */
  isLevelEnabled(level: LogLevelLike): boolean {
    const number = levelNumber(level, settings.scale) ?? INFO;
    if (!settings.enabled || number === SILENT) return false;
    return number >= this.#gate.level || this.#isHeld(number, activeContext());
  }

  /** A logger that writes one line per `key` and name of logger, ever; without a key, per message: `log.once().warn('deprecated')`. */
  once(key?: string): LogMethods {
    return new OnceLogger(this, key);
  }

  /** A logger that writes one line per `key` and interval; see `RateLimitedLogger`. */
  limit(key: string, options?: RateLimitOptions): LogMethods {
    return new LimitedLogger(this, key, options);
  }

  /**
   * A logger that writes a share of its lines: `sample(0.1)`, by the trace id inside of a trace, so that its lines stay together; or, with
   * numbers, of each message and interval the first ones, and one in so many thereafter. To be kept, since it counts.
   * @throws KymoError `KYMO_CONFIG_VALUE`
   */
  sample(share: number | SampleOptions): LogMethods {
    return new SampledLogger(this, share);
  }

  /** Waits until what was logged before is where its sinks write to: `flushLogs`. False at the deadline, in ms; default 5,000. Never rejects. */
  flush(timeoutMs?: number): Promise<boolean> {
    return flushLogs(timeoutMs);
  }

  /** @internal The logger of this name without any bindings or level of a child's. */
  named(): Logger {
    return this.#parent === undefined ? this : new Logger(this.#source, this.#source.gate, undefined, undefined);
  }

  /** @internal A line of a level by its number inside. */
  logNumber(level: number, message: string, fields: object): void {
    if (level >= this.#gate.level) this.#write(level, message, fields as LogFields, undefined);
  }

  #line(level: number, first: unknown, second: unknown): void {
    if (typeof first === 'string') {
      if (second === undefined) return this.#write(level, first, undefined, undefined);
      if (isFields(second) && !first.includes('%')) return this.#write(level, first, second, undefined);
    } else if ((typeof second === 'string' || second === undefined) && isFields(first)) {
      return this.#write(level, second, first, undefined);
    }
    this.#formatted(level, second === undefined ? [first] : [first, second]);
  }

  #formatted(level: number, args: readonly unknown[]): void {
    if (level < this.#gate.level && !this.#isHeld(level, activeContext())) return;
    const { message, fields, error } = partsOf(args);
    this.#write(level, message, fields, error);
  }

  #write(level: number, message: unknown, fields: LogFields | undefined, error: unknown): void {
    const shared = settings;
    const context = activeContext();
    let bits = 0;
    if (level < this.#gate.level) {
      if (!this.#isHeld(level, context)) return;
      bits = LOG_HELD;
    }
    if (this.#epoch !== shared.epoch && !this.#prepare()) return;
    const { writer } = shared;
    if (writer === undefined) return;
    const { call } = writer;
    call.level = level;
    call.route = shared.route;
    call.logger = this.#id;
    call.time = Date.now();
    call.bindings = this.#bindings;
    const { t0, t1, t2, t3, state } = context;
    if ((t0 | t1 | t2 | t3) !== 0 && shared.traced) {
      bits |= LOG_TRACED | flagsOf(context);
      call.t0 = t0;
      call.t1 = t1;
      call.t2 = t2;
      call.t3 = t3;
      call.s0 = spanHighOf(context);
      call.s1 = spanLowOf(context);
    }
    call.bits = bits;
    call.context = typeof state === 'number' ? undefined : contextFields(state.live ? state.extra : state);
    writer.write(message, fields, error);
    if (level >= ERROR && shared.heldFrom !== SILENT && (bits & LOG_TRACED) !== 0) releaseHeld(t0, t1, t2, t3);
  }

  /** Whether a line below the gate is kept in case the trace of `context` fails. */
  #isHeld(level: number, { t0, t1, t2, t3 }: Context): boolean {
    return level >= settings.heldFrom && (t0 | t1 | t2 | t3) !== 0 && settings.traced && this.#gate.level !== SILENT;
  }

  /** The bindings of this logger and its parents, the outermost first. */
  #chain(): LogFields[] {
    const chain: LogFields[] = [];
    for (let at: Logger | undefined = this; at !== undefined; at = at.#parent) if (at.#own !== undefined) chain.push(at.#own);
    return chain.reverse();
  }

  /** Reads the settings anew: before the first line, and after they changed. False when nothing is to be written. */
  #prepare(): boolean {
    const writer = openWriter();
    if (writer === undefined) return false;
    const epoch = settings.epoch;
    this.#id = this.#source.name === '' ? -1 : writer.logger(this.#source.name);
    const { base } = settings;
    const bindings = this.#parent === undefined ? base : mergedFields([base, ...this.#chain()]);
    this.#bindings = bindings === undefined ? undefined : writer.encode(bindings);
    this.#epoch = epoch;
    return true;
  }
}

function contextFields(extra: Extra | undefined): object | undefined {
  if (extra === undefined) return undefined;
  return extra.external === '' ? extra.logFields : { external_trace_id: extra.external, ...extra.logFields };
}
