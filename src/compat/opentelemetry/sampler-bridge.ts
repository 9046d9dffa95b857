// Samplers of OpenTelemetry's SDK deciding for Kymo's tracers. App threads, at the start of each span; objects are made for every question, so
// that one of Kymo's own samplers is the better choice where there is one.
import {
  ROOT_CONTEXT as API_ROOT,
  type Context as ApiContext,
  type Attributes,
  type Link,
  type SpanKind,
  type TraceState,
} from '@opentelemetry/api';
import type { Context } from '../../context/context.js';
import { traceIdText } from '../../context/id-text.js';
import type { TraceWords } from '../../context/ids.js';
import type { Sampler as KymoSampler, SamplingDecision, SamplingResult } from '../../traces/samplers/sampler.js';
import { KINDS, type SpanKind as KymoKind } from '../../traces/span-kind.js';
import { viewOf } from './otel-context.js';
import { traceStateText } from './trace-state.js';

/** `Sampler` of OpenTelemetry's SDK. */
export interface ApiSampler {
  shouldSample(
    context: ApiContext,
    traceId: string,
    spanName: string,
    spanKind: SpanKind,
    attributes: Attributes,
    links: Link[],
  ): { readonly decision: 0 | 1 | 2; readonly attributes?: Readonly<Attributes>; readonly traceState?: TraceState };
  toString(): string;
}

/** By the API's number: nothing, recorded, recorded and exported. */
const DECISIONS: readonly SamplingDecision[] = ['drop', 'record', 'sample'];

/** See the file. One that throws drops the span, as Kymo's own do. */
export class SamplerBridge implements KymoSampler {
  readonly #sampler: ApiSampler;

  constructor(sampler: ApiSampler) {
    this.#sampler = sampler;
  }

  shouldSample(
    parent: Context | undefined,
    trace: Readonly<TraceWords>,
    name: string,
    kind: KymoKind,
    attributes: Readonly<Record<string, unknown>> | undefined,
    links: readonly unknown[] | undefined,
  ): SamplingResult {
    const result = this.#sampler.shouldSample(
      parent === undefined ? API_ROOT : viewOf(parent),
      traceIdText(trace),
      name,
      KINDS.indexOf(kind),
      (attributes ?? {}) as Attributes,
      (links ?? []) as Link[],
    );
    return {
      decision: DECISIONS[result.decision] ?? 'drop',
      attributes: result.attributes,
      traceState: result.traceState === undefined ? undefined : traceStateText(result.traceState),
    };
  }

  toString(): string {
    return this.#sampler.toString();
  }
}
