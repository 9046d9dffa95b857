// `process_start_time_seconds`. App threads.
import { Gauge } from '../gauge.js';
import { type DefaultMetricsSet, placementIn } from './placement.js';

const NAME = 'process_start_time_seconds';
const startSeconds = Math.round(Date.now() / 1000 - process.uptime());

export const processStartTime: DefaultMetricsSet = (registry, options = {}) => {
  const { prefix, labels, labelNames, registers } = placementIn(registry, options);
  new Gauge({
    name: prefix + NAME,
    help: 'Start time of the process since unix epoch in seconds.',
    registers,
    labelNames,
    aggregator: 'omit',
    collect(this: Gauge) {
      this.set(labels, startSeconds);
    },
  });
};
processStartTime.metricNames = [NAME];
