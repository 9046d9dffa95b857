// Switches the instrumentations of a thread on: servers, clients, `fetch`, Fastify. App threads, cold; nothing is patched, and it does
// not matter what was imported before.
import { perThread } from '../binding/per-thread.js';
import type { Context } from '../context/context.js';
import { currentPropagator, type Propagator } from '../context/propagator.js';
import { KymoError } from '../core/errors.js';
import { type MetricsRegistry, metrics } from '../metrics/registry.js';
import type { TracerProvider } from '../traces/provider.js';
import type { HttpClientOptions } from './client-calls.js';
import { FastifyInstrumentation } from './fastify.js';
import { HeaderReader } from './header-reader.js';
import { HttpClientInstrumentation } from './http-client.js';
import { HttpServerInstrumentation, type HttpServerOptions } from './http-server.js';
import { KNOWN_METHODS } from './semantic-conventions.js';
import type { Tracing } from './tracing.js';
import { UndiciInstrumentation } from './undici.js';
import { SECRET_PARAMETERS } from './url-redaction.js';

/** Options of {@link instrument}. */
export interface InstrumentOptions {
  /** Where spans go; default none: requests are only timed, and contexts stay as they are. */
  readonly provider?: TracerProvider | undefined;
  /** Where durations go; default `metrics`, the registry of the process. False: nowhere. */
  readonly registry?: MetricsRegistry | false;
  /** How traces go over the wire; default: as configured for the thread, by `OTEL_PROPAGATORS`. */
  readonly propagator?: Propagator;
  /** Query parameters whose values spans don't show, besides those that usually are secrets. Compared in lower case. */
  readonly redactQuery?: readonly string[];
  /** Methods that attributes and labels name; others are `_OTHER`. Default: those of RFC 9110, and PATCH. */
  readonly methods?: readonly string[];
  /** Servers of `node:http` and `node:https`; default on. */
  readonly server?: HttpServerOptions | boolean;
  /** Requests through `node:http` and `node:https`; default on. */
  readonly client?: HttpClientOptions | boolean;
  /** Requests of `fetch` and undici; default on. */
  readonly fetch?: HttpClientOptions | boolean;
  /** Routes and errors of Fastify; default on. */
  readonly fastify?: boolean;
}

/** What {@link instrument} switched on. */
export interface Instrumentation extends Disposable {
  /** Switches it off; requests under way are still ended. */
  stop(): void;
}

const active = perThread('instrument.active', () => ({ current: undefined as Instrumentation | undefined }));

/**
 * Traces and times every HTTP request that this thread answers or sends, from now on, whenever its servers and clients were made:
 * a server span in whose context the listeners run, client spans whose trace goes with the request, and the histograms
 * `http_server_request_duration_seconds` and `http_client_request_duration_seconds`. One per thread.
 * @throws KymoError `KYMO_INSTRUMENT_ACTIVE` while another one is on, `KYMO_METRICS_CONFLICT` when the registry has something else under
 *   these names.
 * @example const instrumentation = instrument({ provider });
 */
export function instrument(options: InstrumentOptions = {}): Instrumentation {
  if (active.current !== undefined) throw new KymoError('KYMO_INSTRUMENT_ACTIVE');
  const { server = true, client = true, fetch = true, fastify = true } = options;
  const tracing = tracingOf(options);
  const parts: { stop(): void }[] = [];
  const stop = (): void => {
    for (const part of parts.splice(0)) part.stop();
    if (active.current === instrumentation) active.current = undefined;
  };
  const instrumentation: Instrumentation = { stop, [Symbol.dispose]: stop };
  try {
    if (server !== false) parts.push(new HttpServerInstrumentation(tracing, server === true ? {} : server));
    if (client !== false) parts.push(new HttpClientInstrumentation(tracing, client === true ? {} : client));
    if (fetch !== false) parts.push(new UndiciInstrumentation(tracing, fetch === true ? {} : fetch));
    if (fastify) parts.push(new FastifyInstrumentation());
  } catch (error) {
    stop();
    throw error;
  }
  active.current = instrumentation;
  return instrumentation;
}

function tracingOf({ provider, registry = metrics, propagator, redactQuery = [], methods = KNOWN_METHODS }: InstrumentOptions): Tracing {
  const tracer = provider?.getTracer('kymo/http');
  const reader = new HeaderReader();
  return {
    begin: tracer === undefined ? undefined : (name, parent, kind, attributes) => tracer.begin(name, parent, kind, attributes),
    registry: registry === false || registry.disabled() ? undefined : registry,
    methods: new Set(methods),
    secrets: new Set([...SECRET_PARAMETERS, ...redactQuery.map((name) => name.toLowerCase())]),
    extract: (context, headers) => reader.extract(propagator ?? currentPropagator(), context, headers),
    inject: (context: Context, set) => (propagator ?? currentPropagator()).inject(context, { set }),
  };
}
