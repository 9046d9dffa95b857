// Spans of Kymo as the OpenTelemetry API has them: the corner cases of its interface, and parents across both sides.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  type Context,
  context,
  createContextKey,
  INVALID_SPAN_CONTEXT,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { KymoContextManager } from '../../../src/compat/opentelemetry/context-manager.js';
import { suppressed } from '../../../src/compat/opentelemetry/otel-context.js';
import type { SpanView } from '../../../src/compat/opentelemetry/span-view.js';
import { KymoTracerProvider } from '../../../src/compat/opentelemetry/tracer-provider.js';
import { activeContext, liveSpanOf } from '../../../src/context/context.js';
import { TracerProvider } from '../../../src/traces/provider.js';

/** Keeps what it is told. */
class Recorder {
  readonly started: SpanView[] = [];
  readonly ended: SpanView[] = [];
  onStart(span: SpanView): void {
    this.started.push(span);
  }
  onEnd(span: SpanView): void {
    this.ended.push(span);
  }
  async forceFlush(): Promise<void> {}
  async shutdown(): Promise<void> {}
}

let recorder: Recorder;
let provider: KymoTracerProvider;
let tracer: Tracer;

beforeAll(() => context.setGlobalContextManager(new KymoContextManager()));
afterAll(() => context.disable());
beforeEach(() => {
  recorder = new Recorder();
  provider = new KymoTracerProvider({ spanProcessors: [recorder] });
  tracer = provider.getTracer('library', '1.2', { schemaUrl: 'https://example.org/1' });
});

/** The key under which the SDK asks not to be traced. */
const SUPPRESS = Symbol.for('OpenTelemetry SDK Context Key SUPPRESS_TRACING');
const REMOTE = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1, isRemote: true };

/** The one span that ended. */
function only(): SpanView {
  expect(recorder.ended).toHaveLength(1);
  return recorder.ended[0] as SpanView;
}

describe('a tracer', () => {
  it('is the same for the same words, and shown as the scope of its spans', () => {
    expect(provider.getTracer('library', '1.2', { schemaUrl: 'https://example.org/1' })).toBe(tracer);
    expect(provider.getTracer('library')).not.toBe(tracer);
    tracer.startSpan('a').end();
    expect(only().instrumentationScope).toEqual({ name: 'library', version: '1.2', schemaUrl: 'https://example.org/1' });
    expect(only().instrumentationLibrary).toBe(only().instrumentationScope);
    expect(only().resource.attributes).toMatchObject({ 'telemetry.sdk.name': 'kymo' });
  });

  it('starts spans in the active context without making them active', () => {
    const outer = tracer.startSpan('outer');
    expect(trace.getActiveSpan()).toBeUndefined();
    context.with(trace.setSpan(context.active(), outer), () => {
      tracer.startSpan('inner').end();
      tracer.startSpan('root', { root: true }).end();
    });
    outer.end();
    const [inner, root] = recorder.ended as [SpanView, SpanView];
    expect(inner.parentSpanContext).toEqual(outer.spanContext());
    expect(inner.parentSpanId).toBe(outer.spanContext().spanId);
    expect(inner.spanContext().traceId).toBe(outer.spanContext().traceId);
    expect(root.parentSpanContext).toBeUndefined();
    expect(root.parentSpanId).toBeUndefined();
    expect(root.spanContext().traceId).not.toBe(outer.spanContext().traceId);
  });

  it('runs a function in a span, in each of the three forms, and gives back what it returns', async () => {
    const key = createContextKey('k');
    const seen = await tracer.startActiveSpan('a', async (a) => {
      await Promise.resolve();
      expect(trace.getActiveSpan()).toBe(a);
      return tracer.startActiveSpan('b', { kind: SpanKind.CLIENT }, (b) =>
        tracer.startActiveSpan('c', {}, ROOT_CONTEXT.setValue(key, 'kept'), (c) => {
          for (const span of [c, b, a]) span.end();
          return context.active().getValue(key);
        }),
      );
    });
    expect(seen).toBe('kept');
    expect(recorder.ended.map(({ name, kind }) => [name, kind])).toEqual([
      ['c', SpanKind.INTERNAL],
      ['b', SpanKind.CLIENT],
      ['a', SpanKind.INTERNAL],
    ]);
    expect(recorder.ended[0]?.parentSpanContext).toBeUndefined();
    expect(() =>
      tracer.startActiveSpan('throws', () => {
        throw new Error('through');
      }),
    ).toThrow('through');
    expect(recorder.ended).toHaveLength(3);
  });

  it('takes parents from elsewhere, and none that is not valid', () => {
    tracer.startSpan('child', {}, trace.setSpanContext(ROOT_CONTEXT, REMOTE)).end();
    tracer.startSpan('orphan', {}, trace.setSpanContext(ROOT_CONTEXT, INVALID_SPAN_CONTEXT)).end();
    const [child, orphan] = recorder.ended as [SpanView, SpanView];
    expect(child.parentSpanContext).toEqual(REMOTE);
    expect(child.spanContext()).toMatchObject({ traceId: REMOTE.traceId });
    expect(child.spanContext().isRemote).toBeUndefined();
    expect(orphan.parentSpanContext).toBeUndefined();
    expect(isSpanContextValid(orphan.spanContext())).toBe(true);
  });

  it('does not trace what OpenTelemetry’s SDK asks not to trace', () => {
    context.with(suppressed(context.active()), () => {
      const span = tracer.startSpan('export');
      expect([span.isRecording(), isSpanContextValid(span.spanContext())]).toEqual([false, false]);
      tracer.startActiveSpan('inner', (inner) => {
        expect(inner.isRecording()).toBe(false);
        tracer.startSpan('leaf').end();
      });
      // Kymo's own instrumentation does not trace an exporter's requests either.
      const native = provider.provider.getTracer('kymo');
      native.startActiveSpan('request', (request) =>
        expect([request.isRecording(), native.startSpan('inner').isRecording()]).toEqual([false, false]),
      );
      native.startSpan('root', { root: true }).end();
      expect(context.with(context.active().deleteValue(SUPPRESS), () => native.startSpan('traced again').isRecording())).toBe(true);
    });
    expect(recorder.started.map(({ name }) => name)).toEqual(['traced again']);
  });

  it('records nothing of a trace that is not sampled, and passes its ids on', () => {
    const parent = trace.setSpanContext(ROOT_CONTEXT, { ...REMOTE, traceFlags: TraceFlags.NONE });
    const span = tracer.startSpan('a', {}, parent);
    expect(span.isRecording()).toBe(false);
    expect(span.spanContext()).toMatchObject({ traceId: REMOTE.traceId, traceFlags: 0 });
    expect(span.spanContext().spanId).not.toBe(REMOTE.spanId);
    const inner = tracer.startSpan('b', {}, trace.setSpan(context.active(), span));
    expect(inner.spanContext().traceId).toBe(REMOTE.traceId);
    span.setAttribute('a', 1).addEvent('e').end();
    expect(recorder.ended).toEqual([]);
  });

  it('asks a sampler of the SDK, and does as it says', () => {
    const asked: unknown[] = [];
    const sampling = new KymoTracerProvider({
      spanProcessors: [recorder],
      sampler: {
        shouldSample(parent, traceId, name, kind, attributes, links) {
          asked.push([trace.getSpanContext(parent)?.spanId, traceId.length, name, kind, attributes, links.length]);
          return { decision: name === 'drop' ? 0 : name === 'record' ? 1 : 2, attributes: { by: 'sampler' } };
        },
      },
    }).getTracer('t');
    const parent = trace.setSpanContext(ROOT_CONTEXT, REMOTE);
    const decided = ['drop', 'record', 'sample'].map((name) => sampling.startSpan(name, { attributes: { a: 1 } }, parent));
    expect(decided.map((span) => [span.isRecording(), span.spanContext().traceFlags & 1])).toEqual([
      [false, 0],
      [true, 0],
      [true, 1],
    ]);
    expect(asked[0]).toEqual([REMOTE.spanId, 32, 'drop', SpanKind.INTERNAL, { a: 1 }, 0]);
    decided[2]?.end();
    expect(only().attributes).toEqual({ a: 1, by: 'sampler' });
  });
});

describe('a span', () => {
  it('chains, and keeps what was set', () => {
    const span = tracer.startSpan('a', { attributes: { start: true }, kind: SpanKind.PRODUCER });
    const chained = span
      .setAttribute('a', 1)
      .setAttributes({ b: ['x', 'y'], none: undefined })
      .addEvent('event', { of: 'it' })
      .addLink({ context: REMOTE })
      .addLinks([{ context: REMOTE, attributes: { why: 'so' } }])
      .setStatus({ code: SpanStatusCode.ERROR, message: 'failed' })
      .updateName('renamed');
    expect(chained).toBe(span);
    span.end();
    const view = only();
    expect(view).toMatchObject({ name: 'renamed', kind: SpanKind.PRODUCER, status: { code: SpanStatusCode.ERROR, message: 'failed' } });
    expect(view.attributes).toEqual({ start: true, a: 1, b: ['x', 'y'] });
    expect(view.events).toEqual([{ name: 'event', attributes: { of: 'it' }, time: expect.any(Array), droppedAttributesCount: 0 }]);
    expect(view.links).toEqual([{ context: REMOTE }, { context: REMOTE, attributes: { why: 'so' } }]);
    expect(view.ended).toBe(true);
  });

  it('has one span context, the same object each time', () => {
    const span = tracer.startSpan('a');
    expect(span.spanContext()).toBe(span.spanContext());
    expect(span.spanContext()).toEqual({
      traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
      spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
      traceFlags: 3,
    });
  });

  it('does nothing any more once it has ended, and is still a parent', () => {
    const span = tracer.startSpan('a');
    const inside = trace.setSpan(context.active(), span);
    expect(trace.getSpan(inside)).toBe(span);
    span.end();
    const { endTime } = only();
    span.setAttribute('late', 1).addEvent('late').setStatus({ code: SpanStatusCode.OK }).updateName('late').addLink({ context: REMOTE });
    span.recordException(new Error('late'));
    span.end();
    expect(span.isRecording()).toBe(false);
    expect(only()).toMatchObject({ name: 'a', attributes: {}, events: [], links: [], status: { code: SpanStatusCode.UNSET }, endTime });
    tracer.startSpan('b', {}, inside).end();
    expect(recorder.ended[1]?.parentSpanContext).toEqual(span.spanContext());
    expect(trace.getSpan(inside)?.spanContext()).toEqual(span.spanContext());
    expect(trace.getSpan(inside)?.isRecording()).toBe(false);
  });

  it('is let go by the contexts that it was in when it has ended, attributes and all', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const own = new KymoTracerProvider().getTracer('t');
    const contexts: Context[] = [];
    const spans = Array.from({ length: 100 }, (_, at) => {
      const span = own.startSpan(`span ${at}`, { attributes: { big: 'x'.repeat(1_000) } });
      // What is active is Kymo's; the API's root context makes contexts of the API's own class.
      const active = context.with(ROOT_CONTEXT.setValue(Symbol.for('v'), at), () => context.active());
      contexts.push(
        trace.setSpan(active, span),
        context.with(trace.setSpan(ROOT_CONTEXT, span), () => context.active()),
      );
      span.end();
      return new WeakRef(span);
    });
    await vi.waitFor(() => {
      collect();
      expect(spans.filter((span) => span.deref() !== undefined).length).toBeLessThan(5);
    });
    expect(new Set(contexts.map((one) => trace.getSpan(one)?.spanContext().spanId)).size).toBe(100);
  });

  it.each([
    [[], { code: 0 }],
    [[{ code: 0, message: 'ignored' }], { code: 0 }],
    [[{ code: 1, message: 'dropped' }], { code: 1 }],
    [[{ code: 2, message: 'first' }, { code: 2 }], { code: 2 }],
    [[{ code: 2, message: 'first' }, { code: 0 }], { code: 2, message: 'first' }],
    [[{ code: 2, message: 'first' }, { code: 1 }], { code: 1 }],
    [[{ code: 1 }, { code: 2, message: 'too late' }], { code: 1 }],
    [[{ code: 2, message: new Error('no text') }], { code: 2 }],
    [[{ code: 7 }, undefined], { code: 0 }],
  ])('has the status of %j', (statuses, expected) => {
    const span = tracer.startSpan('a');
    for (const status of statuses) span.setStatus(status as never);
    span.end();
    expect(only().status).toEqual(expected);
  });

  it('records exceptions as events, with the class as their type, and says nothing about its status', () => {
    class Refused extends TypeError {
      readonly code = 'E_REFUSED';
    }
    const span = tracer.startSpan('a');
    span.recordException(new Refused('no'), [1_700_000_000, 5]);
    span.recordException('text');
    span.recordException({ code: 42, message: 'bare' });
    span.recordException({ name: 'Named' } as never);
    for (const nothing of [{}, '', null, undefined, 7]) span.recordException(nothing as never);
    span.end();
    const { events, status, attributes } = only();
    expect(events.map((event) => ({ ...event.attributes, 'exception.stacktrace': undefined }))).toEqual([
      { 'exception.type': 'Refused', 'exception.message': 'no' },
      { 'exception.message': 'text' },
      { 'exception.type': '42', 'exception.message': 'bare' },
      { 'exception.type': 'Named' },
    ]);
    expect(events[0]?.attributes?.['exception.stacktrace']).toContain('spans.test.ts');
    expect([events[0]?.name, events[0]?.time]).toEqual(['exception', [1_700_000_000, 5]]);
    expect([status.code, attributes]).toEqual([SpanStatusCode.UNSET, {}]);
  });

  it('keeps links that are not valid when they say something, as the specification has it', () => {
    const span = tracer.startSpan('a', { links: [{ context: INVALID_SPAN_CONTEXT, attributes: { why: 'known' } }] });
    span.addLink({ context: INVALID_SPAN_CONTEXT });
    span.addLink({ context: { ...REMOTE, traceState: { serialize: () => 'a=1' } as never } });
    span.addLink(undefined as never);
    span.end();
    const { links } = only();
    expect(links).toHaveLength(2);
    expect(links[0]).toMatchObject({ context: { traceId: '0'.repeat(32), spanId: '0'.repeat(16) }, attributes: { why: 'known' } });
    expect(links[1]?.context.traceState?.serialize()).toBe('a=1');
  });

  it('takes times in each form of the API, performance.now() among them', () => {
    const now = performance.now();
    const span = tracer.startSpan('a', { startTime: now - 10 });
    span.addEvent('at a time', new Date(1_700_000_000_123));
    span.addEvent('with attributes', { a: 1 }, 1_700_000_000_456);
    span.addEvent('twice', [1_700_000_000, 1], [1_700_000_000, 2]);
    span.end(now);
    const { startTime, duration, events } = only();
    const wall = performance.timeOrigin + now - 10;
    expect(Math.abs(startTime[0] * 1_000 + startTime[1] / 1e6 - wall)).toBeLessThan(0.01);
    expect(Math.abs(duration[1] / 1e6 - 10)).toBeLessThan(0.01);
    expect(events.map(({ time, attributes }) => [time, attributes])).toEqual([
      [[1_700_000_000, 123_000_000], {}],
      [[1_700_000_000, 456_000_000], { a: 1 }],
      [[1_700_000_000, 2], {}],
    ]);
  });

  it('never lasts less than nothing', () => {
    const span = tracer.startSpan('a', { startTime: [1_700_000_000, 500] });
    span.end([1_699_999_999, 0]);
    expect([only().endTime, only().duration]).toEqual([
      [1_700_000_000, 500],
      [0, 0],
    ]);
    tracer.startSpan('b', { startTime: [1_700_000_000, 999_999_999] }).end([1_700_000_002, 1]);
    expect(recorder.ended[1]?.duration).toEqual([1, 2]);
  });
});

describe('spans of both sides', () => {
  it('are one trace, whoever starts first', async () => {
    const kymo = provider.provider.getTracer('kymo');
    const seen: [string | undefined, Span | undefined][] = [];
    await tracer.startActiveSpan('api', async (api) => {
      await kymo.startActiveSpan('native', async (native) => {
        await Promise.resolve();
        seen.push([native.parentSpanId, trace.getActiveSpan()]);
        tracer.startActiveSpan('api again', (again) => {
          expect(liveSpanOf(activeContext())?.t0).toBe(native.t0);
          again.end();
        });
        native.end();
      });
      api.end();
    });
    const [again, native, api] = recorder.ended as [SpanView, SpanView, SpanView];
    expect(seen).toEqual([[api.spanContext().spanId, native]]);
    expect(again.parentSpanContext).toEqual(native.spanContext());
    expect(native.parentSpanContext).toEqual(api.spanContext());
    expect(new Set([again, native, api].map((span) => span.spanContext().traceId)).size).toBe(1);
  });

  it('share a provider that is given, without its being told of processors that there are not', () => {
    const kymo = new TracerProvider({ serviceName: 'shared' });
    const plain = new KymoTracerProvider({ provider: kymo });
    const span = plain.getTracer('t').startSpan('a');
    expect(kymo.processors).toBeUndefined();
    expect(span.isRecording()).toBe(true);
    expect(trace.getSpan(trace.setSpan(context.active(), span))).toBe(span);
    span.end();
    const foreign = { flush: async () => true, shutdown: async () => true };
    expect(() => new KymoTracerProvider({ provider: foreign })).toThrow(expect.objectContaining({ code: 'KYMO_CONFIG_VALUE' }));
  });

  it('show a span that Kymo started as one of the API: events chain, exceptions do not fail it', () => {
    const kymo = new TracerProvider().getTracer('kymo');
    kymo.startActiveSpan('native', (native) => {
      const span = trace.getActiveSpan() as Span;
      expect(trace.getActiveSpan()).toBe(span);
      expect(span.addEvent('e').setAttribute('a', 1)).toBe(span);
      span.recordException(new Error('handled'));
      expect([native.status, native.events.length, native.getAttribute('a')]).toEqual(['unset', 2, 1]);
      expect(JSON.parse(JSON.stringify(span)).spanId).toBe(native.spanId);
      span.end();
      expect(native.hasEnded).toBe(true);
    });
  });
});
