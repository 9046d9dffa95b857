// What counter, gauge and histogram share: a declaration, the label index, bound series, removal and reset. App threads.
import { GONE, NO_MEMORY, type RemovedSeries, TOO_LONG } from '../binding/native-metrics.js';
import { asKymoError, native } from '../binding/load.js';
import { attach, EPOCH, epochWords, type Place, placeOf } from '../binding/segment.js';
import { dropped, prepareDrops } from './drops.js';
import { isLabelValue, LabelIndex, labelText, type LabelValue, type LabelValues, UNKNOWN } from './labels.js';

/** What a missing label value means: an error, or the empty string (which stands for "no label" in both formats). */
export type MissingLabels = 'throw' | 'empty';

/** A checked declaration. */
export interface Declaration {
  readonly name: string;
  readonly help: string;
  readonly kind: 1 | 2 | 3;
  readonly labelNames: readonly string[];
  readonly missingLabels: MissingLabels;
  readonly bounds?: readonly number[];
  readonly last: boolean;
}

/** What `labels()` of each kind gives. */
export interface Bound {
  /** Makes a bound handle safe to print: it shows what it is bound to, never memory. */
  toJSON(): unknown;
}

/** The place is not to be had; the drop was counted. */
const REFUSED = -2;

/** Removed, but a handle to it may be alive: its cells go back when the handle was collected. */
interface Ghost<B extends Bound> {
  readonly handle: WeakRef<B>;
  readonly slot: number;
}

/** Ghosts looked at per registration, so that registering stays constant in cost. */
const GHOSTS_PER_CALL = 4;

const live = new Map<number, WeakRef<Metric<Bound>>>();
const collected = new FinalizationRegistry<number>((id) => {
  if (live.get(id)?.deref() === undefined) live.delete(id);
  native.releaseMetric(id);
});
let seenEpoch = 0;

/** Series that other threads removed: forgets them here, and gives their cells back unless a handle holds them. */
function takeRemoved(): void {
  const epoch = epochWords()[EPOCH] as number;
  if (epoch === seenEpoch) return;
  seenEpoch = epoch;
  for (const removed of native.takeRemoved()) live.get(removed.metric)?.deref()?.forget(removed);
}

/** Declares a metric natively and gives this thread's object of it: one, however often it is declared. */
export function declare<B extends Bound, M extends Metric<B>>(registry: number, declaration: Declaration, create: (id: number) => M): M {
  prepareDrops();
  let id: number;
  try {
    id = native.declareMetric(registry, {
      name: declaration.name,
      help: declaration.help,
      kind: declaration.kind,
      labelNames: [...declaration.labelNames],
      last: declaration.last,
      ...(declaration.bounds === undefined ? {} : { bounds: Float64Array.from(declaration.bounds) }),
    });
  } catch (error) {
    throw asKymoError(error, { name: declaration.name, existing: (error as Error).message });
  }
  const known = live.get(id)?.deref();
  if (known !== undefined) return known as unknown as M;
  const metric = create(id);
  live.set(id, new WeakRef(metric as unknown as Metric<Bound>));
  collected.register(metric, id);
  return metric;
}

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
  readonly #missing: MissingLabels;
  readonly #index: LabelIndex;
  readonly #handles = new Map<Place, B>();
  readonly #ghosts = new Map<Place, Ghost<B>>();

  constructor(id: number, declaration: Declaration) {
    attach();
    this.name = declaration.name;
    this.help = declaration.help;
    this.labelNames = Object.freeze([...declaration.labelNames]);
    this.#id = id;
    this.#missing = declaration.missingLabels;
    this.#index = new LabelIndex(this.labelNames);
  }

  /** Makes the handle of a place; `values` in the order of the declaration. */
  protected abstract bind(place: Place, values: readonly string[]): B;
  /** Makes the handle of a series that could not be had: each use is one drop. */
  protected abstract refused(): B;
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
    const handle = this.#handles.get(place);
    const ghosts = this.#ghosts.get(place)?.handle.deref() !== undefined;
    const slot = native.removeSeries(this.#id, (handle !== undefined || ghosts) && this.keepsRemoved, ...texts);
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

  /** The place of an object of labels; registers what is new. {@link isPlace} tells whether there is one. */
  protected placeOf(labels: LabelValues): Place {
    const place = this.#index.find(labels);
    return place === UNKNOWN ? this.#resolve(this.#index.read(this.name, labels)) : place;
  }

  /** The place of a metric without labels. */
  protected placeWithout(): Place {
    if (this.labelNames.length > 0) throw this.#index.refuse(this.name, 'got no labels');
    return this.#register([], []);
  }

  /** The handle of an object of labels. */
  protected handleFor(labels: LabelValues): B {
    return this.#handles.get(this.#index.find(labels)) ?? this.labels(labels);
  }

  /** The one handle of a place. */
  #handleOf(place: Place, given: readonly unknown[]): B {
    if (place === REFUSED) return this.refused();
    let handle = this.#handles.get(place);
    if (handle === undefined) {
      handle = this.#ghosts.get(place)?.handle.deref() ?? this.bind(place, this.#texts(given) as string[]);
      this.#ghosts.delete(place);
      this.#handles.set(place, handle);
    }
    return handle;
  }

  /** Registers the values of a handle anew, after its series was removed or reset. */
  protected again(handle: B, values: readonly string[]): Place {
    const place = this.#register(values, values);
    if (place !== REFUSED) this.#handles.set(place, handle);
    return place;
  }

  /** Another thread removed a series, and this one held cells of it. */
  forget({ series, values }: RemovedSeries): void {
    const place = this.#index.findValues(values);
    if (place === UNKNOWN || !this.#drop(place, values, series)) native.releaseSeries(this.#id, series);
  }

  /** Forgets a place; true if a live handle keeps its cells. */
  #drop(place: Place, values: readonly string[], slot: number): boolean {
    const handle = this.#handles.get(place) ?? this.#ghosts.get(place)?.handle.deref();
    this.#index.delete(values);
    this.#handles.delete(place);
    this.#ghosts.delete(place);
    if (handle === undefined) return false;
    this.expire(handle);
    if (!this.keepsRemoved) return false;
    this.#ghosts.set(place, { handle: new WeakRef(handle), slot });
    return true;
  }

  #texts(given: readonly unknown[]): string[] | undefined {
    const texts: string[] = [];
    for (const [at, value] of given.entries()) {
      if (value === undefined || value === null) {
        if (this.#missing === 'throw') throw this.#index.refuse(this.name, `${JSON.stringify(this.labelNames[at])} is ${value}`);
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
    if (texts === undefined) {
      dropped('label_value');
      return REFUSED;
    }
    const known = this.#index.findValues(texts);
    if (known !== UNKNOWN) {
      this.#spell(given, texts, known);
      return known;
    }
    return this.#register(texts, given);
  }

  /** Remembers the spelling as well, so that the number 200 is found as quickly as the string '200'. */
  #spell(given: readonly unknown[], texts: readonly string[], place: Place): void {
    if (given.every(isLabelValue) && given.some((value, at) => value !== texts[at])) this.#index.add(given as LabelValue[], place);
  }

  #register(texts: readonly string[], given: readonly unknown[]): Place {
    takeRemoved();
    this.#collectGhosts();
    const location = native.registerSeries(this.#id, ...texts);
    if (location < 0) {
      dropped(location === NO_MEMORY ? 'memory' : location === TOO_LONG ? 'label_too_long' : location === GONE ? 'unregistered' : 'memory');
      return REFUSED;
    }
    const place = placeOf(location);
    if (texts.length > 0) {
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
      if (ghost.handle.deref() === undefined) native.releaseSeries(this.#id, ghost.slot);
      else this.#ghosts.set(place, ghost);
    }
  }
}

/** True for a place that can be written. */
export function isPlace(place: Place): boolean {
  return place !== REFUSED;
}
