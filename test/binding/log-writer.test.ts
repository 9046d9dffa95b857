// What the log writer puts into its ring: heads, messages, fields of every kind, and whatever user code does while they are written.
import { createContext, runInContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { LOG_TRACED } from '../../src/binding/generated/layout.js';
import { REDACT_CENSOR, REDACT_REMOVE, type Redaction } from '../../src/binding/redaction.js';
import { openLogRing, type ReadRecord } from './log-records.js';

const fieldsOf = (record: ReadRecord | undefined): Record<string, unknown> => Object.fromEntries(record?.pairs ?? []);

/** The fields of one record, as they were written. */
function written(fields: object, error?: unknown): Record<string, unknown> {
  const { writer, read } = openLogRing();
  writer.write('m', fields, error);
  return fieldsOf(read()[0]);
}

describe('a record', () => {
  it('says time, level, route, logger and trace, and nothing where there is none', () => {
    const { writer, read } = openLogRing();
    const { call } = writer;
    writer.write('plain', undefined, undefined);
    Object.assign(call, {
      level: 50,
      route: 3,
      logger: writer.logger('db.pool'),
      bits: LOG_TRACED | 1,
      t0: 1,
      t1: -2,
      t2: 3,
      t3: -4,
      s0: 5,
      s1: -6,
    });
    writer.write('traced', { a: 1 }, undefined);
    Object.assign(call, { level: 35, logger: -1, bits: 0, time: 0.5 });
    writer.write(undefined, undefined, undefined);
    const head = { kind: 'log', time: 1_700_000_000_123, level: 30, route: 0, bits: 0, trace: undefined, cut: false, pairs: [] };
    expect(read()).toEqual([
      { ...head, message: 'plain' },
      {
        ...head,
        level: 50,
        route: 3,
        logger: 'db.pool',
        bits: LOG_TRACED | 1,
        trace: [1, -2, 3, -4, 5, -6],
        message: 'traced',
        pairs: [['a', 1]],
      },
      { ...head, level: 35, route: 3, time: 0.5, message: null },
    ]);
  });

  it('puts bindings first, then the context, the fields and the error', () => {
    const { writer, read } = openLogRing();
    writer.call.bindings = writer.encode({ service: 'gw', nested: { deep: [1, 'two'] } });
    writer.call.context = { tenant: 7 };
    for (let time = 0; time < 3; time++)
      writer.write('m', { status: 200, ms: 1.5, ok: true, none: null, left: undefined }, new Error('no'));
    const records = read();
    expect(records).toHaveLength(3);
    for (const { pairs } of records) {
      expect(pairs.map(([key]) => key)).toEqual(['service', 'nested', 'tenant', 'status', 'ms', 'ok', 'none', 'err']);
      expect(Object.fromEntries(pairs)).toMatchObject({
        service: 'gw',
        nested: { deep: [1, 'two'] },
        tenant: 7,
        status: 200,
        ms: 1.5,
        ok: true,
        none: null,
      });
    }
  });

  it('is the same by the quick way and by the slow one, whatever its fields are', () => {
    const texts = ['', 'a', 'é', 'Ω', '🥁', '\ud800', 'x'.repeat(47), 'y'.repeat(48), 'z'.repeat(49), 'w'.repeat(5_000), 'ж'.repeat(300)];
    const numbers = [0, -0, 1, -1, 2 ** 31, -(2 ** 31), 0.1, Number.NaN, Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER];
    const values = [...texts, ...numbers, true, false, null, 12n, { a: { b: [1] } }, ['x'], new Date(5), Symbol('s')];
    const { writer, read } = openLogRing();
    const fields = Object.fromEntries(values.map((value, index) => [`k${index}`, value]));
    // Twice: keys get their ids on second sight, and places are remembered then.
    for (let time = 0; time < 4; time++) writer.write('m', fields, undefined);
    writer.call.context = {};
    writer.write('m', fields, undefined);
    const [first, ...others] = read();
    for (const other of others) expect(other).toEqual(first);
    expect(fieldsOf(first)).toEqual({
      ...fields,
      [`k${texts.length + 1}`]: 0,
      [`k${values.length - 1}`]: 'Symbol(s)',
    });
  });

  it('carries finished lines as they are', () => {
    const { writer, read } = openLogRing();
    Object.assign(writer.call, { level: 40, route: 9, bits: LOG_TRACED, logger: 5 });
    const lines = ['{"level":30}\n', 'Ω 🥁\r\n', `${'x'.repeat(10_000)}\n`];
    for (const line of lines) writer.line(line);
    expect(read()).toMatchObject(
      lines.map((message) => ({ kind: 'line', level: 40, route: 9, bits: 0, logger: undefined, message, pairs: [] })),
    );
  });

  it('is cut when it is too long for the overflow, and says so', async () => {
    const { writer, read, dropped, overflow } = openLogRing(64 << 10);
    await overflow();
    writer.write('before', undefined, undefined);
    writer.write('x'.repeat(100_000), { a: 1 }, undefined);
    writer.write('m', { big: 'y'.repeat(100_000), after: 1 }, undefined);
    writer.write('after', undefined, undefined);
    const records = read();
    expect(records.map(({ cut }) => cut)).toEqual([false, true, true, false]);
    expect(records[1]?.message).toMatch(/^x{1000,}$/);
    expect(dropped()).toEqual({ cut: 2 });
  });
});

describe('values', () => {
  it('of every kind have a form of their own', () => {
    class Point {
      x = 1;
      #hidden = 2;
      get sum(): number {
        return this.x + this.#hidden;
      }
    }
    expect(
      written({
        date: new Date(1),
        invalid: new Date(Number.NaN),
        map: new Map<string, unknown>([
          ['a', 1],
          ['b', { c: 2 }],
        ]),
        pairs: new Map<unknown, unknown>([[1, 'one']]),
        set: new Set([1, 'x']),
        bytes: new Uint8Array([1, 2]),
        buffer: new Uint8Array([3]).buffer,
        regexp: /a+/g,
        url: new URL('http://a/b'),
        query: new URLSearchParams('a=1&b=2'),
        headers: new Headers({ Accept: 'x' }),
        boxed: [new Number(1), new String('s'), new Boolean(false)],
        fn: function named() {},
        symbol: Symbol('s'),
        big: 2n ** 64n,
        point: new Point(),
        json: { toJSON: (key: string) => ({ was: key }) },
        bare: Object.assign(Object.create(null), { a: 1 }),
        array: [undefined, null, [1]],
      }),
    ).toEqual({
      date: new Date(1),
      invalid: new Date(Number.NaN),
      map: { a: 1, b: { c: 2 } },
      pairs: [[1, 'one']],
      set: [1, 'x'],
      bytes: Buffer.from([1, 2]),
      buffer: Buffer.from([3]),
      regexp: '/a+/g',
      url: 'http://a/b',
      query: { a: '1', b: '2' },
      headers: { accept: 'x' },
      boxed: [1, 's', false],
      fn: '[Function: named]',
      symbol: 'Symbol(s)',
      big: '18446744073709551616',
      point: { x: 1 },
      json: { was: 'json' },
      bare: { a: 1 },
      array: [null, null, [1]],
    });
  });

  it('are cut where they are too deep, too long or inside of themselves', () => {
    const deep: Record<string, unknown> = {};
    let inner = deep;
    for (let depth = 0; depth < 20; depth++) inner = inner.next = {} as Record<string, unknown>;
    const self: Record<string, unknown> = { name: 'self' };
    self.self = self;
    self.list = [self, new Map([['m', self]])];
    const shared = { s: 1 };
    const { chain, loop, twice, long } = written({ chain: deep, loop: self, twice: [shared, shared], long: new Uint8Array(2_000) });
    expect(JSON.stringify(chain)).toBe(`${'{"next":'.repeat(8)}"[Object]"${'}'.repeat(8)}`);
    expect(loop).toEqual({ name: 'self', self: '[Circular]', list: ['[Circular]', { m: '[Circular]' }] });
    expect(twice).toEqual([shared, shared]);
    expect(long).toMatch(/^A{1000,}=*\.\.\.truncated, 2000 bytes$/);
  });
});

describe('errors', () => {
  const errorOf = (error: unknown): Record<string, unknown> => (written({}, error).err as { error: Record<string, unknown> }).error;

  it('say type, message, stack, own properties, causes and members', () => {
    const cause = Object.assign(new RangeError('below'), { code: 'E_BELOW' });
    const error = Object.assign(new AggregateError([new TypeError('one'), 'two'], 'above', { cause }), { status: 503 });
    expect(errorOf(error)).toMatchObject({
      type: 'AggregateError',
      message: 'above',
      stack: expect.stringContaining('AggregateError: above'),
      status: 503,
      cause: { error: { type: 'RangeError', message: 'below', code: 'E_BELOW' } },
      errors: [{ error: { type: 'TypeError', message: 'one' } }, 'two'],
    });
  });

  it('are errors under any key, at any depth, of any realm, frozen or half broken', () => {
    const foreign = runInContext('new TypeError("elsewhere")', createContext({}));
    expect(errorOf(foreign)).toMatchObject({ type: 'TypeError', message: 'elsewhere' });
    expect(errorOf(Object.freeze(new Error('cold')))).toMatchObject({ type: 'Error', message: 'cold' });
    const circular = new AggregateError([], 'loop');
    circular.errors.push(circular);
    circular.cause = circular;
    expect(errorOf(circular)).toMatchObject({ message: 'loop', cause: '[Circular]', errors: ['[Circular]'] });
    const broken = new Error('broken');
    Object.defineProperty(broken, 'stack', {
      get() {
        throw new Error('no stack');
      },
    });
    expect(errorOf(broken)).toMatchObject({ message: 'broken', stack: '[Throws: no stack]' });
    const nested = written({ error: new Error('a'), list: [{ reason: new Error('b') }] });
    expect(nested).toMatchObject({ error: { error: { message: 'a' } }, list: [{ reason: { error: { message: 'b' } } }] });
    expect(errorOf(new Error('with', { cause: 'a text' }))).toMatchObject({ cause: 'a text' });
  });

  it('that are none are values', () => {
    expect(written({}, 'text')).toEqual({ err: 'text' });
    expect(written({}, null)).toEqual({ err: null });
  });
});

describe('user code', () => {
  it('may throw anywhere: the value says so, its siblings are kept', () => {
    const fields = {
      before: 1,
      get bad(): never {
        throw new Error('getter');
      },
      json: {
        toJSON() {
          throw new Error('toJSON');
        },
      },
      proxy: new Proxy(
        {},
        {
          ownKeys() {
            throw new Error('proxy');
          },
        },
      ),
      revoked: (() => {
        const { proxy, revoke } = Proxy.revocable({}, {});
        revoke();
        return proxy;
      })(),
      inside: {
        a: 1,
        get b(): never {
          throw 'text';
        },
        c: 3,
      },
      after: 2,
    };
    const { writer, read } = openLogRing();
    for (let time = 0; time < 3; time++) writer.write('m', fields, undefined);
    for (const record of read()) {
      expect(fieldsOf(record)).toEqual({
        before: 1,
        bad: '[Throws: getter]',
        json: '[Throws: toJSON]',
        proxy: '[Throws: proxy]',
        revoked: expect.stringContaining('[Throws: '),
        inside: { a: 1, b: '[Throws: text]', c: 3 },
        after: 2,
      });
    }
  });

  it('is never run twice for one value', () => {
    let asked = 0;
    const fields = {
      get counted(): number {
        asked++;
        if (asked === 3) throw new Error('third');
        return asked;
      },
    };
    const { writer, read } = openLogRing();
    for (let time = 0; time < 4; time++) writer.write('m', fields, undefined);
    expect(asked).toBe(4);
    expect(read().map((record) => fieldsOf(record).counted)).toEqual([1, 2, '[Throws: third]', 4]);
  });

  it('may log itself, encode a logger and format a line: each record is whole, after the outer one', () => {
    const { writer, read } = openLogRing();
    const inner = {
      get outer(): string {
        writer.call.level = 20;
        const before = writer.call.bindings;
        writer.call.bindings = writer.encode({ child: 1 });
        writer.write('inner', { of: { deep: 1 }, n: 2 }, undefined);
        writer.line('line\n');
        expect(writer.record('aside', { x: 1 }, undefined).length).toBeGreaterThan(0);
        writer.call.bindings = before;
        writer.call.level = 30;
        return 'value';
      },
    };
    writer.write('outer', { a: 1, inner, z: 2 }, undefined);
    const records = read();
    expect(records.map(({ message, level }) => [message, level])).toEqual([
      ['outer', 30],
      ['inner', 20],
      ['line\n', 20],
    ]);
    expect(fieldsOf(records[0])).toEqual({ a: 1, inner: { outer: 'value' }, z: 2 });
    expect(fieldsOf(records[1])).toEqual({ child: 1, of: '[Object]', n: 2 });
  });

  it('may be ended by a vm time-out: that record is lost and counted, the next ones are whole', async () => {
    const { writer, read, dropped } = openLogRing();
    const log = (fields: object): boolean => writer.write('m', fields, undefined);
    const context = createContext({ log });
    expect(() => runInContext('log({ get a() { for (;;); } })', context, { timeout: 20 })).toThrow(/timed out/);
    writer.write('kept', { b: 1 }, undefined);
    await Promise.resolve();
    writer.write('next', { c: 1 }, undefined);
    expect(read().map(({ message }) => message)).toEqual(['kept', 'next']);
    expect(dropped()).toEqual({ abandoned: 1 });
  });
});

describe('redaction', () => {
  const rules = (censored: readonly string[], removed: readonly string[], inPath: Readonly<Record<string, number>> = {}): Redaction => ({
    root: 0,
    hasText: false,
    text: (value) => value,
    isFlagged: (key) => censored.includes(key) || removed.includes(key) || key in inPath || key === 'secret',
    step: (state, key) =>
      removed.includes(key)
        ? REDACT_REMOVE
        : censored.includes(key)
          ? REDACT_CENSOR
          : state === 0
            ? (inPath[key] ?? 0)
            : key === 'secret'
              ? REDACT_CENSOR
              : state,
    replace: () => '[REDACTED]',
  });

  it('asks about every key that a rule may name, at any depth, in bindings, context, fields, errors and arrays', () => {
    const { writer, read } = openLogRing();
    const secrets = { password: 'p', token: 't', user: { password: 'p', secret: 's' }, secret: 'kept' };
    writer.write('before', secrets, undefined);
    writer.write('before', secrets, undefined);
    const epoch = writer.epoch;
    writer.redaction = rules(['password'], ['token'], { user: 1 });
    expect(writer.epoch).not.toBe(epoch);
    writer.call.bindings = writer.encode({ password: 'p', list: [{ password: 'p' }, new Map([['token', 't']])] });
    writer.call.context = { token: 't' };
    for (let time = 0; time < 3; time++) writer.write('m', secrets, Object.assign(new Error('e'), { password: 'p' }));
    writer.redaction = undefined;
    Object.assign(writer.call, { bindings: undefined, context: undefined });
    writer.write('after', secrets, undefined);
    const records = read();
    expect(fieldsOf(records[1])).toEqual(secrets);
    for (const record of records.slice(2, 5)) {
      expect(record.pairs.map(([key]) => key)).toEqual(['password', 'list', 'password', 'user', 'secret', 'err']);
      expect(fieldsOf(record)).toMatchObject({
        password: '[REDACTED]',
        list: [{ password: '[REDACTED]' }, {}],
        user: { password: '[REDACTED]', secret: '[REDACTED]' },
        secret: 'kept',
        err: { error: { message: 'e', password: '[REDACTED]' } },
      });
    }
    expect(fieldsOf(records[5])).toEqual(secrets);
  });
});
