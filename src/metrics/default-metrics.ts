// Metrics that every Node process has: the process, its container and the event loop, read natively at scrape time, and the
// JavaScript runtime, sampled on a timer. Runs on the app thread that asked for them.
import { isMainThread } from 'node:worker_threads';
import { native } from '../binding/load.js';
import { KymoError } from '../core/errors.js';
import { GarbageCollection } from './garbage-collection.js';
import { type MetricsRegistry, metrics } from './registry.js';
import { RuntimeSampler } from './runtime-sampler.js';

/** Groups of default metrics; each can be had alone. */
export const DEFAULT_METRIC_SETS = Object.freeze(['process', 'event-loop', 'stalls', 'cgroup', 'heap', 'gc'] as const);

/** One of {@link DEFAULT_METRIC_SETS}. */
export type DefaultMetricSet = (typeof DEFAULT_METRIC_SETS)[number];

/** Sets that native threads read; the place in this list is the addon's number of the set. */
const NATIVE_SETS: readonly DefaultMetricSet[] = ['process', 'event-loop', 'stalls', 'cgroup'];

/** Options of {@link collectDefaultMetrics}. */
export interface DefaultMetricsOptions {
  /** Where the metrics appear; default: `metrics`, the registry of the process. */
  readonly registry?: MetricsRegistry;
  /** Which of them; default: all. Several calls for different sets can be stopped one by one. */
  readonly sets?: readonly DefaultMetricSet[];
  /** Time between two samples of the JavaScript runtime in milliseconds, in [10, 2147483647]; default 5000. One sample costs about 50 us. */
  readonly intervalMs?: number;
  /** Upper bounds of `nodejs_gc_duration_seconds` in seconds; default 1 ms to 5 s. */
  readonly gcDurationBuckets?: readonly number[];
}

/** What {@link collectDefaultMetrics} began. */
export interface DefaultMetrics {
  /** Ends the sampling and takes the metrics out of the registry; a second call does nothing. */
  stop(): void;
  /** Same as {@link stop}, for `using`. */
  [Symbol.dispose](): void;
}

/**
 * Adds to a registry, by set:
 * - `process`: `process_*`: CPU, memory, file descriptors, threads, start time.
 * - `event-loop`: `nodejs_eventloop_utilization_ratio` (over the time since the previous scrape that is at least 1 s old) and
 *   `nodejs_eventloop_{idle,active}_seconds_total` of the main thread.
 * - `stalls`: `nodejs_eventloop_blocked_seconds`, the age of the callback that blocks the main thread's loop right now, and
 *   `nodejs_eventloop_{stalls,stall_seconds}_total` of those of 0.1 s and more. A native thread looks 50 times a second.
 * - `cgroup`: `cgroup_*`: CPU quota and throttling, memory limit and use, OOM kills (Linux, where the container shows them).
 * - `heap`: `nodejs_heap_*`, `nodejs_external_memory_bytes`, `nodejs_active_resources`, `nodejs_version_info`: only JavaScript
 *   can read these, so they are sampled every `intervalMs` by a timer that keeps no process alive. While the loop is blocked they
 *   are the last sample's, and `kymo_runtime_sample_timestamp_seconds` says when that was taken.
 * - `gc`: `nodejs_gc_duration_seconds` by kind (`minor`, `major`, `incremental`, `weakcb`), from Node's own observer.
 *
 * Native threads read the first four when a scrape comes, so they are true while the event loop is blocked. Heaps belong to a
 * thread: in a worker thread `heap` and `gc` are added only to a registry of its own, not to one that it shares with other
 * threads. Asking twice for one registry gives two handles of the same metrics.
 *
 * @throws KymoError `KYMO_CONFIG_VALUE` for an interval out of range or a set that does not exist, `KYMO_METRICS_CONFLICT` when the
 *   registry uses one of the runtime's names for something else; nothing is added then.
 */
export function collectDefaultMetrics(options: DefaultMetricsOptions = {}): DefaultMetrics {
  const { registry = metrics, sets = DEFAULT_METRIC_SETS, intervalMs = 5_000, gcDurationBuckets } = options;
  if (!(intervalMs >= 10 && intervalMs <= 2 ** 31 - 1)) {
    throw new KymoError('KYMO_CONFIG_VALUE', { source: 'intervalMs', value: intervalMs, expected: 'milliseconds in [10, 2147483647]' });
  }
  const unknown = sets.find((set) => !DEFAULT_METRIC_SETS.includes(set));
  if (unknown !== undefined) {
    throw new KymoError('KYMO_CONFIG_VALUE', { source: 'sets', value: unknown, expected: `some of ${DEFAULT_METRIC_SETS.join(', ')}` });
  }
  const stops: (() => void)[] = [];
  const stop = (): void => {
    for (const end of stops.splice(0)) end();
  };
  if (registry.disabled()) return { stop, [Symbol.dispose]: stop };
  const ownHeap = isMainThread || !registry.shared;
  if (ownHeap && sets.includes('heap')) {
    const sampler = RuntimeSampler.of(registry, intervalMs);
    stops.push(() => sampler.release());
  }
  if (ownHeap && sets.includes('gc')) {
    try {
      const observed = GarbageCollection.of(registry, gcDurationBuckets);
      stops.push(() => observed.release());
    } catch (error) {
      stop();
      throw error;
    }
  }
  for (const [code, set] of NATIVE_SETS.entries()) {
    if (!sets.includes(set)) continue;
    native.attachDefaultCollectors(registry.id, code, isMainThread);
    stops.push(() => native.detachDefaultCollectors(registry.id, code));
  }
  return { stop, [Symbol.dispose]: stop };
}
