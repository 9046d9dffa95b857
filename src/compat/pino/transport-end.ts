// Ends transports with the process: what waits is written first. App threads, at their end.
import type { TransportStream } from './transport-stream.js';

/** Streams that the process may have forgotten are not kept for this. */
const streams = new Set<WeakRef<TransportStream>>();
let isListening = false;

function each(act: (stream: TransportStream) => void): void {
  for (const weak of streams) {
    const stream = weak.deref();
    if (stream === undefined || stream.closed) streams.delete(weak);
    else act(stream);
  }
}

/** From now on `stream` is ended when the process, or the thread, ends: by itself, by `process.exit` or by an exception. */
export function endWithProcess(stream: TransportStream): void {
  streams.add(new WeakRef(stream));
  if (isListening) return;
  isListening = true;
  process.on('beforeExit', () => each((one) => one.settle()));
  process.on('exit', () => each((one) => one.endSync()));
}
