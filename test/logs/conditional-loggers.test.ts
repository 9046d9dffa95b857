// Lines that are written once, now and then, or by a share.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { getLogger, KymoError, RateLimitedLogger, runInContext, setLogLevel, TracerProvider } from '../../src/index.js';
import { RecordedLines } from './recorded-lines.js';

let recorded: RecordedLines;
let names = 0;
/** A logger that no test had before. */
const fresh = () => getLogger(`conditional-${names++}`);

beforeEach(() => {
  vi.useFakeTimers();
  recorded = RecordedLines.take();
});
afterEach(() => vi.useRealTimers());

const told = () => recorded.lines.map(({ message, fields, level }) => [level, message, fields]);

describe('RateLimitedLogger', () => {
  it('[H-24] writes a key once per second, and other keys and loggers as if it did not exist', () => {
    const [one, two] = [fresh(), fresh()];
    const limited = new RateLimitedLogger(one);
    for (let call = 0; call < 5; call++) limited.warning('down', 'database down', { call });
    limited.warning('slow', 'database slow');
    limited.warning('down again', { call: 9 });
    new RateLimitedLogger(two).warning('down', 'database down', { other: true });
    expect(told()).toEqual([
      [40, 'database down', { call: 0 }],
      [40, 'database slow', {}],
      [40, 'down again', { call: 9 }],
      [40, 'database down', { other: true }],
    ]);
  });

  it('[H-24] shares its keys with other wrappers of loggers of the same name', () => {
    const logger = fresh();
    new RateLimitedLogger(logger).warn('key');
    new RateLimitedLogger(logger.child({ a: 1 })).warn('key');
    logger.limit('key').error('other text');
    expect(recorded.messages).toEqual(['key']);
  });

  it('[H-24] says at the end of the interval how many were suppressed, though no call comes, and again in the next line', () => {
    const logger = fresh();
    const limited = new RateLimitedLogger(logger.child({ request: 'r1' }), { intervalMs: 500 });
    for (let call = 0; call < 4; call++) limited.warning('down', 'database down');
    limited.error('down', 'database down');
    vi.advanceTimersByTime(499);
    expect(recorded.messages).toEqual(['database down']);
    vi.advanceTimersByTime(5);
    const summary = [50, 'repeated lines suppressed', { key: 'down', suppressed: 4, window_ms: 500 }];
    expect(told().slice(1)).toEqual([summary]);
    expect(recorded.last.bindings).toEqual({});
    vi.advanceTimersByTime(60_000);
    expect(recorded.lines.length).toBe(2);
    limited.warning('down', 'database down', { a: 1 });
    limited.warning('slow', 'database slow', { a: 1 });
    expect(told().slice(2)).toEqual([
      [40, 'database down', { a: 1, suppressed: 4 }],
      [40, 'database slow', { a: 1 }],
    ]);
  });

  it('counts by a monotonic clock: setting the wall clock changes nothing', () => {
    const limited = new RateLimitedLogger(fresh());
    limited.warn('key');
    vi.setSystemTime(Date.now() + 3_600_000);
    limited.warn('key');
    expect(recorded.messages).toEqual(['key']);
    vi.advanceTimersByTime(1_000);
    limited.warn('key');
    expect(recorded.last).toMatchObject({ message: 'key', fields: { suppressed: 1 } });
  });

  it('remembers 1,000 keys, and sums up the one that gives way', () => {
    const limited = new RateLimitedLogger(fresh());
    for (let key = 0; key < 1_000; key++) limited.warn(`key ${key}`);
    limited.warn('key 0');
    limited.warn('key 1000');
    expect(told().slice(1_000)).toEqual([
      [40, 'repeated lines suppressed', { key: 'key 0', suppressed: 1, window_ms: 1_000 }],
      [40, 'key 1000', {}],
    ]);
    limited.warn('key 1');
    expect(recorded.lines.length).toBe(1_002);
    vi.advanceTimersByTime(1_001);
    expect(told().slice(1_002)).toEqual([[40, 'repeated lines suppressed', { key: 'key 1', suppressed: 1, window_ms: 1_000 }]]);
  });

  it('tells keys apart by all of their characters, and by their first 1,000 only beyond', () => {
    const limited = new RateLimitedLogger(fresh());
    for (const key of ['\ud800', '\ud801', 'é', 'e\u0301', '']) for (let call = 0; call < 2; call++) limited.warn(key, 'a');
    expect(recorded.lines.length).toBe(5);
    limited.warn(`${'x'.repeat(999)}a`, 'a');
    limited.warn(`${'x'.repeat(999)}b`, 'a');
    limited.warn(`${'x'.repeat(1_000)}a`, 'a');
    limited.warn(`${'x'.repeat(1_000)}b`, 'a');
    expect(recorded.lines.length).toBe(8);
  });

  it('keeps no turn for lines below the level, and no request for its timer', () => {
    const logger = fresh();
    const tracer = new TracerProvider({ serviceName: 'test' }).getTracer('logs');
    const limited = new RateLimitedLogger(logger);
    setLogLevel(logger.name, 'error');
    limited.warn('key');
    setLogLevel(logger.name, 'info');
    runInContext(tracer.startSpan('request').context, () => {
      for (let call = 0; call < 3; call++) limited.warn('key');
    });
    vi.advanceTimersByTime(1_001);
    expect(recorded.lines.map(({ message, traceId }) => [message, traceId === undefined])).toEqual([
      ['key', false],
      ['repeated lines suppressed', true],
    ]);
  });

  it('refuses an interval that is none', () => {
    for (const intervalMs of [0, -1, 0.5, Number.NaN, 2 ** 31, '1' as never]) {
      expect(() => new RateLimitedLogger(fresh(), { intervalMs })).toThrow(KymoError);
      expect(() => fresh().limit('key', { intervalMs })).toThrow(KymoError);
    }
  });

  it('takes all levels and forms', () => {
    const logger = fresh();
    setLogLevel(logger.name, 'trace');
    const limited = new RateLimitedLogger(logger);
    for (const level of ['trace', 'debug', 'info', 'warn', 'warning', 'error', 'fatal', 'critical'] as const) limited[level](level, 'a');
    limited.log(35, 'k', 'text %s', 'x', new Error('e'));
    logger.limit('e').exception('failed', new Error('e'), { a: 1 });
    expect(recorded.lines.map(({ level }) => level)).toEqual([10, 20, 30, 40, 40, 50, 60, 60, 35, 50]);
    expect(recorded.lines.slice(-2).map(({ message, error }) => [message, (error as Error).message])).toEqual([
      ['text x', 'e'],
      ['failed', 'e'],
    ]);
  });
});

describe('once', () => {
  it('writes a message one time per logger, whatever child says it', () => {
    const [one, two] = [fresh(), fresh()];
    for (let call = 0; call < 3; call++) one.child({ call }).once().warn('deprecated', { call });
    two.once().warn('deprecated');
    one.once('other').warn('deprecated');
    one.once('other').error('something else');
    one.once().error(new Error('text'));
    one.once().error(new Error('text'));
    expect(recorded.messages).toEqual(['deprecated', 'deprecated', 'deprecated', 'text']);
  });
});

describe('sample', () => {
  it('by a ratio writes that share, and of a trace all lines or none', () => {
    const logger = fresh();
    const tracer = new TracerProvider({ serviceName: 'test' }).getTracer('logs');
    const sampled = logger.sample(0.25);
    for (let call = 0; call < 4_000; call++) sampled.info('a');
    const share = recorded.lines.length / 4_000;
    expect(share).toBeGreaterThan(0.2);
    expect(share).toBeLessThan(0.3);
    const perTrace = Array.from({ length: 200 }, () => {
      const before = recorded.lines.length;
      tracer.trace('request', () => {
        for (let call = 0; call < 3; call++) sampled.info('b');
      });
      return recorded.lines.length - before;
    });
    expect(new Set(perTrace)).toEqual(new Set([0, 3]));
    const before = recorded.lines.length;
    logger.sample(0).info('never');
    logger.sample(1).info('always');
    expect(recorded.messages.slice(before)).toEqual(['always']);
  });

  it('by numbers writes the first of each message and interval, and one in so many of the rest', () => {
    const sampled = fresh().sample({ first: 2, thereafter: 3, intervalMs: 100 });
    const burst = () => {
      const before = recorded.lines.length;
      for (let call = 0; call < 10; call++) {
        sampled.info('a', { call });
        if (call === 0) sampled.info('b', { call });
      }
      return recorded.lines.slice(before).map(({ message, fields }) => `${message}${fields.call}`);
    };
    expect(burst()).toEqual(['a0', 'b0', 'a1', 'a4', 'a7']);
    vi.advanceTimersByTime(100);
    expect(burst()).toEqual(['a0', 'b0', 'a1', 'a4', 'a7']);
    const first = fresh().sample({ first: 1 });
    for (let call = 0; call < 3; call++) first.warn('c');
    expect(recorded.messages.filter((message) => message === 'c')).toEqual(['c']);
  });

  it('refuses what is no share', () => {
    for (const share of [-0.1, 1.1, Number.NaN, { first: -1 }, { first: 1, thereafter: 0.5 }, { first: 1, intervalMs: 0 }, null]) {
      expect(() => fresh().sample(share as never)).toThrow(KymoError);
    }
  });
});
