// The two kinds of a span: OpenTelemetry's, which says how it stands to other services, and the one of agents, which says what it does.
// Pure data; any thread.

/** OpenTelemetry's kinds. */
export const SpanKind = Object.freeze({
  INTERNAL: 'internal',
  SERVER: 'server',
  CLIENT: 'client',
  PRODUCER: 'producer',
  CONSUMER: 'consumer',
} as const);

/** One of {@link SpanKind}; the OpenTelemetry specification, "SpanKind". */
export type SpanKind = (typeof SpanKind)[keyof typeof SpanKind];

/** What an agent does in a span. */
export const AgentSpanKind = Object.freeze({
  AGENT: 'agent',
  LLM: 'llm',
  TOOL: 'tool',
  MEMORY: 'memory',
  RETRIEVAL: 'retrieval',
  CHAIN: 'chain',
  EMBEDDING: 'embedding',
} as const);

/** One of {@link AgentSpanKind}. No word is also a {@link SpanKind}, so that one argument takes either. */
export type AgentSpanKind = (typeof AgentSpanKind)[keyof typeof AgentSpanKind];

/** By number, as records, OTLP minus one, and OpenTelemetry's API count them. */
export const KINDS: readonly SpanKind[] = Object.values(SpanKind);

/** By number minus one; 0 is none. */
export const AGENT_KINDS: readonly AgentSpanKind[] = Object.values(AgentSpanKind);

/** Where the kinds stand in the bits of a span. */
const KIND_SHIFT = 8;
const AGENT_KIND_SHIFT = 19;
const KIND_MASK = 7 << KIND_SHIFT;
const AGENT_KIND_MASK = 15 << AGENT_KIND_SHIFT;

const BITS_OF = new Map<unknown, number>([
  ...KINDS.map((kind, number): [unknown, number] => [kind, number << KIND_SHIFT]),
  // The numbers of OpenTelemetry's API.
  ...KINDS.map((_, number): [unknown, number] => [number, number << KIND_SHIFT]),
  ...AGENT_KINDS.map((kind, number): [unknown, number] => [kind, (number + 1) << AGENT_KIND_SHIFT]),
]);

/** The bits of a kind of either sort; 0, which is `internal`, for anything else. */
export function kindBits(kind: unknown): number {
  return BITS_OF.get(kind) ?? 0;
}

/** True for a word of either sort. */
export function isKind(word: unknown): word is SpanKind | AgentSpanKind {
  return typeof word === 'string' && BITS_OF.has(word);
}

/** The kind in the bits of a span. */
export function kindOf(bits: number): SpanKind {
  return KINDS[(bits & KIND_MASK) >> KIND_SHIFT] ?? SpanKind.INTERNAL;
}

/** The agent kind in the bits of a span, if it has one. */
export function agentKindOf(bits: number): AgentSpanKind | undefined {
  return AGENT_KINDS[((bits & AGENT_KIND_MASK) >> AGENT_KIND_SHIFT) - 1];
}
