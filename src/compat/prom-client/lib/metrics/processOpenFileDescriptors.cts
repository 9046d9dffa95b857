// `prom-client/lib/metrics/processOpenFileDescriptors`, by its path there. App threads.
import processOpenFileDescriptors = require('../../default-metrics/process-open-file-descriptors.js');

export = processOpenFileDescriptors.processOpenFileDescriptors;
