// One line of a logger, from its parts. App threads. Nothing that an application adds to a line (getters, serializers, formatters) throws
// out of here; `[Throws: ...]` stands in its place.
import { tracingChannel } from 'node:diagnostics_channel';
import { quoted, stringify } from './json-text.js';
import { keyText } from './key-text.js';
import { beginningOf } from './levels.js';
import type { Logger } from './logger.js';
import type { Stringifier } from './redaction.js';
import {
  chindingsSym,
  endSym,
  errorKeySym,
  formattersSym,
  lsCacheSym,
  messageKeySym,
  nestedKeyStrSym,
  nestedKeySym,
  serializersSym,
  stringifiersSym,
  stringifySafeSym,
  stringifySym,
  wildcardFirstSym,
} from './symbols.js';
import { threw } from './throwing.js';

/** Functions by the name of the top-level property that they convert. */
export type Serializers = Record<string | symbol, ((value: unknown) => unknown) | undefined>;

const channel = tracingChannel('pino_asJson');
const isOwn = Object.prototype.hasOwnProperty;

/** The line for `object` and `message`, told to `diagnostics_channel`'s `tracing:pino_asJson` where somebody listens. */
export function asJson(this: Logger, object: object, message: unknown, level: number, time: string): string {
  if (!channel.start.hasSubscribers && !channel.end.hasSubscribers && !channel.error.hasSubscribers)
    return line(this, object, message, level, time);
  const context = { instance: this, arguments: [object, message, level, time] };
  return channel.traceSync(line, context, undefined, this, object, message, level, time) as string;
}

function line(logger: Logger, object: object, message: unknown, level: number, time: string): string {
  const beginning = logger[lsCacheSym][level] ?? beginningOf(level);
  let rest = time + logger[chindingsSym];
  const text = properties(logger, shaped(logger, object));
  const nested = logger[nestedKeySym] && text !== '';
  rest += nested ? `${logger[nestedKeyStrSym]}${text.slice(1)}}` : text;
  if (message !== undefined) rest += messageText(logger, message);
  // A level formatter may give nothing to put a comma behind.
  return (beginning === '{' ? beginning + rest.slice(1) : beginning + rest) + logger[endSym];
}

/** What `formatters.log` makes of it. */
function shaped(logger: Logger, object: object): object {
  const formatters = logger[formattersSym];
  if (!formatters.log) return object;
  try {
    return formatters.log(object);
  } catch {
    return object;
  }
}

function properties(logger: Logger, object: object): string {
  const serializers = logger[serializersSym];
  const stringifiers = logger[stringifiersSym];
  const anyway = stringifiers[wildcardFirstSym];
  const errorKey = logger[errorKeySym];
  let text = '';
  try {
    for (const key in object) {
      if (!isOwn.call(object, key)) continue;
      const value = propertyText(logger, object, key, serializers, stringifiers[key] ?? anyway, errorKey);
      if (value !== undefined) text += keyText(key) + value;
    }
  } catch {
    // A Proxy that does not say what it has: what it has said so far stays.
  }
  return text;
}

/** JSON of one property; undefined where it is left out. */
function propertyText(
  logger: Logger,
  object: object,
  key: string,
  serializers: Serializers,
  stringifier: Stringifier | undefined,
  errorKey: string,
): string | undefined {
  try {
    let value = (object as Record<string, unknown>)[key];
    if (value === undefined) return undefined;
    if (serializers[key]) value = serializers[key](value);
    else if (key === errorKey && serializers.err) value = serializers.err(value);
    switch (typeof value) {
      case 'string':
        return stringifier === undefined ? quoted(value) : stringifier(value);
      case 'number':
        if (!Number.isFinite(value)) value = null;
        return stringifier === undefined ? String(value) : stringifier(value);
      case 'boolean':
        return stringifier === undefined ? String(value) : stringifier(value);
      case 'undefined':
      case 'function':
        return undefined;
      default:
        return stringifier === undefined ? logger[stringifySym](value, logger[stringifySafeSym]) : stringifier(value);
    }
  } catch (error) {
    return JSON.stringify(threw(error));
  }
}

/** `,"msg":...`, or nothing for what is no JSON. */
function messageText(logger: Logger, given: unknown): string {
  const key = logger[messageKeySym];
  const serializer = logger[serializersSym][key];
  let text: string | undefined;
  if (serializer === undefined && typeof given === 'string') {
    const stringifiers = logger[stringifiersSym];
    const stringifier = stringifiers[key] ?? stringifiers[wildcardFirstSym];
    text = stringifier === undefined ? quoted(given) : stringifier(given);
  } else text = anyMessageText(logger, key, serializer, given);
  return text === undefined ? '' : keyText(key) + text;
}

function anyMessageText(logger: Logger, key: string, serializer: Serializers[string], given: unknown): string | undefined {
  try {
    let message = serializer ? serializer.call(logger[serializersSym], given) : given;
    const stringifiers = logger[stringifiersSym];
    const stringifier = stringifiers[key] ?? stringifiers[wildcardFirstSym];
    if (typeof message === 'function' || (message === undefined && stringifier === undefined)) return undefined;
    if (typeof message === 'symbol') message = String(message);
    if (typeof message === 'number' && !Number.isFinite(message)) message = null;
    if (stringifier !== undefined) return stringifier(message);
    return typeof message === 'string' ? quoted(message) : stringify(message, logger[stringifySafeSym]);
  } catch (error) {
    return JSON.stringify(threw(error));
  }
}

/** Bindings as they stand in each line: `,"key":value` for each. A binding that throws is replaced like a property. */
export function bindingsText(logger: Logger, given: unknown): string {
  const serializers = logger[serializersSym];
  const stringifiers = logger[stringifiersSym];
  const anyway = stringifiers[wildcardFirstSym];
  const bindings = shapedBindings(logger, given);
  let text: string = logger[chindingsSym];
  try {
    for (const key in bindings) {
      if (RESERVED.has(key) || !isOwn.call(bindings, key)) continue;
      const json = bindingText(logger, bindings, key, serializers[key], stringifiers[key] ?? anyway);
      if (json !== undefined) text += keyText(key) + json;
    }
  } catch {
    // A Proxy that does not say what it has.
  }
  return text;
}

/** Names of what older versions took from among the bindings. */
const RESERVED: ReadonlySet<string> = new Set(['level', 'serializers', 'formatters', 'customLevels']);

/** What `formatters.bindings` makes of them. */
function shapedBindings(logger: Logger, given: unknown): object {
  try {
    return logger[formattersSym].bindings(given) as object;
  } catch {
    return given as object;
  }
}

function bindingText(
  logger: Logger,
  bindings: object,
  key: string,
  serializer: Serializers[string],
  stringifier: Stringifier | undefined,
): string | undefined {
  try {
    let value = (bindings as Record<string, unknown>)[key];
    if (value === undefined) return undefined;
    if (serializer) value = serializer.call(logger[serializersSym], value);
    return stringifier === undefined ? logger[stringifySym](value, logger[stringifySafeSym]) : stringifier(value);
  } catch (error) {
    return JSON.stringify(threw(error));
  }
}
