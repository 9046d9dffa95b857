// A writer that keeps what loggers hand to it, for tests of what loggers do before a line is written.
import { LOG_HELD, LOG_TRACED } from '../../src/binding/generated/layout.js';
import type { EncodedFields, LogWriter } from '../../src/binding/log-writer.js';
import { emptyCall } from '../../src/binding/log-writer.js';
import { traceIdText } from '../../src/context/id-text.js';
import { settings } from '../../src/logs/settings.js';

/** A line as it was handed over. */
export interface RecordedLine {
  readonly level: number;
  readonly logger: string | undefined;
  readonly message: unknown;
  readonly fields: Record<string, unknown>;
  readonly error: unknown;
  /** Fields of loggers and their base. */
  readonly bindings: Record<string, unknown>;
  /** Fields of the context. */
  readonly context: Record<string, unknown>;
  readonly traceId: string | undefined;
  readonly isHeld: boolean;
  readonly time: number;
}

/** What can be read of an object. */
function read(fields: object | undefined): Record<string, unknown> {
  try {
    return { ...fields };
  } catch {
    return {};
  }
}

/** In the place of the ring's writer. */
export class RecordedLines implements Pick<LogWriter, 'call' | 'write' | 'logger' | 'encode' | 'settle'> {
  readonly call = emptyCall();
  readonly ring = -1;
  readonly lines: RecordedLine[] = [];
  /** How often bindings were encoded. */
  encodings = 0;
  readonly #names: string[] = [];
  readonly #encoded = new Map<EncodedFields, object>();

  /** Takes the lines of this thread from now on. */
  static take(): RecordedLines {
    const recorded = new RecordedLines();
    settings.writer = recorded as unknown as LogWriter;
    settings.route = 0;
    settings.epoch += 1;
    return recorded;
  }

  get messages(): unknown[] {
    return this.lines.map(({ message }) => message);
  }

  get last(): RecordedLine {
    return this.lines.at(-1) as RecordedLine;
  }

  write(message: unknown, fields: object | undefined, error: unknown): boolean {
    const { level, logger, bindings, context, bits, time } = this.call;
    this.lines.push({
      level,
      logger: this.#names[logger],
      message,
      fields: read(fields),
      error,
      bindings: { ...(bindings && this.#encoded.get(bindings)) },
      context: { ...context },
      traceId: (bits & LOG_TRACED) === 0 ? undefined : traceIdText(this.call),
      isHeld: (bits & LOG_HELD) !== 0,
      time,
    });
    return true;
  }

  logger(name: string): number {
    return this.#names.push(name) - 1;
  }

  encode(fields: object): EncodedFields {
    this.encodings += 1;
    const encoded = { words: new DataView(new ArrayBuffer(0)), length: 0, epoch: 0 };
    this.#encoded.set(encoded, read(fields));
    return encoded;
  }

  settle(): void {
    // Nothing is begun.
  }
}
