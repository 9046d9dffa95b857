// `nodejs_version_info`. App threads.
import { Gauge } from '../gauge.js';
import { type DefaultMetricsSet, placementIn } from './placement.js';

const NAME = 'nodejs_version_info';
const { version: running } = process;
const segments = running.slice(1).split('.').map(Number);

export const version: DefaultMetricsSet = (registry, options = {}) => {
  const { prefix, labels, labelNames, registers } = placementIn(registry, options);
  new Gauge({
    name: prefix + NAME,
    help: 'Node.js version info.',
    labelNames: ['version', 'major', 'minor', 'patch', ...labelNames],
    registers,
    aggregator: 'first',
    // At each collection, so that it is there again after a reset.
    collect(this: Gauge) {
      this.labels(running, segments[0] as number, segments[1] as number, segments[2] as number, ...Object.values(labels)).set(1);
    },
  });
};
version.metricNames = [NAME];
