// What a span keeps, says of itself, and leaves in its record.
import { describe, expect, it } from 'vitest';
import { activeContext, FLAG_SAMPLED, flagsOf, liveSpanOf, runInContext } from '../../src/context/context.js';
import { TracerProvider } from '../../src/traces/provider.js';
import type { Span } from '../../src/traces/span.js';
import { AgentSpanKind, SpanKind } from '../../src/traces/span-kind.js';
import { AgentSpanStatus, SpanStatus } from '../../src/traces/status.js';
import { recordedSpans } from './recorded.js';

const provider = new TracerProvider({ serviceName: 'span-test' });
const tracer = provider.getTracer('test', '1.2.3');

/** The record of a span of this file. */
function record(span: Span) {
  const found = recordedSpans(provider).find(({ spanId }) => spanId === span.spanContext().spanId);
  if (found === undefined) throw new Error(`no record of ${span.name}`);
  return found;
}

describe('identity', () => {
  it('is a trace id, a span id of its own, the parent’s id, and a name [C-25 C-26 C-27 C-28 A-007 A-009 V-16 L-162]', () => {
    const root = tracer.startSpan('root');
    const child = tracer.startSpan('child', { context: root });
    expect(root.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(root.spanId).toMatch(/^[0-9a-f]{16}$/);
    expect([root.parentId, root.parentSpanId]).toEqual([undefined, undefined]);
    expect(child.traceId).toBe(root.traceId);
    expect(child.spanId).not.toBe(root.spanId);
    expect([child.parentId, child.parentSpanId]).toEqual([root.spanId, root.spanId]);
    expect([root.name, child.name]).toEqual(['root', 'child']);
    child.end();
    root.end();
    expect(record(child)).toMatchObject({ name: 'child', parentSpanId: root.spanId, spanId: child.spanId });
  });

  it('has a literal name when none is given, which a provider can choose [C-29 A-009]', () => {
    expect(tracer.startSpan().name).toBe('operation');
    expect(new TracerProvider({ defaultSpanName: '' }).getTracer().startSpan().name).toBe('');
  });

  it('is never that of another span, in each text form [A-006 A-008 C-27]', () => {
    const forms = new TracerProvider({ traceIdFormat: 'prefixed', spanIdFormat: 'prefixed' }).getTracer('agentos');
    const spans = Array.from({ length: 1_000 }, () => forms.startSpan('x'));
    expect(spans[0]?.traceId).toMatch(/^trace-[0-9a-f]{16}$/);
    expect(spans[0]?.spanId).toMatch(/^span-[0-9a-f]{12}$/);
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(1_000);
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1_000);
    expect(spans[0]?.spanContext().spanId).toMatch(/^0000[0-9a-f]{12}$/);
    expect(new TracerProvider({ traceIdFormat: 'uuid', spanIdFormat: 'uuid' }).getTracer().startSpan('x').traceId).toMatch(/^[0-9a-f]{8}-/);
    expect(new TracerProvider({ traceIdFormat: 'ulid' }).getTracer().startSpan('x').traceId).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
  });

  it('is handed on as traceparent', () => {
    const span = tracer.startSpan('out');
    expect(span.spanContext().toTraceparent()).toBe(`00-${span.traceId}-${span.spanId}-03`);
  });
});

describe('kinds', () => {
  it('are OpenTelemetry’s five, internal by default [L-157]', () => {
    expect(Object.values(SpanKind)).toEqual(['internal', 'server', 'client', 'producer', 'consumer']);
    expect(tracer.startSpan('x').kind).toBe('internal');
    for (const [number, kind] of Object.values(SpanKind).entries()) {
      expect(tracer.startSpan('x', { kind }).kind).toBe(kind);
      expect(tracer.startSpan('x', { kind: number as 0 }).kind).toBe(kind);
    }
  });

  it('of agents stand beside them, told apart by their words [A-010]', () => {
    const span = tracer.startSpan('ask', { kind: 'client', agentKind: 'llm' });
    expect([span.kind, span.agentKind]).toEqual(['client', 'llm']);
    for (const kind of Object.values(AgentSpanKind)) {
      const one = tracer.startSpan('x', { kind });
      expect([one.kind, one.agentKind]).toEqual(['internal', kind]);
    }
    expect(new TracerProvider({ defaultAgentKind: 'agent' }).getTracer().startSpan('x').agentKind).toBe('agent');
    span.end();
    expect(record(span)).toMatchObject({ kind: 'client', agentKind: 'llm' });
  });

  it('that are none are internal', () => {
    const span = tracer.startSpan('x', { kind: 'toString' as 'client' });
    expect([span.kind, span.agentKind]).toEqual(['internal', undefined]);
  });
});

describe('status', () => {
  it('is unset, ok or error, and a timeout is an error [A-004 A-013 L-158 L-165]', () => {
    expect(Object.values(SpanStatus)).toEqual(['unset', 'ok', 'error', 'timeout']);
    expect(Object.values(AgentSpanStatus)).toEqual(['ok', 'error', 'timeout']);
    const span = tracer.startSpan('late');
    expect([span.status, span.toDict().status]).toEqual(['unset', 'ok']);
    span.setStatus('timeout', 'too slow');
    expect([span.status, span.statusMessage, span.toDict().status]).toEqual(['timeout', 'too slow', 'timeout']);
    span.end();
    expect(record(span)).toMatchObject({ status: 'timeout', statusMessage: 'too slow' });
  });

  it('ok is final, an error replaces an error, unset changes nothing', () => {
    const span = tracer.startSpan('x').setStatus('error', 'one').setStatus('unset').setStatus('error', 'two');
    expect([span.status, span.statusMessage]).toEqual(['error', 'two']);
    span.setStatus('ok', 'said with ok').setStatus('error', 'three').setStatus('unset');
    expect([span.status, span.statusMessage]).toEqual(['ok', '']);
  });

  it('takes OpenTelemetry’s object, and nothing that is none', () => {
    const span = tracer.startSpan('x').setStatus({ code: 2, message: 'bad' });
    expect([span.status, span.statusMessage]).toEqual(['error', 'bad']);
    for (const odd of [null, undefined, 7, 'great', {}, { code: 9 }, Symbol('s')]) tracer.startSpan('x').setStatus(odd as 'ok');
    expect(tracer.startSpan('x').setStatus('hasOwnProperty' as 'ok').status).toBe('unset');
  });

  it('of an error text is kept as attribute as well [A-018]', () => {
    const span = tracer.startSpan('x');
    span.setError('broken');
    expect([span.status, span.statusMessage, span.getAttribute('error')]).toEqual(['error', 'broken', 'broken']);
    const other = tracer.startSpan('y');
    other.setError(new DOMException('slow', 'TimeoutError'));
    expect([other.status, other.getAttribute('error.type')]).toEqual(['timeout', 'TimeoutError']);
  });
});

describe('attributes, events and links', () => {
  it('are set one by one or together, and read as a fresh map [A-014 A-020 L-163 V-16]', () => {
    const span = tracer.startSpan('x').setAttribute('a', 1).setAttributes({ b: 'two', c: true }).setAttribute('a', 3);
    expect(span.attributes).toEqual({ a: 3, b: 'two', c: true });
    expect(span.attributes).not.toBe(span.attributes);
    expect([span.events, span.children, span.links]).toEqual([[], [], []]);
    span.end();
    expect(record(span).attributes).toEqual({ a: 3, b: 'two', c: true });
  });

  it('undefined and null say nothing', () => {
    expect(tracer.startSpan('x', { attributes: { a: undefined } }).setAttribute('b', null).attributes).toEqual({});
  });

  it('an event has a name, a time in epoch seconds and attributes, and is returned [A-005 A-014 A-017 L-164 L-018]', () => {
    const before = Date.now() / 1_000;
    const span = tracer.startSpan('x');
    const bare = span.addEvent('one');
    const full = span.addEvent('two', { n: 1 });
    expect(bare.attributes).toEqual({});
    expect(full.attributes).toEqual({ n: 1 });
    expect(span.events).toEqual([bare, full]);
    expect(bare.timestamp).toBeGreaterThan(before - 0.1);
    expect(bare.timestamp).toBeLessThan(Date.now() / 1_000 + 0.1);
    span.end();
    expect(record(span).events.map(({ name, attributes }) => [name, attributes])).toEqual([
      ['one', {}],
      ['two', { n: 1 }],
    ]);
  });

  it('an event can have its own time, also in place of attributes', () => {
    const span = tracer.startSpan('x');
    expect(span.addEvent('a', {}, new Date(1_500)).timestamp).toBe(1.5);
    expect(span.addEvent('b', 2_500).timestamp).toBe(2.5);
    expect(span.addEvent('c', [3, 500_000_000]).timestamp).toBe(3.5);
    expect(span.addEvent('d', 4_500_000_000n).timestamp).toBe(4.5);
  });

  it('links point to spans, contexts and ids, with attributes', () => {
    const target = tracer.startSpan('target');
    const ids = {
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
      traceFlags: 1,
      traceState: 'a=b',
      isRemote: true,
    };
    const span = tracer
      .startSpan('x', { links: [{ context: ids, attributes: { why: 'batch' } }] })
      .addLink(target)
      .addLinks([target.context, target.spanContext()]);
    expect(span.links.map(({ traceId, spanId }) => [traceId, spanId])).toEqual([
      [ids.traceId, ids.spanId],
      ...Array.from({ length: 3 }, () => [target.traceId, target.spanId]),
    ]);
    expect(span.links[0]).toMatchObject({ isRemote: true, traceStateText: 'a=b', attributes: { why: 'batch' } });
    expect(span.links[1]).toMatchObject({ isRemote: false, flags: 3 });
    span.end();
    expect(record(span).links).toHaveLength(4);
  });

  it('a link without valid ids is kept for what it says, else left out', () => {
    const nowhere = { traceId: '0'.repeat(32), spanId: '0'.repeat(16) };
    const span = tracer.startSpan('x', { links: [{ context: nowhere }, { context: nowhere, attributes: { a: 1 } }] });
    span.addLink({ ...nowhere, traceState: 'k=v' });
    for (const odd of [null, 1, {}, { context: 5 }]) span.addLink(odd as never);
    expect(span.links.map(({ traceId, attributes, traceStateText }) => [traceId, attributes, traceStateText])).toEqual([
      [nowhere.traceId, { a: 1 }, ''],
      [nowhere.traceId, {}, 'k=v'],
    ]);
  });
});

describe('time', () => {
  it('starts now, in epoch seconds, and has no end while it is open [A-011 A-012 V-16]', () => {
    const before = Date.now() / 1_000;
    const span = tracer.startSpan('x');
    expect(Math.abs(span.startTime - before)).toBeLessThan(1);
    expect([span.endTime, span.getDuration()]).toEqual([undefined, undefined]);
    span.end();
    expect(span.endTime).toBeGreaterThanOrEqual(span.startTime);
  });

  it('the duration grows until the end, in ms and in seconds [A-016 L-168]', async () => {
    const span = tracer.startSpan('x');
    const early = span.durationMs;
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(span.durationMs).toBeGreaterThan(early);
    span.end();
    const { durationMs } = span;
    expect(durationMs).toBeGreaterThanOrEqual(4);
    expect(span.getDuration()).toBe(durationMs / 1_000);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(span.durationMs).toBe(durationMs);
    expect(record(span).durationMs).toBeCloseTo(durationMs, 3);
  });

  it.each([
    ['Date', new Date(5_000), new Date(7_500)],
    ['milliseconds', 5_000, 7_500],
    ['HrTime', [5, 0] as const, [7, 500_000_000] as const],
    ['nanoseconds', 5_000_000_000n, 7_500_000_000n],
  ])('start and end can be given as %s', (_, start, end) => {
    const span = tracer.startSpan('x', { startTime: start });
    span.end(end);
    expect([span.startTime, span.endTime, span.durationMs, span.getDuration()]).toEqual([5, 7.5, 2_500, 2.5]);
  });

  it('an end of 0 seconds counts, and an end before the start is the start: no duration is negative', () => {
    const zero = tracer.startSpan('x', { startTime: 0 });
    zero.end(0);
    expect([zero.endTime, zero.durationMs]).toEqual([0, 0]);
    const wrong = tracer.startSpan('y', { startTime: 9_000 });
    wrong.end(8_000);
    expect([wrong.endTime, wrong.durationMs]).toEqual([9, 0]);
    const mixed = tracer.startSpan('z');
    mixed.end(1_000);
    expect(mixed.durationMs).toBe(0);
    const past = tracer.startSpan('w', { startTime: Date.now() - 2_000 });
    past.end();
    expect(past.durationMs).toBeGreaterThan(1_900);
    expect(past.durationMs).toBeLessThan(3_000);
  });

  it('what is no time means now', () => {
    for (const odd of [Number.NaN, -1, new Date(Number.NaN), [1, 2e10, 3], [-1, 0], 'yesterday', {}]) {
      const span = tracer.startSpan('x', { startTime: odd as never });
      expect(Math.abs(span.startTime - Date.now() / 1_000)).toBeLessThan(1);
      span.end(odd as never);
      expect(span.durationMs).toBeLessThan(1_000);
    }
  });

  it('children begin after their parents by one clock', () => {
    const parent = tracer.startSpan('p');
    const child = tracer.startSpan('c', { context: parent });
    child.end();
    parent.end();
    expect(record(child).startTime).toBeGreaterThanOrEqual(record(parent).startTime);
    expect(record(child).endTime).toBeLessThanOrEqual(record(parent).endTime);
  });
});

describe('after its end', () => {
  it('nothing changes and it is written once, by end or finish [A-019 L-167 L-169 V-16]', () => {
    const span = tracer.startSpan('once', { attributes: { a: 1 } });
    expect(span.isRecording()).toBe(true);
    span.finish();
    const { endTime } = span;
    span.setAttribute('a', 2).setAttributes({ b: 1 }).setStatus('error', 'late').updateName('other').addLink(span).recordException('late');
    span.setError('late');
    span.addEvent('late');
    span.end(new Date(9e12));
    span.finish();
    span[Symbol.dispose]();
    expect(span.isRecording()).toBe(false);
    expect([span.name, span.attributes, span.status, span.events, span.links]).toEqual(['once', { a: 1 }, 'unset', [], []]);
    expect(span.endTime).toBe(endTime);
    expect(recordedSpans(provider).filter(({ name }) => name === 'once')).toHaveLength(1);
  });

  it('it can still be a parent', () => {
    const parent = tracer.startSpan('p');
    const { context } = parent;
    parent.end();
    expect(liveSpanOf(context)).toBeUndefined();
    for (const child of [tracer.startSpan('c', { context: parent }), runInContext(context, () => tracer.startSpan('c'))]) {
      expect([child.traceId, child.parentSpanId]).toEqual([parent.traceId, parent.spanId]);
    }
  });

  it('its context keeps nothing of it', () => {
    const span = tracer.startSpan('p', { attributes: { big: 'x'.repeat(1_000) } });
    const { context } = span;
    span.end();
    expect(typeof context.state).toBe('number');
    expect(flagsOf(context) & FLAG_SAMPLED).toBe(1);
  });
});

describe('as maps', () => {
  it('toDict has exactly twelve keys, with what a model took, and shares nothing [A-015 A-021]', () => {
    const span = tracer.startSpan('ask', 'llm');
    expect([span.modelName, span.inputTokens, span.outputTokens, span.costUsd]).toEqual(['', 0, 0, 0]);
    span.modelName = 'm-1';
    span.inputTokens = 10;
    span.outputTokens = 20;
    span.costUsd = 0.5;
    span.setAttribute('deep', { list: [1] });
    const dict = span.toDict();
    expect(Object.keys(dict)).toEqual([
      'span_id',
      'parent_id',
      'trace_id',
      'name',
      'kind',
      'duration_ms',
      'status',
      'attributes',
      'model_name',
      'input_tokens',
      'output_tokens',
      'cost_usd',
    ]);
    expect(dict).toMatchObject({ kind: 'llm', model_name: 'm-1', input_tokens: 10, output_tokens: 20, cost_usd: 0.5, parent_id: null });
    (dict.attributes.deep as { list: number[] }).list.push(2);
    expect(span.getAttribute('deep')).toEqual({ list: [1] });
    expect(span.getAttribute('llm.model')).toBe('m-1');
  });

  it('a provider chooses the words for models, and both are read', () => {
    const span = new TracerProvider({ semanticConvention: 'gen_ai' }).getTracer().startSpan('ask');
    span.modelName = 'm';
    expect([span.getAttribute('gen_ai.request.model'), span.modelName]).toEqual(['m', 'm']);
  });

  it('toJSON has times, events and links, and bigints as digits', () => {
    const span = tracer.startSpan('x', { attributes: { n: 2n ** 60n } });
    span.addEvent('e', { n: [1n] });
    span.addLink(span);
    span.end();
    const json = JSON.parse(JSON.stringify(span));
    expect(json).toMatchObject({ name: 'x', traceId: span.traceId, status: 'unset', attributes: { n: '1152921504606846976' } });
    expect(json.events[0]).toMatchObject({ name: 'e', attributes: { n: ['1'] } });
    expect(json.endTime).toBeGreaterThanOrEqual(json.startTime);
  });
});

describe('becoming current', () => {
  it('startSpan leaves the context alone; activate and its end do not', () => {
    const before = activeContext();
    const span = tracer.startSpan('x');
    expect(activeContext()).toBe(before);
    span.activate();
    expect(tracer.getCurrentSpan()).toBe(span);
    expect(span.activate()).toBe(span);
    span.end();
    expect(activeContext()).toBe(before);
  });

  it('`using` ends the span and puts back what was current [A-034]', () => {
    let kept: Span;
    {
      using span = tracer.startSpan('x').activate();
      kept = span;
      expect(tracer.getCurrentSpan()).toBe(span);
    }
    expect(kept.hasEnded).toBe(true);
    expect(tracer.getCurrentSpan()).toBeUndefined();
  });

  it('a provider can have startSpan do so by itself', () => {
    const agent = new TracerProvider({ activates: true }).getTracer();
    const outer = agent.startSpan('outer');
    const inner = agent.startSpan('inner');
    expect(inner.parentId).toBe(outer.spanId);
    expect(outer.children).toEqual([inner]);
    inner.end();
    expect(agent.getCurrentSpan()).toBe(outer);
    outer.end();
    expect(agent.getCurrentSpan()).toBeUndefined();
  });
});
