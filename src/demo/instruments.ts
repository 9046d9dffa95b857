// The metrics of the gateway, declared in the shared default registry of Kymo. Main thread.
import { readFileSync } from 'node:fs';
import { metrics } from '../index.js';

// What an operator changes without touching a declaration: this histogram, declared with classic buckets, gets native ones, too.
metrics.addView({ match: 'upstream_request_duration_seconds', native: true });

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { readonly version: string };
metrics
  .info({ name: 'kymo_demo_build_info', help: 'What is running', labelNames: ['version', 'node'] })
  .set({ version, node: process.version });

/** What the demo is doing; a scrape shows `blocked` while the loop that set it stands still. */
export const phase = metrics.stateSet({
  name: 'demo_phase',
  help: 'What the demo is doing',
  states: ['starting', 'running', 'blocked', 'ending'],
});
phase.set('starting');

/** Seconds; from a fast answer on loopback to beyond the upstream's time limit. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Requests by how they ended; `status` 499 means that the client left before the answer was complete. */
export const requests = metrics.counter({
  name: 'http_requests_total',
  help: 'Requests that the gateway has dealt with',
  labelNames: ['method', 'route', 'status'],
});

/** From the request's head until the answer's last byte went out; classic and native buckets, with the request's id as exemplar. */
export const durations = metrics.histogram({
  name: 'http_request_duration_seconds',
  help: 'Time from the head of a request until its answer was complete',
  labelNames: ['method', 'route'],
  buckets: BUCKETS,
  native: true,
});

/** Requests being dealt with. */
export const inFlight = metrics.gauge({ name: 'http_requests_in_flight', help: 'Requests that the gateway is dealing with' });

/** How an attempt at the upstream ended. */
export type Outcome = 'answered' | 'timeout' | 'broken' | 'truncated' | 'abandoned';

/** Attempts at the upstream; a retried request is two of them. */
export const upstreamAttempts = metrics.counter({
  name: 'upstream_requests_total',
  help: 'Attempts at the upstream by outcome: answered, timeout, broken (no answer), truncated (cut in the body), abandoned (the client left)',
  labelNames: ['upstream', 'outcome'],
});

/** Until the head of the answer. */
export const upstreamDurations = metrics.histogram({
  name: 'upstream_request_duration_seconds',
  help: 'Time from sending a request to the upstream until the head of its answer',
  labelNames: ['upstream'],
  buckets: BUCKETS,
});

/** Requests that were sent a second time. */
export const upstreamRetries = metrics.counter({
  name: 'upstream_retries_total',
  help: 'Requests sent again because the connection broke before an answer',
  labelNames: ['upstream'],
});

/** Quantiles over the last minute, in the process itself. */
export const upstreamSizes = metrics.summary({
  name: 'upstream_response_size_bytes',
  help: 'Body bytes of the answers of the upstream',
  labelNames: ['upstream'],
  quantiles: [0.5, 0.99],
  maxAgeMs: 60_000,
});

/** Body bytes that came back. */
export const upstreamBytes = metrics.counter({
  name: 'upstream_response_bytes_total',
  help: 'Body bytes received from the upstream',
  labelNames: ['upstream'],
});
