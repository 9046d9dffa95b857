// Serializers of errors, requests and responses: what pino's give, for random values; and what they give where pino's throw.
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { stdSerializers } from '../../../src/compat/pino/std-serializers.js';
import { pinoPackages } from '../../pino.js';
import { randomOf } from './random-programs.js';

type Serializers = typeof stdSerializers;

const theirs: Serializers | undefined = pinoPackages.installed ? pinoPackages.require('original').stdSerializers : undefined;
const ERROR_KEYS = [
  'code',
  'name',
  'type',
  'raw',
  'inner',
  'cause',
  'errno',
  'constructor',
  'aggregateErrors',
  'list',
  'toString',
  'message',
];

/** A random value; errors in it refer to one another now and then. */
function value(random: (below: number) => number, pool: object[] = [], depth = 0): unknown {
  const pick = <T>(from: readonly T[]): T => from[random(from.length)] as T;
  const inner = (): unknown => value(random, pool, depth + 1);
  const kind = random(depth > 3 ? 6 : 12);
  if (kind < 5) return pick([1, 'text', null, undefined, true]);
  if (kind === 5) return pool.length > 0 ? pick(pool) : { message: 'like an error', a: 1 };
  if (kind === 6) return [inner(), inner()];
  if (kind === 7) return { a: inner() };
  class Own extends Error {}
  const options = random(3) === 0 ? { cause: inner() } : undefined;
  const made: Error & Record<string, unknown> =
    random(6) === 0
      ? (new AggregateError([value(random, [], depth + 1), 2], 'several') as never)
      : (new (pick([Error, TypeError, Own]))(`m${random(9)}`, options) as never);
  made.stack = random(8) === 0 ? (pick(['', undefined, 5]) as string) : `at ${random(99)}`;
  pool.push(made);
  for (let count = random(4); count > 0; count--) made[pick(ERROR_KEYS)] = inner() as never;
  if (random(8) === 0) {
    const cause = inner();
    made.cause = () => cause;
  }
  return made;
}

/** A value as text, with the order of keys and what is the same object. */
function shown(value: unknown): string {
  const seen: unknown[] = [];
  const show = (one: unknown): unknown => {
    if (typeof one === 'function') return 'function';
    if (typeof one !== 'object' || one === null) return String(one);
    if (seen.includes(one)) return `#${seen.indexOf(one)}`;
    seen.push(one);
    return Array.isArray(one) ? one.map(show) : Object.entries(one).map(([key, inner]) => [key, show(inner)]);
  };
  return JSON.stringify(show(value));
}

/** What a call gives, or that it throws. */
function told(call: () => unknown): string | undefined {
  try {
    return shown(call());
  } catch {
    return undefined;
  }
}

describe.runIf(theirs)('serializers beside pino', () => {
  const original = theirs as Serializers;

  it('give for 20,000 random values what pino gives', () => {
    let compared = 0;
    for (let seed = 1; seed <= 10_000; seed++) {
      for (const name of ['err', 'errWithCause'] as const) {
        const given = value(randomOf(seed)) as Error;
        const expected = told(() => original[name](given));
        const found = told(() => stdSerializers[name](given));
        if (expected === undefined) expect(found, `seed ${seed}`).toBeDefined();
        else if (found !== expected) expect(found, `seed ${seed}, ${name}`).toBe(expected);
        else compared++;
      }
    }
    expect(compared).toBeGreaterThan(19_000);
  });

  it('give of requests and responses what pino gives', async () => {
    const frameworks = [
      { id: 5, method: 'GET', url: '/u', originalUrl: '/o', query: { a: '1' }, params: { b: 2 }, headers: { h: 'v' } },
      {
        id: () => 'made',
        info: { id: 7, remoteAddress: 'i' },
        path: '/p',
        url: { path: '/x' },
        socket: { remoteAddress: 's', remotePort: 3 },
      },
      { id: 0, info: { id: 3 }, originalUrl: '', url: { path: '/only' }, raw: { inner: true } },
      { url: { href: 'h' }, query: '', params: 0 },
      {},
      'text',
    ];
    for (const one of frameworks) {
      expect(shown(stdSerializers.req(one))).toBe(shown(original.req(one)));
      expect(shown(stdSerializers.mapHttpRequest(one))).toBe(shown(original.mapHttpRequest(one)));
      expect(stdSerializers.req(one).raw).toBe(original.req(one).raw);
    }
    for (const one of [{}, { headersSent: true, statusCode: 0, _headers: { a: 1 } }, { statusCode: 200, getHeaders: () => ({ b: 2 }) }]) {
      expect(shown(stdSerializers.res(one))).toBe(shown(original.res(one)));
      expect(shown(stdSerializers.mapHttpResponse(one))).toBe(shown(original.mapHttpResponse(one)));
    }
    const pairs: [string, string][] = [];
    const server = createServer((request, response) => {
      const both = (): void =>
        void pairs.push(
          [shown(stdSerializers.req(request)), shown(original.req(request))],
          [shown(stdSerializers.res(response)), shown(original.res(response))],
        );
      both();
      response.setHeader('x', 'y').end('done');
      both();
    }).listen(0);
    await new Promise((resolve) =>
      get({ port: (server.address() as AddressInfo).port, path: '/a?b=c' }, (response) => response.resume().on('end', resolve)),
    );
    server.close();
    for (const [found, expected] of pairs) expect(found).toBe(expected);
    expect(pairs).toHaveLength(4);
  });

  it('have the same names and the same shape of results', () => {
    expect(Object.keys(stdSerializers)).toEqual(Object.keys(original));
    const error = new Error('e');
    for (const [name, given] of [
      ['err', error],
      ['req', {}],
      ['res', {}],
    ] as const) {
      const [own, other] = [stdSerializers[name](given as never), original[name](given as never)] as object[];
      expect(Object.getOwnPropertyNames(own)).toEqual(Object.getOwnPropertyNames(other));
      expect(Object.getOwnPropertyNames(Object.getPrototypeOf(own))).toEqual(Object.getOwnPropertyNames(Object.getPrototypeOf(other)));
    }
  });
});

describe('serializers', () => {
  it('hand the serialized object to a function of the user, and leave themselves as they are', () => {
    const { err, req, res, wrapErrorSerializer, wrapRequestSerializer, wrapResponseSerializer } = stdSerializers;
    expect(wrapErrorSerializer((error) => error.message)(new Error('m'))).toBe('m');
    expect(wrapRequestSerializer((request) => request.method)({ method: 'PUT' })).toBe('PUT');
    expect(wrapResponseSerializer((response) => response.statusCode)({ headersSent: true, statusCode: 201 })).toBe(201);
    expect([wrapErrorSerializer(err as never), wrapRequestSerializer(req as never), wrapResponseSerializer(res as never)]).toEqual([
      err,
      req,
      res,
    ]);
  });

  it('give what there is where those of pino throw: frozen errors, rings of aggregates, getters that throw, nothing at all', () => {
    expect(stdSerializers.err(Object.freeze(new Error('cold'))).message).toBe('cold');
    const ring = new AggregateError([], 'ring');
    ring.errors.push(ring, new Error('other'));
    expect(stdSerializers.errWithCause(ring).aggregateErrors).toMatchObject(['[Circular]', { message: 'other' }]);
    const broken = Object.defineProperty(new Error('broken'), 'code', {
      enumerable: true,
      get() {
        throw new Error('no code');
      },
    });
    Object.defineProperty(broken, 'stack', {
      get() {
        throw new Error('no stack');
      },
    });
    expect(stdSerializers.err(broken)).toMatchObject({ message: 'broken', stack: '[Throws: no stack]', code: '[Throws: no code]' });
    expect([stdSerializers.req(null), stdSerializers.res(undefined)]).toEqual([null, undefined]);
    expect(stdSerializers.mapHttpRequest(null)).toEqual({ req: null });
  });

  it('know errors of another realm', () => {
    expect(stdSerializers.err(runInNewContext('new TypeError("far")'))).toMatchObject({ type: 'TypeError', message: 'far' });
  });
});
