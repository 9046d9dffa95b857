// Program: an HTTP server that answers 12 bytes, bare or observed, on one core. What observes it is loaded by the command, since
// OpenTelemetry's instrumentation has to be there before `http` is.
import { AsyncLocalStorage } from 'node:async_hooks';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type * as Http from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exposedSum } from '../runner/exposed.js';
import { loadPino, loadPromClient } from '../runner/peers.js';
import { PEERS } from '../runner/places.js';
import { answer } from '../runner/program.js';

/** What observes the requests. */
export type Observer =
  | 'nothing'
  | 'AsyncLocalStorage'
  | 'Kymo'
  | 'prom-client + OpenTelemetry JS'
  | 'Kymo with a log'
  | 'prom-client + OpenTelemetry JS + pino';

/** How to serve. */
export interface Answering {
  readonly observer: Observer;
  /** The core that all threads of the process run on; null: any. */
  readonly core: number | null;
}

/** What was answered, and what the observer has of it. */
export interface Answered {
  readonly requests: number;
  readonly durations: number;
  readonly spans: number;
  /** In the file of the access log. */
  readonly lines: number;
}

/** A handler and what its observer has seen. */
interface Observed {
  readonly handler: Http.RequestListener;
  seen(): Promise<Omit<Answered, 'requests'>>;
}

const BODY = 'Hello world!';
const ROUTE = '/hello/:name';
const HEADERS = { 'content-type': 'text/plain', 'content-length': BODY.length };

let requests = 0;

const plain: Http.RequestListener = (_, response) => {
  requests += 1;
  response.writeHead(200, HEADERS);
  response.end(BODY);
};

const seesNothing = async (): Promise<Omit<Answered, 'requests'>> => ({ durations: 0, spans: 0, lines: 0 });

/** Where an access log goes. */
interface AccessLog {
  /** Writes the line of a request that was answered. */
  write(request: Http.IncomingMessage, status: number, ms: number): void;
  /** Lines in the file, once all are there. */
  lines(): Promise<number>;
}

const NO_LOG: AccessLog = { write: () => undefined, lines: async () => 0 };

function newFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'kymo-bench-gateway-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'access.log');
}

const NEWLINE = 10;

function linesIn(file: string): number {
  let lines = 0;
  for (const byte of readFileSync(file)) if (byte === NEWLINE) lines += 1;
  return lines;
}

async function kymoLog(): Promise<AccessLog> {
  const { configureLogging, fileSink, getLogger } = await import('kymo');
  const file = newFile();
  const stack = configureLogging({ sinks: [fileSink({ path: file, rotate: 'none' })] });
  const log = getLogger('access');
  return {
    write: ({ method }, status, ms) => log.info('request', { method, route: ROUTE, status, duration_ms: ms, bytes: BODY.length }),
    async lines() {
      await stack.flush(60_000);
      return linesIn(file);
    },
  };
}

/** In pino's quickest mode, with the ids of the active span mixed in, as OpenTelemetry's instrumentation of pino does. */
function pinoLog(): AccessLog {
  const pino = loadPino();
  const { trace } = createRequire(PEERS)('@opentelemetry/api');
  const file = newFile();
  const stream = pino.destination({ dest: file, sync: false, minLength: 4_096 });
  const mixin = (): object => {
    const context = trace.getActiveSpan()?.spanContext();
    return context === undefined ? {} : { trace_id: context.traceId, span_id: context.spanId, trace_flags: `0${context.traceFlags}` };
  };
  const log = pino({ mixin, base: null }, stream);
  return {
    write: ({ method }, status, ms) => log.info({ method, route: ROUTE, status, duration_ms: ms, bytes: BODY.length }, 'request'),
    async lines() {
      await new Promise<void>((done, fail) => stream.flush((error?: Error | null) => (error ? fail(error) : done())));
      return linesIn(file);
    },
  };
}

/** Answers, and writes a line about it where there is a log. */
function logged(log: AccessLog, request: Http.IncomingMessage, response: Http.ServerResponse): void {
  const from = log === NO_LOG ? 0 : performance.now();
  plain(request, response);
  if (log !== NO_LOG) log.write(request, response.statusCode, performance.now() - from);
}

/** One `run` per request: what any context that follows a request costs. */
function stored(): Observed {
  const storage = new AsyncLocalStorage<object>();
  const store = {};
  return { handler: (request, response) => storage.run(store, plain, request, response), seen: seesNothing };
}

async function byKymo(log: AccessLog): Promise<Observed> {
  const { instrument, MetricsRegistry, OpsServer, setHttpRoute, TracerProvider } = await import('kymo');
  const registry = new MetricsRegistry();
  // Our own scrapes are no part of what is counted.
  instrument({ provider: new TracerProvider(), registry, fetch: false });
  return {
    handler(request, response) {
      setHttpRoute(request, ROUTE);
      logged(log, request, response);
    },
    async seen() {
      const ops = new OpsServer({ registries: [registry] });
      await ops.start();
      const scraped = async (): Promise<string> => (await fetch(`http://127.0.0.1:${ops.address?.port}/metrics`)).text();
      let text = await scraped();
      // Spans are counted when they have been read from the ring, a moment after they were written.
      for (let attempt = 0; attempt < 50 && exposedSum(text, 'kymo_spans_total') < requests; attempt++) {
        await new Promise((done) => setTimeout(done, 20));
        text = await scraped();
      }
      await ops.stop();
      return {
        lines: await log.lines(),
        durations: exposedSum(text, 'http_server_request_duration_seconds_count'),
        spans: exposedSum(text, 'kymo_spans_total'),
      };
    },
  };
}

/** As applications have it: the published instrumentation with a batch processor, and a histogram in a listener of `finish`. */
function byPeers(log: () => AccessLog): Observed {
  const load = createRequire(PEERS);
  const { registerInstrumentations } = load('@opentelemetry/instrumentation');
  const { HttpInstrumentation } = load('@opentelemetry/instrumentation-http');
  const { AsyncLocalStorageContextManager } = load('@opentelemetry/context-async-hooks');
  const { BasicTracerProvider, BatchSpanProcessor } = load('@opentelemetry/sdk-trace-base');
  const { context, propagation, trace } = load('@opentelemetry/api');
  const { W3CTraceContextPropagator } = load('@opentelemetry/core');
  let spans = 0;
  const exporter = {
    export(batch: readonly unknown[], done: (result: { code: number }) => void): void {
      spans += batch.length;
      done({ code: 0 });
    },
    forceFlush: async () => undefined,
    shutdown: async () => undefined,
  };
  const processor = new BatchSpanProcessor(exporter);
  const provider = new BasicTracerProvider({ spanProcessors: [processor] });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(provider);
  registerInstrumentations({ tracerProvider: provider, instrumentations: [new HttpInstrumentation()] });
  const client = loadPromClient();
  const lines = log();
  const durations = new client.Histogram({
    name: 'http_request_duration_seconds',
    help: 'Duration of requests',
    labelNames: ['method', 'route', 'status'],
  });
  return {
    handler(request, response) {
      const from = performance.now();
      response.once('finish', () => {
        durations.observe({ method: request.method ?? '', route: ROUTE, status: response.statusCode }, (performance.now() - from) / 1_000);
      });
      logged(lines, request, response);
    },
    async seen() {
      await processor.forceFlush();
      const durations = exposedSum(await client.register.metrics(), 'http_request_duration_seconds_count');
      return { durations, spans, lines: await lines.lines() };
    },
  };
}

async function observed(observer: Observer): Promise<Observed> {
  switch (observer) {
    case 'nothing':
      return { handler: plain, seen: seesNothing };
    case 'AsyncLocalStorage':
      return stored();
    case 'Kymo':
      return byKymo(NO_LOG);
    case 'Kymo with a log':
      return byKymo(await kymoLog());
    case 'prom-client + OpenTelemetry JS':
      return byPeers(() => NO_LOG);
    case 'prom-client + OpenTelemetry JS + pino':
      return byPeers(pinoLog);
  }
}

let seen = seesNothing;

answer({
  async serve({ observer, core }: Answering): Promise<number> {
    if (core !== null) {
      const { status, stderr } = spawnSync('taskset', ['-a', '-p', '-c', String(core), String(process.pid)], { encoding: 'utf8' });
      if (status !== 0) throw new Error(`the server could not be kept on one core: ${stderr}`);
    }
    const { handler, seen: sees } = await observed(observer);
    seen = sees;
    const http: typeof Http = createRequire(import.meta.url)('http');
    const server = http.createServer(handler);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return (server.address() as AddressInfo).port;
  },

  answered: async (): Promise<Answered> => ({ requests, ...(await seen()) }),
});
