// The same calls on `kymo/pino` and on pino, each with a stream of the application that drops its lines: what making a line costs on the
// calling thread, without any delivery.
import { pino as drop } from 'kymo/pino';
import { expectCount } from '../runner/exposed.js';
import { loadPino } from '../runner/peers.js';
import type { PreparedRow, Row } from '../runner/row.js';
import type { Settings } from '../runner/settings.js';
import { BATCH, timed } from '../runner/timing.js';

/** What both have in common, by pino's types. */
type Library = ReturnType<typeof loadPino>;
type Logger = ReturnType<Library>;
type Options = object;

interface Program {
  readonly what: string;
  readonly options?: Options;
  /** A child of this many generations logs. */
  readonly generations?: number;
  /** One call; the logger writes one line in it. */
  readonly call: (logger: Logger) => void;
}

const ERROR = Object.assign(new Error('boom'), { code: 'E_BOOM' });
const REQUEST = { method: 'GET', route: '/users/:id', status: 200, durationMs: 1.25, bytes: 512 };
const NESTED = { ...REQUEST, user: { id: 4711, roles: ['a', 'b'], name: 'someone' } };
const SECRETS = { hello: 'world', user: { password: 'secret', name: 'someone' }, token: 'secret' };

const PROGRAMS: readonly Program[] = [
  { what: 'message only', call: (logger) => logger.info('hello world') },
  { what: 'message with three values', call: (logger) => logger.info('hello %s %d %j', 'world', 4, { obj: true }) },
  { what: 'an object of one field', call: (logger) => logger.info({ hello: 'world' }) },
  { what: 'an object of 5 fields and a message', call: (logger) => logger.info(REQUEST, 'request completed') },
  { what: 'a nested object', call: (logger) => logger.info(NESTED, 'request completed') },
  { what: 'an error', call: (logger) => logger.error(ERROR, 'failed') },
  { what: 'message only, child of a child', generations: 2, call: (logger) => logger.info('hello world') },
  { what: '5 fields, child of a child', generations: 2, call: (logger) => logger.info(REQUEST, 'request completed') },
  { what: 'a child for each line', call: (logger) => logger.child({ requestId: 4711 }).info('hello world') },
  { what: 'two redacted paths', options: { redact: ['user.password', 'token'] }, call: (logger) => logger.info(SECRETS) },
  { what: 'redacted wildcards', options: { redact: ['*.password', 'token'] }, call: (logger) => logger.info(SECRETS) },
  { what: 'a mixin', options: { mixin: () => ({ mixed: 1 }) }, call: (logger) => logger.info(REQUEST, 'request completed') },
  {
    what: 'formatters',
    options: { formatters: { level: (label: string) => ({ level: label }), log: (object: object) => object } },
    call: (logger) => logger.info(REQUEST, 'request completed'),
  },
];

export function plan(settings: Settings): Row[] {
  return PROGRAMS.map((program) => ({
    name: `pino drop-in: ${program.what}, against pino`,
    unit: 'ns',
    // No slower than the original, give or take what a run is noisy by.
    goal: { kind: 'at-most', limit: 1.1 },
    prepare: async () => compared(program, settings),
  }));
}

/** A program on one library, and how many lines and characters it has written. */
interface Subject {
  readonly batch: () => void;
  readonly lines: () => number;
  readonly last: () => string;
}

function subject(library: Library, { options, generations = 0, call }: Program): Subject {
  let lines = 0;
  let last = '';
  const stream = {
    write(line: string): void {
      lines++;
      last = line;
    },
  };
  let logger: Logger = library({ base: { pid: 1, hostname: 'bench' }, ...options }, stream);
  for (let generation = 0; generation < generations; generation++) logger = logger.child({ [`generation${generation}`]: 'a value' });
  const batch = (): void => {
    for (let k = 0; k < BATCH; k++) call(logger);
  };
  return { batch, lines: () => lines, last: () => last };
}

function compared(program: Program, settings: Settings): PreparedRow {
  const mine = subject(drop as unknown as Library, program);
  const theirs = subject(loadPino(), program);
  const ours = timed('kymo/pino', settings, mine.batch);
  const peer = timed('pino', settings, theirs.batch);
  const timeless = (line: string): string => line.replace(/"time":\d+/, '"time":0');
  return {
    ours,
    peer,
    async verify() {
      expectCount('kymo/pino', mine.lines(), ours.operations());
      expectCount('pino', theirs.lines(), peer.operations());
      if (timeless(mine.last()) !== timeless(theirs.last())) throw new Error(`the libraries write ${mine.last()} and ${theirs.last()}`);
    },
  };
}
