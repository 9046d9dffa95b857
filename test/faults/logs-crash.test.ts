// Processes that end right after they wrote lines, in every way: what was written is in the log once and in order, at the latest after
// the next start.
import { readFileSync, rmSync } from 'node:fs';
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

const ENDS: [string, string, string, Record<string, string>][] = [
  ['SIGKILL', 'unclean', "process.kill(process.pid, 'SIGKILL');", {}],
  ['an abort', 'unclean', 'process.abort();', {}],
  [
    'an exhausted heap',
    'unclean',
    'const all = []; for (;;) all.push({ all: [all.length] });',
    { NODE_OPTIONS: '--max-old-space-size=32' },
  ],
  ['an uncaught exception', 'uncaught', "throw new Error('on purpose');", {}],
  ['process.exit()', 'clean', 'process.exit(3);', {}],
];

describe('5,000 lines in one tick, and then', () => {
  it.each(ENDS)('%s: they are in the file, once and in order', async (_, endedBy, end, env) => {
    const first = logging(`lead(file('${path}')); burst(5_000); ${end}`, { folder, env });
    await first.ended;
    const next = await logging(`const found = lead(file('${path}')); console.log(JSON.stringify(found)); log(5_000);`, { folder }).ended;
    expect(next).toMatchObject({ code: 0, stderr: '' });
    const { own, numbers } = sorted(readFileSync(path, 'utf8'));
    expect(numbers).toEqual(upTo(5_001));
    const found = JSON.parse(next.stdout) as { runs: number; lines: number; lost: number };
    expect(found.lost).toBe(0);
    // What the collector had written before the end needs no recovery.
    const { lines, lost } = found;
    const says = {
      msg: `recovered ${lines} log lines of process ${first.pid}`,
      recovered: lines,
      lost,
      pid: first.pid,
      ended_by: endedBy,
    };
    expect(own).toEqual(lines === 0 ? [] : [expect.objectContaining(says)]);
    expect(segmentFiles(folder)).toEqual([]);
  });

  it.each(ENDS)('%s: they are on stdout, once and in order, those of the next start before its own', async (_, _endedBy, end, env) => {
    const first = await logging(`lead(descriptor(1)); burst(5_000); ${end}`, { folder, env }).ended;
    const next = await logging('lead(descriptor(1)); log(5_000);', { folder }).ended;
    expect(next.code).toBe(0);
    // V8's last words about its heap are there too.
    const lines = `${first.stdout}${next.stdout}`.split('\n').filter((line) => line.startsWith('{'));
    expect(sorted(`${lines.join('\n')}\n`).numbers).toEqual(upTo(5_001));
  });
});

describe('a flush', () => {
  it.each(['await native.logFlush(60_000)', 'native.logFlushSync(60_000)'])(
    '%s: everything written before is in the file when it says so',
    async (flush) => {
      await logging(
        `lead(file('${path}', { fsync: 'flush' })); burst(5_000); if (!(${flush})) throw new Error('late'); process.kill(process.pid, 'SIGKILL');`,
        {
          folder,
        },
      ).ended;
      expect(sorted(readFileSync(path, 'utf8')).numbers).toEqual(upTo(5_000));
    },
  );
});

describe('lines that no sink took before the end', () => {
  it.each(ENDS)(
    'are kept after %s, and the next start writes them all, says how many, and removes the memory',
    async (_, endedBy, end, env) => {
      const first = logging(`lead(nowhere('${path}.sock')); burst(5_000); ${end}`, { folder, env });
      const ended = await first.ended;
      if (endedBy === 'clean')
        expect(ended.stderr).toMatch(/kymo: log sink nowhere did not take all lines in time: 5000 lines are written by the next start\n$/);
      expect(segmentFiles(folder)).toHaveLength(endedBy === 'clean' ? 2 : segmentFiles(folder).length);
      const next = await logging(`console.log(JSON.stringify(lead(file('${path}')))); log(5_000);`, { folder }).ended;
      expect(JSON.parse(next.stdout)).toEqual({ runs: 1, lines: 5_000, lost: 0 });
      const { own, numbers } = sorted(readFileSync(path, 'utf8'));
      expect(numbers).toEqual(upTo(5_001));
      expect(own).toEqual([
        expect.objectContaining({
          msg: `recovered 5000 log lines of process ${first.pid}`,
          recovered: 5_000,
          lost: 0,
          ended_by: endedBy,
        }),
      ]);
      expect(segmentFiles(folder)).toEqual([]);
    },
  );

  it('of several dead processes come in the order of their starts, once, however many start at once', async () => {
    for (let run = 0; run < 3; run++) {
      await logging(
        `native.logRouteSet(route, [{ minLevel: 10, format, sink: nowhere('${path}.sock') }]);
        for (let n = 0; n < 100; n++) log(${100 * run} + n);
        process.kill(process.pid, 'SIGKILL');`,
        { folder },
      ).ended;
    }
    const starts = [0, 1, 2].map(() => logging(`lead(file('${path}'));`, { folder }).ended);
    for (const { code } of await Promise.all(starts)) expect(code).toBe(0);
    const { own, numbers } = sorted(readFileSync(path, 'utf8'));
    expect([...numbers].sort((one, other) => one - other)).toEqual(upTo(300));
    expect(own).toHaveLength(3);
    for (let run = 0; run < 3; run++) {
      const ofRun = numbers.filter((n) => Math.floor(n / 100) === run);
      expect(ofRun).toEqual(upTo(100).map((n) => 100 * run + n));
    }
    expect(segmentFiles(folder)).toEqual([]);
  });
});

describe('a process killed again and again in a burst, with a file and stdout', () => {
  it('has every line that was accepted in the file exactly once, each run in order', async () => {
    const told: number[] = [];
    for (let round = 0; round < 10; round++) {
      const child = logging(
        `lead(file('${path}'), descriptor(1));
        for (let n = 0; ; n++) {
          if (!write('line', { round: ${round}, n, text: 'x'.repeat(n % 150) })) throw new Error('dropped');
          if (n % 500 === 0) { tell(String(n)); await new Promise(setImmediate); }
        }`,
        { folder },
      );
      let said = '';
      await child.saysOnStderr(`\n${500 * (3 + ((round * 7) % 11))}\n`);
      await new Promise((later) => setTimeout(later, (round * 13) % 10));
      const { signal, stderr } = await child.kill();
      expect(signal).toBe('SIGKILL');
      said = stderr.trim().split('\n').at(-1) as string;
      told.push(Number(said));
    }
    await logging(`lead(file('${path}'), descriptor(1));`, { folder }).ended;
    const lines = readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { round?: number; n: number });
    for (let round = 0; round < 10; round++) {
      const numbers = lines.filter((line) => line.round === round).map(({ n }) => n);
      const wrong = numbers.findIndex((n, at) => n !== at);
      expect([round, wrong, numbers[wrong]]).toEqual([round, -1, undefined]);
      expect(numbers.length).toBeGreaterThan(told[round] as number);
    }
    rmSync(path);
  }, 120_000);
});
