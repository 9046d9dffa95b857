// What counts as having reached a goal.
import { describe, expect, it } from 'vitest';
import { describeGoal, type Goal, goalMet } from '../../bench/runner/goals.js';
import { summarize } from '../../bench/runner/measure.js';

const row = (goal: Goal | undefined, ours: readonly number[], peer: readonly number[], custom = false) =>
  summarize({ name: 'row', unit: 'ns', ...(goal && { goal }) }, 'ours', 'peer', ours, peer, { custom, smoke: false });

describe('a goal', () => {
  it('of at most so many times the peer holds up to the limit and not beyond', () => {
    const goal: Goal = { kind: 'at-most', limit: 1.5 };
    expect(row(goal, [3, 3, 3], [2, 2, 2])).toMatchObject({ ratio: 1.5, speedUp: false, met: true });
    expect(row(goal, [3.01, 3.01, 3.01], [2, 2, 2]).met).toBe(false);
  });

  it('of so many times faster turns the ratio round', () => {
    const goal: Goal = { kind: 'times-faster', factor: 60 };
    expect(row(goal, [3, 3, 3], [180, 180, 180])).toMatchObject({ ratio: 60, speedUp: true, met: true });
    expect(row(goal, [3, 3, 3], [179, 179, 179]).met).toBe(false);
  });

  it('below a value needs no peer and excludes the value itself', () => {
    const goal: Goal = { kind: 'below', limit: 1 };
    expect(row(goal, [0.9], [])).toMatchObject({ peer: null, ratio: null, met: true });
    expect(row(goal, [1], []).met).toBe(false);
  });

  it('of being the same holds while the rounds of both overlap', () => {
    const goal: Goal = { kind: 'same' };
    expect(row(goal, [10, 11, 12], [9, 10.5, 11.5]).met).toBe(true);
    expect(row(goal, [5, 6, 7], [9, 10, 11]).met).toBe(true);
    expect(row(goal, [20, 21, 22], [9, 10, 11]).met).toBe(false);
  });

  it('is not asked of sizes that a user chose', () => {
    expect(row({ kind: 'at-most', limit: 1 }, [9], [1], true)).toMatchObject({ ratio: 9, goal: null, met: null });
  });

  it('is missed where a ratio cannot be formed', () => {
    expect(goalMet({ kind: 'at-most', limit: 2 }, null, [1], [])).toBe(false);
  });

  it('is shown with its unit', () => {
    expect(describeGoal({ kind: 'below', limit: 1 }, 'ms')).toBe('< 1 ms');
    expect(describeGoal({ kind: 'at-most', limit: 0.25 }, 'B')).toBe('<= 0.25x');
    expect(describeGoal(undefined, 'ns')).toBeNull();
  });
});

describe('a side that costs nothing', () => {
  it('leaves no ratio instead of an infinite one', () => {
    expect(row({ kind: 'below', limit: 1 }, [0], [40])).toMatchObject({ ours: 0, ratio: 0, met: true });
    expect(row(undefined, [0], [40])).toMatchObject({ ratio: null, met: null });
  });
});
