// Exemplars: observations that keep the labels of their trace, given by the caller or asked of a source now and then. App
// threads; an observation without one pays for a look at an argument, whether there is a source or not.
import { native } from '../binding/load.js';
import { cellOf, type Place, segmentOf } from '../binding/segment.js';
import { KymoError } from '../core/errors.js';
import { type DropReason, dropped } from './drops.js';
import { type LabelValue, labelText } from './labels.js';
import { MethodLayer } from './method-layers.js';

/** Labels of an exemplar, `trace_id` and `span_id` by convention; undefined and null are left out. */
export type ExemplarLabels = Readonly<Record<string, LabelValue | undefined | null>>;

/** Gives the labels of what is going on now, or undefined when that is no trace. What it throws counts as bad labels. */
export type ExemplarSource = () => ExemplarLabels | undefined;

/** Options of {@link setExemplarSource}. */
export interface ExemplarSourceOptions {
  /** The source is asked at most once per bucket of a series in this time, in ms, at least 1; default 1,000. */
  readonly intervalMs?: number;
}

/** Names and values together, in Unicode code points (OpenMetrics 1.0, "Exemplars"). */
export const MAX_CODE_POINTS = 128;

/** The bucket of an exemplar of a histogram that has exponential buckets only. */
export const NATIVE_BUCKET = 2 ** 32 - 1;

const NAME = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/;

/** While there is a source: lies over methods that record, and has them {@link sampleExemplar} when no exemplar was given. */
export const sampling = new MethodLayer();

let source: ExemplarSource | undefined;
let timer: NodeJS.Timeout | undefined;
/** Buckets for which the source was asked in this interval: the place of the series, plus the bucket. */
const asked = new Set<number>();

/**
 * From now on observations of this thread get exemplars by themselves, from `source`; undefined ends that. With a source an
 * observation costs about 25 ns more; without one nothing.
 * @throws KymoError `KYMO_CONFIG_VALUE` for a source that is no function, or an interval that is no number of at least 1.
 */
export function setExemplarSource(next: ExemplarSource | undefined, { intervalMs = 1000 }: ExemplarSourceOptions = {}): void {
  if (next !== undefined && typeof next !== 'function') {
    throw new KymoError('KYMO_CONFIG_VALUE', { source: 'source', value: typeof next, expected: 'a function or undefined' });
  }
  if (!(typeof intervalMs === 'number' && intervalMs >= 1 && intervalMs < 2 ** 31)) {
    throw new KymoError('KYMO_CONFIG_VALUE', { source: 'intervalMs', value: String(intervalMs), expected: 'a number of at least 1' });
  }
  clearInterval(timer);
  asked.clear();
  source = next;
  sampling.turn(next !== undefined);
  timer = next === undefined ? undefined : setInterval(() => asked.clear(), intervalMs).unref();
}

/**
 * Keeps an exemplar of an observation that was recorded already. Bad labels are dropped and counted; the observation stays.
 * Never throws; about 1 us.
 * @param metric process-wide id
 * @param place the series
 * @param bucket 0 for a counter, the bucket of a classic histogram, or {@link NATIVE_BUCKET}
 * @param value the observation
 */
export function keepExemplar(metric: number, place: Place, bucket: number, value: number, labels: ExemplarLabels): void {
  keep(metric, place, bucket, value, () => labels);
}

/**
 * Asks the source for an exemplar of an observation that was recorded already, unless it was asked for this bucket in this
 * interval. Never throws.
 * @param key tells the buckets of a series apart: less than its cells; `bucket` where that does
 */
export function sampleExemplar(metric: number, place: Place, bucket: number, value: number, key: number = bucket): void {
  if (source === undefined || asked.has(place + key)) return;
  asked.add(place + key);
  keep(metric, place, bucket, value, source);
}

function keep(metric: number, place: Place, bucket: number, value: number, labels: ExemplarSource): void {
  let pairs: string[] | DropReason | undefined;
  try {
    const given = labels();
    pairs = given === undefined ? undefined : pairsOf(given);
  } catch {
    pairs = 'exemplar_labels';
  }
  if (typeof pairs === 'string') dropped(pairs);
  else if (pairs !== undefined) native.setExemplar(metric, segmentOf(place), cellOf(place), bucket, value, Date.now(), ...pairs);
}

/** Names and values in turn, or why they cannot be kept. */
function pairsOf(labels: ExemplarLabels): string[] | DropReason {
  if (typeof labels !== 'object' || labels === null) return 'exemplar_labels';
  const pairs: string[] = [];
  let units = 0;
  for (const name of Object.keys(labels)) {
    const value = labels[name];
    if (value === undefined || value === null) continue;
    const text = labelText(value);
    if (text === undefined || !NAME.test(name)) return 'exemplar_labels';
    pairs.push(name, text);
    units += name.length + text.length;
  }
  // A code point is one or two UTF-16 units, so counting is needed only in between.
  const long = units > MAX_CODE_POINTS && (units > 2 * MAX_CODE_POINTS || codePoints(pairs) > MAX_CODE_POINTS);
  return long ? 'exemplar_too_long' : pairs;
}

function codePoints(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + [...text].length, 0);
}
