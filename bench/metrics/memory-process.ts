// Program: makes series of one metric in one library and says how much resident memory each of them takes. One answer per process,
// since memory that was used once is not given back.
import { expectCount, exposedSum } from '../runner/exposed.js';
import { loadPromClient, promRegistry } from '../runner/peers.js';
import { answer } from '../runner/program.js';
import { labelNames, manyLabels, ourRegistry } from './subjects.js';

/** What to make. */
export interface Making {
  readonly library: 'kymo' | 'prom-client';
  readonly kind: 'counter' | 'histogram';
  readonly series: number;
  readonly buckets: readonly number[];
}

interface Maker {
  /** Makes the series number `k` and writes it once. */
  make(k: number): void;
  text(): Promise<string>;
}

const NAME = 'bench_series';
const HELP = 'Many series';

function ours({ kind, buckets }: Making): Maker {
  const registry = ourRegistry();
  const text = (): Promise<string> => registry.metrics();
  if (kind === 'counter') {
    const counter = registry.counter({ name: NAME, help: HELP, labelNames: labelNames(3) });
    return { make: (k) => counter.inc(manyLabels(k)), text };
  }
  const histogram = registry.histogram({ name: NAME, help: HELP, labelNames: labelNames(3), buckets: [...buckets] });
  return { make: (k) => histogram.observe(manyLabels(k), 0.3), text };
}

function theirs({ kind, buckets }: Making): Maker {
  const client = loadPromClient();
  const registry = promRegistry(client);
  const options = { name: NAME, help: HELP, labelNames: labelNames(3), registers: [registry] };
  const text = (): Promise<string> => registry.metrics();
  if (kind === 'counter') {
    const counter = new client.Counter(options);
    return { make: (k) => counter.inc(manyLabels(k)), text };
  }
  const histogram = new client.Histogram({ ...options, buckets: [...buckets] });
  return { make: (k) => histogram.observe(manyLabels(k), 0.3), text };
}

/** Resident bytes once the collector has nothing left to do. */
async function settledBytes(): Promise<number> {
  for (let pass = 0; pass < 4; pass++) {
    globalThis.gc?.();
    await new Promise((done) => setTimeout(done, 50));
  }
  return process.memoryUsage.rss();
}

answer({
  /** Resident bytes per series. */
  async bytesPerSeries(making: Making): Promise<number> {
    const { make, text } = making.library === 'kymo' ? ours(making) : theirs(making);
    // The first ones also pay for code, metric and first segment.
    const first = Math.ceil(making.series / 100);
    for (let k = 0; k < first; k++) make(k);
    const before = await settledBytes();
    for (let k = first; k < first + making.series; k++) make(k);
    const bytes = (await settledBytes()) - before;
    const sample = making.kind === 'counter' ? NAME : `${NAME}_count`;
    expectCount(`${making.library} ${making.kind} series`, exposedSum(await text(), sample), first + making.series);
    return bytes / making.series;
  },
});
