// The handler that mounts metrics into a server of the application's own.
import { spawnSync } from 'node:child_process';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MetricsHandlerOptions, MetricsRegistry, metricsHandler } from '../../src/index.js';
import { DIST } from '../recorder/processes.js';
import { type Answer, ask } from './clients.js';

const registry = new MetricsRegistry();
const counter = registry.counter({ name: 'handled_total', help: 'Handled', labelNames: ['n'] });
const handler = metricsHandler(registry);
const server = http.createServer((request, response) => {
  if (request.url?.split('?')[0] === '/metrics') handler(request, response);
  else response.end('the application');
});
let port = 0;

/** One request to a server of one listener. */
async function through(listener: http.RequestListener, path: string): Promise<Answer> {
  const one = http.createServer(listener);
  await new Promise<void>((resolve) => one.listen(0, '127.0.0.1', resolve));
  try {
    return await ask((one.address() as AddressInfo).port, path);
  } finally {
    one.close();
  }
}

beforeAll(async () => {
  for (let n = 0; n < 100; n += 1) counter.inc({ n: String(n) });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  server.close();
});

describe('metricsHandler', () => {
  it('[H-50] serves text 0.0.4 at /metrics of the application’s server', async () => {
    const { status, headers, text } = await ask(port, '/metrics');
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(headers['content-length']).toBe(String(Buffer.byteLength(text)));
    expect(text).toContain('# TYPE handled_total counter\nhandled_total{n="0"} 1\n');
    expect((await ask(port, '/')).text).toBe('the application');
  });

  it('shows what was counted before the request', async () => {
    counter.inc({ n: 'fresh' }, 7);
    expect((await ask(port, '/metrics')).text).toContain('handled_total{n="fresh"} 7\n');
  });

  it('negotiates OpenMetrics and gzip', async () => {
    const headers = { accept: 'application/openmetrics-text; version=1.0.0; charset=utf-8', 'accept-encoding': 'gzip, deflate' };
    const answer = await ask(port, '/metrics', { headers });
    expect(answer.headers).toMatchObject({
      'content-type': 'application/openmetrics-text; version=1.0.0; charset=utf-8',
      'content-encoding': 'gzip',
      vary: 'Accept, Accept-Encoding',
    });
    expect(gunzipSync(answer.body).toString()).toMatch(/# EOF\n$/);
  });

  it('gives zstd, and some metrics by name', async () => {
    const packed = await ask(port, '/metrics', { headers: { 'accept-encoding': 'zstd' } });
    expect([packed.headers['content-encoding'], packed.body.subarray(0, 4).toString('hex')]).toEqual(['zstd', '28b52ffd']);
    expect((await ask(port, '/metrics?name[]=nobody_has_it')).body.length).toBe(0);
    expect((await ask(port, '/metrics?name%5B%5D=handled_total')).text).toContain('handled_total{n="0"} 1\n');
  });

  it('answers HEAD like GET without a body, OPTIONS with Allow, and other methods with 405', async () => {
    const get = await ask(port, '/metrics');
    const head = await ask(port, '/metrics', { method: 'HEAD' });
    expect([head.status, head.headers['content-length'], head.body.length]).toEqual([200, get.headers['content-length'], 0]);
    const options = await ask(port, '/metrics', { method: 'OPTIONS' });
    expect([options.status, options.headers.allow]).toEqual([204, 'GET, HEAD, OPTIONS']);
    expect((await ask(port, '/metrics', { method: 'POST' })).status).toBe(405);
  });

  it('takes options, too, and refuses what it cannot serve by name', async () => {
    expect((await through(metricsHandler({ registries: [registry] }), '/')).text).toContain('handled_total{n="0"} 1\n');
    expect((await through(metricsHandler(), '/')).body.length).toBe(0);
    const other = new MetricsRegistry();
    other.inc('other_total');
    for (const merged of [
      metricsHandler(MetricsRegistry.merge([registry, other])),
      metricsHandler(registry, MetricsRegistry.merge([other])),
    ]) {
      const { text } = await through(merged, '/');
      expect([text.includes('handled_total{n="0"} 1\n'), text.includes('other_total 1\n')]).toEqual([true, true]);
    }
    for (const [name, make] of [
      ['registries', () => metricsHandler({} as MetricsHandlerOptions)],
      ['registries', () => metricsHandler(registry, { id: 1 } as unknown as MetricsRegistry)],
      ['registries', () => metricsHandler(undefined as unknown as MetricsRegistry)],
      ['maxScrapesInFlight', () => metricsHandler({ registries: [registry], maxScrapesInFlight: 1.5 })],
      ['scrapeTimeoutMs', () => metricsHandler({ registries: [registry], scrapeTimeoutMs: 0 })],
    ] as const) {
      expect(make).toThrow(expect.objectContaining({ code: 'KYMO_OPS_OPTION', message: expect.stringContaining(name) }));
    }
  });

  it('reads the query wherever a framework mounts it, and refuses one that lists too many names', async () => {
    const mounted = (url: string): http.RequestListener => {
      return (request, response) => {
        request.url = url; // What connect and express leave of the target, behind the path it is mounted at.
        handler(request, response);
      };
    };
    for (const url of ['', '/', '?x=1', '/?x=1#name[]=y']) expect((await through(mounted(url), '/metrics')).status, url).toBe(200);
    const many = (n: number): string => `/?${'name[]=&'.repeat(n)}`;
    expect((await through(mounted(many(256)), '/metrics')).status).toBe(200);
    expect((await through(mounted(many(257)), '/metrics')).status).toBe(400);
  });

  it('does nothing for a response that is over', async () => {
    const { text } = await through((request, response) => {
      response.end('somebody else was faster');
      handler(request, response);
    }, '/');
    expect(text).toBe('somebody else was faster');
  });

  it('survives clients that leave before the answer', async () => {
    const left = Array.from({ length: 20 }, () => {
      const request = http.get({ host: '127.0.0.1', port, path: '/metrics', agent: false });
      request.on('error', () => undefined);
      return new Promise<void>((resolve) => {
        request.on('socket', (socket) => socket.on('connect', () => setImmediate(() => request.destroy()).unref()));
        request.on('close', resolve);
      });
    });
    await Promise.all(left);
    expect((await ask(port, '/metrics')).status).toBe(200);
  });

  it('keeps a registry that nobody else holds', () => {
    const script = `import http from 'node:http'; import { once } from 'node:events';
      import { MetricsRegistry, metricsHandler } from '${DIST}index.js';
      const handler = (() => { const held = new MetricsRegistry(); held.inc('kept_total'); return metricsHandler(held); })();
      const server = http.createServer(handler).listen(0, '127.0.0.1');
      await once(server, 'listening');
      for (let turn = 0; turn < 5; turn += 1) { globalThis.gc(); await new Promise((done) => setTimeout(done, 10)); }
      const answer = await fetch('http://127.0.0.1:' + server.address().port);
      console.log(await answer.text());
      process.exit();`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', script], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(stdout).toContain('kept_total 1\n');
  });
});
