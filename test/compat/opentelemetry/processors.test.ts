// Processors and exporters of OpenTelemetry's SDK behind Kymo's spans.
import { context, ROOT_CONTEXT, type Span, SpanStatusCode, trace } from '@opentelemetry/api';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { KymoContextManager } from '../../../src/compat/opentelemetry/context-manager.js';
import { ExportProcessor, type SpanExporter } from '../../../src/compat/opentelemetry/export-processor.js';
import type { SpanProcessor } from '../../../src/compat/opentelemetry/processor-bridge.js';
import type { SpanView } from '../../../src/compat/opentelemetry/span-view.js';
import { KymoTracerProvider } from '../../../src/compat/opentelemetry/tracer-provider.js';
import { spansDropped } from '../../traces/own-counts.js';

beforeAll(() => context.setGlobalContextManager(new KymoContextManager()));
afterAll(() => context.disable());

/** A processor of which a test says only what it wants. */
function processor(parts: Partial<SpanProcessor>): SpanProcessor {
  return { onStart: () => undefined, onEnd: () => undefined, forceFlush: async () => {}, shutdown: async () => {}, ...parts };
}

function tracerWith(...spanProcessors: SpanProcessor[]) {
  return new KymoTracerProvider({ spanProcessors }).getTracer('test');
}

describe('a processor', () => {
  it('is told of start, ending and end, with the same object, which is the span of the application', () => {
    const told: [string, unknown, ...unknown[]][] = [];
    const tracer = tracerWith(
      processor({
        onStart: (span: SpanView, parent) => told.push(['start', span, parent === ROOT_CONTEXT, span.ended, span.endTime, span.duration]),
        onEnding: (span: SpanView) => told.push(['ending', span, span.ended, span.isRecording()]),
        onEnd: (span: SpanView) => told.push(['end', span, span.ended, span.isRecording()]),
      }),
    );
    const span = tracer.startSpan('a', {}, ROOT_CONTEXT);
    span.end();
    expect(told).toEqual([
      ['start', span, true, false, [0, 0], [-1, -1]],
      ['ending', span, true, true],
      ['end', span, true, false],
    ]);
  });

  it('gets the context that a span was started in, with everything in it', () => {
    const key = Symbol.for('a value');
    const seen: unknown[] = [];
    const tracer = tracerWith(processor({ onStart: (_span, parent) => seen.push(parent.getValue(key), trace.getSpan(parent)) }));
    const outer = tracer.startSpan('outer', {}, ROOT_CONTEXT.setValue(key, 'kept'));
    tracer.startSpan('inner', {}, trace.setSpan(ROOT_CONTEXT.setValue(key, 'other'), outer));
    expect(seen).toEqual(['kept', undefined, 'other', outer]);
  });

  it('reads and writes attributes of an open span as they are', () => {
    const seen: unknown[] = [];
    const tracer = tracerWith(
      processor({
        onStart(span: SpanView) {
          seen.push({ ...span.attributes }, 'given' in span.attributes, span.attributes.none);
          span.attributes.direct = 'set on start';
          span.setAttribute('by.method', true);
          delete span.attributes.given;
        },
        onEnding(span: SpanView) {
          seen.push(Object.keys(span.attributes));
          span.attributes.ending = span.attributes.later as number;
          span.name = `${span.name} (ending)`;
          span.status = { code: SpanStatusCode.ERROR, message: 'said while ending' };
        },
        onEnd: (span: SpanView) => seen.push(span.attributes, span.name, span.status),
      }),
    );
    const span = tracer.startSpan('a', { attributes: { given: 1 } });
    span.setAttribute('later', 2);
    span.end();
    expect(seen).toEqual([
      { given: 1 },
      true,
      undefined,
      ['given', 'direct', 'by.method', 'later'],
      { given: 1, direct: 'set on start', 'by.method': true, later: 2, ending: 2 },
      'a (ending)',
      { code: SpanStatusCode.ERROR, message: 'said while ending' },
    ]);
  });

  it('changes an ended span for the processors behind it, as mask and rename do, and not for Kymo', () => {
    let seen: SpanView | undefined;
    const tracer = tracerWith(
      processor({
        onEnd(span: SpanView) {
          span.attributes.secret = '***';
          (span.events[0] as { name: string }).name = 'renamed event';
          span.links.length = 0;
          span.name = 'renamed';
          span.status = { code: SpanStatusCode.OK };
        },
      }),
      processor({
        onEnd(span: SpanView) {
          seen = span;
        },
      }),
    );
    const span = tracer.startSpan('a', { attributes: { secret: 'x' } }).addEvent('event');
    span.end();
    expect(seen).toBe(span);
    expect(seen).toMatchObject({ name: 'renamed', attributes: { secret: '***' }, links: [], status: { code: SpanStatusCode.OK } });
    expect(seen?.events[0]?.name).toBe('renamed event');
    const replaced = span as unknown as SpanView;
    replaced.attributes = { only: 'this' };
    expect(replaced.attributes).toEqual({ only: 'this' });
  });

  it('gets numbers and text for what other exporters cannot take', () => {
    const ended: SpanView[] = [];
    const tracer = tracerWith(processor({ onEnd: (span) => ended.push(span) }));
    const span = tracer.startSpan('a');
    span.setAttribute('small', 5n as never).setAttribute('large', (2n ** 62n) as never);
    span.end();
    expect(ended[0]?.attributes).toEqual({ small: 5, large: String(2n ** 62n) });
    expect(() => JSON.stringify(ended[0]?.attributes)).not.toThrow();
  });

  it('that throws costs the others nothing, and is counted', () => {
    const before = spansDropped('processor_failed');
    const throws = (): never => {
      throw new Error('mine');
    };
    const ended: SpanView[] = [];
    const tracer = tracerWith(
      processor({ onStart: throws, onEnding: throws, onEnd: throws }),
      processor({ onEnd: (span) => ended.push(span) }),
    );
    tracer.startSpan('a').end();
    expect([ended.length, spansDropped('processor_failed') - before]).toEqual([1, 3]);
  });

  it('is flushed and shut down with the provider', async () => {
    const [forceFlush, shutdown] = [vi.fn(async () => {}), vi.fn(async () => {})];
    const provider = new KymoTracerProvider({ spanProcessors: [processor({ forceFlush, shutdown })] });
    await provider.forceFlush();
    expect(forceFlush).toHaveBeenCalledTimes(1);
    await provider.shutdown();
    expect(shutdown).toHaveBeenCalledTimes(1);
    expect(provider.getTracer('late').startSpan('a').isRecording()).toBe(false);
  });
});

describe('an exporter', () => {
  let batches: string[][];
  let answers: ((result: { code: number; error?: Error }) => void)[];
  let exporter: SpanExporter;

  beforeEach(() => {
    batches = [];
    answers = [];
    exporter = {
      export(spans: SpanView[], done) {
        batches.push(spans.map(({ name }) => name));
        answers.push(done);
      },
      shutdown: vi.fn(async () => {}),
    };
  });

  /** Ends that many spans and gives their names. */
  function end(provider: KymoTracerProvider, ...names: string[]): void {
    for (const name of names) provider.getTracer('t').startSpan(name).end();
  }

  it('gets batches, one at a time and in order, and whatever waits when it is flushed', async () => {
    const provider = new KymoTracerProvider({ spanExporters: [exporter], exporting: { maxBatchSpans: 2, delayMs: 60_000 } });
    end(provider, 'a', 'b', 'c', 'd', 'e');
    expect(batches).toEqual([['a', 'b']]);
    const flushed = provider.forceFlush();
    answers[0]?.({ code: 0 });
    await vi.waitFor(() => expect(batches).toHaveLength(2));
    answers[1]?.({ code: 0 });
    await vi.waitFor(() => expect(batches).toHaveLength(3));
    answers[2]?.({ code: 0 });
    await flushed;
    expect(batches).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
  });

  it('gets what waits after a while, and no span that was not sampled', async () => {
    const provider = new KymoTracerProvider({
      spanExporters: [exporter],
      exporting: { delayMs: 10 },
      sampler: { shouldSample: (_context, _id, name) => ({ decision: name === 'recorded' ? 1 : 2 }) },
    });
    end(provider, 'recorded', 'sampled');
    await vi.waitFor(() => expect(batches).toEqual([['sampled']]));
  });

  it('loses the oldest when it does not keep up, which is counted, as is what it refuses', async () => {
    const provider = new KymoTracerProvider({ spanExporters: [exporter], exporting: { maxBatchSpans: 1, maxQueueSpans: 2 } });
    const before = [spansDropped('queue_full'), spansDropped('refused'), spansDropped('shutdown')];
    end(provider, 'a', 'b', 'c', 'd');
    answers[0]?.({ code: 1, error: new Error('refused') });
    await vi.waitFor(() => expect(answers).toHaveLength(2));
    answers[1]?.({ code: 0 });
    await vi.waitFor(() => expect(answers).toHaveLength(3));
    const done = provider.shutdown();
    answers[2]?.({ code: 0 });
    await done;
    expect(batches).toEqual([['a'], ['c'], ['d']]);
    expect(exporter.shutdown).toHaveBeenCalledTimes(1);
    expect(
      [spansDropped('queue_full'), spansDropped('refused'), spansDropped('shutdown')].map((count, at) => count - (before[at] as number)),
    ).toEqual([1, 1, 0]);
  });

  it('is not traced, and disturbs nobody when it throws or never answers', async () => {
    const suppressed: boolean[] = [];
    let provider: KymoTracerProvider | undefined;
    const throwing: SpanExporter = {
      export() {
        suppressed.push(!(provider as KymoTracerProvider).getTracer('t').startSpan('own request').isRecording());
        throw new Error('mine');
      },
      shutdown: async () => {},
    };
    const silent: SpanExporter = { export: () => undefined, shutdown: async () => {} };
    provider = new KymoTracerProvider({ spanExporters: [throwing, silent, exporter], exporting: { timeoutMs: 20 } });
    const before = spansDropped('refused');
    end(provider, 'a');
    const flushed = provider.forceFlush();
    await vi.waitFor(() => expect(answers).toHaveLength(1));
    answers[0]?.({ code: 0 });
    await flushed;
    expect([suppressed, spansDropped('refused') - before]).toEqual([[true], 2]);
  });

  it('gets nothing after its shutdown, which is counted', async () => {
    const closing = new ExportProcessor(exporter);
    await Promise.all([closing.shutdown(), closing.shutdown()]);
    const before = spansDropped('shutdown');
    const ended: Span[] = [];
    tracerWith(processor({ onEnd: (span) => ended.push(span) }))
      .startSpan('a')
      .end();
    closing.onEnd(ended[0] as SpanView);
    expect([batches, spansDropped('shutdown') - before]).toEqual([[], 1]);
  });
});
