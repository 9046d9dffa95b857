// Options of tail sampling: which whole traces are exported, decided natively when their local root has ended. Checked on the app
// thread when a provider is made; nothing here runs per span.
import type { NativeTailRules, NativeTailShare } from '../binding/native-traces.js';
import { KymoError } from '../core/errors.js';

/** Which share of the traces that a rule applies to is kept. */
export interface TailShare {
  /** In [0, 1]; default 1, of `rest` 0.1. */
  readonly ratio?: number;
  /** Up to so many per second and route all are kept, and beyond at least so many; above 0, default none. Rare routes stay visible. */
  readonly minPerSecond?: number;
  /** About so many per second and route are kept at most; above 0, default none. A flood of errors stays affordable. */
  readonly maxPerSecond?: number;
}

/** A value that an attribute is compared with. */
export type TailValue = string | number | boolean;

/** Applies to traces with a span, any of them, that has this attribute; of an array, one value is enough. */
export interface TailAttributeRule extends TailShare {
  /** Name of the attribute. */
  readonly key: string;
  /** The value, or several of which it is one. Default: any value will do. */
  readonly equals?: TailValue | readonly TailValue[];
  /** In place of `equals`: a number that is not below this one. */
  readonly atLeast?: number;
}

/** Applies to traces that took long for their route. */
export interface TailSlowRule extends TailShare {
  /** Of the durations of the route's last 10,000 to 20,000 traces without errors, in (0, 1); default 0.99. */
  readonly quantile?: number;
  /** Slow is what takes longer than the quantile times this, above 0; default 1. */
  readonly factor?: number;
  /** Traces of a route before it judges, in [1, 10,000]; default 100. */
  readonly minCount?: number;
  /** Nothing shorter is slow, in ms, not negative; default 0. */
  readonly minDurationMs?: number;
}

/**
 * Rules that choose among the traces that the (head) sampler keeps. The first that applies to a trace decides: `errors`, `attributes`
 * in their order, `slow`, `rest`. A trace is kept with the probability that its rule gives, and its spans are exported with the threshold
 * (`ot=th:` in their tracestate) of that probability times the head sampler's: sums of weights are unbiased counts of all traces, as long
 * as no share is 0. Late spans follow the decision on their trace.
 *
 * A span that is sampled waits in native memory until its local root ends; the event loop pays nothing. It chooses for exporters with a
 * native queue; retained traces (`/trace`), and processors that are told of each span on its own thread, are not affected.
 */
export interface TailSamplingOptions {
  /** Traces with a span whose status is an error; a number is a ratio. Default: all. `false`: errors are nothing special. */
  readonly errors?: boolean | number | TailShare;
  /** Default none. A rule with ratio 0 drops what it applies to: health checks. */
  readonly attributes?: readonly TailAttributeRule[];
  /** Default `{}`. `false`: durations do not matter. */
  readonly slow?: boolean | TailSlowRule;
  /** All other traces; a number is a ratio. Default 0.1. */
  readonly rest?: number | TailShare;
  /**
   * Attribute of the root that makes up a route together with its name; default `http.route`. Both should be of few values: beyond
   * `maxRoutes`, routes share what is known of them.
   */
  readonly routeAttribute?: string;
  /** How long a trace may wait for its local root from its first span on, in [10, 3,600,000] ms; default 30,000. Then it is decided on without. */
  readonly decisionTimeoutMs?: number;
  /** Traces that may wait, in [1, 1,000,000]; default 10,000. Beyond, the oldest is decided on. */
  readonly maxTraces?: number;
  /** Bytes of their spans, in [64 KiB, 1 GiB]; default 16 MiB. Beyond, the oldest is decided on. */
  readonly maxBytes?: number;
  /** Decisions that are remembered for late spans, in [0, 1,000,000]; default 16,384, 100 bytes each. */
  readonly maxDecisions?: number;
  /** Routes that are told apart, in [1, 10,000]; default 512, 3 kB each. */
  readonly maxRoutes?: number;
}

const MOST_ATTRIBUTE_RULES = 100;
const MOST_VALUES = 1_000;

function refuse(option: string, value: unknown, expected: string): never {
  throw new KymoError('KYMO_CONFIG_VALUE', { source: `tailSampling${option}`, value, expected });
}

function record(option: string, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(option, value, 'an object');
  return value as Record<string, unknown>;
}

function known(option: string, given: Record<string, unknown>, names: readonly string[]): void {
  // A rule that is misspelt would silently keep, or drop, the wrong traces.
  const stranger = Object.keys(given).find((name) => !names.includes(name));
  if (stranger !== undefined) refuse(`${option}.${stranger}`, given[stranger], `no such option, but one of ${names.join(', ')}`);
}

function number(option: string, value: unknown, fits: (value: number) => boolean, expected: string): number {
  if (typeof value !== 'number' || !fits(value)) refuse(option, value, expected);
  return value as number;
}

function whole(option: string, value: unknown, low: number, high: number): number {
  return number(option, value, (n) => Number.isInteger(n) && n >= low && n <= high, `a whole number in [${low}, ${high}]`);
}

const isRatio = (value: number): boolean => value >= 0 && value <= 1;
const isPositive = (value: number): boolean => value > 0 && value < Number.POSITIVE_INFINITY;

const SHARE = ['ratio', 'minPerSecond', 'maxPerSecond'] as const;
const ATTRIBUTE = ['key', 'equals', 'atLeast', ...SHARE] as const;
const SLOW = ['quantile', 'factor', 'minCount', 'minDurationMs', ...SHARE] as const;
const ALL = [
  'errors',
  'attributes',
  'slow',
  'rest',
  'routeAttribute',
  'decisionTimeoutMs',
  'maxTraces',
  'maxBytes',
  'maxDecisions',
  'maxRoutes',
] as const;

function share(option: string, given: TailShare, ratio: number): NativeTailShare {
  const { minPerSecond, maxPerSecond } = given;
  const rate = (name: string, value: unknown): number => number(`${option}.${name}`, value, isPositive, 'a finite number above 0');
  const least = minPerSecond === undefined ? 0 : rate('minPerSecond', minPerSecond);
  const most = maxPerSecond === undefined ? Number.POSITIVE_INFINITY : rate('maxPerSecond', maxPerSecond);
  if (least > most) refuse(`${option}.minPerSecond`, least, 'at most maxPerSecond');
  return {
    ratio: number(`${option}.ratio`, given.ratio ?? ratio, isRatio, 'a number in [0, 1]'),
    minPerSecond: least,
    maxPerSecond: most,
  };
}

function shareOrRatio(option: string, given: unknown, ratio: number): NativeTailShare {
  if (typeof given === 'number') return share(option, { ratio: number(option, given, isRatio, 'a number in [0, 1]') }, ratio);
  known(option, record(option, given), SHARE);
  return share(option, given as TailShare, ratio);
}

function attributeRule(given: TailAttributeRule, index: number): NativeTailRules['attributes'][number] {
  const option = `.attributes[${index}]`;
  known(option, record(option, given), ATTRIBUTE);
  const { key, equals, atLeast } = given;
  if (typeof key !== 'string' || key === '') refuse(`${option}.key`, key, 'the name of an attribute');
  if (equals !== undefined && atLeast !== undefined) refuse(option, given, 'either equals or atLeast');
  const rule = { key, share: share(option, given, 1) };
  if (atLeast !== undefined) return { ...rule, atLeast: number(`${option}.atLeast`, atLeast, Number.isFinite, 'a finite number') };
  if (equals === undefined) return rule;
  const values: readonly unknown[] = Array.isArray(equals) ? equals : [equals];
  const isPlain = (value: unknown): value is TailValue => ['string', 'number', 'boolean'].includes(typeof value);
  if (values.length === 0 || values.length > MOST_VALUES || !values.every(isPlain)) {
    refuse(`${option}.equals`, equals, `a text, number or boolean, or 1 to ${MOST_VALUES} of them`);
  }
  return { ...rule, equals: [...values] as TailValue[] };
}

function slowRule(given: TailSlowRule): NonNullable<NativeTailRules['slow']> {
  known('.slow', record('.slow', given), SLOW);
  const { quantile = 0.99, factor = 1, minCount = 100, minDurationMs = 0 } = given;
  return {
    quantile: number('.slow.quantile', quantile, (value) => value > 0 && value < 1, 'a number between 0 and 1'),
    factor: number('.slow.factor', factor, isPositive, 'a finite number above 0'),
    minCount: whole('.slow.minCount', minCount, 1, 10_000),
    minDurationMs: number('.slow.minDurationMs', minDurationMs, (value) => value === 0 || isPositive(value), 'a finite number not below 0'),
    share: share('.slow', given, 1),
  };
}

/**
 * Checks and completes options.
 * @throws KymoError `KYMO_CONFIG_VALUE` names the first one that cannot be used, an unknown one included.
 */
export function tailRules(options: TailSamplingOptions): NativeTailRules {
  known('', record('', options), ALL);
  const { errors = true, attributes = [], slow = true, rest = {}, routeAttribute = 'http.route' } = options;
  if (!Array.isArray(attributes) || attributes.length > MOST_ATTRIBUTE_RULES) {
    refuse('.attributes', attributes, `a list of at most ${MOST_ATTRIBUTE_RULES} rules`);
  }
  if (typeof routeAttribute !== 'string') refuse('.routeAttribute', routeAttribute, 'the name of an attribute');
  return {
    ...(errors === false ? {} : { errors: shareOrRatio('.errors', errors === true ? {} : errors, 1) }),
    attributes: attributes.map(attributeRule),
    ...(slow === false ? {} : { slow: slowRule(slow === true ? {} : slow) }),
    rest: shareOrRatio('.rest', rest, 0.1),
    routeAttribute,
    decisionTimeoutMs: whole('.decisionTimeoutMs', options.decisionTimeoutMs ?? 30_000, 10, 3_600_000),
    maxTraces: whole('.maxTraces', options.maxTraces ?? 10_000, 1, 1_000_000),
    maxBytes: whole('.maxBytes', options.maxBytes ?? 16 << 20, 64 << 10, 1 << 30),
    maxDecisions: whole('.maxDecisions', options.maxDecisions ?? 16_384, 0, 1_000_000),
    maxRoutes: whole('.maxRoutes', options.maxRoutes ?? 512, 1, 10_000),
  };
}
