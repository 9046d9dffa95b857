// What a thrown value becomes in a span.
import { createContext, runInContext as runInVm } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { describeException } from '../../src/traces/exceptions.js';
import { TracerProvider } from '../../src/traces/provider.js';

const tracer = new TracerProvider().getTracer('exceptions');

describe('recordException', () => {
  it('adds an event with type, message and stack, sets the status, and does not end the span [L-166]', () => {
    const error = new TypeError('bad input');
    const span = tracer.startSpan('x').recordException(error);
    expect(span.events).toHaveLength(1);
    expect(span.events[0]).toMatchObject({
      name: 'exception',
      attributes: { 'exception.type': 'TypeError', 'exception.message': 'bad input', 'exception.stacktrace': error.stack },
    });
    expect([span.status, span.statusMessage, span.hasEnded]).toEqual(['error', 'bad input', false]);
    expect(span.attributes).toEqual({ 'error.type': 'TypeError' });
  });

  it('takes the time of OpenTelemetry’s second argument', () => {
    expect(tracer.startSpan('x').recordException(new Error('x'), 1_500).events[0]?.timestamp).toBe(1.5);
  });

  it('an exception that was handled leaves the status alone', () => {
    const span = tracer.startSpan('x').addException(new Error('retried'));
    expect([span.status, span.events[0]?.attributes['exception.message']]).toEqual(['unset', 'retried']);
  });

  it('a provider chooses which attributes a failure gets besides', () => {
    const fail = (errorAttributes: 'none' | 'text' | 'typed') =>
      new TracerProvider({ errorAttributes }).getTracer().startSpan('x').recordException(new RangeError('far')).attributes;
    expect(fail('none')).toEqual({ 'error.type': 'RangeError' });
    expect(fail('text')).toEqual({ 'error.type': 'RangeError', error: 'far' });
    expect(fail('typed')).toEqual({ 'error.type': 'RangeError', error: true, 'error.message': 'far' });
  });
});

describe('the type of an exception', () => {
  class ValidationError extends Error {}
  class Named extends Error {
    override name = 'CustomName';
  }
  it.each([
    ['TypeError', new TypeError('x')],
    ['ValidationError', new ValidationError('x')],
    ['CustomName', new Named('x')],
    ['AbortError', new DOMException('x', 'AbortError')],
    ['Plain', Object.assign(new Error('x'), { name: 'Plain' })],
    ['Object', { message: 'no error at all' }],
    ['string', 'text'],
    ['number', 7],
    ['undefined', undefined],
    ['null', null],
  ])('is %s, its class, and not a code', (type, thrown) => {
    const coded =
      typeof thrown === 'object' && thrown !== null && !(thrown instanceof DOMException)
        ? Object.assign(thrown, { code: 'E_CODE' })
        : thrown;
    expect(describeException(coded).type).toBe(type);
  });

  it('is known across realms', () => {
    expect(describeException(runInVm('new SyntaxError("other realm")', createContext({})))).toMatchObject({
      type: 'SyntaxError',
      message: 'other realm',
    });
  });
});

describe('causes', () => {
  it('follow in the stack, nearest first, each once', () => {
    const root = new Error('disk full');
    const middle = new TypeError('write failed', { cause: root });
    const { stack, message } = describeException(new Error('request failed', { cause: middle }));
    expect(message).toBe('request failed');
    expect(stack.match(/(Caused by: )?\w*Error: .*/g)).toEqual([
      'Error: request failed',
      'Caused by: TypeError: write failed',
      'Caused by: Error: disk full',
    ]);
  });

  it('of several at once are all there, and a circle ends', () => {
    const one = new Error('one');
    const all = new AggregateError([one, 'two'], 'many');
    one.cause = all;
    expect(describeException(all).stack.match(/Caused by: .*/g)).toEqual(['Caused by: Error: one', 'Caused by: string: two']);
  });

  it('are followed so far and no farther', () => {
    let error = new Error('0');
    for (let depth = 1; depth <= 100; depth++) error = new Error(`${depth}`, { cause: error });
    expect(describeException(error).stack.match(/Caused by/g)?.length).toBeLessThanOrEqual(16);
    const long = new Error('x'.repeat(100_000));
    expect(describeException(long).message).toHaveLength(8_192);
    expect(describeException(long).stack.length).toBeLessThanOrEqual(32_768);
  });

  it('tell a time-out', () => {
    expect(describeException(new DOMException('x', 'TimeoutError')).timedOut).toBe(true);
    expect(describeException(Object.assign(new Error('x'), { code: 'ETIMEDOUT' })).timedOut).toBe(true);
    expect(describeException(new Error('fetch failed', { cause: { code: 'UND_ERR_HEADERS_TIMEOUT' } })).timedOut).toBe(true);
    expect(describeException(new DOMException('x', 'AbortError')).timedOut).toBe(false);
  });
});

describe('hostile exceptions', () => {
  const hostile: unknown[] = [
    new Proxy(new Error('x'), {
      get() {
        throw new Error('get');
      },
      getPrototypeOf() {
        throw new Error('proto');
      },
    }),
    Object.defineProperty(new Error('x'), 'stack', {
      get() {
        throw new Error('stack');
      },
    }),
    { toString: () => ({}), message: 5 },
    Object.create(null),
    Proxy.revocable({}, {}).proxy,
    (() => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return proxy;
    })(),
    { errors: [null, undefined, 5, Symbol('s')], cause: () => undefined },
    Symbol('thrown'),
  ];

  it('never make it throw', () => {
    for (const thrown of hostile) {
      const span = tracer.startSpan('x').recordException(thrown);
      span.setError(thrown);
      expect(span.status).toBe('error');
      span.end();
    }
  });
});
