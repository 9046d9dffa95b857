// What earlier processes of a service left behind when they crashed. Runs on the app thread that asks; cold.
import { asKymoError, native } from '../binding/load.js';
import type { NativeRunBuckets, NativeRunMetric } from '../binding/native-memory.js';
import type { NativeHistogramSnapshot } from '../metrics/bucket-reading.js';

/** Options of {@link recoverRuns}. */
export interface RecoverOptions {
  /** Name of the service; default: this process's own. */
  readonly service?: string;
  /** Folder in which `kymo-<uid>` lies; default: this process's own (`KYMO_MEMORY_DIR`). */
  readonly dir?: string;
  /** Mark what is returned, so that it is not returned again and the next start removes it. Default true. */
  readonly mark?: boolean;
}

/** How a run ended: orderly, by a signal or an exception that nobody handled, or without a word (SIGKILL, an abort, no memory). */
export type RunEnd = 'clean' | 'signal' | 'uncaught' | 'unclean';

/** One series of a dead process, summed over its threads. */
export interface RecoveredValue {
  readonly name: string;
  readonly help: string;
  readonly kind: 'counter' | 'gauge' | 'info';
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** One histogram series of a dead process, summed over its threads. */
export interface RecoveredHistogram {
  readonly name: string;
  readonly help: string;
  readonly kind: 'histogram';
  readonly labels: Readonly<Record<string, string>>;
  /** Cumulative counts by upper bound, ascending; the last bound is Infinity. Empty for one with native buckets only. */
  readonly buckets: readonly { readonly le: number; readonly count: number }[];
  readonly count: number;
  /** May lack the one observation per thread that was being written. */
  readonly sum: number;
  /** Where the histogram had native buckets. */
  readonly native?: NativeHistogramSnapshot;
}

/** One summary series of a dead process, summed over its threads. Its quantiles died with it. */
export interface RecoveredSummary {
  readonly name: string;
  readonly help: string;
  readonly kind: 'summary';
  readonly labels: Readonly<Record<string, string>>;
  readonly count: number;
  readonly sum: number;
}

/** One state set of a dead process. */
export interface RecoveredStateSet {
  readonly name: string;
  readonly help: string;
  readonly kind: 'stateset';
  readonly labels: Readonly<Record<string, string>>;
  /** 0 or 1 per state. */
  readonly states: Readonly<Record<string, number>>;
}

/** What was recovered of one series. */
export type RecoveredSeries = RecoveredValue | RecoveredHistogram | RecoveredSummary | RecoveredStateSet;

/** A process that is gone. */
export interface RecoveredRun {
  readonly service: string;
  /** As the process saw itself; in another pid namespace it had another one. */
  readonly pid: number;
  /** Node's ids of its threads (0 = main thread), ascending. */
  readonly threads: readonly number[];
  /** Milliseconds since 1970 at which it laid out its memory. */
  readonly startedAt: number;
  readonly endedBy: RunEnd;
  /** Exit code (`clean`, `uncaught`) or signal number (`signal`). */
  readonly detail: number | undefined;
  readonly metrics: readonly RecoveredSeries[];
  /** Descriptions and series that made no sense and were left out; 0 unless the memory was damaged. */
  readonly damaged: number;
}

/**
 * Reads the metrics of every dead process of a service that were not recovered yet, oldest run first. A process that is alive
 * is left alone, whatever its pid looks like from here. Values are as the process's threads last wrote them: what a
 * `reset()` from another thread had subtracted is in them again.
 *
 * Blocks the calling thread, for about 20 ms per 1000 series. Empty when memory is anonymous or nothing is there.
 *
 * @throws KymoError `KYMO_MEMORY_FOLDER` when `dir` is given and its folder cannot be trusted.
 */
export function recoverRuns({ service, dir, mark = true }: RecoverOptions = {}): RecoveredRun[] {
  const wanted = { ...(service === undefined ? {} : { service }), ...(dir === undefined ? {} : { dir }), mark };
  try {
    return native.recoverRuns(wanted).map(({ metrics, detail, ...run }) => ({ ...run, detail, metrics: metrics.flatMap(seriesOf) }));
  } catch (error) {
    throw asKymoError(error);
  }
}

function seriesOf({ name, help, kind, bounds, states, series }: NativeRunMetric): RecoveredSeries[] {
  return series.map(({ labels: pairs, values, native: buckets }) => {
    const head = { name, help, labels: labelsOf(pairs) };
    const [first, second] = values as [number, number];
    switch (kind) {
      case 1:
        return { ...head, kind: 'counter', value: first };
      case 2:
        return { ...head, kind: 'gauge', value: first };
      case 4:
        return { ...head, kind: 'summary', count: first, sum: second };
      case 5:
        return { ...head, kind: 'info', value: first };
      case 6:
        return { ...head, kind: 'stateset', states: Object.fromEntries(states.map((state, at) => [state, values[at] as number])) };
      default:
        return { ...head, kind: 'histogram', ...histogramOf(bounds, values, buckets) };
    }
  });
}

function histogramOf(
  bounds: readonly number[],
  values: readonly number[],
  native: NativeRunBuckets | undefined,
): Pick<RecoveredHistogram, 'buckets' | 'count' | 'sum' | 'native'> {
  const more =
    native === undefined ? {} : { native: { ...native, positive: inPairs(native.positive), negative: inPairs(native.negative) } };
  if (native !== undefined && bounds.length === 0) return { buckets: [], count: native.count, sum: native.sum, ...more };
  let count = 0;
  const buckets = [...bounds, Number.POSITIVE_INFINITY].map((le, index) => {
    count += values[index] as number;
    return { le, count };
  });
  return { buckets, count, sum: values[bounds.length + 1] as number, ...more };
}

function inPairs(flat: readonly number[]): [number, number][] {
  return Array.from({ length: flat.length / 2 }, (_, pair) => [flat[pair * 2] as number, flat[pair * 2 + 1] as number]);
}

/** Own properties whatever they are called, `__proto__` included. */
function labelsOf(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(Array.from({ length: pairs.length / 2 }, (_, index) => [pairs[index * 2], pairs[index * 2 + 1]]));
}
