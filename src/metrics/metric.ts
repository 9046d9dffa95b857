// What all instruments share: a declaration, the label index, bound series, removal, reset and reading back. App threads.

import { native } from '../binding/load.js';
import { GONE, OVERFLOW, type RemovedSeries, TOO_LONG } from '../binding/native-metrics.js';
import { attach, type Place, placeOf } from '../binding/segment.js';
import { type Declared, labelRules, NOWHERE, remember, takeRemoved } from './declared.js';
import { BY_CHOICE, DROP_REASONS, type DropReason, dropped } from './drops.js';
import { LabelInput, type LabelRules } from './label-input.js';
import { fresh, isLabelValue, LabelIndex, type LabelValue, type LabelValues, UNKNOWN } from './labels.js';
import { matching, readMetric, type SeriesReading } from './reading.js';

export { type Declaration, type Declared, epochTaken, type MissingLabels } from './declared.js';

/** What `labels()` of each kind gives. */
export interface Bound {
  /** Makes a bound handle safe to print: it shows what it is bound to, never memory. */
  toJSON(): unknown;
}

/** A place that is not to be had: this, less the index of the reason in {@link DROP_REASONS}. */
const REFUSED = UNKNOWN - 1;

function refusal(reason: DropReason): Place {
  return REFUSED - DROP_REASONS.indexOf(reason);
}

function reasonOf(place: Place): DropReason {
  return DROP_REASONS[REFUSED - place] ?? 'memory';
}

/** Removed, but a handle to it may be alive: its cells go back when the handle was collected. */
interface Ghost<B extends Bound> {
  readonly handle: WeakRef<B>;
  readonly slot: number;
  readonly values: readonly string[];
}

/** Labels of handles that somebody listened to, by their values. */
const labelRecords = new WeakMap<readonly string[], Readonly<Record<string, string>>>();

/** Ghosts looked at per registration, so that registering stays constant in cost. */
const GHOSTS_PER_CALL = 4;

/** See the file. `B` is the bound handle of the kind. */
export abstract class Metric<B extends Bound> {
  /** As declared, or as a view renamed it. */
  readonly name: string;
  /** As declared. */
  readonly help: string;
  /** As declared, those that a view drops included. */
  readonly labelNames: readonly string[];
  /** Process-wide id, or {@link NOWHERE}. */
  readonly #id: number;
  readonly #rules: LabelRules;
  readonly #input: LabelInput;
  readonly #index: LabelIndex;
  /** Something stands in for a missing label value, so that an object may leave it out. */
  readonly #partial: boolean;
  readonly #handles = new Map<Place, B>();
  /** Further handles of a place: those whose removed series came back under a newer handle. */
  readonly #twins = new Map<Place, B[]>();
  readonly #ghosts = new Map<Place, Ghost<B>>();
  /** This thread's part of the series that takes what is over the cap; it is in neither index nor handles. */
  #overflow: Place = UNKNOWN;

  constructor({ id, declaration }: Declared) {
    attach();
    this.#id = id;
    this.#rules = labelRules(declaration);
    this.name = declaration.name;
    this.help = declaration.help;
    this.labelNames = Object.freeze([...this.#rules.accepted]);
    this.#input = new LabelInput(this.name, this.#rules);
    this.#index = new LabelIndex(this.#rules.kept, this.#rules.fallbacks);
    this.#partial = this.#rules.fallbacks.some((text) => text !== undefined);
    remember(this, { id, declaration, forget: (removed) => this.#forget(removed) });
    if (id === NOWHERE) this.#silence();
  }

  /** Makes the handle of a place; `values` in the order of the kept label names. */
  protected abstract bind(place: Place, values: readonly string[]): B;
  /** Makes the handle of a series that could not be had: each use is one drop. */
  protected abstract refused(reason: DropReason): B;
  /** This thread removed the series of a handle that may be used again. */
  protected abstract expire(handle: B): void;

  /** The help text under the name that other systems have for it. */
  get description(): string {
    return this.help;
  }

  /**
   * The series of these label values: values in the order of `labelNames`, or one object. The series is shown from now on,
   * with 0. Keep the handle where the values are known in advance: its calls are a store, without any look-up. Beyond
   * `maxSeries` the handle counts into the overflow series for as long as it lives; look it up again to get what room there is.
   * @throws KymoError `KYMO_METRICS_LABELS` for names or a number of values that were not declared.
   */
  labels(...values: LabelValue[] | [Partial<LabelValues>]): B {
    const given = this.#input.read(values);
    return this.#handleOf(this.#resolve(given), given);
  }

  /**
   * Takes one series away; true if it was shown. A handle that is still held brings it back, from 0, when it is used.
   * @throws KymoError `KYMO_METRICS_LABELS` as `labels` does.
   */
  remove(...values: LabelValue[] | [Partial<LabelValues>]): boolean {
    const texts = this.#input.texts(this.#input.read(values));
    return texts !== undefined && this.#remove(texts);
  }

  /**
   * Takes away every series that has all of these label values, whichever thread wrote it, and says how many; `{}` matches all
   * but the overflow series. Reads all series of the metric.
   * @throws KymoError `KYMO_METRICS_LABELS` for names that were not declared.
   */
  removeMatching(labels: Partial<LabelValues>): number {
    const wanted = this.#input.partial(labels);
    if (wanted === undefined) return 0;
    return matching(this.series(), this.#rules.kept.length, wanted).filter((texts) => this.#remove(texts)).length;
  }

  /**
   * Shows one series with 0: a new one, so that its first increase is seen as one, or one that counted already, which begins
   * anew.
   * @throws KymoError `KYMO_METRICS_LABELS` as `labels` does.
   */
  zero(...values: LabelValue[] | [Partial<LabelValues>]): void {
    this.remove(...values);
    this.labels(...values);
  }

  /** Sets every series to 0, whichever thread wrote it; none disappears. */
  reset(): void {
    native.resetMetric(this.#id);
  }

  /** What a log line shows of a metric. */
  toJSON(): unknown {
    return { name: this.name, help: this.help, labelNames: this.labelNames };
  }

  /** True where a held handle of a removed series writes on (counters, histograms); gauges ask before they write. */
  protected get keepsRemoved(): boolean {
    return true;
  }

  /** A call without labels has a series of its own: see {@link LabelRules.whole}. */
  protected get isWhole(): boolean {
    return this.#rules.whole;
  }

  /** Values of all series over all threads, or of the one with these labels. Natively read: for tests and reports. */
  protected series(labels?: Partial<LabelValues>): SeriesReading[] {
    const all = readMetric(this.#id);
    if (labels === undefined) return all;
    const texts = this.textsOf(labels);
    return all.filter(({ values }) => texts !== undefined && values?.every((value, at) => value === texts[at]));
  }

  /** Label values in the order of the kept names; undefined when one cannot be told. Throws as `labels` does. */
  protected textsOf(labels: Partial<LabelValues>): string[] | undefined {
    return this.#input.texts(this.#input.readObject(labels));
  }

  /** Labels of a handle with these values, one frozen object per handle: for whoever is told what it records. */
  labelsOf(values: readonly string[]): Readonly<Record<string, string>> {
    let labels = labelRecords.get(values);
    if (labels === undefined) {
      labels = Object.freeze(Object.fromEntries(this.#rules.kept.map((name, at) => [name, values[at] as string])));
      labelRecords.set(values, labels);
    }
    return labels;
  }

  /** The place of an object of labels; registers what is new. Without {@link isPlace} it is a drop, already counted. */
  protected placeOf(labels: Partial<LabelValues>): Place {
    const place = this.#find(labels);
    return place === UNKNOWN ? this.#counted(this.#resolve(this.#input.readObject(labels))) : place;
  }

  /** The handle of an object of labels. */
  protected handleFor(labels: Partial<LabelValues>): B {
    return this.#handles.get(this.#find(labels)) ?? this.labels(labels);
  }

  #find(labels: Partial<LabelValues>): Place {
    const place = this.#index.find(labels as LabelValues);
    return place === UNKNOWN && this.#partial ? this.#index.findPartial(labels as LabelValues, this.#rules) : place;
  }

  /** The one handle of a place. */
  #handleOf(place: Place, given: readonly unknown[]): B {
    if (!isPlace(place)) return this.refused(reasonOf(place));
    let handle = this.#handles.get(place);
    if (handle === undefined) {
      const values = (): string[] => (this.#input.texts(given) as string[]).map(fresh);
      if (place === this.#overflow) return this.bind(place, values());
      handle = this.#held(place) ?? this.bind(place, values());
      this.#ghosts.delete(place);
      this.#handles.set(place, handle);
    }
    return handle;
  }

  /** A handle that writes to `place`, of a series that is shown or was removed. */
  #held(place: Place): B | undefined {
    return this.#handles.get(place) ?? this.#ghosts.get(place)?.handle.deref();
  }

  /** Registers the values of a handle anew, after its series was removed or reset. Refused is counted. */
  protected again(handle: B, values: readonly string[]): Place {
    const place = this.#counted(this.#register(values, values));
    if (!isPlace(place) || place === this.#overflow) return place;
    const newer = this.#handles.get(place);
    if (newer === undefined) this.#handles.set(place, handle);
    else if (newer !== handle) {
      const twins = this.#twins.get(place) ?? [];
      if (!twins.includes(handle)) this.#twins.set(place, [...twins, handle]);
    }
    return place;
  }

  #forget({ series, values }: RemovedSeries): void {
    const place = this.#index.findValues(values);
    if (place === UNKNOWN || !this.#drop(place, values, series)) native.releaseSeries(this.#id, series);
  }

  #remove(texts: readonly string[]): boolean {
    const place = this.#index.findValues(texts);
    const held = this.#held(place) !== undefined;
    const slot = native.removeSeries(this.#id, held && this.keepsRemoved, ...texts);
    if (slot < 0) return false;
    if (place !== UNKNOWN) this.#drop(place, texts, slot);
    return true;
  }

  /**
   * Forgets a place whose series was removed; true if a live handle keeps its cells. Then the index keeps it, too: what it
   * gives is always a place that is this series' own.
   */
  #drop(place: Place, values: readonly string[], slot: number): boolean {
    const handle = this.#held(place);
    if (handle !== undefined) this.expire(handle);
    for (const twin of this.#twins.get(place) ?? []) this.expire(twin);
    this.#handles.delete(place);
    this.#twins.delete(place);
    this.#ghosts.delete(place);
    if (handle !== undefined && this.keepsRemoved) {
      this.#ghosts.set(place, { handle: new WeakRef(handle), slot, values: values.map(fresh) });
      return true;
    }
    this.#index.delete(values);
    return false;
  }

  #counted(place: Place): Place {
    if (!isPlace(place)) dropped(reasonOf(place));
    return place;
  }

  #resolve(given: readonly unknown[]): Place {
    const texts = this.#input.texts(given);
    if (texts === undefined) return refusal('label_value');
    const known = this.#index.findValues(texts);
    // A removed series that a handle keeps has to be registered to be shown again.
    if (known !== UNKNOWN && !this.#ghosts.has(known)) {
      this.#spell(given, texts, known);
      return known;
    }
    return this.#register(texts, given);
  }

  /** Remembers the spelling as well, so that the number 200 is found as quickly as the string '200'. */
  #spell(given: readonly unknown[], texts: readonly string[], place: Place): void {
    const spelled = given.every((value, at) => (typeof value === 'string' ? value === texts[at] : isLabelValue(value)));
    if (spelled && given.some((value) => typeof value !== 'string')) this.#index.add(given as LabelValue[], place);
  }

  #register(texts: readonly string[], given: readonly unknown[]): Place {
    takeRemoved();
    this.#collectGhosts();
    const answer = native.registerSeries(this.#id, ...texts);
    const full = answer <= OVERFLOW;
    if (answer < 0 && !full) return refusal(answer === TOO_LONG ? 'label_too_long' : answer === GONE ? 'unregistered' : 'memory');
    let place: Place;
    try {
      place = placeOf(full ? OVERFLOW - answer : answer);
    } catch {
      return refusal('memory'); // A `last` gauge lies in another thread's memory, which this runtime does not lend (M5).
    }
    if (full) {
      this.#overflow = place;
    } else {
      this.#index.add(texts, place);
      this.#spell(given, texts, place);
    }
    return place;
  }

  #collectGhosts(): void {
    let looked = 0;
    for (const [place, ghost] of this.#ghosts) {
      if (looked++ === GHOSTS_PER_CALL) return;
      this.#ghosts.delete(place);
      if (ghost.handle.deref() !== undefined) this.#ghosts.set(place, ghost);
      else if (native.releaseSeries(this.#id, ghost.slot) === 1) this.#index.delete(ghost.values);
    }
  }

  /** A view dropped this metric: its own methods stand in front of those that look a series up, and do nothing. */
  #silence(): void {
    let handle: B | undefined;
    const silent = (): B => {
      handle ??= this.refused(BY_CHOICE);
      return handle;
    };
    const own = { labels: silent, handleFor: silent, placeOf: () => NOWHERE, remove: () => false, reset: () => undefined };
    for (const [name, value] of Object.entries(own)) Object.defineProperty(this, name, { value });
  }
}

/** Puts a new instrument into the registries of its options. */
export function joinRegistries<M>(metric: M, registers: readonly { register(metric: M): unknown }[] = []): void {
  for (const registry of registers) registry.register(metric);
}

/** True for a place that can be written. */
export function isPlace(place: Place): boolean {
  return place >= 0;
}
