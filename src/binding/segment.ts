// This thread's views over its segments. The views never leave the package: a public one could be detached, and would be
// serialised whole by whoever logs the object that holds it. App threads.
import { isMainThread, threadId } from 'node:worker_threads';
import { EPOCH_AT } from './generated/layout.js';
import { asKymoError, native } from './load.js';

/** Bits of a {@link Place} that hold the cell: a cell segment has at most 2^20 of them. */
const CELL_BITS = 20;
const CELL_MASK = (1 << CELL_BITS) - 1;

/** Where a series' cells lie for this thread, in one small integer: a slot of {@link cellsAt} and a cell in it. */
export type Place = number;

/** Index of the epoch in {@link epochWords}. */
export const EPOCH = EPOCH_AT / 4;

const views: Float64Array[] = [];
const slots = new Map<number, number>();
/** The other way round. */
const segments: number[] = [];
let words: Int32Array | undefined;

function slotOf(segment: number): number {
  let slot = slots.get(segment);
  if (slot === undefined) {
    slot = views.push(new Float64Array(native.segmentBuffer(segment))) - 1;
    slots.set(segment, slot);
    segments[slot] = segment;
  }
  return slot;
}

/**
 * Begins this thread on the first call: its first segment. About 100 us once.
 * @throws KymoError `KYMO_MEMORY_REFUSED` when not even anonymous memory is to be had.
 */
export function attach(): void {
  if (words !== undefined) return;
  try {
    const segment = native.attachThread(threadId, isMainThread);
    words = new Int32Array((views[slotOf(segment)] as Float64Array).buffer);
  } catch (error) {
    throw asKymoError(error);
  }
}

/** The first segment as words, for the {@link EPOCH}; after {@link attach}. */
export function epochWords(): Int32Array {
  return words as Int32Array;
}

/** A location of the addon as a place of this thread. */
export function placeOf(location: number): Place {
  const segment = Math.floor(location / 2 ** 32);
  return (slotOf(segment) << CELL_BITS) | (location - segment * 2 ** 32);
}

/** Number of the segment that `place` lies in, for calls of the addon; the cell is {@link cellOf}. */
export function segmentOf(place: Place): number {
  return segments[place >>> CELL_BITS] as number;
}

/** The cells that `place` lies in. */
export function cellsAt(place: Place): Float64Array {
  return views[place >>> CELL_BITS] as Float64Array;
}

/** Index of the first cell of `place` in {@link cellsAt}. */
export function cellOf(place: Place): number {
  return place & CELL_MASK;
}
