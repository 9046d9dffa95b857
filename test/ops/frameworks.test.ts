// The metrics handler in the frameworks that people have: published ones, mounted as the guide says.
import type { RequestListener } from 'node:http';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MetricsRegistry, metricsHandler } from '../../src/index.js';
import { consumersInstalled, requireInstalled } from '../consumers.js';
import { ask } from './clients.js';

const registry = new MetricsRegistry();
const counter = registry.counter({ name: 'framed_total', help: 'Framed', labelNames: ['n'] });
for (let n = 0; n < 100; n += 1) counter.inc({ n });
registry.inc('other_total');
const handler = metricsHandler({ registries: [registry], maxScrapesInFlight: 2 });

/** What is used of express. */
interface Express {
  (): Express & RequestListener;
  get(path: string, handler: unknown): void;
  use(path: string, handler: unknown): void;
}

/** What is used of fastify. */
interface Fastify {
  get(path: string, handler: (request: { raw: http.IncomingMessage }, reply: { raw: http.ServerResponse; hijack(): void }) => void): void;
  listen(options: { port: number; host: string }): Promise<string>;
  close(): Promise<void>;
}

async function withExpress(): Promise<{ port: number; close(): unknown }> {
  const app = (requireInstalled('express') as Express)();
  app.get('/metrics', handler);
  app.use('/mounted/here', handler);
  const server = http.createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}

async function withFastify(): Promise<{ port: number; close(): unknown }> {
  const fastify = (requireInstalled('fastify') as () => Fastify)();
  for (const path of ['/metrics', '/mounted/here']) {
    fastify.get(path, (request, reply) => {
      reply.hijack();
      handler(request.raw, reply.raw);
    });
  }
  const url = await fastify.listen({ port: 0, host: '127.0.0.1' });
  return { port: Number(new URL(url).port), close: () => fastify.close() };
}

describe.runIf(consumersInstalled).each([
  ['express', withExpress],
  ['fastify', withFastify],
])('metricsHandler in %s', (_, start) => {
  let server: { port: number; close(): unknown };
  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server.close());

  it.each(['/metrics', '/mounted/here'])('answers %s, negotiates, and reads the query', async (path) => {
    const { status, headers, text } = await ask(server.port, path);
    expect([status, headers['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    expect(text).toContain('framed_total{n="0"} 1\n');
    const asked = { accept: 'application/openmetrics-text; version=1.0.0', 'accept-encoding': 'gzip' };
    const zipped = await ask(server.port, path, { headers: asked });
    expect([zipped.headers['content-encoding'], zipped.headers.vary]).toEqual(['gzip', 'Accept, Accept-Encoding']);
    expect(gunzipSync(zipped.body).toString()).toMatch(/# EOF\n$/);
    expect((await ask(server.port, `${path}?name[]=other_total`)).text).not.toContain('framed_total');
  });

  it('answers more scrapes one after another than may be in flight', async () => {
    for (let n = 0; n < 10; n += 1) expect((await ask(server.port, '/metrics')).status).toBe(200);
    const head = await ask(server.port, '/metrics', { method: 'HEAD' });
    expect([head.status, head.body.length, Number(head.headers['content-length']) > 1000]).toEqual([200, 0, true]);
  });
});
