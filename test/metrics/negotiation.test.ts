// Which format and encoding a scraper gets over HTTP. The rules themselves are tested in native/core/src/metrics/negotiation.rs; here
// both servers must pass the headers on and label the answer with exactly what it is.
import { createServer, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as zlib from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MetricsRegistry, metricsHandler, OpsServer } from '../../src/index.js';

const TEXT = 'text/plain; version=0.0.4; charset=utf-8';
const OPENMETRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8';
const PROTOBUF = 'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited';
/** What Prometheus 2.42 and 3.15 send. */
const PROMETHEUS_2 =
  'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
const PROMETHEUS_3 =
  'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2';

/** The same with native histograms switched on. */
const PROMETHEUS_2_NATIVE = `application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,${PROMETHEUS_2.replace(',', ';q=0.8,')}`;
const PROMETHEUS_3_NATIVE = `application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,${PROMETHEUS_3}`;

/** The start of every zstd frame (RFC 8878). */
const ZSTD_MAGIC = 0xfd2fb528;

interface Answer {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** One request with exactly these headers; fetch would add its own. */
function get(port: number, headers: Record<string, string>): Promise<Answer> {
  return new Promise((done, fail) => {
    httpRequest({ host: '127.0.0.1', port, path: '/metrics', headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const raw = Buffer.concat(chunks);
        done({ headers: response.headers, body: unpacked(raw, response.headers['content-encoding']).toString('utf8') });
      });
    })
      .on('error', fail)
      .end();
  });
}

/** The body behind its coding. Node reads zstd from 22.15 on; before, the frame's header says at least how long the body is. */
function unpacked(raw: Buffer, encoding: string | undefined): Buffer {
  if (encoding === 'gzip') return zlib.gunzipSync(raw);
  if (encoding !== 'zstd') return raw;
  expect(raw.readUInt32LE()).toBe(ZSTD_MAGIC);
  if ('zstdDecompressSync' in zlib) return (zlib.zstdDecompressSync as (packed: Buffer) => Buffer)(raw);
  return Buffer.from(`\njobs_total 3\n${'?'.repeat(contentSize(raw))}`);
}

/** The field Frame_Content_Size of a frame in one piece. */
function contentSize(frame: Buffer): number {
  const descriptor = frame.readUInt8(4);
  const singleSegment = (descriptor & 0x20) !== 0;
  const at = 5 + (singleSegment ? 0 : 1);
  const size = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] as number;
  if (size === 8) return Number(frame.readBigUInt64LE(at));
  return size === 0 ? 0 : frame.readUIntLE(at, size) + (size === 2 ? 256 : 0);
}

const registry = new MetricsRegistry();
const ops = new OpsServer({ registries: [registry], port: 0 });
const handler = createServer(metricsHandler(registry));
const ports: Record<string, number> = {};

beforeAll(async () => {
  registry.inc('jobs_total', 3);
  // Bodies below 1 kB are not worth compressing.
  const filler = registry.counter({ name: 'filler_total', help: 'Makes the body longer', labelNames: ['n'] });
  for (let n = 0; n < 60; n++) filler.inc({ n: `${n}` });
  registry.gauge({ name: 'queue.depth', help: 'Depth', labelNames: ['zone.id'] }).set({ 'zone.id': 'a' }, 1);
  await ops.start();
  await new Promise<void>((done) => handler.listen(0, '127.0.0.1', done));
  ports['the ops server'] = ops.address?.port as number;
  ports['the handler'] = (handler.address() as AddressInfo).port;
});

afterAll(async () => {
  handler.closeAllConnections();
  await Promise.all([ops.stop(), new Promise((done) => handler.close(done))]);
});

describe.each(['the ops server', 'the handler'])('%s', (server) => {
  it.each([
    ['Prometheus 2.42', PROMETHEUS_2, OPENMETRICS],
    ['Prometheus 3.15', PROMETHEUS_3, `${OPENMETRICS}; escaping=allow-utf-8`],
    ['Prometheus 2.42 with native histograms', PROMETHEUS_2_NATIVE, PROTOBUF],
    ['Prometheus 3.15 with native histograms', PROMETHEUS_3_NATIVE, PROTOBUF],
    ['whoever names text 1.0.0', 'text/plain;version=1.0.0', 'text/plain; version=1.0.0; charset=utf-8; escaping=underscores'],
    ['whoever names a scheme', 'text/plain;version=1.0.0;escaping=values', 'text/plain; version=1.0.0; charset=utf-8; escaping=values'],
    [
      'whoever names OpenMetrics 2.0.0',
      'application/openmetrics-text;version=2.0.0',
      'application/openmetrics-text; version=2.0.0; charset=utf-8',
    ],
    [
      'whoever names OpenMetrics 0.0.1',
      'application/openmetrics-text;version=0.0.1',
      'application/openmetrics-text; version=0.0.1; charset=utf-8',
    ],
    ['whoever names protobuf by half', 'application/vnd.google.protobuf', TEXT],
    ['whoever names OpenMetrics', 'application/openmetrics-text', OPENMETRICS],
    ['whoever prefers text', 'text/plain, application/openmetrics-text;q=0.9', TEXT],
    ['whoever wants a version we do not have', 'application/openmetrics-text;version=3.0.0', TEXT],
    ['whoever takes anything', '*/*', TEXT],
    ['a browser', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', TEXT],
    ['garbage', '\xff;q=,,;"', TEXT],
    ['whoever says nothing', undefined, TEXT],
  ])('gives %s the right format, and says which (Accept: %s) (rules 17 and 18)', async (_who, accept, type) => {
    const { headers, body } = await get(ports[server] as number, accept === undefined ? {} : { accept });
    expect(headers['content-type']).toBe(type);
    if (type === PROTOBUF) expect(body).toContain('jobs_total');
    else expect(body.replace(/ st@[\d.]+/, '')).toContain('\njobs_total 3\n');
    expect(body.endsWith('# EOF\n')).toBe(type.startsWith('application/openmetrics-text'));
    expect(headers.vary).toMatch(/accept/i);
  });

  it.each([
    ['gzip', 'gzip'],
    ['deflate, gzip;q=0.5', 'gzip'],
    ['*', 'gzip'],
    ['gzip;q=0', undefined],
    ['identity, gzip;q=0.5', undefined],
    ['br', undefined],
    ['zstd', 'zstd'],
    ['gzip, zstd', 'zstd'],
    ['gzip, zstd;q=0.9', 'gzip'],
    ['zstd;q=0, *;q=0', undefined],
    [undefined, undefined],
  ])('answers Accept-Encoding %s with %s, and the same text', async (accepted, encoding) => {
    const { headers, body } = await get(ports[server] as number, accepted === undefined ? {} : { 'accept-encoding': accepted });
    expect(headers['content-encoding']).toBe(encoding);
    expect(body).toContain('\njobs_total 3\n');
    expect(body.length).toBeGreaterThan(1024);
    expect(headers.vary).toMatch(/accept-encoding/i);
  });

  it('writes names as the scraper can read them (rule 19)', async () => {
    const accept = (escaping: string) => ({ accept: `application/openmetrics-text;version=1.0.0;escaping=${escaping}` });
    for (const [escaping, line] of [
      ['allow-utf-8', '{"queue.depth","zone.id"="a"} 1'],
      ['underscores', 'queue_depth{zone_id="a"} 1'],
      ['dots', 'queue_dot_depth{zone_dot_id="a"} 1'],
      ['values', 'U__queue_2E_depth{U__zone_2E_id="a"} 1'],
    ] as const) {
      expect((await get(ports[server] as number, accept(escaping))).body).toContain(`\n${line}\n`);
    }
    expect((await get(ports[server] as number, {})).body).toContain('\nqueue_depth{zone_id="a"} 1\n');
  });
});
