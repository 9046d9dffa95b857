// Program: a service with many series that is scraped, either through our ops server or by prom-client behind node:http on the
// same loop. Its main thread does nothing but measure its own delay, or block itself when it is told to.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { MetricsRegistry, OpsServer } from 'kymo';
import { loadPromClient, promRegistry } from '../runner/peers.js';
import { answer, ReplyFirst } from '../runner/program.js';

/** What to serve. */
export interface Service {
  readonly library: 'kymo' | 'prom-client';
  readonly series: number;
}

/** Delay of the main loop while it was watched. */
export interface LoopDelay {
  /** 99th percentile in us beyond the 1 ms timer that probes it. */
  readonly p99: number;
  readonly probes: number;
}

/** Wall clock of a block, ms since 1970. */
export interface Block {
  readonly from: number;
  readonly to: number;
}

const LABELS = ['method', 'route', 'status'];
const NAME = 'http_requests_total';

async function serveKymo(series: number): Promise<number> {
  const registry = new MetricsRegistry({ maxSeries: series });
  const counter = registry.counter({ name: NAME, help: 'Requests answered', labelNames: LABELS });
  for (let k = 0; k < series; k++) counter.inc({ method: 'GET', route: `/api/v1/items/${k}`, status: '200' }, k + 1);
  const ops = new OpsServer({ registries: [registry], host: '127.0.0.1', port: 0 });
  await ops.start();
  if (ops.address === null) throw new Error('the ops server has no address');
  return ops.address.port;
}

async function servePeer(series: number): Promise<number> {
  const registry = promRegistry(loadPromClient());
  const { Counter } = loadPromClient();
  const counter = new Counter({ name: NAME, help: 'Requests answered', labelNames: LABELS, registers: [registry] });
  for (let k = 0; k < series; k++) counter.inc({ method: 'GET', route: `/api/v1/items/${k}`, status: '200' }, k + 1);
  const server = createServer(async (_, response) => {
    const body = await registry.metrics();
    response.setHeader('content-type', registry.contentType).end(body);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return (server.address() as AddressInfo).port;
}

/** The last block, once it is over. */
let block: Block | undefined;

answer({
  serve: ({ library, series }: Service): Promise<number> => (library === 'kymo' ? serveKymo(series) : servePeer(series)),

  async delay(seconds: number): Promise<LoopDelay> {
    const probe = monitorEventLoopDelay({ resolution: 1 });
    probe.enable();
    await new Promise((done) => setTimeout(done, seconds * 1000));
    probe.disable();
    return { p99: Math.max(0, probe.percentile(99) / 1e3 - 1_000), probes: probe.count };
  },

  block: (seconds: number): ReplyFirst =>
    new ReplyFirst(null, () => {
      const from = Date.now();
      const end = performance.now() + seconds * 1000;
      while (performance.now() < end);
      block = { from, to: Date.now() };
    }),

  blocked: (): Block | undefined => block,
});
