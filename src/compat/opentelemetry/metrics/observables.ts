// Instruments whose values are asked for by callbacks: of one instrument, or of several in a batch. App threads, before a scrape that
// JavaScript renders and every few seconds for those that native threads render.
import type {
  Attributes,
  BatchObservableCallback,
  BatchObservableResult,
  Observable,
  ObservableCallback,
  ObservableResult,
} from '@opentelemetry/api';
import { cellOf, cellsAt } from '../../../binding/segment.js';
import { droppedValue } from '../../../metrics/drops.js';
import { isRecordable } from './instruments.js';
import type { NativeMetric } from './native-metric.js';

/** One instrument. Its callbacks are called in the order in which they were added, each once. */
export class KymoObservable implements Observable {
  readonly callbacks = new Set<ObservableCallback>();
  readonly #metric: NativeMetric;
  readonly #whole: boolean;
  readonly #grows: boolean;
  readonly #added: () => void;
  /** Series of the last collection, by the JSON of their pairs. */
  #shown = new Map<string, readonly string[]>();
  #observed = new Map<string, readonly string[]>();

  /** @param added called with each callback that is added */
  constructor(metric: NativeMetric, whole: boolean, added: () => void) {
    this.#metric = metric;
    this.#whole = whole;
    this.#grows = metric.declaration.shape === 'counter';
    this.#added = added;
  }

  addCallback(callback: ObservableCallback): void {
    this.callbacks.add(callback);
    this.#added();
  }

  removeCallback(callback: ObservableCallback): void {
    this.callbacks.delete(callback);
  }

  /** Begins a collection: what was observed so far is of the last one. */
  begin(): void {
    this.#observed = new Map();
  }

  /** Shows `value` for the series with these attributes; what cannot be shown is dropped and counted. Never throws. */
  observe(value: number, attributes: Attributes | undefined): void {
    if (this.#grows && !(typeof value === 'number' && value >= 0 && value < Infinity)) return droppedValue(value);
    if (!isRecordable(value)) return;
    const place = this.#metric.place(attributes);
    if (place < 0) return;
    const pairs = this.#metric.pairsOf(attributes ?? {});
    this.#observed.set(JSON.stringify(pairs), pairs);
    cellsAt(place)[cellOf(place)] = this.#whole ? Math.trunc(value) : value;
  }

  /** Ends a collection: series that were not observed in it are shown no more, unless a callback failed and may have meant them. */
  end(failed: boolean): void {
    for (const [key, pairs] of this.#shown) {
      if (this.#observed.has(key)) continue;
      if (failed) this.#observed.set(key, pairs);
      else this.#metric.remove(pairs);
    }
    this.#shown = this.#observed;
  }
}

/** A callback of several instruments. */
interface Batch {
  readonly callback: BatchObservableCallback;
  readonly observables: ReadonlySet<KymoObservable>;
}

/** All observable instruments of a meter provider, and their collection. */
export class Observables {
  readonly #all = new Set<KymoObservable>();
  #batches: Batch[] = [];
  readonly #needed: () => void;
  readonly #timeoutMs: number;
  #collecting: Promise<void> | undefined;

  /**
   * @param needed called when there is something to collect, any number of times
   * @param timeoutMs how long a callback is waited for; it has failed then, and the others go on
   */
  constructor(needed: () => void, timeoutMs = 5_000) {
    this.#needed = needed;
    this.#timeoutMs = timeoutMs;
  }

  make(metric: NativeMetric, whole: boolean): KymoObservable {
    const observable = new KymoObservable(metric, whole, this.#needed);
    this.#all.add(observable);
    return observable;
  }

  addBatch(callback: BatchObservableCallback, observables: readonly Observable[]): void {
    const own = new Set(observables.filter((observable) => observable instanceof KymoObservable));
    if (own.size === 0 || this.#find(callback, own) !== undefined) return;
    this.#batches.push({ callback, observables: own });
    this.#needed();
  }

  removeBatch(callback: BatchObservableCallback, observables: readonly Observable[]): void {
    const own = new Set(observables.filter((observable) => observable instanceof KymoObservable));
    const found = this.#find(callback, own);
    this.#batches = this.#batches.filter((batch) => batch !== found);
  }

  /**
   * Calls all callbacks and shows what they observed. One collection at a time: a call while one is under way waits for that one.
   * @throws what the first callback that failed threw, after all of them have settled
   */
  collect(): Promise<void> {
    this.#collecting ??= this.#collect().finally(() => {
      this.#collecting = undefined;
    });
    return this.#collecting;
  }

  async #collect(): Promise<void> {
    const failed = new Set<KymoObservable>();
    let reason: { readonly error: unknown } | undefined;
    const call = async (concerned: Iterable<KymoObservable>, callback: () => unknown): Promise<void> => {
      try {
        await within(callback(), this.#timeoutMs);
      } catch (error) {
        reason ??= { error };
        for (const observable of concerned) failed.add(observable);
      }
    };
    const all = [...this.#all];
    for (const observable of all) observable.begin();
    const single = all.flatMap((observable) => {
      const result: ObservableResult = { observe: (value, attributes) => observable.observe(value, attributes) };
      return [...observable.callbacks].map((callback) => call([observable], () => callback(result)));
    });
    const batches = this.#batches.map(({ callback, observables }) => {
      const result: BatchObservableResult = {
        observe(observable, value, attributes) {
          if (observables.has(observable as KymoObservable)) (observable as KymoObservable).observe(value, attributes);
        },
      };
      return call(observables, () => callback(result));
    });
    await Promise.all([...single, ...batches]);
    for (const observable of all) observable.end(failed.has(observable));
    if (reason !== undefined) throw reason.error;
  }

  #find(callback: BatchObservableCallback, observables: ReadonlySet<KymoObservable>): Batch | undefined {
    return this.#batches.find(
      (batch) =>
        batch.callback === callback &&
        batch.observables.size === observables.size &&
        [...batch.observables].every((observable) => observables.has(observable)),
    );
  }
}

/** `work`, or an error after so many ms. */
async function within(work: unknown, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`a callback did not settle within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
