// `prom-client/lib/metrics/processCpuTotal`, by its path there. App threads.
import processCpuTotal = require('../../default-metrics/process-cpu-total.js');

export = processCpuTotal.processCpuTotal;
