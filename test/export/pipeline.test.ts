// Pipelines from the ring to the other side: over HTTP and gRPC, from a thread of their own, into modules and exporters of the application.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ExportedSpan } from '../../src/export/exported-span.js';
import type { SpanExporter } from '../../src/export/exporter.js';
import { type ModuleExporterOptions, moduleExporter } from '../../src/export/module-exporter.js';
import { otlpExporter } from '../../src/export/otlp/exporter.js';
import { deadPort, grpcCollector, httpCollector } from './collectors.js';
import { NativeSpans, until } from './native-spans.js';

const MODULE = new URL('./modules/recording-exporter.mjs', import.meta.url);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kymo-export-'));
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => {
  vi.restoreAllMocks();
});

describe('a pipeline to OTLP [V-06 H-62]', () => {
  it.each(['none', 'gzip', 'zstd'] as const)('sends what has ended, packed with %s, in batches', async (compression) => {
    await using collector = await httpCollector();
    const spans = new NativeSpans();
    const pipeline = spans.pipeline(otlpExporter({ endpoint: collector.url, compression, maxBatchSpans: 100 }));
    spans.write(250);
    expect(await pipeline.flush(20_000)).toBe(true);
    expect(pipeline.state).toMatchObject({ exported: 250, queued: 0, inFlight: 0, dropped: {} });
    expect(collector.received).toHaveLength(3);
    expect(collector.received[0]?.headers['content-encoding']).toBe(compression === 'none' ? undefined : compression);
    if (compression !== 'zstd') expect(collector.received[0]?.body.includes('span 100')).toBe(true);
    await pipeline.shutdown(5_000);
  });

  it('speaks JSON and gRPC as well', async () => {
    await using json = await httpCollector();
    await using grpc = await grpcCollector();
    const spans = new NativeSpans();
    const pipelines = [
      spans.pipeline(otlpExporter({ endpoint: json.url, protocol: 'http/json', name: 'json' })),
      spans.pipeline(otlpExporter({ endpoint: grpc.url, protocol: 'grpc', compression: 'gzip', name: 'grpc' })),
    ];
    spans.write(3);
    expect(await Promise.all(pipelines.map((pipeline) => pipeline.flush(20_000)))).toEqual([true, true]);
    const body = JSON.parse(String(json.received[0]?.body));
    expect(body.resourceSpans[0].scopeSpans[0].spans.map(({ name }: { name: string }) => name)).toEqual(['span 1', 'span 2', 'span 3']);
    expect(grpc.received[0]?.body.includes('span 3')).toBe(true);
    await Promise.all(pipelines.map((pipeline) => pipeline.shutdown(5_000)));
  });

  it('sends what waits when its time is up, without being asked', async () => {
    await using collector = await httpCollector();
    const spans = new NativeSpans();
    const pipeline = spans.pipeline(otlpExporter({ endpoint: collector.url, scheduleDelayMs: 50 }));
    spans.write(1);
    await until(() => collector.received.length === 1, 'the first span');
    spans.write(1);
    await until(() => collector.received.length === 2, 'the second span');
    await pipeline.shutdown(5_000);
  });

  it('flushes everything that ended before the call, also what is on its way', async () => {
    let answer: (() => void) | undefined;
    await using collector = await httpCollector((_, response, count) => {
      if (count > 1) return void response.end();
      answer = () => response.end();
    });
    const spans = new NativeSpans();
    const pipeline = spans.pipeline(otlpExporter({ endpoint: collector.url, maxBatchSpans: 10 }));
    spans.write(10);
    await until(() => collector.received.length === 1, 'the first batch');
    spans.write(25);
    let done = false;
    const flushing = pipeline.flush(20_000).then((all) => {
      done = true;
      return all;
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(done).toBe(false);
    answer?.();
    expect(await flushing).toBe(true);
    expect(pipeline.state.exported).toBe(35);
    await pipeline.shutdown(5_000);
  });

  it('counts what is lost at a shutdown with a deadline', async () => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const spans = new NativeSpans();
    const pipeline = spans.pipeline(otlpExporter({ endpoint: `http://127.0.0.1:${await deadPort()}`, maxBatchSpans: 10 }));
    spans.write(35);
    const start = performance.now();
    expect(await pipeline.shutdown(600)).toBe(false);
    expect(performance.now() - start).toBeLessThan(5_000);
    await until(() => pipeline.state.inFlight === 0, 'the batch on its way');
    expect(pipeline.state.dropped).toEqual({ shutdown: 35 });
    spans.write(1);
    expect(pipeline.state.queued).toBe(0);
  });
});

describe('an exporter in a module', () => {
  const told = (file: string) => {
    try {
      return readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
    } catch {
      return [];
    }
  };
  const declared = (name: string, options: object, more: ModuleExporterOptions = {}) => {
    const file = join(folder, `${name}.jsonl`);
    return { file, exporter: moduleExporter(MODULE, { options: { file, ...options }, name, ...more }) };
  };

  it('runs on a thread of its own, one export at a time, is flushed and shut down [V-42 V-43]', async () => {
    const { file, exporter } = declared('calm', {}, { maxBatchSpans: 2 });
    const spans = new NativeSpans();
    const pipeline = spans.pipeline(exporter);
    spans.write(5);
    expect(await pipeline.flush(20_000)).toBe(true);
    await pipeline.shutdown(5_000);
    const calls = told(file);
    expect(calls.map(({ threadId: _, ...call }) => call)).toEqual([
      ...[['span 1', 'span 2'], ['span 3', 'span 4'], ['span 5']].flatMap((names) => [{ begins: names }, { ends: names }]),
      { flush: true },
      { flush: true },
      { shutdown: true },
    ]);
    expect(calls.every(({ threadId }) => threadId > 0)).toBe(true);
  });

  it.each(['crashOn', 'exitOn'])('that ends its thread is started again and given its batch again, then given up (%s)', async (how) => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const { file, exporter } = declared(how, { [how]: 'span 2' }, { maxBatchSpans: 1 });
    const spans = new NativeSpans();
    const pipeline = spans.pipeline(exporter);
    spans.write(3);
    expect(await pipeline.flush(50_000)).toBe(true);
    const { exported, dropped } = pipeline.state;
    expect({ exported, dropped }).toEqual({ exported: 2, dropped: { worker: 1 } });
    const calls = told(file);
    expect(calls.filter(({ begins }) => begins?.[0] === 'span 2')).toHaveLength(3);
    expect(new Set(calls.map(({ threadId }) => threadId)).size).toBeGreaterThan(2);
    expect(process.emitWarning).toHaveBeenCalled();
    await pipeline.shutdown(5_000);
  });

  it('is made by createExporter(options) of an ES or CommonJS module; one without costs its spans, counted', async () => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const file = join(folder, 'common.cjs');
    writeFileSync(file, 'module.exports = { createExporter: async ({ fail }) => ({ export() { if (fail) throw new Error(fail); } }) };');
    const none = join(folder, 'none.mjs');
    writeFileSync(none, 'export const other = 1;');
    const spans = new NativeSpans();
    const fine = spans.pipeline(moduleExporter(file, { options: {} }));
    const failing = spans.pipeline(moduleExporter(pathToFileURL(file), { options: { fail: 'on purpose' } }));
    const missing = spans.pipeline(moduleExporter(none));
    spans.write(2);
    expect(await Promise.all([fine.flush(20_000), failing.flush(20_000), missing.flush(500)])).toEqual([true, true, false]);
    expect(fine.state.exported).toBe(2);
    expect(failing.state.dropped).toEqual({ exporter: 2 });
    await Promise.all([fine, failing, missing].map((pipeline) => pipeline.shutdown(1_000)));
    expect(missing.state.dropped).toEqual({ shutdown: 2 });
    for (const module of ['relative.js', 'https://x/y.js', 5 as never]) {
      expect(() => moduleExporter(module)).toThrow(expect.objectContaining({ code: 'KYMO_EXPORT_OPTION' }));
    }
  });

  it('that never settles is counted, and its thread is replaced', async () => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const { exporter } = declared('hangs', { hangOn: 'span 1' }, { maxBatchSpans: 1, exportTimeoutMs: 200 });
    const spans = new NativeSpans();
    const pipeline = spans.pipeline(exporter);
    spans.write(2);
    expect(await pipeline.flush(30_000)).toBe(true);
    expect(pipeline.state).toMatchObject({ exported: 1, dropped: { timeout: 1 } });
    await pipeline.shutdown(5_000);
  });
});

describe('an exporter on this thread', () => {
  it('gets whole spans, in batches [L-015 V-41]', async () => {
    const got: (readonly ExportedSpan[])[] = [];
    const exporter: SpanExporter = { name: 'mine', export: (batch) => void got.push(batch), shutdown: vi.fn() };
    const spans = new NativeSpans();
    const pipeline = spans.pipeline(exporter, { batch: { maxBatchSpans: 2 }, ids: { trace: 'prefixed', span: 'hex' } });
    spans.write(3, ['text', 'v', 'number', 1.5, 'list', [1, 'a']]);
    expect(await pipeline.flush(20_000)).toBe(true);
    expect(got.map((batch) => batch.map(({ name }) => name))).toEqual([['span 1', 'span 2'], ['span 3']]);
    expect(got[0]?.[0]).toMatchObject({
      traceId: 'trace-0000000100000001',
      spanId: '0000000000000001',
      parentSpanId: undefined,
      attributes: { text: 'v', number: 1.5, list: [1, 'a'] },
      status: 'ok',
      kind: 'internal',
      resource: { attributes: { 'service.name': 'shop' } },
      scope: { name: 'tests', version: '1.0' },
    });
    const { startTime, endTime } = got.flat()[0] as ExportedSpan;
    expect(endTime - startTime).toBeCloseTo(0.001, 5);
    expect(Math.abs(Date.now() / 1_000 - startTime)).toBeLessThan(60);
    expect(await pipeline.shutdown(5_000)).toBe(true);
    expect(exporter.shutdown).toHaveBeenCalledOnce();
  });

  it('that fails costs its batch, which is counted', async () => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const spans = new NativeSpans();
    const pipeline = spans.pipeline({ export: () => Promise.reject(new Error('no')) });
    spans.write(4);
    expect(await pipeline.flush(20_000)).toBe(true);
    expect(pipeline.state).toMatchObject({ exported: 0, dropped: { exporter: 4 } });
    await pipeline.shutdown(5_000);
  });
});
