// The span ring of this thread, remembered: what `spanRing` finds by name is needed twice in each span. App threads.
import { type SpanSink, spanRing } from '../binding/span-ring.js';

let ring: SpanSink | undefined;

/** Opened on the first call, which takes about 1 ms. */
export function threadRing(): SpanSink {
  ring ??= spanRing();
  return ring;
}
