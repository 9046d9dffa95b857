// Something that happened at one moment of a span. App threads.
import type { FlatAttributes, SpanTime, WritableEvent } from '../binding/writable-span.js';
import { asObject } from './attributes.js';
import { jsonCopy } from './span-reading.js';
import { epochMsOf } from './span-time.js';

/** An event of a span; what it says is fixed when it is added. */
export class SpanEvent implements WritableEvent {
  readonly name: string;
  /** When, as records keep it; {@link timestamp} is for people. */
  readonly time: SpanTime;
  /** Number of the wall-clock anchor of its trace. */
  readonly clock: number;
  /** Its attributes as records keep them: key, value, key, value. */
  readonly pairs: FlatAttributes | undefined;
  /** Attributes beyond the limit. */
  readonly dropped: number;

  constructor(name: string, time: SpanTime, clock: number, pairs: FlatAttributes | undefined, dropped: number) {
    this.name = name;
    this.time = time;
    this.clock = clock;
    this.pairs = pairs;
    this.dropped = dropped;
  }

  /** Seconds since 1970, with fractions. */
  get timestamp(): number {
    return epochMsOf(this.time, this.clock) / 1_000;
  }

  /** A fresh object on each reading, empty without attributes. */
  get attributes(): Record<string, unknown> {
    return asObject(this.pairs);
  }

  /** For `JSON.stringify` and logs. */
  toJSON(): { name: string; timestamp: number; attributes: Record<string, unknown> } {
    return { name: this.name, timestamp: this.timestamp, attributes: jsonCopy(this.attributes) as Record<string, unknown> };
  }
}
