// Entries for handlers: their shape, their isolation, their ids.
import { describe, expect, it, vi } from 'vitest';
import { KymoError, type LogEntry, runInContext, StructuredLogger, setTraceId, Tracing } from '../../src/index.js';

/** A logger and what its one handler got. */
function logging(options?: ConstructorParameters<typeof StructuredLogger>[0]): { logger: StructuredLogger; entries: LogEntry[] } {
  const logger = new StructuredLogger(options);
  const entries: LogEntry[] = [];
  logger.addHandler((entry) => entries.push(entry));
  return { logger, entries };
}

describe('StructuredLogger', () => {
  it('[A-066] outputs nothing until it has a handler', () => {
    const logger = new StructuredLogger();
    const read = vi.fn(() => 1);
    logger.info('a', Object.defineProperty({}, 'b', { get: read, enumerable: true }));
    expect(read).not.toHaveBeenCalled();
  });

  it('[A-067] gives each entry to its handlers in the order in which they were added, until they are taken away', () => {
    const logger = new StructuredLogger();
    const calls: string[] = [];
    const first = (): number => calls.push('first');
    const remove = logger.addHandler(first);
    logger.addHandler(() => calls.push('second'));
    logger.addHandler(first);
    logger.info('a');
    remove();
    logger.info('b');
    expect(calls).toEqual(['first', 'second', 'first', 'second', 'first']);
    expect(() => logger.addHandler(undefined as never)).toThrow(KymoError);
  });

  it('[A-068] goes on when a handler throws or rejects: the caller and the others do not notice', async () => {
    const { logger, entries } = logging();
    logger.addHandler(() => {
      throw new Error('bad handler');
    });
    logger.addHandler(() => Promise.reject(new Error('bad handler')));
    const last = vi.fn();
    logger.addHandler(last);
    logger.info('a');
    await new Promise((resolve) => setImmediate(resolve));
    expect([entries.length, last.mock.calls.length]).toEqual([1, 1]);
  });

  it('[A-067 A-068] gives each handler a copy of its own: what one changes, the next one and the caller do not see', () => {
    const logger = new StructuredLogger();
    const fields = { list: [1, { deep: 'kept' }], when: new Date(0) };
    logger.addHandler((entry) => {
      entry.message = 'changed';
      ((entry.list as unknown[])[1] as { deep: string }).deep = 'changed';
      (entry.when as Date).setTime(1);
      delete (entry as Partial<LogEntry>).level;
    });
    const seen = vi.fn();
    logger.addHandler(seen);
    logger.info('a', fields);
    expect(seen.mock.calls[0]?.[0]).toMatchObject({ message: 'a', level: 'info', list: [1, { deep: 'kept' }], when: new Date(0) });
    expect(fields).toEqual({ list: [1, { deep: 'kept' }], when: new Date(0) });
  });

  it('[A-069] drops what is below its level, info at first, before it is built', () => {
    const { logger, entries } = logging();
    const read = vi.fn(() => 1);
    logger.debug('no', Object.defineProperty({}, 'b', { get: read, enumerable: true }));
    logger.info('yes');
    logger.setLevel('ERROR');
    logger.warning('no');
    logger.error('yes');
    logger.setLevel('debug');
    logger.debug('yes');
    expect(entries.map(({ level, message }) => [level, message])).toEqual([
      ['info', 'yes'],
      ['error', 'yes'],
      ['debug', 'yes'],
    ]);
    expect([read.mock.calls, logger.level]).toEqual([[], 'debug']);
    expect(() => logger.setLevel('loud' as never)).toThrow(KymoError);
    expect(() => new StructuredLogger({ level: 'loud' as never })).toThrow(KymoError);
  });

  it('[A-070 A-074] has one method per level, with fields at the top of the entry', () => {
    const { logger, entries } = logging({ level: 'trace' });
    for (const level of ['trace', 'debug', 'info', 'warning', 'warn', 'error', 'critical', 'fatal'] as const) logger[level]('a', { n: 1 });
    logger.log('warn', 'b', { task: 'x' });
    logger.log(35, 'c');
    logger.log('loud' as never, 'd');
    expect(entries.map(({ level }) => level)).toEqual([
      'trace',
      'debug',
      'info',
      'warning',
      'warning',
      'error',
      'critical',
      'critical',
      'warning',
      35,
      'info',
    ]);
    expect(Object.keys(entries[0] as object)).toEqual(['timestamp', 'level', 'message', 'n']);
    expect(entries[8]).toMatchObject({ message: 'b', task: 'x' });
    expect(Math.abs((entries[0] as LogEntry).timestamp - Date.now() / 1_000)).toBeLessThan(60);
  });

  it('[A-070] keeps its own keys: a field of the same name stands beside it', () => {
    const { logger, entries } = logging();
    logger.info('a', { level: 60, message: 'forged', timestamp: 1, level_: 'taken', ok: true });
    expect(entries[0]).toMatchObject({
      level: 'info',
      message: 'a',
      level_: 'taken',
      level__: 60,
      message_: 'forged',
      timestamp_: 1,
      ok: true,
    });
    logger.info('b', JSON.parse('{"__proto__": {"polluted": true}}'));
    expect(Object.hasOwn(entries[1] as object, '__proto__')).toBe(true);
    expect((entries[1] as unknown as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('gives handlers plain values, whatever the fields hold', () => {
    const { logger, entries } = logging();
    const circular: Record<string, unknown> = { a: 1 };
    circular.self = circular;
    logger.error('a', {
      circular,
      error: Object.assign(new TypeError('bad', { cause: new Error('root') }), { code: 'E_BAD' }),
      map: new Map([['k', new Set([1])]]),
      get broken(): never {
        throw new Error('no');
      },
      run() {
        return 1;
      },
      bytes: new Uint8Array(3),
      url: new URL('https://example.org/'),
      json: { toJSON: () => ({ told: true }) },
      nothing: undefined,
    });
    expect(entries[0]).toMatchObject({
      circular: { a: 1, self: '[Circular]' },
      error: { type: 'TypeError', message: 'bad', stack: expect.stringContaining('bad'), code: 'E_BAD', cause: { message: 'root' } },
      map: { k: [1] },
      broken: '[Throws: no]',
      run: '[Function: run]',
      bytes: '[3 bytes]',
      url: 'https://example.org/',
      json: { told: true },
    });
    expect(Object.hasOwn(entries[0] as object, 'nothing')).toBe(false);
    for (const fields of [
      null,
      1,
      'text',
      new Proxy(
        {},
        {
          ownKeys: () => {
            throw new Error('no');
          },
        },
      ),
    ])
      logger.info('b', fields as never);
    expect(entries.length).toBe(5);
  });

  it('[A-072 A-073] carries the ids of trace and innermost span as its tracer writes them, over fields of these names', () => {
    const tracing = new Tracing({ preset: 'agentos' });
    const { logger, entries } = logging({ tracer: tracing });
    const plain = logging();
    logger.info('outside', { trace_id: 'own' });
    const ids = tracing.startTrace('job', (trace) =>
      tracing.trace('outer', () =>
        tracing.trace('inner', (span) => {
          logger.info('inside', { trace_id: 'own', span_id: 'own' });
          plain.logger.info('inside', { trace_id: 'own' });
          return { trace: trace.traceId, span: span.spanId };
        }),
      ),
    );
    expect(entries.map(({ trace_id, span_id }) => [trace_id, span_id])).toEqual([
      ['own', undefined],
      [ids.trace, ids.span],
    ]);
    expect([ids.trace, ids.span]).toEqual([expect.stringMatching(/^trace-[0-9a-f]{16}$/), expect.stringMatching(/^span-[0-9a-f]{12}$/)]);
    expect(plain.entries[0]?.trace_id).toBe('own');
  });

  it('[A-073] has no span id in a trace without a span, and takes a tracer or a provider as well', () => {
    const tracing = new Tracing();
    for (const tracer of [tracing, tracing.tracer, tracing.provider]) {
      const { logger, entries } = logging({ tracer });
      runInContext(tracing.tracer.startSpan('a').context, () => logger.info('with a span'));
      setTraceId('0af7651916cd43dd8448eb211c80319c');
      logger.info('without one');
      setTraceId();
      expect(entries.map(({ trace_id, span_id }) => [trace_id?.length, span_id?.length])).toEqual([
        [32, 16],
        [32, undefined],
      ]);
    }
  });
});
