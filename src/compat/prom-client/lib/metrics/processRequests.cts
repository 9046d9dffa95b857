// `prom-client/lib/metrics/processRequests`, by its path there. App threads.
import processRequests = require('../../default-metrics/process-requests.js');

export = processRequests.processRequests;
