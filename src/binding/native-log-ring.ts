// What the addon offers for the log ring of a thread: native/binding/src/logs/ring.rs in TypeScript.
import type { RingAttachment } from './native-ring.js';

/** Part of the addon's exports. */
export interface NativeLogRing {
  /** Opens the calling thread's log ring. Cold; fails with `KYMO_RING_OPEN`. */
  logRingOpen(options: { readonly sizeBytes: number; readonly threadId: number }): RingAttachment;
  /** Counts lines of a level that a thread without a ring lost: `no_memory`. */
  logLost(level: number, lines: number): void;
}
