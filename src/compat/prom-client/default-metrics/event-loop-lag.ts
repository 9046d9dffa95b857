// `nodejs_eventloop_lag_seconds` and the distribution of the delay since the last scrape. App threads.
import perfHooks from 'perf_hooks';
import { Gauge } from '../gauge.js';
import { type DefaultMetricsSet, placementIn } from './placement.js';

const LAG = 'nodejs_eventloop_lag_seconds';

/** What the runtime's histogram gives beside the lag of the scrape itself. */
const STATISTICS = [
  { part: 'min', help: 'The minimum recorded event loop delay.', aggregator: 'min', read: (delay) => delay.min },
  { part: 'max', help: 'The maximum recorded event loop delay.', aggregator: 'max', read: (delay) => delay.max },
  { part: 'mean', help: 'The mean of the recorded event loop delays.', aggregator: 'average', read: (delay) => delay.mean },
  {
    part: 'stddev',
    help: 'The standard deviation of the recorded event loop delays.',
    aggregator: 'average',
    read: (delay) => delay.stddev,
  },
  ...[50, 90, 99].map((percentile) => ({
    part: `p${percentile}`,
    help: `The ${percentile}th percentile of the recorded event loop delays.`,
    aggregator: 'average' as const,
    read: (delay: perfHooks.IntervalHistogram) => delay.percentile(percentile),
  })),
] satisfies readonly {
  part: string;
  help: string;
  aggregator: 'min' | 'max' | 'average';
  /** In nanoseconds. */
  read: (delay: perfHooks.IntervalHistogram) => number;
}[];

const nameOf = (part: string): string => `nodejs_eventloop_lag_${part}_seconds`;

/** The runtime's histogram of delays, running; undefined where there is none, null where it is refused (Bun). */
function monitor(resolution: number | undefined): perfHooks.IntervalHistogram | undefined | null {
  if (!perfHooks.monitorEventLoopDelay) return undefined;
  try {
    const delay = perfHooks.monitorEventLoopDelay({ resolution } as perfHooks.EventLoopMonitorOptions);
    delay.enable();
    return delay;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_NOT_IMPLEMENTED') return null;
    throw error;
  }
}

export const eventLoopLag: DefaultMetricsSet = (registry, options = {}) => {
  const { prefix, labels, labelNames, registers } = placementIn(registry, options);
  const delay = monitor(options.eventLoopMonitoringPrecision);
  if (delay === null) return;
  const lag = new Gauge({
    name: prefix + LAG,
    help: 'Lag of event loop in seconds.',
    registers,
    labelNames,
    aggregator: 'average',
    // Set when the loop comes to it, so that a scrape shows the lag of the one before.
    collect(this: Gauge) {
      const start = process.hrtime();
      setImmediate(() => {
        const [seconds, nanoseconds] = process.hrtime(start);
        lag.set(labels, (seconds * 1e9 + nanoseconds) / 1e9);
      });
      if (delay === undefined) return;
      for (const { gauge, read } of statistics) gauge.set(labels, read(delay) / 1e9);
      delay.reset();
    },
  });
  const statistics = STATISTICS.map(({ part, help, aggregator, read }) => ({
    gauge: new Gauge({ name: prefix + nameOf(part), help, registers, labelNames, aggregator }),
    read,
  }));
};
eventLoopLag.metricNames = [LAG, ...STATISTICS.map(({ part }) => nameOf(part))];
