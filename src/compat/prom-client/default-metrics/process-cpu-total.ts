// `process_cpu_{user_,system_,}seconds_total`, from `process.cpuUsage()` as it is when a scrape comes. App threads.
import { Counter } from '../counter.js';
import { currentSpanLabels } from './current-span.js';
import { type DefaultMetricsSet, placementIn } from './placement.js';

const USER = 'process_cpu_user_seconds_total';
const SYSTEM = 'process_cpu_system_seconds_total';
const BOTH = 'process_cpu_seconds_total';

export const processCpuTotal: DefaultMetricsSet = (registry, options = {}) => {
  const { prefix, labels, labelNames, registers } = placementIn(registry, options);
  const enableExemplars = options.enableExemplars ? options.enableExemplars : false;
  let last = process.cpuUsage();
  const user = new Counter({
    name: prefix + USER,
    help: 'Total user CPU time spent in seconds.',
    enableExemplars,
    registers,
    labelNames,
    // The first one of the set counts for all of them.
    collect(this: Counter) {
      const usage = process.cpuUsage();
      const userMicros = usage.user - last.user;
      const systemMicros = usage.system - last.system;
      last = usage;
      const seconds = [userMicros / 1e6, systemMicros / 1e6, (userMicros + systemMicros) / 1e6] as const;
      for (const [at, counter] of [user, system, both].entries()) {
        const value = seconds[at] as number;
        if (this.enableExemplars) counter.incWithExemplar({ labels, value, exemplarLabels: currentSpanLabels() });
        else counter.incWithoutExemplar(labels, value);
      }
    },
  });
  const system = new Counter({
    name: prefix + SYSTEM,
    help: 'Total system CPU time spent in seconds.',
    enableExemplars,
    registers,
    labelNames,
  });
  const both = new Counter({
    name: prefix + BOTH,
    help: 'Total user and system CPU time spent in seconds.',
    enableExemplars,
    registers,
    labelNames,
  });
};
processCpuTotal.metricNames = [USER, SYSTEM, BOTH];
