// A metric of one series that finds no room at its declaration or later. Child processes.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { memoryFolder, removeFolder } from '../recorder/processes.js';
import { inChild } from './thread-script.js';

let folder: string;
beforeAll(() => {
  folder = memoryFolder();
});
afterAll(() => removeFolder(folder));

const FULL = `
const fill = metrics.counter({ name: 'fill', help: 'f', labelNames: ['k'], maxSeries: 2 ** 32 - 1 });
let n = 0;
while ((drops().memory ?? 0) === 0) fill.inc({ k: 'series-' + n++ });
const base = drops().memory;`;

describe('with no room left', () => {
  it('a metric can still be declared; its values are counted drops, one each', async () => {
    const told = await inChild<{ added: number; text: string }>(
      'anonymous',
      folder,
      `${FULL}
       const late = { counter: metrics.counter({ name: 'late', help: 'l' }), gauge: metrics.gauge({ name: 'lateg', help: 'l' }), histogram: metrics.histogram({ name: 'lateh', help: 'l', buckets: Array.from({ length: 500 }, (_, n) => n) }) };
       late.counter.inc(); late.counter.labels().inc(); late.gauge.set(1); late.gauge.inc(); late.histogram.observe(1); metrics.inc('named'); metrics.gauge('namedg', 1);
       say({ added: drops().memory - base, text: metrics.formatPrometheus().split('\\n').filter((line) => /^(late|named)/.test(line)).join('|') });`,
      { env: { KYMO_MEMORY_LIMIT: '1m' } },
    );
    expect(told).toEqual({ added: 7, text: '' });
  });

  it('the exceptions for bad labels and bad declarations stay what they are', async () => {
    const codes = await inChild<string[]>(
      'anonymous',
      folder,
      `${FULL}
       const code = (body) => { try { body(); return 'none' } catch (error) { return error.code } };
       say([code(() => fill.inc({ other: 1 })), code(() => metrics.counter({ name: 'a b', help: '' })), code(() => metrics.inc('fill')), code(() => metrics.inc('x', -1))]);`,
      { env: { KYMO_MEMORY_LIMIT: '1m' } },
    );
    expect(codes).toEqual(['KYMO_METRICS_LABELS', 'KYMO_METRICS_DECLARATION', 'KYMO_METRICS_LABELS', 'KYMO_METRICS_VALUE']);
  });

  it('a gauge that was removed or reset is set again in its own room', async () => {
    const values = await inChild<(number | null)[]>(
      'anonymous',
      folder,
      `const gauge = metrics.gauge({ name: 'g', help: 'g', labelNames: ['k'], maxSeries: 2 ** 32 - 1 });
       const bound = gauge.labels('a');
       bound.set(5);
       ${FULL}
       const look = () => samples()['g{k="a"}'] ?? null;
       const seen = [look()];
       gauge.remove('a'); seen.push(look());
       bound.set(5); seen.push(look());
       gauge.reset(); seen.push(look());
       bound.inc(); seen.push(look());
       say(seen);`,
      { env: { KYMO_MEMORY_LIMIT: '1m' } },
    );
    expect(values).toEqual([5, null, 5, 0, 1]);
  });
});
