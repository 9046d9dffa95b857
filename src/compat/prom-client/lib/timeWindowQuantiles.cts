// `prom-client/lib/timeWindowQuantiles`, by its path there. App threads.
import timeWindowQuantiles = require('../time-window-quantiles.js');

export = timeWindowQuantiles.TimeWindowQuantiles;
