// What the types of trace objects, presets and decorators allow and refuse; compiled, never run. `tracing.test.ts` compiles it.
import {
  getRecent,
  MessageSpans,
  newTrace,
  type OpenTrace,
  type RetainedTrace,
  type Span,
  type SpanData,
  SpanQueue,
  span,
  startTrace,
  Tracing,
  trace,
  traced,
} from '../../src/index.js';

/** Compiles only when both types are the same. */
function same<A, B>(_: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : never): void {}

// Without a function, what was started; with one, what that returns.
const opened = startTrace('a');
same<typeof opened, OpenTrace>(true);
const ran = startTrace('a', async (one) => one.spans.length);
same<typeof ran, Promise<number>>(true);
const begun = trace('a');
same<typeof begun, Span>(true);
const traceResult = trace('a', { n: 1 }, (one) => one.name);
same<typeof traceResult, string>(true);
const spanResult = span('a', {}, () => 7 as const);
same<typeof spanResult, 7>(true);
const recent = getRecent(3);
same<typeof recent, RetainedTrace[]>(true);
using _disposed = newTrace('a', { traceId: '01ARZ3NDEKTSV4RRFFQ69G5FAV' });
// @ts-expect-error spans are read, not written
opened.spans.push(begun);
// @ts-expect-error a capability is needed
newTrace();
// @ts-expect-error an id is text
newTrace('a', { traceId: 7 });

// @ts-expect-error no such preset
new Tracing({ preset: 'python' });
// @ts-expect-error no such form of ids
new Tracing({ traceIdFormat: 'decimal' });
// @ts-expect-error a logger has a method `info`
new Tracing({ logger: { log() {} } });
const tracing = new Tracing({ preset: 'agentos', retainedTraces: 5, logger: console, spanQueue: new SpanQueue() });
using _tool = tracing.startSpan('a', 'tool', { n: 1 });
// @ts-expect-error no such kind
tracing.startSpan('a', { kind: 'robot' });
// @ts-expect-error no such policy
new MessageSpans(tracing.tracer, { recipients: 'hidden' });
tracing.messages.startSendSpan({ type: 'a', sender: 'b' });
// @ts-expect-error the type is text
tracing.messages.startSendSpan({ type: 7 });
const next = new SpanQueue().get();
same<typeof next, Promise<SpanData>>(true);

// A wrapped function has the type of the function.
const load = traced({ kind: 'client' })(async (id: string, n?: number) => `${id}${n}`);
same<ReturnType<typeof load>, Promise<string>>(true);
// @ts-expect-error the argument is text
load(7);
// @ts-expect-error only options of spans in general
traced({ traceId: 'a' });

export class Shop {
  readonly name = 'shop';

  @traced()
  order(count: number): string {
    return this.name.repeat(count);
  }

  @traced({ name: 'open', kind: 'internal' })
  static open(this: void): Shop {
    return new Shop();
  }

  // @ts-expect-error a field is no method
  @traced()
  size = 7;
}
