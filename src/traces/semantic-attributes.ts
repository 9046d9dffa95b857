// Names of the attributes that automatic spans carry: a stable public reference. Pure data; any thread.

/** What the spans of messages, agents, supervisors, models and tools are described with. */
export const SemanticAttributes = Object.freeze({
  /** Who sent a message. */
  CIVITAS_SENDER: 'civitas.sender',
  /** Who is to get it. */
  CIVITAS_RECIPIENT: 'civitas.recipient',
  CIVITAS_MESSAGE_TYPE: 'civitas.message_type',
  CIVITAS_MESSAGE_ID: 'civitas.message_id',
  /** Name of the agent whose life a span is about. */
  CIVITAS_AGENT_NAME: 'civitas.agent.name',
  /** Attempt at handling a message, from 1 on. */
  CIVITAS_ATTEMPT: 'civitas.attempt',
  CIVITAS_SUPERVISOR: 'civitas.supervisor',
  /** The child that is restarted. */
  CIVITAS_CHILD: 'civitas.child',
  /** Restarts of that child so far, this one included. */
  CIVITAS_RESTART_COUNT: 'civitas.restart_count',
  /** Which children are restarted with it. */
  CIVITAS_STRATEGY: 'civitas.strategy',
  /** Why it is restarted: the error's text. */
  CIVITAS_ERROR: 'civitas.error',
  LLM_MODEL: 'llm.model',
  LLM_TOKENS_IN: 'llm.tokens_in',
  LLM_TOKENS_OUT: 'llm.tokens_out',
  /** US dollars. */
  LLM_COST_USD: 'llm.cost_usd',
  /** Milliseconds, two decimals. */
  LLM_LATENCY_MS: 'llm.latency_ms',
  TOOL_NAME: 'tool.name',
  /** `ok`, or what went wrong. */
  TOOL_RESULT_STATUS: 'tool.result_status',
  /** Milliseconds, two decimals. */
  TOOL_LATENCY_MS: 'tool.latency_ms',
  /** Channel of a message. */
  MESSAGING_DESTINATION_NAME: 'messaging.destination.name',
  MESSAGING_MESSAGE_TYPE: 'messaging.message_type',
  /** `publish` or `consume`. */
  MESSAGING_OPERATION_NAME: 'messaging.operation.name',
  /** OpenTelemetry's word: `send` or `process`. */
  MESSAGING_OPERATION_TYPE: 'messaging.operation.type',
  /** To whom a message was published, as the recipients' policy shows it. */
  MESSAGING_RECIPIENT: 'messaging.recipient',
} as const);
