// Exporters of the application: the shapes that they may have, and the adapters and fan-outs between them.
import { describe, expect, it, vi } from 'vitest';
import type { ExportedSpan } from '../../src/export/exported-span.js';
import { exporterName, isSpanExporter, type SpanExporter, spanCallbackExporter } from '../../src/export/exporter.js';
import { FanOutExporter } from '../../src/export/fan-out.js';
import { type TraceData, traceCallbackExporter } from '../../src/export/trace-callback.js';

/** A span with what the tests look at. */
function span(name: string, fields: Partial<ExportedSpan> = {}): ExportedSpan {
  return {
    name,
    traceId: 't',
    spanId: name,
    parentSpanId: undefined,
    startTime: 10,
    endTime: 10.5,
    status: 'ok',
    ...fields,
  } as ExportedSpan;
}

const failing = (name: string): SpanExporter => ({
  name,
  export: () => {
    throw new Error(`${name} failed`);
  },
  shutdown: () => Promise.reject(new Error('no end')),
});

describe('a span callback', () => {
  it('gets each span with its duration in seconds, in the order of the batch [C-18 C-19 C-20]', async () => {
    const got: [string, number][] = [];
    const exporter = spanCallbackExporter((one, seconds) => void got.push([one.name, seconds]));
    await exporter.export([span('inner'), span('outer', { endTime: 9 })]);
    expect(got).toEqual([
      ['inner', 0.5],
      ['outer', 0],
    ]);
  });

  it('that throws costs no other span its call [C-20]', async () => {
    const got: string[] = [];
    const exporter = spanCallbackExporter(async (one) => {
      got.push(one.name);
      if (one.name === 'b') throw new Error('b failed');
    });
    await expect(exporter.export([span('a'), span('b'), span('c')])).rejects.toThrow('b failed');
    expect(got).toEqual(['a', 'b', 'c']);
  });
});

describe('a trace callback [A-028 A-033]', () => {
  const grouped = (options = {}) => {
    const traces: TraceData[] = [];
    return { traces, exporter: traceCallbackExporter((trace) => void traces.push(trace), options) };
  };

  it('gets the spans of a trace when its root has ended, across batches', async () => {
    const { traces, exporter } = grouped();
    await exporter.export([span('a', { parentSpanId: 'root' }), span('x', { traceId: 'other', parentSpanId: 'y' })]);
    expect(traces).toEqual([]);
    await exporter.export([span('b', { parentSpanId: 'a' }), span('root')]);
    expect(traces.map(({ traceId, root, spans }) => [traceId, root?.name, spans.map(({ name }) => name)])).toEqual([
      ['t', 'root', ['a', 'b', 'root']],
    ]);
  });

  it('takes a span with a parent elsewhere for the root of what is here', async () => {
    const { traces, exporter } = grouped();
    await exporter.export([span('a', { parentSpanId: 'server' }), span('server', { parentSpanId: 'far', parentIsRemote: true })]);
    expect(traces).toHaveLength(1);
    expect(traces[0]?.root?.name).toBe('server');
  });

  it('is one of several, called in their order, each shielded from the others', async () => {
    const calls: string[] = [];
    const exporter = traceCallbackExporter([
      () => {
        calls.push('first');
        throw new Error('first failed');
      },
      async () => {
        calls.push('second');
        throw new Error('second failed');
      },
      () => void calls.push('third'),
    ]);
    await expect(exporter.export([span('root')])).rejects.toThrow('first failed');
    expect(calls).toEqual(['first', 'second', 'third']);
  });

  it('holds a bounded number of spans: the oldest trace goes out without its root', async () => {
    const { traces, exporter } = grouped({ maxWaitingSpans: 3 });
    for (let n = 0; n < 10; n++) await exporter.export([span(`s${n}`, { traceId: `t${n}`, parentSpanId: 'p' })]);
    expect(traces.map(({ traceId, root }) => [traceId, root])).toEqual(Array.from({ length: 7 }, (_, n) => [`t${n}`, undefined]));
    await exporter.shutdown?.();
    expect(traces).toHaveLength(10);
  });
});

describe('a fan-out', () => {
  it('calls its exporters one after another, in order [V-45]', async () => {
    const calls: string[] = [];
    const slow: SpanExporter = {
      async export() {
        calls.push('slow begins');
        await new Promise((resolve) => setTimeout(resolve, 10));
        calls.push('slow ends');
      },
    };
    const batch = [span('a')];
    const got: unknown[] = [];
    const sync: SpanExporter = {
      export(spans) {
        calls.push('sync');
        got.push(spans);
      },
    };
    await new FanOutExporter([slow, sync]).export(batch);
    expect(calls).toEqual(['slow begins', 'slow ends', 'sync']);
    expect(got).toEqual([batch]);
  });

  it('reports the error of one and calls the others, at the shutdown, too; it never rejects [V-46]', async () => {
    const errors: string[] = [];
    const ends = vi.fn();
    const fine: SpanExporter = { export: vi.fn(), shutdown: ends, forceFlush: ends };
    const fan = new FanOutExporter([failing('one'), fine, failing('two')], {
      onError: (exporter, error) => {
        errors.push(`${exporter.name}: ${(error as Error).message}`);
        throw new Error('reporting failed');
      },
    });
    await fan.export([span('a')]);
    await fan.forceFlush();
    await fan.shutdown();
    expect(fine.export).toHaveBeenCalledOnce();
    expect(ends).toHaveBeenCalledTimes(2);
    expect(errors).toEqual(['one: one failed', 'two: two failed', 'one: no end', 'two: no end']);
  });

  it('warns at most once a minute where nobody listens', async () => {
    const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const fan = new FanOutExporter([failing('one')]);
    for (let n = 0; n < 5; n++) await fan.export([span('a')]);
    expect(warning.mock.calls.map(([text, options]) => [text, (options as unknown as { code: string }).code])).toEqual([
      [expect.stringMatching(/one could not export: .*one failed/), 'KYMO_EXPORT_FAILED'],
    ]);
    warning.mockRestore();
  });
});

it('any object with a method `export` is an exporter, sync or async [C-18 L-015 V-41]', () => {
  expect(isSpanExporter({ export: () => undefined })).toBe(true);
  expect(isSpanExporter(new FanOutExporter([]))).toBe(true);
  for (const none of [undefined, null, {}, { export: 1 }, () => undefined, 'x']) expect(isSpanExporter(none)).toBe(false);
});

it('an exporter is called by its name, or by that of its class', () => {
  class Mine {
    export(): void {}
  }
  expect(exporterName({ name: 'own', export() {} } as object)).toBe('own');
  expect(exporterName(new Mine())).toBe('Mine');
  expect(exporterName({ export() {} })).toBe('exporter');
  expect(exporterName(Object.create(null))).toBe('exporter');
  expect(exporterName({ name: 'a"b\n', export() {} } as object)).toBe('exporter');
});
