// What decides whether a trace is recorded, and the two that always say the same. App threads, at the start of a span.
import type { Context } from '../../context/context.js';
import type { TraceWords } from '../../context/ids.js';
import type { Attributes } from '../attributes.js';
import type { SpanKind } from '../span-kind.js';

/** What becomes of a span: nothing; recorded and never exported, with the flag `sampled` unset; recorded and exported. */
export const SamplingDecision = Object.freeze({ DROP: 'drop', RECORD: 'record', SAMPLE: 'sample' } as const);
/** One of {@link SamplingDecision}. */
export type SamplingDecision = (typeof SamplingDecision)[keyof typeof SamplingDecision];

/** A decision, with attributes for the span and another `tracestate` if there is need. */
export interface SamplingResult {
  readonly decision: SamplingDecision;
  readonly attributes?: Attributes | undefined;
  /** The header in place of the parent's; undefined leaves that. */
  readonly traceState?: string | undefined;
}

/** Results without more to them: a sampler that returns one of these allocates nothing. */
export const DROP: SamplingResult = Object.freeze({ decision: 'drop', attributes: undefined, traceState: undefined });
export const RECORD: SamplingResult = Object.freeze({ decision: 'record', attributes: undefined, traceState: undefined });
export const SAMPLE: SamplingResult = Object.freeze({ decision: 'sample', attributes: undefined, traceState: undefined });

/** Decides once for each span, at its start, with what is known then. A sampler that throws drops the span. */
export interface Sampler {
  /**
   * @param parent context of the new span, undefined for a root; it may lack a span, as that of a bare request id does
   * @param trace id of the new span's trace, which is its parent's or fresh
   * @param name of the new span
   * @param kind of the new span
   * @param attributes given at its start, as they were given
   * @param links given at its start, as they were given
   */
  shouldSample(
    parent: Context | undefined,
    trace: Readonly<TraceWords>,
    name: string,
    kind: SpanKind,
    attributes: Attributes | undefined,
    links: readonly unknown[] | undefined,
  ): SamplingResult;
  /** For logs and the doctor, such as `ParentBased{root=AlwaysOn}`. */
  toString(): string;
}

/** Keeps every trace. */
export const ALWAYS_ON: Sampler = Object.freeze({ shouldSample: () => SAMPLE, toString: () => 'AlwaysOn' });

/** Keeps none; ids are propagated all the same, with the flag `sampled` unset. */
export const ALWAYS_OFF: Sampler = Object.freeze({ shouldSample: () => DROP, toString: () => 'AlwaysOff' });
