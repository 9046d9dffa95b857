// `prom-client/lib/metrics/processResources`, by its path there. App threads.
import processResources = require('../../default-metrics/process-resources.js');

export = processResources.processResources;
