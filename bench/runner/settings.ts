// Sizes of the benches: those of the published figures, a user's own from `--config FILE`, or tiny ones for `--smoke`.
import { readFileSync } from 'node:fs';

/** What a user may set, with the values that the published figures are measured with. */
export interface Settings {
  /** Upper bounds of histograms. */
  readonly buckets: readonly number[];
  /** Number of dynamic labels of the labelled counter. */
  readonly labels: number;
  /** Bound handles that take turns. */
  readonly handles: number;
  /** Numbers of series of the render rows. */
  readonly renderSeries: readonly number[];
  /** Series of the memory, loop-delay and `/live` rows. */
  readonly series: number;
  /** Series that are scraped while the loop is blocked. */
  readonly blockedSeries: number;
  /** Distinct label values thrown at one metric. */
  readonly distinctValues: number;
  /** Worker threads on one counter. */
  readonly threads: number;
  /** Scrapes a second of the loop-delay rows. */
  readonly scrapesPerSecond: number;
  /** How long the loop is blocked in one sample. */
  readonly blockSeconds: number;
  /** Length of one sample of the other rows under load. */
  readonly loadSeconds: number;
  /** Size of the ring. */
  readonly ringBytes: number;
  /** Rounds that count. */
  readonly rounds: number;
  /** Length of one timed sample; a run of `benchmark` takes about this long. */
  readonly sampleSeconds: number;
  /** True when only the answers count and no figure does. */
  readonly smoke: boolean;
  /** True when the figures are a user's: the goals do not apply to them. */
  readonly custom: boolean;
}

/** The sizes behind the published figures. */
export const FIGURES: Settings = {
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  labels: 3,
  handles: 16,
  renderSeries: [1_000, 10_000, 100_000],
  series: 100_000,
  blockedSeries: 1_000,
  distinctValues: 10_000_000,
  threads: 4,
  scrapesPerSecond: 10,
  blockSeconds: 5,
  loadSeconds: 4,
  ringBytes: 4 << 20,
  rounds: 7,
  sampleSeconds: 0.2,
  smoke: false,
  custom: false,
};

/** A mistake of the user: shown as one line, without a stack. */
export class UsageError extends Error {}

type Check = (value: unknown) => Partial<Settings> | string;

function whole(key: keyof Settings, low: number, high: number): Check {
  return (value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high
      ? { [key]: value }
      : `a whole number from ${low} to ${high}`;
}

/** Every key of a configuration file, with its check: the settings it sets, or what it should have been. */
const KEYS: Readonly<Record<string, Check>> = {
  buckets: (value) => {
    const ascending = Array.isArray(value) && value.every((bound, k) => Number.isFinite(bound) && (k === 0 || bound > value[k - 1]));
    return ascending && value.length >= 1 && value.length <= 512 ? { buckets: value } : '1 to 512 finite numbers in ascending order';
  },
  labels: whole('labels', 1, 16),
  handles: whole('handles', 1, 4096),
  series: (value) => {
    const settings = whole('series', 1, 1_000_000)(value);
    return typeof settings === 'string'
      ? settings
      : { series: value as number, blockedSeries: value as number, renderSeries: [value as number] };
  },
  distinctValues: whole('distinctValues', 1, 100_000_000),
  threads: whole('threads', 1, 64),
  scrapesPerSecond: whole('scrapesPerSecond', 1, 1_000),
  blockSeconds: whole('blockSeconds', 1, 60),
  ringBytes: (value) => {
    const settings = whole('ringBytes', 4096, 2 ** 30)(value);
    return typeof settings !== 'string' && Number.isInteger(Math.log2(value as number))
      ? settings
      : 'a power of two from 4096 to 1073741824';
  },
  rounds: whole('rounds', 3, 99),
};

/**
 * Settings from the text of a configuration file.
 * @param source how messages call the file.
 * @throws UsageError names the key, the value and what is expected.
 */
export function parseConfig(text: string, source: string): Settings {
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${source} is not JSON: ${(error as Error).message}`);
  }
  if (typeof config !== 'object' || config === null || Array.isArray(config)) throw new UsageError(`${source} must hold a JSON object`);
  let settings: Settings = { ...FIGURES, custom: true };
  for (const [key, value] of Object.entries(config)) {
    const check = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined;
    if (check === undefined)
      throw new UsageError(`${source}: there is no ${JSON.stringify(key)}; known are ${Object.keys(KEYS).join(', ')}`);
    const checked = check(value);
    if (typeof checked === 'string') throw new UsageError(`${source}: ${key} is ${JSON.stringify(value)}, expected ${checked}`);
    settings = { ...settings, ...checked };
  }
  return settings;
}

/** {@link parseConfig} of a file. */
export function readConfig(path: string): Settings {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`--config: ${(error as Error).message}`);
  }
  return parseConfig(text, path);
}

/** The same rows, as small as they can be while their answers still mean something. */
export function smokeSettings(settings: Settings): Settings {
  return {
    ...settings,
    renderSeries: settings.renderSeries.map((series) => Math.min(series, 1_000)).filter((series, k, all) => all.indexOf(series) === k),
    series: Math.min(settings.series, 500),
    blockedSeries: Math.min(settings.blockedSeries, 100),
    distinctValues: Math.min(settings.distinctValues, 30_000),
    // Ten times the load: a slow machine must not end the block too early.
    blockSeconds: 2,
    loadSeconds: 0.2,
    rounds: 1,
    sampleSeconds: 0.001,
    smoke: true,
  };
}
