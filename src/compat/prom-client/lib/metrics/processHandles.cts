// `prom-client/lib/metrics/processHandles`, by its path there. App threads.
import processHandles = require('../../default-metrics/process-handles.js');

export = processHandles.processHandles;
