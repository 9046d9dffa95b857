// Measures one row: its sides take turns, round after round. Main thread of the row's process.
import { type Goal, goalMet, ratioIsSpeedUp } from './goals.js';
import type { Row } from './row.js';
import type { Settings } from './settings.js';
import { median, roundRatios, spread } from './statistics.js';

/** A measured row, as records keep it. */
export interface Result {
  readonly name: string;
  readonly unit: string;
  readonly oursLabel: string;
  readonly peerLabel: string | null;
  /** Medians over the rounds, in the unit of the row. */
  readonly ours: number;
  readonly peer: number | null;
  /** Median of the rounds' ratios; which way round is said by {@link speedUp}. Null without a peer, or where a side costs 0. */
  readonly ratio: number | null;
  /** Quartiles of the rounds' ratios. */
  readonly low: number | null;
  readonly high: number | null;
  /** True: the ratio is peer over ours and better when higher. False: ours over peer and better when lower. */
  readonly speedUp: boolean;
  readonly goal: Goal | null;
  readonly met: boolean | null;
  /** Every round, for whoever doubts the medians. */
  readonly rounds: { readonly ours: readonly number[]; readonly peer: readonly number[] };
}

/** Prepares, measures, verifies and closes `row`. A first round warms both sides up and is thrown away, except in a smoke run. */
export async function measure(row: Row, settings: Settings): Promise<Result> {
  const prepared = await row.prepare();
  const ours: number[] = [];
  const peer: number[] = [];
  try {
    const warmUps = settings.smoke ? 0 : 1;
    const rounds = settings.smoke ? 1 : (row.rounds ?? settings.rounds);
    for (let round = -warmUps; round < rounds; round++) {
      const first = await prepared.ours.sample();
      const second = await prepared.peer?.sample();
      if (round < 0) continue;
      ours.push(first);
      if (second !== undefined) peer.push(second);
    }
    await prepared.verify();
  } finally {
    await prepared.close?.();
  }
  return summarize(row, prepared.ours.label, prepared.peer?.label ?? null, ours, peer, settings);
}

/** The result of the rounds of a row. */
export function summarize(
  row: Pick<Row, 'name' | 'unit' | 'goal'>,
  oursLabel: string,
  peerLabel: string | null,
  ours: readonly number[],
  peer: readonly number[],
  settings: Pick<Settings, 'custom' | 'smoke'>,
): Result {
  const speedUp = ratioIsSpeedUp(row.goal);
  const [over, under] = speedUp ? [peer, ours] : [ours, peer];
  const comparable = peer.length > 0 && under.every((value) => value > 0);
  const ratios = comparable ? spread(roundRatios(over, under)) : null;
  // Goals belong to the published sizes; exact answers are asked of every size.
  const goal = (settings.custom || settings.smoke) && row.goal?.kind !== 'exact' ? undefined : row.goal;
  return {
    name: row.name,
    unit: row.unit,
    oursLabel,
    peerLabel,
    ours: median(ours),
    peer: peer.length > 0 ? median(peer) : null,
    ratio: ratios?.middle ?? null,
    low: ratios?.low ?? null,
    high: ratios?.high ?? null,
    speedUp,
    goal: goal ?? null,
    met: goalMet(goal, ratios?.middle ?? null, ours, peer),
    rounds: { ours, peer },
  };
}
