// Children, bindings and levels, by table: the same lines, results and errors as pino's.
import { describe, it } from 'vitest';
import { original } from './original.js';
import { type AnyLogger, expectSame, type Row, still } from './told.js';

const levelsOf = (log: AnyLogger): unknown => [log.level, log.levelVal, log.levels];
const STANDARD = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];
const everyLevel = (log: AnyLogger, more: readonly string[] = []): void => {
  for (const level of [...STANDARD, ...more]) log[level](level);
};

const children: Row[] = [
  ['no bindings', {}, (log) => log.child(undefined)],
  ['bindings of letters', {}, (log) => [log.child('ab').info('x'), log.child(5).info('y')]],
  [
    'any binding',
    {},
    (log) => {
      const child = log.child({
        a: undefined,
        b: null,
        c: () => 1,
        d: Symbol('s'),
        e: Number.NaN,
        f: 1n,
        'k"': 1,
        err: still('bound'),
        t: '\ud800',
      });
      child.info('x');
      return child.bindings();
    },
  ],
  ['reserved bindings', {}, (log) => log.child({ level: 'debug', serializers: {}, formatters: {}, customLevels: {}, a: 1 }).info('x')],
  [
    'duplicates',
    {},
    (log) => {
      const child = log.child({ a: 1 }).child({ a: 2, pid: 3, hostname: 'h' });
      child.setBindings({ a: 4 });
      child.info({ a: 5 });
      return child.bindings();
    },
  ],
  [
    'a level',
    {},
    (log) => {
      const child = log.child({}, { level: 'debug' });
      log.level = 'error';
      everyLevel(child);
      return levelsOf(child);
    },
  ],
  [
    'the level of the parent',
    {},
    (log) => {
      const [plain, same, falsy] = [log.child({}), log.child({}, { level: 'info' }), log.child({}, { level: '' })];
      log.level = 'trace';
      for (const child of [plain, same, falsy]) everyLevel(child);
    },
  ],
  ['a level that is not there', {}, (log) => log.child({}, { level: 'loud' })],
  [
    'serializers',
    { serializers: { a: () => 'root', b: () => 'b' } },
    (log) => {
      const child = log.child({ a: 1, b: 1 }, { serializers: { a: () => 'child' } });
      child.child({ a: 2 }).info({ a: 3, b: 4 });
      log.info({ a: 5 });
    },
  ],
  [
    'formatters',
    { formatters: { level: (label: string) => ({ label }) } },
    (log) => {
      const child = log.child({ a: 1 }, { formatters: { bindings: (b: unknown) => ({ z: b }), log: (o: object) => ({ o }) } });
      child.info({ b: 1 }, 'x');
      child.child({ c: 1 }).info({ d: 1 });
    },
  ],
  [
    'formatters of levels, which need levels',
    {},
    (log) => {
      const level = (label: string, number: number) => ({ label, number });
      log.child({}, { formatters: { level } }).info('x');
      const child = log.child({}, { formatters: { level }, customLevels: { audit: 35 } });
      everyLevel(child, ['audit']);
    },
  ],
  [
    'levels of its own',
    {},
    (log) => {
      const child = log.child({}, { customLevels: { audit: 35, low: 5 } });
      everyLevel(child, ['audit', 'low']);
      everyLevel(child.child({}), ['audit']);
      return [levelsOf(child), typeof log.audit];
    },
  ],
  ['levels with names that are taken', {}, (log) => log.child({}, { customLevels: { info: 35 } })],
  ['levels with numbers that are taken', {}, (log) => log.child({}, { customLevels: { audit: 30 } })],
  [
    'redaction',
    { redact: ['a'] },
    (log) => {
      log.child({ a: 1, b: 1 }, { redact: ['b'] }).info({ a: 2, b: 2 });
      log.child({ a: 1, b: 1 }, { redact: [] }).info({ a: 2, b: 2 });
      log.child({ a: 1, b: 1 }, { redact: null }).info({ a: 2, b: 2 });
      log.child({ a: 1 }, { redact: { paths: ['a'], remove: true } }).info('%j', { a: 1 });
    },
  ],
  ['redaction of what JSON.stringify refuses', {}, (log) => log.child({}, { redact: ['a.b'] }).info({ a: { b: 1, c: 1n }, d: 1n })],
  [
    'a function for each child',
    {},
    (log) => {
      const seen: unknown[] = [];
      log.onChild = (child: AnyLogger) => seen.push(child.bindings());
      log.child({ a: 1 }).child({ b: 1 });
      return seen;
    },
  ],
];

const levels: Row[] = [
  [
    'each of them',
    {},
    (log) => {
      for (const level of [...STANDARD, 'silent']) {
        log.level = level;
        everyLevel(log);
      }
      return levelsOf(log);
    },
  ],
  [
    'numbers',
    {},
    (log) => {
      log.level = 20;
      everyLevel(log);
      return levelsOf(log);
    },
  ],
  [
    'a number that is none',
    {},
    (log) => {
      log.level = 21;
    },
  ],
  [
    'a name that is none',
    {},
    (log) => {
      log.level = 'loud';
    },
  ],
  [
    'the value, which cannot be set',
    {},
    (log) => {
      log.levelVal = 5;
    },
  ],
  ['not enabled', { enabled: false }, (log) => [everyLevel(log), levelsOf(log)]],
  ['falling', { levelComparison: 'DESC' }, (log) => [everyLevel(log), levelsOf(log)]],
  ['by a function', { levelComparison: (current: number, expected: number) => current % 20 === expected % 20 }, (log) => everyLevel(log)],
  ['by a function that says nothing', { levelComparison: () => undefined }, (log) => [everyLevel(log), log.isLevelEnabled('info')]],
  [
    'custom ones',
    { customLevels: { audit: 35, low: -1, half: 30.5, text: '31' }, level: 'low' },
    (log) => [everyLevel(log, ['audit', 'low', 'half', 'text']), levelsOf(log)],
  ],
  ['custom ones with numbers that are none', { customLevels: { none: Number.NaN, word: 'x' } }, (log) => everyLevel(log, ['none', 'word'])],
  [
    'custom ones with names of pino',
    { customLevels: { info: 45 } },
    (log) => {
      everyLevel(log);
      log.level = 'warn';
      everyLevel(log);
    },
  ],
  [
    'custom ones alone',
    { customLevels: { a: 1, info: 5 }, useOnlyCustomLevels: true, level: 'a' },
    (log) => [everyLevel(log, ['a']), levelsOf(log), typeof log.warn],
  ],
  ['asked about', {}, (log) => ['trace', 'info', 'loud', 30, undefined, 'silent'].map((level) => log.isLevelEnabled(level))],
  [
    'changes',
    { customLevels: { audit: 35 } },
    (log) => {
      const seen: unknown[] = [];
      log.on('level-change', (...values: unknown[]) => seen.push([...values.slice(0, 4), values[4] === log]));
      for (const level of ['debug', 'debug', 'audit', 'silent', 'info']) log.level = level;
      log.child({});
      log.child({}, { level: 'warn' }).level = 'error';
      log.child({}, { customLevels: { notice: 32 } });
      return seen;
    },
  ],
  [
    'hooks',
    {
      hooks: {
        logMethod(this: object, values: unknown[], method: (...all: unknown[]) => void, level: number) {
          method.apply(this, [...values, level]);
        },
      },
      customLevels: { audit: 35 },
    },
    (log) => {
      everyLevel(log, ['audit']);
      everyLevel(log.child({}, { level: 'trace' }), ['audit']);
    },
  ],
];

describe.runIf(original)('children', () => {
  it.each(children)('are as in pino: %s', (_title, options, program) => {
    expectSame(options, program);
  });
});

describe.runIf(original)('levels', () => {
  it.each(levels)('are as in pino: %s', (_title, options, program) => {
    expectSame(options, program);
  });
});
