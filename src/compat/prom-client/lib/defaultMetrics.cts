// `prom-client/lib/defaultMetrics`, by its path there. App threads.
import collectDefaultMetrics = require('../default-metrics/index.js');

export = collectDefaultMetrics.collectDefaultMetrics;
