// `prom-client/lib/metrics/version`, by its path there. App threads.
import version = require('../../default-metrics/version.js');

export = version.version;
