// Metrics that every Node process has: the process and the event loop, read natively at scrape time, and the JavaScript
// runtime, sampled on a timer. Runs on the app thread that asked for them.
import { isMainThread } from 'node:worker_threads';
import { native } from '../binding/load.js';
import { KymoError } from '../core/errors.js';
import { type MetricsRegistry, metrics } from './registry.js';
import { RuntimeSampler } from './runtime-sampler.js';

/** Options of {@link collectDefaultMetrics}. */
export interface DefaultMetricsOptions {
  /** Where the metrics appear; default: `metrics`, the registry of the process. */
  readonly registry?: MetricsRegistry;
  /** Time between two samples of the JavaScript runtime in milliseconds, in [10, 2147483647]; default 5000. One sample costs about 50 us. */
  readonly intervalMs?: number;
}

/** What {@link collectDefaultMetrics} began. */
export interface DefaultMetrics {
  /** Ends the sampling and takes the metrics out of the registry; a second call does nothing. */
  stop(): void;
}

/**
 * Adds to a registry:
 * - `process_*`: CPU, memory, file descriptors, threads, start time; and `nodejs_eventloop_utilization_ratio` (over the time since
 *   the previous scrape that is at least 1 s old), `nodejs_eventloop_{idle,active}_seconds_total` of the main thread. Native threads read
 *   them when a scrape comes, so they are true while the event loop is blocked.
 * - `nodejs_heap_*`, `nodejs_external_memory_bytes`, `nodejs_active_resources`, `nodejs_version_info`: only JavaScript can read
 *   these, so they are sampled every `intervalMs` by a timer that keeps no process alive. While the loop is blocked they are
 *   the last sample's, and `kymo_runtime_sample_timestamp_seconds` says when that was taken.
 *
 * Heaps belong to a thread: in a worker thread these runtime metrics are added only to a registry of its own, not to one
 * that it shares with other threads. Asking twice for one registry gives two handles of the same sampler.
 *
 * @throws KymoError `KYMO_CONFIG_VALUE` for an interval out of range, `KYMO_METRICS_CONFLICT` when the registry uses one of the
 *   runtime's names for something else; nothing is added then.
 */
export function collectDefaultMetrics({ registry = metrics, intervalMs = 5_000 }: DefaultMetricsOptions = {}): DefaultMetrics {
  if (!(intervalMs >= 10 && intervalMs <= 2 ** 31 - 1)) {
    throw new KymoError('KYMO_CONFIG_VALUE', { source: 'intervalMs', value: intervalMs, expected: 'milliseconds in [10, 2147483647]' });
  }
  const sampler = isMainThread || !registry.shared ? RuntimeSampler.of(registry, intervalMs) : undefined;
  native.attachDefaultCollectors(registry.id, isMainThread);
  let running = true;
  return {
    stop(): void {
      if (!running) return;
      running = false;
      native.detachDefaultCollectors(registry.id);
      sampler?.release();
    },
  };
}
