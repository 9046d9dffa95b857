// What `fetch` and undici, Node's own and an installed one, leave behind and carry on.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Context, runInContext } from '../../src/context/context.js';
import { UndiciInstrumentation } from '../../src/instrument/undici.js';
import { MetricsRegistry } from '../../src/metrics/registry.js';
import { frameworksInstalled, requireFramework } from './frameworks.js';
import { type RecordedSpan, RecordedSpans } from './recorded-spans.js';

let tracing: RecordedSpans;
let registry: MetricsRegistry;
let instrumentation: UndiciInstrumentation;
let server: Server;
let base: string;
let handle: RequestListener;
let received: IncomingMessage[];

beforeEach(async () => {
  registry = new MetricsRegistry();
  tracing = new RecordedSpans(registry);
  received = [];
  handle = (_request, response) => response.end('hello');
  server = createServer((request, response) => {
    received.push(request);
    handle(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  instrumentation = new UndiciInstrumentation(tracing, {});
});

afterEach(() => {
  instrumentation.stop();
  server.closeAllConnections();
  server.close();
});

const numberOf = (span: RecordedSpan | undefined): string => String((span?.context.state as number) >>> 2);

interface Undici {
  request(url: string, options?: object): Promise<{ statusCode: number; body: { text(): Promise<string> } }>;
  RetryAgent: new (agent: object, options: object) => object;
  Agent: new () => { close(): Promise<void> };
}

const clients: [string, (url: string, init?: { method?: string; headers?: Record<string, string>; body?: string }) => Promise<number>][] = [
  [
    'fetch',
    async (url, init) => {
      const answer = await fetch(url, init);
      await answer.text();
      return answer.status;
    },
  ],
];
if (frameworksInstalled) {
  clients.push([
    'an installed undici',
    async (url, init) => {
      const { request } = requireFramework('undici') as Undici;
      const { statusCode, body } = await request(url, init);
      await body.text();
      return statusCode;
    },
  ]);
}

describe.each(clients)('client span of %s', (_name, call) => {
  it('has the attributes of the stable HTTP conventions and is carried on', async () => {
    expect(await call(`${base}/orders?token=secret`, { method: 'POST', body: 'x' })).toBe(200);
    const [span] = tracing.spans;
    await vi.waitFor(() => expect(span?.ended).toBe(1));
    expect([span?.name, span?.kind, span?.status]).toEqual(['POST', 'client', 'unset']);
    expect(span?.attributes).toEqual({
      'http.request.method': 'POST',
      'server.address': '127.0.0.1',
      'server.port': Number(base.split(':')[2]),
      'url.full': `${base}/orders?token=REDACTED`,
      'http.response.status_code': 200,
    });
    expect(received[0]?.headers['x-span']).toBe(numberOf(span));
  });

  it('is a child of the active context, and takes the place of a header that the application passed on', async () => {
    const outer = new Context(1, 2, 3, 4, (99 << 2) | 1);
    await runInContext(outer, () => call(base, { headers: { 'x-span': '12345' } }));
    expect(tracing.spans[0]?.parent).toBe(outer);
    expect(received[0]?.headers['x-span']).toBe(numberOf(tracing.spans[0]));
  });

  it('has the status error for 4xx and 5xx, and for what never answered', async () => {
    handle = (request, response) => (request.url === '/cut' ? request.socket.destroy() : response.writeHead(404).end());
    await call(base);
    await expect(call(`${base}/cut`)).rejects.toThrow();
    const [refused, cut] = tracing.spans;
    expect([refused?.status, refused?.attributes['error.type']]).toEqual(['error', '404']);
    expect([cut?.status, cut?.ended, cut?.attributes['error.type']]).toEqual([
      'error',
      1,
      expect.stringMatching(/^(UND_ERR_SOCKET|ECONNRESET)$/),
    ]);
    expect(cut?.exceptions).toHaveLength(1);
  });

  it('ends when the body has ended', async () => {
    let finish = (): void => undefined;
    handle = (_request, response) => {
      response.write('first');
      finish = () => response.end('last');
    };
    const called = call(base);
    await vi.waitFor(() => expect(tracing.spans[0]?.attributes['http.response.status_code']).toBe(200));
    expect(tracing.spans[0]?.ended).toBe(0);
    finish();
    await called;
    await vi.waitFor(() => expect(tracing.spans[0]?.ended).toBe(1));
    expect(registry.formatPrometheus()).toMatch(/http_client_request_duration_seconds_count\{.*http_response_status_code="200".*\} 1/);
  });

  it('is begun no more after stop(), which lets what is under way end', async () => {
    handle = (_request, response) => void setTimeout(() => response.end(), 20);
    const under = call(base);
    await vi.waitFor(() => expect(tracing.spans).toHaveLength(1));
    instrumentation.stop();
    await under;
    await vi.waitFor(() => expect(tracing.spans[0]?.ended).toBe(1));
    await call(base);
    expect(tracing.spans).toHaveLength(1);
  });
});

describe('client span of fetch', () => {
  it('ends when the application gives up', async () => {
    handle = () => undefined;
    await expect(fetch(base, { signal: AbortSignal.timeout(20) })).rejects.toThrow();
    await vi.waitFor(() => expect(tracing.spans[0]?.ended).toBe(1));
    expect(tracing.spans[0]?.status).toBe('error');
  });

  it('is one for each hop of a redirect', async () => {
    handle = (request, response) => (request.url === '/' ? response.writeHead(302, { location: '/there' }).end() : response.end());
    await (await fetch(base)).text();
    expect(tracing.spans.map((span) => [span.attributes['url.full'], span.attributes['http.response.status_code']])).toEqual([
      [`${base}/`, 302],
      [`${base}/there`, 200],
    ]);
    expect(received.map((message) => message.headers['x-span'])).toEqual(tracing.spans.map(numberOf));
  });
});
