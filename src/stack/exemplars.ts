// Exemplars of metrics from the trace that is going on: a histogram's bucket points at a span that fell into it. App threads.
import { activeContext, FLAG_SAMPLED, flagsOf, hasTrace, spanHighOf, spanLowOf } from '../context/context.js';
import { spanIdText, traceIdText } from '../context/id-text.js';
import type { ExemplarLabels } from '../metrics/exemplar.js';

/** `trace_id` and `span_id` of the current span, in hex, if it is sampled: an exemplar that leads nowhere helps nobody. */
export function exemplarOfTrace(): ExemplarLabels | undefined {
  const context = activeContext();
  if (!hasTrace(context) || (flagsOf(context) & FLAG_SAMPLED) === 0) return undefined;
  return { trace_id: traceIdText(context, 'hex'), span_id: spanIdText(spanHighOf(context), spanLowOf(context), 'hex') };
}
