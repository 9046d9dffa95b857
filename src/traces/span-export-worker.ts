// Drains a queue of spans into a backend in batches, one at a time. App thread; what it costs is what the backend costs.
import { native } from '../binding/load.js';
import { KymoError } from '../core/errors.js';
import type { SpanData } from './span-data.js';
import type { SpanQueue } from './span-queue.js';

/** Takes batches of completed spans; any object with these methods is one. */
export interface SpanBackend {
  export(spans: readonly SpanData[]): void | Promise<void>;
  shutdown?(): void | Promise<void>;
}

/** Options of {@link SpanExportWorker}. */
export interface SpanExportWorkerOptions {
  readonly queue: SpanQueue;
  readonly backend: SpanBackend;
  /** Spans of a batch, in [1, 65536]; default 512. */
  readonly maxBatchSize?: number;
  /** Time that {@link SpanExportWorker.stop} may take, in [0, 600000] ms; default 5,000. */
  readonly stopTimeoutMs?: number;
}

const MAX_BATCH = 65_536;
const MAX_TIMEOUT_MS = 600_000;

/**
 * Calls `backend.export` with what waits, never twice at once. A batch whose export throws or rejects is dropped and counted in
 * `kymo_spans_dropped_total{reason="exporter"}`; the next one is tried.
 * @example const worker = new SpanExportWorker({ queue, backend }); worker.start(); ... await worker.stop();
 */
export class SpanExportWorker {
  readonly #queue: SpanQueue;
  readonly #backend: SpanBackend;
  readonly #maxBatch: number;
  readonly #stopTimeoutMs: number;
  #exported = 0;
  #failed = 0;
  #running: { readonly ending: AbortController; readonly done: Promise<void> } | undefined;

  /** @throws KymoError `KYMO_CONFIG_VALUE` for an option out of range. */
  constructor(options: SpanExportWorkerOptions) {
    const { queue, backend, maxBatchSize = 512, stopTimeoutMs = 5_000 } = options;
    if (!Number.isInteger(maxBatchSize) || maxBatchSize < 1 || maxBatchSize > MAX_BATCH) {
      throw refuse('maxBatchSize', maxBatchSize, `a whole number in [1, ${MAX_BATCH}]`);
    }
    if (!(typeof stopTimeoutMs === 'number' && stopTimeoutMs >= 0 && stopTimeoutMs <= MAX_TIMEOUT_MS)) {
      throw refuse('stopTimeoutMs', stopTimeoutMs, `milliseconds in [0, ${MAX_TIMEOUT_MS}]`);
    }
    if (typeof backend?.export !== 'function') throw refuse('backend', typeof backend, 'an object with a method `export`');
    this.#queue = queue;
    this.#backend = backend;
    this.#maxBatch = maxBatchSize;
    this.#stopTimeoutMs = stopTimeoutMs;
  }

  /** Spans that the backend took. */
  get exported(): number {
    return this.#exported;
  }

  /** Spans of batches that the backend failed on. */
  get failed(): number {
    return this.#failed;
  }

  /** Begins to drain; does nothing while it runs. Holds no process open. */
  start(): void {
    if (this.#running !== undefined) return;
    const ending = new AbortController();
    (this.#queue.destinations as Set<object>).add(this.#backend);
    this.#running = { ending, done: this.#drain(ending.signal) };
  }

  /**
   * Exports what waits, shuts the backend down and ends. Never rejects, and takes no longer than `stopTimeoutMs`: what then still
   * waits is dropped and counted with reason `shutdown`. Without a start before, it does the same.
   */
  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    (this.#queue.destinations as Set<object>).delete(this.#backend);
    running?.ending.abort();
    const late = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#stopTimeoutMs);
    }).then(() => late.abort());
    await Promise.race([deadline, this.#finish(running?.done, late.signal)]);
    clearTimeout(timer);
    if (!late.signal.aborted) return;
    const left = this.#queue.takeNowait(this.#queue.size).length;
    if (left > 0) native.tracesDropped('shutdown', left);
  }

  /** Same as {@link stop}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #finish(running: Promise<void> | undefined, late: AbortSignal): Promise<void> {
    await running;
    while (this.#queue.size > 0 && !late.aborted) await this.#send(this.#queue.takeNowait(this.#maxBatch));
    try {
      if (!late.aborted) await this.#backend.shutdown?.();
    } catch {
      // Its spans are out or counted; there is nobody left to whom this would matter.
    }
  }

  async #drain(ending: AbortSignal): Promise<void> {
    while (!ending.aborted) {
      let first: SpanData;
      try {
        first = await this.#queue.get(ending);
      } catch {
        return;
      }
      await this.#send([first, ...this.#queue.takeNowait(this.#maxBatch - 1)]);
    }
  }

  async #send(spans: readonly SpanData[]): Promise<void> {
    try {
      await this.#backend.export(spans);
      this.#exported += spans.length;
    } catch {
      this.#failed += spans.length;
      native.tracesDropped('exporter', spans.length);
    }
  }
}

function refuse(source: string, value: unknown, expected: string): KymoError {
  return new KymoError('KYMO_CONFIG_VALUE', { source, value, expected });
}
