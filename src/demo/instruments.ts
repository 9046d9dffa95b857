// The metrics of the gateway, declared in the shared default registry of Kymo. Main thread.
import { metrics } from '../index.js';

/** Seconds; from a fast answer on loopback to beyond the upstream's time limit. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Requests by how they ended; `status` 499 means that the client left before the answer was complete. */
export const requests = metrics.counter({
  name: 'http_requests_total',
  help: 'Requests that the gateway has dealt with',
  labelNames: ['method', 'route', 'status'],
});

/** From the request's head until the answer's last byte went out. */
export const durations = metrics.histogram({
  name: 'http_request_duration_seconds',
  help: 'Time from the head of a request until its answer was complete',
  labelNames: ['method', 'route'],
  buckets: BUCKETS,
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

/** Body bytes that came back. */
export const upstreamBytes = metrics.counter({
  name: 'upstream_response_bytes_total',
  help: 'Body bytes received from the upstream',
  labelNames: ['upstream'],
});
