// Loggers that write some of their lines: one per key for ever, one per key and interval, a share. App threads.
import { perThread } from '../binding/per-thread.js';
import { activeContext, hasTrace } from '../context/context.js';
import { KymoError } from '../core/errors.js';
import { INFO, type LogLevelLike, levelNumber } from './levels.js';
import type { LogMethods } from './log-methods.js';
import type { Logger } from './logger.js';
import { type LogFields, settings } from './settings.js';
import { MAX_KEYS, ownText, Windows } from './windows.js';

/** Message of the line that ends a window in which lines were suppressed. */
const SUMMARY = 'repeated lines suppressed';
/** Keys that `once` remembers per thread; then the first one is forgotten. */
const MAX_ONCE = 10_000;
const LONGEST_MS = 2 ** 31 - 1;

/** Options of a limit. */
export interface RateLimitOptions {
  /** At most one line per key in this time, in ms in [1, 2^31 - 1]; default 1,000. */
  readonly intervalMs?: number;
}

/** How lines of one message are thinned out. */
export interface SampleOptions {
  /** Lines of an interval that are written in any case, in [0, 2^31 - 1]. */
  readonly first: number;
  /** Of those that follow, one in so many; default 0: none. */
  readonly thereafter?: number;
  /** In ms in [1, 2^31 - 1]; default 1,000. */
  readonly intervalMs?: number;
}

/** Asks before each line. */
abstract class ConditionalLogger implements LogMethods {
  readonly logger: Logger;

  constructor(logger: Logger) {
    this.logger = logger;
  }

  /** The line is written: with these fields as well, if any. False: it is not. */
  protected abstract turn(level: LogLevelLike, args: readonly unknown[]): LogFields | boolean;

  trace(...args: unknown[]): void {
    this.log('trace', ...args);
  }

  debug(...args: unknown[]): void {
    this.log('debug', ...args);
  }

  info(...args: unknown[]): void {
    this.log('info', ...args);
  }

  warn(...args: unknown[]): void {
    this.log('warn', ...args);
  }

  warning(...args: unknown[]): void {
    this.log('warn', ...args);
  }

  error(...args: unknown[]): void {
    this.log('error', ...args);
  }

  fatal(...args: unknown[]): void {
    this.log('fatal', ...args);
  }

  critical(...args: unknown[]): void {
    this.log('fatal', ...args);
  }

  log(level: LogLevelLike, ...args: unknown[]): void {
    const given = this.#ask(level, args);
    if (given === false) return;
    const all = given === true ? args : [...args, given];
    this.logger.log(level, ...(all as [string]));
  }

  exception(message: string, error: unknown, fields?: object): void {
    const given = this.#ask('error', [message]);
    if (given === false) return;
    this.logger.exception(message, error, given === true ? fields : { ...fields, ...given });
  }

  /** A line that would not be written anyway takes no turn. */
  #ask(level: LogLevelLike, args: readonly unknown[]): LogFields | boolean {
    return this.logger.isLevelEnabled(level) && this.turn(level, args);
  }
}

/** The message of a call: the first text in it. */
function messageOf(args: readonly unknown[]): string {
  const text = args.find((one) => typeof one === 'string');
  if (text !== undefined) return text as string;
  try {
    return String((args[0] as { message?: unknown } | null | undefined)?.message ?? '');
  } catch {
    return '';
  }
}

const seen = perThread('logs.once', () => new Set<string>());

/** One line per key. */
export class OnceLogger extends ConditionalLogger {
  readonly #key: string | undefined;

  constructor(logger: Logger, key: string | undefined) {
    super(logger);
    this.#key = key;
  }

  protected turn(_: LogLevelLike, args: readonly unknown[]): boolean {
    const key = `${this.logger.name}\0${this.#key ?? messageOf(args)}`;
    if (seen.has(key)) return false;
    if (seen.size >= MAX_ONCE) for (const oldest of seen) if (seen.delete(oldest)) break;
    seen.add(key);
    return true;
  }
}

const windows = perThread('logs.limits', () => new Map<string, Windows>());

/** The windows of the loggers of one name. */
function windowsOf(logger: Logger): Windows {
  let table = windows.get(logger.name);
  if (table === undefined) {
    const named = logger.named();
    table = new Windows((level, what) => named.logNumber(level, SUMMARY, what));
    windows.set(logger.name, table);
  }
  return table;
}

/** One line per key and interval. */
export class LimitedLogger extends ConditionalLogger {
  readonly #key: string;
  readonly #intervalMs: number;

  constructor(logger: Logger, key: string, options?: RateLimitOptions) {
    super(logger);
    this.#key = String(key);
    this.#intervalMs = whole('intervalMs', options?.intervalMs ?? 1_000, 1);
  }

  protected turn(level: LogLevelLike): LogFields | boolean {
    const number = levelNumber(level, settings.scale) ?? INFO;
    const suppressed = windowsOf(this.logger).turn(this.#key, this.#intervalMs, number);
    return suppressed > 0 ? { suppressed } : suppressed === 0;
  }
}

/** A share of the lines. */
export class SampledLogger extends ConditionalLogger {
  readonly #turn: (args: readonly unknown[]) => boolean;

  /** @throws KymoError `KYMO_CONFIG_VALUE` */
  constructor(logger: Logger, share: number | SampleOptions) {
    super(logger);
    this.#turn = typeof share === 'number' ? byRatio(share) : byCount(share);
  }

  protected turn(_: LogLevelLike, args: readonly unknown[]): boolean {
    return this.#turn(args);
  }
}

function byRatio(ratio: number): () => boolean {
  if (!(ratio >= 0 && ratio <= 1)) throw refused('sample', ratio, 'a ratio in [0, 1]');
  return () => {
    const context = activeContext();
    // The last word of a trace id is random in all of their forms.
    return (hasTrace(context) ? (context.t3 >>> 0) / 2 ** 32 : Math.random()) < ratio;
  };
}

function byCount(options: SampleOptions): (args: readonly unknown[]) => boolean {
  const first = whole('first', options?.first, 0);
  const thereafter = whole('thereafter', options.thereafter ?? 0, 0);
  const intervalMs = whole('intervalMs', options.intervalMs ?? 1_000, 1);
  const counts = new Map<string, { readonly end: number; lines: number }>();
  return (args) => {
    const key = messageOf(args);
    const now = performance.now();
    let count = counts.get(key);
    if (count === undefined || now >= count.end) {
      counts.delete(key);
      if (counts.size >= MAX_KEYS) for (const oldest of counts.keys()) if (counts.delete(oldest)) break;
      count = { end: now + intervalMs, lines: 0 };
      counts.set(ownText(key), count);
    }
    const beyond = ++count.lines - first;
    return beyond <= 0 || (thereafter > 0 && beyond % thereafter === 0);
  };
}

function whole(source: string, value: unknown, lowest: number): number {
  if (Number.isInteger(value) && (value as number) >= lowest && (value as number) <= LONGEST_MS) return value as number;
  throw refused(source, value, `a whole number in [${lowest}, ${LONGEST_MS}]`);
}

function refused(source: string, value: unknown, expected: string): KymoError {
  return new KymoError('KYMO_CONFIG_VALUE', { source, value, expected });
}
