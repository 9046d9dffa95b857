// What a sink is to those who configure logging: a description, opened when it comes into use. Types only.

/** What a sink is told when it is opened. */
export interface SinkOpening {
  /** Number of the format that its lines have, as `logFormat` gave it: for sinks that take records and write lines themselves. */
  readonly format: number;
  /** `service.name`, where one was given. */
  readonly service: string | undefined;
}

/** A sink that is open. It takes lines (`sink`) or records (`records`): one of the two. */
export interface OpenedSink {
  /** As `logSink` gave it. */
  readonly sink?: number;
  /** As `logRecords` gave it. */
  readonly records?: number;
  /** Delivers what it has taken, where that is not done once `logFlush` is. False at the deadline. Never rejects. */
  flush?(timeoutMs: number): Promise<boolean>;
  /** Delivers what it has taken, then ends it; false when it could not at the deadline. Called once, when no route leads to it any more. Never rejects. */
  close(timeoutMs: number): Promise<boolean>;
}

/** Where lines go: made by `stdoutSink`, `fileSink`, `otlpLogSink` and their like, given to `configureLogging`. Making one starts nothing. */
export interface LogSink {
  /** One word, for messages: `file`, `stdout`, `otlp`. */
  readonly name: string;
  /** Equal for two sinks that are the same: configured again, one that is open stays open. Undefined: it is like no other. */
  readonly key: string | undefined;
  /** @throws KymoError `KYMO_LOG_SINK` */
  open(opening: SinkOpening): OpenedSink;
}
