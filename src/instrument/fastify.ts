// The routes and the errors of Fastify 5, from what it publishes and its hooks; spans and durations are those of its `node:http` server.
// App threads.
import type { ServerResponse } from 'node:http';
import { Channels } from './channels.js';
import { httpRouteOf, recordHttpException, setHttpRoute } from './http-route.js';

interface FastifyRequest {
  readonly routeOptions?: { readonly url?: string };
}

interface FastifyReply {
  readonly raw: ServerResponse;
}

interface FastifyInstance {
  addHook(name: 'onRequest', hook: (request: FastifyRequest, reply: FastifyReply, done: () => void) => void): unknown;
  addHook(name: 'onError', hook: (request: FastifyRequest, reply: FastifyReply, error: unknown, done: () => void) => void): unknown;
}

interface HandlerMessage {
  readonly reply: FastifyReply;
  readonly route: { readonly url?: string };
  readonly error?: unknown;
}

/** Tells routes and errors of every Fastify instance of this thread, until it is stopped. */
export class FastifyInstrumentation {
  readonly #channels = new Channels();
  #stopped = false;

  constructor() {
    // Instances made from now on: by hooks, so that requests that an earlier hook refuses have their route, too.
    this.#channels.on('fastify.initialization', ({ fastify }: { readonly fastify: FastifyInstance }) => this.#hook(fastify));
    // Those that were there before: when their handler begins.
    this.#channels.on('tracing:fastify.request.handler:start', ({ reply, route }: HandlerMessage) => {
      if (route.url !== undefined && httpRouteOf(reply.raw) === '') setHttpRoute(reply.raw, route.url);
    });
    this.#channels.on('tracing:fastify.request.handler:error', ({ reply, error }: HandlerMessage) => recordHttpException(reply.raw, error));
  }

  /** Tells nothing more. */
  stop(): void {
    this.#stopped = true;
    this.#channels.off();
  }

  #hook(fastify: FastifyInstance): void {
    fastify.addHook('onRequest', (request, reply, done) => {
      const url = request.routeOptions?.url;
      if (url !== undefined && !this.#stopped) setHttpRoute(reply.raw, url);
      done();
    });
    fastify.addHook('onError', (_request, reply, error, done) => {
      if (!this.#stopped) recordHttpException(reply.raw, error);
      done();
    });
  }
}
