// The places a context travels in: everything that has headers in Node and on the web, messages, environments, and what is none.
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { environmentCarrier, readerOf, variableOf, writerOf } from '../../src/context/carrier.js';

describe('a reader', () => {
  it.each([
    ['a plain object', { traceparent: 'a' }],
    ['an object with names in another case', { TraceParent: 'a' }],
    ['an object without a prototype', Object.assign(Object.create(null), { TRACEPARENT: 'a' })],
    ['an array of one value', { traceparent: ['a'] }],
    ['bytes', { traceparent: Buffer.from('a') }],
    ['an array of bytes', { traceparent: [new Uint8Array([97])] }],
    ['Headers', new Headers({ TraceParent: 'a' })],
    ['a map', new Map([['traceparent', 'a']])],
    [
      'a map with names in another case',
      new Map<unknown, unknown>([
        [7, 'b'],
        ['TraceParent', 'a'],
      ]),
    ],
    ['a flat list', ['Host', 'x', 'Traceparent', 'a']],
    [
      'a list of pairs',
      [
        ['Host', 'x'],
        ['TRACEPARENT', 'a'],
      ],
    ],
    ['a message with raw headers', { headers: {}, rawHeaders: ['TraceParent', 'a'] }],
    ['parameters of a URL', new URLSearchParams({ traceparent: 'a' })],
  ])('finds a field in %s', (_, carrier) => {
    expect(readerOf(carrier).get('traceparent')).toBe('a');
    expect(readerOf(carrier).get('tracestate')).toBeUndefined();
  });

  it('sees a repeated field as such', () => {
    expect(readerOf(['A', '1', 'b', '2', 'a', '3']).get('a')).toEqual(['1', '3']);
    expect(readerOf({ a: ['1', '3'] }).get('a')).toEqual(['1', '3']);
    expect(
      readerOf([
        ['a', '1'],
        ['A', ['3', '4']],
      ]).get('a'),
    ).toEqual(['1', '3', '4']);
    expect(readerOf({ A: '1', B: '2', a: '3' }).get('a')).toBe('3');
  });

  it('lists the names of all fields', () => {
    expect(readerOf({ A: '1', b: '2' }).keys()).toEqual(['a', 'b']);
    expect(readerOf(new Headers({ A: '1', b: '2' })).keys()).toEqual(['a', 'b']);
    expect(readerOf(['A', '1']).keys()).toEqual(['a']);
  });

  it.each([
    undefined,
    null,
    7,
    'traceparent',
    Symbol('s'),
    [],
    [['traceparent']],
    ['traceparent'],
    [null, null],
    { traceparent: 7 },
    { traceparent: {} },
    { traceparent: [] },
    { traceparent: 'a'.repeat(100_000) },
    { traceparent: new Uint8Array(100_000) },
    Object.create({ traceparent: 'inherited' }),
    { get: () => 7 },
    {
      get traceparent() {
        throw new Error('no');
      },
    },
    {
      get rawHeaders() {
        throw new Error('no');
      },
    },
    new Proxy(
      {},
      {
        get() {
          throw new Error('no');
        },
        ownKeys() {
          throw new Error('no');
        },
      },
    ),
    {
      get: () => {
        throw new Error('no');
      },
    },
  ])('finds nothing in a carrier that is none, and never throws (case %#)', (carrier) => {
    expect(readerOf(carrier).get('traceparent')).toBeUndefined();
    expect(Array.isArray(readerOf(carrier).keys())).toBe(true);
  });

  it('looks at 4,096 fields of an object at most', () => {
    const fields = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`f${index}`, '1']));
    expect(readerOf({ ...fields, Late: '1' }).get('late')).toBeUndefined();
    expect(readerOf({ Early: '1', ...fields }).get('early')).toBe('1');
  });
});

describe('a writer', () => {
  it('sets a field in place of one of the same name in another case', () => {
    const object: Record<string, string> = { Traceparent: 'old', host: 'x' };
    writerOf(object).set('traceparent', 'new');
    expect(object).toEqual({ host: 'x', traceparent: 'new' });
    const map = new Map([['TRACEPARENT', 'old']]);
    writerOf(map).set('traceparent', 'new');
    expect([...map]).toEqual([['traceparent', 'new']]);
    const flat = ['Traceparent', 'old', 'host', 'x', 'traceparent', 'older'];
    writerOf(flat).set('traceparent', 'new');
    expect(flat).toEqual(['host', 'x', 'traceparent', 'new']);
    const pairs = [
      ['Traceparent', 'old'],
      ['host', 'x'],
    ];
    writerOf(pairs).set('traceparent', 'new');
    expect(pairs).toEqual([
      ['host', 'x'],
      ['traceparent', 'new'],
    ]);
    const headers = new Headers({ Traceparent: 'old' });
    writerOf(headers).set('traceparent', 'new');
    expect(headers.get('traceparent')).toBe('new');
    const empty: string[] = [];
    writerOf(empty).set('a', '1');
    expect(empty).toEqual(['a', '1']);
    const added: string[] = [];
    writerOf({ addHeader: (name: string, value: string) => added.push(name, value) }).set('a', '1');
    expect(added).toEqual(['a', '1']);
  });

  it.each([
    undefined,
    null,
    7,
    'x',
    Object.freeze({}),
    Object.freeze([]),
    {
      setHeader: () => {
        throw new Error('sent');
      },
    },
    new Proxy(
      {},
      {
        get() {
          throw new Error('no');
        },
      },
    ),
  ])('leaves alone what takes no fields, and never throws (case %#)', (carrier) => {
    expect(() => writerOf(carrier).set('a', '1')).not.toThrow();
  });
});

describe('carriers of node:http', () => {
  it('are requests and responses themselves, with repeated headers seen as such', async () => {
    let seen: unknown[] = [];
    const server = createServer((incoming: IncomingMessage, response) => {
      const reader = readerOf(incoming);
      seen = [reader.get('traceparent'), reader.get('x-multi'), readerOf(incoming.headers).get('traceparent')];
      writerOf(response).set('traceparent', 'answer');
      response.end();
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    const answered = await new Promise<IncomingMessage>((done, fail) => {
      const outgoing = httpRequest({ port, host: '127.0.0.1', headers: { 'X-Multi': ['1', '2'] } }, done).on('error', fail);
      writerOf(outgoing).set('traceparent', 'question');
      outgoing.end();
    });
    answered.resume();
    expect(seen).toEqual(['question', ['1', '2'], 'question']);
    expect(readerOf(answered).get('traceparent')).toBe('answer');
    server.close();
  });
});

describe('an environment', () => {
  it('has fields under names in upper case with underscores', () => {
    const env: Record<string, string | undefined> = { PATH: 'p' };
    const carrier = environmentCarrier(env);
    carrier.set('traceparent', 'a');
    carrier.set('x-b3-traceid', 'b');
    expect(env).toEqual({ PATH: 'p', TRACEPARENT: 'a', X_B3_TRACEID: 'b' });
    expect([carrier.get('traceparent'), carrier.get('X-B3-TraceId'), carrier.get('tracestate')]).toEqual(['a', 'b', undefined]);
    expect(carrier.keys()).toContain('x-b3-traceid');
    expect(variableOf('uber-trace-id')).toBe('UBER_TRACE_ID');
  });
});
