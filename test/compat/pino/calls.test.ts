// What the arguments of a call mean, by table: the same bytes as pino's.
import { describe, expect, it } from 'vitest';
import { original, type Pino } from './original.js';
import { expectSame, type Row, still, told } from './told.js';

const SCALARS = [null, undefined, true, 5, Number.NaN, Number.POSITIVE_INFINITY, -0, 10n, '', () => 1, [], [1, 2], 'x', new Date(0)];

/** Calls `call` with each of them. */
function each<T>(values: readonly T[], call: (value: T) => unknown): void {
  for (const value of values) call(value);
}

/** Texts around each limit of the escaping: short and long, with lone surrogates, controls, quotes. */
const TEXTS = [
  '\ud800',
  `\ud800${'b'.repeat(99)}`,
  `\ud800${'b'.repeat(100)}`,
  '😀"x',
  '\ud800"',
  '"\ud800\\',
  '\ud800\n',
  '\u0000\u001f\n\t\b\f\r"\\/\u2028\u007f',
  'x'.repeat(1000),
];

const rows: Row[] = [
  ['any value alone', {}, (log) => each(SCALARS, (value) => log.info(value))],
  ['any value after an object', {}, (log) => each(SCALARS, (value) => log.info({}, value))],
  ['any value as a property', {}, (log) => each(SCALARS, (value) => log.info({ value, after: 1 }))],
  [
    'any value behind a prefix',
    { msgPrefix: 'p ' },
    (log) =>
      each(SCALARS, (value) => {
        log.info(value);
        log.info({}, value);
      }),
  ],
  [
    'null and undefined first',
    {},
    (log) => {
      log.info(null, 'x');
      log.info(null, undefined);
      log.info(null, null);
      log.info(undefined, 'x%d', 5);
      log.info(undefined);
      log.info();
      log.info(null, null, 'x');
      log.info({}, null, 'x %d', 5);
    },
  ],
  ['texts', {}, (log) => each(TEXTS, (text) => log.info({ [text]: text }, text))],
  [
    'templates',
    {},
    (log) => {
      log.info('%s %d %i %f %j %o %O %% %x %', 1, '2', 3.7, '4.5', { a: 1 }, { b: 2 }, { c: 3 });
      log.info('%x %s', 'a', 'b');
      log.info('%s %s', 'a');
      log.info('%d %s', null, 'b');
      log.info(
        '%j %o %o',
        undefined,
        () => 1,
        function named() {},
      );
      log.info('%j %j', 'text', 10n);
      log.info('%%');
      log.info('%%', 'a');
      log.info({}, { a: 1 }, { b: 2 }, 'c');
      log.info({}, [1], 2);
      log.info('left', 'over');
    },
  ],
  [
    'templates under redaction',
    { redact: ['a', 'b.c'] },
    (log) => {
      log.info('%j %o %O', { a: 1 }, { b: { c: 1, d: 2 } }, [{ a: 1 }]);
      log.info({}, { a: 1 }, 2, { a: 3 });
      log.info('%j %o', 5, 's');
    },
  ],
  [
    'errors',
    {},
    (log) => {
      const error = still('broken');
      log.info(error);
      log.info(error, 'said');
      log.info(error, 'said %s', 1);
      log.info(error, null);
      log.info({ err: error });
      log.info({ err: error }, 'said');
      log.info({ err: error, msg: 'own' });
      log.info({ error });
      for (const err of ['text', null, { message: 'like one' }, { message: 5 }, [1]]) log.info({ err });
    },
  ],
  [
    'errors under another key',
    { errorKey: 'e' },
    (log) => {
      log.info(still('broken'));
      log.info({ err: still('broken'), e: { message: 'like one' } });
      log.child({}, { serializers: { err: () => 'serialized' } }).info(still('broken'));
      log.child({ e: still('bound') }).info('x');
    },
  ],
  [
    'keys',
    {},
    (log) => {
      log.info(JSON.parse('{"toString":1,"constructor":2,"hasOwnProperty":3,"__proto__":4}'));
      log.info(Object.assign(Object.create(null), { 'quo"te': 1, 'new\nline': 2 }));
      log.info({ b: 1, 2: 2, 1: 3 });
      log.info(Object.create({ inherited: 1 }));
      log.info(Object.defineProperty({ [Symbol('s')]: 1 }, 'hidden', { value: 1 }));
      log.info({ msg: 'x', level: 1, time: 2, pid: 3 }, 'y');
      log.info([1, 2], 'array');
      log.info(Object('text'), 'boxed');
      log.info(new Date(0), 'date');
    },
  ],
  [
    'objects that JSON.stringify refuses',
    {},
    (log) => {
      const circle: Record<string, unknown> = { z: 1, b: [1n, undefined] };
      circle.a = circle;
      circle.list = [circle, new Uint8Array(3)];
      log.info(circle, 'x');
      log.info({ deep: { deep: { deep: { deep: { deep: { deep: { n: 1n } } } } } }, wide: Array.from({ length: 120 }, () => 1n) });
      log.info({ throws: { toJSON: () => Promise.reject.call(undefined) }, after: 1 });
      log.info('%j', circle);
    },
  ],
  [
    'limits of what JSON.stringify refuses',
    { depthLimit: 2, edgeLimit: 2 },
    (log) => log.info({ a: { b: 1n, z: 2, y: [1, 2, 3, 4], c: { d: { e: 1 } } } }),
  ],
  ['requests', {}, (log) => log.info({ method: 'GET', headers: { a: 1 }, socket: {}, url: '/x', lost: 1 }, 'x')],
  ['responses', {}, (log) => log.info({ setHeader() {}, statusCode: 200, getHeaders: () => ({ a: 1 }) }, 'x')],
  ['a nested key', { nestedKey: 'in"side' }, (log) => each([{ a: 1, level: 2 }, {}, still('broken')], (value) => log.info(value, 'x'))],
  ['a message key', { messageKey: 'message' }, (log) => log.info({ message: 'a', msg: 'b' }, 'c')],
  ['carriage returns', { crlf: true }, (log) => log.info('x')],
  ['names', { base: { pid: 1 }, name: 'n' }, (log) => log.info('x')],
  ['names without a base', { base: undefined, name: 0 }, (log) => log.info('x')],
  ['names with the base null', { name: 'lost' }, (log) => log.info('x')],
  ['a base of letters', { base: 'abc' }, (log) => log.info('x')],
  ['a function for the time', { timestamp: () => ', "t" : 1' }, (log) => log.info('x')],
  ['truth for the time, which is none', { timestamp: null }, (log) => log.info('x')],
  ['fatal, silent and an unbound level', {}, (log) => [log.fatal('x'), log.silent('y'), log.debug('z')]],
];

describe.runIf(original)('calls', () => {
  it.each(rows)('are written as pino writes them: %s', (_title, options, program) => {
    expectSame(options, program);
  });

  it('are compared at all: each row writes lines', () => {
    for (const [title, options, program] of rows)
      expect(told(original as Pino, options, program), title).toMatchObject({ threw: undefined });
  });
});
