// What earlier runs of the demo left behind when they were killed: a sentence for each, from their recovered counters. Main
// thread, at start.
import { recoverRuns } from '../index.js';
import { count } from './figures.js';

/** One sentence per run of this service that ended without its clean-up and was not told of yet, oldest first. */
export function lastRuns(): string[] {
  return recoverRuns()
    .filter((run) => run.endedBy !== 'clean')
    .map((run) => {
      let requests = 0;
      for (const metric of run.metrics) if (metric.kind === 'counter' && metric.name === 'http_requests_total') requests += metric.value;
      return `the last run (pid ${run.pid}) ended uncleanly after ${count(requests)} requests; its counters were recovered`;
    });
}
