// The steady load: requests at a fixed rate, due whether or not the earlier ones were answered (open loop). Entry of a
// worker thread, so that it goes on while the gateway's loop is blocked. Latency counts from the moment a request was due.
import { Agent, request } from 'node:http';
import { workerData } from 'node:worker_threads';
import { metrics } from '../index.js';
import { ROUTES, type Route, samplePath } from './routes.js';
import { live } from './thread.js';

/** What the thread is told. */
export interface LoadPlan {
  readonly port: number;
  /** Requests per second. */
  readonly rate: number;
}

/** The load's own count, kept beside Kymo as a cross-check. */
export interface Tally {
  readonly sent: number;
  /** Answers by status code. */
  readonly byStatus: Readonly<Record<string, number>>;
  /** Requests whose connection broke without an answer. */
  readonly broken: number;
  /** Requests that were due while {@link MAX_OPEN} others waited, and were not sent. */
  readonly held: number;
  /** Requests still without an answer when the load gave up waiting. */
  readonly open: number;
}

const TICK_MS = 5;
/** Requests waiting at most; beyond it the load holds back instead of filling its memory. */
const MAX_OPEN = 20_000;
/** How long the load waits for the last answers: without any of them, and in all. */
const SILENT_MS = 3_000;
const SETTLE_MS = 20_000;
/** One request in a hundred asks for a path that does not exist. */
const STRAY_RATIO = 0.01;

const plan = workerData as LoadPlan;
const agent = new Agent({ keepAlive: true, maxSockets: 128 });
const tally = { sent: 0, byStatus: {} as Record<string, number>, broken: 0, held: 0, open: 0 };

const durations = metrics.histogram({
  name: 'demo_load_request_duration_seconds',
  help: 'From the moment a request was due until its answer was complete, as the load saw it',
  buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
});
const answers = metrics.counter({ name: 'demo_load_answers_total', help: 'Answers that the load received', labelNames: ['status'] });

const TOTAL_WEIGHT = ROUTES.reduce((sum, route) => sum + route.weight, 0);

function pickRoute(): Route {
  let at = Math.random() * TOTAL_WEIGHT;
  for (const route of ROUTES) {
    at -= route.weight;
    if (at < 0) return route;
  }
  return ROUTES[0];
}

const UPLOAD = Buffer.alloc(Math.max(...ROUTES.map((route) => route.uploadBytes)), 'u');

function send(dueMs: number): void {
  const route = pickRoute();
  const path = Math.random() < STRAY_RATIO ? '/no/such/path' : samplePath(route);
  tally.sent += 1;
  tally.open += 1;
  const headers = route.uploadBytes > 0 ? { 'content-length': route.uploadBytes } : {};
  const sent = request({ host: '127.0.0.1', port: plan.port, method: route.method, path, headers, agent });
  let status = '';
  sent.on('response', (answer) => {
    status = String(answer.statusCode);
    answer.resume();
    answer.on('error', () => undefined);
    answer.on('end', () => {
      durations.observe((performance.now() - dueMs) / 1_000);
      answers.inc({ status });
      tally.byStatus[status] = (tally.byStatus[status] ?? 0) + 1;
    });
    answer.on('close', () => {
      tally.open -= 1;
      if (!answer.complete) tally.broken += 1;
    });
  });
  sent.on('error', () => {
    if (status !== '') return;
    tally.broken += 1;
    tally.open -= 1;
  });
  sent.end(UPLOAD.subarray(0, route.uploadBytes));
}

const startMs = performance.now();
let due = 0;
const ticker = setInterval(() => {
  const nowMs = performance.now();
  for (const until = Math.floor(((nowMs - startMs) * plan.rate) / 1_000); due < until; due++) {
    if (tally.open < MAX_OPEN) send(startMs + (due * 1_000) / plan.rate);
    else tally.held += 1;
  }
}, TICK_MS);

/** No further requests; the tally once all are answered or the wait is over. */
async function finish(): Promise<Tally> {
  clearInterval(ticker);
  const endMs = performance.now();
  let open = tally.open;
  let heardMs = endMs;
  for (let nowMs = endMs; tally.open > 0 && nowMs - heardMs < SILENT_MS && nowMs - endMs < SETTLE_MS; nowMs = performance.now()) {
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    if (tally.open < open) heardMs = performance.now();
    open = tally.open;
  }
  const settled = { ...tally, byStatus: { ...tally.byStatus } };
  agent.destroy();
  return settled;
}

live<null, Tally>(null, finish);
