// Where the console exporters write: a logger of the application, or lines on the standard streams. Any thread.

/** What the console exporters need of a logger; those of pino, winston and the console have it. */
export interface SpanLogger {
  debug(line: string): void;
  info(line: string): void;
  warn(line: string): void;
}

/** The lowest level that is written. */
export type SpanLogLevel = 'debug' | 'info' | 'warn' | 'error' | 'none';

const RANK: Readonly<Record<SpanLogLevel, number>> = Object.freeze({ debug: 0, info: 1, warn: 2, error: 3, none: 4 });

/** Writes lines to the standard output, warnings to the standard error, from `level` on. */
export function streamLogger(level: SpanLogLevel = 'info'): SpanLogger {
  const from = RANK[level];
  const to = (stream: NodeJS.WriteStream, rank: number) => (line: string) => {
    if (rank >= from) stream.write(`${line}\n`);
  };
  return { debug: to(process.stdout, RANK.debug), info: to(process.stdout, RANK.info), warn: to(process.stderr, RANK.warn) };
}

const CONTROL = /[\p{Cc}\u2028\u2029]/gu;
/** Longest part of a value in a line, in UTF-16 code units. */
const SHOWN_MAX = 1_000;

/** A value as a line shows it: one line, whoever wrote the value. Never throws. */
export function inLine(value: unknown): string {
  let text: string;
  try {
    text = String(value);
  } catch {
    text = `[${typeof value}]`;
  }
  return text.slice(0, SHOWN_MAX).replace(CONTROL, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
