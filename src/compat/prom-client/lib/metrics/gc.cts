// `prom-client/lib/metrics/gc`, by its path there. App threads.
import gc = require('../../default-metrics/gc.js');

export = gc.gc;
