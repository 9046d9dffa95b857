// What spans cost the main thread from their start until they are out of the process, and how late the loop runs meanwhile.
import { expectCount } from '../runner/exposed.js';
import { Program } from '../runner/program.js';
import type { PreparedRow, Row, Side } from '../runner/row.js';
import type { Settings } from '../runner/settings.js';
import type { Collected } from './collecting-process.js';
import type { Exporting, Produced, Production } from './exporting-process.js';

const PEER = 'OpenTelemetry JS';
const PER_SECOND = 10_000;
/** Three rounds make the 30 s of the goal, and the 100,000 spans of a round that of the other. */
const SECONDS = 10;
const ROUNDS = 3;

export function plan(settings: Settings): Row[] {
  return [
    {
      name: `main-thread time per exported span, 10,000 a second, against ${PEER}`,
      unit: 'ns',
      goal: { kind: 'times-faster', factor: 10 },
      rounds: Math.min(settings.rounds, ROUNDS),
      prepare: () => costs(settings),
    },
    {
      name: 'main-loop delay p99.9, 100,000 spans exported, against the same not exported',
      unit: 'us',
      goal: { kind: 'same' },
      rounds: Math.min(settings.rounds, ROUNDS),
      prepare: () => delays(settings),
    },
  ];
}

/** A service that exports, and what it produced in all. */
interface Running {
  readonly program: Program;
  produced: number;
}

interface Bench {
  readonly collector: Program;
  readonly production: Production;
  start(exporting: Exporting): Promise<Running>;
  close(): Promise<void>;
}

async function bench(settings: Settings): Promise<Bench> {
  const collector = new Program(new URL('./collecting-process.js', import.meta.url));
  const endpoint = `http://127.0.0.1:${await collector.ask<number>('listen')}`;
  const programs = [collector];
  return {
    collector,
    production: { seconds: settings.smoke ? 0.3 : SECONDS, perSecond: PER_SECOND },
    async start(exporting) {
      const program = new Program(new URL('./exporting-process.js', import.meta.url));
      programs.push(program);
      await program.ask('start', { exporting, endpoint });
      return { program, produced: 0 };
    },
    async close() {
      for (const program of programs) await program.stop();
    },
  };
}

async function produce(running: Running, production: Production): Promise<Produced> {
  const produced = await running.program.ask<Produced>('produce', production);
  running.produced += produced.spans;
  return produced;
}

/** What a span costs beyond the ticks that make it: the same ticks without spans are measured beside it each time. */
function costSide(label: string, running: Running, idle: Running, production: Production): Side {
  return {
    label,
    async sample() {
      const bare = await produce(idle, production);
      const { spans, mainThreadNs } = await produce(running, production);
      return Math.max(0, mainThreadNs - bare.mainThreadNs) / spans;
    },
  };
}

async function costs(settings: Settings): Promise<PreparedRow> {
  const on = await bench(settings);
  const { production } = on;
  const [ours, theirs, idle] = [await on.start('Kymo'), await on.start(PEER), await on.start('nothing')];
  return {
    ours: costSide('Kymo', ours, idle, production),
    peer: costSide(PEER, theirs, idle, production),
    async verify() {
      await verifyAllOut('Kymo', ours);
      await verifyAllOut(PEER, theirs);
      const { requests } = await on.collector.ask<Collected>('collected');
      if (requests < 2) throw new Error(`the collector got ${requests} requests`);
    },
    close: on.close,
  };
}

async function delays(settings: Settings): Promise<PreparedRow> {
  const on = await bench(settings);
  const { production } = on;
  const [exporting, keeping] = [await on.start('Kymo'), await on.start('Kymo, not exported')];
  return {
    ours: { label: 'Kymo', sample: async () => (await produce(exporting, production)).delayP999 },
    peer: { label: 'not exported', sample: async () => (await produce(keeping, production)).delayP999 },
    verify: () => verifyAllOut('Kymo', exporting),
    close: on.close,
  };
}

async function verifyAllOut(who: string, { program, produced }: Running): Promise<void> {
  expectCount(who, await program.ask<number>('exported'), produced);
}
