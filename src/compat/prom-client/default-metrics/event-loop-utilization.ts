// `nodejs_eventloop_utilization_{summary,histogram}` of prom-client 0.16: the loop's utilization, looked at on a timer. App threads.
import perfHooks from 'perf_hooks';
import { Histogram } from '../histogram.js';
import { Summary } from '../summary.js';
import { type DefaultMetricsSet, placementIn } from './placement.js';

const SUMMARY = 'nodejs_eventloop_utilization_summary';
const HISTOGRAM = 'nodejs_eventloop_utilization_histogram';
const BUCKETS = [0.01, 0.05, 0.1, 0.25, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95, 0.99, 1];
const PERCENTILES = [0.01, 0.05, 0.5, 0.9, 0.95, 0.99, 0.999];
const HELP = 'Ratio of time the event loop is not idling in the event provider to the total time the event loop is running.';

export const eventLoopUtilization: DefaultMetricsSet = (registry, options = {}) => {
  const { prefix, labelNames, registers } = placementIn(registry, options);
  const summary = new Summary({
    name: prefix + SUMMARY,
    help: HELP,
    maxAgeSeconds: options.eventLoopUtilizationMaxAgeSeconds ?? 60,
    ageBuckets: options.eventLoopUtilizationAgeBuckets ?? 5,
    percentiles: [...(options.eventLoopUtilizationPercentiles ?? PERCENTILES)],
    registers,
    labelNames,
  });
  const histogram = new Histogram({
    name: prefix + HISTOGRAM,
    help: HELP,
    buckets: [...(options.eventLoopUtilizationBuckets ?? BUCKETS)],
    registers,
    labelNames,
  });
  const read = perfHooks.performance.eventLoopUtilization;
  const intervalMs = options.eventLoopUtilizationTimeout ?? 100;
  let before = read();
  let start = process.hrtime();
  setInterval(() => {
    const now = read();
    const end = process.hrtime();
    const elapsedMs = (end[0] - start[0]) * 1000 + (end[1] - start[1]) / 1e6;
    const { utilization } = read(now, before);
    // A loop that was blocked counts once for each interval that it missed.
    for (let missed = Math.round(elapsedMs / intervalMs); missed > 0; missed--) {
      summary.observe(utilization);
      histogram.observeWithoutExemplar(utilization);
    }
    before = now;
    start = end;
  }, intervalMs).unref();
};
eventLoopUtilization.metricNames = [SUMMARY, HISTOGRAM];
