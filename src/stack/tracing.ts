// Tracing of a process wired up in one call: provider, sampler, exporters from options and environment, the ops server. App thread.
import { DISABLED } from '../binding/load.js';
import { readOpenTelemetry } from '../config/opentelemetry.js';
import { type PropagationFormat, propagatorOf, setPropagator } from '../context/propagator.js';
import { KymoError } from '../core/errors.js';
import type { BatchOptions } from '../export/batch-options.js';
import type { SpanLogger } from '../export/console/logger.js';
import type { OtlpExporterOptions } from '../export/otlp/options.js';
import { type ExportPipeline, exportSpans } from '../export/pipeline.js';
import { type ExporterChoice, planExporter } from '../export/plan.js';
import { ProcessEnd } from '../export/process-end.js';
import { detectResource, type ResourceAttributes } from '../export/resource.js';
import { setExemplarSource } from '../metrics/exemplar.js';
import { metrics } from '../metrics/registry.js';
import type { OpsServerOptions } from '../ops/options.js';
import { OpsServer } from '../ops/server.js';
import { defaultTracing, setDefaultTracing } from '../traces/default-tracing.js';
import { type TracingTraits, traitsOf } from '../traces/presets.js';
import { TracerProvider, type TracerProviderOptions } from '../traces/provider.js';
import { ALWAYS_OFF } from '../traces/samplers/sampler.js';
import { Tracing, type TracingOptions } from '../traces/tracing.js';
import { exemplarOfTrace } from './exemplars.js';
import { ShutdownSignals } from './shutdown-signals.js';
import { chooseExporters, limitsOf, samplerOf, warnIgnored, warnOfPropagators, withoutUndefined } from './tracing-environment.js';

/** Options of {@link configureTracing}. What is left out comes from the `OTEL_*` variables, then from the preset, then from the defaults. */
export interface TracingStackOptions
  extends Omit<TracerProviderOptions, 'resource'>,
    Omit<TracingOptions, 'provider' | keyof TracerProviderOptions> {
  /** Further attributes of the resource, beside what is detected. */
  readonly resource?: ResourceAttributes;
  /**
   * Where spans go. Default: OTLP where an endpoint is set, what `OTEL_TRACES_EXPORTER` names, and otherwise nowhere: they stay in the ring
   * that `/trace` shows. Preset `civitas` without an endpoint: `console`.
   */
  readonly exporters?: readonly ExporterChoice[];
  /** Options of OTLP, as an exporter beside {@link exporters}. */
  readonly otlp?: OtlpExporterOptions;
  /** The same, only its endpoint; empty is none. */
  readonly otlpEndpoint?: string;
  /** Queue and batches of exporters on this thread. */
  readonly batch?: BatchOptions;
  /** For the exporters `console` and `log`; default the standard streams. */
  readonly exporterLogger?: SpanLogger;
  /** Headers that are read and written, for the whole thread. Default: as `OTEL_PROPAGATORS` says. */
  readonly propagators?: readonly PropagationFormat[];
  /**
   * Gives observations of this thread exemplars of the sampled span around them, at most one per bucket and second; default false. An
   * observation costs about 25 ns more then.
   */
  readonly exemplars?: boolean;
  /** Starts an ops server with `/trace` and, of the registry `metrics` unless others are named, `/metrics`; default none. */
  readonly ops?: OpsServerOptions;
  /** How long a flush may take when the process has nothing left to do, in [0, 600000] ms; default 5,000. */
  readonly flushTimeoutMs?: number;
  /** How long `process.exit()` and uncaught exceptions may be held up for spans that are being sent, in [0, 600000] ms; default 2,000; 0 is never. */
  readonly exitTimeoutMs?: number;
  /** Signals on which everything is shut down before they end the process. Default none: without a handler, a signal ends it at once. */
  readonly shutdownSignals?: readonly NodeJS.Signals[];
}

/** What {@link configureTracing} started. */
export interface TracingStack {
  readonly provider: TracerProvider;
  /** The API of the preset, over {@link provider}. */
  readonly tracing: Tracing;
  /** One for each exporter that has a queue, in their order; those that are told at once have none. */
  readonly pipelines: readonly ExportPipeline[];
  /** Undefined where none was asked for. */
  readonly ops: OpsServer | undefined;
  /** Exports everything that ended before the call; false at the deadline, in ms, default 5,000. Never rejects. */
  flush(timeoutMs?: number): Promise<boolean>;
  /** Flushes, then ends all of it; false when not everything was out at the deadline, in ms, default 5,000. The rest is counted as lost. */
  shutdown(timeoutMs?: number): Promise<boolean>;
  [Symbol.asyncDispose](): Promise<void>;
}

const TIMEOUT_MS = 5_000;
const EXIT_MS = 2_000;
const LONGEST_MS = 600_000;

/**
 * Makes a provider of tracers with its exporters, and an ops server if asked for. No provider is ever the process's: several stacks can
 * stand side by side. The module functions (`startTrace`, `span`, ...) act on the last one, until that is shut down; the propagator is the
 * thread's, if one is given. Spans are flushed when the process ends by itself and, as far as threads can still send
 * them, on `process.exit()`. With `OTEL_SDK_DISABLED=true` or `KYMO_DISABLED=1` nothing is recorded.
 * @throws KymoError `KYMO_CONFIG_VALUE`, `KYMO_EXPORT_OPTION`, and what `OpsServer` throws; variables that cannot be used are ignored with
 *   a warning
 * @example await using tracing = await configureTracing({ serviceName: 'shop', otlpEndpoint: 'http://collector:4318' });
 */
export async function configureTracing(options: TracingStackOptions = {}): Promise<TracingStack> {
  const stack = prepareTracing(options);
  try {
    await stack.ops?.start();
  } catch (error) {
    await stack.shutdown(0);
    throw error;
  }
  return stack;
}

/**
 * As {@link configureTracing}, at once, with an ops server that was not started: for what has to be in place before anything else is loaded.
 * @throws as that
 */
export function prepareTracing(options: TracingStackOptions = {}): TracingStack {
  const { values: env, ignored } = readOpenTelemetry();
  for (const variable of ignored) warnIgnored(variable);
  const given = withoutUndefined(options);
  const settings = { ...traitsOf(given.preset ?? 'default'), ...given };
  const deadlines = {
    flushMs: milliseconds('flushTimeoutMs', given.flushTimeoutMs ?? TIMEOUT_MS),
    exitMs: milliseconds('exitTimeoutMs', given.exitTimeoutMs ?? EXIT_MS),
  };
  const off = DISABLED || env.sdkDisabled === true;
  const ids = { trace: settings.traceIdFormat, span: settings.spanIdFormat };
  const planned = (off ? [] : chooseExporters(given, env)).map((choice) =>
    planExporter(choice, { ids, batch: given.batch, logger: given.exporterLogger }),
  );
  const propagator = given.propagators === undefined ? undefined : propagatorOf(given.propagators);
  if (propagator === undefined) warnOfPropagators(env);
  const ops = given.ops === undefined || DISABLED ? undefined : new OpsServer({ registries: [metrics], ...given.ops });
  const { serviceName: presetName } = traitsOf(given.preset ?? 'default') as TracingTraits;
  const provider = new TracerProvider({
    ...settings,
    serviceName: undefined,
    resource: detectResource({ serviceName: given.serviceName, attributes: given.resource, presetName, environment: env }),
    sampler: off ? ALWAYS_OFF : (given.sampler ?? samplerOf(env)),
    limits: { ...limitsOf(env), ...given.limits },
    processors: [...(given.processors ?? []), ...planned.flatMap((one) => ('processor' in one ? [one.processor] : []))],
  });
  const tracing = tracingOver(provider, given);
  // Nothing is refused from here on: threads are started, and what the thread shares is set.
  const pipelines = planned.flatMap((one) => ('pipeline' in one ? [exportSpans(provider.host, one.pipeline)] : []));
  for (const pipeline of pipelines) provider.addDelivery(pipeline);
  if (propagator !== undefined) setPropagator(propagator);
  setDefaultTracing(tracing);
  const end = pipelines.length === 0 ? undefined : new ProcessEnd(pipelines, deadlines);

  const hasExemplars = given.exemplars === true && !off;
  if (hasExemplars) setExemplarSource(exemplarOfTrace);

  const shutdown = async (timeoutMs = TIMEOUT_MS): Promise<boolean> => {
    signals.release();
    if (hasExemplars) setExemplarSource(undefined);
    if (defaultTracing() === tracing) setDefaultTracing(undefined);
    const [inTime] = await Promise.all([provider.shutdown(timeoutMs), ops?.stop()]);
    end?.release();
    return inTime;
  };
  const signals = new ShutdownSignals(given.shutdownSignals ?? [], () => shutdown());
  return {
    provider,
    tracing,
    pipelines,
    ops,
    flush: (timeoutMs = TIMEOUT_MS) => provider.flush(timeoutMs),
    shutdown,
    [Symbol.asyncDispose]: async () => {
      await shutdown();
    },
  };
}

function tracingOver(provider: TracerProvider, options: ReturnType<typeof withoutUndefined<TracingStackOptions>>): Tracing {
  const { traceIdFormat: _, spanIdFormat: __, ...own } = options; // The provider has them.
  try {
    return new Tracing({ ...own, provider });
  } catch (error) {
    void provider.shutdown(0);
    throw error;
  }
}

function milliseconds(source: string, value: unknown): number {
  if (typeof value === 'number' && value >= 0 && value <= LONGEST_MS) return value;
  throw new KymoError('KYMO_CONFIG_VALUE', { source, value, expected: `milliseconds in [0, ${LONGEST_MS}]` });
}
