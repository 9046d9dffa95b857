// Sinks of log records: from the ring to a collector, to a thread of the application's own, to a callback, and into memory.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { logRing } from '../../src/binding/log-ring.js';
import { callbackSink } from '../../src/export/logs/callback-sink.js';
import type { ExportedLog } from '../../src/export/logs/exported-log.js';
import { memorySink } from '../../src/export/logs/memory-sink.js';
import { moduleLogSink } from '../../src/export/logs/module-log-sink.js';
import { checkOtlpLogs, otlpLogSink } from '../../src/export/logs/otlp-log-sink.js';
import { ownSamples } from '../metrics/scrape.js';
import { deadPort, grpcCollector, httpCollector } from './collectors.js';
import { NativeLogs, TRACED } from './native-logs.js';
import { until } from './native-spans.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kymo-log-export-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** One of Kymo's own metrics. */
const counted = (sample: string): number => ownSamples()[sample] ?? 0;

describe('a sink to OTLP', () => {
  it.each(['none', 'gzip'] as const)('sends what was written, packed with %s, in batches, to the path of logs', async (compression) => {
    await using collector = await httpCollector();
    const logs = new NativeLogs(otlpLogSink({ endpoint: collector.url, compression, maxBatchRecords: 100, name: `c-${compression}` }));
    for (let n = 0; n < 250; n++) logs.write(`line ${n}`);
    expect(await logs.flush()).toEqual([true]);
    expect(collector.received.map(({ path }) => path)).toEqual(['/v1/logs', '/v1/logs', '/v1/logs']);
    expect(collector.received[2]?.body.includes('line 249')).toBe(true);
    expect(counted(`kymo_log_records_exported_total{exporter="c-${compression}"}`)).toBe(250);
    expect(await logs.close()).toEqual([true]);
  });

  it('speaks JSON and gRPC as well, with the service and the logger around the records', async () => {
    await using json = await httpCollector();
    await using grpc = await grpcCollector();
    const sinks = [
      otlpLogSink({ endpoint: json.url, protocol: 'http/json', name: 'json', resource: { 'team.name': 'blue' } }),
      otlpLogSink({ endpoint: grpc.url, protocol: 'grpc', compression: 'gzip', name: 'grpc' }),
    ];
    const logs = new NativeLogs(...sinks);
    const traced = { bits: TRACED, t0: 1, t1: 0, t2: 0, t3: 2, s0: 0, s1: 3 };
    logs.write('charged', { cents: 812 }, { logger: logRing().logger('shop.pay'), level: 40, ...traced });
    expect(await logs.flush()).toEqual([true, true]);
    const body = JSON.parse(String(json.received[0]?.body));
    const [resourceLogs] = body.resourceLogs;
    expect(resourceLogs.resource.attributes).toEqual(
      expect.arrayContaining([
        { key: 'service.name', value: { stringValue: 'shop' } },
        { key: 'team.name', value: { stringValue: 'blue' } },
      ]),
    );
    expect(resourceLogs.scopeLogs).toEqual([
      {
        scope: { name: 'shop.pay' },
        logRecords: [
          {
            timeUnixNano: '1700000000123000000',
            observedTimeUnixNano: '1700000000123000000',
            severityNumber: 13,
            severityText: 'warn',
            body: { stringValue: 'charged' },
            attributes: [{ key: 'cents', value: { intValue: '812' } }],
            flags: 1,
            traceId: '00000001000000000000000000000002',
            spanId: '0000000000000003',
          },
        ],
      },
    ]);
    expect(grpc.received[0]?.path).toBe('/opentelemetry.proto.collector.logs.v1.LogsService/Export');
    expect(grpc.received[0]?.body.includes('shop.pay')).toBe(true);
    await logs.close();
  });

  it('counts by level what a collector refuses, rejects, and never gets', async () => {
    await using refusing = await httpCollector((_, response) => response.writeHead(400).end());
    await using rejecting = await httpCollector((_, response) =>
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end('{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"old"}}'),
    );
    const dead = `http://127.0.0.1:${await deadPort()}`;
    const logs = new NativeLogs(
      otlpLogSink({ endpoint: refusing.url, name: 'refusing' }),
      otlpLogSink({ endpoint: rejecting.url, name: 'rejecting' }),
      otlpLogSink({ endpoint: dead, name: 'dead', exportTimeoutMs: 100 }),
      otlpLogSink({ endpoint: dead, name: 'full', maxQueueRecords: 1, maxBatchRecords: 1, scheduleDelayMs: 600_000 }),
    );
    logs.write('one', {}, { level: 30 });
    logs.write('two', {}, { level: 50 });
    logs.write('three', {}, { level: 50 });
    expect((await logs.flush(1_500)).slice(0, 3)).toEqual([true, true, true]);
    await logs.close(100);
    const dropped = (level: string, reason: string, sink: string): number =>
      counted(`kymo_log_lines_dropped_total{level="${level}",reason="${reason}",sink="${sink}"}`);
    expect([dropped('info', 'refused', 'refusing'), dropped('error', 'refused', 'refusing')]).toEqual([1, 2]);
    expect(dropped('unknown', 'rejected', 'rejecting')).toBe(1);
    expect(counted('kymo_log_records_exported_total{exporter="rejecting"}')).toBe(2);
    expect([dropped('info', 'unreachable', 'dead'), dropped('error', 'unreachable', 'dead')]).toEqual([1, 2]);
    const full = ['info', 'error'].map((level) =>
      ['queue_full', 'shutdown', 'unreachable'].map((reason) => dropped(level, reason, 'full')),
    );
    expect(full.flat().reduce((sum, count) => sum + count)).toBe(3);
  });

  it('takes each variable of the specification, and options before them', () => {
    const env = {
      endpoint: 'http://base:4318',
      headers: [['a', '1']] as const,
      logsHeaders: [['a', '2']] as const,
      logsProtocol: 'http/json' as const,
      logsCompression: 'gzip' as const,
      logsTimeoutMs: 777,
      logScheduleDelayMs: 5,
      logExportTimeoutMs: 6,
      maxQueueRecords: 7,
      maxBatchRecords: 9,
      logAttributeCount: 3,
      logAttributeValueLength: 4,
    };
    expect(checkOtlpLogs({}, env)).toEqual({
      label: 'otlp',
      target: {
        protocol: 'http/json',
        url: 'http://base:4318/v1/logs',
        headers: { a: '2' },
        compression: 'gzip',
        certificate: undefined,
        clientKey: undefined,
        clientCertificate: undefined,
      },
      timeoutMs: 777,
      batch: {
        maxQueueItems: 7,
        maxBatchItems: 7,
        maxQueueBytes: 64 << 20,
        maxBatchBytes: 3.5 * 2 ** 20,
        scheduleDelayMs: 5,
        exportTimeoutMs: 6,
      },
      records: { maxAttributes: 3, maxAttributeLength: 4 },
    });
    expect(checkOtlpLogs({}, { ...env, logsEndpoint: 'http://logs:1/in' }).target.url).toBe('http://logs:1/in');
    expect(checkOtlpLogs({ endpoint: 'http://code:1' }, { ...env, logsEndpoint: 'http://logs:1/in' }).target.url).toBe(
      'http://code:1/v1/logs',
    );
    const defaults = checkOtlpLogs({}, {});
    expect(defaults.batch).toMatchObject({ maxQueueItems: 10_000, maxBatchItems: 512, scheduleDelayMs: 1_000, exportTimeoutMs: 30_000 });
    expect(defaults).toMatchObject({
      timeoutMs: 10_000,
      target: { url: 'http://localhost:4318/v1/logs' },
      records: { maxAttributes: 128 },
    });
  });

  it.each([
    [{ endpoint: 'ftp://x' }, 'endpoint'],
    [{ logsEndpoint: 3 as never }, 'logsEndpoint'],
    [{ maxQueueRecords: 0 }, 'maxQueueRecords'],
    [{ maxQueueRecords: 5, maxBatchRecords: 6 }, 'maxBatchRecords'],
    [{ name: 'a\nb' }, 'name'],
    [{ levelNames: { loud: -1 } }, 'levelNames.loud'],
    [{ maxAttributes: 0.5 }, 'maxAttributes'],
    [{ headers: { 'a b': 'c' } }, 'headers'],
  ])('refuses %o', (options, option) => {
    expect(() => otlpLogSink(options)).toThrow(
      expect.objectContaining({ code: 'KYMO_EXPORT_OPTION', message: expect.stringContaining(option) }),
    );
  });
});

describe('a memory', () => {
  it('keeps records as they were written, with fields, errors, trace and logger', () => {
    const memory = memorySink({ levelNames: { notice: 35 } });
    expect(memory.entries()).toEqual([]);
    const logs = new NativeLogs(memory);
    const error = Object.assign(new TypeError('no'), { code: 'E1' });
    logs.write('hello', { n: 1, at: new Date(5), big: 2n ** 60n, bytes: new Uint8Array([1, 2]), list: [null, { a: 'é漢' }] });
    logs.write(undefined, { again: 1 }, { level: 35, logger: logRing().logger('db'), error });
    logs.write('traced', undefined, { bits: TRACED, t3: 2, s1: 3 });
    const [plain, failed, traced] = memory.entries() as [ExportedLog, ExportedLog, ExportedLog];
    expect(plain).toEqual({
      time: 1_700_000_000_123,
      level: 30,
      levelName: 'info',
      logger: '',
      message: 'hello',
      fields: { n: 1, at: new Date(5), big: 2n ** 60n, bytes: Buffer.from([1, 2]), list: [null, { a: 'é漢' }] },
    });
    expect(failed).toMatchObject({ level: 35, levelName: 'notice', logger: 'db', message: null, fields: { again: 1 } });
    expect(failed.fields.err).toMatchObject({
      type: 'TypeError',
      message: 'no',
      stack: expect.stringContaining('logs.test.ts'),
      code: 'E1',
    });
    expect(traced).toMatchObject({ traceId: '2'.padStart(32, '0'), spanId: '3'.padStart(16, '0'), traceFlags: 1 });
    memory.clear();
    expect(memory.entries()).toEqual([]);
  });

  it('keeps the last ones, within its bounds, and counts by level what made room', () => {
    const few = memorySink({ maxRecords: 2, name: 'few' });
    const small = memorySink({ maxBytes: 1_024, name: 'small' });
    const logs = new NativeLogs(few, small);
    for (const level of [20, 30, 30, 50]) logs.write('x'.repeat(300), undefined, { level });
    expect(few.entries().map(({ level }) => level)).toEqual([30, 50]);
    expect(small.entries().map(({ level }) => level)).toEqual([30, 50]);
    expect(counted('kymo_log_lines_dropped_total{level="debug",reason="queue_full",sink="few"}')).toBe(1);
    expect(counted('kymo_log_lines_dropped_total{level="info",reason="queue_full",sink="few"}')).toBe(1);
  });

  it.each([{ maxRecords: 0 }, { maxBytes: 1 }, { name: '' }])('refuses %o', (options) => {
    expect(() => memorySink(options)).toThrow(expect.objectContaining({ code: 'KYMO_EXPORT_OPTION' }));
  });
});

describe('a callback', () => {
  it('gets each record in order on the thread that configured it, and a promise is awaited', async () => {
    const got: unknown[] = [];
    let running = 0;
    const logs = new NativeLogs(
      callbackSink(async ({ message }) => {
        expect(++running).toBe(1);
        await new Promise((resolve) => setTimeout(resolve, 1));
        got.push(message);
        running -= 1;
      }),
    );
    for (let n = 0; n < 20; n++) logs.write(n);
    expect(await logs.flush()).toEqual([true]);
    expect(got).toEqual(Array.from({ length: 20 }, (_, n) => n));
    expect(await logs.close()).toEqual([true]);
  });

  it('that throws or rejects is counted, and neither the application nor another record sees it', async () => {
    const got: unknown[] = [];
    const logs = new NativeLogs(
      callbackSink(
        ({ message }) => {
          if (message === 'throw') throw new Error('on purpose');
          if (message === 'reject') return Promise.reject(Object.create(null));
          got.push(message);
        },
        { name: 'throwing' },
      ),
      memorySink(),
    );
    for (const message of ['a', 'throw', 'b', 'reject', 'c']) expect(logs.write(message)).toBe(true);
    expect(await logs.flush()).toEqual([true, true]);
    expect(got).toEqual(['a', 'b', 'c']);
    expect(counted('kymo_log_records_exported_total{exporter="throwing"}')).toBe(3);
    expect(counted('kymo_log_lines_dropped_total{level="unknown",reason="rejected",sink="throwing"}')).toBe(2);
    expect(counted('kymo_exporter_errors_total{exporter="throwing"}')).toBe(1);
    await logs.close();
  });

  it('that never settles costs its batch, and a close gives up on it', async () => {
    const logs = new NativeLogs(callbackSink(() => new Promise(() => undefined), { name: 'hanging', scheduleDelayMs: 0 }));
    logs.write('x');
    await until(() => counted('kymo_log_queue_size{exporter="hanging"}') === 0, 'the record on its way');
    expect(await logs.close(600)).toEqual([false]);
    expect(counted('kymo_log_lines_dropped_total{level="info",reason="shutdown",sink="hanging"}')).toBe(1);
  });

  it('is a function', () => {
    expect(() => callbackSink('x' as never)).toThrow(expect.objectContaining({ code: 'KYMO_EXPORT_OPTION' }));
  });
});

describe('a sink in a module', () => {
  const declared = (name: string, source: string): URL => {
    const file = join(folder, `${name}.mjs`);
    writeFileSync(file, source);
    return pathToFileURL(file);
  };
  const lines = (name: string): string[] =>
    readFileSync(join(folder, `${name}.log`), 'utf8')
      .trim()
      .split('\n');

  it('runs on a thread of its own with its options, and is flushed and shut down', async () => {
    const module = declared(
      'calm',
      `import { appendFileSync } from 'node:fs';
       import { isMainThread } from 'node:worker_threads';
       export function createLogSink({ file }) {
         const tell = (text) => appendFileSync(file, text + '\\n');
         return {
           export: (records) => tell(records.map(({ message, fields }) => message + ' ' + fields.n).join(',') + ' ' + isMainThread),
           forceFlush: () => tell('flush'),
           shutdown: () => tell('shutdown'),
         };
       }`,
    );
    const logs = new NativeLogs(moduleLogSink(module, { options: { file: join(folder, 'calm.log') }, maxBatchRecords: 2, name: 'calm' }));
    for (let n = 0; n < 3; n++) logs.write('line', { n });
    expect(await logs.flush()).toEqual([true]);
    expect(await logs.close()).toEqual([true]);
    expect(lines('calm')).toEqual(['line 0,line 1 false', 'line 2 false', 'flush', 'flush', 'shutdown']);
    expect(counted('kymo_log_records_exported_total{exporter="calm"}')).toBe(3);
  });

  it('that throws costs its batch; one without createLogSink costs its records, counted', async () => {
    const throwing = declared('throwing', 'export const createLogSink = () => ({ export() { throw new Error("no"); } });');
    const logs = new NativeLogs(moduleLogSink(throwing, { name: 'module-throws' }));
    logs.write('x', {}, { level: 50 });
    expect(await logs.flush()).toEqual([true]);
    expect(counted('kymo_log_lines_dropped_total{level="error",reason="exporter",sink="module-throws"}')).toBe(1);
    await logs.close();
  });

  it.each(['relative.mjs', 3 as never])('refuses %o', (module) => {
    expect(() => moduleLogSink(module)).toThrow(expect.objectContaining({ code: 'KYMO_EXPORT_OPTION' }));
  });
});
