// What the types of loggers and their configuration allow and refuse; compiled, never run. `logging.test.ts` compiles it.
import {
  configureLogging,
  fileSink,
  getLogger,
  type LoggingConfig,
  type LoggingStack,
  LogLevel,
  type LogMethods,
  logStruct,
  parseLogLevel,
  RateLimitedLogger,
  StructuredLogger,
  setLogLevel,
  Tracing,
  withLogFields,
} from '../../src/index.js';

/** Compiles only when both types are the same. */
function same<A, B>(_: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : never): void {}

const log = getLogger('a');

// A message and fields, fields or an error first, placeholders.
log.info('message');
log.info('message', { a: 1, when: new Date() });
log.info({ a: 1 }, 'message');
log.error(new Error('bad'));
log.error('failed', new Error('bad'), { a: 1 });
log.warn('%s took %d ms', 'a', 3);
log.log(35, 'message', { a: 1 });
log.log('WARNING', 'message');
log.exception('failed', 'whatever was thrown', { a: 1 });
// @ts-expect-error a line has a message or fields
log.info();
// @ts-expect-error a number is no message
log.info(1);
// @ts-expect-error no such level
log.log('loud', 'message');
// @ts-expect-error no such level
setLogLevel('a', 'loud');
// @ts-expect-error no such option
log.child({}, { levels: 'info' });

// What thins lines out has the methods of a logger.
const once: LogMethods = log.once();
const limited: LogMethods = log.limit('key', { intervalMs: 1 });
const sampled: LogMethods = log.sample({ first: 1, thereafter: 2 });
once.warn('a', { b: 1 });
limited.error(new Error('bad'), 'message');
sampled.info('a');
new RateLimitedLogger(log).warning('key', 'message', { a: 1 });
// @ts-expect-error the first ones are always counted
log.sample({ thereafter: 2 });

// A level is one of the words, whatever it was read from.
const level = parseLogLevel('INFO');
same<typeof level, LogLevel>(true);
const word: LogLevel = LogLevel.WARNING;
logStruct(log, word, 'message', { a: 1 });
// @ts-expect-error the words are frozen
LogLevel.WARNING = 'warn';

// Configuration is data, and more where sinks and secrets are code.
const config: LoggingConfig = { enabled: true, level: 'INFO', format: 'text', includeTraceContext: false, redactFields: ['password'] };
const stack = configureLogging({
  ...config,
  preset: 'lexigram',
  sinks: [{ sink: fileSink({ path: 'a.log' }), level: 'error', format: 'logfmt' }],
});
same<typeof stack, LoggingStack>(true);
same<ReturnType<LoggingStack['flush']>, Promise<boolean>>(true);
// @ts-expect-error no such preset
configureLogging({ preset: 'pino' });
// @ts-expect-error no such policy
configureLogging({ overload: { info: 'wait' } });
// @ts-expect-error a sink is no text
configureLogging({ sinks: ['stdout'] });

// What runs with fields gives what it returns.
const given = withLogFields({ a: 1 }, () => 7 as const);
same<typeof given, 7>(true);

const structured = new StructuredLogger({ tracer: new Tracing({ preset: 'agentos' }) });
structured.addHandler((entry) => entry.message.length + entry.timestamp);
// @ts-expect-error a handler is a function
structured.addHandler({});
