// `prom-client/lib/metrics/processStartTime`, by its path there. App threads.
import processStartTime = require('../../default-metrics/process-start-time.js');

export = processStartTime.processStartTime;
