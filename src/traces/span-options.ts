// What a span can be started with, in each of the forms that startSpan takes, made into one. App threads.
import { activeContext, Context, copyOf, type Extra, extraOf, FLAG_SAMPLED, flagsOf, ROOT_CONTEXT } from '../context/context.js';
import { readSpanId, readTraceId } from '../context/id-text.js';
import type { TraceWords } from '../context/ids.js';
import { SpanContext } from '../context/span-context.js';
import type { Attributes } from './attributes.js';
import type { LinkInput, SpanIds, SpanReference } from './links.js';
import { type AgentSpanKind, isKind, type SpanKind } from './span-kind.js';
import type { TimeInput } from './time-input.js';

/** Options of a new span; all may be left out. */
export interface SpanOptions {
  /** OpenTelemetry's kind as a word or its API's number, or what an agent does in it. Default: `internal`. */
  readonly kind?: SpanKind | AgentSpanKind | 0 | 1 | 2 | 3 | 4 | undefined;
  /** What an agent does in it, beside an OpenTelemetry kind. */
  readonly agentKind?: AgentSpanKind | undefined;
  /** Copied. The only ones that samplers see. */
  readonly attributes?: Attributes | undefined;
  readonly links?: readonly LinkInput[] | undefined;
  /** When it began, if not now. */
  readonly startTime?: TimeInput | undefined;
  /** A new trace, whatever is active. */
  readonly root?: boolean | undefined;
  /** Its parent: a span, a context, or ids. Default: the active context. */
  readonly context?: SpanReference | undefined;
  /** The trace it belongs to, in any text form; empty for a new one. Text that is no id is kept as attribute `external_trace_id`. */
  readonly traceId?: string | undefined;
  /** With {@link traceId}: its parent. */
  readonly parentSpanId?: string | null | undefined;
  /** With {@link traceId}: its own id, which somebody else chose. */
  readonly spanId?: string | undefined;
}

/** Words of an id that a span is given. */
export interface OwnId {
  readonly s0: number;
  readonly s1: number;
}

/** {@link SpanOptions} with everything found out that takes looking. */
export interface ResolvedOptions {
  readonly options: SpanOptions;
  readonly parent: Context;
  readonly own: OwnId | undefined;
  /** A trace id in a form that is not known; empty for none. */
  readonly external: string;
}

/** Longest text of a foreign id that is kept. */
const LONGEST_ID = 256;

const NO_OPTIONS: SpanOptions = Object.freeze({});

/** What may stand after the name, in startSpan. */
export type SecondArgument = SpanOptions | SpanKind | AgentSpanKind | SpanReference | string | null | undefined;

function isReference(value: object): value is SpanReference {
  // A context, a span context; options may have a context and ids, but neither of these.
  return 't0' in value || 'traceFlags' in value || 'spanContext' in value;
}

/** The context of a reference; the empty one for ids that are none. */
export function contextOf(reference: unknown): Context {
  if (typeof reference !== 'object' || reference === null) return ROOT_CONTEXT;
  if ('state' in reference && 't0' in reference) return reference as Context;
  const { context } = reference as { readonly context?: Context };
  if (typeof context === 'object') return context;
  const { traceId, spanId, traceFlags = 0, traceState, isRemote = false } = reference as SpanIds;
  const header = typeof traceState === 'object' ? traceState.serialize() : traceState;
  const found = SpanContext.from({ traceId, spanId, traceFlags, isRemote, ...(header === undefined ? {} : { traceState: header }) });
  return found?.context ?? ROOT_CONTEXT;
}

/** A context of these ids beside what the active one carries. A parent outside the active trace counts as one of another process. */
function contextOfIds(words: TraceWords, parent: string | null | undefined): Context {
  const active = activeContext();
  const span = { t0: 0, t1: 0, t2: 0, t3: 0 };
  const extra: Extra = copyOf(extraOf(active));
  const isActive = words.t0 === active.t0 && words.t1 === active.t1 && words.t2 === active.t2 && words.t3 === active.t3;
  extra.number = 0;
  extra.span = undefined;
  extra.flags = isActive ? flagsOf(active) : FLAG_SAMPLED;
  const hasParent = typeof parent === 'string' && readSpanId(parent, span);
  extra.s0 = hasParent ? span.t2 : 0;
  extra.s1 = hasParent ? span.t3 : 0;
  extra.isRemote = hasParent && !isActive;
  if (!isActive) {
    extra.traceState = '';
    extra.trace = undefined;
  }
  return new Context(words.t0, words.t1, words.t2, words.t3, extra);
}

/** True when spans of a context pass on what it carries: not its ids, which a child has of its own. */
export function carriesMore(extra: Extra): boolean {
  return (
    extra.traceState !== '' ||
    extra.baggage !== undefined ||
    extra.trace !== undefined ||
    extra.exporter !== undefined ||
    extra.logFields !== undefined ||
    extra.foreign !== undefined ||
    extra.external !== '' ||
    extra.debug
  );
}

/** `context` without its trace: what it carries besides stays. */
export function withoutTrace(context: Context): Context {
  const extra = extraOf(context);
  if (extra === undefined) return ROOT_CONTEXT;
  const kept = copyOf(extra);
  kept.number = 0;
  kept.s0 = 0;
  kept.s1 = 0;
  kept.flags = 0;
  kept.isRemote = false;
  kept.span = undefined;
  kept.traceState = '';
  kept.trace = undefined;
  kept.external = '';
  kept.debug = false;
  return new Context(0, 0, 0, 0, kept);
}

/**
 * The forms of startSpan told apart by the types of what follows the name: options (and a parent); a kind (and attributes); a trace id
 * (and the parent's span id, and attributes); a parent (and attributes, and a kind).
 */
export function resolve(second: SecondArgument, third: unknown, fourth: unknown): ResolvedOptions {
  if (typeof second === 'string') {
    if (isKind(second)) return resolveOptions({ kind: second, attributes: third as Attributes }, undefined);
    return resolveOptions({ traceId: second, parentSpanId: third as string, attributes: fourth as Attributes }, undefined);
  }
  if (typeof second !== 'object' || second === null) return resolveOptions(NO_OPTIONS, third);
  if (isReference(second)) return resolveOptions({ attributes: third as Attributes, kind: fourth as SpanKind }, second);
  return resolveOptions(second, third);
}

/** @param reference parent that was given beside the options, and wins */
export function resolveOptions(options: SpanOptions, reference: unknown): ResolvedOptions {
  const { traceId } = options;
  if (traceId === undefined) {
    const given = reference ?? options.context;
    const around = given === undefined || given === null ? activeContext() : contextOf(given);
    return { options, parent: options.root === true ? withoutTrace(around) : around, own: undefined, external: '' };
  }
  const words = { t0: 0, t1: 0, t2: 0, t3: 0 };
  if (!readTraceId(traceId, words)) {
    const external = typeof traceId === 'string' ? traceId.slice(0, LONGEST_ID) : '';
    return { options, parent: withoutTrace(activeContext()), own: undefined, external };
  }
  const id = { t0: 0, t1: 0, t2: 0, t3: 0 };
  const own = options.spanId !== undefined && readSpanId(options.spanId, id) ? { s0: id.t2, s1: id.t3 } : undefined;
  return { options, parent: contextOfIds(words, options.parentSpanId), own, external: '' };
}
