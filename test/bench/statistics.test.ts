// The arithmetic behind every figure that the benches print.
import { describe, expect, it } from 'vitest';
import { median, percentile, quantile, roundRatios, spread } from '../../bench/runner/statistics.js';

describe('quantile', () => {
  it('interpolates between neighbours, whatever the order of the values', () => {
    expect(quantile([4, 1, 3, 2], 0.25)).toBe(1.75);
    expect(quantile([10], 0.9)).toBe(10);
    expect(quantile([1, 2], 0)).toBe(1);
    expect(quantile([1, 2], 1)).toBe(2);
  });

  it('sorts by number, not by text, and leaves its input alone', () => {
    const values = [100, 9, 20];
    expect(median(values)).toBe(20);
    expect(values).toEqual([100, 9, 20]);
  });

  it('invents no number for no values', () => {
    expect(() => quantile([], 0.5)).toThrow(RangeError);
    expect(() => percentile([], 0.5)).toThrow(RangeError);
  });
});

describe('median', () => {
  it('is not moved by one disturbed round', () => {
    expect(median([3, 3.1, 2.9, 3, 400])).toBe(3);
  });
});

describe('percentile', () => {
  it('is an observed latency, by nearest rank', () => {
    const values = Array.from({ length: 100 }, (_, k) => k + 1);
    expect(percentile(values, 0.99)).toBe(99);
    expect(percentile(values, 1)).toBe(100);
    expect(percentile([5, 7], 0.5)).toBe(5);
    expect(percentile([5], 0.01)).toBe(5);
  });
});

describe('ratios of rounds', () => {
  it('cancel what slows both sides of a round', () => {
    expect(spread(roundRatios([2, 20, 2], [1, 10, 1]))).toEqual({ middle: 2, low: 2, high: 2 });
  });

  it('need both sides of every round', () => {
    expect(() => roundRatios([1, 2], [1])).toThrow('2 rounds against 1');
  });
});
