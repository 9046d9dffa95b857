// What redaction costs the thread that logs: the same small object under rules and without any, each in a process of its own.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expectCount } from '../runner/exposed.js';
import type { Goal } from '../runner/goals.js';
import { Program } from '../runner/program.js';
import type { PreparedRow, Row, Side } from '../runner/row.js';
import type { Settings } from '../runner/settings.js';
import type { Cost, Redacting } from './redacting-process.js';

const ROUNDS = 5;
const LINES = 100_000;

const FIGURES: Readonly<Record<keyof Cost, string>> = { mainThreadNs: 'main-thread time', processNs: 'CPU time of the process' };

export function plan(settings: Settings): Row[] {
  const row = (figure: keyof Cost, redacting: Redacting, goal?: Goal): Row => ({
    name: `${FIGURES[figure]} per line, a small object, ${redacting} redacted, against no redaction`,
    unit: 'ns',
    ...(goal === undefined ? {} : { goal }),
    rounds: Math.min(settings.rounds, ROUNDS),
    prepare: () => prepare(figure, redacting, settings),
  });
  return [
    row('mainThreadNs', '5 paths', { kind: 'at-most', limit: 1.3 }),
    row('mainThreadNs', 'names', { kind: 'at-most', limit: 1.3 }),
    // Patterns are the collector's work: the thread pays for them only where it is asked to look itself.
    row('mainThreadNs', 'patterns', { kind: 'at-most', limit: 1.1 }),
    row('processNs', 'patterns', { kind: 'at-most', limit: 1.3 }),
    row('mainThreadNs', 'patterns before the ring', { kind: 'at-most', limit: 5 }),
  ];
}

/** A service and its file. */
class Service implements Side {
  readonly label: string;
  readonly #program = new Program(new URL('./redacting-process.js', import.meta.url));
  readonly #folder = mkdtempSync(join(tmpdir(), 'kymo-bench-redaction-'));
  readonly #lines: number;
  readonly #figure: keyof Cost;

  constructor(label: string, lines: number, figure: keyof Cost) {
    this.label = label;
    this.#lines = lines;
    this.#figure = figure;
  }

  start(redacting: Redacting): Promise<void> {
    return this.#program.ask('start', { redacting, file: join(this.#folder, 'lines.log') });
  }

  async sample(): Promise<number> {
    return (await this.#program.ask<Cost>('write', this.#lines))[this.#figure];
  }

  /** Every line is there, and the secret is not, where it is to be redacted. */
  async verify(isRedacted: boolean): Promise<void> {
    // Files have the date in their name.
    const files = readdirSync(this.#folder).map((name) => readFileSync(join(this.#folder, name), 'utf8'));
    const lines = files.flatMap((text) => text.split('\n').slice(0, -1));
    expectCount(`lines of ${this.label}`, lines.length, await this.#program.ask<number>('written'));
    const leaking = lines.filter((line) => line.includes('0123456789abcdef')).length;
    expectCount(`lines of ${this.label} with the secret`, leaking, isRedacted ? 0 : lines.length);
  }

  async close(): Promise<void> {
    await this.#program.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function prepare(figure: keyof Cost, redacting: Redacting, settings: Settings): Promise<PreparedRow> {
  const lines = settings.smoke ? 5_000 : LINES;
  const ours = new Service(redacting, lines, figure);
  const peer = new Service('no redaction', lines, figure);
  await Promise.all([ours.start(redacting), peer.start('nothing')]);
  return {
    ours,
    peer,
    async verify() {
      await ours.verify(true);
      await peer.verify(false);
    },
    async close() {
      await Promise.all([ours.close(), peer.close()]);
    },
  };
}
