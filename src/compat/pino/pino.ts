// `pino(options, destination)`: makes a root logger, with what hangs on the function. App threads.
import { hostname } from 'node:os';
import { quoted, stringify } from './json-text.js';
import { assertDefaultLevel, levelComparison, mappings, rememberBeginnings } from './levels.js';
import { bindingsText, type Serializers } from './line.js';
import type { Formatters, Hooks, Logger, MergeStrategy, Mixin, Stream } from './logger.js';
import { noop } from './methods.js';
import { formattersOf, prototype } from './prototype.js';
import { redaction } from './redaction.js';
import { safeStringify } from './safe-json.js';
import { destination, multistream, stdSerializers, transport } from './surroundings.js';
import {
  chindingsSym,
  endSym,
  errorKeySym,
  formatOptsSym,
  formattersSym,
  hooksSym,
  levelCompSym,
  messageKeySym,
  mixinMergeStrategySym,
  mixinSym,
  msgPrefixSym,
  nestedKeyStrSym,
  nestedKeySym,
  redactFmtSym,
  serializersSym,
  setLevelSym,
  streamSym,
  stringifiersSym,
  stringifySafeSym,
  stringifySym,
  symbols,
  timeSliceIndexSym,
  timeSym,
  useOnlyCustomLevelsSym,
} from './symbols.js';
import { epochTime, nullTime, stdTimeFunctions } from './time-functions.js';
import { VERSION } from './version.js';

/** pino's options, before they are looked at. */
export interface Options {
  name?: unknown;
  level: unknown;
  levelComparison: unknown;
  customLevels: Record<string, number> | null;
  useOnlyCustomLevels: unknown;
  depthLimit: unknown;
  edgeLimit: unknown;
  mixin?: Mixin;
  mixinMergeStrategy?: MergeStrategy;
  redact?: unknown;
  hooks: Hooks;
  formatters: Partial<Formatters>;
  serializers: Serializers;
  msgPrefix?: string;
  base: object | null | undefined;
  enabled: unknown;
  crlf?: unknown;
  timestamp: unknown;
  messageKey: unknown;
  errorKey: unknown;
  nestedKey: unknown;
  transport?: object;
  onChild: ((child: Logger) => void) | null | undefined;
}

const DEFAULTS = {
  level: 'info',
  levelComparison: 'ASC',
  customLevels: null,
  useOnlyCustomLevels: false,
  depthLimit: 5,
  edgeLimit: 100,
  base: { pid: process.pid, hostname: hostname() },
  enabled: true,
  timestamp: epochTime,
  messageKey: 'msg',
  errorKey: 'err',
  nestedKey: null,
  onChild: noop,
};

/**
 * A root logger.
 * @param first options, or where lines go
 * @param second where lines go: a stream, a path, the number of a file descriptor; standard output without one
 * @throws Error for options that cannot be: levels, redaction paths, transports.
 */
export function pino(...args: [first?: unknown, second?: unknown]): Logger {
  const { options, stream } = read(args);
  const { customLevels, useOnlyCustomLevels, level, mixin, msgPrefix, redact, timestamp } = options;
  if (useOnlyCustomLevels && !customLevels) throw new Error('customLevels is required if useOnlyCustomLevels is set true');
  if (mixin && typeof mixin !== 'function') throw new Error(`Unknown mixin type "${typeof mixin}" - expected "function"`);
  if (msgPrefix && typeof msgPrefix !== 'string') throw new Error(`Unknown msgPrefix type "${typeof msgPrefix}" - expected "string"`);
  assertDefaultLevel(level, customLevels, useOnlyCustomLevels);

  const safe = safeStringify(options.depthLimit, options.edgeLimit);
  const safeOrWhole = (value: unknown): string | undefined => stringify(value, safe);
  const stringifiers = redact ? redaction(redact, safe) : Object.create(null);
  const time = timestampOf(timestamp);
  const logger: Logger = Object.assign(Object.create(prototype), {
    levels: mappings(customLevels, useOnlyCustomLevels),
    silent: noop,
    onChild: options.onChild,
    [levelCompSym]: levelComparison(options.levelComparison),
    [useOnlyCustomLevelsSym]: useOnlyCustomLevels,
    [streamSym]: stream,
    [timeSym]: time,
    // Where the value begins in `,"time":1`.
    [timeSliceIndexSym]: time().indexOf(':') + 1,
    [stringifySym]: stringify,
    [stringifySafeSym]: safe,
    [stringifiersSym]: stringifiers,
    [endSym]: options.crlf ? '}\r\n' : '}\n',
    [formatOptsSym]: { stringify: stringifiers[redactFmtSym] ?? safeOrWhole },
    [messageKeySym]: String(options.messageKey),
    [errorKeySym]: options.errorKey,
    [nestedKeySym]: options.nestedKey,
    [nestedKeyStrSym]: options.nestedKey ? `,${quoted(String(options.nestedKey))}:{` : '',
    [serializersSym]: Object.assign(Object.create(null), { err: stdSerializers.err }, options.serializers),
    [mixinSym]: mixin,
    [mixinMergeStrategySym]: options.mixinMergeStrategy,
    [chindingsSym]: '',
    [formattersSym]: formattersOf(
      (_label, number) => ({ level: number }),
      (bindings) => bindings,
      undefined,
      options.formatters ?? {},
    ),
    [hooksSym]: { logMethod: undefined, streamWrite: undefined, ...options.hooks },
    [msgPrefixSym]: msgPrefix,
  });
  rememberBeginnings(logger);
  logger[chindingsSym] = baseText(logger, options);
  logger[setLevelSym](options.enabled === false ? 'silent' : level);
  return logger;
}

/** The function of option `timestamp`. */
function timestampOf(option: unknown): () => string {
  if (typeof option === 'function') return option as () => string;
  return option ? epochTime : nullTime;
}

/** The text of `base` and `name`. */
function baseText(logger: Logger, { base, name }: Options): string {
  if (base === null) return '';
  return bindingsText(logger, name === undefined ? base : { ...base, name });
}

/** What the arguments mean: options in full, and the stream. */
function read([first, second]: [unknown?, unknown?]): { options: Options; stream: Stream } {
  const firstIsStream = isStream(first);
  const given: Partial<Options> = firstIsStream || typeof first !== 'object' || first === null ? {} : first;
  if ('prettyPrint' in given)
    throw new Error('prettyPrint option is no longer supported, see the pino-pretty package (https://github.com/pinojs/pino-pretty)');
  const options = { ...DEFAULTS, ...given } as Options;
  const where = firstIsStream || typeof first === 'string' || typeof first === 'number' ? first : second;
  const stream = options.transport ? transportOf(options) : streamOf(where);
  const levels = mappings(options.customLevels, options.useOnlyCustomLevels);
  if (typeof stream.emit === 'function') {
    const config = { levels, messageKey: options.messageKey, errorKey: options.errorKey };
    stream.emit('message', { code: 'PINO_CONFIG', config });
  }
  return { options, stream };
}

/** Whether a first argument is where lines go. A plain object with `write` is options, as in pino. */
function isStream(value: unknown): value is Stream {
  if (typeof value !== 'object' || value === null) return false;
  const { writable, _writableState, write } = value as Record<string, unknown>;
  return typeof write === 'function' && Boolean(writable || _writableState);
}

function transportOf({ transport: given, customLevels, formatters }: Options): Stream {
  if (isStream(given)) throw new Error('option.transport do not allow stream, please pass to option directly. e.g. pino(transport)');
  const { targets } = given as { targets?: unknown[] };
  if (Array.isArray(targets) && targets.length > 0 && typeof formatters?.level === 'function')
    throw new Error('option.transport.targets do not allow custom level formatters');
  return transport({ ...given, ...(customLevels ? { levels: { ...customLevels } } : {}) }) as Stream;
}

/** The stream for an argument: standard output is written by native code, unless somebody has put a `write` of his own there. */
function streamOf(where: unknown): Stream {
  if (typeof where === 'string' || typeof where === 'number') return destination(where) as Stream;
  if (where !== undefined && where !== null && where !== process.stdout) return where as Stream;
  const isReplaced = process.stdout.write !== process.stdout.constructor.prototype.write;
  return (isReplaced ? process.stdout : destination(process.stdout.fd ?? 1)) as Stream;
}

Object.assign(pino, {
  destination,
  transport,
  multistream,
  levels: mappings(),
  stdSerializers: { ...stdSerializers },
  stdTimeFunctions: { ...stdTimeFunctions },
  symbols,
  version: VERSION,
  default: pino,
  pino,
});
