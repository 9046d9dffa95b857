// `nodejs_active_resources{type}` and `nodejs_active_resources_total`. App threads.
import { declareActive } from './active.js';
import type { DefaultMetricsSet } from './placement.js';

const NAME = 'nodejs_active_resources';

export const processResources: DefaultMetricsSet = (registry, options = {}) => {
  if (typeof process.getActiveResourcesInfo !== 'function') return;
  const help = 'Number of active resources that are currently keeping the event loop alive, grouped by async resource type.';
  const list = (): readonly string[] => process.getActiveResourcesInfo();
  const types = (names: readonly unknown[]): Iterable<string> => names as readonly string[];
  declareActive({ name: NAME, help, totalHelp: 'Total number of active resources.', list, types }, registry, options);
};
processResources.metricNames = [NAME, `${NAME}_total`];
