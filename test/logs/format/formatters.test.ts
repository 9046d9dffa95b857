// The line of one record as text: what presets and formats make of it, and how errors and hostile values come out.
import { describe, expect, it } from 'vitest';
import { native } from '../../../src/binding/load.js';
import { JsonFormatter, type LogRecord, messageOf, TextFormatter } from '../../../src/logs/format/formatters.js';
import type { LogPreset } from '../../../src/logs/format/presets.js';

const TIME = Date.UTC(2026, 4, 26, 8, 14, 22, 281);
const TRACE = '0190163d8694739baea5966c26f8ad91';
const SPAN = '1122334455667788';

const record = (given: LogRecord = {}): LogRecord => ({ time: TIME, logger: 'hearthnet.bus.router', message: 'routed', ...given });
const traced = (given: LogRecord = {}): LogRecord => record({ traceId: TRACE, spanId: SPAN, traceFlags: 1, ...given });
const json = (given: LogRecord, options = {}): string => new JsonFormatter(options).format(given);
const text = (given: LogRecord, options = {}): string => new TextFormatter(options).format(given);

describe('a JSON formatter', () => {
  it('[C-02 C-04] makes a line of a record for whoever has it, without any configuration, with the fields of the caller', () => {
    const formatter = new JsonFormatter();
    const handler = (given: LogRecord): unknown => JSON.parse(formatter.format(given));
    expect(handler(record({ fields: { capability: 'chat', ms: 12 } }))).toEqual({
      ts: '2026-05-26T08:14:22.281Z',
      level: 'info',
      logger: 'hearthnet.bus.router',
      msg: 'routed',
      capability: 'chat',
      ms: 12,
    });
  });

  it('[C-03] takes a template with its style and validation, a form of time and defaults, all of them optional', () => {
    const options = {
      template: '{levelname}: {message} by {user}',
      templateStyle: '{',
      validateTemplate: true,
      timeFormat: '%Y-%m-%d %H:%M:%S,%L',
      defaults: { user: 'nobody', region: 'eu' },
    } as const;
    expect(json(record({ fields: { user: 'ann' } }), options)).toBe(
      '{"ts":"2026-05-26 08:14:22,281","level":"info","logger":"hearthnet.bus.router","msg":"info: routed by ann","user":"ann","region":"eu"}',
    );
    expect(() => new JsonFormatter({ template: 'no part' })).toThrow(/KYMO_LOG_FORMAT.*has no part/);
    expect(json(record(), { template: 'no part', validateTemplate: false })).toContain('"msg":"no part"');
  });

  it('[C-05] puts arguments into the message before it is written, and loses none', () => {
    expect(messageOf({ message: '%s has %d rows', args: ['users', 7] })).toBe('users has 7 rows');
    expect(messageOf({ message: 'users', args: [{ a: 1 }, 7] })).toBe('users {"a":1} 7');
    expect(messageOf({ message: { kept: true } })).toEqual({ kept: true });
    expect(json(record({ message: '%s has %d rows', args: ['users', 7] }))).toContain('"msg":"users has 7 rows"');
  });

  it('[C-06] writes the time of the event in any form', () => {
    const time = (timeFormat: string, given: LogRecord = record()): unknown => JSON.parse(json(given, { timeFormat })).ts;
    expect(time('iso')).toBe('2026-05-26T08:14:22.281Z');
    expect(time('epochSeconds')).toBe(TIME / 1000);
    expect(time('epochMs')).toBe(TIME);
    expect(json(record(), { timeFormat: 'epochNs' })).toContain('"ts":1779783262281000000,');
    expect(time('%d.%m.%y %I:%M %p')).toBe('26.05.26 08:14 AM');
    expect(time('iso', record({ time: new Date(0) }))).toBe('1970-01-01T00:00:00.000Z');
    expect(time('iso', record({ time: new Date(Number.NaN) }))).toBeNull();
    expect(Math.abs(Number(time('epochMs', { message: 'now' })) - Date.now())).toBeLessThan(60_000);
  });

  it('[C-08 H-09 H-10 H-11] writes time, level, logger, message and trace, then the fields as given, and no space between them', () => {
    expect(json(traced({ fields: { z: 1, a: { b: [1, 2] }, m: 'x' } }), { preset: 'hearthnet' })).toBe(
      '{"ts":"2026-05-26T08:14:22.281Z","level":"info","logger":"hearthnet.bus.router","msg":"routed",' +
        '"trace_id":"01J0B3V1MMEEDTX9CPDGKFHBCH","z":1,"a":{"b":[1,2]},"m":"x"}',
    );
  });

  it('[H-12] writes the time as RFC 3339 in UTC with milliseconds', () => {
    const { ts } = JSON.parse(json({ message: 'now' }, { preset: 'hearthnet' }));
    expect(ts).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it('[H-13] writes the level as a word in lower case', () => {
    const levels = ['debug', 'info', 'warn', 'error', 'fatal'] as const;
    const words = (options: object): unknown[] => levels.map((level) => JSON.parse(json(record({ level }), options)).level);
    expect(words({ preset: 'hearthnet' })).toEqual(['debug', 'info', 'warning', 'error', 'critical']);
    expect(words({})).toEqual(['debug', 'info', 'warn', 'error', 'fatal']);
    expect(words({ levelFormat: 'number' })).toEqual([20, 30, 40, 50, 60]);
    expect(words({ levelFormat: 'number', levelScale: 'python' })).toEqual([10, 20, 30, 40, 50]);
    expect(words({ levelNames: { 20: 'fine' }, levelFormat: 'upper' })).toEqual(['FINE', 'INFO', 'WARN', 'ERROR', 'FATAL']);
  });

  it('[H-14] has the id of the trace in the form asked for, and no key for it without a trace', () => {
    const keys = (given: LogRecord, options: object): string[] => Object.keys(JSON.parse(json(given, options)));
    expect(JSON.parse(json(traced(), { preset: 'hearthnet' })).trace_id).toBe('01J0B3V1MMEEDTX9CPDGKFHBCH');
    expect(keys(record(), { preset: 'hearthnet' })).toEqual(['ts', 'level', 'logger', 'msg']);
    expect(keys(traced(), { includeTraceContext: false })).toEqual(['ts', 'level', 'logger', 'msg']);
    expect(JSON.parse(json(traced()))).toMatchObject({ trace_id: TRACE, span_id: SPAN, trace_flags: '01' });
    expect(keys(traced({ spanId: '0000000000000000' }), {})).not.toContain('span_id');
    expect(JSON.parse(json(traced(), { traceIdFormat: 'uuid', spanIdFormat: 'prefixed' }))).toMatchObject({
      trace_id: '0190163d-8694-739b-aea5-966c26f8ad91',
      span_id: `span-${SPAN}`,
    });
  });

  it('[H-15] makes one line of one event, whatever is in it', () => {
    const hostile = 'one\ntwo\r\nthree\u2028four\u0000\u001b[31m';
    const line = json(record({ message: hostile, logger: hostile, fields: { [hostile]: hostile }, error: new Error(hostile) }));
    expect(line.split(/[\n\r]/)).toHaveLength(1);
    expect(JSON.parse(line)).toMatchObject({ msg: hostile, logger: hostile, [hostile]: hostile, err: { message: hostile } });
  });

  it('[H-16] keeps the types of fields', () => {
    const fields = { ms: 12, ratio: 0.5, ok: true, none: null, list: [1, 'a'], nested: { deep: { er: 1 } }, text: '12' };
    expect(JSON.parse(json(record({ fields })))).toMatchObject(fields);
    expect(
      json(record({ fields: { big: 10n, huge: 2n ** 62n, vast: 2n ** 80n, date: new Date(TIME), bytes: new Uint8Array([1]) } })),
    ).toContain(
      '"big":10,"huge":"4611686018427387904","vast":"1208925819614629174706176","date":"2026-05-26T08:14:22.281Z","bytes":"AQ=="',
    );
    expect(json(record({ fields: { nan: Number.NaN, inf: Number.POSITIVE_INFINITY } }))).toContain('"nan":null,"inf":null');
    expect(json(record({ fields: { nan: Number.NaN } }), { nonFinite: 'text' })).toContain('"nan":"NaN"');
    expect(json(record({ fields: { big: 2n ** 62n } }), { bigint: 'number' })).toContain('"big":4611686018427387904');
  });

  it('never lets a field take the place of what the line says itself, and keeps it beside', () => {
    const fields = { level: 'fatal', ts: 1, msg: 'forged', trace_id: 'forged', level_: 'own' };
    const line = json(traced({ fields }));
    expect(JSON.parse(line)).toMatchObject({ level: 'info', msg: 'routed', trace_id: TRACE, ts: '2026-05-26T08:14:22.281Z' });
    expect(JSON.parse(line)).toMatchObject({ level__: 'fatal', level_: 'own', ts_: 1, msg_: 'forged', trace_id_: 'forged' });
    expect(line.match(/"level":/g)).toHaveLength(1);
    expect(JSON.parse(json(record({ fields }), { nestedKey: 'extra' })).extra).toEqual(fields);
  });

  it('escapes keys, and takes those of every object as they are', () => {
    const fields = JSON.parse('{"__proto__":1,"toString":2,"a\\":1,\\"level\\":60,\\"x":3,"":4}');
    const line = json(record({ fields }));
    expect(Object.entries(JSON.parse(line)).slice(4)).toEqual(Object.entries(fields));
    expect(JSON.parse(json(record({ fields: Object.assign(Object.create(null), { hasOwnProperty: 1 }) })))).toMatchObject({
      hasOwnProperty: 1,
    });
  });

  it('escapes lone surrogates, whatever the length of the text', () => {
    for (const filling of ['', 'x'.repeat(200), '漢'.repeat(200)]) {
      const value = `${filling}\ud800${filling}\udc00`;
      expect(json(record({ message: value, fields: { [`k${value}`]: value } }))).toContain(
        JSON.stringify({ [`k${value}`]: value }).slice(1),
      );
    }
  });

  it('takes out the secrets that lines of loggers are rid of, in message and fields', () => {
    const secret = 'eyJhbGciOi.eyJzdWIiOi';
    native.logScrub([{ name: 'jwt', ignoreCase: false }], '[REDACTED]');
    try {
      const line = json(record({ message: `with ${secret}`, fields: { deep: [{ token: secret }], kept: 7 } }));
      expect(JSON.parse(line)).toMatchObject({ msg: 'with [REDACTED]', deep: [{ token: '[REDACTED]' }], kept: 7 });
    } finally {
      native.logScrub([], '');
    }
    expect(json(record({ message: secret }))).toContain(secret);
  });

  it('writes something for what has no JSON, and keeps what stands beside it', () => {
    const fields = {
      symbol: Symbol('x'),
      get throws() {
        throw new Error('no');
      },
      toJSON: 1,
      map: new Map([['a', 1]]),
      set: new Set([1]),
      kept: true,
    };
    const line = JSON.parse(json(record({ message: Symbol('x'), fields })));
    expect(line).toMatchObject({ msg: 'Symbol(x)', symbol: 'Symbol(x)', throws: '[Throws: no]', map: { a: 1 }, set: [1], kept: true });
  });
});

describe('errors', () => {
  const failure = (): Error => {
    const error = new AggregateError([new RangeError('one'), 'two'], 'no peer', { cause: new TypeError('closed') });
    error.stack = 'AggregateError: no peer\n    at a.js:1:2';
    return Object.assign(error, { code: 'ENOPEER' });
  };

  it('[C-07] are in the line with type, message, stack, cause and members', () => {
    const { err } = JSON.parse(json(record({ error: failure() })));
    expect(err).toMatchObject({
      type: 'AggregateError',
      message: 'no peer',
      code: 'ENOPEER',
      cause: { type: 'TypeError', message: 'closed' },
    });
    expect(err.stack).toBe('AggregateError: no peer\n    at a.js:1:2');
    expect(err.errors).toEqual([expect.objectContaining({ type: 'RangeError', message: 'one' }), 'two']);
  });

  it('[C-07 H-23] are one text with stack, causes and members where a preset or option says so', () => {
    const { exception, err } = JSON.parse(json(record({ error: failure() }), { preset: 'hearthnet' }));
    expect(exception).toMatch(
      /^AggregateError: no peer\n {4}at a\.js:1:2\nCaused by: TypeError: closed\n[\s\S]*\nError 1 of 2: RangeError: one\n[\s\S]*\nError 2 of 2: two$/,
    );
    expect(err).toEqual({ code: 'ENOPEER' });
  });

  it('have the keys of standards', () => {
    expect(JSON.parse(json(record({ error: failure() }), { errors: 'otel' }))).toMatchObject({
      'exception.type': 'AggregateError',
      'exception.message': 'no peer',
      'exception.stacktrace': expect.stringContaining('Caused by: TypeError'),
    });
    expect(JSON.parse(json(record({ error: failure() }), { fieldNames: { error: 'error' } })).error.type).toBe('AggregateError');
  });

  it('are whole as fields, at any depth', () => {
    const line = JSON.parse(json(record({ fields: { reason: failure(), list: [{ inner: new Error('deep') }] } })));
    expect(line).toMatchObject({ reason: { type: 'AggregateError' }, list: [{ inner: { type: 'Error', message: 'deep' } }] });
  });
});

describe('presets', () => {
  const keys = (preset: LogPreset, given = traced()): [string, unknown][] => Object.entries(JSON.parse(json(given, { preset })));

  it('[A-071] speak for agentos: seconds since 1970, level, message, ids with a prefix, fields', () => {
    expect(keys('agentos', traced({ logger: '', level: 'warn', fields: { tool: 'search' } }))).toEqual([
      ['timestamp', TIME / 1000],
      ['level', 'warning'],
      ['message', 'routed'],
      ['trace_id', `trace-${TRACE}`],
      ['span_id', `span-${SPAN}`],
      ['tool', 'search'],
    ]);
  });

  it('speak for the others', () => {
    expect(keys('default').map(([key]) => key)).toEqual(['ts', 'level', 'logger', 'msg', 'trace_id', 'span_id', 'trace_flags']);
    expect(keys('converge')).toEqual([
      ['timestamp', '2026-05-26T08:14:22.281Z'],
      ['level', 'INFO'],
      ['message', 'routed'],
      ['logger', 'hearthnet.bus.router'],
      ['trace_id', '0190163d-8694-739b-aea5-966c26f8ad91'],
      ['span_id', '00000000-0000-0000-1122-334455667788'],
    ]);
    for (const preset of ['civitas', 'lexigram'] as const) {
      expect(Object.fromEntries(keys(preset))).toMatchObject({ level: 'INFO', message: 'routed', trace_id: TRACE, span_id: SPAN });
    }
  });

  it('[L-187] write text or JSON, each as its option says', () => {
    expect(json(record(), { preset: 'lexigram', format: 'json' })).toMatch(/^\{"timestamp":/);
    expect(text(record(), { preset: 'lexigram', format: 'text' })).toBe('2026-05-26T08:14:22.281Z - hearthnet.bus.router - INFO - routed');
  });
});

describe('a text formatter', () => {
  it('[C-13] writes a line for people: time, logger, level, message, and fields as pairs', () => {
    expect(text(record({ level: 'warn', fields: { ms: 12, to: 'peer 1', nested: { a: 1 } } }), { preset: 'converge' })).toBe(
      '2026-05-26T08:14:22.281Z - hearthnet.bus.router - WARNING - routed ms=12 to="peer 1" nested={"a":1}',
    );
    const template = '%(asctime)s [%(levelname)-7s] %(message)s';
    expect(text(record(), { template, timeFormat: '%H:%M:%S' })).toBe('08:14:22 [INFO   ] routed');
  });

  it('keeps an error on the line, or below it where asked for', () => {
    const error = new Error('x');
    error.stack = 'Error: x\n    at a.js:1:2';
    expect(text(record({ error }))).toMatch(/ - routed exception="Error: x\\n {4}at a\.js:1:2"$/);
    expect(text(record({ error }), { stackLines: true })).toMatch(/ - routed\n {4}Error: x\n {8}at a\.js:1:2$/);
  });

  it('has colours, and nothing else that a terminal obeys', () => {
    const hostile = '\u001b]0;title\u0007\u009b2J\r\u202e';
    const line = text(record({ message: hostile, logger: hostile, fields: { [hostile]: hostile } }), { format: 'color' });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what it is about
    expect(line.replaceAll(/\u001b\[\d+(;\d+)?m/g, '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
    expect(line).toContain('\\u001b]0;title\\u0007\\u009b2J\\r\\u202e');
  });
});
