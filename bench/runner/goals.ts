// What a row has to reach and whether it did. Pure functions on the runner's thread.
import { spread } from './statistics.js';

/** What a row has to reach. Costs (ns, ms, bytes) are better when lower; that is what "cost" means below. */
export type Goal =
  /** Our cost is at most `limit` times the peer's. */
  | { readonly kind: 'at-most'; readonly limit: number }
  /** The peer's cost is at least `factor` times ours. */
  | { readonly kind: 'times-faster'; readonly factor: number }
  /** Our cost is under `limit`, in the unit of the row, whatever the peer does. */
  | { readonly kind: 'below'; readonly limit: number }
  /** Our cost is the peer's, up to what the rounds of the two differ among themselves. */
  | { readonly kind: 'same' }
  /** The row's own answers are exact (checked by the row, which throws otherwise); the ratio is only shown. */
  | { readonly kind: 'exact' };

/** Which way round the ratio of a row is printed: our cost over the peer's, or the peer's over ours. */
export function ratioIsSpeedUp(goal: Goal | undefined): boolean {
  return goal === undefined || goal.kind === 'times-faster' || goal.kind === 'exact';
}

/** The goal as the table and the JSON show it. */
export function describeGoal(goal: Goal | undefined, unit: string): string | null {
  switch (goal?.kind) {
    case undefined:
      return null;
    case 'at-most':
      return `<= ${goal.limit}x`;
    case 'times-faster':
      return `>= ${goal.factor}x`;
    case 'below':
      return `< ${goal.limit} ${unit}`;
    case 'same':
      return 'within noise';
    case 'exact':
      return 'exact';
  }
}

/**
 * Whether the goal is reached by the medians; null without a goal.
 * "Same" holds while the quartiles of the two overlap, or ours are lower.
 */
export function goalMet(goal: Goal | undefined, ratio: number | null, ours: readonly number[], peer: readonly number[]): boolean | null {
  switch (goal?.kind) {
    case undefined:
      return null;
    case 'at-most':
      return ratio !== null && ratio <= goal.limit;
    case 'times-faster':
      return ratio !== null && ratio >= goal.factor;
    case 'below':
      return spread(ours).middle < goal.limit;
    case 'same':
      // Being lower than the other side counts as equal.
      return spread(ours).low <= spread(peer).high;
    case 'exact':
      return true;
  }
}
