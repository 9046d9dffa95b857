// Times of spans: read from the monotonic clock, shown as wall time. App threads.
import { native } from '../binding/load.js';
import type { SpanTime } from '../binding/writable-span.js';

export { now } from '../binding/span-clock.js';

/** Wall clock minus monotonic clock in ms, by number of the anchor: as native has them, which turns times into wall time by them too. */
let anchors: readonly number[] = [];

function wallMinusMono(clock: number): number {
  if (clock >= anchors.length) anchors = native.tracesAnchors();
  return anchors[clock] ?? anchors.at(-1) ?? 0;
}

/** A time of a span in ms since 1970, with fractions; `clock` is the number of the span's wall-clock anchor. */
export function epochMsOf(time: SpanTime, clock: number): number {
  return typeof time === 'number' ? time + wallMinusMono(clock) : time[0] * 1_000 + time[1] / 1e6;
}

/** Milliseconds from `start` to `end`, never negative. */
export function elapsedMs(start: SpanTime, end: SpanTime, clock: number): number {
  const ms = typeof start === 'number' && typeof end === 'number' ? end - start : epochMsOf(end, clock) - epochMsOf(start, clock);
  return Math.max(ms, 0);
}
