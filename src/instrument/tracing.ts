// What the instrumentations take from the rest of Kymo: spans, propagation, a registry. App threads; the one place of this folder where
// they meet.

import { now } from '../binding/span-clock.js';
import type { FlatAttributes, SpanTime } from '../binding/writable-span.js';
import type { Context } from '../context/context.js';
import type { MetricsRegistry } from '../metrics/registry.js';

/** What is asked of a span, recorded or not. */
export interface AnySpan {
  /** Changed only while it is the one that the span began with. */
  name: string;
  readonly context: Context;
  /** Ms of the monotonic clock; 0 where the span keeps no times. */
  readonly startedAt: SpanTime;
  readonly endedAt: SpanTime;
  isRecording(): boolean;
  setAttribute(key: string, value: string | number): unknown;
  setStatus(status: 'error'): unknown;
  recordException(error: unknown): unknown;
  end(): void;
}

/** Headers as node:http gives them. */
export type IncomingHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** Where telemetry of the instrumentations goes. */
export interface Tracing {
  /** Begins a span; undefined: no spans, and contexts stay as they are. */
  readonly begin: ((name: string, parent: Context, kind: 'server' | 'client', attributes: FlatAttributes) => AnySpan) | undefined;
  /** Undefined: no metrics. */
  readonly registry: MetricsRegistry | undefined;
  /** The methods that have a name, case-sensitively. */
  readonly methods: ReadonlySet<string>;
  /** Lower-case names of query parameters whose values spans don't show. */
  readonly secrets: ReadonlySet<string>;
  /** `context` with what the headers of a request carry. */
  extract(context: Context, headers: IncomingHeaders): Context;
  /** Gives `set` each header that carries `context` on. */
  inject(context: Context, set: (name: string, value: string) => void): void;
}

/** A time that a span has read, so that span and duration share a reading of the clock; now, where it has none. */
export function timeOf(time: SpanTime | undefined): number {
  return typeof time === 'number' && time !== 0 ? time : now();
}
