// `prom-client/lib/metrics/heapSpacesSizeAndUsed`, by its path there. App threads.
import heapSpacesSizeAndUsed = require('../../default-metrics/heap-spaces-size-and-used.js');

export = heapSpacesSizeAndUsed.heapSpacesSizeAndUsed;
