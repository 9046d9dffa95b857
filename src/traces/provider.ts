// A provider of tracers: what their spans have in common, who is told of them, and where they go. App threads; nothing here is global.

import { native } from '../binding/load.js';
import type { NativeAttributeValue } from '../binding/native-traces.js';
import { readOptions } from '../config/options.js';
import { IdFormat } from '../context/id-text.js';
import { KymoError } from '../core/errors.js';
import { VERSION } from '../core/version.js';
import { type Attributes, DROPPED, giveEach, plainValue } from './attributes.js';
import { DEFAULT_LIMITS, resolveLimits, type SpanLimits } from './limits.js';
import { type OpenSpan, type OpenSpanOptions, OpenSpans } from './open-spans.js';
import { type SpanProcessor, SpanProcessors } from './processors.js';
import { parentBasedSampler } from './samplers/parent-based.js';
import { ALWAYS_OFF, ALWAYS_ON, type Sampler } from './samplers/sampler.js';
import type { Span } from './span.js';
import { SpanBuffer } from './span-buffer.js';
import { type AgentSpanKind, kindBits } from './span-kind.js';
import { LLM_WORDS, type LlmWords, type SemanticConvention } from './span-reading.js';
import { type TailSamplingOptions, tailRules } from './tail.js';
import { Tracer, type TracerOptions } from './tracer.js';

/** Attributes that a failed span gets beside `error.type`: none, `error` with the text, or `error` = true with `error.message`. */
export type ErrorAttributes = 'none' | 'text' | 'typed';

/** A text form of span ids: all but the one that has a time in it. */
export type SpanIdFormat = Exclude<IdFormat, 'ulid'>;

/** Options of {@link TracerProvider}; all may be left out. */
export interface TracerProviderOptions {
  /** `service.name` of the resource. Default: as configured for the process (`KYMO_SERVICE_NAME`, `OTEL_SERVICE_NAME`), else `unknown_service:node`. */
  readonly serviceName?: string | undefined;
  /** Further attributes of the resource, which describe the process. */
  readonly resource?: Attributes | undefined;
  /** Schema of the resource's attributes. */
  readonly schemaUrl?: string | undefined;
  /** Default: what the parent decided, and every trace that begins here. */
  readonly sampler?: Sampler | undefined;
  readonly limits?: Partial<SpanLimits> | undefined;
  /** How trace ids are shown, and what new ones are made of; default `hex`. Records and propagation always have 128 bits. */
  readonly traceIdFormat?: IdFormat | undefined;
  /** How span ids are shown; default `hex`. With `prefixed` new ones have 48 bits. */
  readonly spanIdFormat?: SpanIdFormat | undefined;
  /** Told of each span on the thread that starts and ends it. None cost nothing. */
  readonly processors?: readonly SpanProcessor[] | undefined;
  /** Name of a span without one; default `operation`. */
  readonly defaultSpanName?: string | undefined;
  /** What an agent does in a span that was started without any kind; default: nothing said. */
  readonly defaultAgentKind?: AgentSpanKind | undefined;
  /** Has `startSpan` make its span the current one until it ends; default false. */
  readonly activates?: boolean | undefined;
  /** Has spans keep those started in them, also outside of trace objects; default: as {@link activates}. */
  readonly keepsChildren?: boolean | undefined;
  /** Default `none`. */
  readonly errorAttributes?: ErrorAttributes | undefined;
  /** Which attributes `modelName`, `inputTokens` and the like write; default `llm`. */
  readonly semanticConvention?: SemanticConvention | undefined;
  /** Completed traces kept for `/trace`, in [0, 1,000,000]; default 10,000. */
  readonly retainedTraces?: number | undefined;
  /** Bytes that they may take; default 64 MiB. */
  readonly retainedBytes?: number | undefined;
  /** Chooses among whole traces when their local root has ended. Default: every sampled span is exported at once. */
  readonly tailSampling?: TailSamplingOptions | undefined;
  /** Remembers which spans are open and where they were started, for {@link TracerProvider.openSpans}; default false. */
  readonly openSpans?: boolean | OpenSpanOptions | undefined;
}

/** What delivers the spans of a provider somewhere: an export pipeline. */
export interface SpanDelivery {
  /** True when all that ended before the call was delivered or counted as lost; false at the deadline. */
  flush(deadlineMs: number): Promise<boolean>;
  /** Flushes and ends. */
  shutdown(deadlineMs: number): Promise<boolean>;
}

/** Completed traces kept unless told otherwise. */
const RETAINED_TRACES = 10_000;
const RETAINED_BYTES = 64 << 20;
/** Longest wait of a flush and of a shutdown unless told otherwise, in ms. */
const DEADLINE_MS = 30_000;
/** Tracers that are remembered by name. */
const MOST_TRACERS = 1_000;
/** Id of the scope of tracers for which native had none left. */
const NO_SCOPE = 65_535;

const DEFAULT_SAMPLER = parentBasedSampler({ root: ALWAYS_ON });
/** Samplers that do not look at attributes, for which nobody has to make an object of them. */
const BLIND: ReadonlySet<Sampler> = new Set([DEFAULT_SAMPLER, ALWAYS_ON, ALWAYS_OFF]);

/**
 * Makes tracers. Several live side by side, each with a resource, sampler, limits, processors and exporters of its own; none is ever
 * the process's. Making one costs about 20 us; a span finds everything here in fields.
 */
export class TracerProvider {
  /** Attributes of the process. */
  readonly resource: Readonly<Record<string, NativeAttributeValue>>;
  readonly schemaUrl: string;
  readonly limits: SpanLimits;
  readonly traceIdFormat: IdFormat;
  readonly spanIdFormat: SpanIdFormat;
  readonly defaultSpanName: string;
  readonly activates: boolean;
  readonly keepsChildren: boolean;
  readonly errorAttributes: ErrorAttributes;
  /** Keys of the attributes about models. */
  readonly llmWords: LlmWords;
  /** Bits of a span that was started without any kind. @internal */
  readonly kindBits: number;
  /** The provider in native code. @internal */
  readonly host: number;
  /** Open spans, where they are watched. @internal */
  readonly open: OpenSpans | undefined;
  #sampler: Sampler;
  #readsAttributes: boolean;
  #processors: SpanProcessors | undefined;
  #all: readonly SpanProcessor[];
  readonly #deliveries = new Set<SpanDelivery>();
  readonly #tracers = new Map<string, Tracer>();
  #ended: Promise<boolean> | undefined;

  /** @throws KymoError `KYMO_CONFIG_VALUE` names an option and what it should have been. */
  constructor(options: TracerProviderOptions = {}) {
    this.limits = resolveLimits(options.limits);
    this.traceIdFormat = word('traceIdFormat', options.traceIdFormat, Object.values(IdFormat), 'hex');
    this.spanIdFormat = word<SpanIdFormat>('spanIdFormat', options.spanIdFormat, ['hex', 'uuid', 'prefixed'], 'hex');
    this.errorAttributes = word('errorAttributes', options.errorAttributes, ['none', 'text', 'typed'], 'none');
    this.llmWords = LLM_WORDS[word('semanticConvention', options.semanticConvention, ['llm', 'gen_ai'], 'llm')];
    this.defaultSpanName = options.defaultSpanName ?? 'operation';
    this.activates = options.activates ?? false;
    this.keepsChildren = options.keepsChildren ?? this.activates;
    this.kindBits = kindBits(options.defaultAgentKind);
    this.schemaUrl = options.schemaUrl ?? '';
    this.resource = Object.freeze(resourceOf(options));
    this.#sampler = options.sampler ?? DEFAULT_SAMPLER;
    this.#readsAttributes = !BLIND.has(this.#sampler);
    this.#all = options.processors ?? [];
    this.#processors = this.#all.length === 0 ? undefined : new SpanProcessors(this.#all);
    const { openSpans = false } = options;
    this.open = openSpans === false ? undefined : new OpenSpans(openSpans === true ? {} : openSpans);
    this.host = native.tracesHost({
      resource: Object.entries(this.resource).flat() as NativeAttributeValue[],
      schemaUrl: this.schemaUrl,
      retainedTraces: whole('retainedTraces', options.retainedTraces ?? RETAINED_TRACES, 1_000_000),
      retainedBytes: whole('retainedBytes', options.retainedBytes ?? RETAINED_BYTES, 2 ** 40),
      ...(options.tailSampling === undefined ? {} : { tail: tailRules(options.tailSampling) }),
    });
  }

  /** Decides about new spans; always off once the provider is shut down. */
  get sampler(): Sampler {
    return this.#sampler;
  }

  /** False when {@link sampler} is known not to look at attributes. @internal */
  get readsAttributes(): boolean {
    return this.#readsAttributes;
  }

  /** Those who are told of spans; undefined for nobody. @internal */
  get processors(): SpanProcessors | undefined {
    return this.#processors;
  }

  /** True when new spans have 48-bit ids. @internal */
  get narrow(): boolean {
    return this.spanIdFormat === 'prefixed';
  }

  /**
   * The tracer of a library or a part of the application; the same one for the same words. About 1 us, 20 us the first time: keep it.
   * @param name what records call it; empty for nobody
   */
  getTracer(name = '', version = '', options: TracerOptions = {}): Tracer {
    const { schemaUrl = '', attributes } = options;
    const pairs = attributes === undefined ? [] : flatAttributes(attributes);
    const key = JSON.stringify([name, version, schemaUrl, pairs]);
    let tracer = this.#tracers.get(key);
    if (tracer === undefined) {
      const scope = native.tracesScope(this.host, String(name), String(version), String(schemaUrl), pairs) ?? NO_SCOPE;
      tracer = new Tracer(this, scope, String(name), String(version), String(schemaUrl));
      if (this.#tracers.size < MOST_TRACERS) this.#tracers.set(key, tracer);
    }
    return tracer;
  }

  /** Adds somebody who is told of spans from now on, after those who already are. Returns what undoes it. */
  addProcessor(processor: SpanProcessor): () => void {
    this.#setProcessors([...this.#all, processor]);
    return () => this.#setProcessors(this.#all.filter((one) => one !== processor));
  }

  #setProcessors(all: readonly SpanProcessor[]): void {
    this.#all = all;
    this.#processors = all.length === 0 ? undefined : new SpanProcessors(all);
  }

  /** Adds a way out for spans, which {@link flush} and {@link shutdown} wait for. Returns what takes it out again, as it is. */
  addDelivery(delivery: SpanDelivery): () => void {
    this.#deliveries.add(delivery);
    return () => this.#deliveries.delete(delivery);
  }

  /** Ended spans that a {@link SpanBuffer} among the processors keeps; empty without one. */
  get endedSpans(): Span[] {
    return this.#all.find((processor) => processor instanceof SpanBuffer)?.spans ?? [];
  }

  /** Spans that have not ended, oldest first, with the line that started each; empty unless the option `openSpans` is set. */
  openSpans(): OpenSpan[] {
    return this.open?.list() ?? [];
  }

  /**
   * Waits until all spans that ended before the call have left: through processors and through exporters. Never rejects.
   * @returns false when `timeoutMs` (default 30 s) was over before
   */
  async flush(timeoutMs = DEADLINE_MS): Promise<boolean> {
    const all = [...this.#deliveries].map((delivery) => delivery.flush(timeoutMs).catch(() => false));
    const processed = this.#processors?.forceFlush().then(() => true);
    return within(Promise.all([...all, ...(processed === undefined ? [] : [processed])]), timeoutMs);
  }

  /**
   * Starts no more recorded spans, marks those that are known to be open as never ended, flushes and ends exporters and processors, and
   * gives back the retained traces. Never rejects; a second call waits for the first.
   * @returns false when not everything was out after `timeoutMs` (default 30 s)
   */
  shutdown(timeoutMs = DEADLINE_MS): Promise<boolean> {
    this.#ended ??= this.#end(timeoutMs);
    return this.#ended;
  }

  async #end(timeoutMs: number): Promise<boolean> {
    this.#sampler = ALWAYS_OFF;
    this.#readsAttributes = false;
    this.open?.abandon();
    native.tracesDecide(this.host);
    const all = [...this.#deliveries].map((delivery) => delivery.shutdown(timeoutMs).catch(() => false));
    const processed = this.#processors?.shutdown().then(() => true);
    const inTime = await within(Promise.all([...all, ...(processed === undefined ? [] : [processed])]), timeoutMs);
    native.tracesHostClose(this.host);
    return inTime;
  }

  /** {@link shutdown} with its default deadline. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }
}

/** True when `all` came true in time; holds the process open until then. */
async function within(all: Promise<boolean[]>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean[]>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, timeoutMs), [false]);
  });
  const results = await Promise.race([all, late]);
  clearTimeout(timer);
  return results.every(Boolean);
}

function word<W extends string>(source: string, given: W | undefined, words: readonly W[], otherwise: W): W {
  if (given === undefined) return otherwise;
  if (words.includes(given)) return given;
  throw new KymoError('KYMO_CONFIG_VALUE', { source, value: given, expected: `one of ${words.join(', ')}` });
}

function whole(source: string, value: number, most: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= most) return value;
  throw new KymoError('KYMO_CONFIG_VALUE', { source, value, expected: `a whole number in [0, ${most}]` });
}

/** Attributes as native takes them. */
function nativeAttributes(attributes: Attributes): Record<string, NativeAttributeValue> {
  const all: Record<string, NativeAttributeValue> = {};
  giveEach(attributes, {
    setAttribute(key, value) {
      const plain = plainValue(value, DEFAULT_LIMITS);
      if (plain !== DROPPED) all[key] = nativeValue(plain);
    },
  });
  return all;
}

function nativeValue(plain: unknown): NativeAttributeValue {
  if (typeof plain === 'bigint') return String(plain);
  if (Array.isArray(plain)) return plain.map(nativeValue);
  if (typeof plain === 'object' && plain !== null)
    return JSON.stringify(plain, (_, value) => (typeof value === 'bigint' ? String(value) : value));
  return plain as NativeAttributeValue;
}

function flatAttributes(attributes: Attributes): NativeAttributeValue[] {
  return Object.entries(nativeAttributes(attributes)).flat() as NativeAttributeValue[];
}

function resourceOf({ serviceName, resource = {} }: TracerProviderOptions): Record<string, NativeAttributeValue> {
  return {
    'telemetry.sdk.name': 'kymo',
    'telemetry.sdk.language': 'nodejs',
    'telemetry.sdk.version': VERSION,
    'service.name': readOptions().serviceName ?? 'unknown_service:node',
    ...nativeAttributes(resource),
    ...(serviceName === undefined ? {} : { 'service.name': serviceName }),
  };
}
