// Route templates and errors of Fastify, Express and Koa, as their own published versions tell them.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { activeContext } from '../../src/context/context.js';
import { expressErrorMiddleware, expressMiddleware } from '../../src/instrument/express.js';
import { FastifyInstrumentation } from '../../src/instrument/fastify.js';
import { HttpServerInstrumentation } from '../../src/instrument/http-server.js';
import { koaMiddleware } from '../../src/instrument/koa.js';
import { frameworksInstalled, requireFramework } from './frameworks.js';
import { type RecordedSpan, RecordedSpans } from './recorded-spans.js';

let tracing: RecordedSpans;
let instrumentation: HttpServerInstrumentation;
let close: () => unknown;

beforeEach(() => {
  tracing = new RecordedSpans();
  instrumentation = new HttpServerInstrumentation(tracing, {});
});

afterEach(async () => {
  instrumentation.stop();
  await close();
});

async function ask(port: number, path: string, init?: RequestInit): Promise<RecordedSpan> {
  const before = tracing.spans.length;
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { ...init, headers: { connection: 'close', ...init?.headers } });
  await answer.text();
  await vi.waitFor(() => expect(tracing.spans[before]?.ended).toBe(1));
  return tracing.spans[before] as RecordedSpan;
}

/** Class of the exceptions of a span, and what the span says of its end. */
const outcome = (span: RecordedSpan): unknown[] => [
  span.name,
  span.attributes['http.response.status_code'],
  span.attributes['error.type'],
  span.exceptions.map((error) => (error as Error).message),
];

async function listening(app: { listen(port: number, host: string, done: () => void): Server }): Promise<number> {
  const server = await new Promise<Server>((resolve) => {
    const made = app.listen(0, '127.0.0.1', () => resolve(made));
  });
  close = () => new Promise((resolve) => server.close(resolve));
  return (server.address() as AddressInfo).port;
}

interface Reply {
  code(status: number): Reply;
  send(body: unknown): Reply;
}
type FastifyHandler = (request: { params: Record<string, string> }, reply: Reply) => unknown;
interface Fastify {
  get(path: string, handler: FastifyHandler): void;
  post(path: string, handler: FastifyHandler): void;
  addHook(name: string, hook: (request: unknown, reply: Reply) => Promise<unknown>): void;
  register(plugin: (instance: Fastify) => Promise<void>, options: { prefix: string }): void;
  listen(options: { port: number; host: string }): Promise<string>;
  close(): Promise<void>;
}

describe.runIf(frameworksInstalled)('Fastify', () => {
  const make = (): Fastify => (requireFramework('fastify') as () => Fastify)();

  async function start(app: Fastify): Promise<number> {
    close = () => app.close();
    return Number(new URL(await app.listen({ port: 0, host: '127.0.0.1' })).port);
  }

  function routes(app: Fastify): void {
    app.get('/users/:id', async ({ params }) => {
      if (params.id === '0') throw new RangeError('no zero');
      if (params.id === 'gone') throw Object.assign(new Error('gone'), { statusCode: 410 });
      return { context: tracing.indexOf(activeContext()) };
    });
    app.register(async (inner) => inner.post('/orders', async (_request, reply) => reply.code(201).send({})), { prefix: '/v1' });
  }

  it('tells templates with their prefix, errors of 500 and more, and nothing of what it has no route for', async () => {
    const fastify = new FastifyInstrumentation();
    const app = make();
    routes(app);
    app.addHook('onRequest', async (request, reply) => {
      if ((request as { headers: Record<string, string> }).headers['x-refuse'] !== undefined) return reply.code(401).send({});
    });
    const port = await start(app);
    const before = tracing.spans.length;
    expect(await (await fetch(`http://127.0.0.1:${port}/users/7`, { headers: { connection: 'close' } })).json()).toEqual({
      context: before,
    });
    await vi.waitFor(() => expect(tracing.spans[0]?.ended).toBe(1));
    expect(outcome(tracing.spans[0] as RecordedSpan)).toEqual(['GET /users/:id', 200, undefined, []]);
    expect(outcome(await ask(port, '/users/0'))).toEqual(['GET /users/:id', 500, 'RangeError', ['no zero']]);
    expect(outcome(await ask(port, '/users/gone'))).toEqual(['GET /users/:id', 410, undefined, []]);
    const posted = await ask(port, '/v1/orders', { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } });
    expect(outcome(posted)).toEqual(['POST /v1/orders', 201, undefined, []]);
    expect(outcome(await ask(port, '/users/7', { headers: { 'x-refuse': '1' } }))).toEqual(['GET /users/:id', 401, undefined, []]);
    expect(outcome(await ask(port, '/nowhere/7'))).toEqual(['GET', 404, undefined, []]);
    fastify.stop();
    expect(outcome(await ask(port, '/users/7'))).toEqual(['GET', 200, undefined, []]);
  });

  it('tells templates and errors of an instance that was there before', async () => {
    const app = make();
    routes(app);
    const port = await start(app);
    const fastify = new FastifyInstrumentation();
    expect(outcome(await ask(port, '/users/7'))).toEqual(['GET /users/:id', 200, undefined, []]);
    expect(outcome(await ask(port, '/users/0'))).toEqual(['GET /users/:id', 500, 'RangeError', ['no zero']]);
    fastify.stop();
  });
});

type Handler = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void;
interface ExpressRouter {
  use(...handlers: unknown[]): void;
  get(path: string | RegExp | string[], handler: Handler): void;
  post(path: string, handler: Handler): void;
}
interface Express {
  (): ExpressRouter & { listen(port: number, host: string, done: () => void): Server };
  Router(): ExpressRouter;
}

describe.runIf(frameworksInstalled).each(['express', 'express4'])('%s', (name) => {
  it('tells templates with the path of their router, and errors', async () => {
    const express = requireFramework(name) as Express;
    const app = express();
    app.use(expressMiddleware({ mounts: ['/shops/:shop'] }));
    const api = express.Router();
    api.get('/users/:id', (request, response, next) =>
      request.url?.includes('/0') ? next(new RangeError('no zero')) : response.end('user'),
    );
    api.get('/', (_request, response) => void response.end('root'));
    app.use('/api/v2', api);
    app.use('/tenants/:tenant', api);
    app.use('/shops/:shop', api);
    app.get('/', (_request, response) => void response.end('home'));
    app.get(/^\/files\/.*/, (_request, response) => void response.end('file'));
    app.get(['/one', '/two'], (_request, response) => void response.end('either'));
    app.use(expressErrorMiddleware());
    app.use((_error: unknown, _request: IncomingMessage, response: ServerResponse, _next: unknown) => {
      response.statusCode = 500;
      response.end();
    });
    const port = await listening(app);
    const named: Record<string, string> = {
      '/': 'GET /',
      '/api/v2/users/7?x=1': 'GET /api/v2/users/:id',
      '/api/v2': 'GET /api/v2',
      '/tenants/4711/users/7': 'GET /tenants/:id/users/:id',
      '/shops/berlin/users/7': 'GET /shops/:shop/users/:id',
      '/files/a/b': 'GET /^\\/files\\/.*/',
      '/two': 'GET /one|/two',
      '/nowhere': 'GET',
    };
    for (const [path, expected] of Object.entries(named)) expect([path, (await ask(port, path)).name]).toEqual([path, expected]);
    expect(outcome(await ask(port, '/api/v2/users/0'))).toEqual(['GET /api/v2/users/:id', 500, 'RangeError', ['no zero']]);
  });
});

interface KoaApp {
  use(middleware: unknown): void;
  on(event: 'error', listener: (error: unknown) => void): void;
  listen(port: number, host: string, done: () => void): Server;
}
interface KoaRouter {
  get(path: string, handler: (context: { params: Record<string, string>; body: unknown }) => unknown): void;
  routes(): unknown;
}

describe.runIf(frameworksInstalled)('Koa', () => {
  it('tells templates with the prefix of their router, and errors', async () => {
    const Koa = requireFramework('koa') as new () => KoaApp;
    const { default: Router } = requireFramework('@koa/router') as { default: new (options: { prefix: string }) => KoaRouter };
    const app = new Koa();
    const reported: unknown[] = [];
    app.on('error', (error) => reported.push(error));
    app.use(koaMiddleware());
    const router = new Router({ prefix: '/api' });
    router.get('/users/:id', (context) => {
      if (context.params.id === '0') throw new RangeError('no zero');
      if (context.params.id === '1') throw Object.assign(new Error('not here'), { status: 404, expose: true });
      context.body = 'user';
    });
    app.use(router.routes());
    const port = await listening(app);
    expect(outcome(await ask(port, '/api/users/7'))).toEqual(['GET /api/users/:id', 200, undefined, []]);
    expect(outcome(await ask(port, '/api/users/0'))).toEqual(['GET /api/users/:id', 500, 'RangeError', ['no zero']]);
    expect(outcome(await ask(port, '/api/users/1'))).toEqual(['GET /api/users/:id', 404, undefined, []]);
    expect(outcome(await ask(port, '/nowhere'))).toEqual(['GET', 404, undefined, []]);
    expect(reported).toHaveLength(2);
  });
});
