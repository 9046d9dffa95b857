// `process_resident_memory_bytes`, and on Linux the two beside it. App threads.
import { Gauge } from '../gauge.js';
import { safeMemoryUsage } from './memory-usage.js';
import { osMemoryHeapLinux } from './os-memory-heap-linux.js';
import { type DefaultMetricsSet, placementIn } from './placement.js';

const RESIDENT = 'process_resident_memory_bytes';

const elsewhere: DefaultMetricsSet = (registry, options = {}) => {
  const { prefix, labels, labelNames, registers } = placementIn(registry, options);
  new Gauge({
    name: prefix + RESIDENT,
    help: 'Resident memory size in bytes.',
    registers,
    labelNames,
    collect(this: Gauge) {
      const usage = safeMemoryUsage();
      if (usage) this.set(labels, usage.rss);
    },
  });
};
elsewhere.metricNames = [RESIDENT];

const variant = (): DefaultMetricsSet => (process.platform === 'linux' ? osMemoryHeapLinux : elsewhere);

export const osMemoryHeap: DefaultMetricsSet = (registry, options) => variant()(registry, options);
osMemoryHeap.metricNames = variant().metricNames;
