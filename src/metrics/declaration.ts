// Checks of a declaration: every error a user can make when declaring a metric, found before anything native happens.
// Pure functions, any thread.
import { KymoError } from '../core/errors.js';
import { DEFAULT_BUCKETS } from './histogram.js';
import type { Declaration, MissingLabels } from './metric.js';

/** Options of every kind of metric. */
export interface MetricOptions<N extends string = string> {
  /**
   * Letters, digits, `_`, `:`, and characters that Prometheus's text writes as `_` (such as `.` and `-`); not empty, no leading
   * digit, no white space. Base unit and suffix: `_seconds`, `_bytes`, `_total`.
   */
  readonly name: string;
  /** One sentence for whoever reads the graph. */
  readonly help: string;
  /** `[a-zA-Z_][a-zA-Z0-9_]*`, distinct, not starting with `__`, not `le` or `quantile`; at most 64. */
  readonly labelNames?: readonly N[];
  /** What a missing, `undefined` or `null` label value means; default `throw`. */
  readonly missingLabels?: MissingLabels;
}

/** Options of a gauge. */
export interface GaugeOptions<N extends string = string> extends MetricOptions<N> {
  /** Several threads: `sum` of those alive (default), or `last`: one value for the process, whoever wrote it last. */
  readonly aggregate?: 'sum' | 'last';
}

/** Options of a histogram. */
export interface HistogramOptions<N extends string = string> extends MetricOptions<N> {
  /** Upper bounds, finite, ascending, distinct, at least one and at most 1,000; +Inf is added. Default {@link DEFAULT_BUCKETS}. */
  readonly buckets?: readonly number[];
}

const NAME = /^[^\s\d"{}\\,=#\p{Cc}][^\s"{}\\,=#\p{Cc}]*$/u;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const RESERVED_LABELS: readonly string[] = ['le', 'quantile'];
const MAX_LABELS = 64;
const MAX_BUCKETS = 1000;
const MAX_NAME = 512;
const KINDS = { counter: 1, gauge: 2, histogram: 3 } as const;

/**
 * The declaration of an options object.
 * @throws KymoError `KYMO_METRICS_DECLARATION` with the metric and what is wrong.
 */
export function checkDeclaration(
  kind: keyof typeof KINDS,
  options: MetricOptions & { buckets?: readonly number[]; aggregate?: string },
): Declaration {
  const { name, help, labelNames = [], missingLabels = 'throw', buckets = DEFAULT_BUCKETS, aggregate = 'sum' } = options ?? {};
  const refuse = (problem: string): KymoError => new KymoError('KYMO_METRICS_DECLARATION', { metric: name, problem });
  if (typeof name !== 'string' || !NAME.test(name) || name.length > MAX_NAME) throw refuse('its name is not a metric name');
  if (typeof help !== 'string') throw refuse('`help` is not a string');
  if (!Array.isArray(labelNames)) throw refuse('`labelNames` is not an array');
  if (labelNames.length > MAX_LABELS) throw refuse(`it has ${labelNames.length} labels, at most ${MAX_LABELS} are possible`);
  for (const [at, label] of labelNames.entries()) {
    const shown = JSON.stringify(label);
    if (typeof label !== 'string' || !LABEL_NAME.test(label)) throw refuse(`${shown} is not a label name`);
    if (label.startsWith('__') || RESERVED_LABELS.includes(label)) throw refuse(`the label ${shown} is reserved`);
    if (labelNames.indexOf(label) !== at) throw refuse(`the label ${shown} is there twice`);
  }
  if (missingLabels !== 'throw' && missingLabels !== 'empty') throw refuse("`missingLabels` is neither 'throw' nor 'empty'");
  if (aggregate !== 'sum' && aggregate !== 'last') throw refuse("`aggregate` is neither 'sum' nor 'last'");
  const declaration = { name, help, kind: KINDS[kind], labelNames, missingLabels, last: aggregate === 'last' };
  return kind === 'histogram' ? { ...declaration, bounds: checkBuckets(buckets, refuse) } : declaration;
}

function checkBuckets(buckets: readonly number[], refuse: (problem: string) => KymoError): readonly number[] {
  if (!Array.isArray(buckets)) throw refuse('`buckets` is not an array');
  // An explicit +Inf at the end is what other clients ask for; it is always there.
  const bounds = buckets.at(-1) === Infinity ? buckets.slice(0, -1) : buckets;
  if (bounds.length === 0 || bounds.length > MAX_BUCKETS) throw refuse(`it has ${bounds.length} buckets, 1 to ${MAX_BUCKETS} are possible`);
  for (const [at, bound] of bounds.entries()) {
    if (!Number.isFinite(bound)) throw refuse(`the bucket ${String(bound)} is not a finite number`);
    if (at > 0 && !(bound > (bounds[at - 1] as number))) throw refuse(`its buckets do not ascend at ${bound}`);
  }
  return bounds;
}
