// Reads the text exposition back into numbers, for the status line and the closing summary: the demo shows what a scrape
// would show, and nothing that it kept beside it. Main thread.

/** One line of an exposition. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The cumulative buckets of a histogram: ascending upper bounds, the last one +Inf, and how many values fell at or below each. */
export interface Buckets {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
}

const LINE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const UNESCAPED: Readonly<Record<string, string>> = { '\\\\': '\\', '\\"': '"', '\\n': '\n' };

/** The samples of one exposition, by name. */
export class Samples {
  readonly #byName = new Map<string, Sample[]>();

  constructor(text: string) {
    for (const line of text.split('\n')) this.#add(line);
  }

  #add(line: string): void {
    const match = LINE.exec(line);
    if (match === null) return;
    const labels: Record<string, string> = {};
    for (const [, name, value] of (match[2] ?? '').matchAll(LABEL))
      labels[name] = value.replace(/\\[\\"n]/g, (escaped) => UNESCAPED[escaped]);
    const sample = { labels, value: numberOf(match[3]) };
    const known = this.#byName.get(match[1]);
    if (known === undefined) this.#byName.set(match[1], [sample]);
    else known.push(sample);
  }

  /** The samples of a name, none if it does not occur. */
  of(name: string): readonly Sample[] {
    return this.#byName.get(name) ?? [];
  }

  /** The sum of a name over all its series, 0 if it does not occur; `where` must agree with the labels it names. */
  sum(name: string, where: Readonly<Record<string, string>> = {}): number {
    const wanted = Object.entries(where);
    return this.of(name).reduce((sum, sample) => (wanted.every(([k, v]) => sample.labels[k] === v) ? sum + sample.value : sum), 0);
  }

  /** The sum of a name by the value of one label. */
  sumBy(name: string, label: string): Map<string, number> {
    const sums = new Map<string, number>();
    for (const { labels, value } of this.of(name)) sums.set(labels[label] ?? '', (sums.get(labels[label] ?? '') ?? 0) + value);
    return sums;
  }

  /** The buckets of a histogram, summed over all its series. */
  buckets(name: string): Buckets {
    const sums = [...this.sumBy(`${name}_bucket`, 'le')].map(([le, value]) => [numberOf(le), value] as const).sort((a, b) => a[0] - b[0]);
    return { bounds: sums.map(([bound]) => bound), counts: sums.map(([, value]) => value) };
  }
}

function numberOf(text: string): number {
  return text === '+Inf' ? Number.POSITIVE_INFINITY : text === '-Inf' ? Number.NEGATIVE_INFINITY : Number(text);
}

/** What was added to a histogram between two readings. */
export function bucketsSince(now: Buckets, before: Buckets): Buckets {
  const earlier = new Map(before.bounds.map((bound, i) => [bound, before.counts[i]]));
  return { bounds: now.bounds, counts: now.counts.map((value, i) => value - (earlier.get(now.bounds[i]) ?? 0)) };
}

/**
 * The value below which the share `quantile` in [0, 1] of the observations lies, by the rule of PromQL's
 * `histogram_quantile`: linear within a bucket, the last finite bound for what lies beyond it. NaN without observations.
 */
export function quantileOf(buckets: Buckets, quantile: number): number {
  const total = buckets.counts.at(-1) ?? 0;
  if (total === 0) return Number.NaN;
  const rank = quantile * total;
  const i = buckets.counts.findIndex((value) => value >= rank);
  const upper = buckets.bounds[i];
  if (upper === Number.POSITIVE_INFINITY) return buckets.bounds[i - 1] ?? Number.NaN;
  const lower = i === 0 ? Math.min(0, upper) : buckets.bounds[i - 1];
  const below = i === 0 ? 0 : buckets.counts[i - 1];
  const inside = buckets.counts[i] - below;
  return inside === 0 ? lower : lower + ((upper - lower) * (rank - below)) / inside;
}
