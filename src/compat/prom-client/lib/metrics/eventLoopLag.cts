// `prom-client/lib/metrics/eventLoopLag`, by its path there. App threads.
import eventLoopLag = require('../../default-metrics/event-loop-lag.js');

export = eventLoopLag.eventLoopLag;
