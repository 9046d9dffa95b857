// The instrumentations switched on together, with a real provider: one trace from server to client to server, over the wire.
import { spawnSync } from 'node:child_process';
import { channel } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import { createServer as createTlsServer, request as requestTls } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { propagatorOf } from '../../src/context/propagator.js';
import { setHttpRoute } from '../../src/instrument/http-route.js';
import { type Instrumentation, type InstrumentOptions, instrument } from '../../src/instrument/instrument.js';
import { MetricsRegistry } from '../../src/metrics/registry.js';
import { TracerProvider, type TracerProviderOptions } from '../../src/traces/provider.js';
import { ALWAYS_OFF } from '../../src/traces/samplers/sampler.js';
import type { Span } from '../../src/traces/span.js';
import { peer } from '../peers.js';

const openssl = peer('openssl', 'apt-get install openssl');

/** A key and a certificate that nobody has to trust. */
function selfSigned(): { key: string; cert: string } {
  const wanted = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=localhost', '-days', '1'];
  const { stdout } = spawnSync(openssl as string, [...wanted, '-keyout', '-', '-out', '-'], { encoding: 'utf8' });
  return { key: stdout, cert: stdout };
}

const PARENT = 'b7ad6b7169203331';
const TRACE = '0af7651916cd43dd8448eb211c80319c';

let ended: Span[];
let registry: MetricsRegistry;
let provider: TracerProvider;
let instrumentation: Instrumentation;
const servers: Server[] = [];

function start(options: InstrumentOptions = {}, traces: TracerProviderOptions = {}): void {
  provider = new TracerProvider({ processors: [{ onEnd: (span) => void ended.push(span as Span) }], ...traces });
  instrumentation = instrument({ provider, registry, ...options });
}

async function listen(server: Server): Promise<string> {
  servers.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A server that asks `inner` through `fetch` and through node:http, and answers with both bodies. */
async function outerServer(inner: string): Promise<string> {
  return listen(
    createServer(async (incoming, response) => {
      setHttpRoute(incoming, '/outer/:id');
      const first = await (await fetch(`http://${inner}/by-fetch`)).text();
      await pause(1);
      const [answer] = await once(request(`http://${inner}/by-http`).end(), 'response');
      let second = '';
      for await (const chunk of answer) second += chunk;
      response.end(`${first} ${second}`);
    }),
  );
}

beforeEach(() => {
  ended = [];
  registry = new MetricsRegistry();
});

afterEach(async () => {
  instrumentation.stop();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  await provider.shutdown();
});

describe('instrument', () => {
  it('makes one trace of a request and of all that it asks for', async () => {
    start();
    const inner = await listen(createServer((incoming, response) => response.end(incoming.headers.traceparent)));
    const outer = await outerServer(inner);
    const answer = await fetch(`http://${outer}/outer/7`, { headers: { traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: 'a=1' } });
    const carried = (await answer.text()).split(' ');
    // The one that this test sent begins a trace of its own, whose header takes the place of the given one.
    await vi.waitFor(() => expect(ended).toHaveLength(6));
    const server = ended.find((span) => span.name === 'GET /outer/:id') as Span;
    const clients = ended.filter((span) => span.parentSpanId === server.spanId);
    expect(clients.map((span) => [span.kind, span.getAttribute('url.full')]).sort()).toEqual([
      ['client', `http://${inner}/by-fetch`],
      ['client', `http://${inner}/by-http`],
    ]);
    expect(carried).toEqual(clients.map((span) => `00-${server.traceId}-${span.spanId}-03`));
    for (const client of clients)
      expect(ended.filter((span) => span.parentSpanId === client.spanId).map((span) => span.kind)).toEqual(['server']);
    expect(new Set(ended.map((span) => span.traceId)).size).toBe(1);
  });

  it('continues the trace of a caller who is not instrumented, with its tracestate', async () => {
    start({ client: false });
    const inner = await listen(createServer((incoming, response) => response.end(JSON.stringify(incoming.headers))));
    const outer = await listen(createServer(async (_incoming, response) => response.end(await (await fetch(`http://${inner}`)).text())));
    const headers = { traceparent: `00-${TRACE}-${PARENT}-01`, tracestate: 'a=1,b=2' };
    const [answer] = await once(request(`http://${outer}`, { headers }).end(), 'response');
    let text = '';
    for await (const chunk of answer) text += chunk;
    const seen = JSON.parse(text) as Record<string, string>;
    await vi.waitFor(() => expect(ended).toHaveLength(3));
    const first = ended.find((span) => span.parentSpanId === PARENT) as Span;
    expect([first.traceId, first.kind]).toEqual([TRACE, 'server']);
    expect([seen.traceparent?.slice(0, 35), seen.tracestate]).toEqual([`00-${TRACE}`, 'a=1,b=2']);
  });

  it('carries ids on for requests that the sampler left out, and times them', async () => {
    start({}, { sampler: ALWAYS_OFF });
    const inner = await listen(createServer((incoming, response) => response.end(incoming.headers.traceparent)));
    const outer = await outerServer(inner);
    const carried = (await (await fetch(`http://${outer}/outer/7`)).text()).split(' ');
    expect(carried.every((header) => /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[02]$/.test(header))).toBe(true);
    expect(new Set(carried.map((header) => header.slice(0, 35))).size).toBe(1);
    expect(ended).toEqual([]);
    const durations = /http_server_request_duration_seconds_sum\{[^}]*http_route="\/outer\/:id"[^}]*\} (\S+)/;
    await vi.waitFor(() => expect(Number(durations.exec(registry.formatPrometheus())?.[1])).toBeGreaterThan(0.001));
    expect(Number(durations.exec(registry.formatPrometheus())?.[1])).toBeLessThan(20);
  });

  it('speaks the formats of the propagator that it is given', async () => {
    start({ propagator: propagatorOf(['b3', 'jaeger']) });
    const inner = await listen(createServer((incoming, response) => response.end(JSON.stringify(incoming.headers))));
    const seen = (await (await fetch(`http://${inner}`)).json()) as Record<string, string>;
    await vi.waitFor(() => expect(ended).toHaveLength(2));
    const [server, client] = [...ended].sort((one, other) => one.kind.localeCompare(other.kind)).reverse() as [Span, Span];
    expect([server.parentSpanId, server.traceId]).toEqual([client.spanId, client.traceId]);
    expect([seen.traceparent, seen.b3, seen['uber-trace-id']]).toEqual([
      undefined,
      `${client.traceId}-${client.spanId}-1`,
      expect.stringContaining(client.traceId),
    ]);
  });

  it.runIf(openssl)('traces TLS as well', async () => {
    start();
    const address = await listen(createTlsServer(selfSigned(), (_incoming, response) => response.end('secret')) as unknown as Server);
    const [answer] = await once(requestTls(`https://${address}/x`, { rejectUnauthorized: false }).end(), 'response');
    answer.resume();
    await vi.waitFor(() => expect(ended).toHaveLength(2));
    const server = ended.find((span) => span.kind === 'server');
    const client = ended.find((span) => span.kind === 'client');
    expect([server?.getAttribute('url.scheme'), server?.parentSpanId]).toEqual(['https', client?.spanId]);
    expect(client?.getAttribute('url.full')).toBe(`https://${address}/x`);
  });

  it('can be on once per thread, and again when it was stopped', async () => {
    start();
    expect(() => instrument()).toThrow(expect.objectContaining({ code: 'KYMO_INSTRUMENT_ACTIVE' }));
    instrumentation.stop();
    instrumentation.stop();
    instrumentation = instrument({ provider, registry, server: false, client: false, fetch: false, fastify: false });
    const address = await listen(createServer((_incoming, response) => response.end()));
    await (await fetch(`http://${address}`)).text();
    expect([ended, registry.formatPrometheus().match(/_count\{/)]).toEqual([[], null]);
  });

  it('switches nothing on when the registry has something else of that name', () => {
    const taken = new MetricsRegistry();
    taken.counter({ name: 'http_client_request_duration_seconds_count', help: 'taken' });
    start();
    instrumentation.stop();
    expect(() => instrument({ registry: taken })).toThrow(expect.objectContaining({ code: 'KYMO_METRICS_CONFLICT' }));
    expect(channel('http.server.request.start').hasSubscribers).toBe(false);
    instrumentation = instrument({ provider, registry });
  });
});
