// Hands ended spans to a queue and an exporter, as plain data. App thread; inside `end()` of each recorded span.
import { native } from '../binding/load.js';
import type { SpanProcessor } from './processors.js';
import type { Span } from './span.js';
import { toSpanData } from './span-data.js';
import type { SpanBackend } from './span-export-worker.js';
import type { SpanQueue } from './span-queue.js';

/** Feeds either or both. A destination that the queue's worker serves gets no span from here: it would have it twice. */
export class QueueFeeder implements SpanProcessor {
  readonly #queue: SpanQueue | undefined;
  readonly #exporter: SpanBackend | undefined;

  constructor(queue: SpanQueue | undefined, exporter: SpanBackend | undefined) {
    this.#queue = queue;
    this.#exporter = exporter;
  }

  onEnd(span: Span): void {
    if (!span.isExported) return;
    const data = toSpanData(span);
    this.#queue?.putNowait(data);
    const exporter = this.#exporter;
    if (exporter === undefined || this.#queue?.destinations.has(exporter)) return;
    try {
      const result: unknown = exporter.export([data]);
      if (result instanceof Promise) result.catch(countLost);
    } catch {
      countLost();
    }
  }

  async shutdown(): Promise<void> {
    if (this.#exporter !== undefined && !this.#queue?.destinations.has(this.#exporter)) await this.#exporter.shutdown?.();
  }
}

function countLost(): void {
  native.tracesDropped('exporter', 1);
}
