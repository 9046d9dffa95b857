// What `--check` calls worse than the last record, and what it puts down to noise.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Goal } from '../../bench/runner/goals.js';
import type { Machine } from '../../bench/runner/machine.js';
import { type Result, summarize } from '../../bench/runner/measure.js';
import { readRecord, worseThan, writeRecord } from '../../bench/runner/record.js';

const result = (name: string, ours: readonly number[], peer: readonly number[], goal: Goal): Result =>
  summarize({ name, unit: 'ns', goal }, 'ours', 'peer', ours, peer, { custom: false, smoke: false });

const FASTER: Goal = { kind: 'times-faster', factor: 10 };
const AT_MOST: Goal = { kind: 'at-most', limit: 10 };

describe('a row', () => {
  it('is worse when its speed-up shrank beyond the scatter of both runs', () => {
    const then = [result('inc', [3, 3.1, 2.9], [300, 300, 300], FASTER)];
    const now = [result('inc', [6, 6.1, 5.9], [300, 300, 300], FASTER)];
    expect(worseThan(then, now, true)).toEqual([expect.stringMatching(/^inc: ratio 50\.0 .*, was 100 /)]);
    expect(worseThan(now, then, true)).toEqual([]);
  });

  it('is worse when its cost over the peer grew beyond the scatter of both runs', () => {
    const then = [result('copy', [3, 3, 3], [1, 1, 1], AT_MOST)];
    const now = [result('copy', [4, 4, 4], [1, 1, 1], AT_MOST)];
    expect(worseThan(then, now, true)).toHaveLength(1);
    expect(worseThan(now, then, true)).toEqual([]);
  });

  it('is not worse on a machine half as fast', () => {
    const then = [result('inc', [3, 3, 3], [300, 300, 300], FASTER)];
    const now = [result('inc', [6, 6, 6], [600, 600, 600], FASTER)];
    expect(worseThan(then, now, true)).toEqual([]);
  });

  it('is not worse while its rounds overlap with the recorded ones', () => {
    const then = [result('render', [1, 2, 3], [100, 100, 100], FASTER)];
    const now = [result('render', [2, 3, 4], [100, 100, 100], FASTER)];
    expect(worseThan(then, now, true)).toEqual([]);
  });

  it('that cost nothing is worse as soon as it costs anything', () => {
    const goal: Goal = { kind: 'below', limit: 1 };
    const then = [result('bytes', [0], [40], goal)];
    expect(worseThan(then, [result('bytes', [1], [40], goal)], true)).toEqual(['bytes: 1 ns, was 0']);
    expect(worseThan(then, [result('bytes', [0], [40], goal)], true)).toEqual([]);
  });

  it('that is gone is named in a whole run only', () => {
    const then = [result('inc', [3], [300], FASTER)];
    expect(worseThan(then, [], true)).toEqual(['inc: no longer measured']);
    expect(worseThan(then, [], false)).toEqual([]);
  });
});

describe('a record', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kymo-record-'));
  const path = join(folder, 'record.json');
  const machine = { cpu: 'test', cores: 2 } as Machine;
  afterAll(() => rmSync(folder, { recursive: true }));

  it('keeps rows that were not measured again, and every round of each', () => {
    const kept = result('kept', [1], [10], FASTER);
    writeRecord(path, machine, [kept, result('again', [1], [10], FASTER)], undefined);
    writeRecord(path, machine, [result('again', [2, 3], [30, 30], FASTER)], readRecord(path));
    const { rows } = readRecord(path);
    expect(rows.map(({ name }) => name)).toEqual(['kept', 'again']);
    expect(rows[0]).toEqual(kept);
    expect(rows[1]?.rounds).toEqual({ ours: [2, 3], peer: [30, 30] });
    expect(readFileSync(path, 'utf8').endsWith('\n')).toBe(true);
  });

  it('that is missing is asked for', () => {
    expect(() => readRecord(join(folder, 'none.json'))).toThrow('write one with --record');
  });
});
