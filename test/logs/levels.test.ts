// Words and numbers of levels, and the levels of loggers by their names.
import { afterEach, describe, expect, it } from 'vitest';
import { getLogger, KymoError, LogLevel, parseLogLevel, setLogLevel } from '../../src/index.js';
import { setRules } from '../../src/logs/gates.js';
import { INFO, levelNumber, levelWord } from '../../src/logs/levels.js';
import { RecordedLines } from './recorded-lines.js';

afterEach(() => setRules(INFO, []));

describe('levels', () => {
  it('[A-065] are words: debug, info, warning, error, critical, and the shorter ones', () => {
    expect(Object.values(LogLevel)).toEqual(['trace', 'debug', 'info', 'warn', 'warning', 'error', 'fatal', 'critical']);
    expect(Object.isFrozen(LogLevel)).toBe(true);
  });

  it('[L-186] are read in any case and spelling, and told in one; what is none is refused', () => {
    expect(['debug', 'INFO', 'Warning', 'warn', ' error ', 'CRITICAL', 'fatal', 'trace'].map((word) => parseLogLevel(word))).toEqual([
      'debug',
      'info',
      'warn',
      'warn',
      'error',
      'fatal',
      'fatal',
      'trace',
    ]);
    expect(['Warn', 'WARNING', 'fatal'].map((word) => parseLogLevel(word, 'long'))).toEqual(['warning', 'warning', 'critical']);
    expect([0, 10, 35, 60, 65_535].map((number) => parseLogLevel(number))).toEqual(['trace', 'trace', 'info', 'fatal', 'fatal']);
    for (const bad of ['verbose', '', 'constructor', '__proto__', -1, Number.NaN, 65_536, null, undefined, {}, 30n]) {
      expect(() => parseLogLevel(bad)).toThrow(expect.objectContaining({ code: 'KYMO_CONFIG_VALUE' }));
    }
  });

  it('have numbers of pino inside, and are read in the scale of Python where a preset says so', () => {
    expect(['trace', 'debug', 'info', 'warn', 'error', 'fatal'].map((word) => levelNumber(word))).toEqual([10, 20, 30, 40, 50, 60]);
    expect([5, 10, 20, 30, 40, 50, 35].map((number) => levelNumber(number, 'python'))).toEqual([10, 20, 30, 40, 50, 60, 45]);
    expect([10, 40, 60, 35, Number.POSITIVE_INFINITY].map((number) => levelWord(number))).toEqual(['trace', 'warn', 'fatal', 35, 'silent']);
    expect([levelWord(40, 'long'), levelWord(60, 'long')]).toEqual(['warning', 'critical']);
  });
});

describe('the level of a logger', () => {
  const levels = (...names: string[]) => names.map((name) => getLogger(name).level);

  it('[H-08] is that of its name, or of the nearest name above it', () => {
    setLogLevel('shop.db', 'debug');
    expect(levels('shop', 'shop.db', 'shop.db.pool', 'shop.dbx', '')).toEqual(['info', 'debug', 'debug', 'info', 'info']);
  });

  it('is set by patterns, of which the one with the most letters decides, in whatever order they come', () => {
    setLogLevel('shop.db.pool', 'error');
    setLogLevel('shop.*', 'warn');
    setLogLevel('*', 'trace');
    setLogLevel('*.pool', 'fatal');
    expect(levels('shop', 'shop.db', 'shop.db.pool', 'shop.db.pool.a', 'other', 'other.pool')).toEqual([
      'trace',
      'warn',
      'error',
      'error',
      'trace',
      'fatal',
    ]);
    setLogLevel('*.pool', 'silent');
    expect(levels('other.pool')).toEqual(['silent']);
  });

  it('takes letters of expressions as letters', () => {
    setLogLevel('a(b.[c].*', 'debug');
    expect(levels('a(b.[c].d', 'a(bx[c].d')).toEqual(['debug', 'info']);
  });

  it('changes while the program runs, and reaches every child without a level of its own', () => {
    const recorded = RecordedLines.take();
    const logger = getLogger('live');
    const child = logger.child({ a: 1 }).child({ b: 2 });
    const own = logger.child({}, { level: 'warn' });
    child.debug('no');
    setLogLevel('live', 'debug');
    child.debug('yes');
    own.info('no');
    logger.level = 'ERROR';
    child.warn('no');
    own.warn('own');
    child.level = 'trace';
    child.trace('child');
    logger.warn('no');
    expect(recorded.messages).toEqual(['yes', 'own', 'child']);
    expect([logger.level, child.level, own.level]).toEqual(['error', 'trace', 'warn']);
  });

  it('is refused when it is none, and stays what it was', () => {
    const logger = getLogger('refuses');
    for (const set of [
      () => {
        logger.level = 'loud' as never;
      },
      () => setLogLevel('refuses', 'loud' as never),
      () => logger.child({}, { level: 'loud' as never }),
    ]) {
      expect(set).toThrow(KymoError);
    }
    expect(logger.level).toBe('info');
  });
});
