// What counter, gauge and histogram share: a declaration, the label index, bound series, removal and reset. App threads.

import { native } from '../binding/load.js';
import { GONE, type RemovedSeries, TOO_LONG } from '../binding/native-metrics.js';
import { attach, type Place, placeOf } from '../binding/segment.js';
import { type Declared, type MissingLabels, takeRemoved } from './declared.js';
import { DROP_REASONS, type DropReason, dropped } from './drops.js';
import { fresh, isLabelValue, LabelIndex, type LabelValue, type LabelValues, labelText, UNKNOWN } from './labels.js';

export { type Declaration, Declared, epochTaken, type MissingLabels } from './declared.js';

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

/** Ghosts looked at per registration, so that registering stays constant in cost. */
const GHOSTS_PER_CALL = 4;

/** See the file. `B` is the bound handle of the kind. */
export abstract class Metric<B extends Bound> {
  /** As declared. */
  readonly name: string;
  /** As declared. */
  readonly help: string;
  /** As declared. */
  readonly labelNames: readonly string[];
  /** Process-wide id. */
  readonly #id: number;
  /** As declared. */
  readonly missingLabels: MissingLabels;
  readonly #index: LabelIndex;
  readonly #handles = new Map<Place, B>();
  /** Further handles of a place: those whose removed series came back under a newer handle. */
  readonly #twins = new Map<Place, B[]>();
  readonly #ghosts = new Map<Place, Ghost<B>>();

  constructor({ id, declaration }: Declared) {
    attach();
    this.name = declaration.name;
    this.help = declaration.help;
    this.labelNames = Object.freeze([...declaration.labelNames]);
    this.#id = id;
    this.missingLabels = declaration.missingLabels;
    this.#index = new LabelIndex(this.labelNames);
  }

  /** Makes the handle of a place; `values` in the order of the declaration. */
  protected abstract bind(place: Place, values: readonly string[]): B;
  /** Makes the handle of a series that could not be had: each use is one drop. */
  protected abstract refused(reason: DropReason): B;
  /** This thread removed the series of a handle that may be used again. */
  protected abstract expire(handle: B): void;

  /**
   * The series of these label values: values in the order of `labelNames`, or one object. The series is shown from now on,
   * with 0. Keep the handle where the values are known in advance: its calls are a store, without any look-up.
   * @throws KymoError `KYMO_METRICS_LABELS` for names or a number of values that were not declared.
   */
  labels(...values: LabelValue[] | [LabelValues]): B {
    const first = values[0];
    const given = typeof first === 'object' && first !== null ? this.#index.read(this.name, first) : (values as unknown[]);
    if (given.length !== this.labelNames.length) throw this.#index.refuse(this.name, `got ${given.length} values`);
    return this.#handleOf(this.#resolve(given), given);
  }

  /**
   * Takes one series away; true if it was shown. A handle that is still held brings it back, from 0, when it is used.
   * @throws KymoError `KYMO_METRICS_LABELS` as `labels` does.
   */
  remove(...values: LabelValue[] | [LabelValues]): boolean {
    const first = values[0];
    const given = typeof first === 'object' && first !== null ? this.#index.read(this.name, first) : (values as unknown[]);
    if (given.length !== this.labelNames.length) throw this.#index.refuse(this.name, `got ${given.length} values`);
    const texts = this.#texts(given);
    if (texts === undefined) return false;
    const place = this.#index.findValues(texts);
    const held = this.#held(place) !== undefined;
    const slot = native.removeSeries(this.#id, held && this.keepsRemoved, ...texts);
    if (slot < 0) return false;
    if (place !== UNKNOWN) this.#drop(place, texts, slot);
    return true;
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

  /** The place of an object of labels; registers what is new. Without {@link isPlace} it is a drop, already counted. */
  protected placeOf(labels: LabelValues): Place {
    const place = this.#index.find(labels);
    return place === UNKNOWN ? this.#counted(this.#resolve(this.#index.read(this.name, labels))) : place;
  }

  /** The handle of an object of labels. */
  protected handleFor(labels: LabelValues): B {
    return this.#handles.get(this.#index.find(labels)) ?? this.labels(labels);
  }

  /** The one handle of a place. */
  #handleOf(place: Place, given: readonly unknown[]): B {
    if (!isPlace(place)) return this.refused(reasonOf(place));
    let handle = this.#handles.get(place);
    if (handle === undefined) {
      handle = this.#held(place) ?? this.bind(place, (this.#texts(given) as string[]).map(fresh));
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
    if (!isPlace(place)) return place;
    const newer = this.#handles.get(place);
    if (newer === undefined) this.#handles.set(place, handle);
    else if (newer !== handle) {
      const twins = this.#twins.get(place) ?? [];
      if (!twins.includes(handle)) this.#twins.set(place, [...twins, handle]);
    }
    return place;
  }

  /** Another thread removed a series, and this one held cells of it. */
  forget({ series, values }: RemovedSeries): void {
    const place = this.#index.findValues(values);
    if (place === UNKNOWN || !this.#drop(place, values, series)) native.releaseSeries(this.#id, series);
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

  #texts(given: readonly unknown[]): string[] | undefined {
    const texts: string[] = [];
    for (const [at, value] of given.entries()) {
      if (value === undefined || value === null) {
        if (this.missingLabels === 'throw') throw this.#index.refuse(this.name, `${JSON.stringify(this.labelNames[at])} is ${value}`);
        texts.push('');
        continue;
      }
      const text = labelText(value);
      if (text === undefined) return undefined;
      texts.push(text);
    }
    return texts;
  }

  #resolve(given: readonly unknown[]): Place {
    const texts = this.#texts(given);
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
    const location = native.registerSeries(this.#id, ...texts);
    if (location < 0) return refusal(location === TOO_LONG ? 'label_too_long' : location === GONE ? 'unregistered' : 'memory');
    let place: Place;
    try {
      place = placeOf(location);
    } catch {
      return refusal('memory'); // A `last` gauge lies in another thread's memory, which this runtime does not lend (M5).
    }
    this.#index.add(texts, place);
    this.#spell(given, texts, place);
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
}

/** True for a place that can be written. */
export function isPlace(place: Place): boolean {
  return place >= 0;
}
