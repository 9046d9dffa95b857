// Exporters for people: a line per span, or, for those who opt in by their log level, a line per message, model call and tool. Any thread.
import { readOpenTelemetry } from '../../config/opentelemetry.js';
import type { SpanData } from '../../traces/span-data.js';
import { refusedOption, wordOption } from '../batch-options.js';
import type { SpanExporter } from '../exporter.js';
import { formatDebugLine, formatSpanLine } from './lines.js';
import { type SpanLogger, streamLogger } from './logger.js';

/** Options of {@link ConsoleSpanExporter}. */
export interface ConsoleExporterOptions {
  /** `summary` (default): name, duration and error; `json`: the whole span in one line. */
  readonly format?: 'summary' | 'json';
  /** Gets each line at level info; default the standard output, from the level that `OTEL_LOG_LEVEL` names. */
  readonly logger?: SpanLogger;
}

/**
 * Prints each span as a line. Names and texts of spans are shown with control characters escaped.
 * @example configureTracing({ exporters: [new ConsoleSpanExporter()] })
 */
export class ConsoleSpanExporter implements SpanExporter {
  readonly name = 'console';
  readonly #line: (span: SpanData) => string;
  readonly #logger: SpanLogger;

  /** @throws KymoError `KYMO_EXPORT_OPTION` */
  constructor({ format = 'summary', logger = defaultLogger() }: ConsoleExporterOptions = {}) {
    this.#line = wordOption('format', format, ['summary', 'json']) === 'json' ? jsonLine : formatSpanLine;
    this.#logger = checkLogger(logger);
  }

  export(spans: readonly SpanData[]): void {
    for (const span of spans) this.#logger.info(this.#line(span));
  }
}

const NOTHING_STRUCTURED =
  '[Tracer] spans are not exported, only logged at level debug: set OTEL_EXPORTER_OTLP_ENDPOINT, or give configureTracing an exporter';

/**
 * Logs sends, model calls and tool calls at level debug, and nothing at info. Says once, when it is made, that this is all that becomes of
 * spans.
 */
export class LogSpanExporter implements SpanExporter {
  readonly name = 'log';
  readonly #logger: SpanLogger;

  /** @throws KymoError `KYMO_EXPORT_OPTION` */
  constructor({ logger = defaultLogger() }: Pick<ConsoleExporterOptions, 'logger'> = {}) {
    this.#logger = checkLogger(logger);
    this.#logger.warn(NOTHING_STRUCTURED);
  }

  export(spans: readonly SpanData[]): void {
    for (const span of spans) {
      const line = formatDebugLine(span);
      if (line !== undefined) this.#logger.debug(line);
    }
  }
}

function defaultLogger(): SpanLogger {
  return streamLogger(readOpenTelemetry().values.logLevel);
}

function checkLogger(logger: unknown): SpanLogger {
  const fits = (name: string): boolean => typeof (logger as Record<string, unknown> | null)?.[name] === 'function';
  if (['debug', 'info', 'warn'].every(fits)) return logger as SpanLogger;
  throw refusedOption('logger', typeof logger, 'an object with debug, info and warn');
}

/** Bigints, which JSON has not, as decimal digits. */
function jsonLine(span: SpanData): string {
  return JSON.stringify(span, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
}
