// What a log line costs from the call until it is in a file: time of the main thread, of the process, of the slowest calls, bytes of
// heap, and lines a second. Every row checks that each line it wrote is in the file.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configureLogging, fileSink, getLogger } from 'kymo';
import { ALLOCATION_FLAGS, bytesPerOperation } from '../runner/allocation.js';
import { expectCount } from '../runner/exposed.js';
import type { Goal } from '../runner/goals.js';
import { loadPino } from '../runner/peers.js';
import { Program } from '../runner/program.js';
import type { PreparedRow, Row, Side } from '../runner/row.js';
import type { Settings } from '../runner/settings.js';
import { BATCH } from '../runner/timing.js';
import type { Line, Logging, Produced, Production } from './logging-process.js';

const ROUNDS = 3;
const STEADY = { seconds: 3, perSecond: 50_000 };
/** The rate of the goal about single calls. */
const FAST = { seconds: 3, perSecond: 100_000 };
const BURST = 300_000;
const WHAT: Readonly<Record<Line, string>> = { message: 'message only', fields: '5 fields, one nested, child bindings' };

/** A row of one figure of {@link Produced}. */
interface Comparison {
  readonly name: string;
  readonly unit: 'ns' | 'us';
  readonly peer: Logging;
  readonly goal?: Goal;
  /** Measures once. */
  sample(service: Running): Promise<number>;
  /** What the figure of ticks without lines is subtracted from it. */
  readonly idle?: Production;
}

export function plan(settings: Settings): Row[] {
  const scaled = (line: Line, rate: typeof STEADY, timed = false): Production => ({
    line,
    timed,
    seconds: settings.smoke ? 0.05 : rate.seconds,
    perSecond: rate.perSecond,
  });
  const lines = settings.smoke ? 2_000 : BURST;
  const mainThread = (line: Line, peer: Logging, factor?: number): Comparison => ({
    name: `main-thread time per line, ${WHAT[line]}, against ${peer}`,
    unit: 'ns',
    peer,
    ...(factor === undefined ? {} : { goal: { kind: 'times-faster', factor } }),
    idle: scaled(line, STEADY),
    sample: async (service) => perLine(await service.produce(scaled(line, STEADY)), 'mainThreadNs'),
  });
  const delivery = (line: Line, peer: Logging, factor?: number): Comparison => ({
    name: `time per line until it is in a file, ${WHAT[line]}, as fast as it goes, against ${peer}`,
    unit: 'ns',
    peer,
    ...(factor === undefined ? {} : { goal: { kind: 'times-faster', factor } }),
    sample: async (service) => perLine(await service.burst(line, lines), 'deliveredNs'),
  });
  const comparisons: Comparison[] = [
    mainThread('message', 'pino sync', 10),
    mainThread('message', 'pino buffered', 6),
    mainThread('message', 'pino transport'),
    mainThread('message', 'winston'),
    mainThread('fields', 'pino sync', 6),
    mainThread('fields', 'pino buffered'),
    mainThread('fields', 'pino transport'),
    mainThread('fields', 'winston'),
    {
      name: 'p99.9 of one info(), 100,000 lines a second, against pino buffered',
      unit: 'us',
      peer: 'pino buffered',
      goal: { kind: 'times-faster', factor: 5 },
      sample: async (service) => (await service.produce(scaled('fields', FAST, true))).callP999,
    },
    {
      name: 'CPU time of the process per delivered line, against pino buffered',
      unit: 'ns',
      peer: 'pino buffered',
      goal: { kind: 'at-most', limit: 1 },
      idle: scaled('fields', STEADY),
      sample: async (service) => perLine(await service.produce(scaled('fields', STEADY)), 'processNs'),
    },
    delivery('message', 'pino buffered', 2),
    delivery('fields', 'pino buffered', 2),
    delivery('fields', 'pino sync'),
    delivery('fields', 'pino transport'),
    delivery('fields', 'winston'),
  ];
  return [
    ...comparisons.map(
      (comparison): Row => ({
        name: comparison.name,
        unit: comparison.unit,
        ...(comparison.goal === undefined ? {} : { goal: comparison.goal }),
        rounds: Math.min(settings.rounds, ROUNDS),
        prepare: () => prepare(comparison),
      }),
    ),
    {
      name: 'bytes allocated per log line, flat fields, against pino sync',
      unit: 'B',
      goal: { kind: 'times-faster', factor: 10 },
      rounds: 1,
      nodeFlags: ALLOCATION_FLAGS,
      prepare: () => allocated(),
    },
  ];
}

function perLine(produced: Produced, figure: 'mainThreadNs' | 'processNs' | 'deliveredNs'): number {
  return produced[figure] / produced.lines;
}

/** A service of its own, and its file. */
class Running {
  readonly #program = new Program(new URL('./logging-process.js', import.meta.url));
  readonly #logging: Logging;
  readonly #folder = mkdtempSync(join(tmpdir(), 'kymo-bench-logs-'));

  private constructor(logging: Logging) {
    this.#logging = logging;
  }

  static async start(logging: Logging): Promise<Running> {
    const running = new Running(logging);
    await running.#program.ask('start', { logging, file: join(running.#folder, 'lines.log') });
    return running;
  }

  produce(production: Production): Promise<Produced> {
    return this.#program.ask('produce', production);
  }

  burst(line: Line, lines: number): Promise<Produced> {
    return this.#program.ask('burst', { line, lines });
  }

  async verify(): Promise<void> {
    const { delivered, written } = await this.#program.ask<{ delivered: number; written: number }>('delivered');
    expectCount(`lines of ${this.#logging}`, delivered, written);
  }

  async close(): Promise<void> {
    await this.#program.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function prepare({ peer, sample, idle }: Comparison): Promise<PreparedRow> {
  const [ours, theirs, nothing] = [await Running.start('Kymo'), await Running.start(peer), await Running.start('nothing')];
  // What the ticks cost that write the lines is measured beside it each time.
  const beyond = async (service: Running): Promise<number> => {
    const bare = idle === undefined ? 0 : await sample(nothing);
    return Math.max(1, (await sample(service)) - bare);
  };
  const side = (label: string, service: Running): Side => ({ label, sample: () => beyond(service) });
  return {
    ours: side('Kymo', ours),
    peer: side(peer, theirs),
    async verify() {
      await ours.verify();
      await theirs.verify();
    },
    async close() {
      for (const running of [ours, theirs, nothing]) await running.close();
    },
  };
}

function allocated(): PreparedRow {
  const folder = mkdtempSync(join(tmpdir(), 'kymo-bench-logs-'));
  const stack = configureLogging({ level: 'info', sinks: [fileSink({ path: '/dev/null', rotate: 'none' })] });
  const logger = getLogger('bench').child({ service: 'gateway' });
  const pino = loadPino();
  const peer = pino(pino.destination({ dest: '/dev/null', sync: true })).child({ service: 'gateway' });
  // Made once: what is counted is the logger's.
  const fields = { method: 'GET', status: 200, bytes: 1_024, cached: false };
  const batch = (write: () => void) => (): void => {
    for (let turn = 0; turn < BATCH; turn++) write();
  };
  return {
    ours: {
      label: 'Kymo',
      sample: () =>
        bytesPerOperation(
          batch(() => logger.info('request completed', fields)),
          BATCH,
        ),
    },
    peer: {
      label: 'pino sync',
      sample: () =>
        bytesPerOperation(
          batch(() => peer.info(fields, 'request completed')),
          BATCH,
        ),
    },
    verify() {
      // Figures of lines that went nowhere would say nothing; the other rows look at what was delivered.
      expectCount('disabled', Number(logger.isLevelEnabled('info')), 1);
    },
    async close() {
      await stack.shutdown();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
