// Where kymo/pino is not like pino, on purpose: where pino throws into the application or writes a line that is no JSON. Each row of the table
// in src/compat/README.md that is about the logger itself; those about redaction are in redaction.test.ts.
import { describe, expect, it } from 'vitest';
import { original, ours, type Pino } from './original.js';
import { type AnyLogger, isJson, type Program, type Row, still, told } from './told.js';

const boom = (): never => {
  throw new Error('boom');
};
const throwing = {
  get bad() {
    return boom();
  },
  after: 1,
};

/** Title, options, program, and what is written. pino throws or writes no JSON in each. */
const rows: [...Row, lines: string[]][] = [
  ['a getter that throws', {}, (log) => log.info(throwing, 'x'), ['{"level":30,"bad":"[Throws: boom]","after":1,"msg":"x"}']],
  [
    'a serializer that throws',
    { serializers: { a: boom } },
    (log) => log.info({ a: 1, b: 2 }),
    ['{"level":30,"a":"[Throws: boom]","b":2}'],
  ],
  [
    'a serializer that is no function',
    { serializers: { a: 5 } },
    (log) => log.info({ a: 1, b: 2 }),
    ['{"level":30,"a":"[Throws: serializers[key] is not a function]","b":2}'],
  ],
  [
    'a serializer of the message that throws',
    { serializers: { msg: boom } },
    (log) => log.info({ a: 1 }, 'x'),
    ['{"level":30,"a":1,"msg":"[Throws: boom]"}'],
  ],
  ['a serializer of the message that gives nothing', { serializers: { msg: () => undefined } }, (log) => log.info('x'), ['{"level":30}']],
  [
    'a serializer of a binding that throws',
    { serializers: { a: boom } },
    (log) => log.child({ a: 1 }).info('x'),
    ['{"level":30,"a":"[Throws: boom]","msg":"x"}'],
  ],
  [
    'a binding whose getter throws',
    {},
    (log) => log.child(throwing).info('x'),
    ['{"level":30,"bad":"[Throws: boom]","after":1,"msg":"x"}'],
  ],
  ['a formatter of logs that throws', { formatters: { log: boom } }, (log) => log.info({ a: 1 }), ['{"level":30,"a":1}']],
  [
    'a formatter of bindings that throws in a child',
    {},
    (log) => log.child({ a: 1 }, { formatters: { bindings: boom } }).info('x'),
    ['{"level":30,"a":1,"msg":"x"}'],
  ],
  ['a formatter of levels that gives no object', { formatters: { level: () => 'x' } }, (log) => log.info('x'), ['{"level":30,"msg":"x"}']],
  ['a formatter of levels that gives nothing to write', { formatters: { level: () => ({}) } }, (log) => log.info('x'), ['{"msg":"x"}']],
  ['a mixin that throws', { mixin: boom }, (log) => log.info({ a: 1 }), ['{"level":30,"a":1}']],
  ['a mixin that gives nothing', { mixin: () => undefined }, (log) => log.info({ a: 1 }), ['{"level":30,"a":1}']],
  ['a strategy that throws', { mixin: () => ({}), mixinMergeStrategy: boom }, (log) => log.info({ a: 1 }), ['{"level":30,"a":1}']],
  ['a symbol as message', {}, (log) => log.info(Symbol('s')), ['{"level":30,"msg":"Symbol(s)"}']],
  [
    'a symbol behind a prefix',
    { msgPrefix: 'p ' },
    (log) => log.info(Symbol('s')),
    ['{"level":30,"msg":"p [Throws: Cannot convert a Symbol value to a string]"}'],
  ],
  [
    'a symbol as a number',
    {},
    (log) => log.info('%d', Symbol('s')),
    ['{"level":30,"msg":"[Throws: Cannot convert a Symbol value to a number]"}'],
  ],
  [
    'an object without text',
    {},
    (log) => log.info('%s', Object.create(null)),
    ['{"level":30,"msg":"[Throws: Cannot convert object to primitive value]"}'],
  ],
  ['a message key to escape', { messageKey: 'm"' }, (log) => log.info('x'), ['{"level":30,"m\\"":"x"}']],
  ['a nested key that is a number', { nestedKey: 5 }, (log) => log.info({ a: 1 }), ['{"level":30,"5":{"a":1}}']],
  [
    'an own hasOwnProperty among the bindings',
    {},
    (log) => log.child({ hasOwnProperty: 1 }).info('x'),
    ['{"level":30,"hasOwnProperty":1,"msg":"x"}'],
  ],
  [
    'options of a child without a prototype',
    {},
    (log) => log.child({}, Object.assign(Object.create(null), { level: 'debug' })).debug('x'),
    ['{"level":20,"msg":"x"}'],
  ],
  ['no serializers for a child', {}, (log) => log.child({}, { serializers: undefined }).info('x'), ['{"level":30,"msg":"x"}']],
  ['no formatters for a child', {}, (log) => log.child({}, { formatters: undefined }).info('x'), ['{"level":30,"msg":"x"}']],
  [
    'a level that the own levels of a child have replaced',
    { customLevels: { low: 31 } },
    (log) =>
      log
        .child({}, { customLevels: { audit: 35 } })
        .child({ a: 1 })
        .low('x'),
    ['{"level":31,"a":1,"msg":"x"}'],
  ],
  [
    'an error whose message throws',
    {},
    (log) => log.info({ err: Object.defineProperty({}, 'message', { get: boom }) }),
    ['{"level":30,"err":"[Throws: boom]"}'],
  ],
];

describe('what pino throws or writes no JSON for', () => {
  it.each(rows)('becomes a line: %s', (_title, options, program, lines) => {
    expect(told(ours, options, program)).toMatchObject({ threw: undefined, lines: lines.map((line) => `${line}\n`) });
  });

  it.runIf(original).each(rows)('is no line with pino: %s', (_title, options, program) => {
    const theirs = told(original as Pino, options, program);
    expect(theirs.threw !== undefined || !theirs.lines.every(isJson)).toBe(true);
  });

  it('never throws into the application, whatever a Proxy refuses', () => {
    const handlers = ['get', 'has', 'ownKeys', 'getPrototypeOf', 'getOwnPropertyDescriptor'];
    const refusing: object[] = handlers.map((trap) => new Proxy({ a: 1 }, { [trap]: boom }));
    refusing.push(new Proxy({}, Object.fromEntries(handlers.map((trap) => [trap, boom]))));
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    refusing.push(proxy);
    const use: Program = (log) => {
      for (const one of refusing) {
        log.info(one);
        log.info(one, 'x');
        log.info({ one, err: one });
        log.info('%s %j %o %d', one, one, one, one);
        log.child({ one }).info('x');
      }
    };
    for (const options of [
      {},
      { redact: ['one.a', 'one.*', '**.b'] },
      { mixin: () => ({ m: 1 }), formatters: { log: (object: object) => object } },
    ]) {
      const { threw, lines } = told(ours, options, use);
      expect([threw, lines.filter((line) => !isJson(line))]).toEqual([undefined, []]);
      expect(lines).toHaveLength(refusing.length * 5);
    }
  });

  it('writes a line when the function for the time fails later', () => {
    let calls = 0;
    const timestamp = (): string => (calls++ === 0 ? ',"t":1' : boom());
    expect(told(ours, { timestamp }, (log) => log.info('x')).lines[0]).toMatch(/^\{"level":30,"time":\d+,"msg":"x"\}\n$/);
  });

  it('keeps an own __proto__ in what redaction copies', () => {
    const given = { a: JSON.parse('{"__proto__":{"b":1},"c":2}') };
    const { lines } = told(ours, { redact: ['a.c'] }, (log) => log.info(given));
    expect(lines).toEqual(['{"level":30,"a":{"__proto__":{"b":1},"c":"[Redacted]"}}\n']);
  });
});

describe.runIf(original)("what is the application's own", () => {
  const both = (options: object, program: Program) => [told(ours, options, program).threw, told(original as Pino, options, program).threw];

  it('is thrown as with pino: what its hooks throw', () => {
    expect(both({ hooks: { logMethod: boom } }, (log) => log.info('x'))).toEqual(['boom', 'boom']);
    expect(both({ hooks: { streamWrite: boom } }, (log) => log.info('x'))).toEqual(['boom', 'boom']);
  });

  it('is thrown as with pino: what its stream throws', () => {
    for (const pino of [ours, original as Pino]) expect(() => (pino({}, { write: boom }) as AnyLogger).info(still('x'))).toThrow('boom');
  });

  it('is thrown as with pino: a level, bindings or a callback that cannot be', () => {
    expect(
      both({}, (log) => {
        log.level = 'loud';
      }),
    ).toEqual(['unknown level loud', 'unknown level loud']);
    expect(both({}, (log) => log.child())).toEqual(Array(2).fill('missing bindings for child Pino'));
    expect(both({}, (log) => log.flush(5))).toEqual(Array(2).fill('callback must be a function'));
  });
});
