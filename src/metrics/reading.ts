// Reads the values of one metric back from the native side, summed over all threads. Any app thread; cold: each call reads all
// series of the metric.
import { native } from '../binding/load.js';
import { finite, type NativeHistogramSnapshot } from './bucket-reading.js';

/** A series and its value or values. */
export interface SeriesReading {
  /** Label values in the order of the label names; none for the overflow series. */
  readonly values: readonly string[] | undefined;
  /** As the kind has them: one for counters and gauges. */
  readonly numbers: readonly number[];
  /** Of a histogram that has native buckets. */
  readonly native?: NativeHistogramSnapshot;
}

/** The labels of the series that takes what is over a metric's cap, as a scrape shows them. */
export const OVERFLOW_LABELS = 'otel_metric_overflow="true"';

type Row = [name: string, kind: number, labels: string, ...values: (number | string | NativeHistogramSnapshot)[]];

/** Every shown series of a metric. */
export function readMetric(id: number): SeriesReading[] {
  if (id < 0) return [];
  return (JSON.parse(native.snapshotMetric(id)) as Row[]).map(([, , labels, ...values]) => {
    const buckets = values.find((value) => typeof value === 'object');
    return {
      values: labels === OVERFLOW_LABELS ? undefined : valuesOf(labels),
      numbers: values.filter((value) => typeof value !== 'object').map(Number),
      ...(buckets === undefined ? {} : { native: finite(buckets) }),
    };
  });
}

/** The first numbers of all series together. */
export function sumOf(series: readonly SeriesReading[]): number {
  return series.reduce((sum, { numbers }) => sum + (numbers[0] as number), 0);
}

/** Label values of the series that have a text at each of the wanted positions. */
export function matching(series: readonly SeriesReading[], labels: number, wanted: ReadonlyMap<number, string>): (readonly string[])[] {
  const all = series.flatMap(({ values }) => (values?.length === labels ? [values] : []));
  return all.filter((values) => [...wanted].every(([at, text]) => values[at] === text));
}

/** `name="value"`, or `"name"="value"`, with both quoted texts escaped. */
const LABEL = /(?:"(?:[^"\\]|\\.)*"|[^",=]+)="((?:[^"\\]|\\.)*)"/gs;

/** The values of a label block, unescaped. */
export function valuesOf(block: string): string[] {
  return [...block.matchAll(LABEL)].map(([, escaped]) =>
    (escaped as string).replace(/\\(.)/gs, (_, character: string) => (character === 'n' ? '\n' : character)),
  );
}
