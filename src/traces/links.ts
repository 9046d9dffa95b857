// Links: pointers from one span to others, in the same trace or elsewhere. App threads.
import type { FlatAttributes, WritableLink } from '../binding/writable-span.js';
import { type Context, flagsOf, isRemote, spanHighOf, spanLowOf, traceStateOf } from '../context/context.js';
import { readSpanId, readTraceId, spanIdText, traceIdText } from '../context/id-text.js';
import type { TraceWords } from '../context/ids.js';
import { type Attributes, asObject, gather } from './attributes.js';
import type { SpanLimits } from './limits.js';
import { jsonCopy } from './span-reading.js';

/** The ids of a span, as OpenTelemetry writes them; ids are read in each of their text forms. */
export interface SpanIds {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags?: number;
  /** The header, or what gives it. */
  readonly traceState?: string | { serialize(): string } | undefined;
  readonly isRemote?: boolean | undefined;
}

/** What can be pointed to: a span (its context is taken), a context, or ids. */
export type SpanReference = { readonly context: Context } | Context | SpanIds;

/** A link as it is given: what it points to, with attributes or without. */
export type LinkInput = SpanReference | { readonly context: SpanReference; readonly attributes?: Attributes | undefined };

/** In {@link SpanLink.flags}: what is pointed to lives in another process. */
const REMOTE = 1 << 9;
/** Longest tracestate that is kept, in UTF-16 code units. */
const LONGEST_TRACE_STATE = 8_192;

/** A link of a span; fixed when it is added. */
export class SpanLink implements WritableLink, TraceWords {
  t0 = 0;
  t1 = 0;
  t2 = 0;
  t3 = 0;
  s0 = 0;
  s1 = 0;
  /** W3C trace flags; bit 9: the span lives in another process. */
  flags = 0;
  traceStateText = '';
  readonly pairs: FlatAttributes | undefined;
  /** Attributes beyond the limit. */
  readonly dropped: number;

  constructor(pairs: FlatAttributes | undefined, dropped: number) {
    this.pairs = pairs;
    this.dropped = dropped;
  }

  /** 32 hexadecimal digits; all zero when what it points to has no trace. */
  get traceId(): string {
    return traceIdText(this);
  }

  /** 16 hexadecimal digits; all zero when what it points to has no span. */
  get spanId(): string {
    return spanIdText(this.s0, this.s1);
  }

  /** True when the span lives in another process. */
  get isRemote(): boolean {
    return (this.flags & REMOTE) !== 0;
  }

  /** A fresh object on each reading. */
  get attributes(): Record<string, unknown> {
    return asObject(this.pairs);
  }

  /** For `JSON.stringify` and logs. */
  toJSON(): { traceId: string; spanId: string; attributes: Record<string, unknown> } {
    return { traceId: this.traceId, spanId: this.spanId, attributes: jsonCopy(this.attributes) as Record<string, unknown> };
  }

  /** Takes the ids of what it points to. May throw what foreign objects throw. */
  point(target: Partial<Context> & Partial<SpanIds> & { readonly context?: Context }): void {
    const context = typeof target.context === 'object' ? target.context : target;
    if (isContext(context)) {
      const { t0, t1, t2, t3 } = context;
      Object.assign(this, { t0, t1, t2, t3 });
      this.s0 = spanHighOf(context);
      this.s1 = spanLowOf(context);
      this.flags = flagsOf(context) | (isRemote(context) ? REMOTE : 0);
      this.traceStateText = traceStateOf(context);
      return;
    }
    const words = { t0: 0, t1: 0, t2: 0, t3: 0 };
    readTraceId(target.traceId as string, this);
    if (readSpanId(target.spanId as string, words)) {
      this.s0 = words.t2;
      this.s1 = words.t3;
    }
    const { traceFlags, traceState } = target;
    this.flags = (typeof traceFlags === 'number' ? traceFlags & 255 : 0) | (target.isRemote === true ? REMOTE : 0);
    const text = typeof traceState === 'object' && traceState !== null ? traceState.serialize() : traceState;
    this.traceStateText = typeof text === 'string' && text.length <= LONGEST_TRACE_STATE ? text : '';
  }

  /** True when it says anything: where to, or what about it. */
  get isOfUse(): boolean {
    const { t0, t1, t2, t3, s0, s1 } = this;
    return ((t0 | t1 | t2 | t3) !== 0 && (s0 | s1) !== 0) || this.pairs !== undefined || this.traceStateText !== '';
  }
}

function isContext(value: unknown): value is Context {
  const { t0, state } = value as Partial<Context>;
  return typeof t0 === 'number' && state !== undefined;
}

/**
 * A link as it is kept; undefined for what points nowhere and says nothing. One without valid ids is kept for its attributes or tracestate
 * (the OpenTelemetry specification, "Link"). Never throws.
 */
export function makeLink(given: unknown, limits: SpanLimits): SpanLink | undefined {
  if (typeof given !== 'object' || given === null) return undefined;
  try {
    const { context, attributes } = given as { readonly context?: unknown; readonly attributes?: Attributes };
    // A span has both as well: its attributes are its own and not the link's.
    const isLink = typeof context === 'object' && context !== null && !('spanContext' in given);
    const { pairs, dropped } = gather(isLink ? attributes : undefined, limits, limits.maxAttributesPerLink);
    const link = new SpanLink(pairs, dropped);
    link.point((isLink ? context : given) as object);
    return link.isOfUse ? link : undefined;
  } catch {
    return undefined;
  }
}
