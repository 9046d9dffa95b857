// Ended spans kept as objects, for code that reads them back on the thread that made them, and the way from there to an exporter in
// JavaScript. App threads; bounded.
import { countFailure, type SpanProcessor } from './processors.js';
import type { Span } from './span.js';
import { SpanQueue } from './span-queue.js';

/** Takes spans in batches, on the thread that ended them. */
export interface SpanBatchExporter {
  export(spans: readonly Span[]): void | Promise<void>;
  shutdown?(): void | Promise<void>;
}

/** Options of {@link SpanBuffer}. */
export interface SpanBufferOptions {
  /** Ended spans that are kept, in [1, 16777216]; default 1,000. The oldest gives way. */
  readonly maxSpans?: number | undefined;
  /** Gets each span once, when the buffer is flushed. */
  readonly exporter?: SpanBatchExporter | undefined;
}

/** Ended spans kept unless told otherwise. */
const MOST_SPANS = 1_000;

/**
 * A processor that keeps the last spans. With an exporter, a span that gives way before a flush is lost to it and counted:
 * `kymo_spans_dropped_total{reason="queue_full"}`.
 */
export class SpanBuffer implements SpanProcessor {
  readonly #most: number;
  readonly #exporter: SpanBatchExporter | undefined;
  /** Circular once it is full: `#next` is the oldest. */
  readonly #kept: Span[] = [];
  #next = 0;
  readonly #waiting: SpanQueue<Span>;
  /** Exports follow one another. */
  #last: Promise<void> = Promise.resolve();

  /** @throws KymoError `KYMO_CONFIG_VALUE` for a number of spans out of range. */
  constructor({ maxSpans = MOST_SPANS, exporter }: SpanBufferOptions = {}) {
    this.#waiting = new SpanQueue({ maxSize: maxSpans });
    this.#most = maxSpans;
    this.#exporter = exporter;
  }

  /** In the order in which they ended; a fresh array. */
  get spans(): Span[] {
    return [...this.#kept.slice(this.#next), ...this.#kept.slice(0, this.#next)];
  }

  onEnd(span: Span): void {
    if (this.#kept.length < this.#most) this.#kept.push(span);
    else {
      this.#kept[this.#next] = span;
      this.#next = (this.#next + 1) % this.#most;
    }
    if (this.#exporter !== undefined && span.isExported) this.#waiting.putNowait(span);
  }

  /** Resolves when all that ended before was given to the exporter, once; one that fails is counted. */
  forceFlush(): Promise<void> {
    this.#last = this.#last.then(() => this.#export());
    return this.#last;
  }

  /** Flushes, then shuts the exporter down. */
  async shutdown(): Promise<void> {
    await this.forceFlush();
    await this.#exporter?.shutdown?.();
  }

  async #export(): Promise<void> {
    const spans = this.#waiting.takeNowait(this.#most);
    if (spans.length === 0) return;
    try {
      await this.#exporter?.export(spans);
    } catch {
      countFailure();
    }
  }
}
