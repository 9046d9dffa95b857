// `prom-client/lib/metrics/heapSizeAndUsed`, by its path there. App threads.
import heapSizeAndUsed = require('../../default-metrics/heap-size-and-used.js');

export = heapSizeAndUsed.heapSizeAndUsed;
