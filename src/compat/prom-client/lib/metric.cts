// `prom-client/lib/metric`, by its path there. App threads.
import metric = require('../metric.js');

export = { Metric: metric.Metric };
