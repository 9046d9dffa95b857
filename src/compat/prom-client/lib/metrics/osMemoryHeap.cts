// `prom-client/lib/metrics/osMemoryHeap`, by its path there. App threads.
import osMemoryHeap = require('../../default-metrics/os-memory-heap.js');

export = osMemoryHeap.osMemoryHeap;
