// What callers give as labels, made into values in the order of the names that the series have. App thread; the careful path,
// taken once per combination.
import { KymoError } from '../core/errors.js';
import { type LabelValues, labelText } from './labels.js';

/** Which labels a metric takes, and what its series keep of them. */
export interface LabelRules {
  /** Names that a caller may give, in the order of positional values. */
  readonly accepted: readonly string[];
  /** Names that series have: all of them, or what a view left. */
  readonly kept: readonly string[];
  /** Text for a missing value per kept name; undefined where a missing value is an error. */
  readonly fallbacks: readonly (string | undefined)[];
  /** There are no labels, or each has a default: a call without labels means one series. */
  readonly whole: boolean;
}

const hasOwn = Object.prototype.hasOwnProperty;

/** See the file. One per metric and thread. */
export class LabelInput {
  readonly #metric: string;
  readonly #rules: LabelRules;
  /** Index in `accepted` of each kept name. */
  readonly #positions: readonly number[];

  constructor(metric: string, rules: LabelRules) {
    this.#metric = metric;
    this.#rules = rules;
    this.#positions = rules.kept.map((name) => rules.accepted.indexOf(name));
  }

  /**
   * Values of the kept names, as they came: own properties of one object, or all values in the order of the declaration;
   * undefined where there is none.
   * @throws KymoError `KYMO_METRICS_LABELS` for names or a number of values that were not declared.
   */
  read(given: readonly unknown[]): readonly unknown[] {
    const first = given[0];
    if (typeof first === 'object' && first !== null) return this.readObject(first);
    const { accepted, kept } = this.#rules;
    if (given.length !== accepted.length) throw this.refuse(`got ${given.length} values`);
    return accepted === kept ? given : this.#positions.map((at) => given[at]);
  }

  /** As {@link read}, of one object. */
  readObject(labels: unknown): unknown[] {
    if (typeof labels !== 'object' || labels === null) throw this.refuse(`got ${typeof labels}`);
    for (const name of Object.keys(labels)) {
      if (!this.#rules.accepted.includes(name)) throw this.refuse(`${JSON.stringify(name)} was not declared`);
    }
    return this.#rules.kept.map((name) => (hasOwn.call(labels, name) ? (labels as Record<string, unknown>)[name] : undefined));
  }

  /**
   * The texts of what {@link read} gave; undefined when one cannot be told (an object whose `toString` throws).
   * @throws KymoError `KYMO_METRICS_LABELS` for a missing value that nothing stands in for.
   */
  texts(values: readonly unknown[]): string[] | undefined {
    const texts: string[] = [];
    for (const [at, value] of values.entries()) {
      const missing = value === undefined || value === null;
      const text = missing ? this.#rules.fallbacks[at] : labelText(value);
      if (text === undefined) {
        if (missing) throw this.refuse(`${JSON.stringify(this.#rules.kept[at])} is ${value}`);
        return undefined;
      }
      texts.push(text);
    }
    return texts;
  }

  /**
   * Texts by index of the kept name, for the labels that the object names; undefined when no series can have them: a value
   * that cannot be told, or a label that a view dropped.
   */
  partial(labels: Partial<LabelValues>): Map<number, string> | undefined {
    const values = this.readObject(labels);
    const wanted = new Map<number, string>();
    for (const name of Object.keys(labels)) {
      const at = this.#rules.kept.indexOf(name);
      const text = at < 0 ? undefined : labelText(values[at] ?? this.#rules.fallbacks[at] ?? '');
      if (text === undefined) return undefined;
      wanted.set(at, text);
    }
    return wanted;
  }

  /** The error for labels that do not fit the declaration. */
  refuse(problem: string): KymoError {
    return new KymoError('KYMO_METRICS_LABELS', {
      metric: this.#metric,
      problem,
      names: this.#rules.accepted.join(', ') || 'no labels',
    });
  }
}
