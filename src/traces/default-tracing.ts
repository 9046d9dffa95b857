// The module functions: one tracing object of the thread, made when it is first asked for, which configuring replaces. App threads.
import { perThread } from '../binding/per-thread.js';
import type { Attributes } from './attributes.js';
import type { ConsumeOptions, PublishOptions } from './message-spans.js';
import type { OpenTrace } from './open-trace.js';
import type { RetainedTrace } from './retained-trace.js';
import type { Span } from './span.js';
import { type NewTraceOptions, Tracing } from './tracing.js';

const current = perThread<{ tracing: Tracing | undefined }>('traces.default', () => ({ tracing: undefined }));

/** The tracing object that the module functions act on: the one that was set, else one of the preset `default`. */
export function defaultTracing(): Tracing {
  current.tracing ??= new Tracing();
  return current.tracing;
}

/** Has the module functions act on `tracing`; undefined: on a new one of the preset `default`. Traces under way stay with theirs. */
export function setDefaultTracing(tracing: Tracing | undefined): void {
  current.tracing = tracing;
}

/** {@link Tracing.newTrace} */
export function newTrace(capability: string, options?: NewTraceOptions): OpenTrace {
  return defaultTracing().newTrace(capability, options);
}

/** {@link Tracing.startTrace} */
export function startTrace(name?: string, options?: NewTraceOptions): OpenTrace;
export function startTrace<R>(name: string, fn: (trace: OpenTrace) => R): R;
export function startTrace<R>(name?: string, given?: NewTraceOptions | ((trace: OpenTrace) => R)): OpenTrace | R {
  return defaultTracing().startTrace(name as string, given as (trace: OpenTrace) => R);
}

/** {@link Tracing.currentTrace} */
export function currentTrace(): OpenTrace | undefined {
  return defaultTracing().currentTrace();
}

/** {@link Tracing.attach} */
export function attach(trace: OpenTrace): void {
  trace.attach();
}

/** {@link Tracing.detach} */
export function detach(): void {
  defaultTracing().detach();
}

/** {@link Tracing.runWithTrace} */
export function runWithTrace<R>(trace: OpenTrace, fn: () => R): R {
  return defaultTracing().runWithTrace(trace, fn);
}

/** {@link Tracing.span} */
export function span(name: string, extras?: Attributes): Span;
export function span<R>(name: string, extras: Attributes, fn: (span: Span) => R): R;
export function span<R>(name: string, extras?: Attributes, fn?: (span: Span) => R): Span | R {
  return defaultTracing().span(name, extras as Attributes, fn as (span: Span) => R);
}

/** {@link Tracing.trace} */
export function trace(operationName: string, attributes?: Attributes): Span;
export function trace<R>(operationName: string, fn: (span: Span) => R): R;
export function trace<R>(operationName: string, attributes: Attributes, fn: (span: Span) => R): R;
export function trace<R>(operationName: string, given?: Attributes | ((span: Span) => R), fn?: (span: Span) => R): Span | R {
  return defaultTracing().trace(operationName, given as Attributes, fn as (span: Span) => R);
}

/** {@link Tracing.getRecent} */
export function getRecent(count?: number): RetainedTrace[] {
  return defaultTracing().getRecent(count);
}

/** {@link MessageSpans.traceConsume} */
export function traceConsume(channel: string, options?: ConsumeOptions): Span;
export function traceConsume<R>(channel: string, options: ConsumeOptions, fn: (span: Span) => R): R;
export function traceConsume<R>(channel: string, options?: ConsumeOptions, fn?: (span: Span) => R): Span | R {
  return defaultTracing().messages.traceConsume(channel, options as ConsumeOptions, fn as (span: Span) => R);
}

/** {@link MessageSpans.tracePublish} */
export function tracePublish(channel: string, options?: PublishOptions): Span;
export function tracePublish<R>(channel: string, options: PublishOptions, fn: (span: Span) => R): R;
export function tracePublish<R>(channel: string, options?: PublishOptions, fn?: (span: Span) => R): Span | R {
  return defaultTracing().messages.tracePublish(channel, options as PublishOptions, fn as (span: Span) => R);
}
