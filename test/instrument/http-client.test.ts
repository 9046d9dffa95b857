// What a request that this process sends through node:http leaves behind, and what it carries: on every Node version, whatever agent.
import { once } from 'node:events';
import http, { createServer, type IncomingMessage, type RequestListener, request, type Server } from 'node:http';
import https from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Context, runInContext } from '../../src/context/context.js';
import type { HttpClientOptions } from '../../src/instrument/client-calls.js';
import { HttpClientInstrumentation } from '../../src/instrument/http-client.js';
import { TracedHttpAgent, TracedHttpsAgent } from '../../src/instrument/traced-agent.js';
import { MetricsRegistry } from '../../src/metrics/registry.js';
import { type RecordedSpan, RecordedSpans } from './recorded-spans.js';

let tracing: RecordedSpans;
let registry: MetricsRegistry;
let instrumentation: HttpClientInstrumentation;
let server: Server;
let port: number;
let handle: RequestListener;
let received: IncomingMessage[];

/** Node 20 tells nobody of a request before its headers are written, but for our agents. */
const [major = 0] = process.versions.node.split('.').map(Number);
const NODE_TELLS = major > 20;

function instrument(options: HttpClientOptions = {}): void {
  instrumentation?.stop();
  instrumentation = new HttpClientInstrumentation(tracing, options);
}

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
  port = (server.address() as AddressInfo).port;
  instrument();
});

afterEach(() => {
  instrumentation.stop();
  server.closeAllConnections();
  server.close();
});

/** Sends a request, reads the answer and gives its span, once it has ended. */
async function ask(options: http.RequestOptions, body = ''): Promise<RecordedSpan> {
  const before = tracing.spans.length;
  const sent = request({ host: '127.0.0.1', port, ...options });
  sent.on('error', () => undefined);
  sent.on('response', (answer) => answer.on('error', () => undefined).resume());
  sent.end(body);
  await vi.waitFor(() => expect(tracing.spans[before]?.ended).toBe(1), { timeout: 5_000 });
  return tracing.spans[before] as RecordedSpan;
}

describe('client span of node:http', () => {
  it('has the attributes of the stable HTTP conventions and is carried on', async () => {
    handle = (_request, response) => response.writeHead(201).end('hello');
    const span = await ask({ method: 'POST', path: '/orders?key=secret&page=2' }, 'body');
    expect([span.name, span.kind, span.status, span.ended]).toEqual(['POST', 'client', 'unset', 1]);
    expect(span.attributes).toEqual({
      'http.request.method': 'POST',
      'server.address': '127.0.0.1',
      'server.port': port,
      'url.full': `http://127.0.0.1:${port}/orders?key=REDACTED&page=2`,
      'http.response.status_code': 201,
      'network.protocol.version': '1.1',
    });
    expect(received[0]?.headers['x-span']).toBe(String((span.context.state as number) >>> 2));
  });

  it('is a child of the active context, from which another one that the application passed on is replaced', async () => {
    const outer = new Context(1, 2, 3, 4, (99 << 2) | 1);
    const span = await runInContext(outer, () => ask({ headers: { 'X-Span': '12345' } }));
    expect(span.parent).toBe(outer);
    expect(received[0]?.headers['x-span']).toBe(String((span.context.state as number) >>> 2));
  });

  it('has the status error for 4xx and 5xx', async () => {
    for (const [code, status, errorType] of [
      [302, 'unset', undefined],
      [404, 'error', '404'],
      [503, 'error', '503'],
    ] as const) {
      handle = (_request, response) => response.writeHead(code).end();
      const span = await ask({});
      expect([span.status, span.attributes['error.type'], span.attributes['http.response.status_code']]).toEqual([status, errorType, code]);
    }
  });

  it('ends when the body has ended, not at its head', async () => {
    let finish = (): void => undefined;
    handle = (_request, response) => {
      response.write('first');
      finish = () => response.end('last');
    };
    const ended = ask({});
    await vi.waitFor(() => expect(tracing.spans[0]?.attributes['http.response.status_code']).toBe(200));
    expect(tracing.spans[0]?.ended).toBe(0);
    finish();
    await ended;
  });

  it('names what went wrong: refused, cut, destroyed, timed out, aborted', async () => {
    const closed = createTcpServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const nobody = (closed.address() as AddressInfo).port;
    closed.close();
    const refused = await ask({ port: nobody });
    expect([refused.status, refused.attributes['error.type'], (refused.exceptions[0] as Error).message]).toEqual([
      'error',
      'ECONNREFUSED',
      expect.stringContaining('ECONNREFUSED'),
    ]);

    handle = (request) => request.socket.destroy();
    expect((await ask({})).attributes['error.type']).toBe('ECONNRESET');

    handle = (request, response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('half');
      setTimeout(() => request.socket.destroy(), 10);
    };
    const cut = await ask({});
    expect([cut.status, cut.attributes['error.type'], cut.attributes['http.response.status_code']]).toEqual(['error', 'ECONNRESET', 200]);

    handle = () => undefined;
    class UpstreamTimeout extends Error {}
    const late = request({ host: '127.0.0.1', port });
    late.on('error', () => undefined).end();
    setTimeout(() => late.destroy(new UpstreamTimeout('too late')), 10);
    await vi.waitFor(() => expect(tracing.spans.at(-1)?.ended).toBe(1));
    expect(tracing.spans.at(-1)?.attributes['error.type']).toBe('UpstreamTimeout');

    const aborted = await ask({ signal: AbortSignal.timeout(10) });
    expect([aborted.status, aborted.attributes['error.type']]).toEqual(['error', 'ABORT_ERR']);
  });

  it('is one for each attempt, and goes through the default agent, none, and an own one', async () => {
    const agents = [undefined, false as const, new TracedHttpAgent({ keepAlive: true })];
    for (const agent of agents) await ask({ agent: agent as http.Agent });
    const carried = received.map((message) => message.headers['x-span']);
    expect(carried).toEqual(tracing.spans.map((span) => String((span.context.state as number) >>> 2)));
    expect(carried).toHaveLength(3);
  });

  it('is had with any agent; on Node 20 only those that tell carry the trace', async () => {
    const span = await ask({ agent: new http.Agent({ keepAlive: true }) });
    expect(received[0]?.headers['x-span']).toBe(NODE_TELLS ? String((span.context.state as number) >>> 2) : undefined);
    expect(span.attributes['http.response.status_code']).toBe(200);
  });

  it('is had where headers are a list, which Node writes before anybody is told', async () => {
    const span = await ask({ headers: ['Host', 'a', 'X-Given', '1'] as never });
    expect([span.attributes['http.response.status_code'], received[0]?.headers['x-given']]).toEqual([200, '1']);
  });

  it('is not begun for what becomes another protocol, which carries its parent', async () => {
    server.on('upgrade', (request, socket) => {
      received.push(request);
      socket.end('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n');
    });
    const sent = request({ host: '127.0.0.1', port, headers: { connection: 'upgrade', upgrade: 'x' } }).end();
    await once(sent, 'upgrade');
    expect([tracing.spans.length, received[0]?.headers['x-span']]).toEqual([0, '0']);
  });

  it('is not begun for what is ignored, nor outside of a trace if so told', async () => {
    instrument({
      ignore: ({ path, origin, method }) => `${method} ${origin}${path}` === `GET http://127.0.0.1:${port}/live`,
      onlyInTrace: true,
    });
    const answer = once(request({ host: '127.0.0.1', port, path: '/live' }).end(), 'response');
    (await answer)[0].resume();
    const root = once(request({ host: '127.0.0.1', port, path: '/root' }).end(), 'response');
    (await root)[0].resume();
    await runInContext(new Context(1, 2, 3, 4, 5), () => ask({ path: '/inside' }));
    expect(tracing.spans.map((span) => span.attributes['url.full'])).toEqual([`http://127.0.0.1:${port}/inside`]);
    expect([received[0]?.headers['x-span'], received[1]?.headers['x-span']]).toEqual([undefined, '0']);
  });

  it('is begun no more after stop(), which puts the default agents back', async () => {
    instrumentation.stop();
    const [own, ownTls] = [http.globalAgent, https.globalAgent];
    instrument();
    expect([http.globalAgent === own, https.globalAgent instanceof TracedHttpsAgent]).toEqual([NODE_TELLS, !NODE_TELLS]);
    instrumentation.stop();
    expect([http.globalAgent, https.globalAgent]).toEqual([own, ownTls]);
    const answer = once(request({ host: '127.0.0.1', port }).end(), 'response');
    (await answer)[0].resume();
    expect([tracing.spans.length, received[0]?.headers['x-span']]).toEqual([0, undefined]);
  });
});

describe('duration of a client request', () => {
  it('is counted by method, target, status and error', async () => {
    await ask({});
    await ask({});
    handle = (request) => request.socket.destroy();
    await ask({ method: 'DELETE' });
    const lines = registry
      .formatPrometheus()
      .split('\n')
      .filter((line) => line.startsWith('http_client_request_duration_seconds_count'));
    expect(lines.sort()).toEqual([
      `http_client_request_duration_seconds_count{http_request_method="DELETE",http_response_status_code="",network_protocol_version="",server_address="127.0.0.1",server_port="${port}",error_type="ECONNRESET"} 1`,
      `http_client_request_duration_seconds_count{http_request_method="GET",http_response_status_code="200",network_protocol_version="1.1",server_address="127.0.0.1",server_port="${port}",error_type=""} 2`,
    ]);
  });
});
