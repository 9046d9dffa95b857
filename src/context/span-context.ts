// The identity of a span, as one hands it to others: ids as text, flags, state. Immutable; any thread.
import { type Context, Extra, FLAGS_KNOWN, flagsOf, hasTrace, isRemote, spanHighOf, spanLowOf, traceStateOf } from './context.js';
import { readSpanId, readTraceId, spanIdText, traceIdText } from './id-text.js';
import { parseTraceparent, remoteContext, traceparentOf } from './traceparent.js';
import { checkedTraceState } from './tracestate.js';

/** What a {@link SpanContext} is made of. */
export interface SpanContextFields {
  /** In any text form; 32 hexadecimal digits on the wire. */
  readonly traceId: string;
  /** In any text form; 16 hexadecimal digits on the wire. */
  readonly spanId: string;
  /** Bit 0: sampled; bit 1: the low 56 bits of the trace id are random. Default 0. */
  readonly traceFlags?: number;
  /** The header `tracestate`; what is invalid in it makes it empty. */
  readonly traceState?: string;
  /** True when it came from another process. */
  readonly isRemote?: boolean;
}

/** Identity of a span for propagation. Its texts are made when they are asked for. */
export class SpanContext implements SpanContextFields {
  readonly #context: Context;

  private constructor(context: Context) {
    this.#context = context;
  }

  /** The span of `context`; undefined when it has none. */
  static of(context: Context): SpanContext | undefined {
    return hasTrace(context) && (spanHighOf(context) | spanLowOf(context)) !== 0 ? new SpanContext(context) : undefined;
  }

  /** From its parts; undefined when an id is none in any text form, or zero. */
  static from(fields: SpanContextFields): SpanContext | undefined {
    const trace = { t0: 0, t1: 0, t2: 0, t3: 0 };
    const span = { t0: 0, t1: 0, t2: 0, t3: 0 };
    if (!readTraceId(fields.traceId, trace) || !readSpanId(fields.spanId, span)) return undefined;
    const context = remoteContext(trace.t0, trace.t1, trace.t2, trace.t3, span.t2, span.t3, (fields.traceFlags ?? 0) & FLAGS_KNOWN);
    const extra = context.state as Extra;
    extra.isRemote = fields.isRemote === true;
    if (typeof fields.traceState === 'string') extra.traceState = checkedTraceState(fields.traceState);
    return new SpanContext(context);
  }

  /** Reads the header `traceparent`, and with it `tracestate`; null for anything invalid. The span is remote. */
  static fromTraceparent(traceparent: string, tracestate = ''): SpanContext | null {
    const context = typeof traceparent === 'string' ? parseTraceparent(traceparent) : undefined;
    if (context === undefined) return null;
    if (typeof tracestate === 'string' && context.state instanceof Extra) context.state.traceState = checkedTraceState(tracestate);
    return new SpanContext(context);
  }

  /** 32 lower-case hexadecimal digits. */
  get traceId(): string {
    return traceIdText(this.#context);
  }

  /** 16 lower-case hexadecimal digits. */
  get spanId(): string {
    return spanIdText(spanHighOf(this.#context), spanLowOf(this.#context));
  }

  /** Bit 0: sampled; bit 1: the low 56 bits of the trace id are random. */
  get traceFlags(): number {
    return flagsOf(this.#context);
  }

  /** The header `tracestate`; empty for none. */
  get traceState(): string {
    return traceStateOf(this.#context);
  }

  /** True when it came from another process. */
  get isRemote(): boolean {
    return isRemote(this.#context);
  }

  /** A context with this span, to start others in. */
  get context(): Context {
    return this.#context;
  }

  /** `00-<32 digits>-<16 digits>-<2 digits>`, lower case. */
  toTraceparent(): string {
    return traceparentOf(this.#context) as string;
  }

  toJSON(): SpanContextFields {
    const { traceId, spanId, traceFlags, traceState, isRemote } = this;
    return { traceId, spanId, traceFlags, traceState, isRemote };
  }
}
