// What prom-client accepts as names and labels, with its errors. Pure functions, any thread.
import util from 'util';

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** True for `[a-zA-Z_:][a-zA-Z0-9_:]*`. */
export function validateMetricName(name: string): boolean {
  return METRIC_NAME.test(name);
}

/** True when all names are `[a-zA-Z_][a-zA-Z0-9_]*`; `__x` is among them. */
export function validateLabelName(names: readonly string[] = []): boolean {
  return names.every((name) => LABEL_NAME.test(name));
}

/** @throws Error for a label, own or inherited, that was not declared. */
export function validateLabel(declared: readonly string[], labels: unknown): void {
  // `in`, as there: what an object inherits counts.
  for (const label in labels as object) {
    if (!declared.includes(label)) {
      throw new Error(`Added label "${label}" is not included in initial labelset: ${util.inspect(declared)}`);
    }
  }
}
