// Checks of what only a summary's or a state set's declaration says. Pure functions, any thread.
import type { KymoError } from '../core/errors.js';
import type { MetricOptions } from './declaration.js';

/** Options of a summary. */
export interface SummaryOptions<N extends string = string> extends MetricOptions<N>, SummaryWindow {}

/** Options of an info. */
export type InfoOptions<N extends string = string> = Omit<MetricOptions<N>, 'unit' | 'keepObservations'>;

/** Options of a state set. */
export interface StateSetOptions<N extends string = string, S extends string = string>
  extends Omit<MetricOptions<N>, 'unit' | 'keepObservations'> {
  /** Not empty, distinct, 1 to 53. */
  readonly states: readonly S[];
}

/** A summary's window, as declared or by default. */
export interface SummaryWindow {
  /** Quantiles that a scrape shows, each in [0, 1], distinct, ascending; at most 100. Default 0.5, 0.9, 0.95, 0.99. */
  readonly quantiles?: readonly number[];
  /** Observations older than this are forgotten, in ms, in [1, 2^53); default 600,000. */
  readonly maxAgeMs?: number;
  /** In how many steps they are: the window is between `maxAgeMs` less one step and `maxAgeMs` long. In [1, 100]; default 5. */
  readonly ageBuckets?: number;
  /** How far a quantile may be from a value of its rank, as a share of that value, in [0.001, 0.5]; default 0.01. */
  readonly relativeError?: number;
}

/** Checked, nothing missing. */
export type CheckedWindow = Required<SummaryWindow>;

const QUANTILES: readonly number[] = Object.freeze([0.5, 0.9, 0.95, 0.99]);
const MAX_QUANTILES = 100;
const MAX_AGE_BUCKETS = 100;
/** A state set is one cell: a bit per state in a number that is exact. */
const MAX_STATES = 53;

type Refuse = (problem: string) => KymoError;

/**
 * The window of a summary's options.
 * @throws what `refuse` makes of the first option that cannot be one.
 */
export function checkWindow(options: SummaryWindow, refuse: Refuse): CheckedWindow {
  const { quantiles = QUANTILES, maxAgeMs = 600_000, ageBuckets = 5, relativeError = 0.01 } = options;
  if (!Array.isArray(quantiles)) throw refuse('`quantiles` is not an array');
  if (quantiles.length > MAX_QUANTILES) throw refuse(`it has ${quantiles.length} quantiles, at most ${MAX_QUANTILES} are possible`);
  for (const [at, quantile] of quantiles.entries()) {
    if (!(typeof quantile === 'number' && quantile >= 0 && quantile <= 1))
      throw refuse(`the quantile ${String(quantile)} is not in [0, 1]`);
    if (at > 0 && !(quantile > (quantiles[at - 1] as number))) throw refuse(`its quantiles do not ascend at ${quantile}`);
  }
  if (!(Number.isSafeInteger(maxAgeMs) && maxAgeMs >= 1))
    throw refuse(`\`maxAgeMs\` is ${String(maxAgeMs)}, not a whole number of at least 1`);
  if (!(Number.isInteger(ageBuckets) && ageBuckets >= 1 && ageBuckets <= MAX_AGE_BUCKETS)) {
    throw refuse(`\`ageBuckets\` is ${String(ageBuckets)}, not a whole number in [1, ${MAX_AGE_BUCKETS}]`);
  }
  if (!(typeof relativeError === 'number' && relativeError >= 0.001 && relativeError <= 0.5)) {
    throw refuse(`\`relativeError\` is ${String(relativeError)}, not in [0.001, 0.5]`);
  }
  return { quantiles: [...quantiles], maxAgeMs, ageBuckets, relativeError };
}

/**
 * The states of a state set's options.
 * @throws what `refuse` makes of states that are not distinct, not empty texts, or too many.
 */
export function checkStates(states: unknown, name: string, labelNames: readonly string[], refuse: Refuse): readonly string[] {
  if (!Array.isArray(states)) throw refuse('`states` is not an array');
  if (states.length === 0 || states.length > MAX_STATES) throw refuse(`it has ${states.length} states, 1 to ${MAX_STATES} are possible`);
  for (const [at, state] of states.entries()) {
    if (typeof state !== 'string' || state === '' || !state.isWellFormed()) throw refuse(`${JSON.stringify(state)} is not a state`);
    if (states.indexOf(state) !== at) throw refuse(`the state ${JSON.stringify(state)} is there twice`);
  }
  if (labelNames.includes(name)) throw refuse(`the label ${JSON.stringify(name)} is reserved for the state`);
  return [...states];
}
