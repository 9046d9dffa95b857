// Logging configured in one call, with real files behind it: which lines are written, what they look like, where they go.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  addLogSink,
  configureLogging,
  configureTracing,
  detach,
  fileSink,
  getLogger,
  KymoError,
  type LoggingOptions,
  type LoggingStack,
  type LogSink,
  logStruct,
  newTrace,
  runInContext,
  setLogLevel,
  span,
  startTrace,
  TracerProvider,
} from '../../src/index.js';

// Of its own: what other test processes left behind is none of this one's.
vi.hoisted(() => {
  process.env.KYMO_SERVICE_NAME = `logging-test-${process.pid}`;
});

let folder: string;
let open: LoggingStack | undefined;
let files = 0;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kymo-logging-'));
});
afterEach(async () => {
  await open?.shutdown();
  open = undefined;
  rmSync(folder, { recursive: true });
});

/** A file of its own. */
const freshFile = (): string => join(folder, `${files++}.log`);

/** A sink for the very file. */
const toFile = (path: string): LogSink => fileSink({ path, rotate: 'none' });

/** Configures logging to a file; gives that file. */
function configured(options: LoggingOptions = {}): string {
  const path = freshFile();
  open = configureLogging({ sinks: [toFile(path)], ...options });
  return path;
}

/** What is in a file once everything is flushed. */
async function textOf(path: string): Promise<string> {
  expect(await open?.flush()).toBe(true);
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

/** The lines of a file, each parsed. */
async function linesOf(path: string): Promise<Record<string, unknown>[]> {
  const text = await textOf(path);
  return text === '' ? [] : text.trimEnd().split('\n').map((line) => JSON.parse(line)); // biome-ignore format: one chain
}

const column = (lines: readonly Record<string, unknown>[], key: string): unknown[] => lines.map((line) => line[key]);

describe('configureLogging', () => {
  it('[H-84 H-07 C-12 C-16] writes lines that parse as JSON and have the expected fields, those of the caller at the top', async () => {
    const path = configured({ jsonFormat: true });
    const before = Date.now();
    getLogger('hearthnet.bus.router').info('routed', { capability: 'search', to: 'node-1', ms: 12, nested: { ok: true } });
    logStruct(getLogger('converge.pool'), 'warning', 'slow', { task: 'x' });
    getLogger('converge.pool').error('multi\nline "quoted" \ud800', new Error('bad\nthing'));
    const lines = await linesOf(path);
    expect(Object.keys(lines[0] as object)).toEqual(['ts', 'level', 'logger', 'msg', 'capability', 'to', 'ms', 'nested']);
    expect(lines[0]).toMatchObject({
      level: 'info',
      logger: 'hearthnet.bus.router',
      msg: 'routed',
      to: 'node-1',
      ms: 12,
      nested: { ok: true },
    });
    expect(Date.parse(lines[0]?.ts as string)).toBeGreaterThanOrEqual(before);
    expect(lines[1]).toMatchObject({ level: 'warn', logger: 'converge.pool', msg: 'slow', task: 'x' });
    expect(lines[2]).toMatchObject({ level: 'error', err: { type: 'Error', message: 'bad\nthing' } });
    expect((await textOf(path)).split('\n').length).toBe(4);
  });

  it('[C-09 C-10] takes the numbers of the older systems with their presets: 20, the default, is info', async () => {
    const path = configured({ preset: 'converge', level: 20, jsonFormat: true });
    const logger = getLogger('numbers');
    for (const level of [10, 20, 30, 40, 50]) logStruct(logger, level, `at ${level}`);
    const lines = await linesOf(path);
    expect(column(lines, 'message')).toEqual(['at 20', 'at 30', 'at 40', 'at 50']);
    expect(column(lines, 'level')).toEqual(['INFO', 'WARNING', 'ERROR', 'CRITICAL']);
    const other = configured({ preset: 'converge', level: 40, jsonFormat: true });
    for (const level of [30, 40]) logStruct(logger, level, `at ${level}`);
    expect(column(await linesOf(other), 'message')).toEqual(['at 40']);
    const standard = configured({ level: 20 });
    for (const level of [10, 20, 30]) logger.log(level, `at ${level}`);
    expect(column(await linesOf(standard), 'msg')).toEqual(['at 20', 'at 30']);
  });

  it('[C-09] writes text unless JSON is asked for, where the preset is converge', async () => {
    const path = configured({ preset: 'converge' });
    getLogger('converge.pool').info('started', { size: 4 });
    expect(await textOf(path)).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z - converge\.pool - INFO - started size=4\n$/);
  });

  it('[C-11 H-06] called again writes each line once, and leaves what is the same as it is', async () => {
    const path = freshFile();
    for (let call = 0; call < 3; call++) {
      open = configureLogging({ sinks: [toFile(path)] });
      getLogger('again').info('line', { call });
    }
    expect(column(await linesOf(path), 'call')).toEqual([0, 1, 2]);
  });

  it('[C-11] flushes and closes the sinks that it takes away, and does not touch those that others added', async () => {
    const [first, second, added] = [freshFile(), freshFile(), freshFile()];
    open = configureLogging({ sinks: [toFile(first)] });
    const remove = addLogSink({ sink: toFile(added), level: 'warn' });
    for (let line = 0; line < 1_000; line++) getLogger('swap').info('first', { line });
    open = configureLogging({ sinks: [toFile(second)] });
    getLogger('swap').warn('second');
    expect([(await linesOf(first)).length, column(await linesOf(second), 'msg'), column(await linesOf(added), 'msg')]).toEqual([
      1_000,
      ['second'],
      ['second'],
    ]);
    expect(await remove()).toBe(true);
    getLogger('swap').error('third');
    expect([column(await linesOf(second), 'msg'), column(await linesOf(added), 'msg')]).toEqual([['second', 'third'], ['second']]);
  });

  it('[C-14] holds for loggers that were there before, and their children', async () => {
    const logger = getLogger('early');
    const child = logger.child({ request: 'r1' });
    const first = configured();
    child.info('one');
    const second = configured({ level: 'debug', base: { host: 'h' } });
    child.debug('two');
    expect(getLogger('early')).toBe(logger);
    expect(await linesOf(first)).toMatchObject([{ msg: 'one', request: 'r1' }]);
    expect(await linesOf(second)).toMatchObject([{ msg: 'two', host: 'h', request: 'r1' }]);
  });

  it('[L-184] writes nothing at all when it is not enabled', async () => {
    const path = configured({ enabled: false });
    const logger = getLogger('off');
    logger.fatal('no');
    logger.child({}, { level: 'trace' }).fatal('no');
    expect([logger.isLevelEnabled('fatal'), await textOf(path)]).toEqual([false, '']);
    const again = configured({ enabled: true });
    logger.info('yes');
    expect(column(await linesOf(again), 'msg')).toEqual(['yes']);
  });

  it('[L-185 H-19 H-20] writes from its level on, and per pattern from others', async () => {
    const path = configured({ level: 'WARNING', levels: { 'db.*': 'debug', 'db.pool': 'error' } });
    for (const name of ['api', 'db.query', 'db.pool']) {
      for (const level of ['debug', 'info', 'warning', 'error'] as const) getLogger(name)[level](`${name} ${level}`);
    }
    expect(column(await linesOf(path), 'msg')).toEqual([
      'api warning',
      'api error',
      'db.query debug',
      'db.query info',
      'db.query warning',
      'db.query error',
      'db.pool error',
    ]);
    const standard = configured();
    getLogger('db.pool').debug('no');
    getLogger('db.pool').info('yes');
    expect(column(await linesOf(standard), 'msg')).toEqual(['yes']);
  });

  it('[L-186] refuses what is none of its options, and leaves all as it was', async () => {
    const path = configured({ level: 'warn' });
    const sink = toFile(freshFile());
    for (const options of [
      { level: 'loud' },
      { levels: { db: 'loud' } },
      { preset: 'unknown' },
      { enabled: 'yes' },
      { jsonFormat: 1 },
      { format: 'xml' },
      { sinks: [{ level: 'info' }] },
      { sinks: sink },
      { sinks: [{ sink, level: 'loud' }] },
      { sinks: [{ sink, format: 'xml' }] },
      { sinks: [null] },
      { overload: { info: 'wait' } },
      { overload: { loud: 'block' } },
      { blockBudgetMs: -1 },
      { debugBuffer: { level: 'loud' } },
      { base: 'text' },
      { service: '' },
      { redactFields: 'password' },
      { redact: { paths: ['a[['] } },
    ]) {
      expect(() => configureLogging(options as never), JSON.stringify(options)).toThrow(KymoError);
    }
    getLogger('kept').info('no');
    getLogger('kept').warn('yes');
    expect(column(await linesOf(path), 'msg')).toEqual(['yes']);
  });

  it('[L-188] adds the ids of the trace and span around a line, or leaves them out', async () => {
    const tracer = new TracerProvider({ serviceName: 'test' }).getTracer('logs');
    const own = tracer.startSpan('a');
    const { traceId, spanId } = own.spanContext();
    for (const includeTraceContext of [undefined, true, false]) {
      const path = configured(includeTraceContext === undefined ? {} : { includeTraceContext });
      runInContext(own.context, () => getLogger('traced').info('inside'));
      getLogger('traced').info('outside');
      const lines = await linesOf(path);
      expect([column(lines, 'trace_id'), column(lines, 'span_id')]).toEqual(
        includeTraceContext === false
          ? [
              [undefined, undefined],
              [undefined, undefined],
            ]
          : [
              [traceId, undefined],
              [spanId, undefined],
            ],
      );
    }
  });

  it('gives each sink its own level and format', async () => {
    const [all, errors, text] = [freshFile(), freshFile(), freshFile()];
    open = configureLogging({
      level: 'debug',
      sinks: [toFile(all), { sink: toFile(errors), level: 'error' }, { sink: toFile(text), format: 'text', level: 'info' }],
    });
    const logger = getLogger('sinks');
    logger.debug('a');
    logger.info('b');
    logger.error('c');
    expect([column(await linesOf(all), 'msg'), column(await linesOf(errors), 'msg')]).toEqual([['a', 'b', 'c'], ['c']]);
    expect((await textOf(text)).split('\n').map((line) => line.split(' - ').at(-1))).toEqual(['b', 'c', '']);
  });

  it('writes what it is told about the process first of all fields', async () => {
    const path = configured({ service: 'shop', base: { host: 'h-1', nested: { zone: 'a' } } });
    getLogger('base').child({ request: 'r' }).info('line', { a: 1 });
    const [line] = await linesOf(path);
    expect(Object.keys(line as object)).toEqual(['ts', 'level', 'logger', 'msg', 'service', 'host', 'nested', 'request', 'a']);
    expect(line).toMatchObject({ service: 'shop', host: 'h-1', nested: { zone: 'a' } });
  });

  it('takes secrets out of fields, bindings and texts, also of loggers that wrote before', async () => {
    const child = getLogger('secrets').child({ apiKey: 'k-1', user: 'u' });
    const open1 = configured();
    child.info('before');
    expect((await linesOf(open1))[0]).toMatchObject({ apiKey: 'k-1' });
    const path = configured({ redactFields: ['password'], redact: { names: ['api_key'], patterns: true }, base: { password: 'p' } });
    child.info('with %j', { password: 'p' });
    child.info('authorization: Bearer abcdefghijklmnopqrstuvwxyz0123456789', { Password: 'p', deep: [{ pass_word: 'p', ok: 1 }] });
    const lines = await linesOf(path);
    expect(lines).toMatchObject([
      { msg: 'with {"password":"[REDACTED]"}', apiKey: '[REDACTED]', password: '[REDACTED]', user: 'u' },
      { Password: '[REDACTED]', deep: [{ pass_word: '[REDACTED]', ok: 1 }] },
    ]);
    expect(lines[1]?.msg).not.toContain('abcdefghijklmnop');
  });

  it('holds debug lines of a trace, and writes them when a line in it is an error', async () => {
    const path = configured({ debugBuffer: true });
    const tracer = new TracerProvider({ serviceName: 'test' }).getTracer('logs');
    const logger = getLogger('held');
    const request = (fails: boolean) =>
      runInContext(tracer.startSpan('request').context, () => {
        logger.debug('read', { fails });
        logger.info('answered', { fails });
        if (fails) logger.error('failed', { fails });
        logger.debug('done', { fails });
      });
    request(false);
    request(true);
    logger.debug('outside of any trace');
    await open?.flush();
    const lines = await linesOf(path);
    expect(lines.map(({ msg, fails }) => `${msg} ${fails}`).sort()).toEqual(
      ['answered false', 'answered true', 'done true', 'failed true', 'read true'], // biome-ignore format: one line
    );
  });

  it('[H-58] gives tracing a logger for the line that ends a trace', async () => {
    const path = configured();
    const tracing = await configureTracing({ serviceName: 'test', logger: getLogger('traces') });
    const { traceId } = newTrace('search');
    span('find').end();
    detach();
    const inside = await startTrace('job', async ({ traceId }) => traceId);
    await tracing.shutdown();
    const [line, next, ...more] = await linesOf(path);
    expect(next).toMatchObject({ msg: 'done', trace_id: inside, capability: 'job' });
    expect(Object.keys(next as object)).toEqual(Object.keys(line as object));
    expect(line).toMatchObject({
      level: 'info',
      logger: 'traces',
      msg: 'done',
      trace_id: traceId,
      capability: 'search',
      spans: 1,
      status: 'ok',
    });
    expect([typeof line?.ms, more]).toEqual(['number', []]);
  });

  it('says what it waits for: flush is false at its deadline, and shutdown twice is as good as once', async () => {
    const path = configured();
    getLogger('end').info('a');
    expect(await open?.flush()).toBe(true);
    expect(await open?.shutdown()).toBe(true);
    expect(await open?.shutdown()).toBe(true);
    expect(column(await linesOf(path), 'msg')).toEqual(['a']);
    expect(open?.recovered).toEqual({ runs: 0, lines: 0, lost: 0 });
  });

  it('is taken over by threads that are started afterwards: levels, ids, secrets and sinks', async () => {
    const path = configured({ level: 'warn', redactFields: ['password'], base: { host: 'h' } });
    setLogLevel('worker.noisy', 'debug');
    const worker = new Worker(
      `const { parentPort } = require('node:worker_threads');
       import(${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)}).then(({ getLogger }) => {
         getLogger('worker').info('no');
         getLogger('worker').warn('warned', { password: 'p' });
         getLogger('worker.noisy').debug('noisy');
         parentPort.postMessage(0);
       });`,
      { eval: true },
    );
    await new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject));
    expect(await linesOf(path)).toMatchObject([
      { msg: 'warned', password: '[REDACTED]', host: 'h' },
      { msg: 'noisy', level: 'debug' },
    ]);
  });
});
