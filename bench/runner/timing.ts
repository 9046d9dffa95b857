// A side that is timed by the `benchmark` package: it finds the number of calls that its clock can resolve, runs them several
// times and gives the samples, of which we take the median. Runs on the main thread of the row's process.
import Benchmark from 'benchmark';
import type { Side } from './row.js';
import type { Settings } from './settings.js';
import { median } from './statistics.js';

/** Operations in one call of a timed batch: the call itself (about 2 ns) is then lost in them. */
export const BATCH = 1_000;

/** A timed side and how much it did. */
export interface TimedSide extends Side {
  /** Operations done so far, warm-up included: what the thing measured must have counted. */
  operations(): number;
}

/**
 * A side that costs the time of one operation, in ns.
 * @param batch does `perCall` operations; must not allocate, return early or be optimised away.
 */
export function timed(label: string, settings: Settings, batch: () => void, perCall: number = BATCH): TimedSide {
  let calls = 0;
  const options: Benchmark.Options = {
    async: false,
    minSamples: settings.smoke ? 1 : 5,
    minTime: settings.sampleSeconds / 20,
    maxTime: settings.sampleSeconds,
  };
  return {
    label,
    operations: () => calls * perCall,
    sample() {
      const run = new Benchmark(() => {
        calls += 1;
        batch();
      }, options);
      run.run({ async: false });
      if (run.error) throw run.error;
      return (median(run.stats.sample) * 1e9) / perCall;
    },
  };
}
