// How a registry of ours tells the number that the native side knows it by, whichever entry point made it. App threads.

/** Key of a registry's native number; the same in every copy of the package. */
export const REGISTRY_ID: unique symbol = Symbol.for('kymo.registry');

/**
 * What can be served: a `MetricsRegistry`, or a `Registry` of `kymo/prom-client`. By a method that both have, since the types of the two
 * entry points are declared apart and cannot share a symbol; whether it is a registry of ours is found out when it is given.
 */
export interface ServedRegistry {
  metrics(): Promise<string>;
}

/** The native number of a registry of ours; undefined for anything else, a registry of prom-client included. */
export function registryId(candidate: unknown): number | undefined {
  if (candidate === null || typeof candidate !== 'object') return undefined;
  const id: unknown = (candidate as { readonly [REGISTRY_ID]?: unknown })[REGISTRY_ID];
  return typeof id === 'number' && Number.isInteger(id) && id >= 0 ? id : undefined;
}
