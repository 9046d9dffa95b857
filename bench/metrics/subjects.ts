// What the rows of this folder measure: the same metric in our library and in prom-client, each in a registry of its own.
import { MetricsRegistry } from 'kymo';
import { loadPromClient, type PromClient, promRegistry } from '../runner/peers.js';

/** Names of the labels, as many as a user wants; the first three are what a gateway has. */
export function labelNames(count: number): string[] {
  return Array.from({ length: count }, (_, k) => ['method', 'route', 'status'][k] ?? `label_${k + 1}`);
}

/** Values a label takes, by its place; short and long ones, as real ones are. */
const VALUES = [
  ['GET', 'POST', 'PUT'],
  ['/a', '/b/c', '/d/:id', '/users/:id/items'],
  ['200', '404', '500'],
];

/** The value of the label at `place` in the set number `set`. */
export function labelValue(place: number, set: number): string {
  const values = VALUES[place] ?? ['eu-central-1', 'us-east-1'];
  return values[set % values.length] as string;
}

/** Sets of labels that rotate: every combination of the first three labels once. */
export const LABEL_SETS = 12;

/** Series of a metric where a bench needs more than the cap that is there by default. */
export const UNCAPPED = 2_000_000;

/** A registry that nothing else uses, with room for every series of a bench. */
export function ourRegistry(): MetricsRegistry {
  return new MetricsRegistry({ maxSeries: UNCAPPED });
}

/** prom-client and a registry of it that nothing else uses. */
export function peerRegistry(): { client: typeof PromClient; registry: PromClient.Registry } {
  const client = loadPromClient();
  return { client, registry: promRegistry(client) };
}

/** Labels of the series number `k` where there are many: one label takes a new value each time. */
export function manyLabels(k: number): { method: string; route: string; status: string } {
  return { method: 'GET', route: `/api/v1/items/${k}`, status: '200' };
}
