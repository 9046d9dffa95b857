// Spans of messages: by the ids in the message, and by the headers that travel with it.
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { MessageSpans, type RecipientPolicy, type Span, type TracedMessage, Tracing } from '../../src/index.js';

const tracing = new Tracing({ preset: 'civitas' });
const { messages } = tracing;
const message: TracedMessage = {
  type: 'task.assign',
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  parentSpanId: '00f067aa0ba902b7',
  sender: 'planner',
  recipient: 'worker-1',
  id: 'm-17',
};
const ids = ({ traceId, spanId, parentSpanId }: Span): (string | undefined)[] => [traceId, spanId, parentSpanId];

describe('startSendSpan', () => {
  it('[V-18 V-19] is the span that the message speaks of: trace, span and parent are its own', () => {
    const span = messages.startSendSpan(message);
    expect(ids(span)).toEqual([message.traceId, message.spanId, message.parentSpanId]);
    expect([span.name, span.kind]).toEqual(['send task.assign', 'producer']);
    span.end();
    const { traceId, spanId, ...root } = message;
    expect(ids(messages.startSendSpan({ ...root, traceId, spanId, parentSpanId: null } as TracedMessage))).toEqual([
      traceId,
      spanId,
      undefined,
    ]);
  });

  it('[V-18] makes what the message has not: a child of the current span', () => {
    tracing.trace('handler', (current) => {
      const span = messages.startSendSpan({ type: 'ping' });
      expect(ids(span)).toEqual([current.traceId, expect.stringMatching(/^[0-9a-f]{16}$/), current.spanId]);
      span.end();
    });
    const withTrace = messages.startSendSpan({ type: 'ping', traceId: message.traceId });
    expect(ids(withTrace)).toEqual([message.traceId, expect.stringMatching(/^[0-9a-f]{16}$/), undefined]);
    withTrace.end();
  });
});

describe('startReceiveSpan', () => {
  it('[V-18 V-20] is a new span in the trace of the message, child of the one that it was sent in', () => {
    const span = messages.startReceiveSpan(message);
    expect(ids(span)).toEqual([message.traceId, expect.stringMatching(/^[0-9a-f]{16}$/), message.spanId]);
    expect(span.spanId).not.toBe(message.spanId);
    expect([span.name, span.kind]).toEqual(['recv task.assign', 'consumer']);
    span.end();
  });

  it('[V-20] joins sender and receiver of one message to one trace', () => {
    const own = new Tracing({ preset: 'civitas' });
    const send = own.messages.startSendSpan({ type: 'ping' });
    const sent = { type: 'ping', traceId: send.traceId, spanId: send.spanId };
    own.messages.startReceiveSpan(sent).end();
    send.end();
    expect(own.getRecent().map(({ spans }) => spans.map(({ name, parentId }) => [name, parentId]))).toEqual([
      [
        ['send ping', undefined],
        ['recv ping', send.spanId],
      ],
    ]);
  });
});

describe('the attributes of a message', () => {
  it('[V-21] are sender, recipient, type and id, as far as it has them', () => {
    const expected = {
      'civitas.sender': 'planner',
      'civitas.recipient': 'worker-1',
      'civitas.message_type': 'task.assign',
      'civitas.message_id': 'm-17',
    };
    expect(messages.startSendSpan(message).attributes).toEqual(expected);
    expect(messages.startReceiveSpan(message).attributes).toEqual(expected);
    expect(messages.startSendSpan({ type: 'ping', id: 3 }).attributes).toEqual({
      'civitas.message_type': 'ping',
      'civitas.message_id': '3',
    });
  });

  it('[V-21] have a prefix of choice', () => {
    const own = new MessageSpans(tracing.tracer, { attributePrefix: 'bus.' });
    expect(Object.keys(own.startSendSpan({ type: 'ping', sender: 'a' }).attributes)).toEqual(['bus.sender', 'bus.message_type']);
  });

  it('are read from snake case as well, and from nothing else', () => {
    const python = { type: 't', trace_id: message.traceId, span_id: message.spanId, parent_span_id: message.parentSpanId };
    expect(ids(messages.startSendSpan(python as TracedMessage))).toEqual([message.traceId, message.spanId, message.parentSpanId]);
    const odd = [undefined, null, 7, 'text', [], { type: 7n, sender: {}, traceId: Symbol('no') }, { type: '' }];
    const types = odd.map((one) => messages.startReceiveSpan(one as never).name);
    expect(types).toEqual(['recv unknown', 'recv unknown', 'recv unknown', 'recv unknown', 'recv unknown', 'recv 7', 'recv unknown']);
  });

  it('do no harm when they are not what they seem', () => {
    const throwing = new Proxy({}, { get: () => fail() });
    const fail = (): never => {
      throw new Error('mine');
    };
    const span = messages.startSendSpan(throwing as TracedMessage);
    expect([span.name, span.attributes]).toEqual(['send unknown', { 'civitas.message_type': 'unknown' }]);
    const long = messages.startSendSpan({ type: 'x'.repeat(1e6), traceId: 'y'.repeat(1e6), sender: 's'.repeat(1e6) });
    expect(long.name.length).toBeLessThan(2_000);
    expect((long.attributes['civitas.sender'] as string).length).toBeLessThan(2_000);
    const foreign = messages.startReceiveSpan({ type: 't', traceId: 'job 7', spanId: 'step 1' });
    expect(foreign.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(foreign.attributes).toMatchObject({ external_trace_id: 'job 7' });
  });
});

describe('traceConsume', () => {
  const carrier = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' };

  it('[L-309] opens a consumer span whose parent is in the carrier, around the function', async () => {
    const seen = await messages.traceConsume(
      'orders',
      { messageType: 'created', carrier, attributes: { 'app.n': 1, left: undefined } },
      async (span) => {
        await turn();
        expect(tracing.tracer.getCurrentSpan()).toBe(span);
        return span;
      },
    );
    expect([seen.name, seen.kind, seen.hasEnded, seen.traceId, seen.parentSpanId]).toEqual([
      'consume orders',
      'consumer',
      true,
      '0af7651916cd43dd8448eb211c80319c',
      'b7ad6b7169203331',
    ]);
    expect(seen.attributes).toEqual({
      'app.n': 1,
      'messaging.destination.name': 'orders',
      'messaging.message_type': 'created',
      'messaging.operation.name': 'consume',
      'messaging.operation.type': 'process',
    });
  });

  it('[L-309] calls a message without type unknown, is a child of the current span without a carrier, and ends with its block', () => {
    tracing.trace('around', (around) => {
      using span = messages.traceConsume('orders');
      expect([span.getAttribute('messaging.message_type'), span.parentSpanId]).toEqual(['unknown', around.spanId]);
      expect(tracing.tracer.getCurrentSpan()).toBe(span);
    });
    expect(messages.traceConsume('orders', { carrier: {} }, (span) => span.parentSpanId)).toBeUndefined();
  });

  it('[L-309] records what the function throws, and throws it on', async () => {
    const error = new RangeError('no');
    let failed: Span | undefined;
    const consumed = messages.traceConsume('orders', {}, async (span) => {
      failed = span;
      throw error;
    });
    await expect(consumed).rejects.toBe(error);
    expect([failed?.status, failed?.statusMessage, failed?.events[0]?.attributes['exception.type']]).toEqual(['error', 'no', 'RangeError']);
  });
});

describe('tracePublish', () => {
  it('[L-310] opens a producer span around the function, and writes its context into the carrier', async () => {
    const carrier: Record<string, string> = {};
    const sent = await messages.tracePublish('mail', { carrier, attributes: { a: 1 } }, async (span) => {
      await turn();
      return { span, header: carrier.traceparent };
    });
    expect([sent.span.name, sent.span.kind, sent.span.hasEnded]).toEqual(['publish mail', 'producer', true]);
    expect(sent.header).toBe(`00-${sent.span.traceId}-${sent.span.spanId}-03`);
    expect(sent.span.attributes).toEqual({
      a: 1,
      'messaging.destination.name': 'mail',
      'messaging.message_type': 'email',
      'messaging.operation.name': 'publish',
      'messaging.operation.type': 'send',
    });
    const received = messages.traceConsume('mail', { carrier }, (span) => span);
    expect([received.traceId, received.parentSpanId]).toEqual([sent.span.traceId, sent.span.spanId]);
    const other: Record<string, string> = {};
    using open = messages.tracePublish('mail', { carrier: other, messageType: 'sms' });
    expect([other.traceparent?.includes(open.spanId), open.getAttribute('messaging.message_type')]).toEqual([true, 'sms']);
  });

  it.each<[RecipientPolicy | undefined, string, string | undefined]>([
    [undefined, 'ada@example.org', 'a***@example.org'],
    ['masked', '😀@example.org', '😀***@example.org'],
    ['masked', '+49 30 1234', '+***'],
    ['masked', '@nobody', '@***'],
    ['masked', '', undefined],
    ['plain', 'ada@example.org', 'ada@example.org'],
    ['omitted', 'ada@example.org', undefined],
    [(recipient) => recipient.split('@')[1], 'ada@example.org', 'example.org'],
    [() => undefined, 'ada@example.org', undefined],
    [
      () => {
        throw new Error('mine');
      },
      'ada@example.org',
      undefined,
    ],
  ])('[L-310] shows a recipient as the policy %s says: %s as %s', (recipients, recipient, shown) => {
    const own = new MessageSpans(tracing.tracer, recipients === undefined ? {} : { recipients });
    const span = own.tracePublish('mail', { recipient }, (one) => one);
    expect(span.getAttribute('messaging.recipient')).toBe(shown);
  });

  it('refuses a policy that is none', () => {
    expect(() => new MessageSpans(tracing.tracer, { recipients: 'hidden' as never })).toThrow(
      expect.objectContaining({ code: 'KYMO_CONFIG_VALUE' }),
    );
  });
});
