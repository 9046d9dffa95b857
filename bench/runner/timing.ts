// A side that is timed by the `benchmark` package: it finds the number of calls that its clock can resolve, runs them several
// times and gives the samples, of which we take the median. Runs on the main thread of the row's process.
import Benchmark from 'benchmark';
import type { Side } from './row.js';
import type { Settings } from './settings.js';
import { median } from './statistics.js';

/** Operations in one call of a timed batch: the call itself (about 2 ns) is then lost in them. */
export const BATCH = 1_000;

function limits(settings: Settings): Benchmark.Options {
  return {
    async: false,
    minSamples: settings.smoke ? 1 : 5,
    minTime: settings.sampleSeconds / 20,
    maxTime: settings.sampleSeconds,
  };
}

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
  return {
    label,
    operations: () => calls * perCall,
    sample() {
      const run = new Benchmark(() => {
        calls += 1;
        batch();
      }, limits(settings));
      run.run({ async: false });
      if (run.error) throw run.error;
      return (median(run.stats.sample) * 1e9) / perCall;
    },
  };
}

/** `side` in ms, for operations that take that long. */
export function inMilliseconds(side: Side): Side {
  return { label: side.label, sample: async () => (await side.sample()) / 1e6 };
}

/** As {@link timed}, for an operation that gives a promise; costs ms. The next call starts when the last one is settled. */
export function timedAsync(label: string, settings: Settings, operation: () => Promise<unknown>): Side {
  return {
    label,
    sample: () =>
      new Promise((done, fail) => {
        const run = new Benchmark((deferred: Benchmark.Deferred) => void operation().then(() => deferred.resolve(), fail), {
          ...limits(settings),
          async: true,
          defer: true,
        });
        run.on('complete', () => (run.error ? fail(run.error) : done(median(run.stats.sample) * 1e3)));
        run.run();
      }),
  };
}
