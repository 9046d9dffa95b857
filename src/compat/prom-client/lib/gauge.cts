// `prom-client/lib/gauge`, by its path there. App threads.
import gauge = require('../gauge.js');

export = gauge.Gauge;
