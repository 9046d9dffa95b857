// How the demo writes numbers.
import { describe, expect, it } from 'vitest';
import { count, counted, share, time } from '../../src/demo/figures.js';

describe('figures', () => {
  it('mark thousands and agree with their noun', () => {
    expect([count(0), count(1_234.4), counted(1, 'time'), counted(1_234, 'time')]).toEqual(['0', '1,234', '1 time', '1,234 times']);
  });

  it.each([
    [0.000_38, '0.38 ms'],
    [0.000_996, '1.0 ms'],
    [0.001_25, '1.3 ms'],
    [0.009_96, '10 ms'],
    [0.041_2, '41 ms'],
    [0.999_6, '1.0 s'],
    [2.04, '2.0 s'],
    [Number.NaN, '-'],
  ])('write %d seconds as %s', (seconds, text) => {
    expect(time(seconds)).toBe(text);
  });

  it('never round a few to none, nor all but a few to all', () => {
    const shown = [share(0, 0), share(0, 10), share(1, 100_000), share(1, 8), share(99_999, 100_000), share(5, 5)];
    expect(shown).toEqual(['0 %', '0 %', '<0.1 %', '12.5 %', '>99.9 %', '100 %']);
  });
});
