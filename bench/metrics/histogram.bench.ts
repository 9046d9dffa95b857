// What a bound histogram's observe() costs.
import { expectCount, exposedSum } from '../runner/exposed.js';
import type { PreparedRow, Row } from '../runner/row.js';
import type { Settings } from '../runner/settings.js';
import { BATCH, timed } from '../runner/timing.js';
import { labelNames, ourRegistry, peerRegistry } from './subjects.js';

const NAME = 'bench_duration_seconds';
const HELP = 'Durations';

export function plan(settings: Settings): Row[] {
  return [
    {
      name: `histogram observe, ${settings.buckets.length} buckets, bound, against prom-client`,
      unit: 'ns',
      goal: { kind: 'times-faster', factor: 30 },
      prepare: () => observe(settings),
    },
  ];
}

/** Values that visit every bucket in turn, the one above the highest bound included, evenly spread over the buckets. */
export function observations(buckets: readonly number[]): Float64Array {
  const values = new Float64Array(1024);
  const first = buckets[0] as number;
  const last = buckets[buckets.length - 1] as number;
  const edges = [first - Math.abs(first) / 2, ...buckets, last + Math.max(1, Math.abs(last) / 2)];
  for (let k = 0; k < values.length; k++) {
    // A step that is prime to the length, so that neighbours fall into different buckets.
    const place = ((k * 389) % values.length) / values.length;
    const bucket = Math.floor(place * (edges.length - 1));
    const share = place * (edges.length - 1) - bucket;
    const from = edges[bucket] as number;
    values[k] = from + ((edges[bucket + 1] as number) - from) * share;
  }
  return values;
}

function observe(settings: Settings): PreparedRow {
  const buckets = [...settings.buckets];
  const registry = ourRegistry();
  const bound = registry.histogram({ name: NAME, help: HELP, labelNames: labelNames(3), buckets }).labels('GET', '/x', '200');
  const peer = peerRegistry();
  const child = new peer.client.Histogram({ name: NAME, help: HELP, labelNames: labelNames(3), buckets, registers: [peer.registry] });
  const peerBound = child.labels('GET', '/x', '200');
  const values = observations(buckets);
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
      const text = await registry.metrics();
      expectCount('Kymo', exposedSum(text, `${NAME}_count`), ours.operations());
      expectCount('prom-client', exposedSum(await peer.registry.metrics(), `${NAME}_count`), theirs.operations());
      // The values reached every bucket, or the row would measure a search that ends early.
      const counts = text
        .split('\n')
        .filter((line) => line.startsWith(`${NAME}_bucket`))
        .map((line) => Number(line.slice(line.lastIndexOf(' ') + 1)));
      expectCount('buckets in use', counts.filter((count, k) => count > (counts[k - 1] ?? 0)).length, buckets.length + 1);
    },
  };
}
