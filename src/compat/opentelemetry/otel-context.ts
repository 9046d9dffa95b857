// OpenTelemetry's contexts over Kymo's: the same objects, seen through the API's three methods. App threads.
//
// A context of Kymo answers `getValue`, `setValue` and `deleteValue` once this module gave its class these methods, so that the active
// context costs no object. Span and baggage are Kymo's own; what else the API's users put into a context, and span objects that are not
// Kymo's, travel in `Extra.foreign`.
import { ROOT_CONTEXT as API_ROOT, type Context as ApiContext, type Baggage, type Span } from '@opentelemetry/api';
import {
  activeContext,
  Context,
  extraOf,
  liveSpanOf,
  ROOT_CONTEXT,
  spanHighOf,
  spanLowOf,
  spanNumberOf,
  withBaggage,
  withExtra,
} from '../../context/context.js';
import type { Span as KymoSpan } from '../../traces/span.js';
import { faceOf, ownSpanOf } from './api-span.js';
import { BaggageView, ownBaggage } from './baggage.js';
import { ContextSpan } from './context-span.js';
import { contextOfSpanContext, hasSpan } from './span-context.js';

/** Keys of the API, the same in all of its versions: it makes them with `Symbol.for`. */
export const SPAN_KEY: symbol = Symbol.for('OpenTelemetry Context Key SPAN');
const BAGGAGE_KEY = Symbol.for('OpenTelemetry Baggage Key');
/** Key of OpenTelemetry's SDK: exporters set it, so that their own requests are not traced. */
const SUPPRESS_KEY = Symbol.for('OpenTelemetry SDK Context Key SUPPRESS_TRACING');

/** A context of Kymo with the API's methods. */
export type ContextView = Context & ApiContext;

/** What of OpenTelemetry a context carries beyond Kymo's own. Immutable. */
class Foreign {
  /** The API's object for the span whose id follows, when it is not Kymo's own: a wrapper, or a span of somebody else. */
  readonly span: Span | undefined;
  readonly number: number;
  readonly s0: number;
  readonly s1: number;
  readonly values: ReadonlyMap<symbol, unknown>;
  /** A context of another implementation, which answers for what is not in {@link values}. */
  readonly base: ApiContext | undefined;

  constructor(of: Context | undefined, span: Span | undefined, values: ReadonlyMap<symbol, unknown>, base: ApiContext | undefined) {
    this.span = span;
    this.number = of === undefined ? 0 : spanNumberOf(of);
    this.s0 = of === undefined ? 0 : spanHighOf(of);
    this.s1 = of === undefined ? 0 : spanLowOf(of);
    this.values = values;
    this.base = base;
  }

  /** True while {@link span} is the span of `context`: a child inherits the values, not the span. */
  isAbout(context: Context): boolean {
    return (
      this.span !== undefined && this.number === spanNumberOf(context) && this.s0 === spanHighOf(context) && this.s1 === spanLowOf(context)
    );
  }

  get(key: symbol): unknown {
    return this.values.has(key) ? this.values.get(key) : this.base?.getValue(key);
  }
}

const NO_VALUES: ReadonlyMap<symbol, unknown> = new Map();

function foreignOf(context: Context): Foreign | undefined {
  return extraOf(context)?.foreign as Foreign | undefined;
}

const METHODS: PropertyDescriptorMap & ThisType<Context> = {
  getValue: { value: getValue, configurable: true, writable: true },
  setValue: { value: setValue, configurable: true, writable: true },
  deleteValue: { value: deleteValue, configurable: true, writable: true },
};

/** The context of the running code as the API wants it. */
export function activeView(): ApiContext {
  const context = activeContext();
  return context === ROOT_CONTEXT ? API_ROOT : viewOf(context);
}

/** A context of Kymo as the API wants it: the same object. Other copies of this package have classes of their own. */
export function viewOf(context: Context): ContextView {
  if (!('getValue' in context)) Object.defineProperties(Object.getPrototypeOf(context), METHODS);
  return context as ContextView;
}

/** Kymo's context of any of the API's: the same object where it is one, a translation of any other; the root for what is none. */
export function contextOf(context: ApiContext): Context {
  if (context === API_ROOT) return ROOT_CONTEXT;
  if (isOwn(context)) return context;
  try {
    return typeof context?.getValue === 'function' ? translated(context) : ROOT_CONTEXT;
  } catch {
    return ROOT_CONTEXT; // An implementation of somebody else that throws.
  }
}

/** True where OpenTelemetry's SDK asks not to be traced. */
export function isSuppressed(context: Context): boolean {
  return extraOf(context)?.suppressed === true;
}

/** `context` with the wish not to be traced. */
export function suppressed(context: ApiContext): ApiContext {
  return context.setValue(SUPPRESS_KEY, true);
}

function isOwn(context: unknown): context is Context {
  return context instanceof Context || (typeof context === 'object' && context !== null && 't0' in context && 'state' in context);
}

/** A context that the API made itself, such as `trace.setSpan(ROOT_CONTEXT, span)`, or one of another implementation. */
function translated(context: ApiContext): Context {
  const own = (context as { readonly _currentContext?: unknown })._currentContext;
  const values = own instanceof Map ? new Map<symbol, unknown>(own) : undefined;
  values?.delete(SPAN_KEY);
  values?.delete(BAGGAGE_KEY);
  let result = ROOT_CONTEXT;
  if (values === undefined || values.size > 0) {
    const foreign = new Foreign(undefined, undefined, values ?? NO_VALUES, values === undefined ? context : undefined);
    result = withForeign(result, foreign);
  }
  const baggage = context.getValue(BAGGAGE_KEY) as Baggage | undefined;
  if (baggage !== undefined) result = withBaggage(result, ownBaggage(baggage));
  const span = context.getValue(SPAN_KEY) as Span | undefined;
  return span ? withSpan(result, span) : result;
}

function getValue(this: Context, key: symbol): unknown {
  if (key === SPAN_KEY) return spanOf(this);
  if (key === BAGGAGE_KEY) {
    const baggage = extraOf(this)?.baggage;
    return baggage && new BaggageView(baggage);
  }
  return foreignOf(this)?.get(key);
}

function setValue(this: Context, key: symbol, value: unknown): ContextView {
  return viewOf(changed(this, key, value));
}

function deleteValue(this: Context, key: symbol): ContextView {
  return viewOf(changed(this, key, undefined));
}

function changed(context: Context, key: symbol, value: unknown): Context {
  if (key === SPAN_KEY) return value ? withSpan(context, value as Span) : withoutSpan(context);
  if (key === BAGGAGE_KEY) return withBaggage(context, value ? ownBaggage(value as Baggage) : undefined);
  const foreign = foreignOf(context);
  const values = new Map(foreign?.values);
  if (value === undefined && foreign?.base === undefined) values.delete(key);
  else values.set(key, value);
  const span = foreign?.isAbout(context) ? foreign.span : undefined;
  return withForeign(
    context,
    values.size === 0 && span === undefined && foreign?.base === undefined ? undefined : new Foreign(context, span, values, foreign?.base),
  );
}

function withForeign(context: Context, foreign: Foreign | undefined): Context {
  if (foreign === undefined && foreignOf(context) === undefined) return context;
  return withExtra(context, (extra) => {
    extra.foreign = foreign;
    extra.suppressed = foreign?.get(SUPPRESS_KEY) === true;
  });
}

/** The API's span of a context: the object that was set, Kymo's own while it is open, a stand-in with its ids when it has ended. */
export function spanOf(context: Context): Span | undefined {
  const foreign = foreignOf(context);
  if (foreign?.isAbout(context)) return foreign.span;
  const live = liveSpanOf(context);
  if (live !== undefined) return faceOf(live as KymoSpan);
  return hasSpan(context) ? new ContextSpan(context) : undefined;
}

/** `context` with another span. A span of Kymo is found through it while it is open, and not kept alive by it afterwards. */
export function withSpan(context: Context, span: Span): Context {
  if (span instanceof ContextSpan) return grafted(context, span.context, undefined);
  const own = ownSpanOf(span);
  if (own !== undefined) return extraOf(context) === own.extra ? own.context : grafted(context, own.context, undefined);
  // The ids count from now on: spans of others say them by themselves, wrappers those of what they wrap.
  return grafted(context, contextOfForeign(span), span);
}

/** Where a span of somebody else is; nowhere when it does not say so. */
function contextOfForeign(span: Span): Context {
  try {
    return contextOfSpanContext(span.spanContext());
  } catch {
    return ROOT_CONTEXT;
  }
}

function withoutSpan(context: Context): Context {
  const extra = extraOf(context);
  return extra === undefined ? ROOT_CONTEXT : grafted(context, ROOT_CONTEXT, undefined);
}

/** The trace and the span of `source` with everything else of `context`, and an object of the API for that span. */
function grafted(context: Context, source: Context, span: Span | undefined): Context {
  const rest = extraOf(context);
  const foreign = foreignOf(context);
  const carries = foreign === undefined ? false : foreign.values.size > 0 || foreign.base !== undefined;
  const kept = span === undefined && !carries ? undefined : new Foreign(source, span, foreign?.values ?? NO_VALUES, foreign?.base);
  if (rest === undefined && kept === undefined && extraOf(source) === undefined) return source;
  return withExtra(source, (extra) => {
    extra.baggage = rest?.baggage;
    extra.trace = rest?.trace;
    extra.exporter = rest?.exporter;
    extra.logFields = rest?.logFields;
    extra.suppressed = rest?.suppressed ?? false;
    extra.foreign = kept;
  });
}
