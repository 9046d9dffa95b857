// Spans that a test can read, in place of a tracer: real contexts, and everything that was set on them.
import { Context, spanNumberOf } from '../../src/context/context.js';
import { nextSpanNumber } from '../../src/context/ids.js';
import { KNOWN_METHODS } from '../../src/instrument/semantic-conventions.js';
import type { AnySpan, Tracing } from '../../src/instrument/tracing.js';
import { SECRET_PARAMETERS } from '../../src/instrument/url-redaction.js';
import type { MetricsRegistry } from '../../src/metrics/registry.js';

export class RecordedSpan implements AnySpan {
  readonly attributes: Record<string, unknown> = {};
  readonly exceptions: unknown[] = [];
  readonly context: Context;
  readonly startedAt = 0;
  readonly endedAt = 0;
  status = 'unset';
  ended = 0;

  constructor(
    public name: string,
    readonly parent: Context,
    readonly kind: string,
    pairs: readonly unknown[],
  ) {
    for (let at = 0; at < pairs.length; at += 2) this.attributes[pairs[at] as string] = pairs[at + 1];
    this.context = new Context(1, 2, 3, parent.t3 || nextSpanNumber(), (nextSpanNumber() << 2) | 1);
  }

  isRecording(): boolean {
    return this.ended === 0;
  }

  setAttribute(key: string, value: unknown): void {
    this.attributes[key] = value;
  }

  setStatus(status: string): void {
    this.status = status;
  }

  recordException(error: unknown): void {
    this.exceptions.push(error);
  }

  end(): void {
    this.ended++;
  }
}

/** Spans in the order of their beginning, and where instrumentations put them. Headers carry the number of a span in `x-span`. */
export class RecordedSpans implements Tracing {
  readonly spans: RecordedSpan[] = [];
  readonly methods: ReadonlySet<string> = new Set(KNOWN_METHODS);
  readonly secrets: ReadonlySet<string> = new Set(SECRET_PARAMETERS);

  constructor(readonly registry: MetricsRegistry | undefined = undefined) {}

  readonly begin = (name: string, parent: Context, kind: string, pairs: readonly unknown[]): RecordedSpan => {
    const span = new RecordedSpan(name, parent, kind, pairs);
    this.spans.push(span);
    return span;
  };

  extract(context: Context, headers: Readonly<Record<string, unknown>>): Context {
    const carried = headers['x-span'];
    return typeof carried === 'string' ? new Context(1, 2, 3, 4, (Number(carried) << 2) | 1) : context;
  }

  inject(context: Context, set: (name: string, value: string) => void): void {
    set('x-span', String(spanNumberOf(context)));
  }

  /** The span whose context this is: its place in {@link spans}; -1 for none of them. */
  indexOf(context: Context): number {
    return this.spans.findIndex((span) => span.context === context);
  }
}
