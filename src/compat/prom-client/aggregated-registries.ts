// What this process or thread contributes to an aggregation: the registries that `setRegistries` names. App threads.
import type { AggregatedMetric } from './aggregators.js';
import { globalRegistry, Registry } from './registry.js';

let registries: readonly Registry[] = [globalRegistry];

/** Takes these in place of the global registry. @throws TypeError for anything that is no Registry. */
export function setRegistries(given: Registry | readonly Registry[]): void {
  const list = Array.isArray(given) ? (given as readonly Registry[]) : [given as Registry];
  for (const registry of list) {
    if (!(registry instanceof Registry)) throw new TypeError(`Expected Registry, got ${typeof registry}`);
  }
  registries = list;
}

/** Their metrics as JSON, one list per registry; only those of one aggregator where it is named. */
export function ownMetrics(aggregator?: string): Promise<AggregatedMetric[][]> {
  return Promise.all(registries.map((registry) => registry.getMetricsAsJSON(aggregator) as unknown as Promise<AggregatedMetric[]>));
}
