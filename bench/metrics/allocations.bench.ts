// Heap bytes that an operation allocates on the paths that must allocate none. Counts, not times: they do not scatter, so they are
// also kept in allocations.snap.json and compared by the test suite.
import { ALLOCATION_FLAGS, bytesPerOperation } from '../runner/allocation.js';
import { expectCount, exposedSum } from '../runner/exposed.js';
import type { PreparedRow, Row } from '../runner/row.js';
import type { Settings } from '../runner/settings.js';
import { BATCH } from '../runner/timing.js';
import { observations } from './histogram.bench.js';
import { LABEL_SETS, labelNames, labelValue, ourRegistry, peerRegistry } from './subjects.js';

/** One path: `prepare` gives what one operation number `turn` does in each library. */
interface Path {
  readonly name: string;
  prepare(settings: Settings): { ours: (turn: number) => void; theirs: (turn: number) => void; counted(): Promise<number> };
}

const HELP = 'Bench';

const PATHS: readonly Path[] = [
  {
    name: 'counter inc, bound',
    prepare() {
      const [registry, peer] = [ourRegistry(), peerRegistry()];
      const handle = registry.counter({ name: 'a_total', help: HELP, labelNames: ['method'] }).labels('GET');
      const child = new peer.client.Counter({ name: 'a_total', help: HELP, labelNames: ['method'], registers: [peer.registry] }).labels(
        'GET',
      );
      return { ours: () => handle.inc(), theirs: () => child.inc(), counted: async () => exposedSum(await registry.metrics(), 'a_total') };
    },
  },
  {
    // Literals are the caller's own bytes: the objects and strings here exist before.
    name: 'counter inc, 3 dynamic labels',
    prepare() {
      const [registry, peer] = [ourRegistry(), peerRegistry()];
      const names = labelNames(3);
      const counter = registry.counter({ name: 'a_total', help: HELP, labelNames: names });
      const theirs = new peer.client.Counter({ name: 'a_total', help: HELP, labelNames: names, registers: [peer.registry] });
      const sets = Array.from({ length: LABEL_SETS }, (_, set) => ({
        method: labelValue(0, set),
        route: labelValue(1, set),
        status: labelValue(2, set),
      }));
      const at = (turn: number): Record<string, string> => sets[turn % LABEL_SETS] as Record<string, string>;
      return {
        ours: (turn) => counter.inc(at(turn)),
        theirs: (turn) => theirs.inc(at(turn)),
        counted: async () => exposedSum(await registry.metrics(), 'a_total'),
      };
    },
  },
  {
    // Nothing stands in for a missing value in prom-client: there it is given.
    name: 'counter inc, 2 of 3 labels, 1 by default',
    prepare() {
      const [registry, peer] = [ourRegistry(), peerRegistry()];
      const names = labelNames(3);
      const counter = registry.counter({ name: 'a_total', help: HELP, labelNames: names, labels: { status: '200' } });
      const theirs = new peer.client.Counter({ name: 'a_total', help: HELP, labelNames: names, registers: [peer.registry] });
      const sets = Array.from({ length: LABEL_SETS }, (_, set) => ({ method: labelValue(0, set), route: labelValue(1, set) }));
      const complete = sets.map((labels) => ({ ...labels, status: '200' }));
      return {
        ours: (turn) => counter.inc(sets[turn % LABEL_SETS] as Record<string, string>),
        theirs: (turn) => theirs.inc(complete[turn % LABEL_SETS] as Record<string, string>),
        counted: async () => exposedSum(await registry.metrics(), 'a_total'),
      };
    },
  },
  {
    name: 'histogram observe, bound',
    prepare({ buckets }) {
      const [registry, peer] = [ourRegistry(), peerRegistry()];
      const options = { name: 'a_seconds', help: HELP, labelNames: ['method'], buckets: [...buckets] };
      const bound = registry.histogram(options).labels('GET');
      const child = new peer.client.Histogram({ ...options, registers: [peer.registry] }).labels('GET');
      const values = observations(buckets);
      const at = (turn: number): number => values[turn & (values.length - 1)] as number;
      return {
        ours: (turn) => bound.observe(at(turn)),
        theirs: (turn) => child.observe(at(turn)),
        counted: async () => exposedSum(await registry.metrics(), 'a_seconds_count'),
      };
    },
  },
];

export function plan(settings: Settings): Row[] {
  return PATHS.map((path) => ({
    name: `heap bytes per operation: ${path.name}`,
    unit: 'B',
    goal: { kind: 'below', limit: 1 },
    // Counts do not scatter: one round says it all, the lowest of several attempts within it.
    rounds: 1,
    nodeFlags: ALLOCATION_FLAGS,
    prepare: () => counts(path, settings),
  }));
}

function counts(path: Path, settings: Settings): PreparedRow {
  const { ours, theirs, counted } = path.prepare(settings);
  let done = 0;
  const batchOf = (operation: (turn: number) => void) => (): void => {
    for (let turn = 0; turn < BATCH; turn++) operation(turn);
  };
  const ourBatch = batchOf(ours);
  return {
    ours: {
      label: 'Kymo',
      sample: () =>
        bytesPerOperation(() => {
          done += BATCH;
          ourBatch();
        }, BATCH),
    },
    peer: { label: 'prom-client', sample: () => bytesPerOperation(batchOf(theirs), BATCH) },
    async verify() {
      expectCount('Kymo', await counted(), done);
      // The count is able to see bytes at all: an operation that keeps a new array of 8 elements has at least 64.
      let kept: number[] = [];
      const seen = bytesPerOperation(() => {
        for (let turn = 0; turn < BATCH; turn++) kept = new Array(8).fill(turn);
      }, BATCH);
      if (seen < 64 || kept.length !== 8) throw new Error(`an allocation of 64 bytes was counted as ${seen}`);
    },
  };
}
