// Views: what whoever runs a service changes about metrics that others declare. Applied when a registry declares a metric, never
// while it records. Pure functions, any thread.
import { KymoError } from '../core/errors.js';
import { type AnyOptions, checkDeclaration, type Kind } from './declaration.js';
import type { Declaration } from './declared.js';

/** What a predicate of a view sees of a metric. */
export interface ViewedMetric {
  readonly name: string;
  readonly kind: Kind;
  readonly labelNames: readonly string[];
}

/**
 * A change of the metrics that it matches, when the registry declares them; an instrument that was made by its constructor and
 * registered is as it was made. All views that match take effect, in the order in which they were added; each matches
 * the name as it was declared, and sees the labels that earlier ones left.
 */
export interface View {
  /** A name in which `*` stands for any characters, an expression, or a function. */
  readonly match: string | RegExp | ((metric: ViewedMetric) => boolean);
  /** Another name, or what makes one of the declared name. */
  readonly rename?: string | ((name: string) => string);
  /** The metric records nothing and is not shown; its methods still work. */
  readonly drop?: boolean;
  /** Labels that stay; series that differ in others only become one. Callers go on giving all that were declared. */
  readonly keepLabels?: readonly string[];
  /** Labels that go, as for `keepLabels`. */
  readonly dropLabels?: readonly string[];
  /** Classic buckets of a histogram; other kinds take no notice. */
  readonly buckets?: readonly number[];
  /** Exponential buckets of a histogram, as its option of that name. */
  readonly native?: unknown;
  /** As the option of that name. */
  readonly maxSeries?: number;
  /** As the option of that name. */
  readonly idleMs?: number;
}

/** Options that a view replaces as they are. */
const REPLACED = ['buckets', 'native', 'maxSeries', 'idleMs'] as const;

/** The views of one registry. */
export class Views {
  readonly #views: { readonly view: View; readonly matches: (metric: ViewedMetric) => boolean }[] = [];

  /** @throws KymoError `KYMO_CONFIG_VALUE` for a view that cannot be one. */
  add(view: View): void {
    const { match, rename, keepLabels, dropLabels } = view ?? {};
    expect('rename', rename, 'a name or a function', rename === undefined || typeof rename === 'string' || typeof rename === 'function');
    for (const [option, names] of Object.entries({ keepLabels, dropLabels })) {
      const isList = Array.isArray(names) && names.every((name) => typeof name === 'string');
      expect(option, names, 'an array of label names', names === undefined || isList);
    }
    this.#views.push({ view: { ...view }, matches: matcher(match) });
  }

  /**
   * The declaration that the views make of these options.
   * @throws KymoError `KYMO_METRICS_DECLARATION` for what the caller declared, or what a view made of it, when that cannot be.
   */
  apply(kind: Kind, options: AnyOptions): Declaration {
    const declared = checkDeclaration(kind, options);
    const metric = Object.freeze({ name: declared.name, kind, labelNames: declared.labelNames });
    const matching = this.#views.filter(({ matches }) => matches(metric)).map(({ view }) => view);
    if (matching.length === 0) return declared;
    let kept = declared.labelNames;
    const changes: Record<string, unknown> = {};
    for (const { rename, keepLabels, dropLabels, ...view } of matching) {
      if (rename !== undefined) changes.name = typeof rename === 'function' ? rename(declared.name) : rename;
      kept = kept.filter((label) => (keepLabels?.includes(label) ?? true) && !dropLabels?.includes(label));
      for (const option of REPLACED) if (view[option] !== undefined) changes[option] = view[option];
    }
    const labels = Object.fromEntries(Object.entries(declared.defaults ?? {}).filter(([label]) => kept.includes(label)));
    return {
      ...checkDeclaration(kind, { ...options, ...changes, labelNames: kept, labels } as AnyOptions),
      ...(kept.length < declared.labelNames.length ? { acceptedLabels: declared.labelNames } : {}),
      ...(matching.some(({ drop }) => drop) ? { dropped: true } : {}),
    };
  }
}

function matcher(match: unknown): (metric: ViewedMetric) => boolean {
  if (typeof match === 'function') return (metric) => Boolean(match(metric));
  expect('match', match, 'a name, an expression or a function', (typeof match === 'string' && match !== '') || match instanceof RegExp);
  const pattern =
    match instanceof RegExp
      ? new RegExp(match.source, match.flags.replace(/[gy]/g, '')) // Those two would make it remember the last metric.
      : new RegExp(`^${(match as string).split('*').map(escaped).join('.*')}$`, 's');
  return ({ name }) => pattern.test(name);
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

function expect(option: string, value: unknown, expected: string, holds: boolean): void {
  if (!holds) throw new KymoError('KYMO_CONFIG_VALUE', { source: `\`${option}\` of a view`, value, expected });
}
