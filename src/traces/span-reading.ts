// Spans as maps: the exact one of agents, and the one for JSON; and what a model was asked and took, read from attributes. App threads.
import type { ReadableSpan } from './readable-span.js';
import type { AgentSpanKind, SpanKind } from './span-kind.js';
import type { AgentSpanStatus, SpanStatus } from './status.js';

/** Which attributes say what a model was asked and took. */
export type SemanticConvention = 'llm' | 'gen_ai';

/** Keys of the attributes about a model. */
export interface LlmWords {
  readonly model: string;
  readonly inputTokens: string;
  readonly outputTokens: string;
  readonly costUsd: string;
}

/** The keys by convention; reading looks into both. */
export const LLM_WORDS: Readonly<Record<SemanticConvention, LlmWords>> = Object.freeze({
  llm: Object.freeze({ model: 'llm.model', inputTokens: 'llm.tokens_in', outputTokens: 'llm.tokens_out', costUsd: 'llm.cost_usd' }),
  gen_ai: Object.freeze({
    model: 'gen_ai.request.model',
    inputTokens: 'gen_ai.usage.input_tokens',
    outputTokens: 'gen_ai.usage.output_tokens',
    costUsd: 'gen_ai.usage.cost_usd',
  }),
});

function read(span: ReadableSpan, word: keyof LlmWords): unknown {
  return span.getAttribute(LLM_WORDS.llm[word]) ?? span.getAttribute(LLM_WORDS.gen_ai[word]);
}

/** A text about a model; empty where it is missing. */
export function llmText(span: ReadableSpan, word: keyof LlmWords): string {
  const value = read(span, word);
  return typeof value === 'string' ? value : '';
}

/** A number about a model; 0 where it is missing. */
export function llmNumber(span: ReadableSpan, word: keyof LlmWords): number {
  const value = read(span, word);
  return typeof value === 'number' ? value : 0;
}

/** {@link ReadableSpan.toDict}: these keys in this order. */
export interface SpanDict {
  span_id: string;
  parent_id: string | null;
  trace_id: string;
  name: string;
  kind: SpanKind | AgentSpanKind;
  duration_ms: number;
  status: AgentSpanStatus;
  attributes: Record<string, unknown>;
  model_name: string;
  input_tokens: number;
  output_tokens: number;
  cost_usd: number;
}

/** See {@link ReadableSpan.toDict}. */
export function spanDict(span: ReadableSpan): SpanDict {
  const { status } = span;
  return {
    span_id: span.spanId,
    parent_id: span.parentId ?? null,
    trace_id: span.traceId,
    name: span.name,
    kind: span.agentKind ?? span.kind,
    duration_ms: span.durationMs,
    status: status === 'unset' ? 'ok' : status,
    attributes: structuredClone(span.attributes),
    model_name: span.modelName,
    input_tokens: span.inputTokens,
    output_tokens: span.outputTokens,
    cost_usd: span.costUsd,
  };
}

/** {@link ReadableSpan.toJSON}. */
export interface SpanJson {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  kind: SpanKind;
  agentKind: AgentSpanKind | undefined;
  status: SpanStatus;
  statusMessage: string | undefined;
  /** Seconds since 1970. */
  startTime: number;
  /** Undefined while it is open. */
  endTime: number | undefined;
  durationMs: number;
  attributes: Record<string, unknown>;
  events: { name: string; timestamp: number; attributes: Record<string, unknown> }[];
  links: { traceId: string; spanId: string; attributes: Record<string, unknown> }[];
}

/** See {@link ReadableSpan.toJSON}. */
export function spanJson(span: ReadableSpan): SpanJson {
  return {
    name: span.name,
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId,
    kind: span.kind,
    agentKind: span.agentKind,
    status: span.status,
    statusMessage: span.statusMessage === '' ? undefined : span.statusMessage,
    startTime: span.startTime,
    endTime: span.endTime,
    durationMs: span.durationMs,
    attributes: jsonCopy(span.attributes) as Record<string, unknown>,
    events: span.events.map((event) => event.toJSON()),
    links: span.links.map((link) => link.toJSON()),
  };
}

/** A deep copy that `JSON.stringify` takes: bigints as texts of their digits. */
export function jsonCopy(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return value.map(jsonCopy);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, jsonCopy(inner)]));
}
