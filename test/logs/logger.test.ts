// What a logger makes of a call: message, fields, error, level, bindings and context.
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { getLogger, logStruct, runInContext, setLogLevel, TracerProvider, withLogFields } from '../../src/index.js';
import { setRules } from '../../src/logs/gates.js';
import { INFO } from '../../src/logs/levels.js';
import { settings } from '../../src/logs/settings.js';
import { sourceFiles } from '../architecture/tree.js';
import { RecordedLines } from './recorded-lines.js';

afterEach(() => {
  setRules(INFO, []);
  settings.heldFrom = Number.POSITIVE_INFINITY;
});

describe('getLogger', () => {
  it('[C-14 H-07] gives the same object for the same name', () => {
    expect(getLogger('a.b')).toBe(getLogger('a.b'));
    expect(getLogger('a.b')).not.toBe(getLogger('a.c'));
    expect(getLogger()).toBe(getLogger(''));
  });

  it('[H-08] writes the name as it is', () => {
    const recorded = RecordedLines.take();
    getLogger('hearthnet.bus.router').info('a');
    getLogger().info('b');
    expect(recorded.lines.map(({ logger }) => logger)).toEqual(['hearthnet.bus.router', undefined]);
  });

  it('[H-01] is the one way to log: no module of the package writes through the console or another logger', () => {
    const others = /\bconsole\.(log|info|warn|error|debug)\b|from '(pino|winston|bunyan|log4js)'/;
    const wrong = sourceFiles(['src'], ['.ts', '.cts']).filter(
      ({ path, text }) => !/^src\/(demo|cli)\//.test(path) && others.test(text.replace(/^\s*(\*|\/\/).*$/gm, '')),
    );
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });
});

describe('a line', () => {
  it('[H-17 H-20] has a message and fields, whose types are kept', () => {
    const recorded = RecordedLines.take();
    const fields = { capability: 'search', to: 'node-1', ms: 12, nested: { ok: true } };
    getLogger('lines').info('routed', fields);
    expect(recorded.last).toMatchObject({ level: 30, message: 'routed', fields, error: undefined });
    expect(recorded.last.time).toBeLessThanOrEqual(Date.now());
  });

  it('may have its fields first, and arguments that throw when they are asked what they are', () => {
    const recorded = RecordedLines.take();
    const logger = getLogger('lines');
    const hostile = new Proxy(
      {},
      {
        getPrototypeOf() {
          throw new Error('no prototype');
        },
      },
    );
    const { proxy: revoked, revoke } = Proxy.revocable([], {});
    revoke();
    logger.info({ n: 1 }, '100% done');
    logger.info({ n: 2 });
    for (const bad of [hostile, revoked]) {
      logger.info('after', bad);
      logger.info(bad, 'before');
    }
    expect(recorded.lines.slice(0, 2)).toMatchObject([
      { message: '100% done', fields: { n: 1 } },
      { message: undefined, fields: { n: 2 } },
    ]);
    expect(recorded.lines).toHaveLength(6);
  });

  it('[H-18] keeps its message as it is when there is nothing to fill in, so that lines of a kind are found by it', () => {
    const recorded = RecordedLines.take();
    const logger = getLogger('lines');
    for (const name of ['a', 'b']) logger.info('100%s user %logged in', { name });
    logger.info('100%d');
    logger.info('50%', { of: 2 });
    expect(recorded.messages.slice(2)).toEqual(['100%d', '50%']);
  });

  it('[H-19 H-20 H-21 H-22] has one method per level, and words that mean the same', () => {
    const recorded = RecordedLines.take();
    const logger = getLogger('lines');
    setLogLevel('lines', 'trace');
    for (const level of ['trace', 'debug', 'info', 'warn', 'warning', 'error', 'fatal', 'critical'] as const) logger[level](level);
    expect(recorded.lines.map(({ level }) => level)).toEqual([10, 20, 30, 40, 40, 50, 60, 60]);
  });

  it('[C-15] is logged at any level, by word or number, with fields of any kind', () => {
    const recorded = RecordedLines.take();
    const logger = getLogger('lines');
    logStruct(logger, 'error', 'a', { task: 'x' });
    logStruct(logger, 35, 'b');
    logger.log('WARNING', 'c', { n: 1 });
    logger.log(65_535, 'd');
    logger.log('loud' as never, 'e');
    logger.log('silent', 'never');
    expect(recorded.lines.map(({ level, message, fields }) => [level, message, fields])).toEqual([
      [50, 'a', { task: 'x' }],
      [35, 'b', {}],
      [40, 'c', { n: 1 }],
      [65_535, 'd', {}],
      [30, 'e', {}],
    ]);
  });

  it('[C-17] below the level of its logger is not written, and nothing of it is read', () => {
    const recorded = RecordedLines.take();
    const logger = getLogger('gate');
    const read = vi.fn(() => 1);
    const fields = Object.defineProperty({}, 'a', { get: read, enumerable: true });
    logStruct(logger, 'debug', 'a', fields);
    logger.debug('%j', fields);
    logger.child(fields).trace('a');
    expect([logger.isLevelEnabled('debug'), logger.isLevelEnabled('info'), logger.isLevelEnabled('silent')]).toEqual([false, true, false]);
    expect([recorded.lines, read.mock.calls]).toEqual([[], []]);
  });

  it('takes fields or an error first, as pino does', () => {
    const recorded = RecordedLines.take();
    const logger = getLogger('forms');
    const error = new TypeError('bad');
    logger.info({ a: 1 }, 'text');
    logger.info({ a: 1 });
    logger.error(error);
    logger.error(error, 'text');
    logger.error(error, { a: 1 }, 'text %s', 'more');
    logger.info(null as never, 'text');
    expect(recorded.lines.map(({ message, fields, error: given }) => [message, fields, given])).toEqual([
      ['text', { a: 1 }, undefined],
      [undefined, { a: 1 }, undefined],
      ['bad', {}, error],
      ['text', {}, error],
      ['text more', { a: 1 }, error],
      ['text', {}, undefined],
    ]);
  });

  it('loses no argument: errors, fields and texts that no placeholder takes are kept', () => {
    const recorded = RecordedLines.take();
    const logger = getLogger('forms');
    const [one, two] = [new Error('one'), new Error('two')];
    logger.error('failed', one);
    logger.error('failed', one, two, { a: 1 });
    logger.error('failed', { a: 1 }, 'for', 3, [4], one);
    logger.info('a', 'b', undefined, null, { x: 1 }, { y: 2 });
    expect(recorded.lines.map(({ message, fields, error }) => [message, fields, error])).toEqual([
      ['failed', {}, one],
      ['failed', { errors: [two], a: 1 }, one],
      ['failed for 3 [4]', { a: 1 }, one],
      ['a b undefined null', { x: 1, y: 2 }, undefined],
    ]);
  });

  it('knows the errors of another realm', () => {
    const recorded = RecordedLines.take();
    const foreign = runInNewContext('new RangeError("foreign")') as Error;
    getLogger('forms').error('failed', foreign);
    getLogger('forms').error(foreign);
    expect(recorded.lines.map(({ message, error }) => [message, error])).toEqual([
      ['failed', foreign],
      ['foreign', foreign],
    ]);
    getLogger('forms').error('fields', Object.assign(Object.create(null), { a: 1 }));
    expect(recorded.last).toMatchObject({ message: 'fields', fields: { a: 1 } });
  });

  it('fills placeholders as util.format does, with objects as JSON in one line', () => {
    const recorded = RecordedLines.take();
    const logger = getLogger('forms');
    logger.info('%s is %d of %i, %f %%', 'a', '7', 7.9, '1.5');
    logger.info('%j %o %O', { a: [1, { b: 'x\ny' }] }, new Map([['k', 1]]), new Set([1]));
    logger.info('%s %s', 'only one');
    logger.info('%s %s %s', undefined, null, Symbol('s'));
    logger.info('%d %d %x', 10n, {}, 'left');
    logger.info('%s', new RangeError('text'));
    logger.info('%s', { toString: () => 'own' });
    logger.info('ends with %', 1);
    expect(recorded.messages).toEqual([
      'a is 7 of 7, 1.5 %',
      '{"a":[1,{"b":"x\\ny"}]} {"k":1} [1]',
      'only one %s',
      'undefined null Symbol(s)',
      '10 NaN %x left',
      'RangeError: text',
      'own',
      'ends with % 1',
    ]);
  });

  it('[H-23] of an exception has level error, the error and the fields, whatever was thrown', () => {
    const recorded = RecordedLines.take();
    const error = new Error('inner', { cause: new Error('root') });
    getLogger('forms').exception('what happened', error, { step: 2 });
    getLogger('forms').exception('what happened', 'a text');
    expect(recorded.lines.map(({ level, message, fields, error: given }) => [level, message, fields, given])).toEqual([
      [50, 'what happened', { step: 2 }, error],
      [50, 'what happened', {}, 'a text'],
    ]);
  });

  it('never throws, whatever it is given', () => {
    const recorded = RecordedLines.take();
    const logger = getLogger('forms');
    const hostile = new Proxy(
      {},
      {
        get() {
          throw new Error('no');
        },
        getPrototypeOf() {
          throw new Error('no');
        },
        ownKeys() {
          throw new Error('no');
        },
      },
    );
    const thrower = {
      get message(): string {
        throw new Error('no');
      },
    };
    const circular: Record<string, unknown> = { n: 1n };
    circular.self = circular;
    for (const value of [hostile, thrower, circular, Symbol('x'), 1n, undefined, null, Number.NaN, () => 1, [], new Date(Number.NaN)]) {
      logger.info(value as never);
      logger.info('%s %j %d %i %f %o', ...Array.from({ length: 7 }, () => value));
      logger.info(value as never, value as never, value as never);
      logger.info('text', value);
      logger.info('text %s', value);
      logger.child(value as never).info('text', value);
      logger.exception('x', value, value as never);
      logger.log(value as never, value as never);
      logger.log('info', value as never, value as never);
    }
    expect(recorded.lines.length).toBeGreaterThan(60);
  });
});

describe('a child', () => {
  it('has the bindings of its parents, its own last, encoded when its first line is written, and only then', () => {
    const recorded = RecordedLines.take();
    const read = vi.fn(() => 'r1');
    const child = getLogger('parent')
      .child({ a: 1, b: 1 })
      .child(Object.defineProperty({ b: 2 }, 'request', { get: read, enumerable: true }));
    child.debug('no');
    expect([read.mock.calls.length, recorded.encodings]).toEqual([0, 0]);
    child.info('one');
    child.info('two', { c: 3 });
    expect([read.mock.calls.length, recorded.encodings]).toEqual([1, 1]);
    expect(recorded.lines.map(({ bindings, fields, logger }) => [bindings, fields, logger])).toEqual([
      [{ a: 1, b: 2, request: 'r1' }, {}, 'parent'],
      [{ a: 1, b: 2, request: 'r1' }, { c: 3 }, 'parent'],
    ]);
    expect(Object.keys(recorded.last.bindings)).toEqual(['a', 'b', 'request']);
  });

  it('tells its bindings as a copy', () => {
    const child = getLogger('parent').child({ a: 1 }).child({ b: 2 });
    (child.bindings() as { a: number }).a = 9;
    expect(child.bindings()).toEqual({ a: 1, b: 2 });
    expect(getLogger('parent').bindings()).toEqual({});
  });

  it('can have a name under its parent’s, with the level of that name', () => {
    const recorded = RecordedLines.take();
    setLogLevel('db.pool', 'debug');
    const pool = getLogger('db').child({ size: 4 }, { name: 'pool' });
    pool.debug('grown');
    getLogger().child({}, { name: 'top' }).info('x');
    expect(recorded.lines.map(({ logger, bindings }) => [logger, bindings])).toEqual([
      ['db.pool', { size: 4 }],
      ['top', {}],
    ]);
    expect(pool.name).toBe('db.pool');
  });

  it('whose bindings throw is still a logger', () => {
    const recorded = RecordedLines.take();
    const bindings = {
      get bad(): never {
        throw new Error('no');
      },
    };
    const child = getLogger('parent').child(bindings);
    child.info('still');
    expect(recorded.messages).toEqual(['still']);
  });
});

describe('the context', () => {
  const tracer = new TracerProvider({ serviceName: 'test' }).getTracer('logs');

  it('[L-188] gives lines the ids of the trace and span around them, unless told not to', () => {
    const recorded = RecordedLines.take();
    const logger = getLogger('traced');
    const ids = tracer.trace('a', (span) => {
      logger.info('inside');
      settings.traced = false;
      logger.info('unasked');
      settings.traced = true;
      return span.spanContext().traceId;
    });
    logger.info('outside');
    expect(recorded.lines.map(({ traceId }) => traceId)).toEqual([ids, undefined, undefined]);
  });

  it('gives lines its fields, the innermost last, also after an await', async () => {
    const recorded = RecordedLines.take();
    const logger = getLogger('fields');
    const given = { request: 'r1', user: 'u' };
    await withLogFields(given, async () => {
      given.request = 'changed';
      logger.info('a');
      await null;
      withLogFields({ user: 'v', step: 1 }, () => logger.info('b'));
      logger.info('c');
    });
    logger.info('d');
    expect(recorded.lines.map(({ context }) => context)).toEqual([
      { request: 'r1', user: 'u' },
      { request: 'r1', user: 'v', step: 1 },
      { request: 'r1', user: 'u' },
      {},
    ]);
  });

  it('keeps its fields through spans that are started in it', () => {
    const recorded = RecordedLines.take();
    withLogFields({ request: 'r1' }, () => tracer.trace('a', () => tracer.trace('b', () => getLogger('fields').info('in b'))));
    expect(recorded.last.context).toEqual({ request: 'r1' });
    expect(recorded.last.traceId).toMatch(/^[0-9a-f]{32}$/);
  });

  it('holds lines below the level while a trace goes on, where that is asked for', () => {
    const recorded = RecordedLines.take();
    settings.heldFrom = 20;
    const logger = getLogger('held');
    logger.debug('outside');
    expect(logger.isLevelEnabled('debug')).toBe(false);
    const context = tracer.startSpan('a').context;
    runInContext(context, () => {
      logger.debug('debug', { a: 1 });
      logger.debug('%s', 'formatted');
      logger.trace('too low');
      logger.info('shown');
      getLogger('quiet').child({}, { level: 'silent' }).error('never');
      expect([logger.isLevelEnabled('debug'), logger.isLevelEnabled('trace')]).toEqual([true, false]);
    });
    expect(recorded.lines.map(({ message, isHeld, level }) => [message, isHeld, level])).toEqual([
      ['debug', true, 20],
      ['formatted', true, 20],
      ['shown', false, 30],
    ]);
  });
});
