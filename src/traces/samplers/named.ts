// Samplers by name: those of OTEL_TRACES_SAMPLER, and the types of the tracing options. Pure; any thread.
import { KymoError } from '../../core/errors.js';
import { parentBasedSampler } from './parent-based.js';
import { rateLimitingSampler } from './rate-limiting.js';
import { consistentSampler, ratioSampler, validateSampleRate } from './ratio.js';
import { ALWAYS_OFF, ALWAYS_ON, type Sampler } from './sampler.js';

/** Traces per second where nobody said. */
const DEFAULT_RATE = 100;

/** Samplers that the option `samplerType` names. */
export const SamplerType = Object.freeze({
  ALWAYS_ON: 'always_on',
  ALWAYS_OFF: 'always_off',
  PROBABILITY: 'probability',
  RATE_LIMITING: 'rate_limiting',
  PARENT_BASED: 'parent_based',
} as const);
/** One of {@link SamplerType}. */
export type SamplerType = (typeof SamplerType)[keyof typeof SamplerType];

/** How traces are sampled. */
export interface SamplerOptions {
  /** Default `parent_based`, which with the rate of 1 keeps every trace that no caller has dropped. */
  readonly samplerType?: SamplerType;
  /** Share of traces that `probability` and `parent_based` keep, in [0, 1]; default 1. */
  readonly sampleRate?: number;
  /** What `rate_limiting` keeps, above 0; default 100. */
  readonly maxTracesPerSecond?: number;
}

/**
 * The sampler of these options. All but the first two follow a parent where there is one, and decide for traces that begin here.
 * @throws KymoError `KYMO_CONFIG_VALUE` names an option out of its range.
 */
export function samplerOf(options: SamplerOptions = {}): Sampler {
  const { samplerType = 'parent_based', sampleRate = 1, maxTracesPerSecond = DEFAULT_RATE } = options;
  validateSampleRate(sampleRate);
  switch (samplerType) {
    case 'always_on':
      return ALWAYS_ON;
    case 'always_off':
      return ALWAYS_OFF;
    case 'probability':
    case 'parent_based':
      return parentBasedSampler({ root: ratioSampler(sampleRate) });
    case 'rate_limiting':
      return parentBasedSampler({ root: rateLimitingSampler(maxTracesPerSecond) });
    default: {
      const values = {
        source: 'samplerType',
        value: JSON.stringify(samplerType),
        expected: `one of ${Object.values(SamplerType).join(', ')}`,
      };
      throw new KymoError('KYMO_CONFIG_VALUE', values);
    }
  }
}

/** The roots that OTEL_TRACES_SAMPLER may name, alone or after `parentbased_`; the last two are Kymo's own. */
const ROOTS: Readonly<Record<string, (argument: string | undefined) => Sampler | undefined>> = {
  always_on: () => ALWAYS_ON,
  always_off: () => ALWAYS_OFF,
  traceidratio: (argument) => within(argument, 1, (ratio) => ratio >= 0 && ratio <= 1, ratioSampler),
  consistent_probability: (argument) => within(argument, 1, (ratio) => ratio >= 0 && ratio <= 1, consistentSampler),
  rate_limiting: (argument) =>
    within(
      argument,
      DEFAULT_RATE,
      (rate) => rate > 0 && rate < Number.POSITIVE_INFINITY,
      (rate) => rateLimitingSampler(rate),
    ),
};

function within(
  argument: string | undefined,
  absent: number,
  fits: (value: number) => boolean,
  sampler: (value: number) => Sampler,
): Sampler | undefined {
  if (argument === undefined) return sampler(absent);
  const value = Number(argument);
  return argument !== '' && fits(value) ? sampler(value) : undefined;
}

/** What the environment says about sampling. */
export interface SamplerFromEnvironment {
  readonly sampler: Sampler;
  /** What is wrong with the variables, to be warned about once: what the specification wants in place of an error. */
  readonly problem: string | undefined;
}

/**
 * The sampler that OTEL_TRACES_SAMPLER names, with the argument of OTEL_TRACES_SAMPLER_ARG: `always_on`, `always_off`, `traceidratio`,
 * `consistent_probability`, `rate_limiting`, each also after `parentbased_`. Default `parentbased_always_on`, which also takes the place
 * of a name that is not known; an argument that does not fit counts as none, as the specification asks.
 */
export function samplerFromEnvironment(name: string | undefined, argument: string | undefined): SamplerFromEnvironment {
  const given = name?.trim() ?? '';
  const word = given === '' ? 'parentbased_always_on' : given;
  const follows = word.startsWith('parentbased_');
  const root = follows ? word.slice('parentbased_'.length) : word;
  if (!Object.hasOwn(ROOTS, root)) {
    return {
      sampler: parentBasedSampler({ root: ALWAYS_ON }),
      problem: `OTEL_TRACES_SAMPLER=${JSON.stringify(given.slice(0, 100))} is no sampler`,
    };
  }
  const make = ROOTS[root] as (argument: string | undefined) => Sampler | undefined;
  const text = argument?.trim() === '' ? undefined : argument?.trim();
  const fitting = make(text);
  const sampler = fitting ?? (make(undefined) as Sampler);
  const problem = fitting === undefined ? `OTEL_TRACES_SAMPLER_ARG=${JSON.stringify(text?.slice(0, 100))} does not fit ${word}` : undefined;
  return { sampler: follows ? parentBasedSampler({ root: sampler }) : sampler, problem };
}
