// Spans of messages that are sent and received: from the ids in the message itself, or from the headers that travel with it. App
// threads.
import { extract, inject } from '../context/propagation.js';
import { type MessageFields, messageAttributes, readMessage, type TracedMessage } from './message-fields.js';
import { checkRecipientPolicy, type RecipientPolicy, shownRecipient } from './recipients.js';
import { SemanticAttributes } from './semantic-attributes.js';
import type { Span } from './span.js';
import type { SpanOptions } from './span-options.js';
import type { Tracer } from './tracer.js';

/** Options of {@link MessageSpans}. */
export interface MessageSpansOptions {
  /** In front of the attributes `sender`, `recipient`, `message_type` and `message_id`; default `civitas.`. */
  readonly attributePrefix?: string;
  /** How the recipient of a published message, who may be a person, is shown; default `masked`. */
  readonly recipients?: RecipientPolicy;
}

/** Options of {@link MessageSpans.traceConsume}. */
export interface ConsumeOptions {
  /** Default `unknown`. */
  readonly messageType?: string;
  /** Headers of the message: where its trace goes on. */
  readonly carrier?: Readonly<Record<string, unknown>>;
  readonly attributes?: Readonly<Record<string, unknown>>;
}

/** Options of {@link MessageSpans.tracePublish}. */
export interface PublishOptions {
  /** Default `email`. */
  readonly messageType?: string;
  readonly recipient?: string;
  /** Headers of the message: the trace context of the span is written into them. */
  readonly carrier?: Record<string, unknown>;
  readonly attributes?: Readonly<Record<string, unknown>>;
}

/** Starts the spans of messages with one tracer. */
export class MessageSpans {
  readonly #tracer: Tracer;
  readonly #prefix: string;
  readonly #recipients: RecipientPolicy;

  /** @throws KymoError `KYMO_CONFIG_VALUE` for a policy that is none. */
  constructor(tracer: Tracer, options: MessageSpansOptions = {}) {
    this.#tracer = tracer;
    this.#prefix = options.attributePrefix ?? 'civitas.';
    this.#recipients = checkRecipientPolicy(options.recipients ?? 'masked');
  }

  /**
   * A producer span `send <type>`, which is the span that the message speaks of: trace, span and parent ids are the message's own.
   * Ids that are missing are made; without a trace id the span is a child of the current one.
   */
  startSendSpan(message: TracedMessage): Span {
    const fields = readMessage(message);
    return this.#tracer.startSpan(`send ${fields.type}`, this.sendOptions(fields));
  }

  /** A consumer span `recv <type>` in the message's trace, child of the span in which the message was sent. */
  startReceiveSpan(message: TracedMessage): Span {
    const fields = readMessage(message);
    return this.#tracer.startSpan(`recv ${fields.type}`, this.receiveOptions(fields));
  }

  /** @internal For those who run a function in the span. */
  sendOptions(fields: MessageFields): SpanOptions {
    const options = { kind: 'producer', attributes: messageAttributes(fields, this.#prefix) } as const;
    const { traceId, spanId, parentSpanId } = fields;
    if (traceId === '') return options;
    return { ...options, traceId, ...(spanId === '' ? {} : { spanId }), ...(parentSpanId === '' ? {} : { parentSpanId }) };
  }

  /** @internal */
  receiveOptions(fields: MessageFields): SpanOptions {
    const options = { kind: 'consumer', attributes: messageAttributes(fields, this.#prefix) } as const;
    const { traceId, spanId } = fields;
    if (traceId === '') return options;
    return { ...options, traceId, ...(spanId === '' ? {} : { parentSpanId: spanId }) };
  }

  /**
   * A consumer span `consume <channel>`; its parent comes from `carrier`, or is the current span. With `fn` it is current while that
   * runs, and ends with it; an error of `fn` is recorded and thrown on. Without, it is current until it ends: `using span = ...`.
   */
  traceConsume(channel: string, options?: ConsumeOptions): Span;
  traceConsume<R>(channel: string, options: ConsumeOptions, fn: (span: Span) => R): R;
  traceConsume<R>(channel: string, options: ConsumeOptions = {}, fn?: (span: Span) => R): Span | R {
    const { messageType = 'unknown', carrier, attributes } = options;
    const context = carrier === undefined ? undefined : extract(carrier);
    const started: SpanOptions = {
      kind: 'consumer',
      attributes: { ...attributes, ...operation(channel, messageType, 'consume', 'process') },
      ...(context === undefined ? {} : { context }),
    };
    if (fn !== undefined) return this.#tracer.trace(`consume ${channel}`, started, fn);
    return this.#tracer.startSpan(`consume ${channel}`, started).activate();
  }

  /** A producer span `publish <channel>`, child of the current one, whose context is written into `carrier`; forms as of {@link traceConsume}. */
  tracePublish(channel: string, options?: PublishOptions): Span;
  tracePublish<R>(channel: string, options: PublishOptions, fn: (span: Span) => R): R;
  tracePublish<R>(channel: string, options: PublishOptions = {}, fn?: (span: Span) => R): Span | R {
    const { messageType = 'email', recipient, carrier, attributes } = options;
    const shown = shownRecipient(recipient, this.#recipients);
    const started: SpanOptions = {
      kind: 'producer',
      attributes: {
        ...attributes,
        ...operation(channel, messageType, 'publish', 'send'),
        ...(shown === undefined ? {} : { [SemanticAttributes.MESSAGING_RECIPIENT]: shown }),
      },
    };
    if (fn === undefined) {
      const span = this.#tracer.startSpan(`publish ${channel}`, started).activate();
      if (carrier !== undefined) inject(carrier, span.context);
      return span;
    }
    return this.#tracer.trace(`publish ${channel}`, started, (span) => {
      if (carrier !== undefined) inject(carrier, span.context);
      return fn(span);
    });
  }
}

function operation(channel: string, messageType: string, name: string, type: string): Record<string, string> {
  return {
    [SemanticAttributes.MESSAGING_DESTINATION_NAME]: channel,
    [SemanticAttributes.MESSAGING_MESSAGE_TYPE]: messageType,
    [SemanticAttributes.MESSAGING_OPERATION_NAME]: name,
    [SemanticAttributes.MESSAGING_OPERATION_TYPE]: type,
  };
}
