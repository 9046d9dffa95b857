// What earlier processes of a service left behind when they crashed. Runs on the app thread that asks; cold.
import { asKymoError, native } from '../binding/load.js';
import type { NativeRunMetric } from '../binding/native-memory.js';

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
  readonly kind: 'counter' | 'gauge';
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** One histogram series of a dead process, summed over its threads. */
export interface RecoveredHistogram {
  readonly name: string;
  readonly help: string;
  readonly kind: 'histogram';
  readonly labels: Readonly<Record<string, string>>;
  /** Cumulative counts by upper bound, ascending; the last bound is Infinity. */
  readonly buckets: readonly { readonly le: number; readonly count: number }[];
  readonly count: number;
  /** May lack the one observation per thread that was being written. */
  readonly sum: number;
}

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
  readonly metrics: readonly (RecoveredValue | RecoveredHistogram)[];
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

function seriesOf({ name, help, kind, bounds, series }: NativeRunMetric): (RecoveredValue | RecoveredHistogram)[] {
  return series.map(({ labels: pairs, values }) => {
    const labels = labelsOf(pairs);
    if (kind !== 3) return { name, help, kind: kind === 1 ? 'counter' : 'gauge', labels, value: values[0] as number };
    let count = 0;
    const buckets = [...bounds, Number.POSITIVE_INFINITY].map((le, index) => {
      count += values[index] as number;
      return { le, count };
    });
    return { name, help, kind: 'histogram', labels, buckets, count, sum: values[bounds.length + 1] as number };
  });
}

/** Own properties whatever they are called, `__proto__` included. */
function labelsOf(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(Array.from({ length: pairs.length / 2 }, (_, index) => [pairs[index * 2], pairs[index * 2 + 1]]));
}
