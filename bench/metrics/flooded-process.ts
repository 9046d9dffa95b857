// Program: floods a counter and says how much resident memory the process has then. One answer per process, since memory that was
// used once is not given back.
import { expectCount, exposedSum } from '../runner/exposed.js';
import { answer } from '../runner/program.js';
import { flooded } from './flood.js';

/** What to throw. */
export interface Flood {
  readonly values: number;
}

answer({
  /** Resident bytes once the collector has nothing left to do. */
  async residentBytes({ values }: Flood): Promise<number> {
    const { registry, counter } = flooded(values);
    for (let pass = 0; pass < 4; pass++) {
      globalThis.gc?.();
      await new Promise((done) => setTimeout(done, 50));
    }
    const bytes = process.memoryUsage.rss();
    expectCount('the flooded counter', exposedSum(await registry.metrics(), counter.name), values);
    return bytes;
  },
});
