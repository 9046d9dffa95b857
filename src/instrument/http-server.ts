// A span and a duration for every request that a `node:http` or `node:https` server of this thread answers, from what Node publishes.
// App threads. Nothing is patched, and servers may be made before or after: a request is traced when it begins after this did.

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FlatAttributes } from '../binding/writable-span.js';
import { activeContext, type Context } from '../context/context.js';
import { contextsStay } from '../context/enter.js';
import { forwardedClient } from './address.js';
import { followBody } from './body-context.js';
import { Channels } from './channels.js';
import { Connection, connectionOf, Exchange, exchangeOf, setExchange } from './http-exchange.js';
import { methodAttribute, methodInName } from './http-method.js';
import { finalRoute } from './http-route.js';
import { isIgnored } from './ignored.js';
import { enterRequest, leaveRequest } from './request-context.js';
import { Endpoints, ServerDurations } from './request-durations.js';
import { ABORTED, KEY, OTHER_METHOD } from './semantic-conventions.js';
import { ServerListeners } from './server-listeners.js';
import { type Tracing, timeOf } from './tracing.js';
import { redactQuery } from './url-redaction.js';

/** Options of the instrumentation of servers. */
export interface HttpServerOptions {
  /** True for requests that get neither span nor duration: probes, scrapes. It runs for each request; one that throws says false. */
  readonly ignore?: (request: IncomingMessage) => boolean;
  /**
   * The template of a request's path, such as `/users/:id`, where no framework tells it: for servers with a router of their own. It
   * runs for each request, before its listeners; undefined where it cannot know yet (see `setHttpRoute`).
   */
  readonly route?: (request: IncomingMessage) => string | undefined;
  /** False: `client.address` is the peer, whatever `forwarded` and `x-forwarded-for` say. Default true. */
  readonly forwarded?: boolean;
}

interface StartMessage {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly socket: Socket;
  readonly server: Server;
}

/** True when some listener will be called with the request, and `leaveRequest` after it; elsewhere node:http answers by itself. */
function isEmitted({ headers, httpVersion }: IncomingMessage, listeners: ServerListeners): boolean {
  if (headers.host === undefined && httpVersion === '1.1') return false;
  const { expect } = headers;
  return expect === undefined || /(?:^|\W)100-continue(?:$|\W)/i.test(expect) || listeners.has('checkExpectation');
}

/** True when the headers announce a body, which may be empty all the same. */
function announcesBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length'];
  return (length !== undefined && length !== '0') || headers['transfer-encoding'] !== undefined;
}

/** The path of a target that a client sends to a proxy, `http://user:password@host/path`; `*` stays as it is. */
function withoutOrigin(target: string): string {
  return target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?]*/i, '') || '/';
}

/** `pairs` without those whose value says nothing. */
function withoutEmpty(pairs: FlatAttributes): FlatAttributes {
  const kept: FlatAttributes = [];
  for (let at = 0; at < pairs.length; at += 2) if (pairs[at + 1] !== '' && pairs[at + 1] !== 0) kept.push(pairs[at], pairs[at + 1]);
  return kept;
}

/** Traces and times the requests of all servers of this thread, until it is stopped. */
export class HttpServerInstrumentation {
  readonly #tracing: Tracing;
  readonly #options: HttpServerOptions;
  readonly #endpoints = new Endpoints();
  readonly #durations: ServerDurations | undefined;
  readonly #seen = new WeakSet<Server>();
  readonly #servers = new Set<WeakRef<Server>>();
  readonly #contextsStay = contextsStay();
  readonly #starts = new Channels();
  readonly #ends = new Channels();
  /** Requests that are not answered yet. */
  #open = 0;
  #stopped = false;

  constructor(tracing: Tracing, options: HttpServerOptions) {
    this.#tracing = tracing;
    this.#options = options;
    this.#durations = tracing.registry === undefined ? undefined : new ServerDurations(tracing.registry);
    this.#ends.on('http.server.response.finish', ({ request, response }: StartMessage) => {
      const exchange = exchangeOf(request);
      // An earlier instrumentation ends its own.
      if (exchange?.connection.owner === this) this.#end(exchange, request, response.statusCode, '');
    });
    this.#starts.on('http.server.request.start', (message: StartMessage) => this.#begin(message));
  }

  /** Begins nothing more; requests under way are still ended. */
  stop(): void {
    this.#stopped = true;
    this.#starts.off();
    for (const reference of this.#servers) {
      const server = reference.deref();
      if (server !== undefined) ServerListeners.of(server, leaveRequest).remove();
    }
    this.#servers.clear();
    if (this.#open === 0) this.#ends.off();
  }

  #begin({ request, response, socket, server }: StartMessage): void {
    if (isIgnored(this.#options.ignore, request)) return;
    const active = activeContext();
    let connection = connectionOf(socket);
    if (connection?.owner !== this) connection = this.#connect(socket, server, active);
    // A listener that threw left its context behind; the next request does not belong to it.
    else if (active !== connection.entered) connection.outer = active;
    const method = methodAttribute(request.method ?? '', this.#tracing.methods);
    const route = this.#routeOf(request);
    const name = route === '' ? methodInName(method) : this.#endpoints.of(method, route).name;
    const tracing = this.#tracing;
    const span = tracing.begin?.(
      name,
      tracing.extract(connection.outer, request.headers),
      'server',
      this.#attributes(request, connection, method),
    );
    const startedAt = timeOf(span?.startedAt);
    const exchange = new Exchange(connection, response, span, startedAt, method, name, route);
    setExchange(request, exchange);
    connection.opened(exchange);
    this.#open++;
    if (span !== undefined) this.#enter(request, connection, span.context);
  }

  #enter(request: IncomingMessage, connection: Connection, context: Context): void {
    const { listeners } = connection;
    listeners.settle();
    if (this.#contextsStay && !isEmitted(request, listeners)) return;
    enterRequest(request, connection, context);
    if (announcesBody(request)) followBody(request);
  }

  #connect(socket: Socket, server: Server, active: Context): Connection {
    const listeners = ServerListeners.of(server, leaveRequest);
    if (!this.#seen.has(server)) {
      this.#seen.add(server);
      for (const reference of this.#servers) if (reference.deref() === undefined) this.#servers.delete(reference);
      this.#servers.add(new WeakRef(server));
    }
    const connection = new Connection(this, socket, listeners, active);
    socket.once('close', () => this.#closed(connection));
    return connection;
  }

  /** The attributes that are known at the start, and so to a sampler. */
  #attributes(request: IncomingMessage, connection: Connection, method: string): FlatAttributes {
    const { headers, url = '' } = request;
    const target = url.startsWith('/') ? url : withoutOrigin(url);
    const mark = target.indexOf('?');
    const { host, port } = connection.server(headers.host);
    const client = this.#options.forwarded === false ? undefined : forwardedClient(headers);
    const pairs: FlatAttributes = [
      KEY.method,
      method,
      KEY.urlPath,
      mark < 0 ? target : target.slice(0, mark),
      KEY.urlScheme,
      connection.scheme,
      KEY.serverAddress,
      host,
      KEY.serverPort,
      port,
      KEY.clientAddress,
      client ?? connection.peerAddress,
      KEY.peerAddress,
      connection.peerAddress,
      KEY.peerPort,
      connection.peerPort,
      KEY.protocolVersion,
      request.httpVersion,
      // Room for user agent, query, status and route: an array that has to grow for them costs 50 ns and 400 bytes more.
      '',
      '',
      '',
      '',
      '',
      '',
      '',
      '',
    ];
    for (let spare = 0; spare < 8; spare++) pairs.pop();
    const agent = headers['user-agent'];
    if (agent !== undefined) pairs.push(KEY.userAgent, agent);
    if (mark >= 0) pairs.push(KEY.urlQuery, redactQuery(target.slice(mark + 1), this.#tracing.secrets));
    if (method === OTHER_METHOD) pairs.push(KEY.methodOriginal, request.method);
    // A local socket has no addresses.
    return connection.peerAddress === '' ? withoutEmpty(pairs) : pairs;
  }

  /** Ends what was open when the connection closed: the client left, or somebody destroyed the socket. */
  #closed(connection: Connection): void {
    const open = connection.takeOpen();
    if (open.length === 0) return;
    // Listeners of this same event may still have something to say.
    process.nextTick(() => {
      for (const exchange of open) {
        const { response } = exchange;
        this.#end(exchange, response.req, response.headersSent ? response.statusCode : 0, ABORTED);
      }
    });
  }

  #end(exchange: Exchange, request: IncomingMessage, status: number, cut: string): void {
    if (exchangeOf(request) !== exchange) return;
    setExchange(request, undefined);
    const { connection, span, method } = exchange;
    const route = finalRoute(exchange, request);
    connection.closed(exchange);
    this.#open--;
    if (this.#stopped && this.#open === 0) this.#ends.off();
    const failed = status >= 500;
    const errorType = cut !== '' ? cut : failed ? exchange.errorType || String(status) : '';
    const endpoint = this.#endpoints.of(method, route);
    if (span !== undefined) {
      if (span.isRecording()) {
        if (status !== 0) span.setAttribute(KEY.status, status);
        if (route !== '') span.setAttribute(KEY.route, route);
        if (errorType !== '') span.setAttribute(KEY.errorType, errorType);
        if (failed) span.setStatus('error');
        if (span.name === exchange.name) span.name = endpoint.name;
      }
      span.end();
    }
    const seconds = (timeOf(span?.endedAt) - exchange.startedAt) / 1_000;
    this.#durations?.observe(seconds, endpoint, status, request.httpVersion, connection.scheme, errorType);
  }

  #routeOf(request: IncomingMessage): string {
    const { route } = this.#options;
    if (route === undefined) return '';
    try {
      const template = route(request);
      return typeof template === 'string' ? template : '';
    } catch {
      return '';
    }
  }
}
