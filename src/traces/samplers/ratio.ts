// Samplers that keep a share of all traces, decided by the trace id alone so that all services agree. App threads.
import type { Context } from '../../context/context.js';
import { traceStateOf } from '../../context/context.js';
import type { TraceWords } from '../../context/ids.js';
import { type Bits56, keeps, otStateOf, randomnessOf, thresholdOf, withThreshold } from '../../context/probability.js';
import { KymoError } from '../../core/errors.js';
import { DROP, SAMPLE, type Sampler, type SamplingResult } from './sampler.js';

/** Hexadecimal digits that a threshold is rounded to, after its leading `f`s: what OpenTelemetry recommends. */
const PRECISION = 4;

/**
 * `ratio` itself.
 * @throws KymoError `KYMO_CONFIG_VALUE` when it is no number in [0, 1].
 */
export function validateSampleRate(ratio: number, source = 'the sample rate'): number {
  if (typeof ratio === 'number' && ratio >= 0 && ratio <= 1) return ratio;
  throw new KymoError('KYMO_CONFIG_VALUE', { source, value: String(ratio), expected: 'a number in [0, 1]' });
}

/**
 * Keeps `ratio` (in [0, 1]) of all traces: those whose low 56 bits, which W3C Trace Context level 2 wants to be random, are at or above
 * the threshold of that ratio, to 4 digits. The same trace is kept by every service that goes by those bits and keeps as much or more,
 * so by each {@link consistentSampler}. It is what `traceidratio` means here; the older samplers of that name in other languages
 * compare other bits, each in its own way, so that between them and this one only the share is the same, not the traces: decide at the
 * root ({@link parentBasedSampler}) while they are in use. Allocates nothing.
 * @throws KymoError `KYMO_CONFIG_VALUE` for another ratio.
 */
export function ratioSampler(ratio: number): Sampler {
  const threshold = thresholdOf(validateSampleRate(ratio), PRECISION);
  return {
    shouldSample: (_parent, trace) => (threshold !== undefined && keeps(randomnessOf(trace), threshold) ? SAMPLE : DROP),
    toString: () => `TraceIdRatioBased{${ratio}}`,
  };
}

class Consistent implements Sampler {
  readonly #probability: number;
  readonly #threshold: Bits56 | undefined;
  /** For a trace without `tracestate`, as most roots are. */
  readonly #kept: SamplingResult;

  constructor(probability: number, precision: number) {
    this.#probability = validateSampleRate(probability, 'the probability of a sampler');
    this.#threshold = thresholdOf(probability, precision);
    this.#kept = Object.freeze({ decision: 'sample', traceState: withThreshold('', otStateOf(''), this.#threshold) });
  }

  shouldSample(parent: Context | undefined, trace: Readonly<TraceWords>): SamplingResult {
    const threshold = this.#threshold;
    const traceState = parent === undefined ? '' : traceStateOf(parent);
    if (traceState === '') return threshold !== undefined && keeps(randomnessOf(trace), threshold) ? this.#kept : DROP;
    const ot = otStateOf(traceState);
    if (threshold !== undefined && keeps(ot.randomness ?? randomnessOf(trace), threshold)) {
      return { decision: 'sample', traceState: withThreshold(traceState, ot, threshold) };
    }
    return ot.threshold === undefined ? DROP : { decision: 'drop', traceState: withThreshold(traceState, ot, undefined) };
  }

  toString(): string {
    return `ConsistentProbability{${this.#probability}}`;
  }
}

/**
 * Keeps `probability` (in [0, 1]) of all traces and says so in `tracestate` (`ot=th:...`), so that whoever counts spans knows how many each
 * stands for. Decides by `rv` of the incoming `tracestate`, which is never changed, else by the low 56 bits of the trace id, and without
 * regard to the parent's decision: put it at the root of a {@link parentBasedSampler} for whole traces. `precision` (1 to 12, default
 * 4) is the number of hexadecimal digits of the threshold. OpenTelemetry specification, "TraceState: Probability Sampling".
 * @throws KymoError `KYMO_CONFIG_VALUE` for another probability or precision.
 */
export function consistentSampler(probability: number, { precision = PRECISION }: { readonly precision?: number } = {}): Sampler {
  if (!Number.isInteger(precision) || precision < 1 || precision > 12) {
    const values = { source: 'the precision of a sampler', value: String(precision), expected: 'a whole number in [1, 12]' };
    throw new KymoError('KYMO_CONFIG_VALUE', values);
  }
  return new Consistent(probability, precision);
}
