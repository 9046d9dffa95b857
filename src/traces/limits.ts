// How much one span takes: of attributes, of their length and depth, of events and of links. Checked when a provider is made.
import { KymoError } from '../core/errors.js';

/** Limits of a span; all whole numbers, 0 is allowed. What is beyond is dropped and counted in the span. */
export interface SpanLimits {
  /** Attributes of a span; default 128. At the limit an attribute that is there can still be changed. */
  readonly maxAttributes: number;
  /** Characters of a text value, each text of an array or object on its own; default Infinity, shown as 1,073,741,823: no text is longer. */
  readonly maxAttributeLength: number;
  /** Depth to which arrays and objects are kept; default 64. */
  readonly maxAttributeDepth: number;
  /** Events; default 128. Later ones are dropped. */
  readonly maxEvents: number;
  /** Links; default 128. Later ones are dropped. */
  readonly maxLinks: number;
  /** Attributes of each event; default 128. */
  readonly maxAttributesPerEvent: number;
  /** Attributes of each link; default 128. */
  readonly maxAttributesPerLink: number;
}

/** V8 makes no text as long as this. A small integer, so that the comparison with it is one. */
const LONGEST_TEXT = 0x3fff_ffff;

/** The limits of the OpenTelemetry specification. */
export const DEFAULT_LIMITS: SpanLimits = Object.freeze({
  maxAttributes: 128,
  maxAttributeLength: LONGEST_TEXT,
  maxAttributeDepth: 64,
  maxEvents: 128,
  maxLinks: 128,
  maxAttributesPerEvent: 128,
  maxAttributesPerLink: 128,
});

/** A record counts each of them in 16 bits. */
const MOST = 65_535;

/** Deeper values would take the stack that is left. */
const DEEPEST = 256;

/**
 * The limits with defaults for what is left out.
 * @throws KymoError `KYMO_CONFIG_VALUE` for what is no whole number in [0, 65,535], or a depth over 256; Infinity means the most.
 */
export function resolveLimits(given: Partial<SpanLimits> = {}): SpanLimits {
  const limits = { ...DEFAULT_LIMITS } as Record<keyof SpanLimits, number>;
  for (const name of Object.keys(DEFAULT_LIMITS) as (keyof SpanLimits)[]) {
    const value = given[name];
    if (value === undefined) continue;
    const most = name === 'maxAttributeDepth' ? DEEPEST : name === 'maxAttributeLength' ? LONGEST_TEXT : MOST;
    if (value === Number.POSITIVE_INFINITY) limits[name] = most;
    else if (Number.isInteger(value) && value >= 0 && value <= most) limits[name] = value;
    else throw new KymoError('KYMO_CONFIG_VALUE', { source: `limits.${name}`, value, expected: `a whole number in [0, ${most}]` });
  }
  return limits;
}
