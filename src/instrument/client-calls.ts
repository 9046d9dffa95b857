// Begins the spans of requests that this process sends, for every client that can be watched. App threads.

import type { FlatAttributes } from '../binding/writable-span.js';
import { activeContext, type Context, hasTrace } from '../context/context.js';
import { defaultPort, hostPort } from './address.js';
import { ClientCall } from './client-call.js';
import { methodAttribute, methodInName } from './http-method.js';
import { isIgnored } from './ignored.js';
import { ClientDurations } from './request-durations.js';
import { KEY, OTHER_METHOD } from './semantic-conventions.js';
import type { Tracing } from './tracing.js';
import { redactedUrl } from './url-redaction.js';

/** Options of the instrumentations of clients. */
export interface HttpClientOptions {
  /** True for requests that get neither span nor duration, and no header. One that throws says false. */
  readonly ignore?: (request: OutgoingRequest) => boolean;
  /** True: a request outside of any trace begins none and is only timed. Default false. */
  readonly onlyInTrace?: boolean;
}

/** What `ignore` sees of a request. */
export interface OutgoingRequest {
  readonly method: string;
  /** `http://host:port`, without a default port. */
  readonly origin: string;
  /** With the query. */
  readonly path: string;
}

/** Sets a header of the request that begins. */
export type SetHeader = (name: string, value: string) => void;

/** The requests of one kind of client. */
export class ClientCalls {
  readonly #tracing: Tracing;
  readonly #options: HttpClientOptions;
  readonly #durations: ClientDurations | undefined;
  #open = 0;
  #whenIdle: (() => void) | undefined;

  constructor(tracing: Tracing, options: HttpClientOptions) {
    this.#tracing = tracing;
    this.#options = options;
    this.#durations = tracing.registry === undefined ? undefined : new ClientDurations(tracing.registry);
  }

  /** The call, with its span in the active context and its trace given to `setHeader`; undefined for one that is ignored. */
  begin(request: OutgoingRequest, setHeader: SetHeader | undefined): ClientCall | undefined {
    if (isIgnored(this.#options.ignore, request)) return undefined;
    const parent = activeContext();
    const method = methodAttribute(request.method, this.#tracing.methods);
    const [scheme = '', authority = ''] = request.origin.split('://', 2);
    const at = hostPort(authority.slice(authority.lastIndexOf('@') + 1));
    const target = { method, host: at?.host ?? '', port: at?.port || defaultPort(scheme) };
    const begins = this.#options.onlyInTrace !== true || hasTrace(parent);
    const attributes = this.#attributes(request, method, target.host, target.port);
    const span = begins ? this.#tracing.begin?.(methodInName(method), parent, 'client', attributes) : undefined;
    if (setHeader !== undefined) this.inject(setHeader, span?.context ?? parent);
    this.#open++;
    return new ClientCall(target, span, this.#durations, () => {
      this.#open--;
      if (this.#open === 0) this.#whenIdle?.();
    });
  }

  /** Gives the headers of `context` to `setHeader`, which may refuse them. */
  inject(setHeader: SetHeader, context: Context = activeContext()): void {
    if (this.#tracing.begin === undefined) return;
    try {
      this.#tracing.inject(context, setHeader);
    } catch {
      // The client sends it without: a request is worth more than its trace.
    }
  }

  /** Calls `then` when no request is under way. */
  whenIdle(then: () => void): void {
    this.#whenIdle = then;
    if (this.#open === 0) then();
  }

  #attributes({ method: given, origin, path }: OutgoingRequest, method: string, host: string, port: number): FlatAttributes {
    const pairs: FlatAttributes = [
      KEY.method,
      method,
      KEY.serverAddress,
      host,
      KEY.serverPort,
      port,
      KEY.urlFull,
      redactedUrl(origin, path, this.#tracing.secrets),
    ];
    if (method === OTHER_METHOD) pairs.push(KEY.methodOriginal, given);
    return pairs;
  }
}
