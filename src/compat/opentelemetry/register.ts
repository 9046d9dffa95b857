// Makes Kymo what the OpenTelemetry API of this process works with. App threads, once, before instrumentations are loaded.
import { context, metrics, propagation, trace } from '@opentelemetry/api';
import { readOpenTelemetry } from '../../config/opentelemetry.js';
import type { PropagationFormat } from '../../context/propagator.js';
import { prepareTracing, type TracingStackOptions } from '../../stack/tracing.js';
import { KymoContextManager } from './context-manager.js';
import { KymoMeterProvider, type KymoMeterProviderOptions } from './metrics/meter-provider.js';
import { KymoPropagator } from './propagator.js';
import { SamplerBridge } from './sampler-bridge.js';
import { KymoTracerProvider, type KymoTracerProviderOptions } from './tracer-provider.js';

/** Options of {@link register}; all may be left out. */
export interface RegisterOptions extends Omit<KymoTracerProviderOptions, 'kymo'>, KymoMeterProviderOptions {
  /**
   * As for `configureTracing` of `kymo`: service name, sampler, limits, exporters. What is left out comes from the `OTEL_*` variables. Not
   * used where a `provider` is given.
   */
  readonly tracing?: Omit<TracingStackOptions, 'ops' | 'propagators'> | undefined;
  /** Formats of propagation. Default: those of OTEL_PROPAGATORS, else `tracecontext` and `baggage`. */
  readonly propagators?: readonly PropagationFormat[] | undefined;
}

/** What {@link register} put in place. */
export interface Registration extends AsyncDisposable {
  readonly tracerProvider: KymoTracerProvider;
  readonly meterProvider: KymoMeterProvider;
  /**
   * Asks observable instruments for their values, and waits until all spans that ended before have left.
   * @throws Error when spans were left after 30 s
   */
  forceFlush(): Promise<void>;
  /** Flushes, ends, and takes Kymo out of the API again. @throws as {@link forceFlush} */
  shutdown(): Promise<void>;
}

/**
 * Registers tracer provider, context manager, propagator and meter provider with `@opentelemetry/api`. What somebody else registered before
 * stays, as the API has it, and is said to its `diag`. With `OTEL_SDK_DISABLED=true` contexts and propagation work, and nothing is recorded.
 * @throws KymoError `KYMO_CONFIG_VALUE`, `KYMO_EXPORT_OPTION` name an option and what it should have been
 */
export function register(options: RegisterOptions = {}): Registration {
  const { propagators, registry, tracing, sampler, provider, ...rest } = options;
  const decides = sampler === undefined ? {} : { sampler: new SamplerBridge(sampler) };
  const kymo = provider ?? prepareTracing({ ...tracing, ...decides }).provider;
  const tracerProvider = new KymoTracerProvider({ ...rest, provider: kymo });
  const meterProvider = new KymoMeterProvider(registry === undefined ? {} : { registry });
  const isDisabled = readOpenTelemetry().values.sdkDisabled === true;
  const taken = [
    context.setGlobalContextManager(new KymoContextManager().enable()) && context,
    propagation.setGlobalPropagator(new KymoPropagator(propagators)) && propagation,
    trace.setGlobalTracerProvider(tracerProvider) && trace,
    !isDisabled && metrics.setGlobalMeterProvider(meterProvider) && metrics,
  ];
  const forceFlush = async (): Promise<void> => {
    await Promise.all([meterProvider.forceFlush(), tracerProvider.forceFlush()]);
  };
  const shutdown = async (): Promise<void> => {
    for (const api of taken) if (api !== false) api.disable();
    await Promise.all([meterProvider.shutdown(), tracerProvider.shutdown()]);
  };
  return { tracerProvider, meterProvider, forceFlush, shutdown, [Symbol.asyncDispose]: shutdown };
}
