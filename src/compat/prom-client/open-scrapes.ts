// Scrapes between their first look at a metric and its text. prom-client copies histograms and lists of series at the look, and reads
// counters at the text; a metric that changes in between is copied just before, so that both print the same. App threads.
import type { SeriesTable } from './series-table.js';

/** Asks a scrape to copy what it has seen. */
export interface OpenScrape {
  beforeChange(table: SeriesTable): void;
}

/** The scrapes of this copy of the module; hot paths ask for the number of them only. */
export const openScrapes = { count: 0 };

const open = new Set<OpenScrape>();

/** Begins to tell `scrape` of changes. */
export function openScrape(scrape: OpenScrape): void {
  open.add(scrape);
  openScrapes.count = open.size;
}

/** Ends it. */
export function closeScrape(scrape: OpenScrape): void {
  open.delete(scrape);
  openScrapes.count = open.size;
}

/** To be called before anything changes but the value of a counter, or the sum of a gauge. */
export function beforeChange(table: SeriesTable): void {
  if (openScrapes.count > 0) for (const scrape of open) scrape.beforeChange(table);
}
