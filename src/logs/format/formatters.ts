// Formatters: the line of one record as text, for handlers and sinks of one's own. App threads; each call goes through native.
import { LOG_TRACED } from '../../binding/generated/layout.js';
import { native } from '../../binding/load.js';
import { logRing } from '../../binding/log-ring.js';
import type { LogCall } from '../../binding/log-writer.js';
import { readSpanId, readTraceId } from '../../context/id-text.js';
import { INFO, type LogLevelLike, levelNumber } from '../levels.js';
import { settings } from '../settings.js';
import { formatMessage, textOf } from '../template.js';
import { compileLogFormat, type LogFormatOptions } from './options.js';

/** What happened, as a formatter gets it. */
export interface LogRecord {
  /** Any value; a text is filled with `args`. */
  readonly message?: unknown;
  /** For `%s` and its like in the message; those that it does not take stand behind it. */
  readonly args?: readonly unknown[];
  /** Default `info`. */
  readonly level?: LogLevelLike;
  /** Name of the logger. */
  readonly logger?: string;
  /** Milliseconds since 1970, or a date; default: now. */
  readonly time?: Date | number;
  /** Beside the message. */
  readonly fields?: object;
  readonly error?: unknown;
  /** In any text form. */
  readonly traceId?: string;
  readonly spanId?: string;
  /** W3C's, in [0, 255]; default 0. */
  readonly traceFlags?: number;
}

/** The message of a record with its arguments in place. Never throws. */
export function messageOf({ message, args = [] }: LogRecord): unknown {
  if (args.length === 0) return message;
  const { text, used } = formatMessage(textOf(message), args, 0);
  return [text, ...args.slice(used).map(textOf)].join(' ');
}

/** Makes lines of records, as they are given or kept by somebody. */
class LineFormatter {
  readonly #format: number;

  constructor(options: LogFormatOptions) {
    this.#format = compileLogFormat(options);
  }

  /**
   * The line of a record, without its end. Fields are redacted as those of loggers are. Some 5 us, on the calling thread. Never throws: a
   * record whose fields throw says so. Empty when Kymo is switched off.
   */
  format(record: LogRecord): string {
    const writer = logRing();
    const { call } = writer;
    // It may be called by a getter, while a logger's own call is being written.
    const before = { ...call };
    try {
      fill(call, record);
      if (writer.redaction !== settings.redaction) writer.redaction = settings.redaction;
      const built = writer.record(messageOf(record), record.fields, record.error);
      return native.logFormatRecord(this.#format, built, writer.ring, String(record.logger ?? ''));
    } finally {
      Object.assign(call, before);
    }
  }
}

function fill(call: LogCall, { level = INFO, time = Date.now(), traceId, spanId, traceFlags = 0 }: LogRecord): void {
  call.level = Math.min(levelNumber(level, settings.scale) ?? INFO, 0xffff);
  call.logger = -1;
  call.time = Number(time);
  call.bindings = undefined;
  call.context = undefined;
  const ids = { t0: 0, t1: 0, t2: 0, t3: 0 };
  const isTraced = traceId !== undefined && readTraceId(traceId, ids);
  call.bits = isTraced ? LOG_TRACED | (traceFlags & 0xff) : 0;
  Object.assign(call, ids);
  const span = { t0: 0, t1: 0, t2: 0, t3: 0 };
  if (spanId !== undefined) readSpanId(spanId, span);
  call.s0 = span.t2;
  call.s1 = span.t3;
}

/** Options of {@link JsonFormatter}. */
export type JsonFormatterOptions = Omit<LogFormatOptions, 'format'> & { readonly format?: 'json' | 'ecs' | 'gcp' | 'otlp' };

/** Options of {@link TextFormatter}. */
export type TextFormatterOptions = Omit<LogFormatOptions, 'format'> & { readonly format?: 'text' | 'color' | 'logfmt' };

/** Writes a record as one line of JSON. Any handler or sink can have one of its own. */
export class JsonFormatter extends LineFormatter {
  /** @throws KymoError `KYMO_LOG_FORMAT` for options that make no format */
  constructor(options: JsonFormatterOptions = {}) {
    super({ ...options, format: options.format ?? 'json' });
  }
}

/** Writes a record as text: `<time> - <logger> - <LEVEL> - <message> key=value`, or as the options say. */
export class TextFormatter extends LineFormatter {
  /** @throws KymoError `KYMO_LOG_FORMAT` for options that make no format */
  constructor(options: TextFormatterOptions = {}) {
    super({ ...options, format: options.format ?? 'text' });
  }
}
