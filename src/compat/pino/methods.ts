// The methods of the levels: what their arguments mean, and the write of a line. App threads.
import { format } from './format.js';
import type { Logger, LogHook, LogMethod } from './logger.js';
import { stdSerializers } from './surroundings.js';
import {
  asJsonSym,
  errorKeySym,
  formatOptsSym,
  hooksSym,
  messageKeySym,
  mixinMergeStrategySym,
  mixinSym,
  msgPrefixSym,
  needsMetadataGsym,
  streamSym,
  timeSliceIndexSym,
  timeSym,
  writeSym,
} from './symbols.js';
import { threw } from './throwing.js';
import { epochTime } from './time-functions.js';

/** What a method is where its level is disabled. */
export function noop(): void {}

/** The method of a level without a hook, by the level's number: one function for all loggers. */
const plain = new Map<number, LogMethod>();
const PLAIN_LIMIT = 64;

/** The method that logs with `level`, through `hook` if there is one. */
export function logMethod(level: number, hook: LogHook | undefined): LogMethod {
  let method = plain.get(level);
  if (method === undefined) {
    method = logging(level);
    if (plain.size < PLAIN_LIMIT) plain.set(level, method);
  }
  if (!hook) return method;
  const inner = method;
  return function hookWrappedLog(this: Logger, ...values: unknown[]) {
    hook.call(this, values, inner, level);
  };
}

/** The method of `fatal`: after it, what the stream holds is written. */
export function fatalMethod(level: number, hook: LogHook | undefined): LogMethod {
  const method = logMethod(level, hook);
  return function LOG(this: Logger, ...values: unknown[]) {
    const stream = this[streamSym];
    method.apply(this, values);
    if (typeof stream.flushSync !== 'function') return;
    try {
      stream.flushSync();
    } catch {
      // A stream that is not open yet says so; the line is in it all the same.
    }
  };
}

function logging(level: number): LogMethod {
  return function LOG(this: Logger, first?: unknown, ...values: unknown[]) {
    if (typeof first !== 'object') {
      this[writeSym](null, formatted(this, first === undefined ? values.shift() : first, values), level);
      return;
    }
    // `null` alone is the message.
    const message = first === null && values.length === 0 ? null : values.shift();
    this[writeSym](httpMapped(first), formatted(this, message, values), level);
  };
}

function formatted(logger: Logger, given: unknown, values: unknown[]): unknown {
  const prefix = logger[msgPrefixSym];
  const message = typeof prefix === 'string' && given !== undefined && given !== null ? prefixed(prefix, given) : given;
  if (typeof message === 'string' ? values.length === 0 : typeof message !== 'object') return message;
  try {
    return format(message, values, logger[formatOptsSym].stringify);
  } catch (error) {
    return threw(error);
  }
}

function prefixed(prefix: string, message: unknown): string {
  try {
    return prefix + (message as string);
  } catch (error) {
    return prefix + threw(error);
  }
}

/** A request or a response of node:http in place of the object of properties is put under its name. */
function httpMapped(object: object | null): object | null {
  if (object === null) return null;
  try {
    const http = object as Record<string, unknown>;
    if (http.method && http.headers && http.socket) return stdSerializers.mapHttpRequest(object);
    if (typeof http.setHeader === 'function') return stdSerializers.mapHttpResponse(object);
  } catch {
    // A getter that throws: the line says so at the property.
  }
  return object;
}

/** Under `pino.symbols.writeSym`: makes the line and writes it. Throws only what the stream and the hook `streamWrite` throw. */
export function write(this: Logger, given: object | null | undefined, message: unknown, level: number): void {
  const time = timeOf(this);
  let object = given ?? {};
  try {
    const errorKey = this[errorKeySym];
    if (given instanceof Error) {
      object = { [errorKey]: given };
      if (message === undefined) message = given.message;
    } else if (message === undefined && given) {
      const properties = given as Record<string, { message?: unknown } | undefined>;
      const error = properties[errorKey];
      if (error && properties[this[messageKeySym]] === undefined) message = error.message;
    }
  } catch {
    // A getter that throws has no message to give.
  }
  if (this[mixinSym]) object = mixed(this, object, level);
  const line = this[asJsonSym](object, message, level, time);
  const stream = this[streamSym];
  if (stream[needsMetadataGsym] === true) {
    stream.lastLevel = level;
    stream.lastObj = object;
    stream.lastMsg = message;
    stream.lastTime = time.slice(this[timeSliceIndexSym]);
    stream.lastLogger = this;
  }
  const { streamWrite } = this[hooksSym];
  stream.write(streamWrite ? streamWrite(line) : line);
}

function timeOf(logger: Logger): string {
  try {
    const time: unknown = logger[timeSym]();
    return typeof time === 'string' ? time : epochTime();
  } catch {
    return epochTime();
  }
}

/** The object with what `mixin` adds; as it is when that throws. */
function mixed(logger: Logger, object: object, level: number): object {
  try {
    const mixin = logger[mixinSym] as NonNullable<Logger[typeof mixinSym]>;
    const merge = logger[mixinMergeStrategySym];
    const added = mixin(object, level, logger);
    return merge ? merge(object, added) : Object.assign(added, object);
  } catch {
    return object;
  }
}
