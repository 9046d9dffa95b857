// A trace as an object: what it is about, its spans, and sums over them. App threads; plain data, nothing is attached or written
// here (open-trace.ts does that).
import type { AgentSpanKind } from './span-kind.js';
import type { SpanStatus } from './status.js';

/** What a trace needs to know of a span; an open span and one that was read back are both one. */
export interface TraceSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Undefined without a parent. */
  readonly parentId: string | undefined;
  readonly agentKind: AgentSpanKind | undefined;
  readonly status: SpanStatus;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Milliseconds, growing while the span is open. */
  readonly durationMs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** US dollars. */
  readonly costUsd: number;
  /** Snake-case map of exactly the keys that the preset `agentos` exports. */
  toDict(): object;
}

/** {@link Trace.toDict}. */
export interface TraceDict {
  trace_id: string;
  total_duration_ms: number;
  total_cost_usd: number;
  total_tokens: number;
  span_count: number;
  spans: object[];
}

/** {@link Trace.toJSON}. */
export interface TraceSummary {
  traceId: string;
  name: string;
  /** Seconds since 1970. */
  startTime: number;
  durationMs: number;
  totalDurationMs: number;
  totalCostUsd: number;
  totalTokens: number;
  spanCount: number;
  failed: boolean;
  spans: object[];
}

/** What {@link Trace} is made of. */
export interface TraceFields<S extends TraceSpan> {
  readonly traceId: string;
  readonly name: string;
  readonly startedAt: number;
  readonly startTime: number;
  readonly spans: readonly S[];
}

/** Some spans under one id. The sums are taken when they are read: O(spans). */
export abstract class Trace<S extends TraceSpan = TraceSpan> {
  /** Text form of the provider that made it. */
  readonly traceId: string;
  /** What it is about: the capability, the operation, or the name of its root span. */
  readonly name: string;
  /** Monotonic seconds: of use for differences only. */
  readonly startedAt: number;
  /** Seconds since 1970. */
  readonly startTime: number;
  /** In the order in which they started. */
  readonly spans: readonly S[];

  protected constructor(fields: TraceFields<S>) {
    this.traceId = fields.traceId;
    this.name = fields.name;
    this.startedAt = fields.startedAt;
    this.startTime = fields.startTime;
    this.spans = fields.spans;
  }

  /** Milliseconds from the start of the trace to its end, or to now while it is open. */
  abstract get durationMs(): number;
  /** Milliseconds from start to end; undefined while it is open. */
  abstract get endedAfterMs(): number | undefined;
  /** Spans that belong to it but are not in {@link spans}, because there were too many. */
  abstract get droppedSpans(): number;

  /** Same as {@link name}. */
  get capability(): string {
    return this.name;
  }

  /** Seconds since 1970; undefined while it is open. */
  get endTime(): number | undefined {
    const after = this.endedAfterMs;
    return after === undefined ? undefined : this.startTime + after / 1000;
  }

  /** The span that was started first, if there is any. */
  get rootSpan(): S | undefined {
    return this.spans[0];
  }

  /** Spans of the trace, those in {@link droppedSpans} included. */
  get spanCount(): number {
    return this.spans.length + this.droppedSpans;
  }

  /** Milliseconds that the root span took; 0 without one. */
  get totalDurationMs(): number {
    return this.rootSpan?.durationMs ?? 0;
  }

  /** US dollars of all spans. */
  get totalCostUsd(): number {
    return this.spans.reduce((sum, { costUsd }) => sum + costUsd, 0);
  }

  /** Input and output tokens of all spans. */
  get totalTokens(): number {
    return this.spans.reduce((sum, { inputTokens, outputTokens }) => sum + inputTokens + outputTokens, 0);
  }

  /** True when any span ended as an error or a timeout. */
  get failed(): boolean {
    return this.spans.some(({ status }) => status === 'error' || status === 'timeout');
  }

  /** A snake-case map of exactly these keys. Spans are maps as well; nothing in it is shared with the trace. */
  toDict(): TraceDict {
    return {
      trace_id: this.traceId,
      total_duration_ms: this.totalDurationMs,
      total_cost_usd: this.totalCostUsd,
      total_tokens: this.totalTokens,
      span_count: this.spanCount,
      spans: this.spans.map((span) => span.toDict()),
    };
  }

  /** What `JSON.stringify` writes. */
  toJSON(): TraceSummary {
    return {
      traceId: this.traceId,
      name: this.name,
      startTime: this.startTime,
      durationMs: this.durationMs,
      totalDurationMs: this.totalDurationMs,
      totalCostUsd: this.totalCostUsd,
      totalTokens: this.totalTokens,
      spanCount: this.spanCount,
      failed: this.failed,
      spans: this.spans.map((span) => ('toJSON' in span && typeof span.toJSON === 'function' ? span.toJSON() : span)),
    };
  }
}
