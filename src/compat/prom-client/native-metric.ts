// A metric of the drop-in as native code knows it: declared once, in the registries of its object, released with it. App threads.
import { native } from '../../binding/load.js';
import { TOO_LONG } from '../../binding/native-metrics.js';
import { perThread } from '../../binding/per-thread.js';
import { validateLabelName } from './validation.js';

/** prom-client knows no limit of series. */
const NO_LIMIT = 2 ** 32 - 1;

/** How many native registries hold a metric, and which objects of them are gone; finalizers outlive a test runner's copies of this module. */
const lives = perThread('prom-client.metrics', () => {
  const memberships = new Map<number, number>();
  const abandoned = new Set<number>();
  const release = (id: number): void => {
    memberships.delete(id);
    abandoned.delete(id);
    native.releaseMetric(id);
  };
  return {
    memberships,
    abandoned,
    release,
    /** Native registries that a collected object left: programs that merge registries for each scrape would fill memory. */
    free: [] as number[],
    metrics: new FinalizationRegistry<number>((id) => {
      if ((memberships.get(id) ?? 0) > 0) abandoned.add(id);
      else release(id);
    }),
    registries: new FinalizationRegistry<{ id: number; members: number[] }>(({ id, members }) => {
      native.clearRegistry(id);
      for (const member of members) leave(member);
      native.setDefaultLabels(id, []);
      lives.free.push(id);
    }),
  };
});

function leave(id: number): void {
  const left = (lives.memberships.get(id) ?? 1) - 1;
  lives.memberships.set(id, left);
  if (left === 0 && lives.abandoned.has(id)) lives.release(id);
}

/** What native code wants to know of a metric. */
export interface NativeKind {
  /** 1 counter, 2 gauge, 3 histogram, 4 summary. */
  readonly kind: 1 | 2 | 3 | 4;
  /** Upper bounds of a histogram, finite and ascending. */
  readonly bounds?: readonly number[];
  /** Quantiles of a summary, in [0, 1]; it writes their values into its cells itself. */
  readonly quantiles?: readonly number[];
}

/** Nothing that native code would use: the digests are in JavaScript. */
const EXTERNAL = { maxAgeMs: 0, ageBuckets: 1, relativeError: 0, external: true };

/** Declares a metric that is in no registry yet and gives its id; -1 when native code refuses. `owner` is the object that it lives with. */
export function declareNatively(owner: object, name: string, help: string, labelNames: readonly string[], kind: NativeKind): number {
  const { bounds, quantiles } = kind;
  try {
    const id = native.declareMetric(-1, {
      name,
      help,
      kind: kind.kind,
      labelNames: [...labelNames],
      ...(bounds && { bounds: Float64Array.from(bounds) }),
      ...(quantiles && { summary: { ...EXTERNAL, quantiles: Float64Array.from(quantiles) } }),
    });
    native.setLimits(id, NO_LIMIT, 0);
    lives.metrics.register(owner, id);
    return id;
  } catch {
    return -1;
  }
}

/** The native side of one registry: which metrics it shows, in which order, with which labels in front. */
export class NativeRegistry {
  /** Process-wide number. */
  readonly id = lives.free.pop() ?? native.openRegistry(null, true);
  /** Ids of the metrics in it, in order. */
  readonly #members: number[] = [];
  #defaults: readonly string[] = [];

  /** `owner` is the object that it lives with. */
  constructor(owner: object) {
    lives.registries.register(owner, { id: this.id, members: this.#members });
  }

  /** Shows exactly these, in this order; false when it cannot, since two have one name. */
  align(ids: readonly number[]): boolean {
    const members = this.#members;
    if (ids.length === members.length && ids.every((id, at) => id === members[at])) return true;
    let same = 0;
    while (same < members.length && members[same] === ids[same]) same++;
    for (const id of members.splice(same)) {
      native.unregisterMetric(this.id, id);
      leave(id);
    }
    for (const id of ids.slice(same)) {
      try {
        native.adoptMetric(this.id, id);
      } catch {
        return false;
      }
      // A metric that is there twice is shown once.
      if (members.includes(id)) return false;
      members.push(id);
      lives.memberships.set(id, (lives.memberships.get(id) ?? 0) + 1);
    }
    return true;
  }

  /** Gives every series these labels; false when one of them cannot be shown as it is. */
  setDefaultLabels(labels: unknown): boolean {
    const pairs = pairsOf(labels);
    const defaults = pairs ?? [];
    if (defaults.length !== this.#defaults.length || defaults.some((text, at) => text !== this.#defaults[at])) {
      native.setDefaultLabels(this.id, [...defaults]);
      this.#defaults = defaults;
    }
    return pairs !== undefined;
  }
}

/** Names and values in turn; undefined where native code would print something else. */
function pairsOf(labels: unknown): string[] | undefined {
  const pairs: string[] = [];
  try {
    for (const [name, value] of Object.entries(labels as object)) {
      const text = `${value}`;
      if (!validateLabelName([name]) || !text.isWellFormed()) return undefined;
      pairs.push(name, text);
    }
    return pairs;
  } catch {
    return undefined; // No object, or a value that has no text.
  }
}

const warned = perThread('prom-client.warned', () => new Set<number>());

/** Says once per reason that a series is kept in memory of its own: `metrics()` has it, the ops server does not. Always false. */
export function warnOfPrivateMemory(reason: number): false {
  if (!warned.has(reason)) {
    warned.add(reason);
    const why = reason === TOO_LONG ? 'its labels are too long' : 'there is no memory that native threads could read';
    process.emitWarning(`A series is shown by registry.metrics() only, since ${why}.`, { code: 'KYMO_METRICS_PRIVATE' });
  }
  return false;
}
