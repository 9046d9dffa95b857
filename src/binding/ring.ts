// Opens rings for the calling thread. App threads; cold.
import { threadId } from 'node:worker_threads';
import { asKymoError, native } from './load.js';
import type { RingOptions, RingState } from './native-ring.js';
import { RingWriter } from './ring-writer.js';

/** A ring of this thread: its writer, and what became of the records. */
export interface OpenedRing {
  /** Number of the ring in this process. */
  readonly number: number;
  readonly writer: RingWriter;
  /** Drops by reason and the spool's trouble so far. About 1 us per reason. */
  state(): RingState;
}

/**
 * Opens a ring, or takes over one that was opened with the same options by a thread that has ended. It is drained by the
 * collector from now on, and given back when this thread ends. About 1 ms once, for 4 MiB.
 * @throws KymoError `KYMO_RING_OPEN`
 */
export function openRing(options: RingOptions): OpenedRing {
  try {
    const attachment = native.ringOpen({ ...options, threadId });
    const { ring } = attachment;
    return { number: ring, writer: new RingWriter(native, attachment), state: () => native.ringState(ring) };
  } catch (error) {
    throw asKymoError(error);
  }
}
