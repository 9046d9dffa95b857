// What applications call to pass a context on and to take one over, whatever the carrier is. App threads. Nothing here throws.
import { environmentCarrier, readerOf, writerOf } from './carrier.js';
import { activeContext, type Context, ROOT_CONTEXT } from './context.js';
import { currentPropagator } from './propagator.js';
import { SpanContext } from './span-context.js';

/**
 * Writes `context` (default: the active one) into `carrier`: a request or response of `node:http`, one of undici, `Headers`, a `Map`, a
 * plain object, a list as `rawHeaders`. Without a trace, a span or baggage there is nothing to write. Returns the carrier.
 */
export function inject<C>(carrier: C, context: Context = activeContext()): C {
  currentPropagator().inject(context, writerOf(carrier));
  return carrier;
}

/**
 * `base` (default: the active context) with what `carrier` says: an `IncomingMessage` or its headers, `Headers`, a `Map`, a message
 * object, a list as `rawHeaders`. Where it says nothing that is valid, `base` itself. The span of the result is remote.
 */
export function extract(carrier: unknown, base: Context = activeContext()): Context {
  return currentPropagator().extract(base, readerOf(carrier));
}

/** {@link inject} under the name of the older systems. */
export function injectContext(carrier: unknown, context: Context = activeContext()): void {
  inject(carrier, context);
}

/** Writes the active trace context into `carrier`; to be called before a message is sent. */
export function injectTraceContext(carrier: unknown): void {
  inject(carrier);
}

/** The span that `carrier` names; null when it names none, or one that is invalid. */
export function extractContext(carrier: unknown): SpanContext | null {
  return SpanContext.of(extract(carrier, ROOT_CONTEXT)) ?? null;
}

/** Writes `context` into the environment of a process to be started, as `TRACEPARENT`, `TRACESTATE`, `BAGGAGE`. Returns `env`. */
export function injectEnvironment<E extends Record<string, string | undefined>>(env: E, context: Context = activeContext()): E {
  currentPropagator().inject(context, environmentCarrier(env));
  return env;
}

/** The context that an environment brings, such as this process's that of whoever started it; the root where it brings none. */
export function extractEnvironment(env: Record<string, string | undefined>): Context {
  return currentPropagator().extract(ROOT_CONTEXT, environmentCarrier(env));
}
