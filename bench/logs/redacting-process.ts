// Program: a service that logs small objects under rules of redaction, or under none, and tells what a line costs its main thread.
import { configureLogging, fileSink, getLogger, type Redact } from 'kymo';
import { mainThreadNs, processNs } from '../runner/cpu-time.js';
import { answer } from '../runner/program.js';

/** What to redact, and the object that is logged. */
export type Redacting = 'nothing' | '5 paths' | 'names' | 'patterns' | 'patterns before the ring';

const RULES: Readonly<Record<Redacting, Redact | undefined>> = {
  nothing: undefined,
  '5 paths': ['user.password', 'headers.authorization', '*.token', 'card.number', 'cookie'],
  names: { names: true },
  patterns: { patterns: true },
  'patterns before the ring': { patterns: true, beforeRing: true },
};

/** What a line costs. */
export interface Cost {
  /** The main thread, the calls alone. */
  readonly mainThreadNs: number;
  /** All threads, until the line is in the file. */
  readonly processNs: number;
}

/** Lines between two waits for the collector, which then has the ring empty: it never fills up while it is timed. */
const AT_ONCE = 5_000;

/** A request as a gateway logs it: nine values, two of them that four of the five paths are about. */
function line(turn: number): object {
  return {
    method: 'GET',
    url: '/api/v1/items/17',
    status: 200,
    ms: (turn & 1_023) / 7,
    user: { id: turn, name: 'alice', password: 'hunter2' },
    headers: { host: 'orders.internal', authorization: 'Bearer 0123456789abcdef' },
  };
}

let written = 0;
let flush: () => Promise<boolean> = async () => true;

answer({
  start({ redacting, file }: { redacting: Redacting; file: string }): void {
    const redact = RULES[redacting];
    const stack = configureLogging({ level: 'info', sinks: [fileSink({ path: file })], ...(redact === undefined ? {} : { redact }) });
    flush = () => stack.flush(60_000);
  },

  /** What a line costs, in ns. */
  async write(lines: number): Promise<Cost> {
    const logger = getLogger('bench');
    const fromProcess = processNs();
    let mainThread = 0;
    for (let done = 0; done < lines; done += AT_ONCE) {
      const before = mainThreadNs();
      for (let turn = 0; turn < AT_ONCE; turn++) logger.info(line(turn), 'request completed');
      mainThread += mainThreadNs() - before;
      written += AT_ONCE;
      if (!(await flush())) throw new Error('not all lines were delivered in a minute');
    }
    return { mainThreadNs: mainThread / lines, processNs: (processNs() - fromProcess) / lines };
  },

  written: (): number => written,
});
