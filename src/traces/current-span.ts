// The span of the running code. App threads.
import { activeContext, liveSpanOf } from '../context/context.js';
import type { Span } from './span.js';

/** The span that is open in this branch, recorded or not; undefined when there is none, or it has ended. One AsyncLocalStorage read. */
export function getCurrentSpan(): Span | undefined {
  return liveSpanOf(activeContext()) as Span | undefined;
}
