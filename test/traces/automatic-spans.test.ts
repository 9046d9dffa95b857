// A bus, a supervisor, an agent: instrumented once, used as before, with a span for everything.
import { EventEmitter } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type RetainedSpan, SemanticAttributes, type TraceEvent, Tracing } from '../../src/index.js';

let tracing = new Tracing({ preset: 'civitas' });
afterEach(() => {
  tracing = new Tracing({ preset: 'civitas' });
});
const retained = (): RetainedSpan[] => tracing.getRecent().flatMap(({ spans }) => spans);

interface Message {
  type: string;
  sender?: string;
  recipient?: string;
  traceId?: string;
  spanId?: string;
  parentSpanId?: string;
}
type Handler = (message: Message) => unknown;

/** A bus as programs write them. */
class Bus {
  readonly handlers = new Map<string, Set<Handler>>();

  async send(message: Message): Promise<number> {
    await turn();
    const all = [...(this.handlers.get(message.recipient ?? '') ?? [])];
    await Promise.all(all.map((handler) => handler(message)));
    return all.length;
  }

  subscribe(name: string, handler: Handler): this {
    this.handlers.set(name, (this.handlers.get(name) ?? new Set()).add(handler));
    return this;
  }

  unsubscribe(name: string, handler: Handler): boolean {
    return this.handlers.get(name)?.delete(handler) ?? false;
  }
}

describe('instrumentBus', () => {
  it('[V-01 H-65] gives each message a span where it is sent and one where it is handled, in one trace', async () => {
    const bus = new Bus();
    const events: TraceEvent[] = [];
    tracing.automatic.instrumentBus(bus, { onTraceEvent: (event) => events.push(event) });
    let inside: unknown;
    bus.subscribe('worker', async (message) => {
      await turn();
      inside = tracing.tracer.getCurrentSpan()?.name;
      if (message.type === 'task') await bus.send({ type: 'done', sender: 'worker', recipient: 'planner' });
    });
    expect(await bus.send({ type: 'task', sender: 'planner', recipient: 'worker' })).toBe(1);
    const [trace] = tracing.getRecent();
    const spans = trace?.spans ?? [];
    expect([tracing.getRecent().length, inside, spans.map(({ name, kind }) => [name, kind])]).toEqual([
      1,
      'recv task',
      [
        ['send task', 'producer'],
        ['recv task', 'consumer'],
        ['send done', 'producer'],
      ],
    ]);
    expect(spans.map(({ parentId }) => parentId)).toEqual([undefined, spans[0]?.spanId, spans[1]?.spanId]);
    expect(spans[0]?.attributes).toEqual({ 'civitas.sender': 'planner', 'civitas.recipient': 'worker', 'civitas.message_type': 'task' });
    expect(events.map(({ event, messageType, failed }) => [event, messageType, failed])).toEqual([
      ['send', 'done', false],
      ['receive', 'task', false],
      ['send', 'task', false],
    ]);
    expect(events.every(({ durationMs, traceId }) => durationMs >= 0 && traceId === trace?.traceId)).toBe(true);
  });

  it('[H-65] marks what fails, and lets the error through; listeners that throw change nothing', async () => {
    const bus = new Bus();
    const error = new Error('no');
    const told = vi.fn(() => {
      throw new Error('mine');
    });
    tracing.automatic.instrumentBus(bus, { onTraceEvent: told });
    bus.subscribe('worker', () => {
      throw error;
    });
    await expect(bus.send({ type: 'task', recipient: 'worker' })).rejects.toBe(error);
    expect(retained().map(({ name, status }) => [name, status])).toEqual([
      ['send task', 'error'],
      ['recv task', 'error'],
    ]);
    expect(told.mock.calls.map(([event]: unknown[]) => (event as TraceEvent).failed)).toEqual([true, true]);
  });

  it('writes the ids into messages that have none and can be changed, and takes those of others as they are', async () => {
    const bus = new Bus();
    tracing.automatic.instrumentBus(bus);
    bus.subscribe('worker', () => undefined);
    const fresh: Message = { type: 'a', recipient: 'worker' };
    const frozen: Message = Object.freeze({ type: 'b', recipient: 'worker' });
    const known: Message = { type: 'c', recipient: 'worker', traceId: 'c'.repeat(32), spanId: 'd'.repeat(16) };
    await tracing.trace('caller', async (caller) => {
      for (const message of [fresh, frozen, known]) await bus.send(message);
      expect([fresh.traceId, fresh.parentSpanId]).toEqual([caller.traceId, caller.spanId]);
    });
    expect(frozen.traceId).toBeUndefined();
    const byName = Object.fromEntries(retained().map((span) => [span.name, span]));
    expect([byName['send a']?.spanId, byName['recv a']?.parentId]).toEqual([fresh.spanId, fresh.spanId]);
    expect(byName['recv b']?.parentId).toBe(byName['send b']?.spanId);
    expect([byName['send c']?.traceId, byName['send c']?.spanId, byName['recv c']?.parentId]).toEqual([
      'c'.repeat(32),
      'd'.repeat(16),
      'd'.repeat(16),
    ]);
  });

  it('changes that one bus only, and back', async () => {
    const bus = new Bus();
    const undo = tracing.automatic.instrumentBus(bus);
    const handler = vi.fn();
    bus.subscribe('worker', handler);
    bus.subscribe('worker', handler);
    expect(bus.handlers.get('worker')?.size).toBe(1);
    expect(bus.unsubscribe('worker', handler)).toBe(true);
    expect([Object.keys(bus), bus.send.name]).toEqual([['handlers'], 'send']);
    undo();
    undo();
    expect([Object.hasOwn(bus, 'send'), bus.send]).toEqual([false, Bus.prototype.send]);
    await bus.send({ type: 'task', recipient: 'worker' });
    await new Bus().send({ type: 'task' });
    expect([retained(), handler.mock.calls]).toEqual([[], []]);
  });

  it('works with an emitter, by the names of its methods', () => {
    const bus = new EventEmitter();
    tracing.automatic.instrumentBus(bus, { send: ['emit'] });
    const handler = vi.fn((_message: Message) => tracing.tracer.getCurrentSpan()?.name);
    bus.on('m', handler);
    expect(bus.emit('m', { type: 'task' })).toBe(true);
    expect(bus.emit('m', 'no message')).toBe(true);
    expect(handler.mock.results.map(({ value }) => value)).toEqual(['recv task', undefined]);
    bus.off('m', handler);
    expect(bus.listenerCount('m')).toBe(0);
    bus.once('m', handler);
    bus.emit('m', { type: 'once' });
    bus.emit('m', { type: 'once' });
    bus.once('m', handler);
    bus.removeListener('m', handler);
    expect([bus.listenerCount('m'), retained().filter(({ name }) => name === 'recv once').length]).toEqual([0, 1]);
  });

  it('takes as messages what has a type, or what it is told to, and need not write into them', async () => {
    const sent: unknown[] = [];
    const bus = { send: (...args: unknown[]) => void sent.push(...args) };
    const undo = tracing.automatic.instrumentBus(bus);
    const payload = Buffer.from('text');
    bus.send('topic', payload, { a: 1 }, null);
    undo();
    expect([sent.splice(0), Object.keys(payload), retained()]).toEqual([
      ['topic', payload, { a: 1 }, null],
      Object.keys(Buffer.from('text')),
      [],
    ]);
    tracing.automatic.instrumentBus(bus, { message: (args) => args[1], stamp: false });
    const message = { name: 'plain' };
    bus.send({ type: 'envelope' }, message);
    bus.send({ type: 'envelope' });
    expect([Object.keys(message), retained().map(({ name }) => name)]).toEqual([['name'], ['send unknown']]);
  });

  it.each([{}, { send: 1 }, Object.freeze({ send: () => 1 }), null, 'bus'])('refuses %o: nothing of it can be exchanged', (bus) => {
    expect(() => tracing.automatic.instrumentBus(bus as object)).toThrow(expect.objectContaining({ code: 'KYMO_CONFIG_VALUE' }));
  });
});

describe('instrumentSupervisor', () => {
  class Supervisor {
    readonly name = 'root';
    readonly strategy = 'one_for_one';
    started = 0;

    restart(child: { name: string; restartCount: number }, _error?: unknown): number {
      this.started += 1;
      tracing.trace(`start ${child.name}`, () => undefined);
      return this.started;
    }
  }

  it('[V-02] gives each restart of a child a span that says who, why and how often', () => {
    const supervisor = new Supervisor();
    tracing.automatic.instrumentSupervisor(supervisor);
    expect(supervisor.restart({ name: 'worker', restartCount: 2 }, new Error('crashed'))).toBe(1);
    const [restart, start] = retained();
    expect([restart?.name, restart?.attributes]).toEqual([
      'supervisor.restart',
      {
        'civitas.supervisor': 'root',
        'civitas.child': 'worker',
        'civitas.restart_count': 2,
        'civitas.strategy': 'one_for_one',
        'civitas.error': 'crashed',
      },
    ]);
    expect([start?.name, start?.parentId]).toEqual(['start worker', restart?.spanId]);
  });

  it('[V-02] takes what the application says of a restart, and no harm when it cannot', () => {
    const supervisor = new Supervisor();
    const undo = tracing.automatic.instrumentSupervisor(supervisor, { describe: () => ({ child: 'c', error: 'text' }) });
    supervisor.restart({ name: 'worker', restartCount: 1 });
    undo();
    const describe = (): never => {
      throw new Error('mine');
    };
    tracing.automatic.instrumentSupervisor(supervisor, { describe, methods: ['restart', 'missing'] });
    supervisor.restart({ name: 'worker', restartCount: 1 });
    const restarts = retained().filter(({ name }) => name === 'supervisor.restart');
    expect(restarts.map(({ attributes }) => attributes)).toEqual([{ 'civitas.child': 'c', 'civitas.error': 'text' }, {}]);
    const span = tracing.automatic.startSupervisorSpan({ supervisor: 's', restartCount: 1 });
    expect([span.name, span.attributes]).toEqual(['supervisor.restart', { 'civitas.supervisor': 's', 'civitas.restart_count': 1 }]);
    span.end();
  });
});

describe('agents', () => {
  it('[V-03] have a span for each moment of their lives', async () => {
    class Agent {
      readonly name = 'planner';
      start(): string {
        return 'started';
      }
      async handle(message: Message): Promise<string> {
        await turn();
        return message.type;
      }
      retry(_message: Message, attempt: number): number {
        return attempt;
      }
      stop(): void {
        throw new Error('busy');
      }
    }
    const agent = new Agent();
    const undo = tracing.automatic.instrumentAgent(agent);
    expect([agent.start(), await agent.handle({ type: 'task' }), agent.retry({ type: 'task' }, 2)]).toEqual(['started', 'task', 2]);
    expect(() => agent.stop()).toThrow('busy');
    undo();
    expect(agent.start()).toBe('started');
    expect(retained().map(({ name, status, attributes }) => [name, status, attributes])).toEqual([
      ['civitas.agent.start', 'unset', { 'civitas.agent.name': 'planner' }],
      ['civitas.agent.handle', 'unset', { 'civitas.agent.name': 'planner', 'civitas.message_type': 'task' }],
      ['civitas.agent.retry', 'unset', { 'civitas.agent.name': 'planner', 'civitas.message_type': 'task', 'civitas.attempt': 2 }],
      ['civitas.agent.stop', 'error', { 'civitas.agent.name': 'planner', 'error.type': 'Error', error: true, 'error.message': 'busy' }],
    ]);
  });

  it('[V-03] can be told of by hand', () => {
    const span = tracing.automatic.startLifecycleSpan('start', { agent: 'a' });
    span.end();
    expect(tracing.automatic.traceLifecycle('handle', { messageType: 't' }, (one) => one.name)).toBe('civitas.agent.handle');
    expect([span.name, span.attributes]).toEqual(['civitas.agent.start', { 'civitas.agent.name': 'a' }]);
  });

  it('[V-01] have spans for calls of models and runs of tools', async () => {
    await tracing.automatic.withLlmSpan('m-1', async (span) => {
      Object.assign(span, { inputTokens: 3, costUsd: 0.1 });
      await turn();
    });
    expect(tracing.automatic.withToolSpan('search', () => 'found')).toBe('found');
    expect(retained().map(({ name, agentKind, attributes }) => [name, agentKind, attributes])).toEqual([
      ['llm.chat m-1', 'llm', { 'llm.model': 'm-1', 'llm.tokens_in': 3, 'llm.cost_usd': 0.1 }],
      ['tool.execute search', 'tool', { 'tool.name': 'search' }],
    ]);
  });
});

describe('SemanticAttributes', () => {
  it('[V-04] are a reference that does not change', () => {
    expect(Object.isFrozen(SemanticAttributes)).toBe(true);
    expect(SemanticAttributes).toMatchInlineSnapshot(`
      {
        "CIVITAS_AGENT_NAME": "civitas.agent.name",
        "CIVITAS_ATTEMPT": "civitas.attempt",
        "CIVITAS_CHILD": "civitas.child",
        "CIVITAS_ERROR": "civitas.error",
        "CIVITAS_MESSAGE_ID": "civitas.message_id",
        "CIVITAS_MESSAGE_TYPE": "civitas.message_type",
        "CIVITAS_RECIPIENT": "civitas.recipient",
        "CIVITAS_RESTART_COUNT": "civitas.restart_count",
        "CIVITAS_SENDER": "civitas.sender",
        "CIVITAS_STRATEGY": "civitas.strategy",
        "CIVITAS_SUPERVISOR": "civitas.supervisor",
        "LLM_COST_USD": "llm.cost_usd",
        "LLM_LATENCY_MS": "llm.latency_ms",
        "LLM_MODEL": "llm.model",
        "LLM_TOKENS_IN": "llm.tokens_in",
        "LLM_TOKENS_OUT": "llm.tokens_out",
        "MESSAGING_DESTINATION_NAME": "messaging.destination.name",
        "MESSAGING_MESSAGE_TYPE": "messaging.message_type",
        "MESSAGING_OPERATION_NAME": "messaging.operation.name",
        "MESSAGING_OPERATION_TYPE": "messaging.operation.type",
        "MESSAGING_RECIPIENT": "messaging.recipient",
        "TOOL_LATENCY_MS": "tool.latency_ms",
        "TOOL_NAME": "tool.name",
        "TOOL_RESULT_STATUS": "tool.result_status",
      }
    `);
  });
});
