// A registry's values as plain objects. Pure functions, any thread.

/** A histogram's series at one moment. */
export interface HistogramSnapshot {
  /** Observations. */
  readonly count: number;
  /** Sum of the observed values. */
  readonly sum: number;
  /** Observations per bucket, not cumulative, by upper bound; the last is `+Inf`. */
  readonly buckets: Readonly<Record<string, number>>;
}

/** Values by series: `name`, or `name{label="value",...}` with values escaped as in the text format. */
export interface MetricsSnapshot {
  readonly counters: Record<string, number>;
  readonly gauges: Record<string, number>;
  readonly histograms: Record<string, HistogramSnapshot>;
}

type Row = [name: string, kind: number, labels: string, ...values: (number | string)[]];

/** Reads what the addon wrote; `boundsOf` gives a histogram's upper bounds. */
export function readSnapshot(json: string, boundsOf: (name: string) => readonly number[]): MetricsSnapshot {
  // Without prototypes: a metric may be called `constructor`, or a name that JSON.parse would treat as one.
  const snapshot: MetricsSnapshot = { counters: Object.create(null), gauges: Object.create(null), histograms: Object.create(null) };
  for (const [name, kind, labels, ...raw] of JSON.parse(json) as Row[]) {
    const key = labels === '' ? name : `${name}{${labels}}`;
    const values = raw.map(Number);
    if (kind === 1) snapshot.counters[key] = values[0] as number;
    else if (kind === 2) snapshot.gauges[key] = values[0] as number;
    else snapshot.histograms[key] = histogram(values, boundsOf(name));
  }
  return snapshot;
}

function histogram(values: readonly number[], bounds: readonly number[]): HistogramSnapshot {
  const counts = values.slice(0, -1);
  const names = counts.map((_, at) => (at < bounds.length ? String(bounds[at]) : '+Inf'));
  return {
    count: counts.reduce((sum, count) => sum + count, 0),
    sum: values.at(-1) as number,
    buckets: Object.fromEntries(names.map((name, at) => [name, counts[at] as number])),
  };
}
