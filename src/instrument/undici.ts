// A span and a duration for every request of `fetch` and of undici, Node's own or installed, and the trace in its headers, from what undici
// publishes. App threads.
import { Channels } from './channels.js';
import type { ClientCall } from './client-call.js';
import { ClientCalls, type HttpClientOptions } from './client-calls.js';
import { errorTypeOf } from './http-route.js';
import type { Tracing } from './tracing.js';

/** undici's request, as far as its documentation of the channels goes. */
interface UndiciRequest {
  readonly method: string;
  readonly path: string;
  readonly origin: string | URL | null | undefined;
  /** Names and values in turn; one text in undici 5. */
  readonly headers: unknown[] | string;
  readonly upgrade?: unknown;
  addHeader(name: string, value: string): unknown;
}

/** Traces and times the requests of undici on this thread, until it is stopped. */
export class UndiciInstrumentation {
  readonly #calls: ClientCalls;
  readonly #open = new WeakMap<UndiciRequest, ClientCall>();
  readonly #starts = new Channels();
  readonly #ends = new Channels();

  constructor(tracing: Tracing, options: HttpClientOptions) {
    this.#calls = new ClientCalls(tracing, options);
    this.#starts.on('undici:request:create', ({ request }: { readonly request: UndiciRequest }) => this.#begin(request));
    this.#ends.on('undici:request:headers', ({ request, response }: { request: UndiciRequest; response: { statusCode: number } }) =>
      this.#open.get(request)?.answered(response.statusCode, ''),
    );
    this.#ends.on('undici:request:trailers', ({ request }: { readonly request: UndiciRequest }) => this.#open.get(request)?.end());
    this.#ends.on('undici:request:error', ({ request, error }: { readonly request: UndiciRequest; readonly error: unknown }) => {
      const call = this.#open.get(request);
      call?.failed(errorTypeOf(error), error);
      call?.end();
    });
  }

  /** Begins nothing more; requests under way are still ended. */
  stop(): void {
    this.#starts.off();
    this.#calls.whenIdle(() => this.#ends.off());
  }

  #begin(request: UndiciRequest): void {
    const setHeader = (name: string, value: string): void => setUndiciHeader(request, name, value);
    // What becomes of an upgraded connection is not HTTP, and no message tells when it ends.
    if (request.method === 'CONNECT' || (request.upgrade !== undefined && request.upgrade !== null)) {
      this.#calls.inject(setHeader);
      return;
    }
    const origin = String(request.origin ?? '').replace(/\/$/, '');
    const call = this.#calls.begin({ method: request.method, origin, path: request.path }, setHeader);
    if (call !== undefined) this.#open.set(request, call);
  }
}

/** Sets a header instead of one of that name that the application passed on, since two make the trace invalid. */
function setUndiciHeader(request: UndiciRequest, name: string, value: string): void {
  const { headers } = request;
  if (Array.isArray(headers)) {
    for (let at = 0; at < headers.length; at += 2) {
      if (String(headers[at]).toLowerCase() !== name) continue;
      headers[at + 1] = value;
      return;
    }
  }
  request.addHeader(name, value);
}
