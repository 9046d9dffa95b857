// What tracing reads of an application's message, and the attributes that it makes of it. App threads; the message is the
// application's own, so that reading it may run code of theirs.

/**
 * A message of a bus. All fields are optional: what is missing, or no text, is left out. `trace_id`, `span_id` and `parent_span_id`
 * are read as well, for messages that came as JSON from a system written in Python.
 */
export interface TracedMessage {
  readonly type?: string | undefined;
  /** Any text form of a trace id. */
  readonly traceId?: string | undefined;
  /** The span in which the message was sent. */
  readonly spanId?: string | undefined;
  readonly parentSpanId?: string | null | undefined;
  readonly sender?: string | undefined;
  readonly recipient?: string | undefined;
  readonly id?: string | number | undefined;
}

/** The fields of a message as text; empty for those that it has not. */
export interface MessageFields {
  readonly type: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly sender: string;
  readonly recipient: string;
  readonly id: string;
}

/** Longest text that is taken from a message, in UTF-16 code units: names, not payloads. */
const LONGEST = 1_024;

/** One field under either of its names. A getter that throws is a field that is not there. */
function textOf(message: object, ...names: readonly string[]): string {
  for (const name of names) {
    try {
      const value: unknown = (message as Record<string, unknown>)[name];
      if (typeof value === 'string' && value !== '') return value.slice(0, LONGEST);
      if (typeof value === 'number' || typeof value === 'bigint') return String(value);
    } catch {
      // Their field, their fault; the message is sent all the same.
    }
  }
  return '';
}

/** Reads a message. Never throws, whatever it is. */
export function readMessage(message: unknown): MessageFields {
  const source = typeof message === 'object' && message !== null ? message : {};
  return {
    type: textOf(source, 'type') || 'unknown',
    traceId: textOf(source, 'traceId', 'trace_id'),
    spanId: textOf(source, 'spanId', 'span_id'),
    parentSpanId: textOf(source, 'parentSpanId', 'parent_span_id'),
    sender: textOf(source, 'sender'),
    recipient: textOf(source, 'recipient'),
    id: textOf(source, 'id'),
  };
}

/** The four attributes of a message span; those of missing fields are left out. */
export function messageAttributes(fields: MessageFields, prefix: string): Record<string, string> {
  const attributes: Record<string, string> = {};
  if (fields.sender !== '') attributes[`${prefix}sender`] = fields.sender;
  if (fields.recipient !== '') attributes[`${prefix}recipient`] = fields.recipient;
  attributes[`${prefix}message_type`] = fields.type;
  if (fields.id !== '') attributes[`${prefix}message_id`] = fields.id;
  return attributes;
}

/**
 * Writes the ids of the span in which it is sent into a message that has none, so that its receiver's span becomes a child. A message
 * that cannot be changed stays as it is.
 */
export function stampMessage(
  message: object,
  span: { readonly traceId: string; readonly spanId: string; readonly parentId: string | undefined },
): void {
  try {
    const ids = { traceId: span.traceId, spanId: span.spanId, parentSpanId: span.parentId };
    if (Object.isExtensible(message)) Object.assign(message, ids);
  } catch {
    // A setter of theirs that throws, a proxy that refuses: it is sent without ids.
  }
}
