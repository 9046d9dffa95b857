// A span that belongs to no trace: it can be used as any other and leaves nothing behind. App threads.
import { performance } from 'node:perf_hooks';
import { FLAG_RANDOM } from '../context/context.js';
import { newTraceWordsAs } from '../context/id-text.js';
import { nextSpanNumber } from '../context/ids.js';
import { type Attributes, textOf } from './attributes.js';
import { CLOCK_IN_REST, CLOCK_SHIFT, Span } from './span.js';
import { threadRing } from './thread-ring.js';
import type { TimeInput } from './time-input.js';
import type { Tracer } from './tracer.js';

/** Keeps what is set on it for whoever holds it. It never becomes current, is not written, and no processor hears of it. */
export class DetachedSpan extends Span {
  constructor(tracer: Tracer, name: string, attributes: Attributes) {
    const words = { t0: 0, t1: 0, t2: 0, t3: 0 };
    newTraceWordsAs(tracer.provider.traceIdFormat, words);
    const { t0, t1, t2, t3 } = words;
    const number = nextSpanNumber(tracer.provider.narrow);
    super(tracer, textOf(name), t0, t1, t2, t3, number, 0, FLAG_RANDOM, performance.now(), undefined);
    this.takeRest().clock = threadRing().clock;
    this.bits |= CLOCK_IN_REST << CLOCK_SHIFT;
    this.setAttributes(attributes);
  }

  override activate(): this {
    return this;
  }

  override end(time?: TimeInput): void {
    this.close(time);
  }
}
