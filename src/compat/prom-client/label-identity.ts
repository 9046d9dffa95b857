// What tells the series of a metric apart: prom-client's hash of the labels, but for values that hold its separator. Pure functions.

/** Labels as a program gives them: any object. */
export type Labels = Record<string, unknown>;

/** One set of labels. */
export interface Identity {
  /** prom-client's hash: `name:value,` for each label that is not undefined, in the order of the names. */
  readonly hash: string;
  /** The hash where it can be read one way only, else a text that no hash is like. */
  readonly key: string;
}

/** Of no labels. */
export const NO_LABELS: Identity = { hash: '', key: '' };

/** True for what prom-client takes for labels: any object, arrays and dates included. */
export function isObject(value: unknown): value is Labels {
  return value !== null && typeof value === 'object';
}

/** The identity of `labels` by these names. @throws TypeError for a value that has no text (a symbol). */
export function identify(names: readonly string[], labels: Labels): Identity {
  let hash = '';
  let ambiguous = false;
  for (const name of names) {
    const value = labels[name];
    if (value === undefined) continue;
    const text = `${value}`;
    // Names have neither of the separators, and the first colon ends a name, so only a comma in a value can mislead.
    ambiguous ||= text.includes(',');
    hash += `${name}:${text},`;
  }
  return { hash, key: ambiguous ? unambiguous(names, labels) : hash };
}

function unambiguous(names: readonly string[], labels: Labels): string {
  return `,${JSON.stringify(names.filter((name) => labels[name] !== undefined).map((name) => [name, `${labels[name]}`]))}`;
}

/**
 * The labels that the arguments of `labels()` and `remove()` mean: an object as it is, or values in the order of the names.
 * @throws Error for another number of values.
 */
export function getLabels(labelNames: readonly string[], args: readonly unknown[]): Labels {
  if (typeof args[0] === 'object') return args[0] as Labels;
  if (labelNames.length !== args.length) {
    const given = `Invalid number of arguments (${args.length}): "${args.join(', ')}"`;
    throw new Error(`${given} for label names (${labelNames.length}): "${labelNames.join(', ')}".`);
  }
  const labels: Labels = {};
  for (let at = 0; at < labelNames.length; at++) labels[labelNames[at] as string] = args[at];
  return labels;
}
