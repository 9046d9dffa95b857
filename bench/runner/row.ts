// The shape of a bench: a file exports `plan`, which names its rows; a row is prepared only in the process that measures it.
import type { Goal } from './goals.js';
import type { Settings } from './settings.js';

/** One of the two things a row compares. */
export interface Side {
  /** What it is, for the table: `prom-client`, `f64[i] += 1`. */
  readonly label: string;
  /** Measures once and gives the cost in the unit of the row. Called in turn with the other side's. */
  sample(): number | Promise<number>;
}

/** A row that is ready to be measured. */
export interface PreparedRow {
  readonly ours: Side;
  /** Missing where there is nothing to compare with. */
  readonly peer?: Side;
  /** Throws when what was measured gave wrong answers: a fast wrong bench is worth nothing. Runs after the last round. */
  verify(): void | Promise<void>;
  /** Ends what the row started. Runs whatever happened before. */
  close?(): void | Promise<void>;
}

/** A row by name; cheap, since every process of a run makes the list. */
export interface Row {
  /** Unique over all benches, and stable: records are compared by it. */
  readonly name: string;
  readonly unit: 'ns' | 'us' | 'ms' | 'B';
  readonly goal?: Goal;
  /** Rounds that count, after one that does not; the settings' without it. */
  readonly rounds?: number;
  /** Flags for the runtime that measures this row. */
  readonly nodeFlags?: readonly string[];
  prepare(): PreparedRow | Promise<PreparedRow>;
}

/** What each `*.bench.ts` exports under the name `plan`. */
export type Plan = (settings: Settings) => readonly Row[];
