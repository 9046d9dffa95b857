// Tracing as the five older systems offer it, over one provider: trace objects, spans that are current while they are open, messages,
// and what is retained. App threads.
import { SPAN_RECORD_ONLY } from '../binding/generated/layout.js';
import { asKymoError, native } from '../binding/load.js';
import { activeContext, FLAG_RANDOM, hasTrace, runInContext } from '../context/context.js';
import { enterContext } from '../context/enter.js';
import { newTraceWordsAs, readTraceId, traceIdText } from '../context/id-text.js';
import { nextSpanNumber, spanHigh, spanLow } from '../context/ids.js';
import { type Attributes, textOf } from './attributes.js';
import { AutomaticSpans } from './automatic-spans.js';
import { DetachedSpan } from './detached-span.js';
import { MessageSpans, type MessageSpansOptions } from './message-spans.js';
import { OpenTrace, openTraceOf } from './open-trace.js';
import { type TracingPreset, type TracingTraits, traitsOf } from './presets.js';
import { TracerProvider } from './provider.js';
import { QueueFeeder } from './queue-feeder.js';
import { type RetainedTrace, readTraces, TRACE_RECORD } from './retained-trace.js';
import { ALWAYS_OFF } from './samplers/sampler.js';
import { settling } from './settling.js';
import type { Span } from './span.js';
import { SpanBuffer } from './span-buffer.js';
import type { SpanBackend } from './span-export-worker.js';
import type { SpanOptions } from './span-options.js';
import { withoutTrace } from './span-options.js';
import type { SpanQueue } from './span-queue.js';
import { threadRing } from './thread-ring.js';
import { logDone, type TraceListener, TraceListeners, type TraceLogger } from './trace-listeners.js';
import type { Tracer } from './tracer.js';

/** Options of {@link Tracing}: those of its preset, each of which can be given by itself, and what it works with. */
export interface TracingOptions extends Partial<TracingTraits>, MessageSpansOptions {
  /** Default `default`. */
  readonly preset?: TracingPreset;
  /** Where spans go; default: a provider of its own, made of these options. */
  readonly provider?: TracerProvider;
  /** Gets the line `done` when a trace object ends; default none: nothing is printed. */
  readonly logger?: TraceLogger;
  /** Gets every recorded span when it has ended, on this thread. */
  readonly exporter?: SpanBackend;
  /** Gets every recorded span when it has ended, besides the exporter; but the exporter gets none that the queue's worker brings it as well. */
  readonly spanQueue?: SpanQueue;
}

/** Options of {@link Tracing.newTrace}. */
export interface NewTraceOptions {
  /** The id of the trace, in any text form; text that is no id is kept beside a fresh one. Default: fresh. */
  readonly traceId?: string | undefined;
}

/** Traces that {@link Tracing.getRecent} gives unless told otherwise. */
const RECENT = 100;

/**
 * One provider with a tracer, and what the five systems do with them. Instances share nothing but the current context: a trace that one
 * of them attached is the current one for all. Two instances with different presets can stand side by side.
 * @example const tracing = new Tracing({ preset: 'agentos' });
 *   await tracing.startTrace('answer', async (trace) => { ... });
 */
export class Tracing {
  readonly preset: TracingPreset;
  readonly provider: TracerProvider;
  readonly tracer: Tracer;
  readonly messages: MessageSpans;
  /** Spans for buses, supervisors and agents that are instrumented once. */
  readonly automatic: AutomaticSpans;
  readonly #listeners = new TraceListeners();
  readonly #logger: TraceLogger | undefined;
  #traceCount = 0;

  /** @throws KymoError `KYMO_CONFIG_VALUE` for an unknown preset, or an option that the provider refuses. */
  constructor(options: TracingOptions = {}) {
    const { preset = 'default', provider, logger, spanQueue, exporter, attributePrefix, recipients, ...own } = options;
    const traits = { ...traitsOf(preset), ...own };
    this.preset = preset;
    this.#logger = logger;
    this.provider = provider ?? new TracerProvider(traits);
    this.tracer = this.provider.getTracer(traits.scopeName, traits.scopeVersion);
    this.messages = new MessageSpans(this.tracer, {
      ...(attributePrefix === undefined ? {} : { attributePrefix }),
      ...(recipients === undefined ? {} : { recipients }),
    });
    this.automatic = new AutomaticSpans(this.tracer, this.messages);
    if (traits.retainedSpans > 0) this.provider.addProcessor(new SpanBuffer({ maxSpans: traits.retainedSpans }));
    if (spanQueue !== undefined || exporter !== undefined) this.provider.addProcessor(new QueueFeeder(spanQueue, exporter));
  }

  /** Trace objects that have ended. */
  get traceCount(): number {
    return this.#traceCount;
  }

  /**
   * Begins a trace with a fresh id. With `fn`, it is current while that runs, and over when that returns, throws, or its promise is
   * settled. Without, it is current until it ends, `using trace = tracing.startTrace('job')`; what was current before comes back.
   */
  startTrace(name?: string, options?: NewTraceOptions): OpenTrace;
  startTrace<R>(name: string, fn: (trace: OpenTrace) => R): R;
  startTrace<R>(name = '', given?: NewTraceOptions | ((trace: OpenTrace) => R)): OpenTrace | R {
    if (typeof given !== 'function') return this.newTrace(name, given);
    const trace = this.#open(name, undefined);
    return runInContext(trace.context, () =>
      settling(
        () => given(trace),
        () => trace.end(),
      ),
    );
  }

  /** Begins a trace for a capability and attaches it. {@link detach} ends it. */
  newTrace(capability: string, options: NewTraceOptions = {}): OpenTrace {
    const trace = this.#open(capability, options.traceId);
    trace.attach();
    return trace;
  }

  /** The trace object of the running code, while it is open. */
  currentTrace(): OpenTrace | undefined {
    return openTraceOf(activeContext());
  }

  /** Makes `trace` the current one of the running code until {@link detach}; `attachContext` says what that means in an async function. */
  attach(trace: OpenTrace): void {
    trace.attach();
  }

  /** Runs `fn` with `trace` as the current one, for that code and what it starts only. The trace goes on afterwards. */
  runWithTrace<R>(trace: OpenTrace, fn: () => R): R {
    return runInContext(trace.context, fn);
  }

  /**
   * Ends the current trace: its open spans end, it is retained, the line `done` is logged, exporters get it. Afterwards no trace is
   * current, but for one around it that was begun with a function. Without a current trace it does nothing.
   */
  detach(): void {
    const trace = this.currentTrace();
    if (trace === undefined) return;
    trace.end();
    // One that was attached by hand is another branch's, seen through a caller that both have; see attachContext.
    const context = activeContext();
    if (openTraceOf(context)?.isAttached === true) enterContext(withoutTrace(context));
  }

  /**
   * A span in the current trace, child of the current span. Outside of any trace the span belongs to nothing: it is neither current nor
   * recorded. Forms as of {@link trace}.
   */
  span(name: string, extras?: Attributes): Span;
  span<R>(name: string, extras: Attributes, fn: (span: Span) => R): R;
  span<R>(name: string, extras: Attributes = {}, fn?: (span: Span) => R): Span | R {
    if (hasTrace(activeContext())) return fn === undefined ? this.trace(name, extras) : this.trace(name, extras, fn);
    const span = new DetachedSpan(this.tracer, name, extras);
    if (fn === undefined) return span;
    return settling(
      () => fn(span),
      (failed, error) => {
        if (failed) span.recordException(error);
        span.end();
      },
    );
  }

  /**
   * A span that is current: while `fn` runs, ended when that returns, throws or its promise is settled, errors recorded and thrown on; or
   * without `fn` until it ends, `using span = tracing.trace('work')`. Goes on with the current trace, or begins one.
   */
  trace(operationName: string, attributes?: Attributes): Span;
  trace<R>(operationName: string, fn: (span: Span) => R): R;
  trace<R>(operationName: string, attributes: Attributes, fn: (span: Span) => R): R;
  trace<R>(operationName: string, given?: Attributes | ((span: Span) => R), fn?: (span: Span) => R): Span | R {
    const run = typeof given === 'function' ? (given as (span: Span) => R) : fn;
    const options: SpanOptions = typeof given === 'object' && given !== null ? { attributes: given } : {};
    if (run !== undefined) return this.tracer.trace(operationName, options, run);
    return this.tracer.startSpan(operationName, options).activate();
  }

  /** Starts a span; all forms of {@link Tracer.startSpan}. The presets `agentos` and `converge` make it the current one until it ends. */
  get startSpan(): Tracer['startSpan'] {
    return this.tracer.startSpan.bind(this.tracer) as Tracer['startSpan'];
  }

  /**
   * Calls `exporter` with each trace object that ends, after those that were added before it; returns what takes it away. What it throws,
   * or rejects with, is counted and goes no further.
   * @throws KymoError `KYMO_CONFIG_VALUE` for what is no function.
   */
  addExporter(exporter: TraceListener): () => void {
    return this.#listeners.add(exporter);
  }

  /** Ended spans that this thread keeps as objects, oldest first: the last `retainedSpans`, which is none but for the preset `lexigram`. */
  getAllSpans(): Span[] {
    return this.provider.endedSpans;
  }

  /**
   * The last `count` completed traces of the provider in the order of their completion, newest last; all of them when there are fewer.
   * Read from native memory after all threads' rings were drained: some ms for thousands.
   */
  getRecent(count: number = RECENT): RetainedTrace[] {
    const wanted = Math.min(Math.floor(count), 2 ** 31 - 1);
    if (!(wanted >= 1)) return [];
    try {
      return readTraces(native.tracesRecent(this.provider.host, wanted), this.provider);
    } catch (error) {
      if (this.provider.sampler === ALWAYS_OFF) return []; // It was shut down, and gave them back.
      throw asKymoError(error);
    }
  }

  #open(name: string, traceId: string | undefined): OpenTrace {
    const words = { t0: 0, t1: 0, t2: 0, t3: 0 };
    const known = traceId !== undefined && readTraceId(traceId, words);
    if (!known) newTraceWordsAs(this.provider.traceIdFormat, words);
    return new OpenTrace({
      ...words,
      traceId: traceIdText(words, this.provider.traceIdFormat),
      name: textOf(name),
      external: known || typeof traceId !== 'string' ? '' : traceId,
      around: activeContext(),
      clock: threadRing().clock,
      finish: (trace) => this.#finish(trace),
    });
  }

  #finish(trace: OpenTrace): void {
    if (this.provider.sampler !== ALWAYS_OFF) this.#record(trace);
    this.#traceCount += 1;
    if (this.#logger !== undefined) logDone(this.#logger, trace);
    this.#listeners.tell(trace);
  }

  /** Writes the record that completes the trace: a span that is never exported. */
  #record(trace: OpenTrace): void {
    const { t0, t1, t2, t3, name, clock } = trace;
    const startedAt = trace.startedAt * 1_000;
    const number = nextSpanNumber();
    threadRing().write(
      {
        t0,
        t1,
        t2,
        t3,
        p0: 0,
        p1: 0,
        bits: SPAN_RECORD_ONLY | FLAG_RANDOM,
        scope: this.tracer.scope,
        clock,
        name,
        startedAt,
        endedAt: startedAt + trace.durationMs,
        pairs: [TRACE_RECORD, trace.spanCount],
        rest: undefined,
      },
      spanHigh(number),
      spanLow(number),
    );
  }
}
