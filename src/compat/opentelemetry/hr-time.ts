// Times as OpenTelemetry's API has them, from those that spans keep. Pure functions; any thread.
import type { HrTime } from '@opentelemetry/api';
import type { SpanTime } from '../../binding/writable-span.js';
import { elapsedMs, epochMsOf } from '../../traces/span-time.js';

/** Seconds and nanoseconds of a number of milliseconds, which is not negative. */
export function hrTimeOfMs(ms: number): HrTime {
  const seconds = Math.floor(ms / 1_000);
  const nanoseconds = Math.round((ms - seconds * 1_000) * 1e6);
  return nanoseconds < 1e9 ? [seconds, nanoseconds] : [seconds + 1, nanoseconds - 1e9];
}

/** A time of a span as wall time; `clock` is the number of the span's anchor. */
export function hrTimeOf(time: SpanTime, clock: number): HrTime {
  return typeof time === 'number' ? hrTimeOfMs(epochMsOf(time, clock)) : [time[0], time[1]];
}

/** What lies between two times of a span, never negative. */
export function durationOf(start: SpanTime, end: SpanTime, clock: number): HrTime {
  if (typeof start === 'number' || typeof end === 'number') return hrTimeOfMs(elapsedMs(start, end, clock));
  const seconds = end[0] - start[0];
  const nanoseconds = end[1] - start[1];
  if (seconds < 0 || (seconds === 0 && nanoseconds < 0)) return [0, 0];
  return nanoseconds < 0 ? [seconds - 1, nanoseconds + 1e9] : [seconds, nanoseconds];
}

/**
 * A time given through the API as one that Kymo's spans take: a number that is less than this thread's `performance.now()` is one of its
 * readings, as the API has it, and becomes wall time.
 */
export function timeOfInput<T>(input: T): T | HrTime {
  return typeof input === 'number' && input <= performance.now() ? hrTimeOfMs(performance.timeOrigin + input) : input;
}
