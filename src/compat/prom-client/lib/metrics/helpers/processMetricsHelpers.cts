// `prom-client/lib/metrics/helpers/processMetricsHelpers`, by its path there. App threads.
import active = require('../../../default-metrics/active.js');
import gauge = require('../../../gauge.js');

/** How many objects of each class a list holds. */
const aggregateByObjectName = (list: readonly unknown[]): Record<string, number> =>
  Object.fromEntries(active.countByName(active.classNames(list)));

/** Sets a gauge to these counts by type, and to nothing else. */
function updateMetrics(target: gauge.Gauge, counts: Record<string, number>, labels?: Record<string, string | number>): void {
  target.reset();
  for (const [type, count] of Object.entries(counts)) target.set({ type, ...labels }, count);
}

export = { aggregateByObjectName, updateMetrics };
