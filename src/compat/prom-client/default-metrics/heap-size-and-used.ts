// `nodejs_heap_size_{total,used}_bytes` and `nodejs_external_memory_bytes`. App threads.
import { Gauge } from '../gauge.js';
import { safeMemoryUsage } from './memory-usage.js';
import { type DefaultMetricsSet, placementIn } from './placement.js';

const TOTAL = 'nodejs_heap_size_total_bytes';
const USED = 'nodejs_heap_size_used_bytes';
const EXTERNAL = 'nodejs_external_memory_bytes';

export const heapSizeAndUsed: DefaultMetricsSet = (registry, options = {}) => {
  if (typeof process.memoryUsage !== 'function') return;
  const { prefix, labels, labelNames, registers } = placementIn(registry, options);
  const total = new Gauge({
    name: prefix + TOTAL,
    help: 'Process heap size from Node.js in bytes.',
    registers,
    labelNames,
    // The first one of the set sets all of them.
    collect(this: Gauge) {
      const usage = safeMemoryUsage();
      if (!usage) return;
      total.set(labels, usage.heapTotal);
      used.set(labels, usage.heapUsed);
      if (usage.external !== undefined) external.set(labels, usage.external);
    },
  });
  const used = new Gauge({ name: prefix + USED, help: 'Process heap size used from Node.js in bytes.', registers, labelNames });
  const external = new Gauge({ name: prefix + EXTERNAL, help: 'Node.js external memory size in bytes.', registers, labelNames });
};
heapSizeAndUsed.metricNames = [TOTAL, USED, EXTERNAL];
