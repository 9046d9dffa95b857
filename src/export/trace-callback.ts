// Groups spans into traces for those who want one at a time. Any thread; bounded by spans.
import type { ExportedSpan } from './exported-span.js';
import { eachInTurn, type SpanExporter } from './exporter.js';

/** The completed spans of one trace, as far as this process has them. */
export interface TraceData {
  readonly traceId: string;
  /** The span without a local parent that completed the trace; undefined where it was cut off by a limit or the end. */
  readonly root: ExportedSpan | undefined;
  /** In the order in which they ended; the root is the last one. */
  readonly spans: readonly ExportedSpan[];
}

/** Options of {@link traceCallbackExporter}. */
export interface TraceCallbackOptions {
  readonly name?: string;
  /** Spans of traces without a root that are kept, in [1, 1000000]; default 10,000. The oldest trace then goes out without a root. */
  readonly maxWaitingSpans?: number;
}

/** Gets one completed trace. */
export type TraceCallback = (trace: TraceData) => void | Promise<void>;

/**
 * An exporter that calls back for each trace when its root has ended. One callback or several, called in their order, each shielded from
 * the others. A trace whose root never comes goes out without it, at the limit or at the shutdown. Spans that end after their root are a
 * trace of their own.
 */
export function traceCallbackExporter(
  callbacks: TraceCallback | readonly TraceCallback[],
  options: TraceCallbackOptions = {},
): SpanExporter {
  const { name = 'trace-callback', maxWaitingSpans = 10_000 } = options;
  const each: readonly TraceCallback[] = typeof callbacks === 'function' ? [callbacks] : [...callbacks];
  /** By trace id; the order of insertion is that of their first span. */
  const waiting = new Map<string, ExportedSpan[]>();
  let waitingSpans = 0;

  const take = (traceId: string, root: ExportedSpan | undefined): TraceData => {
    const spans = waiting.get(traceId) ?? [];
    waiting.delete(traceId);
    waitingSpans -= spans.length;
    if (root) spans.push(root);
    return { traceId, root, spans };
  };
  const deliver = (traces: readonly TraceData[]): Promise<void> =>
    eachInTurn(traces, (trace) => eachInTurn(each, (callback) => callback(trace)));
  const rest = (): Promise<void> => deliver([...waiting.keys()].map((traceId) => take(traceId, undefined)));

  return {
    name,
    async export(spans) {
      const complete: TraceData[] = [];
      for (const span of spans) {
        if (span.parentSpanId === undefined || span.parentIsRemote) {
          complete.push(take(span.traceId, span));
          continue;
        }
        const known = waiting.get(span.traceId);
        if (known) known.push(span);
        else waiting.set(span.traceId, [span]);
        waitingSpans += 1;
        if (waitingSpans > maxWaitingSpans) complete.push(take(waiting.keys().next().value as string, undefined));
      }
      await deliver(complete);
    },
    shutdown: rest,
  };
}
