// A span and a duration for every request that this thread sends through `node:http` or `node:https`, and the trace in its headers, from
// what Node publishes. App threads. Node 22.12 and later tell of a request before its headers are written; for earlier ones the
// agents of traced-agent.ts do.
import type { ClientRequest, IncomingMessage } from 'node:http';
import { Channels } from './channels.js';
import type { ClientCall } from './client-call.js';
import { ClientCalls, type HttpClientOptions } from './client-calls.js';
import { errorTypeOf } from './http-route.js';
import { ABORTED } from './semantic-conventions.js';
import { REQUEST_CREATED, replaceDefaultAgents } from './traced-agent.js';
import type { Tracing } from './tracing.js';

const CALL = Symbol('kymo.call');

/** `null`: seen, and not to be traced. */
type Marked = { [CALL]?: ClientCall | null };

interface Sent {
  readonly request: ClientRequest;
  readonly response: IncomingMessage;
}

function callOf(request: ClientRequest): ClientCall | null | undefined {
  return (request as Marked)[CALL];
}

/** Listener of a request's `close`, the last thing that happens to it. */
function closed(this: ClientRequest): void {
  const call = callOf(this);
  if (call == null) return;
  const { response } = call;
  if (response === undefined) call.failed(ABORTED);
  else if (!response.complete) call.failed(response.errored == null ? ABORTED : errorTypeOf(response.errored));
  call.end();
}

/** Traces and times the requests of this thread, until it is stopped. */
export class HttpClientInstrumentation {
  readonly #calls: ClientCalls;
  readonly #starts = new Channels();
  readonly #ends = new Channels();
  readonly #putBackAgents: () => void;

  constructor(tracing: Tracing, options: HttpClientOptions) {
    this.#calls = new ClientCalls(tracing, options);
    const begin = ({ request }: { readonly request: ClientRequest }): void => this.#begin(request);
    this.#starts.on('http.client.request.created', begin);
    this.#starts.on(REQUEST_CREATED, begin);
    // Of requests that nobody told before, all of Node 20's other agents: their headers are gone, a span is had all the same.
    this.#starts.on('http.client.request.start', begin);
    this.#ends.on('http.client.response.finish', ({ request, response }: Sent) => callOf(request)?.headed(response));
    this.#ends.on('http.client.request.error', ({ request, error }: { readonly request: ClientRequest; readonly error: unknown }) =>
      callOf(request)?.failed(errorTypeOf(error), error),
    );
    this.#putBackAgents = replaceDefaultAgents();
  }

  /** Begins nothing more; requests under way are still ended. */
  stop(): void {
    this.#starts.off();
    this.#putBackAgents();
    this.#calls.whenIdle(() => this.#ends.off());
  }

  #begin(request: ClientRequest): void {
    if (callOf(request) !== undefined) return;
    // Headers given as a list are written at once, and those of Node 20's other agents before anybody is told.
    const setHeader = request.headersSent ? undefined : (name: string, value: string): void => void request.setHeader(name, value);
    // What becomes of an upgraded connection is not HTTP, and no message tells when it ends.
    if (request.method === 'CONNECT' || request.hasHeader('upgrade')) {
      (request as Marked)[CALL] = null;
      if (setHeader !== undefined) this.#calls.inject(setHeader);
      return;
    }
    const { method, path } = request;
    const call = this.#calls.begin({ method, origin: originOf(request), path }, setHeader) ?? null;
    (request as Marked)[CALL] = call;
    if (call !== null) request.once('close', closed);
  }
}

/** Scheme, host and port of a request: the host it connects to, and the port of its `host` header, where it was not given by hand. */
function originOf(request: ClientRequest): string {
  const { host, protocol } = request;
  const named = String(request.getHeader('host') ?? '');
  const shown = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  return `${protocol}//${named.startsWith(`${shown}:`) ? named : shown}`;
}
