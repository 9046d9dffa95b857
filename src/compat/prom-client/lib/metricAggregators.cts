// `prom-client/lib/metricAggregators`, by its path there. App threads.
import metricAggregators = require('../aggregators.js');

const { AggregatorFactory, aggregators } = metricAggregators;
export = { AggregatorFactory, aggregators };
