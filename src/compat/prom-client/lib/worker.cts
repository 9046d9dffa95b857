// `@prometheus-io/client/lib/worker`, by its path there. App threads.
import workerRegistry = require('../worker-registry.js');

export = workerRegistry.WorkerRegistry;
