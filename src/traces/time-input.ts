// Times that users give, made into what a span keeps. Pure functions; any thread.
import type { WallTime } from '../binding/writable-span.js';

/**
 * A time given by a user, always on the wall clock: a `Date`, milliseconds since 1970 (fractions are kept to the nanosecond as far as
 * a double holds them), nanoseconds since 1970 as a bigint, or OpenTelemetry's `[seconds, nanoseconds]`.
 */
export type TimeInput = Date | number | bigint | readonly [seconds: number, nanoseconds: number];

/** Beyond it, the nanoseconds since 1970 leave 64 bits. */
const LAST_SECOND = 18_446_744_072;

function checked(seconds: number, nanoseconds: number): WallTime | undefined {
  if (nanoseconds >= 1e9) return checked(seconds + 1, nanoseconds - 1e9);
  const fits = Number.isInteger(seconds) && Number.isInteger(nanoseconds) && seconds >= 0 && seconds <= LAST_SECOND && nanoseconds >= 0;
  return fits ? [seconds, nanoseconds] : undefined;
}

function ofMilliseconds(ms: number): WallTime | undefined {
  const seconds = Math.floor(ms / 1_000);
  return checked(seconds, Math.round((ms - seconds * 1_000) * 1e6));
}

/** `input` as seconds and nanoseconds; undefined when it is no time since 1970. Never throws. */
export function wallTime(input: unknown): WallTime | undefined {
  try {
    if (typeof input === 'number') return ofMilliseconds(input);
    if (typeof input === 'bigint') return input < 0n ? undefined : checked(Number(input / 1_000_000_000n), Number(input % 1_000_000_000n));
    if (input instanceof Date) return ofMilliseconds(input.getTime());
    if (Array.isArray(input) && input.length === 2) return checked(input[0], input[1]);
  } catch {
    // A proxy for a time: as good as none.
  }
  return undefined;
}

/** True for what may be meant as a time: told from attributes by it. */
export function isTimeInput(value: unknown): value is TimeInput {
  return typeof value === 'number' || typeof value === 'bigint' || value instanceof Date || Array.isArray(value);
}
