// An exporter for the running code and what it starts: it gets the spans that end there, as they are, in place of the tracer's. App threads.
import { native } from '../binding/load.js';
import { activeContext, type Context, ROOT_CONTEXT, runInContext, withExtra } from '../context/context.js';
import { enterContext } from '../context/enter.js';
import type { Span } from '../traces/span.js';
import type { ContextExporter } from '../traces/span-listeners.js';
import { refusedOption } from './batch-options.js';

/** Gets each span when it ends, with its duration in seconds, at least 0; any object with this method is one. */
export interface ContextSpanExporter {
  export(span: Span, durationSec: number): void | Promise<void>;
}

/** What a context holds: shields the application from its exporter. */
class Shielded implements ContextExporter {
  readonly #exporter: ContextSpanExporter;

  constructor(exporter: ContextSpanExporter) {
    this.#exporter = exporter;
  }

  spanEnded(span: Span): void {
    try {
      const result: unknown = this.#exporter.export(span, Math.max(0, span.durationMs) / 1_000);
      if (result instanceof Promise) result.catch(countLost);
    } catch {
      countLost();
    }
  }
}

function countLost(): void {
  native.tracesDropped('exporter', 1);
}

/**
 * Registers an exporter for the current context: the running code and what it starts later, never its siblings or callers in other
 * tasks. It replaces the one before; null takes it away. Spans that end in the context go to it and to no other exporter; they are
 * still retained. What it throws is counted in `kymo_spans_dropped_total{reason="exporter"}`.
 * @throws KymoError `KYMO_EXPORT_OPTION` for what has no method `export`
 */
export function registerSpanExporter(exporter: ContextSpanExporter | null): void {
  enterContext(exporting(exporter));
}

/** Calls `fn` with an exporter registered for it and what it starts; the caller's is untouched. Returns what `fn` returns. */
export function withSpanExporter<R>(exporter: ContextSpanExporter | null, fn: () => R): R {
  return runInContext(exporting(exporter), fn);
}

function exporting(exporter: ContextSpanExporter | null): Context {
  if (exporter !== null && typeof (exporter as { export?: unknown } | undefined)?.export !== 'function') {
    throw refusedOption('exporter', typeof exporter, 'an object with a method `export`, or null');
  }
  const shielded = exporter === null ? undefined : new Shielded(exporter);
  return withExtra(activeContext(), (extra) => {
    extra.exporter = shielded;
  });
}

/** Exports nothing. */
const NOWHERE: ContextExporter = Object.freeze({ spanEnded: () => undefined });

/**
 * Calls `fn` where spans are recorded but not exported, and in no trace: for exporters, whose own requests would otherwise have to be
 * exported, and so on for ever.
 */
export function unexported<R>(fn: () => R): R {
  const context = withExtra(ROOT_CONTEXT, (extra) => {
    extra.exporter = NOWHERE;
  });
  return runInContext(context, fn);
}
