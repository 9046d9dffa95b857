// Logging with everything switched off: used as before, and nothing is written. The environment is set before anything is loaded.
import { expect, it, vi } from 'vitest';

it('logging works without the addon: nothing is written, nothing throws, options are still checked', async () => {
  process.env.KYMO_DISABLED = '1';
  const written = vi.spyOn(process.stdout, 'write');
  const {
    addLogSink,
    configureLogging,
    fileSink,
    flushLogs,
    getLogger,
    logStruct,
    RateLimitedLogger,
    StructuredLogger,
    stdoutSink,
    withLogFields,
  } = await import('../../src/index.js');
  const logging = configureLogging({ level: 'trace', redactFields: ['password'], debugBuffer: true, overload: { info: 'block' } });
  const remove = addLogSink({ sink: fileSink({ path: '/nowhere/at/all.log' }), format: 'text' });
  const logger = getLogger('off').child({ a: 1 });
  for (const level of ['trace', 'debug', 'info', 'warn', 'warning', 'error', 'fatal', 'critical'] as const) {
    logger[level]('%s', level, { password: 'p' }, new Error('e'));
    logger.once()[level](level);
    logger.limit(level)[level](level);
    logger.sample(1)[level](level);
    new RateLimitedLogger(logger)[level](level);
  }
  logStruct(logger, 30, 'x', {});
  logger.exception('x', new Error('e'));
  const structured = new StructuredLogger();
  const handler = vi.fn();
  structured.addHandler(handler);
  structured.error('x');
  expect(withLogFields({ b: 2 }, () => logger.isLevelEnabled('fatal'))).toBe(false);
  expect(() => configureLogging({ level: 'loud' as never })).toThrow('KYMO_CONFIG_VALUE');
  expect(() => configureLogging({ format: 'xml' as never })).toThrow('KYMO_LOG_FORMAT');
  expect(() => configureLogging({ sinks: [stdoutSink(), 1 as never] })).toThrow('KYMO_CONFIG_VALUE');
  expect(await Promise.all([logger.flush(), flushLogs(10), logging.flush(), remove(), logging.shutdown()])).toEqual([
    true,
    true,
    true,
    true,
    true,
  ]);
  expect([logging.recovered, handler.mock.calls, written.mock.calls]).toEqual([{ runs: 0, lines: 0, lost: 0 }, [], []]);
});
