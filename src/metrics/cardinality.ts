// The report on how many series there are, and which labels make them. Pure functions, any thread.

/** A label of a metric. */
export interface LabelCardinality {
  readonly name: string;
  /** Distinct values; the first 100,000 are told apart. */
  readonly values: number;
  /** There are more than those. */
  readonly more: boolean;
  /** The ten values with most series, and how many those are. */
  readonly top: readonly (readonly [value: string, series: number])[];
}

/** A metric of {@link CardinalityReport}. */
export interface MetricCardinality {
  readonly name: string;
  /** Series that are shown. */
  readonly series: number;
  /** Series at most. */
  readonly maxSeries: number;
  /** Requests for a new series that were answered with the overflow series. */
  readonly overflowed: number;
  /** What labels and cells of the series take. */
  readonly bytes: number;
  /** The label with most values first. */
  readonly labels: readonly LabelCardinality[];
}

/** What `cardinality()` gives. */
export interface CardinalityReport {
  /** Series of all metrics. */
  readonly series: number;
  /** Bytes of all metrics. */
  readonly bytes: number;
  /** The metric with most series first. */
  readonly metrics: readonly MetricCardinality[];
}

/** Reads the addon's reports, of which each has the metrics of one registry, as one. */
export function readCardinality(reports: readonly string[]): CardinalityReport {
  const metrics = reports.flatMap((report) => (JSON.parse(report) as { readonly metrics: readonly MetricCardinality[] }).metrics);
  metrics.sort((a, b) => b.series - a.series || (a.name < b.name ? -1 : Number(a.name > b.name)));
  const sum = (of: (metric: MetricCardinality) => number): number => metrics.reduce((total, metric) => total + of(metric), 0);
  return { series: sum(({ series }) => series), bytes: sum(({ bytes }) => bytes), metrics };
}
