// A trace object while it is under way: the context that its spans start in, and its end. App thread.
import { type Attachment, attachContext } from '../context/attach.js';
import { Context, copyOf, type Extra, extraOf, FLAG_RANDOM, FLAG_SAMPLED } from '../context/context.js';
import type { TraceWords } from '../context/ids.js';
import type { Span } from './span.js';
import { withoutTrace } from './span-options.js';
import { epochMsOf, now } from './span-time.js';
import { Trace } from './trace.js';
import { type SpanKeeper, TraceScope } from './trace-scope.js';

/** Spans that one trace object keeps; those beyond are counted, and retained natively like all others. */
export const MOST_KEPT_SPANS = 1_000;

/** Open spans beyond those that are followed until their end, to be added up; of still more only the number is known. */
const MOST_FOLLOWED = 10_000;

/** What an {@link OpenTrace} begins with. */
export interface OpenTraceFields extends TraceWords {
  /** The text form of the words. */
  readonly traceId: string;
  readonly name: string;
  /** An id of another system in a form that is not known; empty for none. */
  readonly external: string;
  /** The context around it, of which baggage, exporter and log fields are inherited. */
  readonly around: Context;
  /** Number of the wall-clock anchor. */
  readonly clock: number;
  /** Called once, when it has ended and is attached nowhere. */
  readonly finish: (trace: OpenTrace) => void;
}

/**
 * A trace that collects the spans started in its context. It ends once: its open spans are ended with it, newest first, a record of
 * the whole goes to the retained traces, and listeners are told.
 */
export class OpenTrace extends Trace<Span> implements SpanKeeper<Span>, Disposable, TraceWords {
  readonly t0: number;
  readonly t1: number;
  readonly t2: number;
  readonly t3: number;
  /** Number of its wall-clock anchor. */
  readonly clock: number;
  /** The context in which spans become its own: run code in it. */
  readonly context: Context;
  readonly #scope: TraceScope<Span>;
  readonly #finish: (trace: OpenTrace) => void;
  /** Where it was attached by hand. */
  readonly #attachments: Attachment[] = [];
  #dropped = 0;
  /** Those of the dropped spans that are open: added up when they end. */
  readonly #notKept = new Set<Span>();
  #droppedCostUsd = 0;
  #droppedTokens = 0;
  #droppedFailed = false;
  #ending = false;
  #endedAfterMs: number | undefined;

  constructor(fields: OpenTraceFields) {
    const startedAt = now();
    const startTime = epochMsOf(startedAt, fields.clock) / 1_000;
    super({ traceId: fields.traceId, name: fields.name, startedAt: startedAt / 1_000, startTime, spans: [] });
    this.clock = fields.clock;
    this.t0 = fields.t0;
    this.t1 = fields.t1;
    this.t2 = fields.t2;
    this.t3 = fields.t3;
    this.#finish = fields.finish;
    this.#scope = new TraceScope<Span>(this);
    this.context = new Context(this.t0, this.t1, this.t2, this.t3, this.#extra(fields));
  }

  #extra({ around, external }: OpenTraceFields): Extra {
    const extra = copyOf(extraOf(withoutTrace(around)));
    extra.flags = FLAG_SAMPLED | FLAG_RANDOM;
    extra.external = external;
    extra.trace = this.#scope;
    return extra;
  }

  override get durationMs(): number {
    return this.#endedAfterMs ?? Math.max(0, now() - this.startedAt * 1000);
  }

  override get endedAfterMs(): number | undefined {
    return this.#endedAfterMs;
  }

  override get droppedSpans(): number {
    return this.#dropped;
  }

  override get totalCostUsd(): number {
    return super.totalCostUsd + this.#droppedCostUsd;
  }

  override get totalTokens(): number {
    return super.totalTokens + this.#droppedTokens;
  }

  override get failed(): boolean {
    return this.#droppedFailed || super.failed;
  }

  /** For the tracer: a span was started in a context of this trace. */
  spanStarted(span: Span): void {
    // A span of a message's own trace, started in a context that still has this object.
    if (span.t3 !== this.t3 || span.t2 !== this.t2 || span.t1 !== this.t1 || span.t0 !== this.t0) return;
    if (this.spans.length < MOST_KEPT_SPANS) {
      (this.spans as Span[]).push(span);
    } else {
      this.#dropped += 1;
      if (this.#notKept.size < MOST_FOLLOWED) this.#notKept.add(span);
    }
  }

  /** For the tracer: that span has ended. Only one that is not kept has to be added up now. */
  spanEnded(span: Span): void {
    if (!this.#notKept.delete(span)) return;
    this.#droppedCostUsd += span.costUsd;
    this.#droppedTokens += span.inputTokens + span.outputTokens;
    this.#droppedFailed ||= span.status === 'error' || span.status === 'timeout';
  }

  /** Makes it the trace of the running code until it ends, if it has not; `attachContext` says what that means in an async function. */
  attach(): void {
    if (!this.#ending) this.#attachments.push(attachContext(this.context));
  }

  /** True while it is attached somewhere. */
  get isAttached(): boolean {
    return this.#attachments.length > 0;
  }

  /**
   * Ends it, and with it the spans that are still open. Wherever it was attached, what was current before comes back. Later calls do
   * nothing.
   */
  end(): void {
    if (this.#ending) return; // Also for a processor that ends it because of one of these spans.
    this.#ending = true;
    for (const span of [...this.#notKept].reverse()) span.end();
    for (let index = this.spans.length - 1; index >= 0; index--) this.spans[index]?.end();
    this.#endedAfterMs = this.durationMs;
    this.#scope.keeper = undefined;
    for (const attachment of this.#attachments.splice(0).reverse()) attachment.detach();
    this.#finish(this);
  }

  /** Ends it. */
  [Symbol.dispose](): void {
    this.end();
  }
}

/** The trace object of `context`, while it is open. */
export function openTraceOf(context: Context): OpenTrace | undefined {
  return (extraOf(context)?.trace as TraceScope | undefined)?.keeper as OpenTrace | undefined;
}
