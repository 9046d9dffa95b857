// What everything has that lines can be written to. Types only.
import type { LogLevelLike } from './levels.js';

/** A line of one level: a message and fields, fields and a message, an error and a message; see `Logger`. */
export interface LogMethod {
  (message: string, ...rest: unknown[]): void;
  (fields: object, ...rest: unknown[]): void;
}

/** One method per level. None throws, none waits. */
export interface LogMethods {
  readonly trace: LogMethod;
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  /** `warn` by another name. */
  readonly warning: LogMethod;
  readonly error: LogMethod;
  readonly fatal: LogMethod;
  /** `fatal` by another name. */
  readonly critical: LogMethod;
  log(level: LogLevelLike, message: string, ...rest: unknown[]): void;
  log(level: LogLevelLike, fields: object, ...rest: unknown[]): void;
  exception(message: string, error: unknown, fields?: object): void;
}
