// Thresholds and randomness of `ot=th:..;rv:..`.
import { describe, expect, it } from 'vitest';
import { keeps, otStateOf, probabilityOf, randomnessOf, thresholdOf, thresholdText, withThreshold } from '../../src/context/probability.js';

/** The table of the OpenTelemetry specification: one trace in N, and for 3, 4 and 5 digits the threshold and the actual probability. */
const TABLE: readonly [number, [string, string, string], [number, number, number]][] = [
  [1, ['0', '0', '0'], [1, 1, 1]],
  [2, ['8', '8', '8'], [0.5, 0.5, 0.5]],
  [3, ['aab', 'aaab', 'aaaab'], [0.333251953125, 0.3333282470703125, 0.33333301544189453]],
  [4, ['c', 'c', 'c'], [0.25, 0.25, 0.25]],
  [5, ['ccd', 'cccd', 'ccccd'], [0.199951171875, 0.1999969482421875, 0.19999980926513672]],
  [8, ['e', 'e', 'e'], [0.125, 0.125, 0.125]],
  [10, ['e66', 'e666', 'e6666'], [0.10009765625, 0.100006103515625, 0.10000038146972656]],
  [16, ['f', 'f', 'f'], [0.0625, 0.0625, 0.0625]],
  [100, ['fd71', 'fd70a', 'fd70a4'], [0.0099945068359375, 0.010000228881835938, 0.009999990463256836]],
  [1_000, ['ffbe7', 'ffbe77', 'ffbe76d'], [0.0010004043579101562, 0.0009999871253967285, 0.000999998301267624]],
  [10_000, ['fff972', 'fff9724', 'fff97247'], [0.00010001659393310547, 0.00010000169277191162, 0.00010000006295740604]],
  [100_000, ['ffff584', 'ffff583a', 'ffff583a5'], [9.998679161071777e-6, 1.00000761449337e-5, 1.0000003385357559e-5]],
  [1_000_000, ['ffffef4', 'ffffef39', 'ffffef391'], [9.98377799987793e-7, 1.00000761449337e-6, 9.999930625781417e-7]],
];

describe('a sampling threshold', () => {
  it.each(TABLE)('of one trace in %d is as the specification tabulates it, with 3, 4 and 5 digits', (n, texts, probabilities) => {
    for (const [index, precision] of [3, 4, 5].entries()) {
      const threshold = thresholdOf(1 / n, precision) ?? { high: -1, low: -1 };
      expect(thresholdText(threshold)).toBe(texts[index]);
      expect(probabilityOf(threshold)).toBeCloseTo(probabilities[index] as number, 16);
    }
  });

  it('exists down to a probability of 2^-56', () => {
    expect(thresholdOf(0)).toBeUndefined();
    expect(thresholdOf(-1)).toBeUndefined();
    expect(thresholdOf(Number.NaN)).toBeUndefined();
    expect(thresholdOf(2 ** -57)).toBeUndefined();
    expect(thresholdText(thresholdOf(2 ** -56) ?? { high: 0, low: 0 })).toMatch(/^f{12,14}$/);
    for (let bits = 1; bits <= 48; bits++) expect(probabilityOf(thresholdOf(2 ** -bits) ?? { high: 0, low: 0 })).toBe(2 ** -bits);
    expect(thresholdText(thresholdOf(0.999_999_9) ?? { high: 1, low: 1 })).toBe('0');
  });

  it('keeps what is at or above it, over all 56 bits', () => {
    const threshold = { high: 0x800000, low: 5 };
    expect([4, 5, 6].map((low) => keeps({ high: 0x800000, low }, threshold))).toEqual([false, true, true]);
    expect(keeps({ high: 0x7fffff, low: 0xffff_ffff }, threshold)).toBe(false);
    expect(keeps({ high: 0x800001, low: 0 }, threshold)).toBe(true);
    expect(randomnessOf({ t0: 0, t1: 0, t2: 0x12ab_cdef, t3: -1 })).toEqual({ high: 0xab_cdef, low: 0xffff_ffff });
  });
});

describe('the member ot of tracestate', () => {
  it('is read with its threshold, its randomness and other fields', () => {
    const ot = otStateOf('a=1,ot=k1:v.-_;th:c;rv:0123456789abcd;k2:,z=2');
    expect(ot.threshold).toEqual({ high: 0xc0_0000, low: 0 });
    expect(ot.randomness).toEqual({ high: 0x01_2345, low: 0x6789_abcd });
    expect(ot.others).toEqual(['k1:v.-_', 'rv:0123456789abcd', 'k2:']);
  });

  it.each([
    '',
    'a=1',
    'not=th:8',
    'ot=th:',
    'ot=th:C',
    'ot=th:0123456789abcde',
    'ot=th',
    'ot=rv:0123456789abc',
    'ot=rv:0123456789abcde',
    'ot=rv:0123456789ABCD',
    `ot=th:8;${'k'.repeat(300)}`,
    'ot=th:8,INVALID=1',
  ])('says nothing where it is absent or invalid: %s', (traceState) => {
    const { threshold, randomness } = otStateOf(traceState);
    expect([threshold, randomness]).toEqual([undefined, undefined]);
  });

  it('gets another threshold at the left of the list, or none, and keeps the rest', () => {
    const change = (traceState: string, high?: number): string =>
      withThreshold(traceState, otStateOf(traceState), high === undefined ? undefined : { high, low: 0 });
    expect(change('a=1,ot=th:8;rv:0123456789abcd;k:v', 0xc0_0000)).toBe('ot=th:c;rv:0123456789abcd;k:v,a=1');
    expect(change('a=1,ot=th:8')).toBe('a=1');
    expect(change('a=1,ot=rv:0123456789abcd')).toBe('a=1,ot=rv:0123456789abcd');
    expect(change('a=1', 0)).toBe('ot=th:0,a=1');
    expect(change('', 0xfd_70a4)).toBe('ot=th:fd70a4');
    // No room for the threshold: the others stay.
    const long = `k:${'v'.repeat(250)}`;
    expect(change(`ot=${long}`, 0xfd_70a4)).toBe(`ot=${long}`);
  });
});
