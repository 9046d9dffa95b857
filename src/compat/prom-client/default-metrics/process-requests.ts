// `nodejs_active_requests{type}` and `nodejs_active_requests_total`. App threads.
import { classNames, declareActive } from './active.js';
import type { DefaultMetricsSet } from './placement.js';

const NAME = 'nodejs_active_requests';

/** Undocumented, and there in every version so far. */
const node = process as { _getActiveRequests?: () => readonly unknown[] };

export const processRequests: DefaultMetricsSet = (registry, options = {}) => {
  if (typeof node._getActiveRequests !== 'function') return;
  const help = 'Number of active libuv requests grouped by request type. Every request type is C++ class name.';
  const list = (): readonly unknown[] => node._getActiveRequests?.() ?? [];
  declareActive({ name: NAME, help, totalHelp: 'Total number of active requests.', list, types: classNames }, registry, options);
};
processRequests.metricNames = [NAME, `${NAME}_total`];
