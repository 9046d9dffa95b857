// Serializers, formatters, mixins and hooks, by table: the same bytes as pino's.
import { PassThrough } from 'node:stream';
import { describe, it } from 'vitest';
import { original, ours } from './original.js';
import { expectSame, type Program, type Row, still } from './told.js';

const SOME: Program = (log) => {
  log.info({ a: 1, b: { c: 2 } }, 'said %s', 'so');
  log.info('alone');
  log.warn(still('broken'));
  log.child({ a: 5, bound: true }).info({ a: 6 }, 'child');
};
const all = Symbol.for('pino.*');

const rows: Row[] = [
  [
    'serializers',
    { serializers: { a: (value: number) => value + 1, msg: (text: string) => `${text}!`, err: (error: Error) => error.message } },
    SOME,
  ],
  ['serializers that give what is no JSON', { serializers: { a: () => Symbol('s'), b: () => () => 1 } }, SOME],
  ['serializers that give numbers that are none', { serializers: { a: () => Number.NaN, b: () => 10n, msg: () => Number.NaN } }, SOME],
  ['serializers that give nothing', { serializers: { a: () => undefined, err: () => undefined } }, SOME],
  [
    'serializers and their object',
    {
      serializers: {
        a(this: object) {
          return Object.keys(this);
        },
      },
    },
    SOME,
  ],
  ['no serializers', { serializers: { err: null } }, SOME],
  ['the symbol for all serializers', { serializers: { [all]: () => ({ lost: true }) } }, SOME],
  ['a serializer of the message that gives an object', { serializers: { msg: (text: string) => ({ text }) } }, SOME],
  [
    'formatters',
    {
      formatters: {
        level: (label: string, number: number) => ({ label, number }),
        bindings: (b: object) => ({ ...b, more: 1 }),
        log: (o: object) => ({ ...o, keys: Object.keys(o) }),
      },
      base: { x: 1 },
    },
    SOME,
  ],
  ['a formatter of bindings that gives nothing', { formatters: { bindings: () => undefined }, base: { x: 1 } }, SOME],
  ['a formatter of logs that gives nothing', { formatters: { log: () => undefined } }, SOME],
  [
    'a formatter of bindings, called for a root alone',
    { formatters: { bindings: (b: object) => ({ wrapped: b }) }, base: { x: 1 } },
    (log) => {
      log.setBindings({ later: 1 });
      SOME(log, [], ours);
    },
  ],
  [
    'a mixin',
    {
      mixin: (object: object, level: number, logger: { level: string }) => ({
        a: 9,
        saw: Object.keys(object),
        at: level,
        of: logger.level,
      }),
    },
    SOME,
  ],
  ['a mixin that gives text', { mixin: () => 'ab' }, SOME],
  ['a mixin that gives the message', { mixin: () => ({ msg: 'mixed' }) }, SOME],
  [
    'a strategy to merge a mixin',
    { mixin: () => ({ m: 1 }), mixinMergeStrategy: (object: object, mixed: object) => ({ object, mixed }) },
    SOME,
  ],
  ['a strategy that gives nothing', { mixin: () => ({ m: 1 }), mixinMergeStrategy: () => undefined }, SOME],
  ['a strategy without a mixin', { mixinMergeStrategy: () => ({ never: 1 }) }, SOME],
  [
    'a hook around methods',
    {
      hooks: {
        logMethod(this: object, values: unknown[], method: (...all: unknown[]) => void, level: number) {
          method.apply(this, [`${values.length} at ${level} by ${method.name}`]);
        },
      },
    },
    SOME,
  ],
  ['a hook that drops lines', { hooks: { logMethod() {} } }, SOME],
  ['a hook around lines', { hooks: { streamWrite: (line: string) => line.replaceAll('a', 'A') } }, SOME],
  [
    'prefixes',
    { msgPrefix: 'p ' },
    (log) => {
      const child = log.child({}, { msgPrefix: 'c ' });
      child.info('x %s', 1);
      child.info({});
      child.info(still('broken'));
      child.child({}, { msgPrefix: null }).info('y');
      return [log.msgPrefix, child.msgPrefix, child.child({}).msgPrefix];
    },
  ],
  ['redaction after serializers', { redact: ['a.b'], serializers: { a: () => ({ b: 1, c: 2 }) } }, SOME],
  ['redaction under a nested key', { redact: ['n.a', 'a'], nestedKey: 'n' }, SOME],
];

describe.runIf(original)('options', () => {
  it.each(rows)('work as in pino: %s', (_title, options, program) => {
    expectSame(options, program);
  });

  it.each([
    ['an old option', { prettyPrint: true }],
    ['a mixin that is none', { mixin: 5 }],
    ['a prefix that is none', { msgPrefix: {} }],
    ['a comparison that is none', { levelComparison: 'up' }],
    ['a level that is not there', { level: 'loud' }],
    ['a level that is undefined', { level: undefined }],
    ['only custom levels without any', { useOnlyCustomLevels: true }],
    ['only custom levels, none of them the level', { useOnlyCustomLevels: true, customLevels: { a: 1 } }],
    ['a limit that is none', { depthLimit: 0 }],
    ['a limit of another type', { edgeLimit: '5' }],
    ['a limit that is no whole number', { edgeLimit: 1.5 }],
    ['paths that are none', { redact: {} }],
    ['a path that is none', { redact: ['a..b'] }],
    ['a path that is open', { redact: ['a["b]'] }],
    ['a path that is no text', { redact: [5] }],
    ['a formatter of levels for targets', { transport: { targets: [{ target: 'pino/file' }] }, formatters: { level: () => ({}) } }],
    ['a stream for a transport', { transport: new PassThrough() }],
  ])('are refused with the same words: %s', (_title, options) => {
    expectSame(options, (log) => log.info('x'));
  });
});
