// Code of the application that is told of each span when it starts and ends. App threads; runs inside startSpan() and end().
import { native } from '../binding/load.js';
import type { Context } from '../context/context.js';
import type { Span } from './span.js';

/** What is told of every recorded span. Each method may be missing; one that throws is counted, and nobody else notices. */
export interface SpanProcessor {
  /** It was started and may be changed. `parent` is the context that it was started in. */
  onStart?(span: Span, parent: Context): void;
  /** Its end time is taken, and it may still be changed. */
  onEnding?(span: Span): void;
  /** It has ended and was written. */
  onEnd?(span: Span): void;
  /** Resolves when what it holds has been given on. */
  forceFlush?(): Promise<void>;
  shutdown?(): Promise<void>;
}

/** Tells several processors, in their order. */
export class SpanProcessors {
  readonly #all: readonly SpanProcessor[];

  constructor(all: readonly SpanProcessor[]) {
    this.#all = all;
  }

  onStart(span: Span, parent: Context): void {
    for (const processor of this.#all) {
      try {
        processor.onStart?.(span, parent);
      } catch {
        countFailure();
      }
    }
  }

  onEnding(span: Span): void {
    for (const processor of this.#all) {
      try {
        processor.onEnding?.(span);
      } catch {
        countFailure();
      }
    }
  }

  onEnd(span: Span): void {
    for (const processor of this.#all) {
      try {
        processor.onEnd?.(span);
      } catch {
        countFailure();
      }
    }
  }

  /** Resolves when all have flushed; those that fail are counted. */
  async forceFlush(): Promise<void> {
    await Promise.all(this.#all.map((processor) => settled(() => processor.forceFlush?.())));
  }

  /** Resolves when all are shut down; those that fail are counted. */
  async shutdown(): Promise<void> {
    await Promise.all(this.#all.map((processor) => settled(() => processor.shutdown?.())));
  }
}

async function settled(call: () => Promise<void> | undefined): Promise<void> {
  try {
    await call();
  } catch {
    countFailure();
  }
}

/** A processor, a trace object or an exporter of a context threw: `kymo_spans_dropped_total{reason="processor_failed"}`. */
export function countFailure(): void {
  native.tracesDropped('processor_failed', 1);
}
