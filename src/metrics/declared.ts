// Declares metrics natively, and knows this thread's object of each: one per metric, for as long as somebody holds it. App
// threads; cold.
import { asKymoError, native } from '../binding/load.js';
import type { NativeDeclaration, RemovedSeries, SummaryDeclaration } from '../binding/native-metrics.js';
import { EPOCH, epochWords } from '../binding/segment.js';
import { KymoError } from '../core/errors.js';
import { prepareDrops } from './drops.js';
import type { LabelRules } from './label-input.js';

/** What a missing label value means: an error, or the empty string (which stands for "no label" in both formats). */
export type MissingLabels = 'throw' | 'empty';

/** A checked declaration. */
export interface Declaration {
  readonly name: string;
  readonly help: string;
  /** Base unit, empty for none. */
  readonly unit?: string;
  readonly kind: 1 | 2 | 3 | 4 | 5 | 6;
  /** Names that series have. */
  readonly labelNames: readonly string[];
  /** Names that callers give, where a view dropped some of them; else {@link labelNames}. */
  readonly acceptedLabels?: readonly string[];
  readonly missingLabels: MissingLabels;
  /** Label values where a call gives none. */
  readonly defaults?: Readonly<Record<string, string>>;
  /** Upper bounds of a histogram's classic buckets; empty for none. */
  readonly bounds?: readonly number[];
  /** Native buckets of a histogram. */
  readonly native?: NativeDeclaration;
  /** A summary's window. */
  readonly summary?: Omit<SummaryDeclaration, 'quantiles' | 'external'> & { readonly quantiles: readonly number[] };
  /** Of a state set. */
  readonly states?: readonly string[];
  readonly last: boolean;
  /** How a gauge adds threads up: 0 sum, 1 last, 2 min, 3 max, 4 avg. */
  readonly aggregate?: number;
  /** Series at most before the overflow series takes the rest; default {@link MAX_SERIES}. */
  readonly maxSeries?: number;
  /** Ms without a change after which a series is hidden; default 0 = never. */
  readonly idleMs?: number;
  /** A view says that it records nothing. */
  readonly dropped?: true;
  /** Sets the metric's value; called with the metric as `this`. */
  readonly collect?: (this: never) => unknown;
  /** Recorded values to remember. */
  readonly keepObservations?: number;
}

/** Series of one metric unless it says otherwise. */
export const MAX_SERIES = 10_000;

/** The id of a metric that a view dropped: it does not exist natively. */
export const NOWHERE = -1;

/** In no registry yet. */
const UNREGISTERED = -1;

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

/** What this module needs of an object that it knows. */
export interface Known {
  readonly id: number;
  /** What this thread asked for; two declarations of one metric have to agree in it. */
  readonly declaration: Declaration;
  /** Another thread removed a series, and this one held cells of it. */
  forget(removed: RemovedSeries): void;
}

const live = new Map<number, WeakRef<object>>();
/** Keyed by the object, so that nothing here keeps one alive. */
const known = new WeakMap<object, Known>();
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
    else known.get(metric)?.forget(removed);
  }
}

/** Knows the object of a metric from now on, and gives the metric's cells back when both are of no use any more. */
export function remember(metric: object, as: Known): void {
  known.set(metric, as);
  if (as.id === NOWHERE) return;
  live.set(as.id, new WeakRef(metric));
  collected.register(metric, as.id);
}

/** The process-wide id of an instrument; {@link NOWHERE} when a view dropped it, undefined for what is none. */
export function idOf(metric: object): number | undefined {
  return known.get(metric)?.id;
}

/** What an instrument was declared as. */
export function declarationOf(metric: object): Declaration | undefined {
  return known.get(metric)?.declaration;
}

/** What the metric of this id was declared as on this thread, while its object lives. */
export function declarationOfId(id: number): Declaration | undefined {
  const metric = live.get(id)?.deref();
  return metric === undefined ? undefined : declarationOf(metric);
}

/**
 * Puts a metric into one more registry.
 * @throws InvalidMetricError `KYMO_METRICS_CONFLICT` when its name, or one of its samples', is in use there.
 */
export function adoptMetric(registry: number, id: number, name: string): void {
  try {
    native.adoptMetric(registry, id);
  } catch (error) {
    throw asKymoError(error, { name, existing: (error as Error).message });
  }
}

/** Which labels a declaration takes, and what its series keep. */
export function labelRules({ labelNames, acceptedLabels, defaults, missingLabels }: Declaration): LabelRules {
  const absent = missingLabels === 'empty' ? '' : undefined;
  const hasDefault = (name: string): boolean => defaults !== undefined && Object.hasOwn(defaults, name);
  return {
    accepted: acceptedLabels ?? labelNames,
    kept: labelNames,
    fallbacks: labelNames.map((name) => (hasDefault(name) ? defaults?.[name] : absent)),
    whole: labelNames.every(hasDefault),
  };
}

/** Declares a metric natively and gives this thread's object of it: one, however often it is declared. */
export function declare<M extends object>(registry: number, declaration: Declaration, create: (declared: Declared) => M): M {
  if (declaration.dropped) return create(new Declared(NOWHERE, declaration));
  const id = declareNatively(registry, declaration);
  const metric = live.get(id)?.deref();
  const other = metric === undefined ? undefined : declarationOf(metric);
  if (other === undefined) return create(new Declared(id, declaration));
  for (const option of ['missingLabels', 'defaults', 'acceptedLabels', 'keepObservations'] as const) {
    const [before, now] = [JSON.stringify(other[option]), JSON.stringify(declaration[option])];
    if (before === now) continue;
    throw new KymoError('KYMO_METRICS_CONFLICT', { name: declaration.name, existing: `the same metric with ${option}: ${before}` });
  }
  return metric as M;
}

/** What a constructor was given, as a metric that exists: its own options make one that is in no registry yet. */
export function declaredBy(given: Declared | Declaration): Declared {
  return given instanceof Declared ? given : new Declared(declareNatively(UNREGISTERED, given), given);
}

function declareNatively(registry: number, declaration: Declaration): number {
  prepareDrops();
  const { name, help, unit, kind, labelNames, aggregate, bounds, native: exponential, summary, states, maxSeries, idleMs } = declaration;
  let id: number;
  try {
    id = native.declareMetric(registry, {
      name,
      help,
      kind,
      labelNames: [...labelNames],
      ...(unit === undefined ? {} : { unit }),
      ...(aggregate === undefined ? {} : { aggregate, last: aggregate === 1 }),
      ...(bounds === undefined ? {} : { bounds: Float64Array.from(bounds) }),
      ...(exponential === undefined ? {} : { native: exponential }),
      ...(summary === undefined ? {} : { summary: { ...summary, quantiles: Float64Array.from(summary.quantiles), external: false } }),
      ...(states === undefined ? {} : { states: [...states] }),
    });
  } catch (error) {
    throw asKymoError(error, { name, existing: (error as Error).message });
  }
  if (maxSeries !== undefined || idleMs !== undefined) native.setLimits(id, maxSeries ?? MAX_SERIES, idleMs ?? 0);
  return id;
}
