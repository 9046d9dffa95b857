// What a counter and a histogram with two attributes cost in OpenTelemetry's JavaScript SDK and here, values given per call.
import { expectCount, exposedSum } from '../runner/exposed.js';
import { loadOpenTelemetry } from '../runner/peers.js';
import type { PreparedRow, Row } from '../runner/row.js';
import type { Settings } from '../runner/settings.js';
import { BATCH, timed } from '../runner/timing.js';
import { LABEL_SETS, labelNames, labelValue, ourRegistry } from './subjects.js';

const NAME = 'bench_requests';
const HELP = 'Requests';
/** At least this much quicker. */
const GOAL = 10;

export function plan(settings: Settings): Row[] {
  const row = (what: string, prepare: () => Promise<PreparedRow>): Row => ({
    name: `${what} with 2 attributes, against OpenTelemetry JS`,
    unit: 'ns',
    goal: { kind: 'times-faster', factor: GOAL },
    prepare,
  });
  return [
    row('counter add', () => prepared(settings, 'counter')),
    row('histogram record, 11 buckets,', () => prepared(settings, 'histogram')),
  ];
}

type Attributes = { method: string; route: string };

/** Objects as an application makes them: the same shape each time, values that repeat. */
const sets: Attributes[] = Array.from({ length: LABEL_SETS }, (_, set) => ({ method: labelValue(0, set), route: labelValue(1, set) }));

async function prepared(settings: Settings, kind: 'counter' | 'histogram'): Promise<PreparedRow> {
  const registry = ourRegistry();
  const [method, route] = labelNames(2) as ['method', 'route'];
  const declared = { name: kind === 'counter' ? `${NAME}_total` : NAME, help: HELP, labelNames: [method, route] };
  const record =
    kind === 'counter'
      ? (
          (counter) => (value: number, labels: Attributes) =>
            counter.inc(labels, value)
        )(registry.counter(declared))
      : (
          (histogram) => (value: number, labels: Attributes) =>
            histogram.observe(labels, value)
        )(registry.histogram({ ...declared, buckets: [...settings.buckets] }));
  const { MeterProvider, MetricReader } = loadOpenTelemetry();
  class Reader extends MetricReader {
    protected override async onForceFlush(): Promise<void> {}
    protected override async onShutdown(): Promise<void> {}
  }
  const reader = new Reader();
  const meter = new MeterProvider({ readers: [reader] }).getMeter('bench');
  const advice = { advice: { explicitBucketBoundaries: [...settings.buckets] } };
  const instrument = kind === 'counter' ? meter.createCounter(NAME) : meter.createHistogram(NAME, advice);
  const peerRecord =
    'add' in instrument
      ? (value: number, attributes: Attributes) => instrument.add(value, attributes)
      : (value: number, attributes: Attributes) => instrument.record(value, attributes);
  const loop = (call: (value: number, attributes: Attributes) => void) => {
    let turn = 0;
    return () => {
      for (let k = 0; k < BATCH; k++) {
        turn = turn + 1 === sets.length ? 0 : turn + 1;
        call(1, sets[turn] as Attributes);
      }
    };
  };
  const ours = timed('Kymo', settings, loop(record));
  const theirs = timed('OpenTelemetry JS', settings, loop(peerRecord));
  return {
    ours,
    peer: theirs,
    async verify() {
      const sample = kind === 'counter' ? `${NAME}_total` : `${NAME}_count`;
      expectCount('Kymo', exposedSum(await registry.metrics(), sample), ours.operations());
      const { resourceMetrics } = await reader.collect();
      type Point = { readonly value: number | { readonly count: number } };
      const all = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
      let counted = 0;
      for (const { value } of all.flatMap((metric): Point[] => metric.dataPoints as Point[])) {
        counted += typeof value === 'number' ? value : value.count;
      }
      expectCount('OpenTelemetry JS', counted, theirs.operations());
    },
  };
}
