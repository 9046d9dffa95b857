// Scrapes between their first look at a metric and its text. prom-client copies histograms and lists of series at the look, and reads
// counters at the text; a metric that changes in between is copied just before, so that both print the same. App threads.
import type { SeriesTable } from './series-table.js';

/** Asks a scrape to keep what it has seen. */
export interface OpenScrape {
  /** Anything but the sum of a counter or gauge is about to change. */
  beforeChange(table: SeriesTable): void;
  /** The sum of a counter's or gauge's series is about to change. */
  beforeAdd(table: SeriesTable): void;
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

/** To be called before anything changes but sums. */
export function beforeChange(table: SeriesTable): void {
  for (const scrape of open) scrape.beforeChange(table);
}

/** To be called before a sum changes. */
export function beforeAdd(table: SeriesTable): void {
  for (const scrape of open) scrape.beforeAdd(table);
}
