// The span ring of the calling thread, opened when its first span ends. App threads.
import { isMainThread, threadId } from 'node:worker_threads';
import { DISABLED, native } from './load.js';
import { perThread } from './per-thread.js';
import { SpanWriter } from './span-writer.js';
import type { WritableSpan } from './writable-span.js';

/** What takes spans: a ring, or nothing where none can be had. */
export interface SpanSink {
  /** Number of the wall anchor in force. */
  readonly clock: number;
  /** See {@link SpanWriter.write}. */
  write(span: WritableSpan, s0: number, s1: number): boolean;
}

/** Bytes of a main thread's ring; a worker's is a quarter of it. */
const RING_BYTES = 4 << 20;

/** Counts what no ring could take. */
const NOWHERE: SpanSink = {
  clock: 0,
  write() {
    native.tracesDropped('no_memory', 1);
    return false;
  },
};

const NOTHING: SpanSink = { clock: 0, write: () => false };

function open(): SpanSink {
  if (DISABLED) return NOTHING;
  try {
    return new SpanWriter(native, native.spanRingOpen({ sizeBytes: isMainThread ? RING_BYTES : RING_BYTES >> 2, threadId }));
  } catch {
    return NOWHERE;
  }
}

/**
 * The calling thread's span ring. Opening it costs about 1 ms, once; a thread that gets no memory counts its spans as lost for
 * `no_memory`. Two builds of this package on one thread write the same ring.
 */
export function spanRing(): SpanSink {
  return perThread('span-ring', open);
}
