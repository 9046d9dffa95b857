// `nodejs_heap_space_size_{total,used,available}_bytes{space}`. App threads.
import v8 from 'v8';
import { Gauge } from '../gauge.js';
import { type DefaultMetricsSet, placementIn } from './placement.js';

const nameOf = (part: string): string => `nodejs_heap_space_size_${part}_bytes`;

/** False where the runtime has no such statistics (Bun). */
function hasStatistics(): boolean {
  try {
    v8.getHeapSpaceStatistics();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_NOT_IMPLEMENTED') return false;
    throw error;
  }
}

export const heapSpacesSizeAndUsed: DefaultMetricsSet = (registry, options = {}) => {
  if (!hasStatistics()) return;
  const { prefix, labels, labelNames, registers } = placementIn(registry, options);
  const declare = (part: string): Gauge =>
    new Gauge({
      name: prefix + nameOf(part),
      help: `Process heap space size ${part} from Node.js in bytes.`,
      labelNames: ['space', ...labelNames],
      registers,
    });
  const total = declare('total');
  const used = declare('used');
  const available = declare('available');
  // The first one of the set sets all of them.
  total.collect = () => {
    for (const space of v8.getHeapSpaceStatistics()) {
      const place = { space: space.space_name.slice(0, Math.max(space.space_name.indexOf('_space'), 0)), ...labels };
      total.set(place, space.space_size);
      used.set(place, space.space_used_size);
      available.set(place, space.space_available_size);
    }
  };
};
heapSpacesSizeAndUsed.metricNames = ['total', 'used', 'available'].map(nameOf);
