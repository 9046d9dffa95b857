// `prom-client/lib/summary`, by its path there. App threads.
import summary = require('../summary.js');

export = summary.Summary;
