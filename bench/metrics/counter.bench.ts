// What a counter's inc() costs: through bound handles against bare memory and against prom-client, and with labels given each time.
import { expectCount, exposedSum } from '../runner/exposed.js';
import type { PreparedRow, Row } from '../runner/row.js';
import type { Settings } from '../runner/settings.js';
import { BATCH, timed } from '../runner/timing.js';
import { LABEL_SETS, labelNames, labelValue, ourRegistry, peerRegistry } from './subjects.js';

const NAME = 'bench_requests_total';
const HELP = 'Requests';

export function plan(settings: Settings): Row[] {
  const { handles, labels } = settings;
  return [
    {
      name: 'counter inc, one bound handle, against f64[i] += 1',
      unit: 'ns',
      goal: { kind: 'at-most', limit: 1.5 },
      prepare: () => oneHandle(settings),
    },
    {
      name: `counter inc, ${handles} bound handles in turn, against f64[i] += 1`,
      unit: 'ns',
      goal: { kind: 'at-most', limit: 3 },
      prepare: () => handlesInTurn(settings),
    },
    {
      name: 'counter inc, bound, against prom-client',
      unit: 'ns',
      goal: { kind: 'times-faster', factor: 60 },
      prepare: () => boundAgainstPeer(settings),
    },
    {
      name: `counter inc, ${labels} dynamic labels, against prom-client`,
      unit: 'ns',
      goal: { kind: 'times-faster', factor: 12 },
      prepare: () => (labels === 3 ? threeLabels(settings) : anyLabels(settings)),
    },
    {
      name: 'counter inc, 3 dynamic labels, one string built anew, against prom-client',
      unit: 'ns',
      prepare: () => stringsBuiltAnew(settings),
    },
  ];
}

function oneHandle(settings: Settings): PreparedRow {
  const registry = ourRegistry();
  const handle = registry.counter({ name: NAME, help: HELP, labelNames: ['method'] }).labels('GET');
  const cells = new Float64Array(1024);
  const cell = 512 + (process.pid % 8);
  const ours = timed('Kymo', settings, () => {
    for (let k = 0; k < BATCH; k++) handle.inc();
  });
  const bare = timed('f64[i] += 1', settings, () => {
    for (let k = 0; k < BATCH; k++) (cells[cell] as number) += 1;
  });
  return {
    ours,
    peer: bare,
    async verify() {
      expectCount('handle', exposedSum(await registry.metrics(), NAME), ours.operations());
      expectCount('cell', cells[cell] as number, bare.operations());
    },
  };
}

function handlesInTurn(settings: Settings): PreparedRow {
  const { handles: count } = settings;
  const registry = ourRegistry();
  const counter = registry.counter({ name: NAME, help: HELP, labelNames: ['shard'] });
  const handles = Array.from({ length: count }, (_, k) => counter.labels(`${k}`));
  const cells = new Float64Array(1024 + count);
  // Read from a list, as the handles are: both sides find out at run time where to add.
  const places = Array.from({ length: count }, (_, k) => 512 + k);
  const perCall = count * Math.ceil(BATCH / count);
  const ours = timed(
    'Kymo',
    settings,
    () => {
      for (let left = perCall; left > 0; left -= count) for (let k = 0; k < count; k++) handles[k]?.inc();
    },
    perCall,
  );
  const bare = timed(
    'f64[i] += 1',
    settings,
    () => {
      for (let left = perCall; left > 0; left -= count) for (let k = 0; k < count; k++) (cells[places[k] as number] as number) += 1;
    },
    perCall,
  );
  return {
    ours,
    peer: bare,
    async verify() {
      expectCount('handles', exposedSum(await registry.metrics(), NAME), ours.operations());
      expectCount(
        'cells',
        cells.reduce((sum, value) => sum + value, 0),
        bare.operations(),
      );
    },
  };
}

function boundAgainstPeer(settings: Settings): PreparedRow {
  const registry = ourRegistry();
  const handle = registry.counter({ name: NAME, help: HELP, labelNames: labelNames(3) }).labels('GET', '/x', '200');
  const peer = peerRegistry();
  const child = new peer.client.Counter({ name: NAME, help: HELP, labelNames: labelNames(3), registers: [peer.registry] }).labels(
    'GET',
    '/x',
    '200',
  );
  const ours = timed('Kymo', settings, () => {
    for (let k = 0; k < BATCH; k++) handle.inc();
  });
  const theirs = timed('prom-client', settings, () => {
    for (let k = 0; k < BATCH; k++) child.inc();
  });
  return {
    ours,
    peer: theirs,
    async verify() {
      expectCount('handle', exposedSum(await registry.metrics(), NAME), ours.operations());
      expectCount('prom-client', exposedSum(await peer.registry.metrics(), NAME), theirs.operations());
    },
  };
}

/** A counter of both libraries and the check that they counted what the sides did. */
function labelledCounters(count: number) {
  const registry = ourRegistry();
  const peer = peerRegistry();
  return {
    counter: registry.counter({ name: NAME, help: HELP, labelNames: labelNames(count) }),
    theirs: new peer.client.Counter({ name: NAME, help: HELP, labelNames: labelNames(count), registers: [peer.registry] }),
    async verify(ourOperations: number, theirOperations: number) {
      expectCount('Kymo', exposedSum(await registry.metrics(), NAME), ourOperations);
      expectCount('prom-client', exposedSum(await peer.registry.metrics(), NAME), theirOperations);
    },
  };
}

function threeLabels(settings: Settings): PreparedRow {
  const { counter, theirs, verify } = labelledCounters(3);
  const methods = Array.from({ length: LABEL_SETS }, (_, set) => labelValue(0, set));
  const routes = Array.from({ length: LABEL_SETS }, (_, set) => labelValue(1, set));
  const statuses = Array.from({ length: LABEL_SETS }, (_, set) => labelValue(2, set));
  let set = 0;
  const ours = timed('Kymo', settings, () => {
    for (let k = 0; k < BATCH; k++) {
      set = set === LABEL_SETS - 1 ? 0 : set + 1;
      counter.inc({ method: methods[set] as string, route: routes[set] as string, status: statuses[set] as string });
    }
  });
  const peer = timed('prom-client inc({...})', settings, () => {
    for (let k = 0; k < BATCH; k++) {
      set = set === LABEL_SETS - 1 ? 0 : set + 1;
      theirs.inc({ method: methods[set] as string, route: routes[set] as string, status: statuses[set] as string });
    }
  });
  return { ours, peer, verify: () => verify(ours.operations(), peer.operations()) };
}

/** A number of labels that no literal in this file has: the objects are made before. */
function anyLabels(settings: Settings): PreparedRow {
  const names = labelNames(settings.labels);
  const { counter, theirs, verify } = labelledCounters(names.length);
  const sets = Array.from({ length: LABEL_SETS }, (_, set) =>
    Object.fromEntries(names.map((name, place) => [name, labelValue(place, set)])),
  );
  let set = 0;
  const ours = timed('Kymo', settings, () => {
    for (let k = 0; k < BATCH; k++) {
      set = set === LABEL_SETS - 1 ? 0 : set + 1;
      counter.inc(sets[set] as Record<string, string>);
    }
  });
  const peer = timed('prom-client inc({...})', settings, () => {
    for (let k = 0; k < BATCH; k++) {
      set = set === LABEL_SETS - 1 ? 0 : set + 1;
      theirs.inc(sets[set] as Record<string, string>);
    }
  });
  return { ours, peer, verify: () => verify(ours.operations(), peer.operations()) };
}

function stringsBuiltAnew(settings: Settings): PreparedRow {
  const { counter, theirs, verify } = labelledCounters(3);
  let turn = 0;
  const ours = timed('Kymo', settings, () => {
    for (let k = 0; k < BATCH; k++) {
      turn = (turn + 1) & 15;
      counter.inc({ method: 'GET', route: `/api/v1/items/${turn}`, status: '200' });
    }
  });
  const peer = timed('prom-client inc({...})', settings, () => {
    for (let k = 0; k < BATCH; k++) {
      turn = (turn + 1) & 15;
      theirs.inc({ method: 'GET', route: `/api/v1/items/${turn}`, status: '200' });
    }
  });
  return { ours, peer, verify: () => verify(ours.operations(), peer.operations()) };
}
