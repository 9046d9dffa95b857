// `prom-client/lib/histogram`, by its path there. App threads.
import histogram = require('../histogram.js');

export = histogram.Histogram;
