// Gives each span to an exporter at once, on the thread that ends it: for consoles and tests. App threads; costs what the exporter costs.
import { native } from '../binding/load.js';
import type { SpanProcessor } from '../traces/processors.js';
import type { Span } from '../traces/span.js';
import { type SpanData, toSpanData } from '../traces/span-data.js';
import { unexported } from './context-exporter.js';

/** An exporter that takes plain spans; each `SpanExporter` that needs no more of a span than its data is one. */
export interface SimpleExporter {
  export(spans: readonly SpanData[]): void | Promise<void>;
  forceFlush?(): void | Promise<void>;
  shutdown?(): void | Promise<void>;
}

/** One call of the exporter per span that ends, and never two at once: while one is under way, up to 10,000 spans wait, then the oldest is dropped. */
export class SimpleSpanProcessor implements SpanProcessor {
  readonly #exporter: SimpleExporter;
  readonly #waiting: SpanData[] = [];
  #running: Promise<void> | undefined;

  constructor(exporter: SimpleExporter) {
    this.#exporter = exporter;
  }

  onEnd(span: Span): void {
    if (!span.isExported) return;
    if (this.#running === undefined) return this.#export(toSpanData(span));
    if (this.#waiting.length === MOST_WAITING) {
      this.#waiting.shift();
      native.tracesDropped('queue_full', 1);
    }
    this.#waiting.push(toSpanData(span));
  }

  async forceFlush(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
    await this.#exporter.forceFlush?.();
  }

  async shutdown(): Promise<void> {
    await this.forceFlush();
    await this.#exporter.shutdown?.();
  }

  /** Synchronous as long as the exporter is. */
  #export(span: SpanData): void {
    try {
      const result: unknown = unexported(() => this.#exporter.export([span]));
      if (result instanceof Promise) this.#running = result.catch(countLost).then(() => this.#next());
    } catch {
      countLost();
    }
  }

  #next(): void {
    this.#running = undefined;
    while (this.#running === undefined) {
      const span = this.#waiting.shift();
      if (span === undefined) return;
      this.#export(span);
    }
  }
}

const MOST_WAITING = 10_000;

function countLost(): void {
  native.tracesDropped('exporter', 1);
}
