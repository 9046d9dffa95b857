// Program: a service that writes log lines into a file, by one of several loggers. Tells what that costs its main thread, its process,
// and the slowest of its calls. One file per process.
import { readFileSync } from 'node:fs';
import { mainThreadNs, processNs } from '../runner/cpu-time.js';
import { loadPino, loadWinston } from '../runner/peers.js';
import { answer } from '../runner/program.js';
import { percentile } from '../runner/statistics.js';

/** What logs. `nothing` only ticks. */
export type Logging = 'nothing' | 'Kymo' | 'pino sync' | 'pino buffered' | 'pino transport' | 'winston';

/** What a line says: a message; or five fields, one of them nested, by a child with two bindings. */
export type Line = 'message' | 'fields';

/** What to write. */
export interface Production {
  readonly line: Line;
  readonly seconds: number;
  readonly perSecond: number;
  /** Reads the clock around each call: costs more than some of the calls. */
  readonly timed: boolean;
}

/** What that cost. */
export interface Produced {
  readonly lines: number;
  /** Time of the main thread on a core, in ns. */
  readonly mainThreadNs: number;
  /** Time of the whole process on any core until all lines were delivered, in ns. */
  readonly processNs: number;
  /** From the first call until all lines were delivered, in ns. */
  readonly deliveredNs: number;
  /** 99.9th percentile of one call in us; 0 when it was not timed. */
  readonly callP999: number;
}

interface AnyLogger {
  info(message: string): unknown;
  info(fields: object, message: string): unknown;
}

interface Service {
  readonly plain: AnyLogger;
  readonly child: AnyLogger;
  /** Resolves when all lines are in the file. */
  flush(): Promise<void>;
}

const TICK_MS = 10;
/** Lines written at once when the rate is without bound; the loop turns in between, which some loggers need to write at all. */
const AT_ONCE = 1_000;
const BINDINGS = { service: 'gateway', requestId: '01HX5Z0V6B8Q' };
const URLS = ['/api/v1/items/17', '/users/1234/orders?limit=50', '/healthz', '/checkout/confirm'];

async function byKymo(file: string): Promise<Service> {
  const { configureLogging, fileSink, getLogger } = await import('kymo');
  const stack = configureLogging({ level: 'info', sinks: [fileSink({ path: file, rotate: 'none' })] });
  const plain = getLogger('bench') as unknown as AnyLogger & { child(bindings: object): AnyLogger };
  return {
    plain,
    child: plain.child(BINDINGS),
    async flush() {
      if (!(await stack.flush(60_000))) throw new Error('Kymo did not deliver all lines in a minute');
    },
  };
}

function byPino(file: string, how: Logging): Service {
  const pino = loadPino();
  if (how === 'pino transport') {
    const stream = pino.transport({ target: 'pino/file', options: { destination: file } });
    const plain = pino(stream);
    return {
      plain,
      child: plain.child(BINDINGS),
      flush: () => new Promise((done, fail) => plain.flush((error) => (error ? fail(error) : done()))),
    };
  }
  const stream = pino.destination(how === 'pino sync' ? { dest: file, sync: true } : { dest: file, sync: false, minLength: 4_096 });
  const plain = pino(stream);
  return {
    plain,
    child: plain.child(BINDINGS),
    flush: () => new Promise((done, fail) => stream.flush((error?: Error | null) => (error ? fail(error) : done()))),
  };
}

function byWinston(file: string): Service {
  const { createLogger, format, transports } = loadWinston();
  const transport = new transports.File({ filename: file });
  const logger = createLogger({ level: 'info', format: format.combine(format.timestamp(), format.json()), transports: [transport] });
  const inverted = (to: typeof logger): AnyLogger => ({
    info: (first: object | string, message?: string) => (message === undefined ? to.info(first as string) : to.info(message, first)),
  });
  return {
    plain: inverted(logger),
    child: inverted(logger.child(BINDINGS)),
    // It has no flush: the file says when everything is there, see `delivered`.
    flush: () => Promise.resolve(),
  };
}

const NEWLINE = 10;

function linesIn(file: string): number {
  let lines = 0;
  for (const byte of readFileSync(file)) if (byte === NEWLINE) lines += 1;
  return lines;
}

let service: Service | undefined;
let path = '';
let written = 0;

function write(line: Line, turn: number): void {
  if (service === undefined) return;
  if (line === 'message') service.plain.info('request completed');
  else {
    service.child.info(
      { method: 'GET', url: URLS[turn & 3] as string, status: 200, ms: (turn & 1_023) / 7, user: { id: turn, name: 'alice' } },
      'request completed',
    );
  }
}

/** All lines of the file, once no more come for a while where the logger cannot tell. */
async function delivered(): Promise<number> {
  await service?.flush();
  for (let waited = 0; ; waited++) {
    const lines = linesIn(path);
    if (lines >= written || waited === 100) return lines;
    await new Promise((done) => setTimeout(done, 20));
  }
}

answer({
  async start({ logging, file }: { logging: Logging; file: string }): Promise<void> {
    path = file;
    if (logging === 'Kymo') service = await byKymo(file);
    else if (logging === 'winston') service = byWinston(file);
    else if (logging !== 'nothing') service = byPino(file, logging);
  },

  /** Writes at a steady rate, in ticks. */
  async produce({ line, seconds, perSecond, timed }: Production): Promise<Produced> {
    const perTick = (perSecond * TICK_MS) / 1_000;
    const ticks = Math.round((seconds * 1_000) / TICK_MS);
    const calls = new Float64Array(timed ? ticks * perTick : 0);
    const [fromThread, fromProcess, start] = [mainThreadNs(), processNs(), performance.now()];
    let lines = 0;
    for (let tick = 1; tick <= ticks; tick++) {
      for (let n = 0; n < perTick; n++) {
        if (timed) {
          const before = performance.now();
          write(line, lines);
          calls[lines] = performance.now() - before;
        } else {
          write(line, lines);
        }
        lines += 1;
      }
      // By the clock, so that a late tick is followed by an early one.
      await new Promise((done) => setTimeout(done, Math.max(0, start + tick * TICK_MS - performance.now())));
    }
    const mainThread = mainThreadNs() - fromThread;
    if (service !== undefined) written += lines;
    await service?.flush();
    return {
      lines,
      mainThreadNs: mainThread,
      processNs: processNs() - fromProcess,
      deliveredNs: (performance.now() - start) * 1e6,
      callP999: timed ? percentile([...calls], 0.999) * 1_000 : 0,
    };
  },

  /** Writes as fast as it can. */
  async burst({ line, lines }: { line: Line; lines: number }): Promise<Produced> {
    const [fromThread, fromProcess, start] = [mainThreadNs(), processNs(), performance.now()];
    for (let turn = 0; turn < lines; turn++) {
      write(line, turn);
      if (turn % AT_ONCE === AT_ONCE - 1) await new Promise((done) => setImmediate(done));
    }
    const mainThread = mainThreadNs() - fromThread;
    written += lines;
    await service?.flush();
    return {
      lines,
      mainThreadNs: mainThread,
      processNs: processNs() - fromProcess,
      deliveredNs: (performance.now() - start) * 1e6,
      callP999: 0,
    };
  },

  delivered: async (): Promise<{ delivered: number; written: number }> => ({ delivered: await delivered(), written }),
});
