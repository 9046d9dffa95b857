// What a bound native histogram's observe() costs, against prom-client's classic one, which has no other, and against ours.
import { expectCount, exposedSum } from '../runner/exposed.js';
import type { PreparedRow, Row } from '../runner/row.js';
import type { Settings } from '../runner/settings.js';
import { BATCH, type TimedSide, timed } from '../runner/timing.js';
import { observations } from './histogram.bench.js';
import { labelNames, ourRegistry, peerRegistry } from './subjects.js';

const NAME = 'bench_duration_seconds';
const HELP = 'Durations';
const LABELS = ['GET', '/x', '200'] as const;

export function plan(settings: Settings): Row[] {
  const classic = `classic with ${settings.buckets.length} buckets`;
  return [
    {
      name: `native histogram observe, bound, against prom-client, ${classic}`,
      unit: 'ns',
      goal: { kind: 'times-faster', factor: 15 },
      prepare: () => againstPeer(settings),
    },
    {
      name: `native histogram observe, bound, against ours, ${classic}`,
      unit: 'ns',
      goal: { kind: 'at-most', limit: 2 },
      prepare: () => againstOurs(settings, false),
    },
    {
      name: `native and classic histogram observe, bound, against ours, ${classic}`,
      unit: 'ns',
      prepare: () => againstOurs(settings, true),
    },
  ];
}

/** Observes the values in turn, as both sides of a row do. */
function observing(label: string, settings: Settings, bound: { observe(value: number): void }): TimedSide {
  const values = observations(settings.buckets);
  const mask = values.length - 1;
  let turn = 0;
  return timed(label, settings, () => {
    for (let k = 0; k < BATCH; k++) {
      turn = (turn + 1) & mask;
      bound.observe(values[turn] as number);
    }
  });
}

function ourNative(settings: Settings, isDual: boolean): { side: TimedSide; verify(): void } {
  const registry = ourRegistry();
  const buckets = isDual ? [...settings.buckets] : (false as const);
  const histogram = registry.histogram({ name: NAME, help: HELP, labelNames: labelNames(3), buckets, native: true });
  const side = observing(isDual ? 'native and classic' : 'native', settings, histogram.labels(...LABELS));
  return {
    side,
    verify() {
      const [one] = Object.values(registry.snapshot().histograms);
      expectCount('native buckets', one?.native?.count ?? 0, side.operations());
      expectCount('observations', one?.count ?? 0, side.operations());
      // As declared, and in many buckets, or the row would measure another thing.
      expectCount('schema', one?.native?.schema ?? 0, 3);
      const used = one?.native?.positive.length ?? 0;
      if (used < settings.buckets.length) throw new Error(`only ${used} native buckets were used`);
    },
  };
}

function againstPeer(settings: Settings): PreparedRow {
  const ours = ourNative(settings, false);
  const peer = peerRegistry();
  const buckets = [...settings.buckets];
  const options = { name: NAME, help: HELP, labelNames: labelNames(3), buckets, registers: [peer.registry] };
  const theirs = observing('prom-client', settings, new peer.client.Histogram(options).labels(...LABELS));
  return {
    ours: ours.side,
    peer: theirs,
    async verify() {
      ours.verify();
      expectCount('prom-client', exposedSum(await peer.registry.metrics(), `${NAME}_count`), theirs.operations());
    },
  };
}

function againstOurs(settings: Settings, isDual: boolean): PreparedRow {
  const ours = ourNative(settings, isDual);
  const registry = ourRegistry();
  const histogram = registry.histogram({ name: NAME, help: HELP, labelNames: labelNames(3), buckets: [...settings.buckets] });
  const classic = observing('classic', settings, histogram.labels(...LABELS));
  return {
    ours: ours.side,
    peer: classic,
    verify() {
      ours.verify();
      expectCount('classic', Object.values(registry.snapshot().histograms)[0]?.count ?? 0, classic.operations());
    },
  };
}
