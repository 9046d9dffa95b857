// Who is told that a trace object has ended, and what they are told. App threads; nobody who fails is heard by the application or by
// the others.
import { native } from '../binding/load.js';
import { activeContext, runInContext } from '../context/context.js';
import { KymoError } from '../core/errors.js';
import type { OpenTrace } from './open-trace.js';
import { withoutTrace } from './span-options.js';

/** Is given each trace object when it has ended: also after its body failed. */
export type TraceListener = (trace: OpenTrace) => unknown;

/** What is logged when a trace ends, by the names that logs have. */
export interface TraceDone {
  readonly trace_id: string;
  readonly capability: string;
  /** How long it took. */
  readonly ms: number;
  /** Number of its spans. */
  readonly spans: number;
  readonly status: 'ok' | 'error';
}

/** What takes that line: a logger of Kymo, pino, or the console. */
export interface TraceLogger {
  info(fields: TraceDone, message: string): void;
}

/** The listeners of one place, in the order in which they came. */
export class TraceListeners {
  #all: readonly TraceListener[] = [];

  /** Adds one; returns what takes it away. @throws KymoError `KYMO_CONFIG_VALUE` for what is no function. */
  add(listener: TraceListener): () => void {
    if (typeof listener !== 'function') {
      throw new KymoError('KYMO_CONFIG_VALUE', { source: 'the trace exporter', value: typeof listener, expected: 'a function' });
    }
    const own: TraceListener = (trace) => listener(trace);
    this.#all = [...this.#all, own];
    return () => {
      this.#all = this.#all.filter((other) => other !== own);
    };
  }

  /** Tells everybody. One that throws or rejects is counted in `kymo_spans_dropped_total{reason="exporter"}`, by the spans of its trace. */
  tell(trace: OpenTrace): void {
    const failed = (): void => native.tracesDropped('exporter', Math.max(1, trace.spanCount));
    for (const listener of this.#all) {
      try {
        const result = listener(trace);
        if (result instanceof Promise) result.catch(failed);
      } catch {
        failed();
      }
    }
  }
}

/**
 * Logs the line `done`, outside of the trace: it names the trace itself, in the text form of its provider, and loggers that add the ids of the
 * current one would say it twice. What the logger throws is swallowed: there is nowhere to say so.
 */
export function logDone(logger: TraceLogger, trace: OpenTrace): void {
  try {
    const { traceId, capability, durationMs, spanCount, failed } = trace;
    const done: TraceDone = { trace_id: traceId, capability, ms: durationMs, spans: spanCount, status: failed ? 'error' : 'ok' };
    runInContext(withoutTrace(activeContext()), () => logger.info(done, 'done'));
  } catch {
    // The trace has ended all the same.
  }
}
