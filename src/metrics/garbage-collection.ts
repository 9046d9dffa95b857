// Observes garbage collections of one thread into one registry. App thread; Node calls back in a batch after the collections,
// never during them.
import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import type { Histogram } from './histogram.js';
import type { MetricsRegistry } from './registry.js';

const NAME = 'nodejs_gc_duration_seconds';

/** Upper bounds in seconds, as in the other Prometheus clients for Node. */
const DEFAULT_GC_BUCKETS: readonly number[] = [0.001, 0.01, 0.1, 1, 2, 5];

const KINDS: ReadonlyMap<number, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
]);

/** The observer of each registry that has one, in this thread. */
const observers = new WeakMap<MetricsRegistry, GarbageCollection>();

/** Counts collections by kind and duration while at least one user holds it. */
export class GarbageCollection {
  readonly #registry: MetricsRegistry;
  readonly #buckets: readonly number[];
  readonly #observer: PerformanceObserver;
  #histogram: Histogram<'kind'>;
  #users = 1;

  /** The registry's observer, one user more; made when there is none. The first user's buckets hold. */
  static of(registry: MetricsRegistry, buckets: readonly number[] = DEFAULT_GC_BUCKETS): GarbageCollection {
    const running = observers.get(registry);
    if (running === undefined) {
      const made = new GarbageCollection(registry, buckets);
      observers.set(registry, made);
      return made;
    }
    // The registry may have been cleared since.
    if (registry.get(NAME) !== running.#histogram) running.#histogram = running.#declare();
    running.#users++;
    return running;
  }

  private constructor(registry: MetricsRegistry, buckets: readonly number[]) {
    this.#registry = registry;
    this.#buckets = buckets;
    this.#histogram = this.#declare();
    this.#observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) this.#observe(entry as PerformanceEntry & { detail?: { kind?: number } });
    });
    this.#observer.observe({ entryTypes: ['gc'] });
  }

  /** One user less; the last one ends the observation and takes the histogram out of the registry. */
  release(): void {
    if (--this.#users > 0) return;
    this.#observer.disconnect();
    observers.delete(this.#registry);
    // What the registry has under that name now may be someone else's.
    if (this.#registry.get(NAME) === this.#histogram) this.#registry.unregister(NAME);
  }

  #declare(): Histogram<'kind'> {
    const histogram = this.#registry.histogram({
      name: NAME,
      help: 'Garbage collection duration by kind, one of major, minor, incremental or weakcb.',
      labelNames: ['kind'],
      buckets: this.#buckets,
    });
    // Every kind is there from the start: a rate over a kind that never came is 0, not missing.
    for (const kind of KINDS.values()) histogram.labels(kind);
    return histogram;
  }

  #observe({ detail, duration }: { readonly detail?: { kind?: number } | undefined; readonly duration: number }): void {
    const kind = KINDS.get(detail?.kind ?? Number.NaN);
    if (kind !== undefined) this.#histogram.observe({ kind }, duration / 1e3);
  }
}
