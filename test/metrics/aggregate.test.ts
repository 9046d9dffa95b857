// How the values of several threads become one value of a gauge: over those that are alive. Real workers in child processes.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MetricsRegistry } from '../../src/index.js';
import { memoryFolder, removeFolder } from '../recorder/processes.js';
import { dropsOf, scrape } from './scrape.js';
import { inChild, MEMORIES } from './thread-script.js';

let folder: string;
beforeAll(() => {
  folder = memoryFolder();
});
afterAll(() => removeFolder(folder));

const AGGREGATES = ['sum', 'min', 'max', 'avg'] as const;

describe.each(MEMORIES)('gauges of several threads with memory %s', (memory) => {
  it('show sum, least, greatest and mean of the threads that are alive, and of those that wrote the series', async () => {
    type Seen = Record<(typeof AGGREGATES)[number], number>;
    const seen = await inChild<Record<string, Seen & { own: Seen }>>(
      memory,
      folder,
      `const kinds = ${JSON.stringify(AGGREGATES)};
       const body = (value) => \`
         const kinds = ${JSON.stringify(AGGREGATES)};
         for (const aggregate of kinds) metrics.gauge({ name: aggregate, help: 'g', labelNames: ['k'], aggregate }).labels('x').set(\${value});
         for (const aggregate of kinds) metrics.gauge({ name: aggregate, help: 'g', labelNames: ['k'], aggregate }).set({ k: 'own-\${value}' }, \${value});
         return 1;\`;
       const see = (key) => Object.fromEntries(kinds.map((kind) => [kind, samples()[kind + '{k="' + key + '"}']]));
       const use = (value) => { for (const aggregate of kinds) metrics.gauge({ name: aggregate, help: 'g', labelNames: ['k'], aggregate }).set({ k: 'x' }, value); };
       use(4);
       const alone = see('x');
       const [one, two] = [start(), start()];
       await one.ask(body(-2));
       await two.ask(body(10));
       const three = see('x');
       const own = see('own--2');
       use(7);
       const moved = see('x');
       await two.end();
       const left = see('x');
       await one.end();
       say({ alone, three, own, moved, left, last: see('x') });`,
    );
    expect(seen.alone).toEqual({ sum: 4, min: 4, max: 4, avg: 4 });
    expect(seen.three).toEqual({ sum: 12, min: -2, max: 10, avg: 4 });
    expect(seen.own).toEqual({ sum: -2, min: -2, max: -2, avg: -2 });
    expect(seen.moved).toEqual({ sum: 15, min: -2, max: 10, avg: 5 });
    expect(seen.left).toEqual({ sum: 5, min: -2, max: 7, avg: 2.5 });
    expect(seen.last).toEqual({ sum: 7, min: 7, max: 7, avg: 7 });
  });

  it('are raised and lowered per thread without losing a step, whatever the order [L-067]', async () => {
    const shown = await inChild<number>(
      memory,
      folder,
      `const body = "const gauge = metrics.gauge({ name: 'g', help: 'g' }); for (let n = 0; n < 100_000; n++) { gauge.increment(2); gauge.decrement(); } return 1";
       const workers = [start(), start()];
       const all = Promise.all(workers.map(({ ask }) => ask(body)));
       const gauge = metrics.gauge({ name: 'g', help: 'g' });
       for (let n = 0; n < 100_000; n++) { gauge.increment(2); gauge.decrement(); }
       await all;
       const shown = gauge.value;
       await Promise.all(workers.map(({ end }) => end()));
       say(shown);`,
    );
    expect(shown).toBe(300_000);
  });
});

describe('a gauge of one thread', () => {
  it('shows the same value however threads would be added up, NaN, infinities and removal included', () => {
    const registry = new MetricsRegistry();
    const gauges = (['sum', 'last', 'min', 'max', 'avg'] as const).map((aggregate) =>
      registry.gauge({ name: aggregate, help: 'g', labelNames: ['k'], aggregate }),
    );
    for (const value of [3, -1, 0, Number.NaN, Infinity, -Infinity]) {
      for (const gauge of gauges) gauge.set({ k: 'a' }, value);
      expect(Object.values(scrape(registry))).toEqual(gauges.map(() => value));
    }
    for (const gauge of gauges) {
      const held = gauge.labels('a');
      gauge.remove('a');
      held.set(5);
      gauge.reset();
    }
    expect(Object.values(scrape(registry))).toEqual(gauges.map(() => 0));
    const drops = dropsOf(() => {
      for (const gauge of gauges) gauge.set({ k: 'a' }, '1' as never);
    });
    expect(drops).toEqual({ not_a_number: 5 });
  });

  it('is another metric when it adds threads up another way', () => {
    const registry = new MetricsRegistry();
    registry.gauge({ name: 'g', help: 'g', aggregate: 'max' });
    expect(() => registry.gauge({ name: 'g', help: 'g', aggregate: 'min' })).toThrow(
      expect.objectContaining({ code: 'KYMO_METRICS_CONFLICT' }),
    );
  });
});
