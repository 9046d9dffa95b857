// A registry's values as plain objects: grouped by kind, or one entry per series. Pure functions, any thread.
import { finite, type NativeHistogramSnapshot } from './bucket-reading.js';
import { valuesOf } from './reading.js';

/** A histogram's series at one moment. */
export interface HistogramSnapshot {
  /** Observations. */
  readonly count: number;
  /** Sum of the observed values. */
  readonly sum: number;
  /** Observations per bucket, not cumulative, by upper bound; the last is `+Inf`. Empty for one with native buckets only. */
  readonly buckets: Readonly<Record<string, number>>;
  /** Where the histogram has native buckets. */
  readonly native?: NativeHistogramSnapshot;
}

/** A summary's series at one moment. */
export interface SummarySnapshot {
  /** Observations since the start. */
  readonly count: number;
  /** Their sum. */
  readonly sum: number;
  /** Value per quantile over the window; NaN when nothing was observed in it. */
  readonly quantiles: Readonly<Record<string, number>>;
}

/** Values by series: `name`, or `name{label="value",...}` with values escaped as in the text format. */
export interface MetricsSnapshot {
  readonly counters: Record<string, number>;
  readonly gauges: Record<string, number>;
  readonly histograms: Record<string, HistogramSnapshot>;
  readonly summaries: Record<string, SummarySnapshot>;
  readonly infos: Record<string, number>;
  /** 0 or 1 per state. */
  readonly stateSets: Record<string, Readonly<Record<string, number>>>;
}

interface SampleHead {
  readonly name: string;
  /** Seconds since 1970; one for all samples of a call. */
  readonly timestamp: number;
  /** Where the metric has labels. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** One series of {@link collectSamples}. */
export type MetricSample = SampleHead &
  (
    | { readonly type: 'counter' | 'gauge' | 'info'; readonly value: number }
    | {
        readonly type: 'histogram';
        readonly count: number;
        readonly sum: number;
        /** Observations per bucket by upper bound, not cumulative and without +Inf: what is over is `count` less all of them. */
        readonly buckets: Readonly<Record<string, number>>;
        readonly native?: NativeHistogramSnapshot;
      }
    | ({ readonly type: 'summary' } & SummarySnapshot)
    | { readonly type: 'stateset'; readonly states: Readonly<Record<string, number>> }
  );

/** What the numbers of a metric's series stand for. */
export interface Meaning {
  /** Upper bounds of a histogram's classic buckets without +Inf. */
  readonly bounds: readonly number[];
  /** Of a summary. */
  readonly quantiles: readonly number[];
  /** Of a state set. */
  readonly states: readonly string[];
}

type Row = [name: string, kind: number, labels: string, ...values: (number | string | NativeHistogramSnapshot)[]];

/** One series, read. */
interface Series {
  /** Name, and labels if any. */
  readonly key: string;
  readonly name: string;
  readonly kind: number;
  readonly labels: string;
  readonly values: readonly number[];
  readonly native?: NativeHistogramSnapshot;
  readonly meaning: Meaning;
}

/** Kinds of {@link KINDS} in the order of {@link collectSamples}. */
const COLLECTED = [1, 3, 2, 4, 5, 6];
const TYPES = ['', 'counter', 'gauge', 'histogram', 'summary', 'info', 'stateset'] as const;

/** What the addon wrote of one registry, and what its numbers mean; asked only of kinds whose numbers have names. */
export interface SnapshotPart {
  readonly json: string;
  readonly meaningOf: (name: string) => Meaning;
}

const PLAIN: Meaning = { bounds: [], quantiles: [], states: [] };

/** Whose numbers have names. */
const NAMED_KINDS: readonly number[] = [3, 4, 6];

/** All series of the registries: of those that would be one in a scrape, the first. */
function* seriesOf(parts: readonly SnapshotPart[]): Generator<Series> {
  const kinds = new Map<string, number>();
  const seen = new Set<string>();
  for (const { json, meaningOf } of parts) {
    let last: { name: string; meaning: Meaning } | undefined;
    for (const [name, kind, labels, ...raw] of JSON.parse(json) as Row[]) {
      const key = labels === '' ? name : `${name}{${labels}}`;
      if ((kinds.get(name) ?? kind) !== kind || seen.has(key)) continue;
      kinds.set(name, kind);
      seen.add(key);
      if (last?.name !== name) last = { name, meaning: NAMED_KINDS.includes(kind) ? meaningOf(name) : PLAIN };
      const native = raw.find((value) => typeof value === 'object') as NativeHistogramSnapshot | undefined;
      const values = raw.filter((value) => typeof value !== 'object').map(Number);
      yield { key, name, kind, labels, values, meaning: last.meaning, ...(native === undefined ? {} : { native: finite(native) }) };
    }
  }
}

/** Objects without prototypes: a metric may be called `constructor`, or a name that JSON.parse would treat as one. */
const bare = <V>(): Record<string, V> => Object.create(null) as Record<string, V>;

/** Reads what the addon wrote, grouped by kind. */
export function readSnapshot(parts: readonly SnapshotPart[]): MetricsSnapshot {
  const snapshot: MetricsSnapshot = {
    counters: bare(),
    gauges: bare(),
    histograms: bare(),
    summaries: bare(),
    infos: bare(),
    stateSets: bare(),
  };
  const { counters, gauges, histograms, summaries, infos, stateSets } = snapshot;
  const groups: readonly Record<string, unknown>[] = [{}, counters, gauges, histograms, summaries, infos, stateSets];
  for (const series of seriesOf(parts)) (groups[series.kind] as Record<string, unknown>)[series.key] = contentOf(series);
  return snapshot;
}

/**
 * Reads what the addon wrote, one entry per series: counters first, then histograms, gauges, summaries, infos and state sets, each
 * kind in the order of its declarations.
 */
export function collectSamples(parts: readonly SnapshotPart[], timestamp: number): MetricSample[] {
  const series = [...seriesOf(parts)];
  return COLLECTED.flatMap((kind) => series.filter((one) => one.kind === kind).map((one) => sampleOf(one, timestamp)));
}

function sampleOf(series: Series, timestamp: number): MetricSample {
  const { name, kind, labels } = series;
  const head = { name, type: TYPES[kind], timestamp, ...(labels === '' ? {} : { labels: readLabels(labels) }) };
  const value = contentOf(series);
  if (typeof value === 'number') return { ...head, value } as MetricSample;
  if (kind === 6) return { ...head, states: value } as MetricSample;
  if (kind !== 3) return { ...head, ...(value as SummarySnapshot) } as MetricSample;
  const { '+Inf': _, ...buckets } = (value as HistogramSnapshot).buckets;
  return { ...head, ...(value as HistogramSnapshot), buckets } as MetricSample;
}

function contentOf({ kind, values, native, meaning }: Series): number | HistogramSnapshot | SummarySnapshot | Record<string, number> {
  if (kind === 3) return histogram(values, meaning.bounds, native);
  if (kind === 4) return { count: values[0] as number, sum: values[1] as number, quantiles: named(meaning.quantiles, values.slice(2)) };
  if (kind === 6) return named(meaning.states, values);
  return values[0] as number;
}

function histogram(values: readonly number[], bounds: readonly number[], native: NativeHistogramSnapshot | undefined): HistogramSnapshot {
  const more = native === undefined ? {} : { native };
  if (bounds.length === 0) return { count: values[0] as number, sum: values[1] as number, buckets: {}, ...more };
  const counts = values.slice(0, -1);
  return {
    count: counts.reduce((sum, count) => sum + count, 0),
    sum: values.at(-1) as number,
    buckets: named([...bounds, '+Inf'], counts),
    ...more,
  };
}

function named(names: readonly (number | string)[], values: readonly number[]): Record<string, number> {
  return Object.fromEntries(names.map((name, at) => [String(name), values[at] as number]));
}

/** A label's name in a block, quoted where it is not made of letters, digits and underscores. */
const LABEL_NAME = /("(?:[^"\\]|\\.)*"|[^",=]+)="(?:[^"\\]|\\.)*"/gs;

/** Labels of a block `a="x",b="y"`, unescaped. */
export function readLabels(block: string): Readonly<Record<string, string>> {
  const names = [...block.matchAll(LABEL_NAME)].map(([, name]) => (name as string).replace(/^"|"$/g, '').replace(/\\(.)/gs, '$1'));
  const values = valuesOf(block);
  return Object.fromEntries(names.map((name, at) => [name, values[at] as string]));
}
