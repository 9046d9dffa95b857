// A logger that hands its entries to functions on this thread, and to nobody else. App threads.
import { activeContext, hasTrace, spanHighOf, spanLowOf } from '../context/context.js';
import { type IdFormat, spanIdText, traceIdText } from '../context/id-text.js';
import { KymoError } from '../core/errors.js';
import { declaredLevel, INFO, type LogLevelLike, levelNumber, levelWord, SILENT } from './levels.js';
import { plainCopy } from './plain-copy.js';
import { settings } from './settings.js';

/** What a handler gets: these keys, then the fields of the call. A field of one of these names is kept under the name with `_` behind it. */
export interface LogEntry {
  /** Seconds since 1970. */
  timestamp: number;
  /** Lower case: `debug`, `info`, `warning`, `error`, `critical`; a number for a level between. */
  level: string | number;
  message: string;
  /** With a tracer, inside of a trace. */
  trace_id?: string;
  /** With a tracer, inside of a span: of the innermost one. */
  span_id?: string;
  [field: string]: unknown;
}

/** Gets each entry, a copy of its own. What it throws, or rejects with, goes no further. */
export type LogHandler = (entry: LogEntry) => unknown;

/** What says how ids are written: a tracer, a `Tracing`, or a provider of either. */
export interface IdentifyingTracer {
  readonly provider?: { readonly traceIdFormat?: IdFormat; readonly spanIdFormat?: IdFormat };
  readonly traceIdFormat?: IdFormat;
  readonly spanIdFormat?: IdFormat;
}

/** Options of {@link StructuredLogger}. */
export interface StructuredLoggerOptions {
  /** Its entries carry the ids of the trace and span around them, as this tracer writes ids; default: none do. */
  readonly tracer?: IdentifyingTracer;
  /** Default `info`. */
  readonly level?: LogLevelLike;
}

/**
 * Builds entries and gives them to handlers, in the order in which these were added. Without a handler nothing is output. Entries are
 * redacted as lines are. A few microseconds per entry and handler, on the calling thread: for volume there is `getLogger`.
 */
export class StructuredLogger {
  readonly #ids: { readonly trace: IdFormat; readonly span: IdFormat } | undefined;
  #level: number;
  #handlers: readonly LogHandler[] = [];

  /** @throws KymoError `KYMO_CONFIG_VALUE` for a level that is none */
  constructor({ tracer, level = 'info' }: StructuredLoggerOptions = {}) {
    const formats = tracer?.provider ?? tracer;
    this.#ids = tracer === undefined ? undefined : { trace: formats?.traceIdFormat ?? 'hex', span: formats?.spanIdFormat ?? 'hex' };
    this.#level = declaredLevel('level', level, settings.scale);
  }

  /** Adds a handler; returns what takes it away. @throws KymoError `KYMO_CONFIG_VALUE` for what is no function */
  addHandler(handler: LogHandler): () => void {
    if (typeof handler !== 'function') {
      throw new KymoError('KYMO_CONFIG_VALUE', { source: 'the log handler', value: typeof handler, expected: 'a function' });
    }
    const own: LogHandler = (entry) => handler(entry);
    this.#handlers = [...this.#handlers, own];
    return () => {
      this.#handlers = this.#handlers.filter((other) => other !== own);
    };
  }

  /** The lowest level of which entries are built. */
  get level(): string | number {
    return levelWord(this.#level, 'long');
  }

  /** @throws KymoError `KYMO_CONFIG_VALUE` for what is no level */
  setLevel(level: LogLevelLike): void {
    this.#level = declaredLevel('level', level, settings.scale);
  }

  /** Gives an entry to all handlers; below the level nothing is built. What is no level counts as `info`. Never throws. */
  log(level: LogLevelLike, message: string, fields?: object): void {
    const number = levelNumber(level, settings.scale) ?? INFO;
    if (number < this.#level || number === SILENT || this.#handlers.length === 0 || !settings.enabled) return;
    const entry = this.#entry(number, message, fields);
    for (const handler of this.#handlers) {
      try {
        const result = handler(plainCopy(entry) as LogEntry);
        if (result instanceof Promise) result.catch(() => undefined);
      } catch {
        // The others get theirs, and the caller is none the wiser.
      }
    }
  }

  trace(message: string, fields?: object): void {
    this.log('trace', message, fields);
  }

  debug(message: string, fields?: object): void {
    this.log('debug', message, fields);
  }

  info(message: string, fields?: object): void {
    this.log('info', message, fields);
  }

  warning(message: string, fields?: object): void {
    this.log('warning', message, fields);
  }

  /** {@link warning} */
  warn(message: string, fields?: object): void {
    this.log('warning', message, fields);
  }

  error(message: string, fields?: object): void {
    this.log('error', message, fields);
  }

  critical(message: string, fields?: object): void {
    this.log('critical', message, fields);
  }

  /** {@link critical} */
  fatal(message: string, fields?: object): void {
    this.log('critical', message, fields);
  }

  #entry(level: number, message: unknown, fields: object | undefined): Record<string, unknown> {
    const { redaction, scrub } = settings;
    const text = plainCopy(message, redaction, scrub);
    const entry: Record<string, unknown> = {
      timestamp: Date.now() / 1_000,
      level: levelWord(level, 'long'),
      message: typeof text === 'string' ? text : String(text),
    };
    const reserved = Object.keys(entry);
    const copy = plainCopy(fields, redaction, scrub);
    const given = typeof copy === 'object' && copy !== null ? (copy as Record<string, unknown>) : {};
    for (const [key, value] of Object.entries(given)) {
      let name = key;
      while (reserved.includes(name) || (name !== key && Object.hasOwn(given, name))) name += '_';
      Object.defineProperty(entry, name, { value, enumerable: true, writable: true, configurable: true });
    }
    return this.#identify(entry);
  }

  #identify(entry: Record<string, unknown>): Record<string, unknown> {
    const context = activeContext();
    if (this.#ids === undefined || !hasTrace(context)) return entry;
    entry.trace_id = traceIdText(context, this.#ids.trace);
    const high = spanHighOf(context);
    const low = spanLowOf(context);
    if ((high | low) !== 0) entry.span_id = spanIdText(high, low, this.#ids.span);
    return entry;
  }
}
