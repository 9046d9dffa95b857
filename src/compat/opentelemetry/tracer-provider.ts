// The tracer provider of the OpenTelemetry API over one of Kymo's. App threads.
import type { TracerProvider as ApiProvider, Attributes, Tracer, TracerOptions } from '@opentelemetry/api';
import { KymoError } from '../../core/errors.js';
import { TracerProvider, type TracerProviderOptions } from '../../traces/provider.js';
import type { Span } from '../../traces/span.js';
import type { Tracer as KymoTracer } from '../../traces/tracer.js';
import { type ExportOptions, ExportProcessor, type SpanExporter } from './export-processor.js';
import { ProcessorBridge, type SpanProcessor } from './processor-bridge.js';
import { type ApiSampler, SamplerBridge } from './sampler-bridge.js';
import { type InstrumentationScope, resourceView } from './span-view.js';
import { ApiTracer } from './tracer.js';

/**
 * A `TracerProvider` of `kymo`. By methods that it has, since the types of the two entry points are declared apart and cannot share a
 * class; whether it is one of Kymo's is found out when it is given.
 */
export interface SharedTracerProvider {
  flush(timeoutMs?: number): Promise<boolean>;
  shutdown(timeoutMs?: number): Promise<boolean>;
}

/** Options of {@link KymoTracerProvider}. */
export interface KymoTracerProviderOptions {
  /**
   * A `TracerProvider` of `kymo`, whose resource, sampler, limits and exporters count; spans of both sides are one trace and go the same
   * way. Default: one of its own, made of {@link kymo}.
   */
  readonly provider?: SharedTracerProvider | undefined;
  /** Options of the provider of its own. */
  readonly kymo?: TracerProviderOptions | undefined;
  /** A sampler of OpenTelemetry's SDK, in place of one of Kymo's, for the provider of its own. */
  readonly sampler?: ApiSampler | undefined;
  /** Processors of OpenTelemetry's SDK, told of spans in this order. None cost nothing. */
  readonly spanProcessors?: readonly SpanProcessor[] | undefined;
  /** Exporters of OpenTelemetry's SDK, each with a queue of its own, on this thread. Kymo's own exporters need no thread of yours. */
  readonly spanExporters?: readonly SpanExporter[] | undefined;
  /** How {@link spanExporters} are served. */
  readonly exporting?: ExportOptions | undefined;
}

/** How long {@link KymoTracerProvider.forceFlush} and its shutdown wait, in ms. */
const DEADLINE_MS = 30_000;

/** For `trace.setGlobalTracerProvider`. */
export class KymoTracerProvider implements ApiProvider {
  /** Kymo's provider behind it. */
  readonly provider: TracerProvider;
  readonly #tracers = new WeakMap<KymoTracer, ApiTracer>();
  readonly #scopes = new WeakMap<KymoTracer, InstrumentationScope>();
  readonly #processors: readonly SpanProcessor[];

  /** @throws KymoError `KYMO_CONFIG_VALUE` names an option and what it should have been */
  constructor(options: KymoTracerProviderOptions = {}) {
    const { provider, kymo = {}, sampler, spanProcessors = [], spanExporters = [], exporting = {} } = options;
    this.provider =
      provider !== undefined
        ? checked(provider)
        : new TracerProvider({ ...kymo, ...(sampler === undefined ? {} : { sampler: new SamplerBridge(sampler) }) });
    this.#processors = [...spanProcessors, ...spanExporters.map((exporter) => new ExportProcessor(exporter, exporting))];
    if (this.#processors.length === 0) return;
    const resource = resourceView(this.provider.resource as Attributes, this.provider.schemaUrl);
    this.provider.addProcessor(new ProcessorBridge(this.#processors, resource, (span) => this.#scopeOf(span)));
  }

  /** The same tracer for the same words. */
  getTracer(name: string, version?: string, options?: TracerOptions): Tracer {
    const tracer = this.provider.getTracer(name, version, { schemaUrl: options?.schemaUrl });
    let face = this.#tracers.get(tracer);
    if (face === undefined) {
      face = new ApiTracer(tracer);
      this.#tracers.set(tracer, face);
    }
    return face;
  }

  /**
   * Waits until all spans that ended before have left, through processors and through Kymo's exporters.
   * @throws Error when that took more than 30 s
   */
  async forceFlush(): Promise<void> {
    if (!(await this.provider.flush(DEADLINE_MS))) throw new Error('not all spans were out in time');
  }

  /** Flushes and ends everything; spans that start later record nothing. @throws as {@link forceFlush} */
  async shutdown(): Promise<void> {
    if (!(await this.provider.shutdown(DEADLINE_MS))) throw new Error('not all spans were out in time');
  }

  #scopeOf({ tracer }: Span): InstrumentationScope {
    let scope = this.#scopes.get(tracer);
    if (scope === undefined) {
      const { name, version, schemaUrl } = tracer;
      scope = { name, version: version === '' ? undefined : version, schemaUrl: schemaUrl === '' ? undefined : schemaUrl };
      this.#scopes.set(tracer, scope);
    }
    return scope;
  }
}

/** @throws KymoError `KYMO_CONFIG_VALUE` for what is no provider of Kymo's, in whichever copy of this package it was made */
function checked(provider: SharedTracerProvider): TracerProvider {
  const { getTracer, addProcessor, host } = provider as Partial<TracerProvider>;
  if (typeof getTracer === 'function' && typeof addProcessor === 'function' && typeof host === 'number') return provider as TracerProvider;
  throw new KymoError('KYMO_CONFIG_VALUE', { source: 'provider', value: typeof provider, expected: 'a TracerProvider of kymo' });
}
