// What integrations touch besides lines: pino's symbols and statics, metadata on streams, messages to them, the tracing channel, the clock.
import { tracingChannel } from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { original, ours, type Pino } from './original.js';
import { type AnyLogger, BARE } from './told.js';

const libraries: [string, Pino][] = [['kymo/pino', ours], ...(original === undefined ? [] : ([['pino', original]] as [string, Pino][]))];

/** A logger and the lines that it writes. */
function logging(pino: Pino, options: object = {}): { log: AnyLogger; lines: string[] } {
  const lines: string[] = [];
  return { log: pino({ ...BARE, ...options }, { write: (line: string) => lines.push(line) }), lines };
}

/** Names of own properties with the types of their values, however they are named. */
function shape(object: object): Record<string, string> {
  return Object.fromEntries(Reflect.ownKeys(object).map((key) => [String(key), typeof (object as Record<PropertyKey, unknown>)[key]]));
}

afterEach(() => {
  vi.useRealTimers();
});

describe.runIf(original)('the surface', () => {
  const theirs = original as Pino;

  it('has the names of pino, each of the same type', () => {
    expect(shape(ours)).toEqual(shape(theirs));
    for (const name of ['symbols', 'levels', 'stdSerializers', 'stdTimeFunctions'] as const)
      expect(shape(ours[name as 'levels']), name).toEqual(shape(theirs[name as 'levels']));
    expect(ours.version).toBe(theirs.version);
    expect(ours.levels).toEqual(theirs.levels);
    for (const [name, symbol] of Object.entries(theirs.symbols)) {
      const own = ours.symbols[name] as symbol;
      expect([String(own), Symbol.keyFor(own)], name).toEqual([String(symbol), Symbol.keyFor(symbol)]);
    }
  });

  it('has the state of pino on a logger and on a child, each of the same type', () => {
    const options = { redact: ['a'], customLevels: { audit: 35 }, msgPrefix: 'p', mixin: () => ({}) };
    const [mine, other] = [logging(ours, options).log, logging(theirs, options).log];
    expect(shape(mine)).toEqual(shape(other));
    const child = { level: 'debug', redact: ['b'], customLevels: { notice: 32 }, msgPrefix: 'c' };
    expect(shape(mine.child({ a: 1 }, child))).toEqual(shape(other.child({ a: 1 }, child)));
    expect(shape(mine.child({ a: 1 }))).toEqual(shape(other.child({ a: 1 })));
    for (const log of [mine, other])
      expect([String(log), log instanceof EventEmitter, log.version]).toEqual(['[object Pino]', true, theirs.version]);
  });

  it('keeps the bindings as text, which pino-http searches', () => {
    const texts = libraries.map(
      ([, pino]) => logging(pino, { base: { pid: 1 } }).log.child({ req: { id: 1 }, 'q"': 2 })[pino.symbols.chindingsSym as symbol],
    );
    expect(texts).toEqual(Array(2).fill(',"pid":1,"req":{"id":1},"q\\"":2'));
  });
});

describe.each(libraries)('%s', (_name, pino) => {
  const { symbols } = pino as { symbols: Record<string, symbol> };
  const at = (log: AnyLogger, name: string): AnyLogger => log[symbols[name] as symbol];
  const put = (log: AnyLogger, name: string, value: unknown): void => {
    log[symbols[name] as symbol] = value;
  };

  it('obeys what an integration puts under a symbol', () => {
    const { log, lines } = logging(pino);
    put(log, 'chindingsSym', ',"put":1');
    put(log, 'serializersSym', { a: () => 'put' });
    put(log, 'timeSym', () => ',"time":"put"');
    put(log, 'messageKeySym', 'text');
    log.info({ a: 1 }, 'x');
    put(log, 'streamSym', { write: (line: string) => lines.push(`elsewhere ${line}`) });
    log.child({ a: 2 }).info('y');
    expect(lines).toEqual([
      '{"level":30,"time":"put","put":1,"a":"put","text":"x"}\n',
      'elsewhere {"level":30,"time":"put","put":1,"a":"put","text":"y"}\n',
    ]);
  });

  it('lets an integration wrap the making and the writing of lines', () => {
    const { log, lines } = logging(pino);
    const [write, asJson] = [at(log, 'writeSym'), at(log, 'asJsonSym')];
    const seen: unknown[] = [];
    put(log, 'writeSym', function (this: AnyLogger, ...values: unknown[]) {
      seen.push(['write', ...values]);
      return write.apply(this, values);
    });
    put(log, 'asJsonSym', function (this: AnyLogger, object: object, ...values: unknown[]) {
      seen.push(['json', object, ...values]);
      return asJson.call(this, { ...object, trace: 't' }, ...values);
    });
    log.info('x');
    log.child({ c: 1 }).warn({ a: 1 });
    expect(lines).toEqual(['{"level":30,"trace":"t","msg":"x"}\n', '{"level":40,"c":1,"a":1,"trace":"t"}\n']);
    expect(seen).toEqual([
      ['write', null, 'x', 30],
      ['json', {}, 'x', 30, ''],
      ['write', { a: 1 }, undefined, 40],
      ['json', { a: 1 }, undefined, 40, ''],
    ]);
  });

  it('gives out its serializer of values', () => {
    const stringify = at(logging(pino).log, 'stringifySym') as (value: unknown, safe?: unknown) => string;
    expect([stringify({ a: [1] }), stringify('x'), stringify(undefined)]).toEqual(['{"a":[1]}', '"x"', undefined]);
  });

  it('tells a stream that asks for it about the last line', () => {
    const stream = { write: () => true, [Symbol.for('pino.metadata')]: true } as Record<PropertyKey, unknown>;
    const log: AnyLogger = pino({ base: null, timestamp: () => ',"time": "then"' }, stream);
    const child = log.child({ c: 1 });
    child.warn({ a: 1 }, 'x %d', 5);
    expect(stream).toMatchObject({ lastLevel: 40, lastMsg: 'x 5', lastObj: { a: 1 }, lastTime: ' "then"' });
    expect(stream.lastLogger).toBe(child);
    log.info('x');
    expect([stream.lastMsg, stream.lastObj, stream.lastLogger === log]).toEqual(['x', {}, true]);
  });

  it('tells a stream what it has to know to read the lines', () => {
    const stream = Object.assign(new EventEmitter(), { write: () => true });
    const messages: unknown[] = [];
    stream.on('message', (message) => messages.push(message));
    const log: AnyLogger = pino({ customLevels: { audit: 35 }, messageKey: 'm', errorKey: 'e' }, stream);
    expect(messages).toEqual([{ code: 'PINO_CONFIG', config: { levels: log.levels, messageKey: 'm', errorKey: 'e' } }]);
  });

  it('tells the tracing channel pino_asJson about each line', () => {
    const channel = tracingChannel('pino_asJson');
    const seen: unknown[] = [];
    const { log, lines } = logging(pino);
    const watch = {
      start: (message: AnyLogger) => seen.push(['start', message.instance === log, [...message.arguments]]),
      end: (message: AnyLogger) => seen.push(['end', message.result]),
      asyncStart() {},
      asyncEnd() {},
      error: (message: AnyLogger) => seen.push(['error', message.error]),
    };
    channel.subscribe(watch);
    log.info({ a: 1 }, 'x');
    channel.unsubscribe(watch);
    log.info('y');
    expect(seen).toEqual([
      ['start', true, [{ a: 1 }, 'x', 30, '']],
      ['end', lines[0]],
    ]);
  });

  it('writes to a stream of the application at once and in order, in the turn of the call', () => {
    const { log, lines } = logging(pino);
    log.info('a');
    expect(lines).toHaveLength(1);
    log.child({ b: 1 }).error('b');
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['a', 'b']);
  });

  it('asks the clock of the application at each call', () => {
    vi.useFakeTimers({ now: 1_700_000_000_123 });
    const { log, lines } = logging(pino, { timestamp: true });
    log.info('a');
    vi.advanceTimersByTime(1500);
    log.info('b');
    const { stdTimeFunctions } = pino as unknown as { stdTimeFunctions: Record<string, () => string> };
    expect(lines.map((line) => JSON.parse(line).time)).toEqual([1_700_000_000_123, 1_700_000_001_623]);
    expect(['nullTime', 'epochTime', 'unixTime', 'isoTime'].map((name) => stdTimeFunctions[name]?.())).toEqual([
      '',
      ',"time":1700000001623',
      ',"time":1700000002',
      ',"time":"2023-11-14T22:13:21.623Z"',
    ]);
  });

  it('counts nanoseconds from the monotonic clock', () => {
    const { isoTimeNano } = (pino as unknown as { stdTimeFunctions: Record<string, () => string> }).stdTimeFunctions;
    const now = Date.now();
    const text = isoTimeNano?.() ?? '';
    expect(text).toMatch(/^,"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z"$/);
    expect(Math.abs(Date.parse(`${text.slice(9, 32)}Z`) - now)).toBeLessThan(60_000);
    const real = process.hrtime.bigint;
    const later = vi.spyOn(process.hrtime, 'bigint').mockImplementation(() => real() + 3_600_000_000_000n);
    expect(Date.parse(`${isoTimeNano?.().slice(9, 32)}Z`) - Date.parse(`${text.slice(9, 32)}Z`)).toBeGreaterThanOrEqual(3_600_000 - 60_000);
    later.mockRestore();
  });

  it('flushes what can be flushed, at once for fatal', () => {
    const calls: unknown[] = [];
    const stream = { write: () => calls.push('write'), flush: (done: () => void) => done(), flushSync: () => calls.push('flushSync') };
    const log: AnyLogger = pino({ ...BARE }, stream);
    log.flush();
    log.flush(() => calls.push('flushed'));
    log.error('x');
    log.fatal('y');
    logging(pino).log.flush((...values: unknown[]) => calls.push(['nothing to flush', ...values]));
    expect(calls).toEqual(['flushed', 'write', 'write', 'flushSync', ['nothing to flush']]);
  });

  it('goes on after a flushSync that throws', () => {
    const stream = {
      write: () => true,
      flushSync: (): never => {
        throw new Error('not ready');
      },
    };
    expect(() => (pino({ ...BARE }, stream) as AnyLogger).fatal('x')).not.toThrow();
  });

  it('takes a writable stream as the first argument, and options that have a write for options', () => {
    const stream = Object.assign(new EventEmitter(), { write: (line: string) => lines.push(line), writable: true });
    const lines: string[] = [];
    (pino(stream) as AnyLogger).info('x');
    expect(JSON.parse(lines[0] as string)).toMatchObject({ level: 30, msg: 'x', pid: process.pid });
    expect((pino({ write() {}, level: 'silent' }) as AnyLogger).level).toBe('silent');
  });

  it('writes to process.stdout as it is when somebody has put a write there', () => {
    const lines: string[] = [];
    const spy = vi.spyOn(process.stdout, 'write').mockImplementation((line) => lines.push(String(line)) > 0);
    try {
      (pino({ ...BARE }) as AnyLogger).info('x');
    } finally {
      spy.mockRestore();
    }
    expect(lines).toEqual(['{"level":30,"msg":"x"}\n']);
  });

  it('works when called with new', () => {
    const lines: string[] = [];
    const Constructor = pino as unknown as new (options: object, stream: object) => AnyLogger;
    new Constructor({ ...BARE }, { write: (line: string) => lines.push(line) }).info('x');
    expect(lines).toEqual(['{"level":30,"msg":"x"}\n']);
  });
});
