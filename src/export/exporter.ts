// What an exporter of spans is: one interface that serves batches, sync and async, and adapters for those who want a span or a trace
// at a time. Any thread.
import type { ExportedSpan } from './exported-span.js';

/**
 * Takes batches of completed spans; any object with these methods is one. It may answer at once or with a promise, and is never called
 * again before that is settled. What it throws is counted in `kymo_exporter_errors_total{exporter}`, and costs its batch only.
 */
export interface SpanExporter {
  /** Name in metrics and warnings; default that of its class. */
  readonly name?: string;
  export(spans: readonly ExportedSpan[]): void | Promise<void>;
  /** Sends what the exporter itself holds back. */
  forceFlush?(): void | Promise<void>;
  /** Flushes and closes; nothing is exported afterwards. */
  shutdown?(): void | Promise<void>;
}

/** True for an object with a method `export`. */
export function isSpanExporter(value: unknown): value is SpanExporter {
  return typeof value === 'object' && value !== null && typeof (value as { export?: unknown }).export === 'function';
}

/** How an exporter is called in metrics and warnings: its own name, that of its class, or `exporter`. */
export function exporterName(exporter: object): string {
  const { name } = exporter as { name?: unknown };
  for (const candidate of [name, (exporter.constructor as { name?: unknown } | undefined)?.name]) {
    if (typeof candidate === 'string' && /^[\w.:/ -]{1,100}$/.test(candidate) && candidate !== 'Object') return candidate;
  }
  return 'exporter';
}

/** Gets one completed span and its duration in seconds, at least 0, from a monotonic clock. */
export type SpanCallback = (span: ExportedSpan, durationSec: number) => void | Promise<void>;

/**
 * An exporter that calls back for each span, in the order in which they ended: of nested ones, the inner comes first. A callback that
 * throws costs no other span its call; the batch then counts as failed.
 * @example spanCallbackExporter((span, seconds) => console.log(span.name, seconds))
 */
export function spanCallbackExporter(callback: SpanCallback, name = 'callback'): SpanExporter {
  return {
    name,
    async export(spans) {
      await eachInTurn(spans, (span) => callback(span, Math.max(0, span.endTime - span.startTime)));
    },
  };
}

/** Calls `fn` for each in order, awaits it, and goes on when it throws; throws the first error at the end. */
export async function eachInTurn<T>(items: readonly T[], fn: (item: T) => unknown): Promise<void> {
  const failures: unknown[] = [];
  for (const item of items) {
    try {
      await fn(item);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}
