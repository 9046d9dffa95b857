// How metrics of several processes or threads become one: prom-client's aggregators, over what `getMetricsAsJSON()` gives. App threads.

/** A value as `getMetricsAsJSON()` gives it. */
export interface AggregatedValue {
  value: number;
  labels: Record<string, string | number>;
  metricName?: string;
}

/** A metric as `getMetricsAsJSON()` gives it. */
export interface AggregatedMetric {
  help: string;
  name: string;
  type: string;
  values: AggregatedValue[];
  aggregator: string;
}

/** Makes one metric of several of one name; undefined leaves it out. */
export type MetricAggregator = (metrics: readonly AggregatedMetric[]) => AggregatedMetric | undefined;

/** Equal for values of one series, whatever the order of their labels, and for no others: no character in a value can fake another label. */
function seriesKey({ metricName, labels }: AggregatedValue): string {
  const pairs = Object.keys(labels)
    .sort()
    .filter((name) => labels[name] !== undefined)
    .map((name) => [name, String(labels[name])]);
  return JSON.stringify([metricName, pairs]);
}

/** An aggregator that gives each series the value that `combine` makes of those of the single metrics. Timestamps and exemplars are left out. */
export function AggregatorFactory(combine: (values: readonly AggregatedValue[]) => number): MetricAggregator {
  return (metrics) => {
    const first = metrics[0];
    if (first === undefined) return undefined;
    const bySeries = new Map<string, AggregatedValue[]>();
    for (const { values } of metrics) {
      for (const value of values) {
        const key = seriesKey(value);
        const known = bySeries.get(key);
        if (known === undefined) bySeries.set(key, [value]);
        else known.push(value);
      }
    }
    const values = [...bySeries.values()].map((group): AggregatedValue => {
      const { labels, metricName } = group[0] as AggregatedValue;
      return { value: combine(group), labels, ...(metricName ? { metricName } : {}) };
    });
    return { help: first.help, name: first.name, type: first.type, values, aggregator: first.aggregator };
  };
}

const sumOf = (values: readonly AggregatedValue[]): number => values.reduce((sum, { value }) => sum + value, 0);

/** The aggregators by the names that a metric's `aggregator` may have. */
export const aggregators = {
  sum: AggregatorFactory(sumOf),
  first: AggregatorFactory((values) => (values[0] as AggregatedValue).value),
  omit: (): undefined => {},
  average: AggregatorFactory((values) => sumOf(values) / values.length),
  min: AggregatorFactory((values) => values.reduce((least, { value }) => Math.min(least, value), Infinity)),
  max: AggregatorFactory((values) => values.reduce((most, { value }) => Math.max(most, value), -Infinity)),
};

/** An aggregated metric as a registry takes it. */
export type AggregatedEntry = AggregatedMetric & { get: () => AggregatedMetric };

/**
 * One entry per metric name of several lists of metrics, aggregated as the first metric of the name says, or as `otherwise`
 * does where it says nothing.
 * @throws Error for an aggregator that does not exist.
 */
export function aggregated(lists: readonly (readonly AggregatedMetric[])[], otherwise?: keyof typeof aggregators): AggregatedEntry[] {
  const byName = new Map<string, AggregatedMetric[]>();
  for (const metric of lists.flat()) {
    const known = byName.get(metric.name);
    if (known === undefined) byName.set(metric.name, [metric]);
    else known.push(metric);
  }
  return [...byName.values()].flatMap((metrics) => {
    const name = (metrics[0] as AggregatedMetric).aggregator ?? otherwise;
    const aggregate = (aggregators as Record<string, MetricAggregator>)[name];
    if (typeof aggregate !== 'function') throw new Error(`'${name}' is not a defined aggregator.`);
    const metric = aggregate(metrics);
    return metric === undefined ? [] : [{ get: () => metric, ...metric }];
  });
}
