// One observation kept beside a count, in OpenMetrics. App threads.
import { native } from '../../binding/load.js';
import type { Series } from './series.js';
import type { SeriesTable } from './series-table.js';

/** Longest names and values together, in UTF-16 units (the specification says code points). */
const MAX_LENGTH = 128;

/** An exemplar. */
export class Exemplar {
  labelSet: object;
  value: number | null;
  /** Seconds since 1970. */
  declare timestamp: number;

  constructor(labelSet: object = {}, value: number | null = null) {
    this.labelSet = labelSet;
    this.value = value;
  }

  /** @throws RangeError for labels that are too long together. */
  validateExemplarLabelSet(labelSet: object): void {
    let text = '';
    for (const [name, value] of Object.entries(labelSet)) text += `${name}${value}`;
    if (text.length > MAX_LENGTH) throw new RangeError('Label set size must be smaller than 128 UTF-8 chars');
  }
}

/** Lets native code show an exemplar as well; `bucket` is its number in a histogram, 0 for a counter. */
export function keepNatively({ nativeId }: SeriesTable, { native: known, location }: Series, bucket: number, exemplar: Exemplar): void {
  if (!known) return;
  const { labelSet, value, timestamp } = exemplar;
  const segment = Math.floor(location / 2 ** 32);
  const pairs = Object.entries(labelSet).flatMap(([name, text]) => [name, `${text}`]);
  native.setExemplar(nativeId, segment, location - segment * 2 ** 32, bucket, Number(value), Math.floor(timestamp * 1000), ...pairs);
}

/** Seconds since 1970, by the clock of the moment: tests replace it. */
export function nowTimestamp(): number {
  return Date.now() / 1000;
}
