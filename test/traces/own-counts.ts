// Reads what Kymo counts of its own spans. For the tests of this folder.
import { ownSamples } from '../metrics/scrape.js';

/** Spans dropped so far in this process for `reason`. */
export function spansDropped(reason: string): number {
  return ownSamples()[`kymo_spans_dropped_total{reason="${reason}"}`] ?? 0;
}
