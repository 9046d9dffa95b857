// `process_open_fds`, on Linux. App threads.
import fs from 'fs';
// By its module, since users' tests mock that to stand on another platform.
import process from 'process';
import { Gauge } from '../gauge.js';
import { type DefaultMetricsSet, placementIn } from './placement.js';

const NAME = 'process_open_fds';

export const processOpenFileDescriptors: DefaultMetricsSet = (registry, options = {}) => {
  if (process.platform !== 'linux') return;
  const { prefix, labels, labelNames, registers } = placementIn(registry, options);
  new Gauge({
    name: prefix + NAME,
    help: 'Number of open file descriptors.',
    registers,
    labelNames,
    collect(this: Gauge) {
      try {
        // One of them is that of the listing itself.
        this.set(labels, fs.readdirSync('/proc/self/fd').length - 1);
      } catch {
        // Without /proc the value stays as it is.
      }
    },
  });
};
processOpenFileDescriptors.metricNames = [NAME];
