// A logger for what would flood: each key at most once per second. App threads.
import { LimitedLogger, type RateLimitOptions } from './conditional-loggers.js';
import type { LogLevelLike } from './levels.js';
import type { Logger } from './logger.js';

/**
 * Writes at most one line per key and interval, by a monotonic clock; keys of loggers of different names are apart. What is suppressed is
 * counted: when the interval ends, or the process, a line `repeated lines suppressed` says how many (`suppressed`, `key`, `window_ms`), also
 * if no further call comes; and the next line of the key has the same number as its field `suppressed`. Of a logger's keys the last 1,000 are
 * remembered; one that gives way is summed up at once.
 *
 * @example const limited = new RateLimitedLogger(getLogger('db'), { intervalMs: 1_000 });
 *   limited.warning('unreachable', 'database unreachable', { host });
 *   limited.warning('database unreachable', { host }); // the message is the key
 */
export class RateLimitedLogger {
  readonly logger: Logger;
  readonly #options: RateLimitOptions;

  /** @throws KymoError `KYMO_CONFIG_VALUE` */
  constructor(logger: Logger, options: RateLimitOptions = {}) {
    this.logger = logger;
    this.#options = { ...options };
    new LimitedLogger(logger, '', this.#options); // Refuses a bad interval here rather than at the first line.
  }

  trace(key: string, ...rest: unknown[]): void {
    this.log('trace', key, ...rest);
  }

  debug(key: string, ...rest: unknown[]): void {
    this.log('debug', key, ...rest);
  }

  info(key: string, ...rest: unknown[]): void {
    this.log('info', key, ...rest);
  }

  warn(key: string, ...rest: unknown[]): void {
    this.log('warn', key, ...rest);
  }

  /** {@link warn} */
  warning(key: string, ...rest: unknown[]): void {
    this.log('warn', key, ...rest);
  }

  error(key: string, ...rest: unknown[]): void {
    this.log('error', key, ...rest);
  }

  fatal(key: string, ...rest: unknown[]): void {
    this.log('fatal', key, ...rest);
  }

  /** {@link fatal} */
  critical(key: string, ...rest: unknown[]): void {
    this.log('fatal', key, ...rest);
  }

  /** A line of any level: a key, a message and fields; or a message, which is the key, and fields. */
  log(level: LogLevelLike, key: string, ...rest: unknown[]): void {
    const text = typeof key === 'string' ? key : String(key);
    const line = typeof rest[0] === 'string' ? rest : [text, ...rest];
    new LimitedLogger(this.logger, text, this.#options).log(level, ...line);
  }
}
