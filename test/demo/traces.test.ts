// The traces of the demo: one request from the gateway's span over its client's to the upstream's, whatever goes wrong on the way, in
// `/trace` and at a collector.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Gateway } from '../../src/demo/gateway.js';
import {
  configureLogging,
  getLogger,
  type Instrumentation,
  instrument,
  MetricsRegistry,
  memorySink,
  type Span,
  TracerProvider,
} from '../../src/index.js';
import { DemoProcess, MemoryFolder, summaryOf } from './demo-process.js';

const CALLER = 'b7ad6b7169203331';
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const TRACEPARENT = `00-${TRACE}-${CALLER}-01`;

interface ShownSpan {
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: string;
  readonly status: string;
  readonly attributes: Record<string, unknown>;
}

describe('traces of a running demo', () => {
  it('show a request from the gateway to the upstream under its caller', async () => {
    using memory = new MemoryFolder();
    await using demo = new DemoProcess(memory, ['--no-load']);
    const [gateway, ops] = [await demo.gateway(), await demo.ops()];
    const answer = await fetch(`http://${gateway}/users/42`, { headers: { traceparent: TRACEPARENT } });
    expect([answer.status, (await answer.text()).length]).toEqual([200, 400]);
    let spans: ShownSpan[] = [];
    await vi.waitFor(
      async () => {
        const shown = await fetch(`http://${ops}/trace?id=${TRACE}`);
        expect(shown.status).toBe(200);
        const trace = (await shown.json()) as { spans: ShownSpan[] } | { spans: ShownSpan[] }[];
        spans = Array.isArray(trace) ? trace.flatMap((part) => part.spans) : trace.spans;
        expect(spans).toHaveLength(3);
      },
      { timeout: 10_000, interval: 100 },
    );
    const outer = spans.find((span) => span.parentSpanId === CALLER);
    const sent = spans.find((span) => span.parentSpanId === outer?.spanId);
    const inner = spans.find((span) => span.parentSpanId === sent?.spanId);
    expect([outer, sent, inner].map((span) => [span?.name, span?.kind, span?.status])).toEqual([
      ['GET /users/:id', 'server', 'unset'],
      ['GET', 'client', 'unset'],
      ['GET /users/:id', 'server', 'unset'],
    ]);
    expect([outer, sent, inner].map((span) => span?.attributes['http.response.status_code'])).toEqual([200, 200, 200]);
    expect(demo.stdout).toContain(`http://${ops}/trace`);
    expect(demo.stdout).toContain('OTEL_EXPORTER_OTLP_ENDPOINT=');
  });

  it('go to the collector that the environment names, all of them', async () => {
    const bodies: [string | undefined, string | undefined, number][] = [];
    const collector = createServer((incoming, response) => {
      let bytes = 0;
      incoming.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      incoming.on('end', () => {
        bodies.push([incoming.url, incoming.headers['content-type'], bytes]);
        response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
      });
    }).listen(0, '127.0.0.1');
    await once(collector, 'listening');
    const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
    using memory = new MemoryFolder();
    await using demo = new DemoProcess(memory, ['--duration', '2s', '--rate', '50'], { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint });
    expect(await demo.ended).toEqual({ code: 0, signal: null });
    collector.close();
    expect(demo.stdout).toContain(`sent to ${endpoint}`);
    expect(demo.stderr).toBe('');
    expect(bodies.length).toBeGreaterThan(0);
    expect(new Set(bodies.map(([path, type]) => `${path} ${type}`))).toEqual(new Set(['/v1/traces application/x-protobuf']));
    const [, recorded, sent] = /spans +([\d,]+) recorded {2}sent ([\d,]+)$/m.exec(demo.stdout) ?? [];
    expect(sent).toBe(recorded);
    // A span for the gateway, one for its client and one for the upstream, of each request at least.
    expect(Number(recorded?.replaceAll(',', ''))).toBeGreaterThanOrEqual(2 * (summaryOf(demo.stdout).get('requests') as number));
  });
});

describe('traces of the gateway', () => {
  const lines = memorySink();
  configureLogging({ sinks: [lines] });
  let upstream: Server;
  let gateway: Gateway;
  let handle: RequestListener;
  let received: IncomingMessage[];
  let ended: Span[];
  let instrumentation: Instrumentation;
  let provider: TracerProvider;

  beforeEach(async () => {
    ended = [];
    received = [];
    provider = new TracerProvider({ processors: [{ onEnd: (span) => void ended.push(span as Span) }] });
    instrumentation = instrument({
      provider,
      registry: new MetricsRegistry(),
      server: { ignore: ({ headers }) => headers['x-forwarded-for'] !== undefined },
      fetch: false,
    });
    upstream = createServer((incoming, response) => {
      received.push(incoming);
      handle(incoming, response);
    }).listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    gateway = await Gateway.start({ port: 0, upstreamPort: (upstream.address() as AddressInfo).port, log: getLogger('access') });
  });

  afterEach(async () => {
    instrumentation.stop();
    await gateway.close();
    upstream.closeAllConnections();
    upstream.close();
    await provider.shutdown();
  });

  async function ask(method: string, path: string): Promise<number> {
    const sent = request({ host: gateway.host, port: gateway.port, method, path, agent: false }).end();
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    answer.resume();
    await once(answer, 'close');
    return answer.statusCode ?? 0;
  }

  /** Of the spans below the gateway's, in the order of their beginning: kind, status, what went wrong. */
  async function seen(count: number): Promise<unknown[][]> {
    const all = (): Span[] => ended.filter((span) => span.getAttribute('url.full') === undefined || span.parentSpanId !== undefined);
    await vi.waitFor(() => expect(all()).toHaveLength(count));
    const spans = all().sort((one, other) => one.startTime - other.startTime);
    const server = spans.find((span) => span.kind === 'server');
    expect(spans.filter((span) => span.kind === 'client').map((span) => span.parentSpanId)).toEqual(Array(count - 1).fill(server?.spanId));
    expect(received.map((incoming) => String(incoming.headers.traceparent).split('-')[2])).toEqual(
      spans.filter((span) => span.kind === 'client').map((span) => span.spanId),
    );
    return spans.map((span) => [span.name, span.status, span.getAttribute('error.type')]);
  }

  it('show each attempt of a request that was sent again', async () => {
    handle = (incoming, response) => void (received.length === 1 ? incoming.socket.destroy() : response.end('second'));
    expect(await ask('GET', '/search')).toBe(200);
    expect(await seen(3)).toEqual([
      ['GET /search', 'unset', undefined],
      ['GET', 'error', 'ECONNRESET'],
      ['GET', 'unset', undefined],
    ]);
  });

  it('show an upstream that is silent, and the answer 504', async () => {
    handle = () => undefined;
    expect(await ask('GET', '/reports/2024')).toBe(504);
    expect(await seen(2)).toEqual([
      ['GET /reports/:year', 'error', '504'],
      ['GET', 'error', 'UpstreamTimeout'],
    ]);
  });

  it('show an upstream that fails, which is an error of both', async () => {
    handle = (_incoming, response) => response.writeHead(500).end();
    expect(await ask('POST', '/orders')).toBe(500);
    expect(await seen(2)).toEqual([
      ['POST /orders', 'error', '500'],
      ['POST', 'error', '500'],
    ]);
  });
});
