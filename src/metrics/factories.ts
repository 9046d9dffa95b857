// The ways to ask a registry for a metric: an options object, or a name with a description, labels and buckets. Pure functions,
// any thread.
import type { AnyOptions } from './declaration.js';
import type { LabelValue } from './labels.js';

/** Labels with their default values. */
export type DefaultLabels = Readonly<Record<string, LabelValue>>;

/** Options of a kind beside a name that stands in front of them; `help` may be left out. */
export type NamedOptions<O extends { readonly help: string }> = Omit<O, 'name' | 'help'> & {
  readonly help?: string;
  /** Same as `help`. */
  readonly description?: string;
};

/** What a call of a factory asks for. */
export interface Asked {
  readonly options: AnyOptions;
  /** By name and parts: what is not given stays as the metric of that name was declared first. */
  readonly byName: boolean;
}

/**
 * Reads the arguments of a factory: `(options)`, `(name)`, `(name, options)`, or `(name, description, labels, buckets)` of which
 * each may be missing. An array of numbers is buckets, any other array names labels, an object behind a description gives them
 * defaults.
 */
export function readAsked(first: unknown, parts: readonly unknown[]): Asked {
  if (typeof first !== 'string') return { options: first as AnyOptions, byName: false };
  const [second, ...rest] = parts;
  const named = { name: first };
  if (typeof second === 'object' && second !== null && !Array.isArray(second)) {
    const given = second as AnyOptions;
    return { options: { ...given, ...named, help: given.help ?? given.description ?? '' }, byName: true };
  }
  const behind = Array.isArray(second) ? parts : rest;
  const help = Array.isArray(second) || second === undefined || second === null ? '' : second;
  let options: AnyOptions = { ...named, help: help as string };
  for (const part of behind) {
    if (part === undefined || part === null) continue;
    if (!Array.isArray(part)) options = { ...options, labels: part as Record<string, LabelValue> };
    else if (part.some((item) => typeof item === 'number')) options = { ...options, buckets: part };
    else if (options.labelNames === undefined && options.labels === undefined) options = { ...options, labelNames: part };
  }
  return { options, byName: true };
}
