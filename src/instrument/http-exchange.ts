// What is kept of a connection and of a request that this process answers, between the beginning and the end that node:http publishes.
// App threads; one object per connection and one per request, found through the socket and the request.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Context } from '../context/context.js';
import { defaultPort, type HostPort, hostPort } from './address.js';
import type { ServerListeners } from './server-listeners.js';
import type { AnySpan } from './tracing.js';

const EXCHANGE = Symbol('kymo.exchange');
const CONNECTION = Symbol('kymo.connection');

/** One request and its answer. */
export class Exchange {
  readonly connection: Connection;
  readonly response: ServerResponse;
  /** Undefined where there are metrics only. */
  readonly span: AnySpan | undefined;
  /** Ms of the monotonic clock. */
  readonly startedAt: number;
  /** The method as attributes show it. */
  readonly method: string;
  /** What the span was called at its start. */
  readonly name: string;
  /** The template of the path; empty as long as nobody told it. */
  route: string;
  /** Tells the route when the answer is complete. */
  routeAtEnd: ((request: IncomingMessage) => string) | undefined = undefined;
  /** What was recorded last. */
  exception: unknown = undefined;
  /** `error.type` of an exception that the application reported; empty for none. */
  errorType = '';
  /** The one that came after it on the connection, while both are open. */
  next: Exchange | undefined = undefined;

  constructor(
    connection: Connection,
    response: ServerResponse,
    span: AnySpan | undefined,
    startedAt: number,
    method: string,
    name: string,
    route: string,
  ) {
    this.connection = connection;
    this.response = response;
    this.span = span;
    this.startedAt = startedAt;
    this.method = method;
    this.name = name;
    this.route = route;
  }
}

type Marked = { [EXCHANGE]?: Exchange | undefined };

/** The exchange of a request; undefined when nobody traces it, or it is over. */
export function exchangeOf(request: IncomingMessage): Exchange | undefined {
  return (request as unknown as Marked)[EXCHANGE];
}

/** Marks `request` with its exchange; with undefined, as over. */
export function setExchange(request: IncomingMessage, exchange: Exchange | undefined): void {
  (request as unknown as Marked)[EXCHANGE] = exchange;
}

/** The connection of `socket`, if it is known; of the instrumentation that saw it last. */
export function connectionOf(socket: Socket): Connection | undefined {
  return (socket as unknown as { [CONNECTION]?: Connection })[CONNECTION];
}

/** What all requests of a socket have in common, for one instrumentation. */
export class Connection {
  /** The instrumentation. */
  readonly owner: object;
  readonly scheme: 'http' | 'https';
  /** Address and port of the other side; empty and 0 for a local socket. */
  readonly peerAddress: string;
  readonly peerPort: number;
  /** Ours on the server that it came to. */
  readonly listeners: ServerListeners;
  /** What was active when the last request came, and is again when its listeners have run. */
  outer: Context;
  /** The context that is entered, and for whom; still there when a listener threw, so that nobody takes it for what was active before. */
  entered: Context | undefined = undefined;
  enteredFor: IncomingMessage | undefined = undefined;
  /** The oldest request that is not answered yet; the others follow it. */
  #first: Exchange | undefined = undefined;
  #last: Exchange | undefined = undefined;
  #host = '';
  #server: HostPort;
  readonly #local: HostPort;

  constructor(owner: object, socket: Socket, listeners: ServerListeners, outer: Context) {
    this.owner = owner;
    this.scheme = (socket as TLSSocket).encrypted === true ? 'https' : 'http';
    this.peerAddress = socket.remoteAddress ?? '';
    this.peerPort = socket.remotePort ?? 0;
    this.listeners = listeners;
    this.outer = outer;
    this.#local = { host: socket.localAddress ?? '', port: socket.localPort ?? 0 };
    this.#server = this.#local;
    (socket as unknown as { [CONNECTION]?: Connection })[CONNECTION] = this;
  }

  /** Where the client meant to go: as `host` says, else where it arrived. The same header as before costs a comparison. */
  server(host: string | undefined): HostPort {
    if (host === undefined || host === '') return this.#local;
    if (host !== this.#host) {
      const { host: name, port } = hostPort(host) ?? this.#local;
      this.#server = { host: name, port: port === 0 ? defaultPort(this.scheme) : port };
      this.#host = host;
    }
    return this.#server;
  }

  /** Adds a request that was read. */
  opened(exchange: Exchange): void {
    if (this.#last === undefined) this.#first = exchange;
    else this.#last.next = exchange;
    this.#last = exchange;
  }

  /** Takes out a request that is over. Answers go out in the order of the requests, so it is the first one as a rule. */
  closed(exchange: Exchange): void {
    if (this.#first === exchange) {
      this.#first = exchange.next;
      if (this.#first === undefined) this.#last = undefined;
      return;
    }
    for (let at = this.#first; at !== undefined; at = at.next) {
      if (at.next !== exchange) continue;
      at.next = exchange.next;
      if (this.#last === exchange) this.#last = at;
    }
  }

  /** Takes out all that are open. */
  takeOpen(): Exchange[] {
    const open: Exchange[] = [];
    for (let at = this.#first; at !== undefined; at = at.next) open.push(at);
    this.#first = undefined;
    this.#last = undefined;
    return open;
  }
}
