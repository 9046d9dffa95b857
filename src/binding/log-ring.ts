// The log ring of the calling thread, opened when its first line is written. App threads.
import { isMainThread, threadId } from 'node:worker_threads';
import { DISABLED, native } from './load.js';
import { type EncodedFields, emptyCall, type LogWriter, RingLogWriter } from './log-writer.js';
import { perThread } from './per-thread.js';
import type { Redaction } from './redaction.js';

/** Bytes of a main thread's ring; a worker's is a quarter of it. */
const RING_BYTES = 4 << 20;

/** Writes nothing; counts it, unless nobody wants it counted. */
class Nowhere implements LogWriter {
  readonly call = emptyCall();
  readonly ring = -1;
  readonly epoch = 0;
  redaction: Redaction | undefined;
  readonly #isCounted: boolean;

  constructor(isCounted: boolean) {
    this.#isCounted = isCounted;
  }

  write(): boolean {
    if (this.#isCounted) native.logLost(this.call.level, 1);
    return false;
  }

  line(): boolean {
    return this.write();
  }

  logger(): number {
    return -1;
  }

  encode(): EncodedFields {
    return { words: new DataView(new ArrayBuffer(0)), length: 0, epoch: 0 };
  }

  record(): Uint8Array {
    return new Uint8Array();
  }

  show(): void {
    // Nothing would be written.
  }

  settle(): void {
    // Nothing was begun.
  }
}

function open(): LogWriter {
  if (DISABLED) return new Nowhere(false);
  try {
    const writer = new RingLogWriter(native, native.logRingOpen({ sizeBytes: isMainThread ? RING_BYTES : RING_BYTES >> 2, threadId }));
    // The last turn of a process or worker may end inside of a record.
    process.on('exit', () => writer.settle());
    return writer;
  } catch {
    return new Nowhere(true);
  }
}

/**
 * The calling thread's log ring. Opening it costs about 1 ms, once; a thread that gets no memory counts its lines as lost for
 * `no_memory`. Two builds of this package on one thread write the same ring.
 */
export function logRing(): LogWriter {
  return perThread('log-ring', open);
}
