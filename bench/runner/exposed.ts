// Reads single values back from exposition text, so that a bench can check what it counted. Slow and simple on purpose.

/**
 * The value of the line that starts with `series` and a space, labels included, as in `jobs_total{kind="x"}`.
 * @throws Error when there is no such line: the thing measured did not count at all.
 */
export function exposedValue(text: string, series: string): number {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
  if (line === undefined) throw new Error(`no ${series} in:\n${text.slice(0, 2_000)}`);
  return Number(line.slice(series.length + 1).split(' ')[0]);
}

/** Sum over all series of the metric or sample name `name`. */
export function exposedSum(text: string, name: string): number {
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

/** Throws unless `found` is `expected`. */
export function expectCount(what: string, found: number, expected: number): void {
  if (found !== expected) throw new Error(`${what}: counted ${found} of ${expected}`);
}
