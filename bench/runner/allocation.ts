// Counts the bytes that an operation leaves on the JavaScript heap. Needs --expose-gc and a young generation so large that no
// collection falls into a measurement: ALLOCATION_FLAGS. Main thread of the row's process, which must run nothing else.
import { getHeapStatistics } from 'node:v8';

/** Flags without which the counts would be guesses: 64 MB of young generation, filled by nothing but what is measured. */
export const ALLOCATION_FLAGS: readonly string[] = ['--min-semi-space-size=64', '--max-semi-space-size=64'];

/** Calls of a batch that let the compiler settle: well over what makes a function hot. */
const WARM_UP_CALLS = 2_000;
/** Calls measured at once: 20 batches of 1,000 operations show a single byte per operation as 20 kB. */
const CALLS = 20;
const ATTEMPTS = 9;

/**
 * Heap bytes per operation of `batch`, which does `perCall` of them. Background compilation may add bytes to an attempt but
 * nothing takes any away, so the lowest of several attempts counts; what is under half a byte per operation is 0.
 */
export function bytesPerOperation(batch: () => void, perCall: number): number {
  const collect = globalThis.gc;
  if (collect === undefined) throw new Error('allocation counts need --expose-gc');
  for (let call = 0; call < WARM_UP_CALLS; call++) batch();
  let lowest = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    collect();
    const before = getHeapStatistics().used_heap_size;
    for (let call = 0; call < CALLS; call++) batch();
    const bytes = getHeapStatistics().used_heap_size - before;
    // A collection in between would show as less than nothing.
    if (bytes >= 0) lowest = Math.min(lowest, bytes);
  }
  if (lowest === Number.POSITIVE_INFINITY) throw new Error('a collection fell into every attempt');
  return Math.round(lowest / (CALLS * perCall));
}
