// `prom-client/lib/metrics/eventLoopUtilization`, by its path there. App threads.
import eventLoopUtilization = require('../../default-metrics/event-loop-utilization.js');

export = eventLoopUtilization.eventLoopUtilization;
