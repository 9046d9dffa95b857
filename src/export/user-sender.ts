// Hands batches to an exporter of the application as plain spans. On the exporter's thread, or on the main thread for exporters that
// insist: decoding is paid there, about 2 us a span.
import type { ExportBatch } from '../binding/native-export.js';
import type { BatchSender, Delivery } from './delivery.js';
import type { SpanExporter } from './exporter.js';
import type { SpanIdText } from './span-batch.js';

/** Awaits an exporter for each batch. Its errors cost their batch and are not repeated: only the exporter knows what it sent. */
export class UserSender implements BatchSender {
  readonly #exporter: SpanExporter;
  readonly #ids: SpanIdText | undefined;
  readonly #onHung: () => void;
  /** The call that took too long: nothing else is exported before it is settled. */
  #late: Promise<void> | undefined;

  /**
   * @param ids text forms of ids; default 32 and 16 hex digits
   * @param onHung called when an export has not settled in time, once it was counted
   */
  constructor(exporter: SpanExporter, ids?: SpanIdText, onHung: () => void = () => undefined) {
    this.#exporter = exporter;
    this.#ids = ids;
    this.#onHung = onHung;
  }

  async send(batch: ExportBatch, timeoutMs: number, signal: AbortSignal): Promise<Delivery> {
    if (this.#late && !(await this.#inTime(this.#late, timeoutMs, signal))) return this.#hung(timeoutMs);
    const call = this.#call(batch);
    const settled = call.then(
      () => undefined,
      () => undefined,
    );
    if (!(await this.#inTime(settled, timeoutMs, signal))) {
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
    // Loaded with the first batch: most processes have no exporter of their own, and its unpacker takes a while to load.
    const { decodeSpans } = await import('./span-batch.js');
    await this.#exporter.export(decodeSpans(batch.body, this.#ids));
  }

  #hung(timeoutMs: number): Delivery {
    setImmediate(this.#onHung);
    return { kind: 'refused', reason: 'timeout', message: `its export did not settle within ${Math.round(timeoutMs)} ms` };
  }

  async #inTime(settled: Promise<void>, ms: number, signal: AbortSignal): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    let giveUp: (() => void) | undefined;
    const late = new Promise<boolean>((resolve) => {
      giveUp = () => resolve(false);
      timer = setTimeout(giveUp, ms);
      signal.addEventListener('abort', giveUp, { once: true });
      if (signal.aborted) giveUp();
    });
    try {
      return await Promise.race([settled.then(() => true), late]);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp as () => void);
    }
  }
}

function reasonOf(error: unknown): string {
  try {
    return error instanceof Error ? error.message : String(error);
  } catch {
    return `[${typeof error}]`;
  }
}
