// Does as the parent did, so that traces are whole; asks another sampler where there is no parent. App threads.
import { type Context, FLAG_SAMPLED, flagsOf, isRemote, spanHighOf, spanLowOf, traceStateOf } from '../../context/context.js';
import { keeps, otStateOf, randomnessOf, withThreshold } from '../../context/probability.js';
import { ALWAYS_OFF, ALWAYS_ON, type Sampler, type SamplingResult } from './sampler.js';

/** Who is asked in each of the five positions of a span. */
export interface ParentBasedOptions {
  /** For a span without a parent, and for one whose parent has no valid ids. */
  readonly root: Sampler;
  /** For a parent of another process that was sampled. Default: always on. */
  readonly remoteParentSampled?: Sampler;
  /** For a parent of another process that was not. Default: always off. */
  readonly remoteParentNotSampled?: Sampler;
  /** For a parent of this process that was sampled. Default: always on. */
  readonly localParentSampled?: Sampler;
  /** For a parent of this process that was not. Default: always off. */
  readonly localParentNotSampled?: Sampler;
}

class ParentBased implements Sampler {
  readonly #root: Sampler;
  readonly #remoteSampled: Sampler;
  readonly #remoteNotSampled: Sampler;
  readonly #localSampled: Sampler;
  readonly #localNotSampled: Sampler;

  constructor(options: ParentBasedOptions) {
    this.#root = options.root;
    this.#remoteSampled = options.remoteParentSampled ?? ALWAYS_ON;
    this.#remoteNotSampled = options.remoteParentNotSampled ?? ALWAYS_OFF;
    this.#localSampled = options.localParentSampled ?? ALWAYS_ON;
    this.#localNotSampled = options.localParentNotSampled ?? ALWAYS_OFF;
  }

  shouldSample(...[parent, trace, name, kind, attributes, links]: Parameters<Sampler['shouldSample']>): SamplingResult {
    if (parent === undefined || (spanHighOf(parent) | spanLowOf(parent)) === 0) {
      return this.#root.shouldSample(parent, trace, name, kind, attributes, links);
    }
    const sampled = (flagsOf(parent) & FLAG_SAMPLED) !== 0;
    if (!isRemote(parent)) {
      return (sampled ? this.#localSampled : this.#localNotSampled).shouldSample(parent, trace, name, kind, attributes, links);
    }
    const asked = sampled ? this.#remoteSampled : this.#remoteNotSampled;
    const result = asked.shouldSample(parent, trace, name, kind, attributes, links);
    return result.traceState === undefined ? consistent(result, parent) : result;
  }

  toString(): string {
    const positions = [this.#remoteSampled, this.#remoteNotSampled, this.#localSampled, this.#localNotSampled];
    const [remoteSampled, remoteNotSampled, localSampled, localNotSampled] = positions.map(String);
    return `ParentBased{root=${this.#root},remoteParentSampled=${remoteSampled},remoteParentNotSampled=${remoteNotSampled},localParentSampled=${localSampled},localParentNotSampled=${localNotSampled}}`;
  }
}

/** `result` without a threshold in `tracestate` that the parent's flag contradicts: nobody could count with it. */
function consistent(result: SamplingResult, parent: Context): SamplingResult {
  const traceState = traceStateOf(parent);
  if (traceState === '') return result;
  const ot = otStateOf(traceState);
  if (ot.threshold === undefined) return result;
  const sampled = (flagsOf(parent) & FLAG_SAMPLED) !== 0;
  if (sampled === keeps(ot.randomness ?? randomnessOf(parent), ot.threshold)) return result;
  return { ...result, traceState: withThreshold(traceState, ot, undefined) };
}

/**
 * A sampler that follows the parent: by default what it decided, else the sampler of the span's position. The threshold that came with a
 * remote parent (`ot=th`) is passed on, unless the parent's flag contradicts it. OpenTelemetry specification, "ParentBased".
 */
export function parentBasedSampler(options: ParentBasedOptions): Sampler {
  return new ParentBased(options);
}
