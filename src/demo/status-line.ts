// The live line of the demo: what the metrics say now and what changed since the line before. Main thread.
import { metrics } from '../index.js';
import { count, share, time } from './figures.js';
import { bucketsSince, quantileOf, Samples } from './samples.js';
import { StatusClasses } from './status-classes.js';

/** Gives the text of the line, each time over the stretch since the last one. */
export class StatusLine {
  readonly #startMs = performance.now();
  #beforeMs = performance.now();
  #before = new Samples('');

  /** One line without line break; renders the registry in the calling thread. */
  next(): string {
    const nowMs = performance.now();
    const now = new Samples(metrics.formatPrometheus());
    const classes = new StatusClasses(now);
    const before = new StatusClasses(this.#before);
    const recent = bucketsSince(now.buckets('http_request_duration_seconds'), this.#before.buckets('http_request_duration_seconds'));
    const perSecond = ((classes.total - before.total) * 1_000) / Math.max(1, nowMs - this.#beforeMs);
    const line = [
      `${Math.floor((nowMs - this.#startMs) / 1_000)} s`,
      `${count(classes.total)} requests, ${count(perSecond)}/s`,
      ...classes.since(before).map(([name, value, whole]) => `${name} ${share(value, whole)}`),
      `p50 ${time(quantileOf(recent, 0.5))}`,
      `p99 ${time(quantileOf(recent, 0.99))}`,
      `${count(now.sum('http_requests_in_flight'))} in flight`,
    ].join('  ');
    this.#before = now;
    this.#beforeMs = nowMs;
    return line;
  }
}
