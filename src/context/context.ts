// What follows a request through promises, timers and callbacks: trace, span, baggage, exporter and log fields, in one
// AsyncLocalStorage whose store is a context of 64 bytes. App threads; contexts never leave their thread.
import { AsyncLocalStorage } from 'node:async_hooks';
import { perThread } from '../binding/per-thread.js';
import type { Baggage } from './baggage.js';
import { spanHigh, spanLow, type TraceWords } from './ids.js';

/** Flag of W3C Trace Context: the caller recorded this trace. */
export const FLAG_SAMPLED = 1;
/** Flag of W3C Trace Context level 2: the low 56 bits of the trace id are random. */
export const FLAG_RANDOM = 2;
/** The flags that this version knows; others are masked out when a context is forwarded. */
export const FLAGS_KNOWN = FLAG_SAMPLED | FLAG_RANDOM;

/**
 * What a context asks of a span that is open. The span is the `state` of exactly one context, its own, which it creates with
 * {@link contextOfSpan} and in which it puts {@link endedState} when it ends, so that no frame keeps its attributes alive.
 */
export interface LiveSpan extends Readonly<TraceWords> {
  /** Tells it from an {@link Extra}, in every copy of this package. */
  readonly live: true;
  /** In [1, 2^30): its id is `spanHigh(number)`, `spanLow(number)`. */
  readonly number: number;
  /** {@link FLAG_SAMPLED} | {@link FLAG_RANDOM}. */
  readonly flags: number;
  /** What its contexts carry besides the span, shared with the parent's; its fields about a span say nothing here. */
  readonly extra: Extra | undefined;
}

/** What a context carries beyond the number and flags of a local span. Never changed once it is in a context. */
export class Extra {
  declare readonly live: false;
  /** Number of the local span, or 0: then `s0`, `s1` are the id of a foreign one, both 0 for no span. */
  number = 0;
  s0 = 0;
  s1 = 0;
  flags = 0;
  /** True when the span was read from a carrier. */
  isRemote = false;
  /** The own context of the local span, through which it is found while it is open. */
  span: Context | undefined = undefined;
  /** The header `tracestate`, checked; empty for none. */
  traceState = '';
  baggage: Baggage | undefined = undefined;
  /** The trace object, when the application uses them. */
  trace: object | undefined = undefined;
  /** The exporter of this context, which wins over the tracer's. */
  exporter: object | undefined = undefined;
  /** Fields of every log line. */
  logFields: Readonly<Record<string, unknown>> | undefined = undefined;
  /** An incoming trace id in a form that is not known, kept as text; empty for none. */
  external = '';
  /** True when a caller asked, by way of B3 or Jaeger, that this trace be kept whatever samplers say; passed on in the same way. */
  debug = false;
  /** Nothing is traced in it: it is that of an exporter at work, whose own requests would make more spans. */
  suppressed = false;
  /** What another tracing API, of a drop-in, keeps in this context: its own object for the span, its own values. */
  foreign: object | undefined = undefined;

  static {
    Object.defineProperty(Extra.prototype, 'live', { value: false });
  }
}

/**
 * A trace, a span and what travels with them; immutable for everyone but the span that is open in it. Five fields and 64 bytes on V8,
 * and no more is retained by an async frame once its span has ended, unless the context carries baggage, `tracestate` or log fields.
 */
export class Context implements TraceWords {
  t0: number;
  t1: number;
  t2: number;
  t3: number;
  /** The open span; or, when it has ended, `(number << 2) | flags` (signed); or an {@link Extra}. */
  state: number | LiveSpan | Extra;

  constructor(t0: number, t1: number, t2: number, t3: number, state: number | LiveSpan | Extra) {
    this.t0 = t0;
    this.t1 = t1;
    this.t2 = t2;
    this.t3 = t3;
    this.state = state;
  }
}

/** The one storage of the thread. Only this folder reads it, since it may hold a frame of an attachment. */
export const storage: AsyncLocalStorage<Context> = perThread('context.storage', () => new AsyncLocalStorage<Context>());

/** The context of code that nobody gave one: no trace, nothing else. */
export const ROOT_CONTEXT: Context = perThread('context.root', () => new Context(0, 0, 0, 0, 0));

/** The context of the running code; {@link ROOT_CONTEXT} when there is none. One AsyncLocalStorage read (1-15 ns). */
export function activeContext(): Context {
  const store = storage.getStore();
  if (store === undefined) return ROOT_CONTEXT;
  const { state } = store;
  return typeof state === 'number' || state.live !== undefined ? store : shownBy(store);
}

/**
 * What is in the store of a branch in which a context was attached by hand (see `attachContext`): a context whose `state` is the
 * attachment while it is open, and afterwards the store that takes its place. Nobody outside this folder sees one.
 */
type FrameState =
  | { readonly live: undefined; readonly shown: Context }
  | (Context & { readonly live?: undefined; readonly shown?: undefined });

/** The store that `store` stands for: itself, unless it is a frame whose attachment is over. */
export function nearest(store: Context): Context {
  for (let at = store; ; ) {
    const { state } = at;
    if (typeof state === 'number' || state.live !== undefined || (state as FrameState).shown !== undefined) {
      // The next one who asks takes one step, and the frames in between are let go.
      if (at !== store && store.state !== (at as never)) store.state = at as never;
      return at;
    }
    at = state as never;
  }
}

function shownBy(frame: Context): Context {
  const store = nearest(frame);
  return (store.state as Partial<FrameState>).shown ?? store;
}

/**
 * Calls `fn` in `context`: it, and everything it starts, sees that context, and the caller sees its own again when `fn` returns or
 * throws, whatever `fn` attached and did not detach. Returns what `fn` returns. The cheapest form, and the one that never leaks.
 */
export function runInContext<A extends unknown[], R>(context: Context, fn: (...args: A) => R, ...args: A): R {
  if (storage.getStore() !== context) return storage.run(context, fn, ...args);
  // Node calls `fn` without a frame of its own when the store is the active one, and what `fn` attaches would stay.
  try {
    return fn(...args);
  } finally {
    if (storage.getStore() !== context) storage.enterWith(context);
  }
}

/** A function that calls `fn` in `context` (default: the active one), with its own `this`: for emitters, queues and pools. */
export function bindContext<T, A extends unknown[], R>(
  fn: (this: T, ...args: A) => R,
  context: Context = activeContext(),
): (this: T, ...args: A) => R {
  return function (this: T, ...args: A): R {
    return runInContext(context, () => fn.apply(this, args));
  };
}

/** The own context of `span`, made once, by the span itself. */
export function contextOfSpan(span: LiveSpan): Context {
  return new Context(span.t0, span.t1, span.t2, span.t3, span);
}

/** What takes the place of `span` in its context when it ends. */
export function endedState(span: LiveSpan): number | Extra {
  if (span.extra === undefined) return (span.number << 2) | (span.flags & FLAGS_KNOWN);
  const extra = copyOf(span.extra);
  setSpan(extra, span.number, span.flags);
  return extra;
}

/** The span that is open in `context`, if any. */
export function liveSpanOf(context: Context): LiveSpan | undefined {
  const { state } = context;
  if (typeof state === 'number') return undefined;
  if (state.live) return state;
  const own = state.span?.state;
  return typeof own === 'object' && own.live ? own : undefined;
}

/** What `context` carries beyond its span; for an open span, what the span inherited. Its fields about the span are to be ignored. */
export function extraOf(context: Context): Extra | undefined {
  const { state } = context;
  if (typeof state === 'number') return undefined;
  return state.live ? state.extra : state;
}

/** True when `context` belongs to a trace. */
export function hasTrace(context: Context): boolean {
  return (context.t0 | context.t1 | context.t2 | context.t3) !== 0;
}

/** Number of the local span of `context`, open or ended; 0 when it has none or a foreign one. */
export function spanNumberOf(context: Context): number {
  const { state } = context;
  return typeof state === 'number' ? state >>> 2 : state.number;
}

/** High word of the id of the span of `context`; 0 with a low word of 0: no span. */
export function spanHighOf(context: Context): number {
  const number = spanNumberOf(context);
  if (number !== 0) return spanHigh(number);
  return typeof context.state === 'number' ? 0 : (context.state as Extra).s0;
}

/** Low word of the id of the span of `context`. */
export function spanLowOf(context: Context): number {
  const number = spanNumberOf(context);
  if (number !== 0) return spanLow(number);
  return typeof context.state === 'number' ? 0 : (context.state as Extra).s1;
}

/** Flags of the span of `context`: {@link FLAG_SAMPLED} | {@link FLAG_RANDOM}. */
export function flagsOf(context: Context): number {
  const { state } = context;
  return typeof state === 'number' ? state & FLAGS_KNOWN : state.flags;
}

/** True when the span of `context` was read from a carrier. */
export function isRemote(context: Context): boolean {
  const { state } = context;
  return typeof state === 'object' && !state.live && state.isRemote;
}

/** The header `tracestate` of `context`; empty for none. */
export function traceStateOf(context: Context): string {
  return extraOf(context)?.traceState ?? '';
}

/** The baggage of `context`. */
export function baggageOf(context: Context): Baggage | undefined {
  return extraOf(context)?.baggage;
}

/**
 * `context` with something else in its {@link Extra}, as a new context; the span, if one is open, is found through both.
 * `change` gets a copy of its own.
 */
export function withExtra(context: Context, change: (extra: Extra) => void): Context {
  const { state } = context;
  const extra = copyOf(extraOf(context));
  if (typeof state === 'number') setSpan(extra, state >>> 2, state & FLAGS_KNOWN);
  else if (state.live) {
    setSpan(extra, state.number, state.flags);
    extra.span = context;
  }
  change(extra);
  return new Context(context.t0, context.t1, context.t2, context.t3, extra);
}

/** `context` with `baggage`, or without any. */
export function withBaggage(context: Context, baggage: Baggage | undefined): Context {
  return withExtra(context, (extra) => {
    extra.baggage = baggage;
  });
}

/** `context` with another `tracestate`, which must be valid. */
export function withTraceState(context: Context, traceState: string): Context {
  return withExtra(context, (extra) => {
    extra.traceState = traceState;
  });
}

/** A copy that may be changed until it is in a context. */
export function copyOf(extra: Extra | undefined): Extra {
  const copy = new Extra();
  if (extra === undefined) return copy;
  copy.number = extra.number;
  copy.s0 = extra.s0;
  copy.s1 = extra.s1;
  copy.flags = extra.flags;
  copy.isRemote = extra.isRemote;
  copy.span = extra.span;
  copy.traceState = extra.traceState;
  copy.baggage = extra.baggage;
  copy.trace = extra.trace;
  copy.exporter = extra.exporter;
  copy.logFields = extra.logFields;
  copy.external = extra.external;
  copy.debug = extra.debug;
  copy.suppressed = extra.suppressed;
  copy.foreign = extra.foreign;
  return copy;
}

/** Makes `extra` speak of local span `number`. */
function setSpan(extra: Extra, number: number, flags: number): void {
  extra.number = number;
  extra.s0 = 0;
  extra.s1 = 0;
  extra.flags = flags & FLAGS_KNOWN;
  extra.isRemote = false;
  extra.span = undefined;
}
