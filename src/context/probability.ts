// What OpenTelemetry puts into `tracestate` about sampling: `ot=th:<threshold>;rv:<randomness>`. Thresholds and randomness are 56-bit
// numbers in two halves, since a double holds 53 bits. Any thread.
// https://opentelemetry.io/docs/specs/otel/trace/tracestate-handling/
import { hexOf } from './hex.js';
import type { TraceWords } from './ids.js';
import { TraceState } from './tracestate.js';

/** A 56-bit number: its first 24 bits and its last 32, both not negative. */
export interface Bits56 {
  readonly high: number;
  readonly low: number;
}

/** Characters that the value of `ot` may have. */
const MAX_OT = 256;
const TWO_32 = 2 ** 32;
const TWO_56 = 2 ** 56;

const THRESHOLD = /^[0-9a-f]{1,14}$/;
const RANDOMNESS = /^[0-9a-f]{14}$/;
/** One of the fields of `ot`, whose characters are a subset of those of a value. */
const FIELD = /^[a-z][a-z0-9]*:[A-Za-z0-9._-]*$/;

/** What `ot` says; other fields are kept as they are. */
export interface OtState {
  /** Rejection threshold: of 2^56 traces, so many are dropped. Undefined when unknown or invalid. */
  readonly threshold: Bits56 | undefined;
  /** Randomness that was given in place of the low 56 bits of the trace id. Undefined when there is none, or it is invalid. */
  readonly randomness: Bits56 | undefined;
  /** The fields other than `th`, in their order, with a valid `rv` among them. */
  readonly others: readonly string[];
}

const NOTHING: OtState = Object.freeze({ threshold: undefined, randomness: undefined, others: Object.freeze([]) as readonly string[] });

function bitsOf(digits: string): Bits56 {
  const padded = digits.padEnd(14, '0');
  return { high: Number.parseInt(padded.slice(0, 6), 16), low: Number.parseInt(padded.slice(6), 16) };
}

/** What `traceState`, valid, says in its member `ot`. */
export function otStateOf(traceState: string): OtState {
  if (!traceState.includes('ot=')) return NOTHING;
  const text = TraceState.parse(traceState).get('ot');
  if (text === undefined || text.length > MAX_OT) return NOTHING;
  let threshold: Bits56 | undefined;
  let randomness: Bits56 | undefined;
  const others: string[] = [];
  for (const field of text.split(';')) {
    const value = field.slice(3);
    if (field.startsWith('th:')) threshold = THRESHOLD.test(value) ? bitsOf(value) : undefined;
    else if (field.startsWith('rv:')) {
      if (!RANDOMNESS.test(value)) continue;
      randomness = bitsOf(value);
      others.push(field);
    } else if (FIELD.test(field)) others.push(field);
  }
  return { threshold, randomness, others };
}

/** `traceState` with this threshold, or without one, in its member `ot`, which comes to the left; other fields are kept. */
export function withThreshold(traceState: string, ot: OtState, threshold: Bits56 | undefined): string {
  if (threshold === undefined && ot.threshold === undefined) return traceState;
  const others = ot.others.join(';');
  const fields = threshold === undefined ? others : [`th:${thresholdText(threshold)}`, ...ot.others].join(';');
  const text = fields.length > MAX_OT ? others : fields;
  const state = TraceState.parse(traceState);
  return (text === '' ? state.delete('ot') : state.set('ot', text)).toString();
}

/** The 1 to 14 digits of a threshold, trailing zeros cut. */
export function thresholdText({ high, low }: Bits56): string {
  const digits = (hexOf(high).slice(2) + hexOf(low | 0)).replace(/0+$/, '');
  return digits === '' ? '0' : digits;
}

/** The low 56 bits of a trace id, which are random where the flag says so. */
export function randomnessOf(trace: Readonly<TraceWords>): Bits56 {
  return { high: trace.t2 & 0xff_ffff, low: trace.t3 >>> 0 };
}

/** Whether a trace of this randomness is kept at this threshold. */
export function keeps(randomness: Bits56, threshold: Bits56): boolean {
  return randomness.high > threshold.high || (randomness.high === threshold.high && randomness.low >= threshold.low);
}

/** The probability that a threshold stands for, in (0, 1]. */
export function probabilityOf({ high, low }: Bits56): number {
  return (TWO_56 - (high * TWO_32 + low)) / TWO_56;
}

/**
 * The threshold of a probability in [2^-56, 1], rounded to `precision` hexadecimal digits (1 to 12) after the leading `f`s, as the
 * specification's procedure does; undefined for less, which keeps nothing.
 */
export function thresholdOf(probability: number, precision = 4): Bits56 | undefined {
  if (!(probability >= 1 / TWO_56)) return undefined;
  if (probability >= 1) return { high: 0, low: 0 };
  const exponent = Math.floor(Math.log2(probability)) + 1; // As frexp: probability = m * 2^exponent, m in [0.5, 1).
  const digits = Math.max(1, Math.min(12, precision + Math.floor(exponent / -4)));
  const kept = Math.floor((1 - probability) * 16 ** digits + 0.5);
  const text = kept >= 16 ** digits ? 'f'.repeat(13) : kept.toString(16).padStart(digits, '0');
  return bitsOf(text);
}
