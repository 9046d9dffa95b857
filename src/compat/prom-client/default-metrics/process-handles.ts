// `nodejs_active_handles{type}` and `nodejs_active_handles_total`. App threads.
import { classNames, declareActive } from './active.js';
import type { DefaultMetricsSet } from './placement.js';

const NAME = 'nodejs_active_handles';

/** Undocumented, and there in every version so far. */
const node = process as { _getActiveHandles?: () => readonly unknown[] };

export const processHandles: DefaultMetricsSet = (registry, options = {}) => {
  if (typeof node._getActiveHandles !== 'function') return;
  const help = 'Number of active libuv handles grouped by handle type. Every handle type is C++ class name.';
  const list = (): readonly unknown[] => node._getActiveHandles?.() ?? [];
  declareActive({ name: NAME, help, totalHelp: 'Total number of active handles.', list, types: classNames }, registry, options);
};
processHandles.metricNames = [NAME, `${NAME}_total`];
