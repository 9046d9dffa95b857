// A registry with all kinds of metrics, odd values and hostile labels, for whoever reads expositions. Runs in the test process.
import { collectDefaultMetrics, MetricsRegistry } from '../../src/index.js';

/** Label values that have broken exporters. */
export const HOSTILE: readonly string[] = [
  '',
  ' ',
  '"',
  '\\',
  '\n',
  '\\n',
  '\\"',
  '"} 1\nevil 1\n',
  '{a="b"}',
  '# EOF',
  '# HELP x y',
  'a,b="c"',
  'le="+Inf"',
  '\r\n',
  '\t',
  '\u0000',
  '\u2028',
  'größe',
  '漢字',
  '👩‍👩‍👧',
  'x'.repeat(16_384),
];

/** Values that formats have trouble with. */
export const ODD_VALUES: readonly number[] = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  -0,
  1e-7,
  1e21,
  5e-324,
  1.7976931348623157e308,
];

/** When {@link everything} was called last, ms since 1970. */
export const built = { at: 0 };

/** One of everything. */
export function everything(): MetricsRegistry {
  built.at = Date.now();
  const registry = new MetricsRegistry();
  const requests = registry.counter({ name: 'requests_total', help: 'Requests "seen"\nby \\route', labelNames: ['route', 'status'] });
  for (const [index, route] of HOSTILE.entries()) requests.inc({ route, status: `${index}` }, index + 0.5);
  const depth = registry.gauge({ name: 'depth', help: 'Depth of the queue', labelNames: ['queue'] });
  for (const value of ODD_VALUES) depth.set({ queue: `${value}` }, value);
  const took = registry.histogram({
    name: 'took_seconds',
    help: 'Time taken',
    unit: 'seconds',
    labelNames: ['route'],
    buckets: [0.00001, 0.0001, 0.005, 0.25, 1, 10, 100_000, 1_000_000, 12_345_678],
  });
  for (const route of ['/', 'a"b\\c\nd', '']) {
    for (const seconds of [0, 0.00001, 0.3, 1, 2_000_000, 1e9]) took.observe({ route }, seconds);
  }
  registry.histogram({ name: 'change', help: 'Change of something', buckets: [-10, 0, 10] }).observe(-3);
  registry.histogram({ name: 'unseen_seconds', help: 'Never observed' });
  registry.counter({ name: 'unseen_total', help: 'Never counted', labelNames: ['why'] });
  registry.inc('with.dots-and-dashes');
  registry.gauge('plain', 3);
  kinds(registry);
  collectDefaultMetrics({ registry });
  return registry;
}

/** The kinds beside counters, gauges and classic histograms, and exemplars. */
function kinds(registry: MetricsRegistry): void {
  const native = registry.histogram({ name: 'native_bytes', help: 'Sizes', labelNames: ['to'], native: true, buckets: false });
  for (const value of [-3, 0, 1, 2, 2.5, 1024, Number.MAX_VALUE]) native.observe({ to: 'x"\\\n' }, value);
  const both = registry.histogram({ name: 'both_seconds', help: 'Times', native: { schema: 0 }, buckets: [0.5, 4] });
  for (const value of [0.25, 1, 3, 3, 100]) both.observe(value);
  registry.histogram({ name: 'unseen_native', help: 'Never observed', native: true, buckets: false }).labels({});
  const wait = registry.summary({ name: 'wait_seconds', help: 'Waits', labelNames: ['queue'], quantiles: [0.5, 1] });
  for (const value of [1, 2, 3]) wait.observe({ queue: 'a' }, value);
  registry.summary({ name: 'unseen_wait_seconds', help: 'No wait', quantiles: [0.5] }).labels({});
  registry.info({ name: 'build', help: 'Build', labelNames: ['version', 'commit'] }).set({ version: '1.2.3"', commit: 'abc' });
  const mode = registry.stateSet({ name: 'mode', help: 'Mode', labelNames: ['worker'], states: ['idle', 'bu"sy\n'] });
  mode.set('bu"sy\n', { worker: '1' });
  registry.counter({ name: 'traced_total', help: 'Traced' }).inc(2, undefined, { trace_id: 'abc' });
  const traced = registry.histogram({ name: 'traced_seconds', help: 'Traced', buckets: [1, 2] });
  traced.observe(0.5, undefined, { trace_id: 't1', span_id: 's1' });
  traced.observe(5, undefined, { trace_id: 't2' });
}
