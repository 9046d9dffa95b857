// The monotonic clock of timers. Any thread; one reading is about 50 ns.
import { performance } from 'node:perf_hooks';

/** A reading in milliseconds, for {@link secondsSince} only. */
export function timestamp(): number {
  return performance.now();
}

/** Seconds since a reading, never negative. */
export function secondsSince(from: number): number {
  return (performance.now() - from) / 1000;
}

/** Starts a clock; the function it gives hands the seconds since to `end`, and returns them. */
export function startClock(end: (seconds: number) => void): () => number {
  const from = timestamp();
  return () => {
    const seconds = secondsSince(from);
    end(seconds);
    return seconds;
  };
}

/** Starts a clock whose end may add labels; the function it gives hands the seconds since, with all labels if there are any, to `end`. */
export function startLabelledClock<L extends object>(
  labels: L | undefined,
  end: (seconds: number, labels: L | undefined) => void,
): (labels?: L) => number {
  // A copy: changing the object afterwards does no harm.
  const start = labels === undefined ? undefined : { ...labels };
  const from = timestamp();
  return (more) => {
    const seconds = secondsSince(from);
    end(seconds, start === undefined && more === undefined ? undefined : ({ ...start, ...more } as L));
    return seconds;
  };
}
