// Completed traces as they are read back from native memory. App threads; every reading is a copy that owns nothing.
import { convertSpanId, convertTraceId, type IdFormat } from '../context/id-text.js';
import type { AgentSpanKind, SpanKind } from './span-kind.js';
import { LLM_WORDS, type LlmWords, type SpanDict } from './span-reading.js';
import { now } from './span-time.js';
import type { SpanStatus } from './status.js';
import { Trace, type TraceSpan } from './trace.js';

/** Attribute of the record that a trace object writes when it ends: how many spans it had. */
export const TRACE_RECORD = 'kymo.trace.spans';

/** How the ids of a provider are written. */
export interface IdFormats {
  readonly traceIdFormat: IdFormat;
  readonly spanIdFormat: IdFormat;
}

/** An event of a span that was read back. */
export interface RetainedEvent {
  readonly name: string;
  /** Seconds since 1970. */
  readonly timestamp: number;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** A span in the JSON of native/core/src/traces/trace_json.rs, as far as it is read here. */
interface SpanText {
  readonly spanId: string;
  readonly parentSpanId: string | null;
  readonly name: string;
  readonly kind: SpanKind;
  readonly agentKind?: AgentSpanKind;
  readonly status: SpanStatus;
  readonly statusMessage?: string;
  readonly startTime: number;
  readonly endTime: number;
  readonly durationMs: number;
  readonly attributes: Record<string, unknown>;
  readonly events: readonly { readonly name: string; readonly time: number; readonly attributes: Record<string, unknown> }[];
  readonly recordOnly?: boolean;
}

/** A trace in that JSON. */
interface TraceText {
  readonly traceId: string;
  readonly name: string;
  readonly startTime: number;
  readonly durationMs: number;
  readonly failed: boolean;
  readonly droppedSpans: number;
  readonly spans: readonly SpanText[];
}

/** A span of a completed trace. */
export class RetainedSpan implements TraceSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | undefined;
  readonly kind: SpanKind;
  readonly agentKind: AgentSpanKind | undefined;
  readonly status: SpanStatus;
  /** Of an error; empty without one. */
  readonly statusMessage: string;
  /** Seconds since 1970. */
  readonly startTime: number;
  readonly endTime: number;
  readonly durationMs: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly RetainedEvent[];

  constructor(text: SpanText, traceId: string, format: IdFormat) {
    this.name = text.name;
    this.traceId = traceId;
    this.spanId = convertSpanId(text.spanId, format) ?? text.spanId;
    this.parentId = text.parentSpanId === null ? undefined : (convertSpanId(text.parentSpanId, format) ?? text.parentSpanId);
    this.kind = text.kind;
    this.agentKind = text.agentKind;
    this.status = text.status;
    this.statusMessage = text.statusMessage ?? '';
    this.startTime = text.startTime;
    this.endTime = text.endTime;
    this.durationMs = text.durationMs;
    this.attributes = text.attributes;
    this.events = text.events.map(({ name, time, attributes }) => ({ name, timestamp: time, attributes }));
  }

  get modelName(): string {
    const name = this.#read('model');
    return typeof name === 'string' ? name : '';
  }

  get inputTokens(): number {
    return this.#number('inputTokens');
  }

  get outputTokens(): number {
    return this.#number('outputTokens');
  }

  get costUsd(): number {
    return this.#number('costUsd');
  }

  #number(word: keyof LlmWords): number {
    const value = this.#read(word);
    return typeof value === 'number' ? value : 0;
  }

  #read(word: keyof LlmWords): unknown {
    return this.attributes[LLM_WORDS.llm[word]] ?? this.attributes[LLM_WORDS.gen_ai[word]];
  }

  toDict(): SpanDict {
    return {
      span_id: this.spanId,
      parent_id: this.parentId ?? null,
      trace_id: this.traceId,
      name: this.name,
      kind: this.agentKind ?? this.kind,
      duration_ms: this.durationMs,
      status: this.status === 'unset' ? 'ok' : this.status,
      attributes: structuredClone(this.attributes),
      model_name: this.modelName,
      input_tokens: this.inputTokens,
      output_tokens: this.outputTokens,
      cost_usd: this.costUsd,
    };
  }
}

/** A trace that is over. Its spans are those that its provider recorded, in the order of their start. */
export class RetainedTrace extends Trace<RetainedSpan> {
  readonly durationMs: number;
  readonly droppedSpans: number;
  readonly #failed: boolean;

  constructor(text: TraceText, { traceIdFormat, spanIdFormat }: IdFormats) {
    const traceId = convertTraceId(text.traceId, traceIdFormat) ?? text.traceId;
    const spans = text.spans.filter((span) => !isTraceRecord(span)).map((span) => new RetainedSpan(span, traceId, spanIdFormat));
    const { name, startTime } = text;
    super({ traceId, name, startTime, startedAt: now() / 1_000 - (Date.now() / 1_000 - startTime), spans });
    this.durationMs = text.durationMs;
    this.droppedSpans = text.droppedSpans;
    this.#failed = text.failed;
  }

  override get endedAfterMs(): number {
    return this.durationMs;
  }

  override get failed(): boolean {
    return this.#failed;
  }
}

function isTraceRecord({ recordOnly, attributes }: SpanText): boolean {
  return recordOnly === true && Object.hasOwn(attributes, TRACE_RECORD);
}

/** Reads what `tracesRecent` gave. */
export function readTraces(json: string, formats: IdFormats): RetainedTrace[] {
  return (JSON.parse(json) as TraceText[]).map((text) => new RetainedTrace(text, formats));
}
