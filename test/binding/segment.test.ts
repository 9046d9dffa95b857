// This thread's views over its segments: places that stay where they are while memory grows, and memory that nobody can reach.
import { execFileSync } from 'node:child_process';
import { inspect } from 'node:util';
import { serialize } from 'node:v8';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../src/binding/load.js';
import { attach, cellOf, cellsAt, EPOCH, epochWords, placeOf } from '../../src/binding/segment.js';
import * as kymo from '../../src/index.js';
import { MetricsRegistry } from '../../src/index.js';
import { inChild, MEMORIES } from '../metrics/thread-script.js';
import { memoryFolder, removeFolder } from '../recorder/processes.js';

let folder: string;
beforeAll(() => {
  folder = memoryFolder();
});
afterAll(() => removeFolder(folder));

describe('a place', () => {
  it('leads to the cell that native reads', () => {
    attach();
    const registry = new MetricsRegistry();
    registry.counter({ name: 'c', help: 'c', labelNames: ['k'] });
    const location = native.registerSeries(native.findMetric(registry.id, 'c'), 'x');
    const place = placeOf(location);
    expect(location - Math.floor(location / 2 ** 32) * 2 ** 32).toBe(cellOf(place));
    const cells = cellsAt(place);
    cells[cellOf(place)] = 42.5;
    expect(registry.snapshot().counters).toEqual({ 'c{k="x"}': 42.5 });
    expect(placeOf(location)).toBe(place);
    expect(cellsAt(placeOf(location))).toBe(cells);
  });

  it('is had once per thread, with the words that tell of removals', () => {
    const words = epochWords();
    attach();
    expect(epochWords()).toBe(words);
    expect(Number.isInteger(words[EPOCH])).toBe(true);
  });
});

describe.each(MEMORIES)('growing memory %s', (memory) => {
  it('moves nothing that JavaScript holds: handles from before write the same series', async () => {
    const told = await inChild<{ wrong: number; shown: number; held: number[] }>(
      memory,
      folder,
      `const { counter, histogram } = declare();
       const early = Array.from({ length: 100 }, (_, n) => counter.labels('early' + n));
       for (const handle of early) handle.inc();
       const shape = histogram.labels('early');
       for (let n = 0; n < 30_000; n++) counter.inc({ k: 'late' + n }, n);
       for (const handle of early) handle.inc();
       shape.observe(1.5);
       let wrong = 0;
       const seen = samples();
       for (let n = 0; n < 30_000; n++) if (seen['c{k="late' + n + '"}'] !== n) wrong++;
       for (let n = 0; n < 100; n++) if (seen['c{k="early' + n + '"}'] !== 2) wrong++;
       say({ wrong, shown: Object.keys(seen).length, held: [seen['h_count{k="early"}'], seen['h_sum{k="early"}']] });`,
    );
    expect(told).toEqual({ wrong: 0, shown: 30_100 + 5, held: [1, 1.5] });
  });
});

describe('[M2] memory', () => {
  it('is neither printed, serialised nor reachable through what an application holds', () => {
    const registry = new MetricsRegistry();
    const metrics = [
      registry.counter({ name: 'c', help: 'c', labelNames: ['k'] }),
      registry.gauge({ name: 'g', help: 'g', labelNames: ['k'] }),
      registry.histogram({ name: 'h', help: 'h', labelNames: ['k'] }),
    ];
    const held = [registry, ...metrics, ...metrics.map((metric) => metric.labels('x'))];
    for (const one of held) {
      expect(JSON.stringify(one).length).toBeLessThan(300);
      expect(inspect(one, { showHidden: true, depth: 10 }).length).toBeLessThan(3000);
      expect(inspect(one, { showHidden: true, depth: 10 })).not.toMatch(/Float64Array|Int32Array|ArrayBuffer/);
    }
    for (const bound of held.slice(4)) expect(serialize(bound).byteLength).toBeLessThan(300);
  });

  it('has no name among the exports', () => {
    // These buffer recordings, spans and traces, not memory.
    const names = Object.keys(kymo).filter((name) => !['BufferedMetricRecorder', 'SpanBuffer', 'TRACE_RING_BUFFER'].includes(name));
    expect(names.filter((name) => /segment|native|place|cell|buffer|view/i.test(name))).toEqual([]);
  });

  it('outlives what holds it: collecting all handles while native reads leaves the values', () => {
    const script = `
      const { MetricsRegistry } = await import('${new URL('../../dist/index.js', import.meta.url).href}');
      const registry = new MetricsRegistry();
      (() => { const c = registry.counter({ name: 'c', help: 'c', labelNames: ['k'] }); for (let n = 0; n < 1000; n++) c.labels(n).inc(n); })();
      for (let n = 0; n < 5; n++) { gc(); await new Promise(setImmediate); }
      const values = Object.values(registry.snapshot().counters);
      console.log(values.length, values.reduce((a, b) => a + b, 0));`;
    expect(execFileSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', script], { encoding: 'utf8' })).toBe(
      '1000 499500\n',
    );
  });
});
