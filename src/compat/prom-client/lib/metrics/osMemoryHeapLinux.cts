// `prom-client/lib/metrics/osMemoryHeapLinux`, by its path there. App threads.
import osMemoryHeapLinux = require('../../default-metrics/os-memory-heap-linux.js');

export = osMemoryHeapLinux.osMemoryHeapLinux;
