// What scrapes cost is itself a metric, whoever serves them, and limits on them hold.
import { pbkdf2 } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { MetricsRegistry, metricsHandler, OpsServer, type OpsServerOptions } from '../../src/index.js';
import { ask, portOf } from './clients.js';

const OPENMETRICS = { accept: 'application/openmetrics-text; version=1.0.0' };

const started: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of started.splice(0)) await each[Symbol.asyncDispose]();
});

async function serve(options: OpsServerOptions): Promise<number> {
  const server = new OpsServer(options);
  await server.start();
  started.push(server);
  return portOf(server);
}

async function mount(handler: http.RequestListener): Promise<number> {
  const server = http.createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  started.push({
    [Symbol.asyncDispose]: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  });
  return (server.address() as AddressInfo).port;
}

/** A registry whose text is about `lines` lines. */
function registryOf(lines: number, name = 'many_total'): MetricsRegistry {
  const registry = new MetricsRegistry();
  const counter = registry.counter({ name, help: 'Many', labelNames: ['n'] });
  const long = 'a-label-value-that-makes-the-body-large-'.repeat(10);
  for (let n = 0; n < lines; n += 1) counter.inc({ n: `${long}${n}` });
  return registry;
}

/** The value of a line of the self registry, 0 for one that is not there yet; reads over a server of its own. */
async function counted(): Promise<(line: string) => number> {
  const { text } = await ask(await serve({ registries: [new MetricsRegistry()] }), '/metrics');
  const lines = new Map(
    text.split('\n').map((line) => {
      const end = line.lastIndexOf(' ');
      return [line.slice(0, end), Number(line.slice(end + 1))] as const;
    }),
  );
  return (line) => lines.get(line) ?? 0;
}

describe('what scrapes cost', () => {
  it('is counted by format and encoding, by the bytes sent', async () => {
    const port = await serve({ registries: [registryOf(500)] });
    const earlier = await counted();
    const plain = await ask(port, '/metrics', { headers: OPENMETRICS });
    const zipped = await ask(port, '/metrics', { headers: { ...OPENMETRICS, 'accept-encoding': 'gzip' } });
    await ask(port, '/metrics', { method: 'HEAD', headers: OPENMETRICS });
    const later = await counted();
    const grown = (line: string): number => later(line) - earlier(line);
    const kind = (encoding: string): string => `{format="openmetrics_1.0.0",encoding="${encoding}"}`;
    expect(grown(`kymo_scrapes_total${kind('identity')}`)).toBe(2);
    expect(grown(`kymo_scrape_bytes_total${kind('identity')}`)).toBe(plain.body.length);
    expect(grown(`kymo_scrapes_total${kind('gzip')}`)).toBe(1);
    expect(grown(`kymo_scrape_bytes_total${kind('gzip')}`)).toBe(zipped.body.length);
    expect(grown('kymo_scrape_renders_total{format="openmetrics_1.0.0"}')).toBe(3);
    expect(grown('kymo_scrape_seconds_total{format="openmetrics_1.0.0"}')).toBeGreaterThan(0);
  });

  it('shows the series of the last scrape, and those that it had to leave out', async () => {
    const [one, two] = [registryOf(7), registryOf(3)];
    await ask(await mount(metricsHandler(one, two)), '/metrics');
    const later = await counted();
    expect([later('kymo_scrape_series{state="written"}'), later('kymo_scrape_series{state="left_out"}')]).toEqual([7, 3]);
  });

  it('is counted for handlers in servers of the application, too', async () => {
    const port = await mount(metricsHandler(registryOf(500)));
    const earlier = await counted();
    const { body } = await ask(port, '/metrics', { headers: { ...OPENMETRICS, 'accept-encoding': 'gzip' } });
    await ask(port, '/metrics', { method: 'HEAD', headers: { ...OPENMETRICS, 'accept-encoding': 'gzip' } });
    const later = await counted();
    const kind = '{format="openmetrics_1.0.0",encoding="gzip"}';
    expect(later(`kymo_scrapes_total${kind}`) - earlier(`kymo_scrapes_total${kind}`)).toBe(2);
    expect(later(`kymo_scrape_bytes_total${kind}`) - earlier(`kymo_scrape_bytes_total${kind}`)).toBe(body.length);
  });
});

describe('what a registry renders for the application', () => {
  it('is counted like a scrape that is not coded', async () => {
    const registry = registryOf(3, 'own_total');
    const earlier = await counted();
    const text = await registry.metrics({ format: 'openmetrics' });
    const later = await counted();
    const kind = '{format="openmetrics_1.0.0",encoding="identity"}';
    expect(later(`kymo_scrapes_total${kind}`) - earlier(`kymo_scrapes_total${kind}`)).toBe(1);
    expect(later(`kymo_scrape_bytes_total${kind}`) - earlier(`kymo_scrape_bytes_total${kind}`)).toBe(Buffer.byteLength(text));
  });
});

/** A client that asks and never reads. */
async function silent(port: number): Promise<net.Socket> {
  const socket = net.connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.pause();
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n');
  return socket;
}

describe('scrapes in flight', () => {
  it('beyond maxScrapesInFlight get 503 with Retry-After, counted, and room again when a client leaves', async () => {
    const port = await serve({ registries: [registryOf(5_000)], maxScrapesInFlight: 2 });
    const earlier = await counted();
    const held = [await silent(port), await silent(port)];
    // Until both are in flight, others may still be served.
    let busy = await ask(port, '/metrics');
    while (busy.status === 200) busy = await ask(port, '/metrics');
    expect([busy.status, busy.headers['retry-after'], busy.text]).toEqual([503, '1', '{"error":"busy"}']);
    expect((await ask(port, '/live')).status).toBe(200);
    const reason = 'kymo_ops_scrapes_refused_total{reason="in_flight"}';
    expect((await counted())(reason) - earlier(reason)).toBeGreaterThanOrEqual(1);
    for (const socket of held) socket.destroy();
    while ((await ask(port, '/metrics')).status !== 200);
  });

  it('of a handler are limited as well', async () => {
    const port = await mount(metricsHandler({ registries: [registryOf(10_000)], maxScrapesInFlight: 1 }));
    const held = await silent(port);
    let busy = await ask(port, '/metrics');
    while (busy.status === 200) busy = await ask(port, '/metrics');
    expect([busy.status, busy.headers['retry-after'], busy.body.length]).toEqual([503, '1', 0]);
    held.destroy();
    while ((await ask(port, '/metrics')).status !== 200);
  });

  it('of a handler that take too long get 503, while others have the threads', async () => {
    const port = await mount(metricsHandler({ registries: [registryOf(1)], scrapeTimeoutMs: 10 }));
    // As many as the pool of libuv has threads, and as many again behind them.
    const busy = Array.from({ length: 8 }, () => new Promise((done) => pbkdf2('a', 'b', 200_000, 64, 'sha512', done)));
    const { status, headers } = await ask(port, '/metrics');
    expect([status, headers['retry-after']]).toEqual([503, '1']);
    await Promise.all(busy);
    while ((await ask(port, '/metrics')).status !== 200);
  });
});
