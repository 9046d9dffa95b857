// What the instrumentations take from the rest of Kymo: spans, propagation, a registry. App threads; the one place of this folder where
// they meet.
import type { FlatAttributes } from '../binding/writable-span.js';
import type { Context } from '../context/context.js';
import type { MetricsRegistry } from '../metrics/registry.js';

/** What is asked of a span, recorded or not. */
export interface AnySpan {
  /** Changed only while it is the one that the span began with. */
  name: string;
  readonly context: Context;
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
  /** Lower-case names of query parameters whose values spans don't show. */
  readonly secrets: ReadonlySet<string>;
  /** `context` with what the headers of a request carry. */
  extract(context: Context, headers: IncomingHeaders): Context;
  /** Gives `set` each header that carries `context` on. */
  inject(context: Context, set: (name: string, value: string) => void): void;
}
