// State sets: which of a few declared states hold. App threads; a series is one cell with a bit per state, shared by all threads,
// so that a change is one store and no scrape sees two states, or none, in between.
import { cellOf, cellsAt, EPOCH, epochWords, type Place } from '../binding/segment.js';
import { checkStandalone, type StandaloneOptions } from './declaration.js';
import { Declared, declaredBy } from './declared.js';
import { type DropReason, dropped } from './drops.js';
import type { StateSetOptions } from './kind-options.js';
import type { LabelValues } from './labels.js';
import { type Bound, epochTaken, isPlace, joinRegistries, Metric } from './metric.js';

/** Options of `new StateSet`: `help` may be left out, or be called `description`. */
export type NewStateSetOptions<N extends string = string, S extends string = string> = Omit<StateSetOptions<N, S>, 'help'> &
  StandaloneOptions<StateSet<N, S>>;

/** A state set's series, looked up once. Its methods never throw; a state that was not declared is dropped and counted. */
export interface BoundStateSet<S extends string = string> extends Bound {
  /** Exactly this state holds from now on. */
  set(state: S): void;
  /** This state holds, whatever others do. */
  enable(state: S): void;
  /** This state holds no longer. */
  disable(state: S): void;
}

/** No epoch has this value: a handle that carries it registers before its next write. */
const EXPIRED = 0.5;

class StateSetSeries implements BoundStateSet {
  #cells: Float64Array;
  #at: number;
  readonly #words = epochWords();
  #seen = epochTaken();
  readonly #metric: StateSet;
  readonly #values: readonly string[];

  constructor(metric: StateSet, place: Place, values: readonly string[]) {
    this.#cells = cellsAt(place);
    this.#at = cellOf(place);
    this.#metric = metric;
    this.#values = values;
  }

  static expire(series: StateSetSeries): void {
    series.#seen = EXPIRED;
  }

  set(state: string): void {
    this.#write(state, (_, bit) => bit);
  }

  enable(state: string): void {
    this.#write(state, (bits, bit) => (holds(bits, bit) ? bits : bits + bit));
  }

  disable(state: string): void {
    this.#write(state, (bits, bit) => (holds(bits, bit) ? bits - bit : bits));
  }

  get labels(): Readonly<Record<string, string>> {
    return this.#metric.labelsOf(this.#values);
  }

  toJSON(): unknown {
    return { stateSet: this.#metric.name, labels: this.#values };
  }

  #write(state: string, change: (bits: number, bit: number) => number): void {
    const index = this.#metric.states.indexOf(state);
    if (index < 0) return dropped('unknown_state');
    if (this.#seen !== this.#words[EPOCH] && !this.#again()) return;
    this.#cells[this.#at] = change(this.#cells[this.#at] as number, 2 ** index);
  }

  /** Something was removed or reset: registers again, which starts a removed or reset series with no state. */
  #again(): boolean {
    const seen = this.#words[EPOCH] as number;
    const place = StateSet.again(this.#metric, this, this.#values);
    if (!isPlace(place)) return false;
    this.#cells = cellsAt(place);
    this.#at = cellOf(place);
    this.#seen = seen;
    return true;
  }
}

class RefusedStateSet implements BoundStateSet {
  readonly #reason: DropReason;

  constructor(reason: DropReason) {
    this.#reason = reason;
  }

  set(): void {
    dropped(this.#reason);
  }

  enable(): void {
    dropped(this.#reason);
  }

  disable(): void {
    dropped(this.#reason);
  }

  toJSON(): unknown {
    return { stateSet: null };
  }
}

/** True for bits that contain `bit`, a power of two; there may be more bits than bitwise operators take. */
function holds(bits: number, bit: number): boolean {
  return Math.floor(bits / bit) % 2 === 1;
}

/**
 * States of which each holds or does not: a connection's state, a feature's. Scraped as one series per state, 1 or 0, whose label
 * of the metric's name is the state. One value for the process: what any thread set last. Without a call no state holds.
 */
export class StateSet<N extends string = string, S extends string = string> extends Metric<BoundStateSet<S>> {
  /** As declared. */
  readonly states: readonly S[];
  readonly #whole: BoundStateSet<S> | undefined;

  /**
   * A state set that is in no registry yet, or in those of `registers`; `registry.stateSet` makes one and gives the same one to
   * whoever asks again.
   * @throws KymoError `KYMO_METRICS_DECLARATION` for a bad name, label name, state or option.
   */
  constructor(options: NewStateSetOptions<N, S>);
  /** @internal */
  constructor(declared: Declared);
  constructor(given: NewStateSetOptions<N, S> | Declared) {
    const declared = declaredBy(given instanceof Declared ? given : checkStandalone('stateset', given));
    super(declared);
    this.states = Object.freeze([...((declared.declaration.states ?? []) as S[])]);
    this.#whole = this.isWhole ? this.labels({}) : undefined;
    if (!(given instanceof Declared)) joinRegistries(this, given.registers);
  }

  static again(stateSet: StateSet, series: BoundStateSet, values: readonly string[]): Place {
    return stateSet.again(series, values);
  }

  /**
   * Exactly this state of a series holds from now on.
   * @throws KymoError `KYMO_METRICS_LABELS` for labels that were not declared, or missing ones.
   */
  set(state: S, labels?: Partial<LabelValues<N>>): void {
    this.#series(labels).set(state);
  }

  /** This state of a series holds, whatever others do; errors as for `set`. */
  enable(state: S, labels?: Partial<LabelValues<N>>): void {
    this.#series(labels).enable(state);
  }

  /** This state of a series holds no longer; errors as for `set`. */
  disable(state: S, labels?: Partial<LabelValues<N>>): void {
    this.#series(labels).disable(state);
  }

  /** The states that hold in a series, without labels in any; errors as for `set`. Reads each series: for tests and reports. */
  enabled(labels?: Partial<LabelValues<N>>): S[] {
    const series = this.series(labels);
    return this.states.filter((_, at) => series.some(({ numbers }) => numbers[at] === 1));
  }

  #series(labels?: Partial<LabelValues<N>>): BoundStateSet<S> {
    return labels === undefined ? (this.#whole ?? this.labels()) : this.handleFor(labels);
  }

  protected override get keepsRemoved(): boolean {
    return false;
  }

  protected bind(place: Place, values: readonly string[]): BoundStateSet<S> {
    return new StateSetSeries(this as unknown as StateSet, place, values) as BoundStateSet<S>;
  }

  protected refused(reason: DropReason): BoundStateSet<S> {
    return new RefusedStateSet(reason);
  }

  protected expire(handle: BoundStateSet): void {
    StateSetSeries.expire(handle as StateSetSeries);
  }
}
