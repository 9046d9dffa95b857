// `collectDefaultMetrics`: prom-client's ready-made sets, by the names of its list. App threads; cold.
import { eventLoopLag } from './event-loop-lag.js';
import { eventLoopUtilization } from './event-loop-utilization.js';
import { gc } from './gc.js';
import { heapSizeAndUsed } from './heap-size-and-used.js';
import { heapSpacesSizeAndUsed } from './heap-spaces-size-and-used.js';
import { osMemoryHeap } from './os-memory-heap.js';
import type { DefaultMetricsOptions, DefaultMetricsSet } from './placement.js';
import { processCpuTotal } from './process-cpu-total.js';
import { processHandles } from './process-handles.js';
import { processMaxFileDescriptors } from './process-max-file-descriptors.js';
import { processOpenFileDescriptors } from './process-open-file-descriptors.js';
import { processRequests } from './process-requests.js';
import { processResources } from './process-resources.js';
import { processStartTime } from './process-start-time.js';
import { version } from './version.js';

/** In the order of prom-client's scrape. */
const SETS: Readonly<Record<string, DefaultMetricsSet>> = {
  processCpuTotal,
  processStartTime,
  osMemoryHeap,
  processOpenFileDescriptors,
  processMaxFileDescriptors,
  eventLoopLag,
  ...(typeof process.getActiveResourcesInfo === 'function' ? { processResources } : {}),
  processHandles,
  processRequests,
  heapSizeAndUsed,
  heapSpacesSizeAndUsed,
  version,
  gc,
};

/**
 * Declares prom-client 15's default metrics in `register`. The event loop's utilization, which 0.16 adds, joins them when one
 * of its options is given: without, the scrape is that of 15, line by line.
 * @throws TypeError for options that are no object; Error when a name is taken.
 */
export function collectDefaultMetrics(options?: DefaultMetricsOptions | null): void {
  if (options !== null && options !== undefined && typeof options !== 'object') {
    throw new TypeError('config must be null, undefined, or an object');
  }
  const given: DefaultMetricsOptions = { eventLoopMonitoringPrecision: 10, ...options };
  const utilization = Object.keys(given).some((name) => name.startsWith('eventLoopUtilization'));
  for (const declare of [...Object.values(SETS), ...(utilization ? [eventLoopUtilization] : [])]) declare(given.register, given);
}

/** Names of the sets. */
collectDefaultMetrics.metricsList = Object.keys(SETS);
