// `prom-client/lib/metrics/helpers/safeMemoryUsage`, by its path there. App threads.
import memoryUsage = require('../../../default-metrics/memory-usage.js');

export = memoryUsage.safeMemoryUsage;
