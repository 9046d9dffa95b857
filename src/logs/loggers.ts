// Loggers by name, and what is set and logged by name. App threads.
import { perThread } from '../binding/per-thread.js';
import { gateOf, setRule } from './gates.js';
import { declaredLevel, type LogLevelLike } from './levels.js';
import { Logger } from './logger.js';
import { settings } from './settings.js';

const loggers = perThread('logs.loggers', () => new Map<string, Logger>());

/**
 * The logger of that name, the same object for the same name; `''` is the root. Names are dotted paths of modules, `shop.db.pool`: a level
 * set for `shop.db` holds for what is under it as well. Loggers are kept for good: what varies belongs in fields, not in names.
 *
 * Until `configureLogging` lines go to the standard output as JSON, from level `info` (or `KYMO_LOG_LEVEL`) on.
 */
export function getLogger(name = ''): Logger {
  const key = String(name);
  let logger = loggers.get(key);
  if (logger === undefined) {
    logger = new Logger({ name: key, gate: gateOf(key) }, gateOf(key), undefined, undefined);
    loggers.set(key, logger);
  }
  return logger;
}

/**
 * Sets the level of loggers of this thread by their names, from now on: `db` for that one and what is under it, `db.*` for what is under it
 * alone, `*` for all without another rule; a `*` stands for any text. Where several fit a name, the one with the most letters decides, so
 * that the order of calls does not matter. Reaches every child without a level of its own at once.
 * @throws KymoError `KYMO_CONFIG_VALUE` for what is no level
 */
export function setLogLevel(pattern: string, level: LogLevelLike): void {
  setRule(String(pattern), declaredLevel('level', level, settings.scale));
}

/** Logs a message with fields at a level: `logger.log(level, message, fields)`. Below the logger's level nothing is done. Never throws. */
export function logStruct(logger: Logger, level: LogLevelLike, message: string, fields?: object): void {
  logger.log(level, message, fields);
}
