// Starts spans: finds the parent, asks the sampler, makes the span. App threads; the hot path makes no call into native code.
import { performance } from 'node:perf_hooks';
import { SPAN_PARENT_REMOTE, SPAN_RECORD_ONLY, SPAN_WITHIN_TRACE } from '../binding/generated/layout.js';
import type { FlatAttributes, SpanTime } from '../binding/writable-span.js';
import {
  activeContext,
  type Context,
  copyOf,
  type Extra,
  FLAG_RANDOM,
  FLAG_SAMPLED,
  liveSpanOf,
  runInContext,
} from '../context/context.js';
import { newTraceWordsAs } from '../context/id-text.js';
import { newTraceWords, nextSpanNumber, type TraceWords } from '../context/ids.js';
import { extractContext, injectContext } from '../context/propagation.js';
import type { SpanContext } from '../context/span-context.js';
import { type Attributes, asObject, textOf } from './attributes.js';
import type { SpanLimits } from './limits.js';
import type { LinkInput } from './links.js';
import type { TracerProvider } from './provider.js';
import { DROP, SAMPLE, type SamplingResult } from './samplers/sampler.js';
import { CLOCK_IN_REST, CLOCK_SHIFT, ENDED, PARENT_IN_EXTRA, PARENT_IN_REST, Span } from './span.js';
import { type AgentSpanKind, kindBits, kindOf, type SpanKind } from './span-kind.js';
import { keeperOf, tellOfStart } from './span-listeners.js';
import {
  carriesMore,
  type OwnId,
  type ResolvedOptions,
  resolve,
  resolveOptions,
  type SecondArgument,
  type SpanOptions,
} from './span-options.js';
import { threadRing } from './thread-ring.js';
import { type TimeInput, wallTime } from './time-input.js';

/** A fresh trace id on its way into a span: one for all, since nothing runs in between that could need another. */
const fresh: TraceWords = { t0: 0, t1: 0, t2: 0, t3: 0 };

/** Names up to this long, in UTF-16 code units, need no look. */
const SHORT = 1_024;
/** Children that a span keeps. */
const MOST_CHILDREN = 1_000;

/** What an instrumentation scope is called. */
export interface TracerOptions {
  readonly schemaUrl?: string | undefined;
  readonly attributes?: Attributes | undefined;
}

/** Starts the spans of one library or part of an application. From {@link TracerProvider.getTracer}. */
export class Tracer {
  readonly name: string;
  readonly version: string;
  readonly schemaUrl: string;
  readonly provider: TracerProvider;
  /** Id of its name and version in records. */
  readonly scope: number;
  /** The provider's. */
  readonly limits: SpanLimits;

  /** @internal From providers. */
  constructor(provider: TracerProvider, scope: number, name: string, version: string, schemaUrl: string) {
    this.provider = provider;
    this.scope = scope;
    this.name = name;
    this.version = version;
    this.schemaUrl = schemaUrl;
    this.limits = provider.limits;
  }

  /**
   * Starts a span: a child of the active one, or of the parent that is given, or the root of a new trace. It does not become the current
   * span (but with the provider's option `activates`), and somebody has to end it. A sampler that throws drops it. About 0.1 us and
   * one reading of the clock; 50 ns and no clock when it is not recorded.
   *
   * What follows the name is told apart by its type: options, and a parent beside them; a kind, and attributes; a trace id in any text
   * form (empty for a new trace), the parent's span id, and attributes; a parent, attributes, and a kind. With options and a function it
   * is {@link trace}.
   */
  startSpan(name?: string, options?: SpanOptions | null, parent?: SpanOptions['context']): Span;
  startSpan(name: string, kind: SpanKind | AgentSpanKind, attributes?: Attributes): Span;
  startSpan(name: string, traceId: string, parentSpanId?: string | null, attributes?: Attributes): Span;
  startSpan(name: string, parent: NonNullable<SpanOptions['context']>, attributes?: Attributes, kind?: SpanKind | AgentSpanKind): Span;
  startSpan<R>(name: string, options: SpanOptions, fn: (span: Span) => R): R;
  startSpan(name?: string, second?: SecondArgument, third?: unknown, fourth?: unknown): unknown {
    let span: Span;
    if (second === undefined && third === undefined) {
      span = this.#make(name, activeContext(), this.provider.kindBits, undefined, undefined, undefined, undefined, undefined);
    } else if (typeof third === 'function') {
      return this.trace(name as string, second as SpanOptions, third as (span: Span) => unknown);
    } else span = this.#startResolved(name, resolve(second, third, fourth));
    return this.provider.activates ? span.activate() : span;
  }

  #startResolved(name: string | undefined, { options, parent, own, external }: ResolvedOptions): Span {
    let bits = options.kind === undefined ? this.provider.kindBits : kindBits(options.kind);
    if (options.agentKind !== undefined) bits |= kindBits(options.agentKind);
    const { attributes, links, startTime } = options;
    const span = this.#make(name, parent, bits, attributes, undefined, links, startTime, own);
    if (external !== '') span.setAttribute('external_trace_id', external);
    return span;
  }

  /**
   * Starts a span, calls `fn` with it as the current span, and returns what `fn` returns. As OpenTelemetry has it, `fn` ends the span;
   * {@link trace} does so by itself.
   */
  startActiveSpan<R>(name: string, fn: (span: Span) => R): R;
  startActiveSpan<R>(name: string, options: SpanOptions | undefined, fn: (span: Span) => R): R;
  startActiveSpan<R>(name: string, options: SpanOptions | undefined, parent: SpanOptions['context'], fn: (span: Span) => R): R;
  startActiveSpan(name: string, second: unknown, third?: unknown, fourth?: unknown): unknown {
    if (typeof second === 'function') {
      const span = this.#make(name, activeContext(), this.provider.kindBits, undefined, undefined, undefined, undefined, undefined);
      return runInContext(span.context, second as (span: Span) => unknown, span);
    }
    const fn = (fourth ?? third) as (span: Span) => unknown;
    const span = this.#startResolved(name, resolveOptions((second ?? {}) as SpanOptions, fourth === undefined ? undefined : third));
    return runInContext(span.context, fn, span);
  }

  /**
   * Calls `fn` with a new current span, and ends it when `fn` has returned or its promise is settled. An error is recorded in the span
   * (a time-out with status `timeout`) and thrown on as it is.
   */
  trace<R>(name: string, fn: (span: Span) => R): R;
  trace<R>(name: string, options: SpanOptions | undefined, fn: (span: Span) => R): R;
  trace(name: string, second: unknown, third?: unknown): unknown {
    const fn = (third ?? second) as (span: Span) => unknown;
    const options = typeof second === 'function' ? {} : (second as SpanOptions);
    const span = this.#startResolved(name, resolveOptions(options ?? {}, undefined));
    return runInContext(span.context, runAndEnd, span, fn);
  }

  /**
   * Starts a span for instrumentation. @internal
   * @param pairs plain attributes, each key once; they become the span's own
   */
  begin(name: string, parent: Context, kind: SpanKind, pairs: FlatAttributes | undefined): Span {
    return this.#make(name, parent, kindBits(kind), undefined, pairs, undefined, undefined, undefined);
  }

  /** The span that is current and open; undefined where there is none, or it is not recorded. */
  getCurrentSpan(): Span | undefined {
    return liveSpanOf(activeContext()) as Span | undefined;
  }

  /** Writes the current span's context, or `context`, into headers, a message or an environment. Never throws. */
  injectContext(carrier: unknown, context: Context = activeContext()): void {
    injectContext(carrier, context);
  }

  /** The span context that a carrier brings; null when there is none or it is invalid. */
  extractContext(carrier: unknown): SpanContext | null {
    return extractContext(carrier);
  }

  /** {@link TracerProvider.flush} of its provider. */
  flush(timeoutMs?: number): Promise<boolean> {
    return this.provider.flush(timeoutMs);
  }

  /** Ended spans that the provider keeps as objects, oldest first; empty unless it has a `SpanBuffer`. */
  getAllSpans(): Span[] {
    return this.provider.endedSpans;
  }

  #make(
    name: string | undefined,
    parent: Context,
    kind: number,
    attributes: Attributes | undefined,
    pairs: FlatAttributes | undefined,
    links: readonly LinkInput[] | undefined,
    startTime: TimeInput | undefined,
    own: OwnId | undefined,
  ): Span {
    const { provider } = this;
    let { t0, t1, t2, t3 } = parent;
    const { state } = parent;
    let bits = kind;
    let flags = FLAG_RANDOM;
    let parentNumber = 0;
    let clock = -1;
    let extra: Extra | undefined;
    if (typeof state === 'number') {
      if (state !== 0) {
        flags = state;
        parentNumber = state >>> 2;
      }
    } else {
      flags = state.flags;
      parentNumber = state.number;
      if (state.live) {
        clock = (state as Span).clock;
        extra = state.extra;
        if (extra !== undefined && !carriesMore(extra)) extra = undefined;
        if (parentNumber === 0) bits |= PARENT_IN_REST;
      } else {
        if (state.isRemote) bits |= SPAN_PARENT_REMOTE;
        if (parentNumber === 0 && (state.s0 | state.s1) !== 0) bits |= PARENT_IN_EXTRA;
        if (carriesMore(state) || (bits & PARENT_IN_EXTRA) !== 0) extra = state;
      }
    }
    const isNew = (t0 | t1 | t2 | t3) === 0;
    if (isNew) {
      if (provider.traceIdFormat === 'hex') newTraceWords(fresh);
      else newTraceWordsAs(provider.traceIdFormat, fresh);
      t0 = fresh.t0;
      t1 = fresh.t1;
      t2 = fresh.t2;
      t3 = fresh.t3;
      flags = FLAG_RANDOM;
      parentNumber = 0;
      bits = kind;
    }
    const title = typeof name === 'string' && name.length <= SHORT ? name : name === undefined ? provider.defaultSpanName : textOf(name);
    const told = extra === undefined ? undefined : toldBy(extra);
    const result = told ?? this.#decide(isNew ? undefined : parent, isNew ? fresh : parent, title, bits, attributes, pairs, links);
    const number = own === undefined ? nextSpanNumber(provider.narrow) : 0;
    bits |= flags & FLAG_RANDOM;
    if (result.traceState !== undefined) {
      extra = copyOf(extra);
      extra.traceState = result.traceState;
    }
    let started: SpanTime = 0;
    if (result.decision === 'drop') bits |= ENDED;
    else {
      bits |= result.decision === 'sample' ? FLAG_SAMPLED : SPAN_RECORD_ONLY;
      if (clock < 0) clock = threadRing().clock;
      bits |= Math.min(clock, CLOCK_IN_REST) << CLOCK_SHIFT;
      started = startTime === undefined ? performance.now() : (wallTime(startTime) ?? performance.now());
    }
    const span = new Span(this, title, t0, t1, t2, t3, number, parentNumber, bits, started, extra);
    if (clock >= CLOCK_IN_REST) span.takeRest().clock = clock;
    if ((bits & PARENT_IN_REST) !== 0) span.takeRest().parent = idOf(state as Span);
    const hasMore =
      attributes !== undefined ||
      pairs !== undefined ||
      links !== undefined ||
      own !== undefined ||
      extra !== undefined ||
      result.attributes !== undefined ||
      provider.keepsChildren;
    if (hasMore) furnish(span, parent, attributes, pairs, links, own, result.attributes);
    if ((bits & ENDED) === 0) {
      provider.open?.add(span);
      provider.processors?.onStart(span, parent);
    }
    return span;
  }

  #decide(
    parent: Context | undefined,
    words: Readonly<TraceWords>,
    name: string,
    bits: number,
    attributes: Attributes | undefined,
    pairs: FlatAttributes | undefined,
    links: readonly LinkInput[] | undefined,
  ): SamplingResult {
    const { provider } = this;
    const given = pairs !== undefined && provider.readsAttributes ? asObject(pairs) : attributes;
    try {
      return provider.sampler.shouldSample(parent, words, name, kindOf(bits), given, links);
    } catch {
      return DROP;
    }
  }
}

/** What a context decides, whatever the sampler would say. */
function toldBy(extra: Extra): SamplingResult | undefined {
  if (extra.suppressed) return DROP;
  return extra.debug ? SAMPLE : undefined;
}

/** Gives a new span what it was started with, and tells those around it. */
function furnish(
  span: Span,
  parent: Context,
  attributes: Attributes | undefined,
  pairs: FlatAttributes | undefined,
  links: readonly LinkInput[] | undefined,
  own: OwnId | undefined,
  more: Attributes | undefined,
): void {
  if (own !== undefined) {
    const rest = span.takeRest();
    rest.s0 = own.s0;
    rest.s1 = own.s1;
  }
  if (!span.isRecording()) return;
  if (pairs !== undefined) span.adopt(pairs);
  if (attributes !== undefined) span.setAttributes(attributes);
  if (more !== undefined) span.setAttributes(more);
  if (links !== undefined) span.addLinks(links);
  const { extra } = span;
  // An id that came in a form of its own stands at the first span of this process; its children are found through it.
  if (extra !== undefined && extra.external !== '' && liveSpanOf(parent) === undefined)
    span.setAttribute('external_trace_id', extra.external);
  const keeper = extra === undefined ? undefined : keeperOf(extra);
  if (keeper !== undefined) span.bits |= SPAN_WITHIN_TRACE;
  if (keeper !== undefined || span.tracer.provider.keepsChildren) adoptedBy(liveSpanOf(parent) as Span | undefined, span);
  if (extra !== undefined) tellOfStart(span, extra);
}

/** Keeps `span` with its open parent. The oldest child gives way, so that a span that lives for long keeps no endless list. */
function adoptedBy(parent: Span | undefined, span: Span): void {
  if (parent === undefined) return;
  const rest = parent.takeRest();
  if (rest.children === undefined) rest.children = [span];
  else {
    rest.children.push(span);
    if (rest.children.length > MOST_CHILDREN) rest.children.shift();
  }
}

/** Calls `fn` with the span and ends that when `fn` is done; what `fn` throws, or its promise is rejected with, is recorded and thrown on. */
function runAndEnd(span: Span, fn: (span: Span) => unknown): unknown {
  let result: unknown;
  try {
    result = fn(span);
  } catch (error) {
    span.recordException(error);
    span.end();
    throw error;
  }
  if (isThenable(result)) {
    return result.then(
      (value) => {
        span.end();
        return value;
      },
      (error: unknown) => {
        span.recordException(error);
        span.end();
        throw error;
      },
    );
  }
  span.end();
  return result;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { readonly then?: unknown }).then === 'function';
}

/** The words of a span's id, without the span. */
function idOf({ s0, s1 }: Span): OwnId {
  return { s0, s1 };
}
