// `redact`: pino's bytes for what it supports, and no secret where pino prints one.
import { describe, expect, it } from 'vitest';
import { original, ours } from './original.js';
import { expectSame, expectSameOrSound, type Program, still, told } from './told.js';

const TREE = {
  a: { b: { c: [{ b: 1, c: { q: 1, c: 2 } }, 2], b: { c: 2 } }, 0: 'zero', 'b.c': { d: 1 }, 'b-c': 1, '*': 5, constructor: 1, c: 9 },
  'a-b': { c: 1 },
  0: { b: 1 },
  b: 7,
  'a b': 1,
  ' a': 1,
  'a*b': 4,
};

const PATHS = [
  ...[
    'a',
    'b',
    'a.b',
    'a.b.c',
    'a.b.c[0].b',
    'a.b.c.0.b',
    'a.b.c[*].b',
    'a.b.c[*].c.*',
    'a.b.*.c',
    'a.*.b',
    'a.*.*',
    'a.*',
    'a[*]',
    'a[*][*]',
  ],
  ...['a["b"]', "a['b']", 'a[b]', 'a[0]', 'a["b.c"].d', 'a["b-c"]', 'a["*"]', 'a["b"]c', 'a.', '.a', 'a[]', '["a-b"].c', '[0].b', '[a]'],
  ...[
    '*',
    '[*]',
    '*.b',
    '[*].b',
    '*.*',
    '*.*.c',
    '*.a.*',
    '*.b.b.c',
    'a b',
    ' a',
    'a*b',
    '*a',
    'a.*b',
    'a.constructor',
    '__proto__.a',
    'a[-1]',
  ],
  ...['a.b.c[7].b', 'nothing.here', 'a.0.0', 'b.c', 'a[`b`]', 'a[ "b" ]', 'msg', 'err.stack', 'err.*', 'a.b.*.c.*'],
];

const OPTIONS: [string, object][] = [
  ['by default', {}],
  ['by a word', { censor: 'gone' }],
  ['by null', { censor: null }],
  ['by an object', { censor: { q: 1 } }],
  ['by undefined, which is the default', { censor: undefined }],
  ['by a function of value and path', { censor: (value: unknown, path: unknown[]) => [value, path] }],
  ['by a function that gives nothing', { censor: () => undefined }],
  ['by nothing at all', { remove: true }],
  ['by nothing, whatever the censor', { remove: true, censor: 'x' }],
];

const USE: Program = (log) => {
  log.info(structuredClone(TREE));
  log.info({ a: 'text', b: null, 'a-b': [1] }, 'said');
  log.info({ a: [{ b: 1, c: 2 }, null, [[{ b: 1 }]]], b: () => 1 });
  log.info('%j', structuredClone(TREE));
  log.child({ a: { b: 1, c: { c: 1 } }, b: 2 }).info({ a: undefined, b: undefined });
  log.error(still('broken'));
};

describe.runIf(original)('redaction', () => {
  describe.each(OPTIONS)('%s', (_title, options) => {
    it.each(PATHS)('writes what pino writes, if that is JSON, for the path %j', (path) => {
      expectSameOrSound({ redact: { paths: [path], ...options } }, USE);
    });
  });

  it.each([
    [['a.b', 'a.*']],
    [['a.*', 'a.b']],
    [['*.c', 'a.b']],
    [['a.b', '*.c']],
    [['a.b', 'a.b']],
    [['a', 'a.b']],
    [['a.b', 'a.b.c']],
    [['a.b', 'b', '["a-b"].c', '*.b']],
  ])('writes what pino writes for several paths: %j', (paths) => {
    expectSame({ redact: paths }, USE);
    expectSame({ redact: { paths, remove: true } }, USE);
    expectSame(
      {
        redact: {
          paths: paths.filter((path) => path !== 'a'),
          censor: (value: unknown) => (typeof value === 'object' ? 'o' : `x${value}`),
        },
      },
      USE,
    );
  });

  it('changes nothing of what is logged', () => {
    const tree = structuredClone(TREE);
    told(ours, { redact: ['a.b.c[*].b', '*.c', 'b', '**.q'] }, (log) => log.info(tree, '%j', tree));
    expect(tree).toEqual(TREE);
  });
});

/** What a logger with these paths writes of an object. */
const written = (paths: string[], object: object, options: object = {}): string =>
  told(ours, { redact: { paths, ...options } }, (log) => log.info(object)).lines.join('');

describe('a redacted secret', () => {
  class Config {
    password = 'SECRET';
    get key() {
      return 'SECRET';
    }
    toJSON() {
      return { password: this.password, key: this.key, nested: { key: 'SECRET' }, kept: 1 };
    }
  }

  it('stays out of what toJSON gives, getters and nested objects included', () => {
    const paths = ['config.password', 'config.key', 'config.nested.key', 'list[*].config.*'];
    const line = written(paths, { config: new Config(), list: [{ config: new Config() }] });
    expect(line).toBe(
      '{"level":30,"config":{"password":"[Redacted]","key":"[Redacted]","nested":{"key":"[Redacted]"},"kept":1},' +
        '"list":[{"config":{"password":"[Redacted]","key":"[Redacted]","nested":"[Redacted]","kept":"[Redacted]"}}]}\n',
    );
  });

  it('stays out of what toJSON makes of it under another name', () => {
    const config = Object.assign(Object.create({ toJSON: (): object => ({}) }), { password: 'SECRET' });
    Object.getPrototypeOf(config).toJSON = function (this: { password: string }) {
      return { text: `password=${this.password}` };
    };
    expect(written(['config.password'], { config })).toBe('{"level":30,"config":{"text":"password=[Redacted]"}}\n');
  });

  it('stays out of the second turn of a circle', () => {
    const user: Record<string, unknown> = { password: 'SECRET', name: 'n' };
    user.self = user;
    user.list = [{ user }];
    expect(written(['user.password'], { user })).toBe(
      '{"level":30,"user":{"list":[{"user":"[Circular]"}],"name":"n","password":"[Redacted]","self":"[Circular]"}}\n',
    );
  });

  it('stays out at any depth with **', () => {
    const deep = { password: 'SECRET', a: { password: 'SECRET', b: [{ c: { password: 'SECRET', kept: 1 } }] } };
    expect(written(['**.password'], deep)).toBe(
      '{"level":30,"password":"[Redacted]","a":{"password":"[Redacted]","b":[{"c":{"password":"[Redacted]","kept":1}}]}}\n',
    );
    expect(written(['a.**.password'], deep)).toBe(
      '{"level":30,"password":"SECRET","a":{"password":"[Redacted]","b":[{"c":{"password":"[Redacted]","kept":1}}]}}\n',
    );
    expect(written(['**.c.*', '**.b.**'], deep)).not.toContain('kept":1');
    expect(written(['**.a.password'], { a: { password: 'SECRET' }, x: { a: { password: 'SECRET' } } })).not.toContain('SECRET');
    expect(told(ours, { redact: ['**.password'] }, (log) => log.info('%j', deep)).lines.join('')).not.toContain('SECRET');
    expect(told(ours, { redact: ['**.password'] }, (log) => log.child({ deep }).info('x')).lines.join('')).not.toContain('SECRET');
    const circle: Record<string, unknown> = { password: 'SECRET' };
    circle.inner = { circle, password: 'SECRET' };
    expect(written(['**.password'], { circle })).not.toContain('SECRET');
  });

  it('stays out of a key that has paths of its own besides a lone *', () => {
    expect(written(['*', 'a.b'], { a: { b: 1, c: 'SECRET' }, d: 'SECRET' })).toBe('{"level":30,"a":"[Redacted]","d":"[Redacted]"}\n');
  });

  it('stays out when the censor throws', () => {
    const censor = (): never => {
      throw new Error('SECRET');
    };
    expect(written(['a.b', 'c'], { a: { b: 'SECRET' }, c: 'SECRET' }, { censor })).toBe(
      '{"level":30,"a":{"b":"[Redacted]"},"c":"[Redacted]"}\n',
    );
  });

  it('stays out below a value that a censor lets pass', () => {
    const censor = (value: unknown): unknown => (typeof value === 'string' ? '***' : value);
    expect(written(['a', 'a.b', 'c.d', 'c.d.e'], { a: { b: 'SECRET' }, c: { d: { e: 'SECRET' } } }, { censor })).not.toContain('SECRET');
  });

  it('stays out of bytes, which keep their form', () => {
    expect(written(['key.data[*]'], { key: Buffer.from([1, 2]) })).toBe(
      '{"level":30,"key":{"type":"Buffer","data":["[Redacted]","[Redacted]"]}}\n',
    );
    expect(written(['key.other'], { key: Buffer.from([1, 2]) })).toBe('{"level":30,"key":{"type":"Buffer","data":[1,2]}}\n');
  });
});
