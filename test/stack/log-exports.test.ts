// What logging takes from elsewhere in the process: sinks from the environment, and from spans which requests failed.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { configureLogging, configureTracing, getLogger, type LoggingStack, memorySink, type TracingStack } from '../../src/index.js';
import { httpCollector } from '../export/collectors.js';
import { until } from '../export/native-spans.js';

vi.hoisted(() => {
  process.env.KYMO_SERVICE_NAME = `log-exports-test-${process.pid}`;
});

let logging: LoggingStack | undefined;
let tracing: TracingStack | undefined;
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  await logging?.shutdown();
  await tracing?.shutdown();
  logging = undefined;
  tracing = undefined;
});

describe('the environment', () => {
  it.each([
    ['OTEL_EXPORTER_OTLP_ENDPOINT', {}, '/v1/logs'],
    ['OTEL_EXPORTER_OTLP_LOGS_ENDPOINT', { OTEL_LOGS_EXPORTER: 'otlp' }, '/'],
  ])('has lines sent where %s says, beside the standard output', async (variable, more, path) => {
    await using collector = await httpCollector();
    for (const [name, value] of Object.entries({ [variable]: collector.url, ...more })) vi.stubEnv(name, value);
    logging = configureLogging({ service: 'shop', level: 'error' });
    getLogger('db').error('sent', { rows: 3 });
    expect(await logging.flush(20_000)).toBe(true);
    expect(collector.received.map((request) => request.path)).toEqual([path]);
    for (const text of ['shop', 'db', 'sent', 'rows']) expect(collector.received[0]?.body.includes(text)).toBe(true);
  });

  it('has nothing sent with OTEL_LOGS_EXPORTER=none, or where the code names sinks', async () => {
    await using collector = await httpCollector();
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', collector.url);
    const memory = memorySink();
    logging = configureLogging({ sinks: [memory] });
    getLogger('db').info('kept');
    expect(await logging.flush()).toBe(true);
    await logging.shutdown();
    vi.stubEnv('OTEL_LOGS_EXPORTER', 'none');
    logging = configureLogging({ level: 'error' });
    getLogger('db').error('printed');
    expect(await logging.flush()).toBe(true);
    expect(collector.received).toEqual([]);
    expect(memory.entries().map(({ message }) => message)).toEqual(['kept']);
  });

  it('is warned of once where a variable of logs cannot be used', () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    vi.stubEnv('OTEL_BLRP_SCHEDULE_DELAY', 'soon');
    vi.stubEnv('OTEL_BSP_SCHEDULE_DELAY', 'soon');
    logging = configureLogging({ level: 'error' });
    expect(warned.mock.calls.map(([message]) => String(message))).toEqual([expect.stringContaining('OTEL_BLRP_SCHEDULE_DELAY')]);
  });
});

describe('a memory', () => {
  it('that is configured again stays open, and has what loggers wrote with the trace around them', async () => {
    const memory = memorySink();
    logging = configureLogging({ sinks: [memory] });
    tracing = await configureTracing({ exporters: [] });
    getLogger('db').info('one %d', 1);
    logging = configureLogging({ sinks: [memory], level: 'debug' });
    const { traceId, spanId } = tracing.tracing.tracer.startActiveSpan('query', (span) => {
      getLogger('db').debug({ n: 2 }, 'two');
      span.end();
      return span;
    });
    expect(memory.entries()).toMatchObject([
      { level: 30, levelName: 'info', logger: 'db', message: 'one 1', fields: {} },
      { level: 20, message: 'two', fields: { n: 2 }, traceId, spanId },
    ]);
  });
});

describe('debug lines of a request', () => {
  async function requests() {
    const memory = memorySink();
    logging = configureLogging({ sinks: [memory], level: 'info', debugBuffer: true });
    tracing = await configureTracing({ exporters: [] });
    const { tracer } = tracing.tracing;
    const log = getLogger('request');
    /** Messages that were written, once those that must come are there. */
    const written = async (...wanted: string[]): Promise<unknown[]> => {
      const messages = (): unknown[] => memory.entries().map(({ message }) => message);
      await until(() => wanted.every((message) => messages().includes(message)), `the lines ${wanted.join(', ')}`);
      return messages();
    };
    return { tracer, log, written };
  }

  it('are written when its span ends with an error, with those of its inner spans, in their order', async () => {
    const { tracer, log, written } = await requests();
    tracer.startActiveSpan('failing', (root) => {
      log.debug('asked');
      tracer.startActiveSpan('query', (inner) => {
        log.debug('queried');
        inner.end();
      });
      log.info('answered');
      root.setStatus({ code: 2, message: 'no' });
      root.end();
    });
    const messages = await written('asked', 'queried', 'answered');
    expect(messages.filter((message) => message !== 'answered')).toEqual(['asked', 'queried']);
  });

  it('are written when an inner span fails or a line of level error comes, and those behind it at once', async () => {
    const { tracer, log, written } = await requests();
    tracer.startActiveSpan('caught', (root) => {
      log.debug('first');
      tracer.startActiveSpan('inner', (inner) => {
        inner.recordException(new Error('no'));
        inner.setStatus({ code: 2 });
        inner.end();
      });
      log.debug('second');
      root.end();
    });
    tracer.startActiveSpan('logged', (root) => {
      log.debug('third');
      log.error('failed');
      log.debug('fourth');
      root.end();
    });
    await written('first', 'second', 'third', 'failed', 'fourth');
  });

  it('are forgotten when it ends well, and outside of a trace they are not kept', async () => {
    const { tracer, log, written } = await requests();
    log.debug('outside');
    tracer.startActiveSpan('fine', (root) => {
      log.debug('held');
      log.info('told');
      root.end();
    });
    tracer.startActiveSpan('failing', (root) => {
      log.debug('of another');
      root.setStatus({ code: 2 });
      root.end();
    });
    expect(await written('told', 'of another')).toEqual(['told', 'of another']);
  });
});
