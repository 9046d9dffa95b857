// What the presets make of tracing, and that each of their options can be given by itself.
import { describe, expect, it } from 'vitest';
import {
  createSpanData,
  InMemoryTraceProvider,
  type Span,
  type SpanBackend,
  type SpanData,
  SpanExportWorker,
  SpanQueue,
  TRACING_PRESETS,
  Tracing,
  type TracingPreset,
  toSpanData,
} from '../../src/index.js';
import { spansDropped } from './own-counts.js';

const HEX32 = /^[0-9a-f]{32}$/;
const HEX16 = /^[0-9a-f]{16}$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

describe('presets', () => {
  it.each<[TracingPreset, RegExp, RegExp, string | undefined]>([
    ['default', HEX32, HEX16, undefined],
    ['converge', UUID, UUID, undefined],
    ['hearthnet', /^[0-9A-HJKMNP-TV-Z]{26}$/, HEX16, undefined],
    ['agentos', /^trace-[0-9a-f]{16}$/, /^span-[0-9a-f]{12}$/, 'agentos'],
    ['civitas', HEX32, HEX16, 'civitas'],
    ['lexigram', HEX32, HEX16, 'lexigram-service'],
  ])('%s writes ids and names the service in its way [A-027]', (preset, traceId, spanId, serviceName) => {
    const tracing = new Tracing({ preset });
    const span = tracing.trace('work', (one) => one);
    expect(span.traceId).toMatch(traceId);
    expect(span.spanId).toMatch(spanId);
    expect(tracing.newTrace('t').traceId).toMatch(traceId);
    tracing.detach();
    expect(tracing.getRecent().map((trace) => trace.traceId)[0]).toBe(span.traceId);
    const { 'service.name': name } = tracing.provider.resource;
    if (serviceName !== undefined) expect(name).toBe(serviceName);
    expect(span.spanContext().traceId).toMatch(HEX32);
    expect(span.spanContext().spanId).toMatch(HEX16);
  });

  it('[A-027] take a service name in place of their own, which reaches exports', () => {
    expect(new Tracing({ preset: 'agentos', serviceName: 'mine' }).provider.resource['service.name']).toBe('mine');
    expect(new Tracing({ serviceName: 'mine' }).provider.resource['service.name']).toBe('mine');
  });

  it('make spans current as they are started, where their systems did', () => {
    const current = (preset: TracingPreset): boolean => {
      const tracing = new Tracing({ preset });
      using span = tracing.startSpan('work');
      return tracing.tracer.getCurrentSpan() === span;
    };
    expect(Object.keys(TRACING_PRESETS).filter((preset) => current(preset as TracingPreset))).toEqual(['converge', 'agentos']);
    const tracing = new Tracing({ activates: true });
    {
      using _span = tracing.startSpan('work');
      using child = tracing.startSpan('child', 'tool', { n: 1 });
      expect([child.parentId, child.agentKind]).toEqual([_span.spanId, 'tool']);
    }
    expect(tracing.tracer.getCurrentSpan()).toBeUndefined();
  });

  it('name a scope and errors in their way', () => {
    const failed = (preset: TracingPreset): Record<string, unknown> => {
      const span = new Tracing({ preset }).startSpan('work');
      span.recordException(new TypeError('no'));
      span.end();
      return span.attributes;
    };
    expect(failed('default')).toEqual({ 'error.type': 'TypeError' });
    expect(failed('agentos')).toEqual({ 'error.type': 'TypeError', error: 'no' });
    expect(failed('civitas')).toEqual({ 'error.type': 'TypeError', error: true, 'error.message': 'no' });
    const { tracer } = new Tracing({ preset: 'civitas' });
    expect([tracer.name, tracer.version]).toEqual(['civitas', '0.1.0']);
    const own = new Tracing({ preset: 'civitas', scopeName: 'app', traceIdFormat: 'ulid', errorAttributes: 'none' });
    expect([own.tracer.name, own.provider.traceIdFormat, own.provider.errorAttributes]).toEqual(['app', 'ulid', 'none']);
  });

  it('keep ended spans as objects, where their system did [L-178]', () => {
    const kept = (tracing: Tracing): string[] => {
      for (let n = 0; n < 1_002; n++) tracing.trace(`s${n}`, () => undefined);
      return tracing.getAllSpans().map(({ name }) => name);
    };
    expect([kept(new Tracing()), kept(new Tracing({ retainedSpans: 2 }))]).toEqual([[], ['s1000', 's1001']]);
    const lexigram = kept(new Tracing({ preset: 'lexigram' }));
    expect([lexigram.length, lexigram[0]]).toEqual([1_000, 's2']);
  });

  it('must be known, like their options', () => {
    const coded = expect.objectContaining({ code: 'KYMO_CONFIG_VALUE' });
    for (const preset of ['python', 'constructor', '', undefined].slice(0, 3))
      expect(() => new Tracing({ preset: preset as never })).toThrow(coded);
    expect(() => new Tracing({ traceIdFormat: 'decimal' as never })).toThrow(coded);
    expect(() => new Tracing({ retainedTraces: -1 })).toThrow(coded);
  });
});

/** Remembers what it was given. */
class Seen implements SpanBackend {
  readonly spans: SpanData[] = [];
  export(spans: readonly SpanData[]): void {
    this.spans.push(...spans);
  }
}

describe('a queue beside the exporter', () => {
  it('[V-05 V-15 V-16] gets each recorded span once, when it has ended', async () => {
    const queue = new SpanQueue();
    const exporter = new Seen();
    const tracing = new Tracing({ preset: 'civitas', spanQueue: queue, exporter });
    const span = tracing.startSpan('work', { attributes: { a: 1 } });
    expect(queue.size).toBe(0);
    span.end();
    span.end();
    tracing.startSpan('', { kind: 'llm' }).setStatus('error', 'late').end();
    expect(exporter.spans).toEqual([
      {
        name: 'work',
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: undefined,
        startTime: span.startTime,
        endTime: span.endTime,
        attributes: { a: 1 },
        status: 'ok',
        errorMessage: undefined,
      },
      expect.objectContaining({ status: 'error', errorMessage: 'late' }),
    ]);
    expect(queue.takeNowait(10)).toEqual(exporter.spans);
  });

  it('[V-05] is not needed', () => {
    const exporter = new Seen();
    new Tracing({ preset: 'civitas', exporter }).trace('work', () => undefined);
    expect(exporter.spans.map(({ name }) => name)).toEqual(['work']);
  });

  it('[V-15] brings no span twice to one destination', async () => {
    const queue = new SpanQueue();
    const exporter = new Seen();
    const worker = new SpanExportWorker({ queue, backend: exporter });
    const tracing = new Tracing({ preset: 'civitas', spanQueue: queue, exporter });
    worker.start();
    for (let n = 0; n < 3; n++) tracing.trace(`work ${n}`, () => undefined);
    await worker.stop();
    tracing.trace('after', () => undefined);
    expect(exporter.spans.map(({ name }) => name)).toEqual(['work 0', 'work 1', 'work 2', 'after']);
  });

  it('goes on after an exporter that fails', async () => {
    const before = spansDropped('exporter');
    const queue = new SpanQueue();
    let calls = 0;
    const exporter: SpanBackend = {
      export() {
        if (calls++ === 0) throw new Error('no');
        return Promise.reject(new Error('no'));
      },
    };
    const tracing = new Tracing({ spanQueue: queue, exporter });
    for (let n = 0; n < 2; n++) tracing.trace('work', () => undefined);
    await tracing.provider.shutdown();
    expect([queue.size, spansDropped('exporter') - before]).toEqual([2, 2]);
  });
});

describe('a span as plain data', () => {
  it('[V-40] can be cloned, sent to a thread and written as JSON, whatever its attributes are', () => {
    const tracing = new Tracing();
    const cyclic: Record<string, unknown> = { n: 1n };
    cyclic.self = cyclic;
    const span = tracing.startSpan('odd', {
      attributes: {
        cyclic,
        big: 2n ** 62n,
        small: 7n,
        map: new Map([['k', [1n]]]),
        date: new Date(0),
        bytes: new Uint8Array([1]),
        fn: () => 1,
      },
    });
    span.end();
    const data = toSpanData(span);
    expect(data.attributes).toEqual({
      cyclic: { n: 1, self: '[Circular]' },
      big: '4611686018427387904',
      small: 7,
      map: { k: [1] },
      date: '1970-01-01T00:00:00.000Z',
      bytes: 'AQ==',
    });
    expect(structuredClone(data)).toEqual(data);
    expect(JSON.parse(JSON.stringify(data))).toEqual(JSON.parse(JSON.stringify({ ...data, errorMessage: undefined })));
    expect(data.endTime).toBeGreaterThanOrEqual(data.startTime);
  });

  it('[V-39 V-40] takes a span that is open as it is now', () => {
    const span = new Tracing().startSpan('open');
    const data = toSpanData(span);
    expect([data.status, data.endTime >= data.startTime]).toEqual(['ok', true]);
    expect(Object.keys(data)).toEqual(Object.keys(createSpanData({ name: '', traceId: '', spanId: '', startTime: 0, endTime: 0 })));
    span.end();
  });
});

describe('InMemoryTraceProvider', () => {
  it('[L-177 L-178] keeps 1,000 spans of the service lexigram-service unless told otherwise', () => {
    const memory = new InMemoryTraceProvider();
    expect([memory.serviceName, memory.provider.resource['service.name']]).toEqual(['lexigram-service', 'lexigram-service']);
    for (let n = 0; n < 1_003; n++) memory.createSpan(`s${n}`).end();
    const spans = memory.getAllSpans();
    expect([spans.length, spans[0]?.name, spans.at(-1)?.name]).toEqual([1_000, 's3', 's1002']);
    const small = new InMemoryTraceProvider({ serviceName: 'mine', maxSpans: 2 });
    for (let n = 0; n < 3; n++) small.createSpan(`s${n}`).end();
    expect([small.provider.resource['service.name'], small.getAllSpans().map(({ name }) => name)]).toEqual(['mine', ['s1', 's2']]);
    expect(() => new InMemoryTraceProvider({ maxSpans: 0 })).toThrow(expect.objectContaining({ code: 'KYMO_CONFIG_VALUE' }));
  });

  it('[L-177] gives an exporter each span once', async () => {
    const batches: string[][] = [];
    const exporter = { export: (spans: readonly Span[]) => void batches.push(spans.map(({ name }) => name)) };
    const memory = new InMemoryTraceProvider({ exporter });
    for (const name of ['a', 'b']) memory.createSpan(name).end();
    await memory.flush();
    memory.createSpan('c').end();
    await memory.shutdown();
    memory.createSpan('d').end();
    expect([batches, memory.getAllSpans().length]).toEqual([[['a', 'b'], ['c']], 3]);
  });

  it('[L-179 L-182] starts children of a parent, and roots', () => {
    const memory = new InMemoryTraceProvider();
    const root = memory.createSpan('root');
    const child = memory.createSpan('child', root);
    expect([root.parentSpanId, child.parentSpanId, child.traceId]).toEqual([undefined, root.spanId, root.traceId]);
    expect(memory.getAllSpans()).toEqual([]);
    child.end();
    root.end();
    expect(memory.getAllSpans()).toEqual([child, root]);
  });

  it('[L-180 L-181] has a current span, which can be set and cleared', () => {
    const memory = new InMemoryTraceProvider();
    expect(memory.getCurrentSpan()).toBeUndefined();
    const span = memory.createSpan('current');
    memory.setCurrentSpan(span);
    expect(memory.getCurrentSpan()).toBe(span);
    expect(memory.createSpan('child').parentSpanId).toBe(span.spanId);
    memory.setCurrentSpan(undefined);
    expect([memory.getCurrentSpan(), memory.createSpan('root').parentSpanId]).toEqual([undefined, undefined]);
    memory.setCurrentSpan(span);
    span.end();
    expect(memory.getCurrentSpan()).toBeUndefined();
    memory.setCurrentSpan();
  });
});
