// Hands batches to an exporter of the application as plain spans or log records. On the exporter's thread, or on the main thread for exporters that
// insist: decoding is paid there, about 2 us a span.
import type { ExportBatch } from '../binding/native-export.js';
import type { BatchSender, Delivery } from './delivery.js';
import type { SpanExporter } from './exporter.js';
import { inTime, reasonOf } from './in-time.js';
import type { LogExporter } from './logs/log-exporter.js';
import type { SpanIdText } from './span-batch.js';

/** An exporter of the application, whatever it takes. */
interface UserExporter<T> {
  export(items: readonly T[]): void | Promise<void>;
  forceFlush?(): void | Promise<void>;
  shutdown?(): void | Promise<void>;
}

/**
 * A sender to an exporter of spans.
 * @param ids text forms of ids; default 32 and 16 hex digits
 * @param onHung called when an export has not settled in time, once it was counted
 */
export function spanSender(exporter: SpanExporter, ids?: SpanIdText, onHung?: () => void): BatchSender {
  // Decoders are loaded with the first batch: most processes have no exporter of their own, and the unpacker takes a while to load.
  return new UserSender(exporter, async (body) => (await import('./span-batch.js')).decodeSpans(body, ids), onHung);
}

/** A sender to an exporter of log records; see {@link spanSender}. */
export function logSender(exporter: LogExporter, onHung?: () => void): BatchSender {
  return new UserSender(exporter, async (body) => (await import('./logs/exported-log.js')).decodeLogs(body), onHung);
}

/** Awaits an exporter for each batch. Its errors cost their batch and are not repeated: only the exporter knows what it sent. */
class UserSender<T> implements BatchSender {
  readonly #exporter: UserExporter<T>;
  readonly #decode: (body: Uint8Array) => Promise<readonly T[]>;
  readonly #onHung: () => void;
  /** The call that took too long: nothing else is exported before it is settled. */
  #late: Promise<void> | undefined;

  constructor(exporter: UserExporter<T>, decode: (body: Uint8Array) => Promise<readonly T[]>, onHung: () => void = () => undefined) {
    this.#exporter = exporter;
    this.#decode = decode;
    this.#onHung = onHung;
  }

  async send(batch: ExportBatch, timeoutMs: number, signal: AbortSignal): Promise<Delivery> {
    if (this.#late && !(await inTime(this.#late, timeoutMs, signal))) return this.#hung(timeoutMs);
    const call = this.#call(batch);
    const settled = call.then(
      () => undefined,
      () => undefined,
    );
    if (!(await inTime(settled, timeoutMs, signal))) {
      this.#late = settled;
      settled.then(() => {
        if (this.#late === settled) this.#late = undefined;
      });
      return this.#hung(timeoutMs);
    }
    try {
      await call;
      return { kind: 'exported', rejected: 0, message: '' };
    } catch (error) {
      return { kind: 'refused', reason: 'exporter', message: reasonOf(error) };
    }
  }

  async flush(): Promise<void> {
    try {
      await this.#exporter.forceFlush?.();
    } catch {
      // As with a shutdown: nobody could do anything about it.
    }
  }

  async close(): Promise<void> {
    try {
      await this.#exporter.shutdown?.();
    } catch {
      // Its spans are out or counted.
    }
  }

  async #call(batch: ExportBatch): Promise<void> {
    await this.#exporter.export(await this.#decode(batch.body));
  }

  #hung(timeoutMs: number): Delivery {
    setImmediate(this.#onHung);
    return { kind: 'refused', reason: 'timeout', message: `its export did not settle within ${Math.round(timeoutMs)} ms` };
  }
}
