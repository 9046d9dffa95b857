// Processes whose output nobody reads: they go on, stay small, end, and say what was lost.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { memoryFolder, removeFolder, segmentFiles } from '../recorder/processes.js';
import { logging, sorted, upTo } from './logging-process.js';

let folder: string;
let path: string;
beforeEach(() => {
  folder = memoryFolder();
  path = join(folder, 'a.log');
});
afterEach(() => removeFolder(folder));

/** Megabytes of lines, far beyond a pipe, a ring and its overflow. */
const FLOOD = `
  let turns = 0;
  const before = process.memoryUsage().rss;
  for (let n = 0; n < 60_000; n += 500) {
    for (let at = n; at < n + 500; at++) write('line', { n: at, text: 'x'.repeat(500) });
    await new Promise(setImmediate);
    turns++;
  }
  const grown = process.memoryUsage().rss - before;`;

describe('a process whose stdout nobody reads', () => {
  it('goes on, stays small, ends, counts what it lost, and leaves the rest to the next start', async () => {
    const child = logging(
      `lead(descriptor(1)); ${FLOOD}
      tell(JSON.stringify({ turns, grown, ...native.logState(), metrics: ownMetrics() }));`,
      { folder, unread: true },
    );
    const ended = await child.ended;
    expect(ended.code).toBe(0);
    const [first, ...rest] = ended.stderr.trim().split('\n');
    const { turns, grown, dropped, metrics } = JSON.parse(first as string) as {
      turns: number;
      grown: number;
      dropped: number;
      metrics: string;
    };
    expect(turns).toBe(120);
    // Once, with its level, its reason and for whom.
    expect(metrics).toContain(`kymo_log_lines_dropped_total{level="info",reason="stalled",sink="all"} ${dropped}\n`);
    expect(metrics).not.toContain('kymo_ring_dropped_total{signal="logs"');
    expect(dropped).toBeGreaterThan(10_000);
    // The ring, its overflow, and what the lines cost V8 in between.
    expect(grown).toBeLessThan(150 << 20);
    expect(rest.join('\n')).toMatch(
      /^kymo: log sink fd:1 did not take all lines in time: \d+ lines are written by the next start; \d+ were dropped before$/,
    );
    const next = await logging(`console.log(JSON.stringify(lead(file('${path}'))));`, { folder }).ended;
    const { lines, lost } = JSON.parse(next.stdout) as { lines: number; lost: number };
    // What the pipe took is with its reader, or would be.
    expect([lost, lines > 5_000, lines + lost <= 60_000]).toEqual([dropped, true, true]);
    const { numbers } = sorted(readFileSync(path, 'utf8'));
    expect(numbers).toHaveLength(lines);
    expect(numbers).toEqual([...new Set(numbers)].sort((one, other) => one - other));
    expect(segmentFiles(folder)).toEqual([]);
  });

  it('has every line in its file all the same, and says on stderr what stdout missed', async () => {
    const child = logging(`lead(descriptor(1), file('${path}')); ${FLOOD} tell(JSON.stringify(native.logState()));`, {
      folder,
      unread: true,
    });
    const ended = await child.ended;
    expect(ended.code).toBe(0);
    const [state, said] = ended.stderr.trim().split('\n') as [string, string];
    expect(JSON.parse(state).dropped).toBe(0);
    expect(said).toMatch(
      /^kymo: log sink fd:1 did not take all lines in time: \d+ lines of its backlog are lost; \d+ were dropped before$/,
    );
    const { numbers, own } = sorted(readFileSync(path, 'utf8'));
    expect(numbers).toEqual(upTo(60_000));
    expect(own).toEqual([]);
  });

  it('goes on with stdout once it is read, and says in the log what is missing there', async () => {
    const child = logging(
      `const stdout = descriptor(1);
      lead(stdout, file('${path}')); ${FLOOD}
      tell('full');
      while (native.logSinkState(stdout).queuedBytes > 0) await new Promise((later) => setTimeout(later, 5));
      log(60_000);
      await native.logFlush(60_000);`,
      { folder, unread: true },
    );
    await child.saysOnStderr('full\n');
    child.read();
    const ended = await child.ended;
    expect(ended).toMatchObject({ code: 0, stderr: 'full\n' });
    const { numbers, own } = sorted(ended.stdout);
    expect(numbers.at(-1)).toBe(60_000);
    const dropped = own.reduce((sum, line) => sum + (line.dropped as number), 0);
    expect(own[0]).toMatchObject({ level: 'warn', msg: 'log lines dropped', reason: 'stalled' });
    expect(numbers.length + dropped).toBe(60_001);
    expect(sorted(readFileSync(path, 'utf8')).numbers).toEqual(upTo(60_001));
  });
});
