// Makes Kymo what the OpenTelemetry API of this process works with. App threads, once, before instrumentations are loaded.
import { context, diag, metrics, propagation, trace } from '@opentelemetry/api';
import { type PropagationFormat, parsePropagators } from '../../context/propagator.js';
import { KymoContextManager } from './context-manager.js';
import { KymoMeterProvider, type KymoMeterProviderOptions } from './metrics/meter-provider.js';
import { KymoPropagator } from './propagator.js';
import { KymoTracerProvider, type KymoTracerProviderOptions } from './tracer-provider.js';

/** Options of {@link register}; all may be left out. */
export interface RegisterOptions extends KymoTracerProviderOptions, KymoMeterProviderOptions {
  /** Formats of propagation. Default: those of OTEL_PROPAGATORS, else `tracecontext` and `baggage`. */
  readonly propagators?: readonly PropagationFormat[] | undefined;
}

/** What {@link register} put in place. */
export interface Registration extends AsyncDisposable {
  readonly tracerProvider: KymoTracerProvider;
  readonly meterProvider: KymoMeterProvider;
  /** Asks observable instruments for their values, and waits until all spans that ended before have left. */
  forceFlush(): Promise<void>;
  /** Flushes, ends, and takes Kymo out of the API again. */
  shutdown(): Promise<void>;
}

/**
 * Registers tracer provider, context manager, propagator and meter provider with `@opentelemetry/api`. What somebody else registered before
 * stays, as the API has it, and is said to `diag`.
 * @throws KymoError `KYMO_CONFIG_VALUE` names an option and what it should have been
 */
export function register(options: RegisterOptions = {}): Registration {
  const { propagators, registry, ...tracing } = options;
  if (propagators === undefined) warnOfUnknown(process.env.OTEL_PROPAGATORS);
  const tracerProvider = new KymoTracerProvider(tracing);
  const meterProvider = new KymoMeterProvider(registry === undefined ? {} : { registry });
  const taken = [
    context.setGlobalContextManager(new KymoContextManager().enable()) && context,
    propagation.setGlobalPropagator(new KymoPropagator(propagators)) && propagation,
    trace.setGlobalTracerProvider(tracerProvider) && trace,
    metrics.setGlobalMeterProvider(meterProvider) && metrics,
  ];
  const forceFlush = async (): Promise<void> => {
    await Promise.all([meterProvider.forceFlush(), tracerProvider.forceFlush()]);
  };
  const shutdown = async (): Promise<void> => {
    for (const api of taken) if (api) api.disable();
    await Promise.all([meterProvider.shutdown(), tracerProvider.shutdown()]);
  };
  return { tracerProvider, meterProvider, forceFlush, shutdown, [Symbol.asyncDispose]: shutdown };
}

function warnOfUnknown(propagators: string | undefined): void {
  const { unknown } = parsePropagators(propagators);
  if (unknown.length > 0) diag.warn(`kymo: OTEL_PROPAGATORS names formats that there are not: ${unknown.join(', ')}`);
}
