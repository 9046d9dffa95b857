// The gateway of the demo on node:http: finds the route of a request, gives it an id, counts, times and logs it and hands it to the
// client of the upstream. Instrumented through Kymo's public API only. Main thread.
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { bindContext, type Logger, setHttpRoute } from '../index.js';
import { durations, inFlight, requests } from './instruments.js';
import { listen } from './port.js';
import { matchRoute, ROUTES } from './routes.js';
import { UpstreamClient } from './upstream-client.js';

/** What the gateway is started with. */
export interface GatewayOptions {
  /** First port tried; 0: any. */
  readonly port: number;
  readonly upstreamPort: number;
  /** Gets a line for each request. */
  readonly log: Logger;
}

/** A client's own id of a request is kept if it is harmless in a header, a log line and an exemplar, which holds 128 characters. */
const REQUEST_ID = /^[\w.:-]{1,118}$/;
/** Methods that become label values as they are; a client can send any word. */
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const UPSTREAM_TIMEOUT_MS = 1_000;
/** Above the usual 60 s of a balancer in front, so that it is never us who closes a connection just as it is used. */
const KEEP_ALIVE_MS = 65_000;
const CLOSE_WITHIN_MS = 2_000;

/** A running gateway on 127.0.0.1. */
export class Gateway {
  readonly host = '127.0.0.1';
  readonly #server: Server;
  readonly #upstream: UpstreamClient;
  readonly #log: Logger;
  /** Durations of known routes, bound once: `method route` to the handle. */
  readonly #durations = new Map(ROUTES.map(({ method, template }) => [`${method} ${template}`, durations.labels(method, template)]));

  private constructor(upstreamPort: number, log: Logger) {
    this.#log = log;
    this.#upstream = new UpstreamClient({ name: 'demo', host: this.host, port: upstreamPort, timeoutMs: UPSTREAM_TIMEOUT_MS });
    this.#server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => this.#handle(request, response));
  }

  /** Starts a gateway on `port` or, if it is taken, on the next free one. */
  static async start(options: GatewayOptions): Promise<Gateway> {
    const gateway = new Gateway(options.upstreamPort, options.log);
    await listen(options.port, (port) => gateway.#listen(port));
    return gateway;
  }

  /** The port it listens on. */
  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Takes no more connections and resolves when the last request is answered, at the latest after two seconds. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeIdleConnections();
    const deadline = setTimeout(() => this.#server.closeAllConnections(), CLOSE_WITHIN_MS);
    await closed;
    clearTimeout(deadline);
    this.#upstream.close();
  }

  #listen(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, this.host, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const method = METHODS.has(request.method ?? '') ? (request.method as string) : 'other';
    const match = matchRoute(method, (request.url ?? '').split('?', 1)[0]);
    const route = match.route?.template ?? 'unmatched';
    const duration = this.#durations.get(`${method} ${route}`) ?? durations.labels(method, route);
    const given = request.headers['x-request-id'];
    const requestId = typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
    if (match.route !== undefined) setHttpRoute(request, match.route.template);
    const startMs = performance.now();
    inFlight.inc();
    const { socket } = response;
    const sentBefore = socket?.bytesWritten ?? 0;
    // 'close' comes once for every response, complete or not, and outside of the request's context, which the line tells of.
    const closed = bindContext(() => {
      const ms = performance.now() - startMs;
      const status = response.writableFinished ? response.statusCode : 499;
      inFlight.dec();
      duration.observe(ms / 1_000, { request_id: requestId });
      requests.inc({ method, route, status: String(status) });
      const bytes = (socket?.bytesWritten ?? sentBefore) - sentBefore;
      this.#log.info('request', { method, route, status, duration_ms: Math.round(ms * 1_000) / 1_000, bytes, request_id: requestId });
    });
    response.once('close', closed);

    response.setHeader('x-request-id', requestId);
    if (match.route !== undefined) this.#upstream.forward(request, response, requestId);
    else refuse(request, response, match.allow);
  }
}

/** 405 with the methods that the path knows, 404 where it knows none. */
function refuse(request: IncomingMessage, response: ServerResponse, allow: readonly string[]): void {
  request.resume();
  const status = allow.length > 0 ? 405 : 404;
  const body = status === 405 ? '{"error":"method not allowed"}\n' : '{"error":"not found"}\n';
  if (status === 405) response.setHeader('allow', allow.join(', '));
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
