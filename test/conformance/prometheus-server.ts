// A real Prometheus on a free loopback port with its own folder, scraping what a test serves. Runs in the test process.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { peer } from '../peers.js';

/** `prometheus`, the server. */
export const prometheus = peer('prometheus', 'apt-get install prometheus');

/** A series of a query's answer. */
export interface QueriedSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A running server; `await using` stops it and removes its folder. */
export interface PrometheusServer extends AsyncDisposable {
  /** Evaluates a PromQL expression now. */
  query(expression: string): Promise<QueriedSeries[]>;
  /** Evaluates until there is an answer that `wanted` accepts; Prometheus takes up targets on a tick of 5 s. */
  queryUntil(expression: string, wanted: (series: QueriedSeries[]) => boolean): Promise<QueriedSeries[]>;
  /** What it says about its targets, `lastError` included. */
  targets(): Promise<{ readonly health: string; readonly lastError: string; readonly scrapeUrl: string }[]>;
}

/** How a server is started. */
export interface PrometheusOptions {
  /** It then asks for delimited protobuf first, and keeps native histograms in place of classic ones; default false. */
  readonly nativeHistograms?: boolean;
}

/** Starts a server that scrapes `targets` (`host:port`) every second. */
export async function startPrometheus(
  targets: readonly string[],
  { nativeHistograms = false }: PrometheusOptions = {},
): Promise<PrometheusServer> {
  const folder = await mkdtemp(join(tmpdir(), 'kymo-prometheus-'));
  const config = join(folder, 'prometheus.yml');
  await writeFile(
    config,
    `global: { scrape_interval: 1s, scrape_timeout: 1s }\nscrape_configs:\n  - job_name: kymo\n    static_configs: [{ targets: ${JSON.stringify(targets)} }]\n`,
  );
  const port = await freePort();
  const child = spawn(
    prometheus as string,
    [
      ...[`--config.file=${config}`, `--storage.tsdb.path=${join(folder, 'data')}`, `--web.listen-address=127.0.0.1:${port}`],
      ...(nativeHistograms ? ['--enable-feature=native-histograms'] : []),
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    log += chunk;
  });
  const ended = once(child, 'exit');

  async function get<T>(path: string): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    const answer = (await response.json()) as { status: string; data: T; error?: string };
    if (answer.status !== 'success') throw new Error(`${path}: ${answer.error}`);
    return answer.data;
  }

  const server: PrometheusServer = {
    async query(expression) {
      type Vector = { result: { metric: Record<string, string>; value: [number, string] }[] };
      const { result } = await get<Vector>(`/api/v1/query?query=${encodeURIComponent(expression)}`);
      return result.map(({ metric, value }) => ({ metric, value: Number(value[1].replace('Inf', 'Infinity')) }));
    },
    async queryUntil(expression, wanted) {
      for (const deadline = Date.now() + 40_000; ; await sleep(250)) {
        const series = await server.query(expression);
        if (wanted(series)) return series;
        if (Date.now() > deadline) {
          throw new Error(`${expression} gave ${JSON.stringify(series)}; targets: ${JSON.stringify(await server.targets())}`);
        }
      }
    },
    async targets() {
      return (await get<{ activeTargets: Awaited<ReturnType<PrometheusServer['targets']>> }>('/api/v1/targets')).activeTargets;
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      const slow = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await ended;
      clearTimeout(slow);
      await rm(folder, { recursive: true, force: true });
    },
  };

  for (const deadline = Date.now() + 30_000; ; await sleep(100)) {
    const ready = await fetch(`http://127.0.0.1:${port}/-/ready`).then(
      (response) => response.ok,
      () => false,
    );
    if (ready) return server;
    if (child.exitCode !== null || Date.now() > deadline) {
      await server[Symbol.asyncDispose]();
      throw new Error(`Prometheus did not start: ${log.slice(-2000)}`);
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
