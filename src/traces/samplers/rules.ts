// Chooses a sampler by what is known of a span at its start. App threads.
import { KymoError } from '../../core/errors.js';
import type { Attributes } from '../attributes.js';
import type { SpanKind } from '../span-kind.js';
import { ALWAYS_ON, type Sampler, type SamplingResult } from './sampler.js';

/** What a span must be for a rule to hold: all that is given. */
export interface SamplingRule {
  /** Its name: a text in which `*` stands for any characters, or an expression. */
  readonly name?: string | RegExp;
  readonly kind?: SpanKind;
  /** Attributes of its start: each is equal to the value, or a text that the expression finds. */
  readonly attributes?: Readonly<Record<string, string | number | boolean | RegExp>>;
  /** Who decides then. */
  readonly sampler: Sampler;
}

interface CheckedRule {
  readonly name: RegExp | undefined;
  readonly kind: SpanKind | undefined;
  readonly attributes: readonly (readonly [string, string | number | boolean | RegExp])[];
  readonly sampler: Sampler;
}

/** An expression without the flags that keep a position, by which it would hold every other time. */
function stateless(pattern: RegExp): RegExp {
  return new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''));
}

function checked(rule: SamplingRule, index: number): CheckedRule {
  if (typeof rule?.sampler?.shouldSample !== 'function') {
    const values = { source: `rule ${index} of a sampler`, value: typeof rule?.sampler, expected: 'an object with a sampler' };
    throw new KymoError('KYMO_CONFIG_VALUE', values);
  }
  const { name, kind, attributes, sampler } = rule;
  const pattern = typeof name === 'string' ? new RegExp(`^${name.split('*').map(escaped).join('.*')}$`, 's') : name && stateless(name);
  const wanted = Object.entries(attributes ?? {}).map(([key, value]) => [key, value instanceof RegExp ? stateless(value) : value] as const);
  return { name: pattern, kind, attributes: wanted, sampler };
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

function holds(rule: CheckedRule, name: string, kind: SpanKind, attributes: Attributes | undefined): boolean {
  if (rule.kind !== undefined && rule.kind !== kind) return false;
  if (rule.name !== undefined && !rule.name.test(name)) return false;
  return rule.attributes.every(([key, wanted]) => {
    const value = attributes === undefined || !Object.hasOwn(attributes, key) ? undefined : attributes[key];
    return wanted instanceof RegExp ? typeof value === 'string' && wanted.test(value) : Object.is(wanted, value);
  });
}

class Rules implements Sampler {
  readonly #rules: readonly CheckedRule[];
  readonly #otherwise: Sampler;

  constructor(rules: readonly SamplingRule[], otherwise: Sampler) {
    this.#rules = rules.map(checked);
    this.#otherwise = otherwise;
  }

  shouldSample(...[parent, trace, name, kind, attributes, links]: Parameters<Sampler['shouldSample']>): SamplingResult {
    const rule = this.#rules.find((candidate) => holds(candidate, name, kind, attributes));
    return (rule?.sampler ?? this.#otherwise).shouldSample(parent, trace, name, kind, attributes, links);
  }

  toString(): string {
    return `Rules{${[...this.#rules.map((rule) => rule.sampler), this.#otherwise].join(',')}}`;
  }
}

/**
 * Asks the sampler of the first rule that holds, or `otherwise` (default: always on). Rules see the name, the kind and the attributes that
 * a span has at its start. For whole traces put it at the root of a `parentBasedSampler`.
 * @throws KymoError `KYMO_CONFIG_VALUE` for a rule without a sampler.
 */
export function rulesSampler(rules: readonly SamplingRule[], otherwise: Sampler = ALWAYS_ON): Sampler {
  return new Rules(rules, otherwise);
}
