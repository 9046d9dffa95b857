// `process_max_fds`, where there is a /proc. App threads.
import fs from 'fs';
import { Gauge } from '../gauge.js';
import { type DefaultMetricsSet, placementIn } from './placement.js';

const NAME = 'process_max_fds';

/** The soft limit, read once; undefined until a read succeeds. */
let limit: number | undefined;

function readLimit(): number | undefined {
  try {
    const line = fs
      .readFileSync('/proc/self/limits', 'utf8')
      .split('\n')
      .find((text) => text.startsWith('Max open files'));
    return line === undefined ? undefined : Number(line.split(/ {2,}/)[1]);
  } catch {
    return undefined;
  }
}

export const processMaxFileDescriptors: DefaultMetricsSet = (registry, options = {}) => {
  limit ??= readLimit();
  if (limit === undefined) return;
  const { prefix, labels, labelNames, registers } = placementIn(registry, options);
  new Gauge({
    name: prefix + NAME,
    help: 'Maximum number of open file descriptors.',
    registers,
    labelNames,
    collect(this: Gauge) {
      this.set(labels, limit as number);
    },
  });
};
processMaxFileDescriptors.metricNames = [NAME];
