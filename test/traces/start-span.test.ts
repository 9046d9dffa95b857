// How spans come to be: parents, the forms of startSpan told apart, callbacks, samplers.
import { describe, expect, it } from 'vitest';
import { Baggage } from '../../src/context/baggage.js';
import { readerOf } from '../../src/context/carrier.js';
import {
  activeContext,
  ROOT_CONTEXT,
  runInContext,
  traceStateOf,
  withBaggage,
  withExtra,
  withTraceState,
} from '../../src/context/context.js';
import { propagatorOf } from '../../src/context/propagator.js';
import { SpanContext } from '../../src/context/span-context.js';
import { TracerProvider } from '../../src/traces/provider.js';
import { parentBasedSampler } from '../../src/traces/samplers/parent-based.js';
import { ALWAYS_OFF, ALWAYS_ON, RECORD, type Sampler } from '../../src/traces/samplers/sampler.js';
import type { Span } from '../../src/traces/span.js';
import { TraceScope } from '../../src/traces/trace-scope.js';
import { recordedSpans } from './recorded.js';

const provider = new TracerProvider();
const tracer = provider.getTracer('start');
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
const remote = SpanContext.fromTraceparent(`00-${TRACE}-${PARENT}-01`, 'vendor=1') as SpanContext;

describe('the forms of startSpan', () => {
  it('options, and a parent beside them', () => {
    const span = tracer.startSpan('x', { kind: 'server', attributes: { a: 1 }, startTime: 1_000 }, remote);
    expect([span.kind, span.attributes, span.startTime, span.traceId, span.parentSpanId]).toEqual(['server', { a: 1 }, 1, TRACE, PARENT]);
    expect(tracer.startSpan('x', null).kind).toBe('internal');
    expect(tracer.startSpan('x', undefined, remote).traceId).toBe(TRACE);
  });

  it('a kind, and attributes that are copied [A-034 A-035]', () => {
    const attributes = { a: [1] };
    const span = tracer.startSpan('think', 'agent', attributes);
    attributes.a.push(2);
    expect([span.agentKind, span.attributes]).toEqual(['agent', { a: [1] }]);
    expect(tracer.startSpan('x', 'consumer').kind).toBe('consumer');
  });

  it('a trace id, the parent’s span id, and attributes; an empty trace id makes a new one [V-17]', () => {
    const known = tracer.startSpan('x', TRACE, PARENT, { a: 1 });
    expect([known.traceId, known.parentSpanId, known.attributes]).toEqual([TRACE, PARENT, { a: 1 }]);
    expect(known.spanId).not.toBe(PARENT);
    const fresh = tracer.startSpan('x', '');
    expect(fresh.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect([fresh.parentSpanId, fresh.attributes]).toEqual([undefined, {}]);
    const inside = runInContext(known.context, () => tracer.startSpan('x', { traceId: '' }));
    expect([inside.traceId === TRACE, inside.parentSpanId]).toEqual([false, undefined]);
    expect(tracer.startSpan('x', { traceId: TRACE, parentSpanId: null }).parentSpanId).toBeUndefined();
  });

  it('a parent, attributes and a kind; the explicit parent wins over the current span [L-171]', () => {
    const current = tracer.startSpan('current');
    runInContext(current.context, () => {
      const explicit = tracer.startSpan('x', remote, { a: 1 }, 'client');
      expect([explicit.traceId, explicit.parentSpanId, explicit.attributes, explicit.kind]).toEqual([TRACE, PARENT, { a: 1 }, 'client']);
      expect(tracer.startSpan('x', { context: remote }).traceId).toBe(TRACE);
      expect(tracer.startSpan('x', { traceId: TRACE, spanId: PARENT, traceFlags: 1 }).parentSpanId).toBe(PARENT);
      const implicit = tracer.startSpan('x');
      expect([implicit.parentSpanId, implicit.kind]).toEqual([current.spanId, 'internal']);
      expect(tracer.startSpan('x', { root: true }).parentSpanId).toBeUndefined();
    });
  });

  it('an id of its own, which somebody else chose', () => {
    const span = tracer.startSpan('send', { traceId: TRACE, spanId: PARENT, parentSpanId: '00000000000000ff' });
    expect([span.traceId, span.spanId, span.parentSpanId]).toEqual([TRACE, PARENT, '00000000000000ff']);
    const child = tracer.startSpan('child', { context: span });
    expect(child.parentSpanId).toBe(PARENT);
    span.end();
    expect(tracer.startSpan('late', { context: span }).parentSpanId).toBe(PARENT);
    child.end();
    const records = recordedSpans(provider);
    expect(records.find(({ name }) => name === 'send')?.spanId).toBe(PARENT);
    expect(records.find(({ name }) => name === 'child')?.parentSpanId).toBe(PARENT);
  });

  it('a trace id in a form that nobody knows is kept, and a new trace begins', () => {
    const span = tracer.startSpan('x', { traceId: 'job 42', parentSpanId: PARENT });
    expect(span.attributes).toEqual({ external_trace_id: 'job 42' });
    expect(span.parentSpanId).toBeUndefined();
    expect(tracer.startSpan('x', { traceId: '0'.repeat(32) }).traceId).not.toMatch(/^0+$/);
  });

  it('a request id in a form that nobody knows stands at the first span of this process, and not at those inside it', () => {
    const reader = readerOf({ 'x-hearthnet-request-id': 'job-42' });
    const parent = propagatorOf(['hearthnet']).extract(ROOT_CONTEXT, reader);
    const span = tracer.startSpan('serve', {}, parent);
    expect(span.attributes).toEqual({ external_trace_id: 'job-42' });
    expect(tracer.startSpan('inside', {}, span).attributes).toEqual({});
    span.end();
  });

  it('a name that is none is made one', () => {
    expect(tracer.startSpan(7 as never).name).toBe('7');
    expect(tracer.startSpan(null as never).name).toBe('null');
    expect(tracer.startSpan(Object.create(null) as never).name).toBe('');
    expect(tracer.startSpan('n'.repeat(20_000)).name).toHaveLength(8_192);
  });
});

describe('parents', () => {
  it('a remote one is marked as such, its children are not', () => {
    const server = tracer.startSpan('server', { kind: 'server' }, remote);
    const child = tracer.startSpan('child', { context: server });
    expect([server.spanContext().isRemote, child.spanContext().isRemote]).toEqual([false, false]);
    expect([server.bits & (1 << 14), child.bits & (1 << 14)]).toEqual([1 << 14, 0]);
  });

  it('pass on tracestate and baggage, also when they have ended', () => {
    const base = withBaggage(remote.context, new Baggage([['user', { value: '7' }]]));
    const span = tracer.startSpan('x', { context: base });
    expect(traceStateOf(span.context)).toBe('vendor=1');
    span.end();
    expect(traceStateOf(span.context)).toBe('vendor=1');
    expect(span.rest?.traceStateText).toBe('vendor=1');
    const child = tracer.startSpan('y', { context: span });
    expect([child.parentSpanId, traceStateOf(child.context)]).toEqual([span.spanId, 'vendor=1']);
  });

  it('without anything to pass on leave nothing but a number in the context of an ended child', () => {
    const bare = SpanContext.fromTraceparent(`00-${TRACE}-${PARENT}-01`) as SpanContext;
    const span = tracer.startSpan('x', { context: bare });
    const { context } = span;
    span.end();
    expect([typeof context.state, span.parentSpanId]).toEqual(['number', PARENT]);
    expect(tracer.startSpan('y', { context }).parentSpanId).toBe(span.spanId);
  });

  it('a root given by options keeps baggage and drops the trace', () => {
    const base = withTraceState(withBaggage(remote.context, new Baggage([['user', { value: '7' }]])), 'a=b');
    const span = tracer.startSpan('x', { root: true, context: base });
    expect([span.parentSpanId, span.traceId === TRACE, traceStateOf(span.context)]).toEqual([undefined, false, '']);
    expect(span.extra?.baggage?.get('user')?.value).toBe('7');
  });

  it('follow promises, timers and concurrent branches', async () => {
    const names = await tracer.trace('root', async (root) => {
      const branch = (name: string): Promise<string | undefined> =>
        tracer.trace(name, async (span) => {
          await new Promise((resolve) => setTimeout(resolve, 2));
          expect(tracer.getCurrentSpan()).toBe(span);
          return tracer.trace('leaf', (leaf) =>
            leaf.parentSpanId === span.spanId && span.parentSpanId === root.spanId ? name : undefined,
          );
        });
      return Promise.all([branch('a'), branch('b'), branch('c')]);
    });
    expect(names).toEqual(['a', 'b', 'c']);
  });
});

describe('trace objects', () => {
  const spans: Span[] = [];
  const ended: Span[] = [];
  const scope = new TraceScope<Span>({ spanStarted: (span) => void spans.push(span), spanEnded: (span) => void ended.push(span) });
  const context = withExtra(ROOT_CONTEXT, (extra) => {
    extra.trace = scope;
  });

  it('get spans in the order in which they start, and parents their children [A-036 A-037 A-014]', () => {
    runInContext(context, () =>
      tracer.trace('outer', (outer) => {
        const first = tracer.startSpan('first');
        const second = tracer.startSpan('second');
        expect(spans.map(({ name }) => name)).toEqual(['outer', 'first', 'second']);
        expect(ended).toEqual([]);
        expect(outer.children).toEqual([first, second]);
        expect(first.parentId).toBe(outer.spanId);
        second.end();
        first.end();
      }),
    );
    expect(ended.map(({ name }) => name)).toEqual(['second', 'first', 'outer']);
  });

  it('a span outside of one has a trace of its own and belongs to none [A-038]', () => {
    const count = spans.length;
    const span = tracer.startSpan('alone');
    expect(span.traceId).toMatch(/^[0-9a-f]{32}$/);
    span.end();
    expect(spans).toHaveLength(count);
    expect(recordedSpans(provider).map(({ name }) => name)).toContain('alone');
  });

  it('parents keep the newest thousand children', () => {
    runInContext(context, () =>
      tracer.trace('outer', (outer) => {
        for (let index = 0; index < 1_200; index++) tracer.startSpan(`${index}`).end();
        expect(outer.children).toHaveLength(1_000);
        expect(outer.children[0]?.name).toBe('200');
      }),
    );
  });

  it('one that throws is no concern of the application', () => {
    const bad = new TraceScope<Span>({
      spanStarted() {
        throw new Error('start');
      },
      spanEnded() {
        throw new Error('end');
      },
    });
    const around = withExtra(ROOT_CONTEXT, (extra) => {
      extra.trace = bad;
    });
    expect(runInContext(around, () => tracer.trace('x', () => 'done'))).toBe('done');
  });

  it('an exporter of the context gets its spans, and the tracer’s exporters do not', () => {
    const seen: Span[] = [];
    const around = withExtra(ROOT_CONTEXT, (extra) => {
      extra.exporter = { spanEnded: (span: Span) => void seen.push(span) };
    });
    const span = runInContext(around, () => tracer.startSpan('mine'));
    span.end();
    expect(seen).toEqual([span]);
    expect(recordedSpans(provider).find(({ name }) => name === 'mine')).toMatchObject({ recordOnly: true });
  });
});

describe('callbacks', () => {
  it('startActiveSpan makes the span current and does not end it', () => {
    const span = tracer.startActiveSpan('x', (inner) => {
      expect(tracer.getCurrentSpan()).toBe(inner);
      return inner;
    });
    expect(span.hasEnded).toBe(false);
    expect(tracer.getCurrentSpan()).toBeUndefined();
    expect(tracer.startActiveSpan('x', { kind: 'client' }, ({ kind }) => kind)).toBe('client');
    expect(tracer.startActiveSpan('x', {}, remote, ({ traceId }) => traceId)).toBe(TRACE);
    expect(tracer.startActiveSpan('x', undefined, remote, ({ traceId }) => traceId)).toBe(TRACE);
  });

  it('trace ends the span when the function returns or its promise is settled [A-034]', async () => {
    const now = tracer.trace('x', (span) => span);
    expect([now.hasEnded, now.status]).toEqual([true, 'unset']);
    let inside: Span | undefined;
    const later = tracer.trace('x', { kind: 'server' }, async (span) => {
      inside = span;
      await undefined;
      return span.hasEnded;
    });
    expect(inside?.hasEnded).toBe(false);
    expect(await later).toBe(false);
    expect([inside?.hasEnded, inside?.kind]).toEqual([true, 'server']);
    expect(tracer.startSpan('x', { attributes: { a: 1 } }, (span) => span).attributes).toEqual({ a: 1 });
  });

  it('records what is thrown and throws it on, the same error [A-039]', async () => {
    const error = new RangeError('off');
    let span: Span | undefined;
    const failing = (inner: Span): never => {
      span = inner;
      throw error;
    };
    expect(() => tracer.trace('x', failing)).toThrow(error);
    expect([span?.status, span?.statusMessage, span?.hasEnded]).toEqual(['error', 'off', true]);
    expect(span?.events[0]).toMatchObject({
      name: 'exception',
      attributes: { 'exception.type': 'RangeError', 'exception.message': 'off' },
    });
    await expect(tracer.trace('x', async (inner) => failing(inner))).rejects.toBe(error);
    expect(span?.status).toBe('error');
    const slow = tracer.trace('x', {}, (inner) => {
      span = inner;
      return Promise.reject(new DOMException('too late', 'TimeoutError'));
    });
    await expect(slow).rejects.toThrow('too late');
    expect([span?.status, span?.hasEnded]).toEqual(['timeout', true]);
  });

  it('leave the context as it was, whatever happens', () => {
    const before = activeContext();
    expect(() =>
      tracer.trace('x', () => {
        tracer.startSpan('y').activate();
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(activeContext()).toBe(before);
  });
});

describe('sampling', () => {
  it('a span that is not recorded has ids of its own, takes everything and keeps nothing', () => {
    const none = new TracerProvider({ sampler: ALWAYS_OFF });
    const off = none.getTracer();
    const one = off.startSpan('one', { attributes: { a: 1 } });
    const two = off.startSpan('two', { context: one });
    expect([one.isRecording(), one.flags & 1]).toEqual([false, 0]);
    expect(two.traceId).toBe(one.traceId);
    expect(two.spanId).not.toBe(one.spanId);
    one.setAttribute('b', 1).setAttributes({ c: 1 }).setStatus('error').updateName('x').addLink(two).recordException('x').addException('y');
    one.addEvent('e');
    one.setError('x');
    one.end();
    expect([one.attributes, one.events, one.links, one.status, one.name, one.durationMs]).toEqual([{}, [], [], 'unset', 'one', 0]);
    expect(one.spanContext().toTraceparent()).toBe(`00-${one.traceId}-${one.spanId}-02`);
    expect(off.startActiveSpan('x', () => off.startSpan('y').parentSpanId)).toMatch(/^[0-9a-f]{16}$/);
    {
      using active = off.startSpan('z').activate();
      expect(off.startSpan('inner').parentSpanId).toBe(active.spanId);
    }
    expect(activeContext()).toBe(ROOT_CONTEXT);
    expect(recordedSpans(none)).toEqual([]);
  });

  it('record-only spans are recorded, unflagged, and never exported', () => {
    const only = new TracerProvider({ sampler: { shouldSample: () => RECORD, toString: () => 'Record' } });
    const span = only.getTracer().startSpan('x');
    expect([span.isRecording(), span.flags & 1, span.isExported]).toEqual([true, 0, false]);
    span.end();
    expect(recordedSpans(only)).toMatchObject([{ name: 'x', recordOnly: true }]);
  });

  it('samplers see parent, ids, name, kind, the initial attributes and links, before there is a span id', () => {
    const seen: unknown[][] = [];
    const sampler: Sampler = {
      shouldSample(parent, trace, name, kind, attributes, links) {
        seen.push([parent, { ...trace }, name, kind, attributes, links]);
        return { decision: 'sample', attributes: { decided: true }, traceState: 'k=v' };
      },
      toString: () => 'Seeing',
    };
    const own = new TracerProvider({ sampler }).getTracer();
    const link = { context: remote };
    const span = own.startSpan('x', { kind: 'client', attributes: { a: 1 }, links: [link] });
    span.setAttribute('later', 1);
    expect(seen[0]).toEqual([undefined, expect.objectContaining({ t0: span.t0, t3: span.t3 }), 'x', 'client', { a: 1 }, [link]]);
    expect(span.attributes).toEqual({ a: 1, decided: true, later: 1 });
    expect(traceStateOf(span.context)).toBe('k=v');
    own.begin('y', remote.context, 'server', ['http.route', '/x']);
    expect(seen[1]?.slice(2, 5)).toEqual(['y', 'server', { 'http.route': '/x' }]);
    expect(seen[1]?.[0]).toBe(remote.context);
  });

  it('a sampler that throws drops the span', () => {
    const sampler: Sampler = {
      shouldSample() {
        throw new Error('no');
      },
      toString: () => 'Throwing',
    };
    expect(new TracerProvider({ sampler }).getTracer().startSpan('x').isRecording()).toBe(false);
  });

  it('follows the parent by default, and keeps the random flag as it came', () => {
    const off = SpanContext.fromTraceparent(`00-${TRACE}-${PARENT}-00`) as SpanContext;
    expect(tracer.startSpan('x', { context: off }).isRecording()).toBe(false);
    expect(tracer.startSpan('x', { context: off }).flags).toBe(0);
    expect(tracer.startSpan('x', { context: remote }).flags).toBe(1);
    const random = SpanContext.fromTraceparent(`00-${TRACE}-${PARENT}-03`) as SpanContext;
    expect(tracer.startSpan('x', { context: random }).flags).toBe(3);
    expect(tracer.startSpan('x').flags).toBe(3);
    expect(String(parentBasedSampler({ root: ALWAYS_ON }))).toContain('AlwaysOn');
  });
});

describe('tracers', () => {
  it('know the current span and pass contexts through carriers [L-017]', () => {
    const carrier: Record<string, string> = {};
    tracer.trace('out', (span) => {
      expect(tracer.getCurrentSpan()).toBe(span);
      tracer.injectContext(carrier);
      expect(carrier.traceparent).toBe(span.spanContext().toTraceparent());
    });
    expect(tracer.getCurrentSpan()).toBeUndefined();
    expect(tracer.extractContext(carrier)?.toTraceparent()).toBe(carrier.traceparent);
    expect(tracer.extractContext({})).toBeNull();
  });

  it('start spans for instrumentation from plain attributes', () => {
    const pairs = ['http.request.method', 'GET', 'server.port', 80];
    const span = tracer.begin('GET', ROOT_CONTEXT, 'server', pairs);
    span.setAttribute('http.request.method', 'POST').setAttribute('url.path', '/');
    expect(span.attributes).toEqual({ 'http.request.method': 'POST', 'server.port': 80, 'url.path': '/' });
    const tight = new TracerProvider({ limits: { maxAttributes: 1 } }).getTracer().begin('GET', ROOT_CONTEXT, 'server', ['a', 1, 'b', 2]);
    expect([tight.attributes, tight.droppedAttributes]).toEqual([{ a: 1 }, 1]);
  });
});
