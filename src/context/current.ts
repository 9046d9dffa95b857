// The trace id of the running code, read and set by its text. App threads.
import { activeContext, Context, Extra, extraOf, FLAG_RANDOM, hasTrace, ROOT_CONTEXT } from './context.js';
import { enterContext } from './enter.js';
import { type IdFormat, readTraceId, traceIdText } from './id-text.js';
import { newTraceWords } from './ids.js';

/** UTF-16 code units of a foreign id that are kept. */
const MAX_EXTERNAL = 128;

/**
 * The id of the current trace: as it was given where it came in a form of its own, else in `format` (default 32 hexadecimal digits).
 * Undefined when no trace is active.
 */
export function getCurrentTraceId(format?: IdFormat): string | undefined {
  const context = activeContext();
  const external = format === undefined ? extraOf(context)?.external : '';
  if (external) return external;
  return hasTrace(context) ? traceIdText(context, format) : undefined;
}

/**
 * Makes the trace `id`, in any text form, the current one, without a span; nothing, or null, clears it. For text that is no id a trace
 * of a fresh id begins, which carries the text beside it. It lasts as {@link enterContext} does: until the running task ends, or the
 * innermost callback form around it returns.
 */
export function setTraceId(id?: string | null): void {
  if (typeof id !== 'string' || id === '') {
    enterContext(ROOT_CONTEXT);
    return;
  }
  const context = new Context(0, 0, 0, 0, 0);
  if (!readTraceId(id, context)) {
    newTraceWords(context);
    const extra = new Extra();
    extra.external = id.slice(0, MAX_EXTERNAL);
    extra.flags = FLAG_RANDOM;
    context.state = extra;
  }
  enterContext(context);
}
