// Counts what is dropped, by reason, in `kymo_dropped_total` of the process's own registry. App threads; a drop is one
// store into a cell that was made beforehand, so that counting works when memory has run out.

import { native } from '../binding/load.js';
import { attach, cellOf, cellsAt, type Place, placeOf } from '../binding/segment.js';

/** Name of the registry that holds Kymo's own metrics; the ops server appends it to every scrape. */
export const SELF_REGISTRY = 'kymo';

/** Why a value of a metric was dropped. */
export const DROP_REASONS = [
  'not_finite',
  'negative',
  'not_a_number',
  'label_too_long',
  'label_value',
  'memory',
  'unregistered',
  'buffer_full',
  'unknown_metric',
  'record_failed',
  'exemplar_too_long',
  'exemplar_labels',
  'unknown_state',
] as const;

/** One of {@link DROP_REASONS}. */
export type DropReason = (typeof DROP_REASONS)[number];

/** Not recorded because a view said so: not a drop, and not counted. */
export const BY_CHOICE = 'by_choice' as unknown as DropReason;

const places = new Map<DropReason, Place>();

/** Makes the cells of all reasons for this thread; repeated calls do nothing. */
export function prepareDrops(): void {
  if (places.size > 0) return;
  attach();
  const metric = native.declareMetric(native.openRegistry(SELF_REGISTRY), {
    name: 'kymo_dropped_total',
    help: 'Telemetry that was dropped, by signal and reason.',
    kind: 1,
    labelNames: ['signal', 'reason'],
    last: false,
  });
  for (const reason of DROP_REASONS) {
    const location = native.registerSeries(metric, 'metrics', reason);
    if (location >= 0) places.set(reason, placeOf(location));
  }
}

/** Counts one drop. Never throws. */
export function dropped(reason: DropReason): void {
  const place = places.get(reason);
  if (place !== undefined) (cellsAt(place) as Float64Array)[cellOf(place)] += 1;
}

/** Counts the drop of a number that a metric cannot take. Never throws. */
export function droppedValue(value: unknown): void {
  dropped(typeof value !== 'number' ? 'not_a_number' : value < 0 && value > -Infinity ? 'negative' : 'not_finite');
}
