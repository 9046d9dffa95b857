// The gateway in front of an upstream that each test makes behave as it needs: what reaches it, what comes back, what is counted.
import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, type RequestListener, request, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Gateway } from '../../src/demo/gateway.js';
import { Samples } from '../../src/demo/samples.js';
import { configureLogging, getLogger, memorySink, metrics } from '../../src/index.js';

const lines = memorySink();
configureLogging({ sinks: [lines] });

let upstream: Server;
let gateway: Gateway;
let agent: Agent;
let handle: RequestListener;
let before: Samples;

beforeEach(async () => {
  upstream = createServer((request, response) => handle(request, response)).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  gateway = await Gateway.start({ port: 0, upstreamPort: (upstream.address() as AddressInfo).port, log: getLogger('access') });
  agent = new Agent({ keepAlive: true });
  before = read();
});

afterEach(async () => {
  agent.destroy();
  await gateway.close();
  upstream.closeAllConnections();
  upstream.close();
});

const read = (): Samples => new Samples(metrics.formatPrometheus());
/** What was added to a counter since the test began. */
const added = (name: string, where: Record<string, string> = {}): number => read().sum(name, where) - before.sum(name, where);
/** The same, once it is `value`: the gateway counts when the last byte has gone out, which the client may see first. */
const becomes = (name: string, where: Record<string, string>, value: number) =>
  vi.waitFor(() => expect([name, where, added(name, where)]).toEqual([name, where, value]), { timeout: 10_000 });

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

function open(method: string, path: string, headers: Record<string, string> = {}, body = ''): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: gateway.host, port: gateway.port, method, path, headers, agent }, resolve);
    sent.once('error', reject);
    sent.end(body);
  });
}

async function ask(...args: Parameters<typeof open>): Promise<Answer> {
  const answer = await open(...args);
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: await textOf(answer) };
}

async function textOf(stream: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of stream.setEncoding('utf8')) text += chunk;
  return text;
}

describe('gateway', () => {
  it('forwards a request and its answer, each without the headers of the other connection', async () => {
    const seen: IncomingMessage[] = [];
    handle = (request, response) => {
      seen.push(request);
      response.writeHead(203, { 'x-answer': 'yes', connection: 'x-private, keep-alive', 'x-private': '1', 'set-cookie': ['a=1', 'b=2'] });
      response.end('hello');
    };
    const answer = await ask('GET', '/users/7?q=1', { 'x-asked': 'yes', connection: 'x-hop, keep-alive', 'x-hop': '1', te: 'trailers' });
    expect([answer.status, answer.body, answer.headers['x-answer'], answer.headers['x-private']]).toEqual([203, 'hello', 'yes', undefined]);
    expect(answer.headers['set-cookie']).toEqual(['a=1', 'b=2']);
    expect([seen[0].url, seen[0].headers['x-asked'], seen[0].headers['x-hop'], seen[0].headers.te]).toEqual([
      '/users/7?q=1',
      'yes',
      undefined,
      undefined,
    ]);
    expect(seen[0].headers['x-forwarded-for']).toBe('127.0.0.1');
    await becomes('http_requests_total', { method: 'GET', route: '/users/:id', status: '203' }, 1);
    expect(added('http_request_duration_seconds_count', { method: 'GET', route: '/users/:id' })).toBe(1);
    expect(added('upstream_requests_total', { outcome: 'answered' })).toBe(1);
    expect(added('upstream_response_bytes_total')).toBe(5);
    expect(read().sum('http_requests_in_flight')).toBe(0);
  });

  it('gives each request an id, keeps a sound one of the client, on both sides', async () => {
    handle = (request, response) => response.end(String(request.headers['x-request-id']));
    const own = await ask('GET', '/orders');
    expect(own.body).toMatch(/^[0-9a-f-]{36}$/);
    expect(own.headers['x-request-id']).toBe(own.body);
    expect((await ask('GET', '/orders', { 'x-request-id': 'client.1:a' })).body).toBe('client.1:a');
    for (const unsound of ['a b', 'x'.repeat(129), '"}'])
      expect((await ask('GET', '/orders', { 'x-request-id': unsound })).body).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('keeps connections on both sides', async () => {
    const sockets = new Set<Socket>();
    handle = (request, response) => {
      sockets.add(request.socket);
      response.end();
    };
    const outer = new Set<unknown>();
    for (let i = 0; i < 5; i++) {
      const answer = await open('GET', '/orders');
      outer.add(answer.socket);
      await textOf(answer);
    }
    expect([sockets.size, outer.size]).toEqual([1, 1]);
  });

  it('sends a request again, once, when the connection broke', async () => {
    let calls = 0;
    handle = (request, response) => void (++calls === 1 ? request.socket.destroy() : response.end('second'));
    expect((await ask('GET', '/search')).body).toBe('second');
    expect([calls, added('upstream_retries_total'), added('upstream_requests_total', { outcome: 'broken' })]).toEqual([2, 1, 1]);

    calls = 0;
    handle = (request) => {
      calls += 1;
      request.socket.destroy();
    };
    expect((await ask('DELETE', '/sessions/1')).status).toBe(502);
    expect(calls).toBe(2);
    await becomes('http_requests_total', { method: 'DELETE', route: '/sessions/:id', status: '502' }, 1);
  });

  it('sends nothing again that is not idempotent, or whose body has gone', async () => {
    let calls = 0;
    handle = (request) => {
      calls += 1;
      request.socket.destroy();
    };
    expect((await ask('POST', '/orders')).status).toBe(502);
    expect((await ask('PUT', '/files/a', { 'content-length': '3' }, 'abc')).status).toBe(502);
    expect([calls, added('upstream_retries_total')]).toEqual([2, 0]);
  });

  it('answers 502 when nobody listens at the upstream', async () => {
    upstream.close();
    await once(upstream, 'close');
    const answer = await ask('GET', '/orders');
    expect([answer.status, answer.body]).toEqual([502, '{"error":"the upstream is not reachable"}\n']);
    upstream.listen(0);
  });

  it('answers 504 when the upstream is silent, and sends it nothing again', async () => {
    let calls = 0;
    handle = () => void calls++;
    const answer = await ask('GET', '/reports/2024');
    expect([answer.status, calls]).toEqual([504, 1]);
    expect(answer.body).toBe('{"error":"the upstream did not answer in time"}\n');
    await becomes('upstream_requests_total', { outcome: 'timeout' }, 1);
  });

  it('does not blame the upstream for an answer that came while the own loop was blocked', async () => {
    handle = (_request, response) => void setTimeout(() => response.end('in time'), 50);
    // The upstream of this test shares the loop, so the answer is already in the socket when the loop is blocked.
    const asked = ask('GET', '/orders');
    await pause(20);
    const untilMs = performance.now() + 1_300;
    while (performance.now() < untilMs);
    expect((await asked).body).toBe('in time');
  });

  it('streams a body up, framed also where the method has none as a rule', async () => {
    const seen: string[] = [];
    handle = async (request, response) => {
      seen.push(`${request.method} ${request.url} ${await textOf(request)}`);
      response.end();
    };
    const body = 'DELETE /sessions/1 HTTP/1.1\r\nhost: x\r\n\r\n';
    await ask('GET', '/orders', { 'transfer-encoding': 'chunked' }, body);
    await ask('GET', '/orders', { 'content-length': String(body.length) }, body);
    await ask('PUT', '/files/a', { 'transfer-encoding': 'chunked', expect: '100-continue' }, 'u'.repeat(300_000));
    expect(seen).toEqual([`GET /orders ${body}`, `GET /orders ${body}`, `PUT /files/a ${'u'.repeat(300_000)}`]);
  });

  it('holds the upstream back while the client does not read, and is patient with it', async () => {
    const total = 64 * 2 ** 20;
    let written = 0;
    handle = (_request, response) => {
      const more = (): void => {
        while (written < total) {
          written += 65_536;
          if (!response.write(Buffer.alloc(65_536, 'd'))) return void response.once('drain', more);
        }
        response.end();
      };
      more();
    };
    const answer = await open('GET', '/reports/2024');
    // Until nothing moves any more: the buffers on the way are full.
    for (let last = -1; written !== last; ) {
      last = written;
      await pause(300);
    }
    expect(written).toBeLessThan(total / 2);
    // Longer than the upstream may be silent: here it is the client who keeps it waiting.
    await pause(1_200);
    let received = 0;
    for await (const chunk of answer) received += (chunk as Buffer).length;
    expect([received, answer.complete]).toEqual([total, true]);
  });

  it('lets go of the upstream when the client leaves, and counts 499', async () => {
    const closed: Promise<unknown>[] = [];
    handle = (request, response) => {
      closed.push(once(request.socket, 'close'));
      if (request.url === '/reports/1') response.write('x'.repeat(1_000));
    };
    const inBody = await open('GET', '/reports/1');
    inBody.destroy();
    inBody.on('error', () => undefined);
    const silent = connect(gateway.port, gateway.host);
    silent.write('GET /orders HTTP/1.1\r\nhost: x\r\n\r\n');
    await vi.waitFor(() => expect(closed.length).toBe(2));
    silent.destroy();
    await Promise.all(closed);
    await becomes('http_requests_total', { status: '499' }, 2);
    await becomes('upstream_requests_total', { outcome: 'abandoned' }, 2);
    expect(read().sum('http_requests_in_flight')).toBe(0);
  });

  it('breaks the answer off when the upstream does, in the middle of the body', async () => {
    handle = (_request, response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('half');
      setTimeout(() => response.destroy(), 20);
    };
    await expect(ask('GET', '/orders')).rejects.toThrow('aborted');
    await becomes('upstream_requests_total', { outcome: 'truncated' }, 1);
  });

  it('refuses what it has no route for, without a label value that a client chose', async () => {
    handle = (_request, response) => response.end();
    expect((await ask('GET', '/%F0%9F%92%A5"}')).status).toBe(404);
    const wrong = await ask('PATCH', '/orders');
    expect([wrong.status, wrong.headers.allow]).toEqual([405, 'GET, HEAD, POST']);
    expect((await ask('PROPFIND', '/orders')).status).toBe(405);
    await becomes('http_requests_total', { route: 'unmatched' }, 3);
    expect(added('http_requests_total', { method: 'other', route: 'unmatched', status: '405' })).toBe(1);
    expect(added('upstream_requests_total')).toBe(0);
  });

  it('answers HEAD with the headers alone', async () => {
    handle = (request, response) => response.writeHead(200, { 'content-length': 5 }).end(request.method === 'HEAD' ? undefined : 'hello');
    const answer = await ask('HEAD', '/orders');
    expect([answer.status, answer.headers['content-length'], answer.body]).toEqual([200, '5', '']);
    await becomes('http_requests_total', { method: 'HEAD', route: '/orders', status: '200' }, 1);
  });

  it('writes a line for each request when its last byte has gone out, and says of one whose client left that it did', async () => {
    handle = (_, response) => response.end('order');
    lines.clear();
    await ask('GET', '/orders?page=2', { 'x-request-id': 'abc' });
    await ask('GET', '/nowhere');
    handle = () => undefined;
    const left = request({ host: gateway.host, port: gateway.port, path: '/search', agent }).on('error', () => undefined);
    left.end();
    await becomes('http_requests_in_flight', {}, 1);
    left.destroy();
    await becomes('http_requests_total', { route: '/search', status: '499' }, 1);
    const entries = lines.entries();
    const common = { duration_ms: expect.any(Number), bytes: expect.any(Number) };
    expect(entries.map(({ fields }) => fields)).toEqual([
      { method: 'GET', route: '/orders', status: 200, request_id: 'abc', ...common },
      { method: 'GET', route: 'unmatched', status: 404, request_id: expect.any(String), ...common },
      { method: 'GET', route: '/search', status: 499, request_id: expect.any(String), ...common },
    ]);
    expect(entries[0]?.fields.bytes).toBeGreaterThan(100);
    expect(entries[2]?.fields.bytes).toBe(0);
  });

  it('takes the next port when the wanted one is taken', async () => {
    const second = await Gateway.start({ port: gateway.port, upstreamPort: 1, log: getLogger('access') });
    expect(second.port).toBeGreaterThan(gateway.port);
    await second.close();
  });
});
