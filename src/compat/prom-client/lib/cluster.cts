// `prom-client/lib/cluster`, by its path there. App threads.
import aggregatorRegistry = require('../aggregator-registry.js');

export = aggregatorRegistry.AggregatorRegistry;
