// What a request that this process answers leaves behind: attributes, name, status, and a duration, whatever the client sends.
import { once } from 'node:events';
import { createServer, type RequestListener, type Server, request as send } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { recordHttpException, setHttpRoute } from '../../src/instrument/http-route.js';
import { HttpServerInstrumentation, type HttpServerOptions } from '../../src/instrument/http-server.js';
import { MetricsRegistry } from '../../src/metrics/registry.js';
import { type RecordedSpan, RecordedSpans } from './recorded-spans.js';

let tracing: RecordedSpans;
let registry: MetricsRegistry;
let instrumentation: HttpServerInstrumentation | undefined;
let server: Server;

beforeEach(() => {
  registry = new MetricsRegistry();
  tracing = new RecordedSpans(registry);
});

afterEach(() => {
  instrumentation?.stop();
  server.closeAllConnections();
  server.close();
});

async function serve(listener: RequestListener, options: HttpServerOptions = {}): Promise<number> {
  instrumentation = new HttpServerInstrumentation(tracing, options);
  server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Sends a request and gives its span, once it has ended. */
async function ask(port: number, method: string, path: string, headers: Record<string, string> = {}): Promise<RecordedSpan> {
  const before = tracing.spans.length;
  const [answer] = await once(send({ port, host: '127.0.0.1', method, path, headers, agent: false }).end(), 'response');
  answer.resume();
  await once(answer, 'close');
  await vi.waitFor(() => expect(tracing.spans[before]?.ended).toBe(1));
  return tracing.spans[before] as RecordedSpan;
}

const series = (): string[] =>
  registry
    .formatPrometheus()
    .split('\n')
    .filter((line) => line.startsWith('http_server_request_duration_seconds_count'));

describe('server span', () => {
  it('has the attributes of the stable HTTP conventions, and is called by method and template', async () => {
    const port = await serve((request, response) => {
      setHttpRoute(request, '/users/:id');
      response.writeHead(201).end('hello');
    });
    const span = await ask(port, 'POST', '/users/42?full=1', { 'user-agent': 'test/1.0' });
    expect([span.name, span.kind, span.status, span.ended]).toEqual(['POST /users/:id', 'server', 'unset', 1]);
    expect(span.attributes).toEqual({
      'http.request.method': 'POST',
      'url.path': '/users/42',
      'url.query': 'full=1',
      'url.scheme': 'http',
      'server.address': '127.0.0.1',
      'server.port': port,
      'client.address': '127.0.0.1',
      'network.peer.address': '127.0.0.1',
      'network.peer.port': expect.any(Number),
      'network.protocol.version': '1.1',
      'user_agent.original': 'test/1.0',
      'http.response.status_code': 201,
      'http.route': '/users/:id',
    });
  });

  it('is called by its method alone without a template, never by the path', async () => {
    const port = await serve((_request, response) => response.end());
    const span = await ask(port, 'GET', '/users/42');
    expect([span.name, span.attributes['http.route']]).toEqual(['GET', undefined]);
  });

  it('takes the template from the option `route`, before a sampler decides, and survives one that throws', async () => {
    const port = await serve((_request, response) => response.end(), {
      route: ({ url }) => {
        if (url === '/throws') throw new Error('no route');
        return '/given';
      },
    });
    expect((await ask(port, 'GET', '/x')).name).toBe('GET /given');
    expect((await ask(port, 'GET', '/throws')).name).toBe('GET');
  });

  it('calls a method that is not known _OTHER, and keeps what it was', async () => {
    const port = await serve((_request, response) => response.end());
    const span = await ask(port, 'PROPFIND', '/');
    expect([span.name, span.attributes['http.request.method'], span.attributes['http.request.method_original']]).toEqual([
      'HTTP',
      '_OTHER',
      'PROPFIND',
    ]);
  });

  it.each([
    [200, 'unset', undefined],
    [302, 'unset', undefined],
    [404, 'unset', undefined],
    [499, 'unset', undefined],
    [500, 'error', '500'],
    [503, 'error', '503'],
  ])('of status %i has the status %s', async (code, status, errorType) => {
    const port = await serve((_request, response) => response.writeHead(code).end());
    const span = await ask(port, 'GET', '/');
    expect([span.status, span.attributes['error.type'], span.attributes['http.response.status_code']]).toEqual([status, errorType, code]);
  });

  it('keeps an exception that was answered with 500, once, and none that was answered with less', async () => {
    class Broken extends TypeError {}
    const broken = new Broken('it broke');
    const port = await serve((request, response) => {
      recordHttpException(request, request.url === '/500' ? broken : Object.assign(new Error('no such user'), { statusCode: 404 }));
      recordHttpException(response, broken);
      response.writeHead(request.url === '/500' ? 500 : 404).end();
    });
    const failed = await ask(port, 'GET', '/500');
    expect([failed.exceptions, failed.attributes['error.type'], failed.status]).toEqual([[broken], 'TypeError', 'error']);
    const refused = await ask(port, 'GET', '/404');
    expect([refused.exceptions, refused.attributes['error.type'], refused.status]).toEqual([[broken], undefined, 'unset']);
  });

  it('continues the trace of its caller', async () => {
    const port = await serve((_request, response) => response.end());
    expect((await ask(port, 'GET', '/', { 'x-span': '77' })).parent.state).toBe((77 << 2) | 1);
  });

  it('shows no credentials of the query', async () => {
    const port = await serve((_request, response) => response.end());
    const span = await ask(port, 'GET', '/x?a=1&token=abc&Signature=q%3D&sig=&b=2');
    expect(span.attributes['url.query']).toBe('a=1&token=REDACTED&Signature=REDACTED&sig=&b=2');
  });

  it('takes server and client from the headers of a proxy, unless told otherwise', async () => {
    const port = await serve((_request, response) => response.end());
    const headers = { host: 'shop.example', 'x-forwarded-for': '203.0.113.7, 10.0.0.1' };
    const span = await ask(port, 'GET', '/', headers);
    expect([span.attributes['server.address'], span.attributes['server.port'], span.attributes['client.address']]).toEqual([
      'shop.example',
      80,
      '203.0.113.7',
    ]);
    expect(span.attributes['network.peer.address']).toBe('127.0.0.1');
    instrumentation?.stop();
    instrumentation = new HttpServerInstrumentation(tracing, { forwarded: false });
    expect((await ask(port, 'GET', '/', headers)).attributes['client.address']).toBe('127.0.0.1');
  });

  it('shows the path alone of a target that is a whole URL', async () => {
    const port = await serve((_request, response) => response.end());
    const span = await ask(port, 'GET', 'http://user:password@shop.example/x?a=1');
    expect([span.attributes['url.path'], span.attributes['url.query']]).toEqual(['/x', 'a=1']);
    expect((await ask(port, 'OPTIONS', '*')).attributes['url.path']).toBe('*');
  });

  it('is not begun for what is ignored', async () => {
    const port = await serve((_request, response) => response.end(), { ignore: ({ url }) => url === '/live' });
    const answers = await Promise.all(['/live', '/other'].map((path) => fetch(`http://127.0.0.1:${port}${path}`)));
    await Promise.all(answers.map((answer) => answer.text()));
    expect(tracing.spans.map((span) => span.attributes['url.path'])).toEqual(['/other']);
  });

  it('is had over a local socket, too', async () => {
    instrumentation = new HttpServerInstrumentation(tracing, {});
    const socketPath = join(tmpdir(), `kymo-${process.pid}.sock`);
    server = createServer((_request, response) => response.end()).listen(socketPath);
    await once(server, 'listening');
    const [answer] = await once(send({ socketPath, path: '/local', headers: { host: '' } }).end(), 'response');
    answer.resume();
    await vi.waitFor(() => expect(tracing.spans[0]?.ended).toBe(1));
    const attributes = tracing.spans[0]?.attributes;
    expect([attributes?.['url.path'], attributes?.['client.address'], attributes?.['network.peer.port']]).toEqual([
      '/local',
      undefined,
      undefined,
    ]);
  });

  it('ends once when the answer was cut, and counts its status where one was sent', async () => {
    const port = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': 10 });
      response.write('half');
      setTimeout(() => response.destroy(), 5);
    });
    const socket = connect(port, '127.0.0.1').resume();
    socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    await once(socket, 'close');
    await vi.waitFor(() => expect(tracing.spans[0]?.ended).toBe(1));
    expect([tracing.spans[0]?.attributes['error.type'], tracing.spans[0]?.attributes['http.response.status_code']]).toEqual([
      'aborted',
      200,
    ]);
  });
});

describe('duration of a server request', () => {
  it('is counted by method, template, status, version and scheme, in the buckets of the conventions', async () => {
    const port = await serve((request, response) => {
      setHttpRoute(response, '/users/:id');
      response.writeHead(request.url === '/users/0' ? 500 : 200).end();
    });
    for (const id of [0, 1, 2]) await ask(port, 'GET', `/users/${id}`);
    await ask(port, 'PURGE', '/users/1');
    expect(series().sort()).toEqual([
      'http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_code="200",http_route="/users/:id",network_protocol_version="1.1",url_scheme="http",error_type=""} 2',
      'http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_code="500",http_route="/users/:id",network_protocol_version="1.1",url_scheme="http",error_type="500"} 1',
      'http_server_request_duration_seconds_count{http_request_method="_OTHER",http_response_status_code="200",http_route="/users/:id",network_protocol_version="1.1",url_scheme="http",error_type=""} 1',
    ]);
    const bounds = [...registry.formatPrometheus().matchAll(/_bucket\{http_request_method="_OTHER".*le="([^"]+)"/g)].map(
      (match) => match[1],
    );
    expect(bounds.map(Number)).toEqual([0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, Number.NaN]);
  });

  it('is counted by the class of an exception where one was reported, apart from other answers of the status', async () => {
    const port = await serve((request, response) => {
      if (request.url === '/thrown') recordHttpException(request, new RangeError('out'));
      response.writeHead(500).end();
    });
    for (const path of ['/thrown', '/', '/thrown', '/']) await ask(port, 'GET', path);
    const errors = series().map((line) => /error_type="(.*)"} (\d+)$/.exec(line)?.slice(1));
    expect(errors.sort()).toEqual([
      ['500', '2'],
      ['RangeError', '2'],
    ]);
  });

  it('is counted without a tracer as well', async () => {
    const { methods, secrets, extract, inject } = tracing;
    const metricsOnly = { registry, begin: undefined, methods, secrets, extract, inject };
    instrumentation = new HttpServerInstrumentation(metricsOnly, {});
    server = createServer((_request, response) => response.end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    await (await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)).text();
    await vi.waitFor(() => expect(series()).toHaveLength(1));
    expect(tracing.spans).toEqual([]);
  });
});
