// `pino.stdTimeFunctions`: the time of a line as text to be put in behind its level. The clock is the global `Date`, asked at each call, so
// that fake timers work. App threads.

/** No time at all. */
export function nullTime(): string {
  return '';
}

/** Milliseconds since 1970. */
export function epochTime(): string {
  return `,"time":${Date.now()}`;
}

/** Seconds since 1970, rounded. */
export function unixTime(): string {
  return `,"time":${Math.round(Date.now() / 1000)}`;
}

/** ISO 8601 in UTC with milliseconds. */
export function isoTime(): string {
  return `,"time":"${new Date(Date.now()).toISOString()}"`;
}

/** The wall clock and the monotonic one at one moment, in nanoseconds: since then the monotonic one counts, whatever is set. */
const WALL_AT_LOAD = BigInt(Date.now()) * 1_000_000n;
const MONOTONIC_AT_LOAD = process.hrtime.bigint();

/** RFC 3339 in UTC with nanoseconds: the clock when this module was loaded and what `process.hrtime` counted since. */
export function isoTimeNano(): string {
  const now = WALL_AT_LOAD + (process.hrtime.bigint() - MONOTONIC_AT_LOAD);
  const seconds = now / 1_000_000_000n;
  const fraction = String(now % 1_000_000_000n).padStart(9, '0');
  return `,"time":"${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}.${fraction}Z"`;
}

/** `pino.stdTimeFunctions`. */
export const stdTimeFunctions = { nullTime, epochTime, unixTime, isoTime, isoTimeNano };
