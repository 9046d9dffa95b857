// What a bound summary's observe() costs: the stores and, every 128th time, the native side taking the values over.
import { expectCount, exposedSum } from '../runner/exposed.js';
import type { PreparedRow, Row } from '../runner/row.js';
import type { Settings } from '../runner/settings.js';
import { BATCH, timed } from '../runner/timing.js';
import { observations } from './histogram.bench.js';
import { labelNames, ourRegistry, peerRegistry } from './subjects.js';

const NAME = 'bench_duration_seconds';
const HELP = 'Durations';
const QUANTILES = [0.5, 0.9, 0.95, 0.99];
/** The values repeat, so that this is the median of any number of whole rounds. */
const MEDIAN = 0.5;

export function plan(settings: Settings): Row[] {
  return [
    {
      name: 'summary observe, bound, against prom-client',
      unit: 'ns',
      goal: { kind: 'times-faster', factor: 20 },
      prepare: () => observe(settings, {}),
    },
    {
      name: 'summary observe, bound, against prom-client with the same window of 10 min in 5 parts',
      unit: 'ns',
      prepare: () => observe(settings, { maxAgeSeconds: 600, ageBuckets: 5 }),
    },
  ];
}

function observe(settings: Settings, window: { maxAgeSeconds?: number; ageBuckets?: number }): PreparedRow {
  const registry = ourRegistry();
  const summary = registry.summary({ name: NAME, help: HELP, labelNames: labelNames(3), quantiles: QUANTILES });
  const bound = summary.labels('GET', '/x', '200');
  const peer = peerRegistry();
  const options = { name: NAME, help: HELP, labelNames: labelNames(3), percentiles: QUANTILES, registers: [peer.registry], ...window };
  const peerBound = new peer.client.Summary(options).labels('GET', '/x', '200');
  const values = observations(settings.buckets);
  const mask = values.length - 1;
  let turn = 0;
  const ours = timed('Kymo', settings, () => {
    for (let k = 0; k < BATCH; k++) {
      turn = (turn + 1) & mask;
      bound.observe(values[turn] as number);
    }
  });
  const theirs = timed('prom-client', settings, () => {
    for (let k = 0; k < BATCH; k++) {
      turn = (turn + 1) & mask;
      peerBound.observe(values[turn] as number);
    }
  });
  return {
    ours,
    peer: theirs,
    async verify() {
      expectCount('Kymo', exposedSum(await registry.metrics(), `${NAME}_count`), ours.operations());
      expectCount('prom-client', exposedSum(await peer.registry.metrics(), `${NAME}_count`), theirs.operations());
      const sorted = [...values].sort((a, b) => a - b);
      const exact = sorted[sorted.length * MEDIAN - 1] as number;
      const next = sorted[sorted.length * MEDIAN] as number;
      const told = summary.quantile(MEDIAN);
      // Nearest rank within 1 %; the rounds may not be whole, which moves the rank by one value.
      const off = Math.min(Math.abs(told - exact), Math.abs(told - next));
      if (!(off <= Math.abs(next) * 0.02)) throw new Error(`the median is ${exact}, the summary says ${told}`);
    },
  };
}
