// Which format and encoding a scraper gets over HTTP. The rules themselves are tested in native/core/src/metrics/negotiation.rs; here
// both servers must pass the headers on and label the answer with exactly what it is.
import { createServer, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MetricsRegistry, metricsHandler, OpsServer } from '../../src/index.js';

const TEXT = 'text/plain; version=0.0.4; charset=utf-8';
const OPENMETRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8';
/** What Prometheus 2.42 and 3.15 send. */
const PROMETHEUS_2 =
  'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
const PROMETHEUS_3 =
  'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2';

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
        const body = response.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw;
        done({ headers: response.headers, body: body.toString('utf8') });
      });
    })
      .on('error', fail)
      .end();
  });
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
    ['Prometheus 3.15', PROMETHEUS_3, OPENMETRICS],
    ['whoever names OpenMetrics', 'application/openmetrics-text', OPENMETRICS],
    ['whoever prefers text', 'text/plain, application/openmetrics-text;q=0.9', TEXT],
    ['whoever wants a version we do not have', 'application/openmetrics-text;version=2.0.0', TEXT],
    ['whoever takes anything', '*/*', TEXT],
    ['a browser', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', TEXT],
    ['garbage', '\xff;q=,,;"', TEXT],
    ['whoever says nothing', undefined, TEXT],
  ])('gives %s the right format, and says which (Accept: %s)', async (_who, accept, type) => {
    const { headers, body } = await get(ports[server] as number, accept === undefined ? {} : { accept });
    expect(headers['content-type']).toBe(type);
    expect(body).toContain('\njobs_total 3\n');
    expect(body.endsWith('# EOF\n')).toBe(type === OPENMETRICS);
    expect(headers.vary).toMatch(/accept/i);
  });

  it.each([
    ['gzip', 'gzip'],
    ['deflate, gzip;q=0.5', 'gzip'],
    ['*', 'gzip'],
    ['gzip;q=0', undefined],
    ['identity, gzip;q=0.5', undefined],
    ['br', undefined],
    [undefined, undefined],
  ])('answers Accept-Encoding %s with %s, and the same text', async (accepted, encoding) => {
    const { headers, body } = await get(ports[server] as number, accepted === undefined ? {} : { 'accept-encoding': accepted });
    expect(headers['content-encoding']).toBe(encoding);
    expect(body).toContain('\njobs_total 3\n');
    expect(headers.vary).toMatch(/accept-encoding/i);
  });
});
