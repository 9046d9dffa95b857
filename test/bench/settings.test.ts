// A user's own sizes: what `--config` accepts, and how it refuses the rest.
import { describe, expect, it } from 'vitest';
import { FIGURES, parseConfig, readConfig, smokeSettings, UsageError } from '../../bench/runner/settings.js';

const parse = (config: unknown) => parseConfig(JSON.stringify(config), 'my.json');

describe('a configuration', () => {
  it('replaces what it names and keeps the rest', () => {
    const settings = parse({ buckets: [1, 2, 4], labels: 5 });
    expect(settings).toEqual({ ...FIGURES, buckets: [1, 2, 4], labels: 5, custom: true });
  });

  it('sets the series of every row that has many', () => {
    expect(parse({ series: 250 })).toMatchObject({ series: 250, blockedSeries: 250, renderSeries: [250] });
  });

  it.each([
    [{ bucket: [1] }, 'my.json: there is no "bucket"; known are buckets, '],
    [{ constructor: 1 }, 'there is no "constructor"'],
    [{ buckets: [2, 1] }, 'buckets is [2,1], expected 1 to 512 finite numbers in ascending order'],
    [{ buckets: [1, 1] }, 'ascending'],
    [{ buckets: [] }, '1 to 512'],
    [{ buckets: ['1'] }, 'finite numbers'],
    [{ series: 0 }, 'series is 0, expected a whole number from 1 to 1000000'],
    [{ series: 1.5 }, 'whole number'],
    [{ labels: 17 }, 'labels is 17, expected a whole number from 1 to 16'],
    [{ ringBytes: 5000 }, 'ringBytes is 5000, expected a power of two from 4096 to 1073741824'],
    [{ handles: '16' }, 'handles is "16"'],
    [[1], 'must hold a JSON object'],
    [null, 'must hold a JSON object'],
  ])('%j is refused with what is expected', (config, message) => {
    expect(() => parse(config)).toThrow(UsageError);
    expect(() => parse(config)).toThrow(message);
  });

  it('accepts the ends of a range', () => {
    expect(parse({ series: 1_000_000, labels: 1 })).toMatchObject({ series: 1_000_000, labels: 1 });
  });

  it('that is no JSON, or no file, is refused by name', () => {
    expect(() => parseConfig('{', 'my.json')).toThrow(/^my\.json is not JSON: /);
    expect(() => readConfig('/nowhere/my.json')).toThrow(/--config: .*\/nowhere\/my\.json/);
  });
});

describe('a smoke run', () => {
  it('never grows what a user chose small', () => {
    expect(smokeSettings(parse({ series: 7 }))).toMatchObject({ series: 7, blockedSeries: 7, renderSeries: [7] });
  });

  it('renders one size once', () => {
    expect(smokeSettings(FIGURES).renderSeries).toEqual([1_000]);
  });
});
