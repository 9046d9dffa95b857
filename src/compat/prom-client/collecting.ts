// Runs the `collect` functions of registries that native threads serve, where nobody may ever call `metrics()`. App threads, on a timer.
import { collectorsOf } from '../../metrics/collect.js';
import { type Metric, runCollect, SAMPLES } from './metric.js';
import type { Registry } from './registry.js';
import { TABLE } from './series-table.js';

/** Name in `kymo_collect_errors_total` and its companions. */
const COLLECTOR = 'kymo/prom-client';

const collecting = new WeakSet<object>();

/** Collects a registry in the next turn of the loop and every few seconds from then on; repeated calls do nothing. */
export function collectRegularly(registry: Registry): void {
  if (collecting.has(registry)) return;
  collecting.add(registry);
  collectorsOf(registry).add(COLLECTOR, () => collect(registry));
}

/** Runs all of them, and lets summaries write their quantiles. @throws what the first that failed threw. */
async function collect(registry: Registry): Promise<void> {
  const metrics = registry.getMetricsAsArray().filter((metric) => TABLE in metric) as unknown as Metric[];
  const outcomes = await Promise.allSettled(
    metrics.map(async (metric) => {
      await runCollect(metric);
      if (metric.type === 'summary') metric[SAMPLES]();
    }),
  );
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
