// The text of a registry: each metric is looked at in order as prom-client does, what native code prints alike is rendered there in one
// piece, and the rest is put in between. App threads.
import { native } from '../../binding/load.js';
import { type Metric, type MetricData, READERS, runCollect, SAMPLES } from './metric.js';
import type { NativeRegistry } from './native-metric.js';
import { closeScrape, type OpenScrape, openScrape } from './open-scrapes.js';
import type { Registry, RegistryEntry } from './registry.js';
import { type SeriesTable, TABLE } from './series-table.js';
import { metricText, withoutTotal } from './text.js';

/** Formats of the addon. */
const PROM_CLIENT_TEXT = 6;
const PROM_CLIENT_OPENMETRICS = 7;

/** A text with more lines is rendered on another thread: up to here this one is stopped for about a millisecond. */
const LINES_HERE = 25_000;

/** The text of one metric: there, coming, to be made, or (undefined) rendered natively. */
type Piece = Promise<string> | (() => string) | undefined;

/** The text of `metrics` in this order. `show` gives the native registry that shows them, if one does. */
export async function scrape(
  registry: Registry,
  metrics: readonly RegistryEntry[],
  openMetrics: boolean,
  show: () => NativeRegistry | undefined,
): Promise<string> {
  const look = new Look(registry, openMetrics);
  openScrape(look);
  try {
    const pieces = metrics.map((metric) => look.at(metric));
    // A rejection is for whoever waits for all of them.
    for (const piece of pieces) if (piece instanceof Promise) piece.catch(() => {});
    // prom-client makes no text before this turn is over.
    await undefined;
    const texts = await render(pieces, metrics, openMetrics, look, show);
    const separator = openMetrics ? '\n' : '\n\n';
    return typeof texts === 'string' ? texts : (await Promise.all(texts)).join(separator) + (openMetrics ? '\n# EOF\n' : '\n');
  } finally {
    closeScrape(look);
  }
}

/** All of the text, or its pieces. Ends the look. */
async function render(
  pieces: readonly Piece[],
  metrics: readonly RegistryEntry[],
  openMetrics: boolean,
  look: Look,
  show: () => NativeRegistry | undefined,
): Promise<string | (string | Promise<string>)[]> {
  const wanted = metrics.filter((metric, at) => pieces[at] === undefined && look.isNative(metric));
  const shown = wanted.length > 0 ? show() : undefined;
  const own = (metric: RegistryEntry): string => look.text(metric);
  if (shown === undefined) {
    closeScrape(look);
    return pieces.map((piece, at) => made(piece) ?? own(metrics[at] as RegistryEntry));
  }
  const lines = wanted.reduce((sum, metric) => sum + tableOf(metric).lines, 0);
  const format = openMetrics ? PROM_CLIENT_OPENMETRICS : PROM_CLIENT_TEXT;
  const alone = wanted.length === metrics.length;
  // What has to be made here is made now, before anything changes; so is what native code reads, unless it is large.
  const others = alone
    ? []
    : pieces.map(
        (piece, at) => made(piece) ?? (wanted.includes(metrics[at] as RegistryEntry) ? undefined : own(metrics[at] as RegistryEntry)),
      );
  const text = lines > LINES_HERE ? native.renderAsync([shown.id], format, false) : native.renderSync([shown.id], format, false);
  closeScrape(look);
  if (alone) return text;
  const native_ = split(await text, openMetrics);
  let next = 0;
  return metrics.map((metric, at) => {
    const piece = (metric as { [TABLE]?: SeriesTable })?.[TABLE]?.nativeId ?? -1;
    const rendered = piece >= 0 ? native_[next++] : undefined;
    return others[at] ?? (rendered as string);
  });
}

function made(piece: Piece): string | Promise<string> | undefined {
  return typeof piece === 'function' ? piece() : piece;
}

/** The text of each metric: they are one or two line feeds apart, and no other line begins like a HELP line. */
function split(text: string, openMetrics: boolean): string[] {
  const head = '# HELP ';
  if (!openMetrics) return text.slice(0, -1).split('\n\n');
  return text
    .slice(head.length, -'\n# EOF\n'.length)
    .split(`\n${head}`)
    .map((metric) => head + metric);
}

function tableOf(metric: RegistryEntry): SeriesTable {
  return (metric as unknown as Metric)[TABLE];
}

/** One look at the metrics of a registry. */
class Look implements OpenScrape {
  readonly #registry: Registry;
  readonly #openMetrics: boolean;
  /** By table: what is rendered natively, as long as it does not change. */
  readonly #seen = new Map<SeriesTable, Metric>();
  readonly #copies = new Map<SeriesTable, MetricData>();

  constructor(registry: Registry, openMetrics: boolean) {
    this.#registry = registry;
    this.#openMetrics = openMetrics;
  }

  at(entry: RegistryEntry): Piece {
    if (this.#openMetrics && entry.type === 'counter') entry.name = withoutTotal(entry.name);
    const metric = entry as unknown as Metric;
    const reader = typeof entry.getForPromString === 'function' ? entry.getForPromString : entry.get;
    if (metric[TABLE] === undefined || !READERS.has(reader)) return this.#registry.getMetricsAsString(entry);
    let collected: Promise<unknown> | undefined;
    try {
      collected = runCollect(metric);
    } catch (error) {
      return Promise.reject(error);
    }
    if (collected !== undefined) return collected.then(() => this.#text(copyOf(metric)));
    if (this.#isNative(metric)) {
      this.#seen.set(metric[TABLE], metric);
      return undefined;
    }
    const copy = copyOf(metric);
    return () => this.#text(copy);
  }

  beforeChange(table: SeriesTable): void {
    const metric = this.#seen.get(table);
    if (metric !== undefined && !this.#copies.has(table)) this.#copies.set(table, copyOf(metric));
  }

  /** True when native code still prints what was looked at. */
  isNative(entry: RegistryEntry): boolean {
    const metric = entry as unknown as Metric;
    return !this.#copies.has(metric[TABLE]) && this.#isNative(metric);
  }

  /** The text of a metric as it was when it was looked at. */
  text(entry: RegistryEntry): string {
    return this.#text(this.#copies.get(tableOf(entry)) ?? copyOf(entry as unknown as Metric));
  }

  #text(copy: MetricData): string {
    return metricText(copy, this.#registry._defaultLabels, this.#openMetrics);
  }

  /** True when native code prints this metric as prom-client does. */
  #isNative(metric: Metric): boolean {
    const { head, nativeId, odd, stamped } = metric[TABLE];
    if (nativeId < 0 || odd || head.type === 'summary') return false;
    const name = this.#openMetrics && head.type === 'counter' ? withoutTotal(head.name) : head.name;
    if (metric.name !== name || metric.help !== head.help || metric.type !== head.type) return false;
    if (this.#openMetrics && metric.enableExemplars) return false;
    return stamped === undefined || stamped === JSON.stringify(this.#registry._defaultLabels);
  }
}

function copyOf(metric: Metric): MetricData {
  return { help: metric.help, name: metric.name, type: metric.type, values: metric[SAMPLES](), aggregator: metric.aggregator };
}
