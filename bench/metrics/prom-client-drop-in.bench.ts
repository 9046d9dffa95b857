// The same user code on `kymo/prom-client`, on prom-client and on @platformatic/prom-client: recording with labels, timers, the text.
import * as drop from 'kymo/prom-client';
import { expectCount, exposedSum } from '../runner/exposed.js';
import { loadPlatformaticClient, loadPromClient, type PromClient } from '../runner/peers.js';
import type { PreparedRow, Row } from '../runner/row.js';
import type { Settings } from '../runner/settings.js';
import { BATCH, timed, timedAsync } from '../runner/timing.js';
import { LABEL_SETS, labelNames, labelValue, manyLabels } from './subjects.js';

const NAME = 'bench_requests';
const HELP = 'Requests';
/** Series of the text rows. */
const SERIES = [1_000, 10_000];

/** What all three have in common, by prom-client's types. */
type Client = typeof PromClient;

const OURS = drop as unknown as Client;

interface Peer {
  readonly name: string;
  readonly load: () => Client;
}

const PROM_CLIENT: Peer = { name: 'prom-client', load: loadPromClient };
const PLATFORMATIC: Peer = { name: '@platformatic/prom-client', load: loadPlatformaticClient };

/** A metric of one client: what is called in turn, and what it has counted. */
interface Subject {
  readonly batch: () => void;
  readonly count: () => Promise<number>;
}

type Make = (client: Client, settings: Settings) => Subject;

const METHODS = Array.from({ length: LABEL_SETS }, (_, set) => labelValue(0, set));
const ROUTES = Array.from({ length: LABEL_SETS }, (_, set) => labelValue(1, set));
const STATUSES = Array.from({ length: LABEL_SETS }, (_, set) => labelValue(2, set));

export function plan(settings: Settings): Row[] {
  const row = (what: string, make: Make, peer: Peer, factor?: number): Row => ({
    name: `drop-in: ${what}, against ${peer.name}`,
    unit: 'ns',
    ...(factor === undefined ? {} : { goal: { kind: 'times-faster', factor } }),
    prepare: async () => against(make, peer, settings),
  });
  const recording: [string, Make][] = [
    ['inc({...})', incObjects],
    ['labels().inc()', incByValues],
    ['observe({...}, v)', observeObjects],
  ];
  return [
    ...recording.flatMap(([what, make]) => [row(what, make, PROM_CLIENT, 6), row(what, make, PLATFORMATIC, 4)]),
    row('startTimer', timers, PROM_CLIENT, 2.5),
    row('startTimer', timers, PLATFORMATIC),
    { name: 'drop-in: startTimer, against two process.hrtime() calls', unit: 'ns', prepare: async () => againstClock(settings) },
    ...SERIES.flatMap((series): Row[] => {
      const what = `drop-in: metrics() of ${series.toLocaleString('en')} series`;
      return [
        {
          name: `${what}, against prom-client`,
          unit: 'ms',
          goal: { kind: 'times-faster', factor: 50 },
          prepare: async () => text(series, PROM_CLIENT, settings),
        },
        { name: `${what}, against ${PLATFORMATIC.name}`, unit: 'ms', prepare: async () => text(series, PLATFORMATIC, settings) },
      ];
    }),
  ];
}

function counter(client: Client): { counter: PromClient.Counter; registry: PromClient.Registry } {
  const registry = new client.Registry();
  return { registry, counter: new client.Counter({ name: NAME, help: HELP, labelNames: labelNames(3), registers: [registry] }) };
}

function histogram(client: Client, { buckets }: Settings): { histogram: PromClient.Histogram; registry: PromClient.Registry } {
  const registry = new client.Registry();
  const declared = { name: NAME, help: HELP, labelNames: labelNames(3), buckets: [...buckets], registers: [registry] };
  return { registry, histogram: new client.Histogram(declared) };
}

const incObjects: Make = (client) => {
  const made = counter(client);
  let set = 0;
  const batch = (): void => {
    for (let k = 0; k < BATCH; k++) {
      set = set === LABEL_SETS - 1 ? 0 : set + 1;
      made.counter.inc({ method: METHODS[set] as string, route: ROUTES[set] as string, status: STATUSES[set] as string });
    }
  };
  return { batch, count: async () => exposedSum(await made.registry.metrics(), NAME) };
};

const incByValues: Make = (client) => {
  const made = counter(client);
  let set = 0;
  const batch = (): void => {
    for (let k = 0; k < BATCH; k++) {
      set = set === LABEL_SETS - 1 ? 0 : set + 1;
      made.counter.labels(METHODS[set] as string, ROUTES[set] as string, STATUSES[set] as string).inc();
    }
  };
  return { batch, count: async () => exposedSum(await made.registry.metrics(), NAME) };
};

const observeObjects: Make = (client, settings) => {
  const made = histogram(client, settings);
  let set = 0;
  const batch = (): void => {
    for (let k = 0; k < BATCH; k++) {
      set = set === LABEL_SETS - 1 ? 0 : set + 1;
      const labels = { method: METHODS[set] as string, route: ROUTES[set] as string, status: STATUSES[set] as string };
      made.histogram.observe(labels, (set + 1) * 0.03);
    }
  };
  return { batch, count: async () => exposedSum(await made.registry.metrics(), `${NAME}_count`) };
};

const timers: Make = (client, settings) => {
  const made = histogram(client, settings);
  let set = 0;
  const batch = (): void => {
    for (let k = 0; k < BATCH; k++) {
      set = set === LABEL_SETS - 1 ? 0 : set + 1;
      made.histogram.startTimer({ method: METHODS[set] as string, route: ROUTES[set] as string, status: STATUSES[set] as string })();
    }
  };
  return { batch, count: async () => exposedSum(await made.registry.metrics(), `${NAME}_count`) };
};

function against(make: Make, peer: Peer, settings: Settings): PreparedRow {
  const [mine, theirs] = [make(OURS, settings), make(peer.load(), settings)];
  const ours = timed('Kymo', settings, mine.batch);
  const other = timed(peer.name, settings, theirs.batch);
  return {
    ours,
    peer: other,
    async verify() {
      expectCount('Kymo', await mine.count(), ours.operations());
      expectCount(peer.name, await theirs.count(), other.operations());
    },
  };
}

/** The floor: tests replace process.hrtime, so that it has to be asked. */
function againstClock(settings: Settings): PreparedRow {
  const mine = timers(OURS, settings);
  let seen = 0;
  const ours = timed('Kymo', settings, mine.batch);
  const clock = timed('two process.hrtime() calls', settings, () => {
    for (let k = 0; k < BATCH; k++) seen += process.hrtime(process.hrtime())[1] >= 0 ? 1 : 0;
  });
  return {
    ours,
    peer: clock,
    async verify() {
      expectCount('Kymo', await mine.count(), ours.operations());
      expectCount('clock', seen, clock.operations());
    },
  };
}

function text(series: number, peer: Peer, settings: Settings): PreparedRow {
  const [mine, theirs] = [counter(OURS), counter(peer.load())];
  for (let k = 0; k < series; k++) for (const side of [mine, theirs]) side.counter.inc(manyLabels(k), k + 1);
  return {
    ours: timedAsync('Kymo', settings, () => mine.registry.metrics()),
    // @platformatic/prom-client gives the text itself when no metric has a `collect`.
    peer: timedAsync(peer.name, settings, async () => theirs.registry.metrics()),
    async verify() {
      if ((await mine.registry.metrics()) !== (await theirs.registry.metrics()))
        throw new Error('the two libraries do not write the same text');
    },
  };
}
