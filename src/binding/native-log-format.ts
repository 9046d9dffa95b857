// What the addon offers for formats of log lines: native/binding/src/logs/format.rs in TypeScript. Any thread of the process.

/** A field that is the same in every line: a plain value, or JSON of any other; without either it is null. */
export interface NativeLogConstant {
  readonly name: string;
  readonly value?: string | number | boolean;
  /** On one line. */
  readonly json?: string;
}

/** A piece of a template. */
export type NativeLogPiece =
  | { readonly text: string }
  | {
      readonly slot: 'time' | 'level' | 'levelNumber' | 'logger' | 'message' | 'field';
      /** Key of the slot `field`. */
      readonly field?: string;
      /** Characters that it is filled up to: before it when positive, behind it when negative. */
      readonly width?: number;
    };

/** Keys of what a line says itself. An empty one of trace id, span id, flags and `truncated` leaves it out. */
export interface NativeLogNames {
  readonly time?: string;
  readonly level?: string;
  readonly logger?: string;
  readonly message?: string;
  readonly traceId?: string;
  readonly spanId?: string;
  readonly traceFlags?: string;
  readonly error?: string;
  readonly truncated?: string;
}

/** Options of a format; without any, JSON as the guide of formats shows it first. */
export interface NativeLogFormatOptions {
  readonly shape?: 'json' | 'text' | 'color' | 'logfmt' | 'otlp';
  readonly names?: NativeLogNames;
  /** Parts in the order in which they are written; one that is missing is not. */
  readonly order?: readonly ('time' | 'level' | 'logger' | 'message' | 'trace' | 'base' | 'fields')[];
  /** `iso`, `epochSeconds`, `epochMs`, `epochNs`, or a pattern as of strftime. */
  readonly time?: string;
  readonly levelCase?: 'lower' | 'upper' | 'number' | 'severity';
  readonly levelScale?: 'pino' | 'python';
  /** `warn` and `fatal`, or `warning` and `critical`. */
  readonly levelWords?: 'short' | 'long';
  /** Words of levels by their number inside. */
  readonly levels?: readonly { readonly level: number; readonly name: string }[];
  readonly traceId?: 'hex' | 'ulid' | 'uuid' | 'prefixed';
  /** Before a trace id. */
  readonly tracePrefix?: string;
  readonly spanId?: 'hex' | 'ulid' | 'uuid' | 'prefixed';
  readonly traceFlags?: 'hex' | 'sampled';
  /** Key of an object that the caller's fields are in; empty: beside the others. */
  readonly nestedKey?: string;
  /** Fields that no caller's field replaces. */
  readonly base?: readonly NativeLogConstant[];
  /** Fields of records that have none of that key. */
  readonly defaults?: readonly NativeLogConstant[];
  readonly error?: 'object' | 'text' | 'otel' | 'ecs' | 'gcp';
  readonly nonFinite?: 'null' | 'text';
  readonly bigint?: 'exact' | 'number' | 'text';
  readonly template?: readonly NativeLogPiece[];
  /** Texts only: stacks behind the line, on lines of their own. */
  readonly multiline?: boolean;
}

/** Part of the addon's exports. */
export interface NativeLogFormat {
  /** Number of a format, the same for the same options. Cold, about 20 us; fails with `KYMO_LOG_FORMAT`. */
  logFormat(options: NativeLogFormatOptions): number;
  /**
   * The line of a record that was built aside, without its end; empty for what is no record. `ring` has its keys, -1: it has none. The name
   * of the logger is given, so that names which come once take no room in the ring.
   */
  logFormatRecord(format: number, record: Uint8Array, ring: number, logger: string): string;
  /** Lines so far, in all formats of the process, from which something is missing: their record was cut, or made no sense. */
  logTruncatedLines(): number;
}
