// Exporters of a context: whom they serve, and what they take away from others.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { native } from '../../src/binding/load.js';
import { ROOT_CONTEXT, runInContext } from '../../src/context/context.js';
import { registerSpanExporter, withSpanExporter } from '../../src/export/context-exporter.js';
import type { SpanExporter } from '../../src/export/exporter.js';
import { exportSpans } from '../../src/export/pipeline.js';
import { planExporter } from '../../src/export/plan.js';
import { SimpleSpanProcessor } from '../../src/export/simple-processor.js';
import { TracerProvider } from '../../src/traces/provider.js';
import type { Span } from '../../src/traces/span.js';

const provider = new TracerProvider();
const tracer = provider.getTracer('tests');

/** A task of its own, in a fresh context. */
const task = <R>(fn: () => R): R => runInContext(ROOT_CONTEXT, () => fn());

function recorder() {
  const got: [string, number][] = [];
  return { got, exporter: { export: (span: Span, seconds: number) => void got.push([span.name, seconds]) } };
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('an exporter of a context', () => {
  it('gets each span when it ends, of nested ones the inner first, with its duration in seconds [C-18 C-19 C-20]', () => {
    const { got, exporter } = recorder();
    withSpanExporter(exporter, () => {
      tracer.startActiveSpan('outer', (outer) => {
        const inner = tracer.startSpan('inner', { startTime: [1_000, 0] });
        inner.end([1_002, 500_000_000]);
        outer.end();
      });
    });
    expect(got).toEqual([
      ['inner', 2.5],
      ['outer', expect.any(Number)],
    ]);
    expect(got[1]?.[1]).toBeGreaterThanOrEqual(0);
  });

  it('serves the running code and what it starts later; not its siblings, nor code outside [C-21]', async () => {
    const { got, exporter } = recorder();
    const one = task(async () => {
      await null;
      registerSpanExporter(exporter);
      tracer.startSpan('own').end();
      await new Promise((resolve) => setTimeout(resolve, 5));
      tracer.startSpan('later').end();
      await Promise.all([async () => tracer.startSpan('child').end()].map((child) => child()));
    });
    const sibling = task(async () => {
      await new Promise((resolve) => setTimeout(resolve, 2));
      tracer.startSpan('sibling').end();
    });
    await Promise.all([one, sibling]);
    tracer.startSpan('outside').end();
    expect(got.map(([name]) => name)).toEqual(['own', 'later', 'child']);
  });

  it('is replaced by the next one, and taken away by null; without one, tracing works [C-21]', () => {
    const first = recorder();
    const second = recorder();
    task(() => {
      registerSpanExporter(first.exporter);
      tracer.startSpan('a').end();
      registerSpanExporter(second.exporter);
      tracer.startSpan('b').end();
      registerSpanExporter(null);
      tracer.startSpan('c').end();
    });
    expect([first.got, second.got].map((got) => got.map(([name]) => name))).toEqual([['a'], ['b']]);
    withSpanExporter(null, () => tracer.startSpan('d').end());
  });

  it('that throws or rejects changes nothing, and is counted [C-20]', async () => {
    const counted = vi.spyOn(native, 'tracesDropped');
    const fail = [
      () => {
        throw new Error('sync');
      },
      () => Promise.reject(new Error('async')),
    ];
    for (const exporter of fail) {
      const body = (span: { end(): void }): string => {
        span.end();
        return 'result';
      };
      expect(withSpanExporter({ export: exporter }, () => tracer.startActiveSpan('a', body))).toBe('result');
    }
    await new Promise(setImmediate);
    expect(counted.mock.calls).toEqual([
      ['exporter', 1],
      ['exporter', 1],
    ]);
  });

  it('takes its spans from the exporters of the provider', async () => {
    native.ringFlush(5_000); // What ended before is not for the pipeline.
    const names: string[] = [];
    const exporter: SpanExporter = { export: (spans) => void names.push(...spans.map(({ name }) => name)) };
    const planned = planExporter(exporter, { ids: { trace: 'hex', span: 'hex' }, batch: undefined, logger: undefined });
    const pipeline = exportSpans(provider.host, (planned as { pipeline: never }).pipeline);
    tracer.startSpan('before').end();
    withSpanExporter(recorder().exporter, () => tracer.startSpan('within').end());
    tracer.startSpan('after').end();
    expect(await pipeline.flush(10_000)).toBe(true);
    await pipeline.shutdown(5_000);
    expect(names).toEqual(['before', 'after']);
  });

  it('is not told of the spans of exporters, which would never end', async () => {
    native.ringFlush(5_000);
    const names: string[] = [];
    const exporter: SpanExporter = {
      async export(spans) {
        names.push(...spans.map(({ name }) => name));
        await null;
        tracer.startActiveSpan('request of the exporter', (span) => span.end());
      },
    };
    const planned = planExporter(exporter, { ids: { trace: 'hex', span: 'hex' }, batch: undefined, logger: undefined });
    const pipeline = tracer.startActiveSpan('setting up', () => exportSpans(provider.host, (planned as { pipeline: never }).pipeline));
    const remove = provider.addProcessor(new SimpleSpanProcessor(exporter));
    tracer.startSpan('application').end();
    for (let round = 0; round < 3; round++) expect(await pipeline.flush(10_000)).toBe(true);
    await pipeline.shutdown(5_000);
    remove();
    expect(names).toEqual(['application', 'application']);
  });

  it('has a method `export`', () => {
    for (const none of [undefined, {}, () => undefined, 'x']) {
      expect(() => registerSpanExporter(none as never)).toThrow(expect.objectContaining({ code: 'KYMO_EXPORT_OPTION' }));
    }
  });
});
