// A counter that was given more label values than it may have series: what the cardinality rows measure.
import { type Counter, MetricsRegistry } from 'kymo';

/** Series that a metric has at most, by default. */
export const CAP = 10_000;

/** A counter that has counted `values` label values, each once and none like another. */
export function flooded(values: number): { registry: MetricsRegistry; counter: Counter<'user'> } {
  const registry = new MetricsRegistry();
  const counter = registry.counter({ name: 'flooded_total', help: 'Requests by user', labelNames: ['user'] });
  for (let k = 0; k < values; k++) counter.inc({ user: `user-${k}` });
  return { registry, counter };
}
