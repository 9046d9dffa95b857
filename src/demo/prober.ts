// Asks /live and /metrics again and again and keeps what was asked and answered while the main thread's loop was blocked.
// Entry of a worker thread: it must not depend on the loop that it watches.
import { Agent, get } from 'node:http';
import { workerData } from 'node:worker_threads';
import { BLOCKED } from './block.js';
import { live } from './thread.js';

/** What the thread is told. */
export interface ProbePlan {
  readonly host: string;
  readonly port: number;
  /** One Int32, {@link BLOCKED} while the main thread's loop is blocked, else 0; stored by block.ts, loaded here. */
  readonly state: SharedArrayBuffer;
}

/** What one path did during the block. */
export interface PathReport {
  /** Complete answers with status 200. */
  readonly answers: number;
  /** Anything else: another status, a broken connection, no answer within a second. */
  readonly failures: number;
  /** 99th percentile of the answers' times; NaN without answers. */
  readonly p99Seconds: number;
}

/** What the thread hands over. */
export interface ProbeReport {
  readonly live: PathReport;
  readonly metrics: PathReport;
}

const PATIENCE_MS = 1_000;

const plan = workerData as ProbePlan;
const state = new Int32Array(plan.state);
const agent = new Agent({ keepAlive: true });
let stopped = false;

function ask(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const sent = get({ host: plan.host, port: plan.port, path, agent, timeout: PATIENCE_MS }, (answer) => {
      answer.resume();
      answer.on('error', () => undefined);
      answer.on('close', () => resolve(answer.complete && answer.statusCode === 200));
    });
    sent.on('timeout', () => sent.destroy());
    sent.on('error', () => resolve(false));
  });
}

/** Asks for `path` with a pause of `pauseMs` between an answer and the next question, until the thread is stopped. */
async function probe(path: string, pauseMs: number): Promise<PathReport> {
  const times: number[] = [];
  let failures = 0;
  while (!stopped) {
    const blockedBefore = Atomics.load(state, 0) === BLOCKED;
    const startMs = performance.now();
    const good = await ask(path);
    const took = (performance.now() - startMs) / 1_000;
    // An answer counts only if the loop was blocked all the while: asked after the block began, complete before it ended.
    if (blockedBefore && Atomics.load(state, 0) === BLOCKED) {
      if (good) times.push(took);
      else failures += 1;
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  times.sort((a, b) => a - b);
  return { answers: times.length, failures, p99Seconds: times[Math.ceil(times.length * 0.99) - 1] ?? Number.NaN };
}

// A first answer of each, so that connections and code are warm before the block.
await Promise.all([ask('/live'), ask('/metrics')]);
const probes = Promise.all([probe('/live', 1), probe('/metrics', 20)]);

live<null, ProbeReport>(null, async () => {
  stopped = true;
  const [liveReport, metricsReport] = await probes;
  agent.destroy();
  return { live: liveReport, metrics: metricsReport };
});
