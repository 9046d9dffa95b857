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

/** The text of one metric: made, coming, to be made of a copy, or (undefined) rendered natively. */
type Piece = string | Promise<string> | MetricData | undefined;

/** The text of `metrics` in this order. `show` gives the native registry that shows them, if one does. */
export async function scrape(
  registry: Registry,
  metrics: readonly RegistryEntry[],
  openMetrics: boolean,
  show: () => NativeRegistry | undefined,
): Promise<string> {
  const look = new Look(registry, metrics, openMetrics);
  openScrape(look);
  try {
    look.begin();
    // prom-client makes no text before this turn is over.
    await undefined;
    look.settle(metrics.length);
    const wanted = look.native();
    const shown = wanted.length > 0 ? show() : undefined;
    const text = shown && rendered(shown, wanted, openMetrics);
    const alone = wanted.length === metrics.length;
    const pieces = alone && text !== undefined ? [] : look.pieces(text !== undefined);
    closeScrape(look);
    if (text !== undefined && alone) return text;
    if (text !== undefined) putIn(split(await text, openMetrics), metrics, pieces);
    // The first that failed, not the first in the list.
    if (look.failure !== undefined) throw look.failure.error;
    return (await Promise.all(pieces)).join(openMetrics ? '\n' : '\n\n') + (openMetrics ? '\n# EOF\n' : '\n');
  } finally {
    closeScrape(look);
  }
}

function rendered(shown: NativeRegistry, metrics: readonly Metric[], openMetrics: boolean): string | Promise<string> {
  const format = openMetrics ? PROM_CLIENT_OPENMETRICS : PROM_CLIENT_TEXT;
  const lines = metrics.reduce((sum, metric) => sum + metric[TABLE].lines, 0);
  return lines > LINES_HERE ? native.renderAsync([shown.id], format, false) : native.renderSync([shown.id], format, false);
}

/** The text of each metric that native code knows: they are one or two line feeds apart, and no other line begins like a HELP line. */
function split(text: string, openMetrics: boolean): string[] {
  const head = '# HELP ';
  if (!openMetrics) return text.slice(0, -1).split('\n\n');
  return text
    .slice(head.length, -'\n# EOF\n'.length)
    .split(`\n${head}`)
    .map((metric) => head + metric);
}

/** Puts what was rendered where nothing else is. */
function putIn(texts: readonly string[], metrics: readonly RegistryEntry[], pieces: (string | Promise<string> | undefined)[]): void {
  let next = 0;
  for (const [at, metric] of metrics.entries()) {
    const known = ((metric as { [TABLE]?: SeriesTable })[TABLE]?.nativeId ?? -1) >= 0;
    const text = known ? texts[next++] : undefined;
    pieces[at] ??= text;
  }
}

/** One look at the metrics of a registry. */
class Look implements OpenScrape {
  readonly #registry: Registry;
  readonly #metrics: readonly RegistryEntry[];
  readonly #openMetrics: boolean;
  readonly #pieces: Piece[] = [];
  /** Place of what is rendered natively, as long as it does not change. */
  readonly #seen = new Map<SeriesTable, number>();
  /** Up to here the text would be made by now: not even sums change any more. */
  #settled = 0;
  /** What was thrown first. */
  failure: { readonly error: unknown } | undefined;

  constructor(registry: Registry, metrics: readonly RegistryEntry[], openMetrics: boolean) {
    this.#registry = registry;
    this.#metrics = metrics;
    this.#openMetrics = openMetrics;
  }

  /** Looks at all of them. */
  begin(): void {
    for (const [at, metric] of this.#metrics.entries()) {
      if (this.#openMetrics && metric.type === 'counter') metric.name = withoutTotal(metric.name);
      const piece = this.#at(metric, at);
      this.#pieces[at] = piece;
      if (piece instanceof Promise) piece.catch((error: unknown) => (this.failure ??= { error }));
      else if (piece === undefined) this.#seen.set((metric as unknown as Metric)[TABLE], at);
    }
  }

  #at(entry: RegistryEntry, at: number): Piece {
    const metric = entry as unknown as Metric;
    const reader = typeof entry.getForPromString === 'function' ? entry.getForPromString : entry.get;
    const own = metric[TABLE] !== undefined && READERS.has(reader);
    // What the program's code puts into the queue comes after the texts of the metrics before.
    if (!own || metric.collect) queueMicrotask(() => this.settle(at));
    if (!own) return this.#registry.getMetricsAsString(entry);
    let collected: Promise<unknown> | undefined;
    try {
      collected = runCollect(metric);
    } catch (error) {
      return Promise.resolve().then(() => {
        throw error;
      });
    }
    // In two steps, as there: what is recorded in between counts for sums.
    if (collected !== undefined) return collected.then(() => copyOf(metric)).then((copy) => this.#text(copy));
    // One that is there twice is copied the second time.
    return this.#isNative(metric) && !this.#seen.has(metric[TABLE]) ? undefined : copyOf(metric);
  }

  /** Makes the text of the first `count` metrics, or lets it be made before one of them changes. */
  settle(count: number): void {
    for (; this.#settled < count; this.#settled++) {
      const piece = this.#pieces[this.#settled];
      if (isCopy(piece)) this.#pieces[this.#settled] = this.#text(piece);
    }
  }

  beforeChange(table: SeriesTable): void {
    const at = this.#seen.get(table);
    if (at === undefined || this.#pieces[at] !== undefined) return;
    const copy = copyOf(this.#metrics[at] as unknown as Metric);
    this.#pieces[at] = at < this.#settled ? this.#text(copy) : copy;
  }

  beforeAdd(table: SeriesTable): void {
    const at = this.#seen.get(table);
    if (at !== undefined && at < this.#settled) this.beforeChange(table);
  }

  /** What native code is to render. */
  native(): Metric[] {
    const metrics = this.#metrics as unknown as readonly Metric[];
    return metrics.filter((metric, at) => this.#pieces[at] === undefined && this.#isNative(metric));
  }

  /** The texts of the rest, or of all. Everything is settled. */
  pieces(rest: boolean): (string | Promise<string> | undefined)[] {
    return this.#metrics.map((entry, at) => {
      const metric = entry as unknown as Metric;
      const piece = this.#pieces[at] as string | Promise<string> | undefined;
      return piece ?? (rest && this.#isNative(metric) ? undefined : this.#text(copyOf(metric)));
    });
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

function isCopy(piece: Piece): piece is MetricData {
  return typeof piece === 'object' && !(piece instanceof Promise);
}

function copyOf(metric: Metric): MetricData {
  return { help: metric.help, name: metric.name, type: metric.type, values: metric[SAMPLES](), aggregator: metric.aggregator };
}
