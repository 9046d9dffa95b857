// Declares metrics natively, and knows this thread's object of each: one per metric, for as long as somebody holds it. App
// threads; cold.
import { asKymoError, native } from '../binding/load.js';
import type { RemovedSeries } from '../binding/native-metrics.js';
import { EPOCH, epochWords } from '../binding/segment.js';
import { KymoError } from '../core/errors.js';
import { prepareDrops } from './drops.js';

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

/** A metric that exists natively. Only this package can make one, so that no instrument is made over another's cells. */
export class Declared {
  /** Process-wide id. */
  readonly id: number;
  readonly declaration: Declaration;

  constructor(id: number, declaration: Declaration) {
    this.id = id;
    this.declaration = declaration;
  }
}

/** What is asked of the object of a metric. */
interface Known {
  readonly missingLabels: MissingLabels;
  /** Another thread removed a series, and this one held cells of it. */
  forget(removed: RemovedSeries): void;
}

const live = new Map<number, WeakRef<Known>>();
const collected = new FinalizationRegistry<number>(releaseCollected);
let seenEpoch = 0;

/**
 * Gives the cells of a metric back that is in no registry any more and whose object was collected; a newer object of the
 * same metric may still write them.
 */
export function releaseCollected(id: number): void {
  if (live.get(id)?.deref() !== undefined) return;
  live.delete(id);
  native.releaseMetric(id);
}

/** The epoch of the last removals taken, for a handle that is made: what was removed since makes it look again. */
export function epochTaken(): number {
  return seenEpoch;
}

/** Series that other threads removed: forgets them here, and gives their cells back unless a handle holds them. */
export function takeRemoved(): void {
  const epoch = epochWords()[EPOCH] as number;
  if (epoch === seenEpoch) return;
  seenEpoch = epoch;
  for (const removed of native.takeRemoved()) {
    const metric = live.get(removed.metric)?.deref();
    // Without an object here, the cells come from an earlier thread whose segments this one goes on with.
    if (metric === undefined) native.releaseSeries(removed.metric, removed.series);
    else metric.forget(removed);
  }
}

/** Declares a metric natively and gives this thread's object of it: one, however often it is declared. */
export function declare<M extends Known>(registry: number, declaration: Declaration, create: (declared: Declared) => M): M {
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
  if (known !== undefined) {
    if (known.missingLabels === declaration.missingLabels) return known as M;
    throw new KymoError('KYMO_METRICS_CONFLICT', {
      name: declaration.name,
      existing: `the same metric with missingLabels: '${known.missingLabels}'`,
    });
  }
  const metric = create(new Declared(id, declaration));
  live.set(id, new WeakRef<Known>(metric));
  collected.register(metric, id);
  return metric;
}
