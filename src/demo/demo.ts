// One run of the demo from the first thread started to the last one gone: upstream, ops server, gateway, load, and a block of
// the loop if one was asked for. Main thread.
import { once } from 'node:events';
import { get } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { AccessLog } from './access-log.js';
import { blockLoop } from './block.js';
import { counted, time } from './figures.js';
import { Gateway } from './gateway.js';
import { phase } from './instruments.js';
import { lastRuns } from './last-run.js';
import type { LoadPlan, Tally } from './load.js';
import { type Ops, startOps } from './ops.js';
import type { DemoOptions } from './options.js';
import { ROUTES } from './routes.js';
import { Samples } from './samples.js';
import type { Screen } from './screen.js';
import { StatusLine } from './status-line.js';
import { blockLine, summary } from './summary.js';
import { Thread } from './thread.js';
import { collector, traceRequests } from './traces.js';
import type { UpstreamReady } from './upstream.js';

/** How long the demo runs before the loop is blocked, so that there is something to see before. */
const BLOCK_AFTER_MS = 1_000;
/** Sampling period of Node's delay histogram, which counts it into each delay. */
const DELAY_RESOLUTION_MS = 10;

/** Runs until `stop` is aborted or the duration is over and ends all it began. Rejects if a part can't start or fails. */
export async function runDemo(options: DemoOptions, screen: Screen, stop: AbortSignal): Promise<void> {
  const closing = new Closing();
  let samples = new Samples('');
  let tally: Tally | undefined;
  let seconds = 0;
  let logLines = 0;
  const delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  for (const sentence of lastRuns()) screen.print(sentence);
  try {
    const ops = await startOps(options.opsPort);
    closing.add(() => ops.close());
    closing.add(async () => {
      samples = new Samples(await scrape(ops));
    });

    const log = new AccessLog(options.accessLog);
    closing.add(async () => {
      logLines = await log.close();
    });
    if (log.recovered > 0) screen.print(`${counted(log.recovered, 'line')} of the access log of the last run recovered from memory`);

    // Both ended before the last scrape, which has all of their spans.
    const upstream = new Thread<UpstreamReady, null>('./upstream.js', null);
    closing.add(() => upstream.stop());
    const upstreamPort = (await upstream.ready).port;
    const traces = await traceRequests('kymo-demo-gateway');
    closing.add(() => traces.close());

    const gateway = await Gateway.start({ port: options.port, upstreamPort, log: log.logger });
    closing.add(() => gateway.close());
    for (const line of places(options, gateway, upstreamPort, ops, log, new Samples(await scrape(ops)))) screen.print(line);

    const startMs = performance.now();
    phase.set('running');
    delay.enable();
    const failures = [upstream.failed];
    if (options.load) {
      const load = new Thread<null, Tally>('./load.js', { port: gateway.port, rate: options.rate } satisfies LoadPlan);
      closing.add(async () => {
        tally = await load.stop();
      });
      failures.push(load.failed);
      await load.ready;
    }

    const status = new StatusLine();
    screen.live(() => status.next());
    // The first step of the end: the last answers, awaited after it, take no part in the rate.
    closing.add(async () => {
      seconds = (performance.now() - startMs) / 1_000;
      phase.set('ending');
      screen.end();
    });
    const failed = Promise.race(failures).then((error) => Promise.reject(error));
    await Promise.race([failed, untilOver(options, screen, stop, ops)]);
  } finally {
    await closing.run();
    delay.disable();
  }
  screen.print('');
  const longestBlockSeconds = Math.max(0, delay.max / 1e9 - DELAY_RESOLUTION_MS / 1_000);
  for (const line of summary({ seconds, samples, tally, longestBlockSeconds, logLines })) screen.print(line);
  checkLog(samples, logLines);
}

/** @throws Error when requests were served that are neither in the log nor counted as lost, or the other way round */
function checkLog(samples: Samples, lines: number): void {
  const served = samples.sum('http_requests_total');
  const lost = samples.sum('kymo_log_lines_dropped_total');
  if (lines + lost !== served) throw new Error(`the access log has ${lines} lines for ${served} requests, and lost ${lost}`);
}

/** Resolves at the end of the run; blocks the loop in between if that was asked for. */
async function untilOver(options: DemoOptions, screen: Screen, stop: AbortSignal, ops: Ops): Promise<void> {
  const over = new AbortController();
  const end = once(over.signal, 'abort');
  stop.addEventListener('abort', () => over.abort(), { once: true });
  const timer = options.durationMs === undefined ? undefined : setTimeout(() => over.abort(), options.durationMs);
  if (stop.aborted) over.abort();
  const { blockMs } = options;
  if (blockMs !== undefined) {
    await Promise.race([end, pause(BLOCK_AFTER_MS)]);
    const begin = (): void => {
      phase.set('blocked');
      screen.print(`blocking the event loop for ${time(blockMs / 1_000)} ...`);
    };
    if (!over.signal.aborted) {
      const report = await blockLoop(blockMs, ops, begin);
      phase.set('running');
      screen.print(blockLine(report));
    }
  }
  await end;
  clearTimeout(timer);
}

/** What runs where, one string per line. */
function places(options: DemoOptions, gateway: Gateway, upstreamPort: number, ops: Ops, log: AccessLog, samples: Samples): string[] {
  const instead = (wanted: number, port: number): string => (wanted === 0 || wanted === port ? '' : `  (port ${wanted} is taken)`);
  const base = `http://${gateway.host}:${gateway.port}`;
  const opsBase = `http://${ops.host}:${ops.port}`;
  const rows: [string, string][] = [
    ['gateway', `${base}${instead(options.port, gateway.port)}`],
    ['', `${counted(ROUTES.length, 'route')}, try: curl -i ${base}/users/42`],
    ['upstream', `http://127.0.0.1:${upstreamPort}, in its own thread`],
    ['ops', `${opsBase}/metrics${instead(options.opsPort, ops.port)}`],
    ['', 'as text, OpenMetrics or, with native histograms, protobuf; with gzip or zstd'],
    ['', `${opsBase}/live`],
    ['', `${opsBase}/debug/cardinality`],
    ['traces', `${opsBase}/trace?n=5, one by ?id=, ?format=chrome for https://ui.perfetto.dev`],
    ['', tracesNote()],
    ['log', `${log.files}, a JSON line for each request; its lines have run ${log.run}`],
    ['memory', memoryNote(samples)],
    ['load', options.load ? `${counted(options.rate, 'request')} a second, from its own thread` : 'none, the gateway waits for yours'],
  ];
  const end = options.durationMs === undefined ? 'Ctrl-C ends it' : `ends after ${options.durationMs / 1_000} s or with Ctrl-C`;
  return [`Kymo demo, pid ${process.pid}, Node ${process.version}; ${end}`, ...rows.map(([name, value]) => `  ${name.padEnd(10)}${value}`)];
}

/** Where spans are sent. */
function tracesNote(): string {
  const endpoint = collector();
  return endpoint === undefined
    ? 'to a collector such as Jaeger: OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 npm start'
    : `sent to ${endpoint}`;
}

/** Where what is counted lies, and so whether it outlives a crash. */
function memoryNote(samples: Samples): string {
  const bytes = samples.sum('kymo_memory_bytes', { backing: 'file' });
  if (bytes === 0) return 'anonymous: nothing is left after a crash';
  const folder = `${process.env.KYMO_MEMORY_DIR || '/dev/shm'}/kymo-${process.getuid?.()}`;
  return `segment files of ${(bytes / 2 ** 20).toFixed(1)} MiB in ${folder}, gone after a clean end`;
}

function scrape(ops: Ops): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = get({ host: ops.host, port: ops.port, path: '/metrics', agent: false }, (answer) => {
      answer.setEncoding('utf8');
      let text = '';
      answer.on('data', (chunk: string) => {
        text += chunk;
      });
      answer.once('error', reject);
      answer.once('end', () => resolve(text));
    });
    sent.once('error', reject);
  });
}

/** What was opened, closed in reverse order, each of it even if another fails. */
class Closing {
  readonly #steps: (() => Promise<unknown>)[] = [];

  add(step: () => Promise<unknown>): void {
    this.#steps.push(step);
  }

  /** Closes everything; rejects with the first error once all is closed. */
  async run(): Promise<void> {
    const errors: unknown[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
