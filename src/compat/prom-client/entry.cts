// What `require('kymo/prom-client')` and `import ... from 'kymo/prom-client'` give: one object with plain, writable properties, as
// prom-client's own exports are, so that tests can spy on them and replace them. App threads.
import client = require('./index.js');

const { register, Registry, prometheusContentType, openMetricsContentType, validateMetricName } = client;
const { Counter, Gauge, Histogram, Summary, Pushgateway } = client;
const { linearBuckets, exponentialBuckets, collectDefaultMetrics, aggregators } = client;
const { AggregatorRegistry, ClusterRegistry, WorkerRegistry } = client;

// Assigned here, and as a list of names alone: Node reads the names that a CommonJS module exports from its text.
module.exports = {
  register,
  Registry,
  prometheusContentType,
  openMetricsContentType,
  validateMetricName,
  Counter,
  Gauge,
  Histogram,
  Summary,
  Pushgateway,
  linearBuckets,
  exponentialBuckets,
  collectDefaultMetrics,
  aggregators,
  AggregatorRegistry,
  ClusterRegistry,
  WorkerRegistry,
};
const exported = module.exports;

/** Content type of the registry that is exported; to set it is to set the registry's. */
Object.defineProperty(exported, 'contentType', {
  configurable: false,
  enumerable: true,
  get: () => exported.register.contentType,
  set: (type) => exported.register.setContentType(type),
});

export = exported;
