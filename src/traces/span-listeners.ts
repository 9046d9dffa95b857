// Who is told of spans by the context that they run in: the trace object around them, and an exporter of that context. App threads.
import type { Extra } from '../context/context.js';
import { countFailure } from './processors.js';
import type { Span } from './span.js';
import type { TraceScope } from './trace-scope.js';

/** An exporter of a context, in {@link Extra.exporter}: it gets the spans that end in this context, and wins over the tracer's. */
export interface ContextExporter {
  /** The span has ended. */
  spanEnded(span: Span): void;
}

/** The trace object of a context, while that is open. */
export function keeperOf(extra: Extra): TraceScope<Span>['keeper'] {
  return (extra.trace as TraceScope<Span> | undefined)?.keeper;
}

/** Tells a trace object of a span that was started in it. */
export function tellOfStart(span: Span, extra: Extra): void {
  try {
    keeperOf(extra)?.spanStarted(span);
  } catch {
    countFailure();
  }
}

/** Tells trace object and exporter of a span that has ended. */
export function tellOfEnd(span: Span, extra: Extra): void {
  try {
    keeperOf(extra)?.spanEnded(span);
  } catch {
    countFailure();
  }
  try {
    (extra.exporter as ContextExporter | undefined)?.spanEnded(span);
  } catch {
    countFailure();
  }
}
