// What programs do with pino's types: compiled against pino 10's own and against ours. What both must refuse is marked.
import { createWriteStream } from 'node:fs';
import { createServer } from 'node:http';
import * as all from 'pino';
import pino, {
  type DestinationStream,
  type Level,
  type LogFn,
  type Logger,
  type LoggerOptions,
  pino as named,
  type StreamEntry,
} from 'pino';

// Loggers, by each of the forms.
const log = pino();
const forms: Logger[] = [
  pino({}),
  named({ name: 'a' }),
  all.pino(),
  pino.pino(),
  pino.default(),
  pino({}, pino.destination(1)),
  pino(process.stderr),
];
const options: LoggerOptions = {
  name: 'service',
  level: 'warn',
  base: { pid: 1, region: 'eu' },
  enabled: true,
  messageKey: 'message',
  errorKey: 'error',
  nestedKey: 'payload',
  crlf: true,
  depthLimit: 3,
  edgeLimit: 20,
  msgPrefix: '[http] ',
  timestamp: pino.stdTimeFunctions.isoTime,
  serializers: { req: pino.stdSerializers.req, own: (value: { secret: string }) => value.secret.length },
  redact: { paths: ['password', 'users[*].token'], censor: (value, path) => `${path.join('.')}:${typeof value}`, remove: false },
  formatters: {
    level: (label, number) => ({ severity: label, number }),
    bindings: ({ pid, hostname }) => ({ pid, hostname }),
    log: (object) => ({ ...object, more: true }),
  },
  mixin: (mergeObject, level, logger) => ({ at: level, keys: Object.keys(mergeObject), level: logger.level }),
  mixinMergeStrategy: (mergeObject, mixinObject) => Object.assign({}, mergeObject, mixinObject),
  hooks: {
    logMethod(args, method, level) {
      if (level >= 30) method.apply(this, args);
    },
    streamWrite: (line) => line.toUpperCase(),
  },
  levelComparison: (current, expected) => current >= expected,
  onChild: (child) => child.debug('born'),
  browser: {
    asObject: true,
    serialize: ['err'],
    transmit: { level: 'warn', send: (level, event) => void [level, event.ts, event.level.value] },
  },
};
forms.push(pino(options));

// Calls.
log.info('text');
log.info('%s is %d', 'ten', 10);
log.info({ a: 1 }, 'with %s', 'object');
log.error(new Error('broken'));
log.error(new Error('broken'), 'it broke');
log.error({ err: new Error('broken') });
log.warn('%j %o %O', { a: 1 }, [1], 'b');
log.fatal(null);
log.trace(5);
log.silent('nobody hears this');
log.debug({ a: { b: new Map() } });
// @ts-expect-error a number is asked for
log.info('%d', 'ten');
// @ts-expect-error a message is text
log.info({ a: 1 }, 5);
// @ts-expect-error there is no such level
log.verbose('text');
const write: LogFn = log.info;
write('by itself');

// Children, levels, events.
const child: Logger = log.child({ request: 1 }, { level: 'debug', msgPrefix: '> ', redact: ['x'], serializers: { a: String } });
child.setBindings({ more: 1 });
const { request }: { request?: number } = child.bindings();
log.level = 'debug';
log.level = 'any other text';
const numeric: number = log.levelVal;
const enabled: boolean = log.isLevelEnabled('info');
const prefix: string | undefined = log.msgPrefix;
log.on('level-change', (label, value, before, valueBefore, logger) => {
  logger.info({ label, value, before, valueBefore });
});
log.flush();
log.flush((error) => error?.message);
// @ts-expect-error the level is text
log.level = 5;

// Levels of one's own.
const custom = pino({ customLevels: { audit: 35, debug: 1 }, useOnlyCustomLevels: false });
custom.audit('kept');
custom.debug('kept');
custom.info('still there');
custom.child({ a: 1 }, { customLevels: { notice: 45 } }).notice('of the child');
const only = pino({ customLevels: { audit: 35 }, level: 'audit', useOnlyCustomLevels: true });
only.audit('kept');
// @ts-expect-error the usual ones are gone
only.info('gone');

// Destinations.
const file = pino.destination({ dest: '/dev/null', sync: false, minLength: 4096, mkdir: true, append: false, mode: 0o600, fsync: true });
const hasRoom: boolean = file.write('line\n');
file.flushSync();
file.flush((error) => error?.message);
file.reopen();
file.reopen('/dev/null');
file.on('drain', () => file.end());
file.destroy();
pino.destination('/dev/null');
pino.destination(2);
pino.destination();
// @ts-expect-error no such content
pino.destination({ contentMode: 'latin1' } satisfies Parameters<typeof pino.destination>[0] & { contentMode?: 'utf8' | 'buffer' });

// Several streams.
const own: DestinationStream = { write: (line) => void line.length };
const streams: StreamEntry[] = [{ stream: process.stdout }, { level: 'error', stream: createWriteStream('/dev/null') }, { stream: own }];
const many = pino.multistream(streams, { levels: { audit: 35 }, dedupe: true });
many.add({ level: 'fatal', stream: own }).remove(1);
many.clone('warn').flushSync();
const least: number = many.minLevel;
forms.push(pino({ level: 'debug' }, many));
pino.multistream<'audit' | Level>([{ level: 'audit', stream: own }]);
// @ts-expect-error not one of the levels
pino.multistream([{ level: 'audit', stream: own } satisfies StreamEntry]);

// Transports.
const single = pino.transport({ target: 'some-target', options: { destination: 1 }, worker: { autoEnd: false, name: 'logs' } });
const several = pino.transport({
  targets: [
    { target: 'a', level: 'info', options: {} },
    { pipeline: [{ target: 'b' }, { target: 'c', options: { d: 1 } }], level: 'error' },
  ],
  dedupe: true,
  levels: { audit: 35 },
});
pino.transport<{ region: string }>({ pipeline: [{ target: 'a', options: { region: 'eu' } }] });
single.on('error', (error: Error) => error.message);
single.end();
forms.push(pino(several), pino({ transport: { target: 'a', options: { b: 1 } } }));
// @ts-expect-error the option has another type
pino.transport<{ region: string }>({ target: 'a', options: { region: 5 } });

// Serializers.
const { type, message, stack, raw }: pino.SerializedError = pino.stdSerializers.err(new Error('e'));
pino.stdSerializers.errWithCause(new Error('e', { cause: raw })).anything;
createServer((incoming, outgoing) => {
  const { url, remotePort }: pino.SerializedRequest = pino.stdSerializers.mapHttpRequest(incoming).req;
  const { statusCode }: pino.SerializedResponse = pino.stdSerializers.mapHttpResponse(outgoing).res;
  log.info({ url, remotePort, statusCode });
});
pino.stdSerializers.wrapErrorSerializer((error) => ({ ...error, wrapped: true }))(new Error('e'));
pino.stdSerializers.wrapRequestSerializer(({ method }) => ({ method }));
pino.stdSerializers.wrapResponseSerializer((response) => ({ code: response.statusCode }));

// What else hangs on the function.
const versions: string[] = [pino.version, log.version];
const label: string | undefined = pino.levels.labels[30];
const number: number | undefined = pino.levels.values.info;
const { serializersSym, needsMetadataGsym } = pino.symbols;
const withMetadata: pino.DestinationStreamWithMetadata = {
  [needsMetadataGsym]: true,
  lastLevel: 0,
  lastMsg: '',
  lastObj: {},
  lastTime: '',
  lastLogger: log,
  write: (line) => void line.length,
};

// What a program adds to the fields that objects may have.
declare module 'pino' {
  interface LogFnFields {
    readonly forbidden?: never;
  }
}
log.info({ allowed: 1 });
// @ts-expect-error the program has forbidden it
log.info({ forbidden: 1 });

export const used = [
  ...[
    forms,
    request,
    numeric,
    enabled,
    prefix,
    hasRoom,
    least,
    type,
    message,
    stack,
    versions,
    label,
    number,
    serializersSym,
    withMetadata,
  ],
];
