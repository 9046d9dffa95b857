// `prom-client/lib/metrics/processMaxFileDescriptors`, by its path there. App threads.
import processMaxFileDescriptors = require('../../default-metrics/process-max-file-descriptors.js');

export = processMaxFileDescriptors.processMaxFileDescriptors;
