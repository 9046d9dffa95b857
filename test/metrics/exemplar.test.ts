// Exemplars: which observations keep labels, what becomes of bad ones, and how a source is asked.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { native } from '../../src/binding/load.js';
import { type ExemplarLabels, MetricsRegistry, setExemplarSource } from '../../src/index.js';
import { MAX_CODE_POINTS } from '../../src/metrics/exemplar.js';
import { dropsOf, scrape } from './scrape.js';

/** The addon's number of OpenMetrics 2.0, which alone among the texts has native histograms. */
const OPENMETRICS_2 = 4;

afterEach(() => setExemplarSource(undefined));

/** Exemplars of a scrape by the sample that carries them: labels, value and seconds. */
async function exemplarsOf(registry: MetricsRegistry): Promise<Record<string, [labels: string, value: number, seconds: number]>> {
  const text = await registry.metrics({ format: 'openmetrics' });
  const lines = [...text.matchAll(/^(\S+?) \S+ # \{(.*)\} (\S+) (\S+)$/gm)];
  return Object.fromEntries(
    lines.map(([, sample, labels, value, seconds]) => [sample, [labels as string, Number(value), Number(seconds)]]),
  );
}

/** The same without times. */
async function labelsAndValues(registry: MetricsRegistry): Promise<Record<string, [string, number]>> {
  const all = await exemplarsOf(registry);
  return Object.fromEntries(Object.entries(all).map(([sample, [labels, value]]) => [sample, [labels, value]]));
}

function made() {
  const registry = new MetricsRegistry();
  const counter = registry.counter({ name: 'c_total', help: 'C', labelNames: ['k'] });
  const histogram = registry.histogram({ name: 'h', help: 'H', labelNames: ['k'], buckets: [1, 2] });
  return { registry, counter, histogram };
}

describe('an exemplar', () => {
  it('is the latest of a counter, whichever form the call has, and always has a time', async () => {
    const { registry, counter } = made();
    const plain = registry.counter({ name: 'p_total', help: 'P' });
    const from = Date.now() / 1000;
    counter.labels('a').inc(2, { trace_id: 'first' });
    counter.labels('a').inc(3, { trace_id: 'second' });
    counter.inc({ k: 'b' }, 4, { trace_id: 'b' });
    counter.inc(5, { k: 'c' }, { trace_id: 'c' });
    counter.inc({ k: 'd' }, undefined, { trace_id: 'd' });
    counter.inc({ k: 'e' });
    plain.inc(6, undefined, { trace_id: 'p' });
    expect(await labelsAndValues(registry)).toEqual({
      'c_total{k="a"}': ['trace_id="second"', 3],
      'c_total{k="b"}': ['trace_id="b"', 4],
      'c_total{k="c"}': ['trace_id="c"', 5],
      'c_total{k="d"}': ['trace_id="d"', 1],
      p_total: ['trace_id="p"', 6],
    });
    for (const [, , seconds] of Object.values(await exemplarsOf(registry))) {
      expect(seconds).toBeGreaterThanOrEqual(Math.floor(from * 1000) / 1000);
      expect(seconds).toBeLessThanOrEqual(Date.now() / 1000);
    }
    expect(scrape(registry)).toMatchObject({ 'c_total{k="a"}': 5, 'c_total{k="d"}': 1, p_total: 6 });
  });

  it('is the latest of each bucket of a histogram, and lies in it', async () => {
    const { registry, histogram } = made();
    const bound = histogram.labels('a');
    bound.observe(0.5, { trace_id: '1' });
    bound.observe(1, { trace_id: '2' });
    bound.observe(1.5);
    histogram.observe({ k: 'a' }, 7, { trace_id: '3' });
    histogram.observe(8, { k: 'a' }, { trace_id: '4' });
    expect(await labelsAndValues(registry)).toEqual({
      'h_bucket{k="a",le="1.0"}': ['trace_id="2"', 1],
      'h_bucket{k="a",le="+Inf"}': ['trace_id="4"', 8],
    });
  });

  it('is one of ten that are spread over the values of a native histogram', () => {
    const registry = new MetricsRegistry();
    const histogram = registry.histogram({ name: 'n', help: 'N', native: true, buckets: [] });
    for (let power = 0; power < 100; power++) histogram.labels().observe(2 ** (power % 20), { trace_id: `t${power}` });
    const text = native.renderSync([registry.id], OPENMETRICS_2, false);
    const values = [...text.matchAll(/ # \{trace_id="t\d+"\} (\S+) \d+/g)].map(([, value]) => Number(value));
    expect(values).toHaveLength(10);
    expect(values).toEqual([...new Set(values)].sort((a, b) => a - b));
    expect((values.at(-1) as number) / (values[0] as number)).toBeGreaterThanOrEqual(2 ** 12);
  });

  it('is not in the text format, which has none', () => {
    const { registry, counter } = made();
    counter.labels('a').inc(1, { trace_id: 'x' });
    expect(registry.formatPrometheus()).not.toContain('trace_id');
  });

  it('goes when its series is reset or removed', async () => {
    const { registry, counter, histogram } = made();
    counter.labels('a').inc(1, { trace_id: 'x' });
    histogram.labels('a').observe(1, { trace_id: 'x' });
    counter.reset();
    histogram.remove('a');
    histogram.labels('a');
    expect(await exemplarsOf(registry)).toEqual({});
    counter.labels('a').inc(1, { trace_id: 'y' });
    expect(await labelsAndValues(registry)).toEqual({ 'c_total{k="a"}': ['trace_id="y"', 1] });
  });

  it('of a value that is dropped is not kept', async () => {
    const { registry, counter, histogram } = made();
    counter.labels('a').inc(-1, { trace_id: 'x' });
    counter.inc({ k: 'a' }, Number.NaN, { trace_id: 'x' });
    histogram.labels('a').observe(Infinity, { trace_id: 'x' });
    histogram.observe({ k: 'a' }, '1' as never, { trace_id: 'x' });
    expect(await exemplarsOf(registry)).toEqual({});
  });

  it('may have labels of any type but none that is missing, or no labels at all', async () => {
    const { registry, counter } = made();
    counter.labels('a').inc(1, { n: 1, yes: true, big: 2n, none: undefined, nil: null, quoted: 'a "b"\n\\' });
    counter.labels('b').inc(1, {});
    expect(await labelsAndValues(registry)).toEqual({
      'c_total{k="a"}': ['n="1",yes="true",big="2",quoted="a \\"b\\"\\n\\\\"', 1],
      'c_total{k="b"}': ['', 1],
    });
  });

  it('has at most 128 code points in names and values, counted as such (rule 12)', async () => {
    expect(MAX_CODE_POINTS).toBe(128);
    const { registry, counter } = made();
    const kept: [string, ExemplarLabels][] = [
      ['ascii', { trace_id: 'x'.repeat(120) }],
      ['astral', { trace_id: '🦕'.repeat(120) }],
      ['two', { trace_id: 'é'.repeat(50), span_id: '字'.repeat(63) }],
    ];
    for (const [k, labels] of kept) {
      expect(dropsOf(() => counter.labels(k).inc(1, labels))).toEqual({});
    }
    const long: [string, ExemplarLabels][] = [
      ['ascii', { trace_id: 'x'.repeat(121) }],
      ['astral', { trace_id: '🦕'.repeat(121) }],
      ['two', { trace_id: 'é'.repeat(50), span_id: '字'.repeat(64) }],
      ['far', { trace_id: 'x'.repeat(10_000) }],
    ];
    for (const [k, labels] of long) {
      expect(dropsOf(() => counter.labels(k).inc(1, labels))).toEqual({ exemplar_too_long: 1 });
    }
    expect(Object.keys(await exemplarsOf(registry))).toEqual(kept.map(([k]) => `c_total{k="${k}"}`));
    expect(scrape(registry)).toMatchObject({ 'c_total{k="ascii"}': 2, 'c_total{k="far"}': 1 });
  });

  it.each<[string, unknown]>([
    ['a name with a dash', { 'trace-id': 'x' }],
    ['a name that begins with a digit', { '1st': 'x' }],
    ['an empty name', { '': 'x' }],
    ['a reserved name', { __trace: 'x' }],
    ['text', 'trace'],
    ['a number', 7],
    ['null', null],
    [
      'a value whose text cannot be told',
      {
        a: {
          toString: () => {
            throw new Error('no');
          },
        },
      },
    ],
    [
      'a getter that throws',
      {
        get a(): string {
          throw new Error('no');
        },
      },
    ],
    [
      'a revoked proxy',
      (() => {
        const { proxy, revoke } = Proxy.revocable({}, {});
        revoke();
        return proxy;
      })(),
    ],
  ])('with %s is dropped and counted, and the observation stays', async (_, labels) => {
    const { registry, counter, histogram } = made();
    const drops = dropsOf(() => {
      counter.labels('a').inc(1, labels as ExemplarLabels);
      counter.inc({ k: 'a' }, 1, labels as ExemplarLabels);
      histogram.labels('a').observe(1, labels as ExemplarLabels);
      histogram.observe({ k: 'a' }, 1, labels as ExemplarLabels);
    });
    expect(drops).toEqual({ exemplar_labels: 4 });
    expect(await exemplarsOf(registry)).toEqual({});
    expect(scrape(registry)).toMatchObject({ 'c_total{k="a"}': 2, 'h_count{k="a"}': 2 });
  });

  it('has U+FFFD for a lone surrogate', async () => {
    const { registry, counter } = made();
    counter.labels('a').inc(1, { trace_id: 'x\ud800' });
    expect(await labelsAndValues(registry)).toEqual({ 'c_total{k="a"}': ['trace_id="x\ufffd"', 1] });
  });
});

describe('a source of exemplars', () => {
  it('is asked once per bucket and interval, whichever form the call has, and not where the caller gave one', async () => {
    const { registry, counter, histogram } = made();
    const [boundCounter, boundHistogram] = [counter.labels('a'), histogram.labels('a')];
    let asked = 0;
    setExemplarSource(() => ({ trace_id: `t${++asked}` }), { intervalMs: 1e9 });
    for (let n = 0; n < 3; n++) {
      boundCounter.inc();
      counter.inc({ k: 'a' });
      boundHistogram.observe(1);
      histogram.observe({ k: 'a' }, 0.5);
      histogram.observe({ k: 'a' }, 2);
    }
    expect(asked).toBe(3);
    expect(await labelsAndValues(registry)).toEqual({
      'c_total{k="a"}': ['trace_id="t1"', 1],
      'h_bucket{k="a",le="1.0"}': ['trace_id="t2"', 1],
      'h_bucket{k="a",le="2.0"}': ['trace_id="t3"', 2],
    });
    boundCounter.inc(1, { trace_id: 'own' });
    counter.labels('b').inc(1, { trace_id: 'own' });
    expect(asked).toBe(3);
  });

  it('is asked again in the next interval', async () => {
    const { counter } = made();
    let asked = 0;
    setExemplarSource(() => ({ trace_id: `t${++asked}` }), { intervalMs: 1 });
    while (asked < 3) {
      counter.inc({ k: 'a' });
      await sleep(1);
    }
  });

  it('that knows of no trace keeps nothing', async () => {
    const { registry, counter } = made();
    let asked = 0;
    setExemplarSource(() => {
      asked++;
      return undefined;
    });
    counter.inc({ k: 'a' });
    expect(asked).toBe(1);
    expect(await exemplarsOf(registry)).toEqual({});
  });

  it('that throws, or says what cannot be kept, is a counted drop, and the observation stays', async () => {
    const { registry, counter } = made();
    const record = (k: string) => dropsOf(() => counter.inc({ k }));
    setExemplarSource(() => {
      throw new Error('no');
    });
    expect(record('a')).toEqual({ exemplar_labels: 1 });
    setExemplarSource(() => 'x' as never);
    expect(record('b')).toEqual({ exemplar_labels: 1 });
    setExemplarSource(() => ({ trace_id: 'x'.repeat(200) }));
    expect(record('c')).toEqual({ exemplar_too_long: 1 });
    expect(await exemplarsOf(registry)).toEqual({});
    expect(scrape(registry)).toMatchObject({ 'c_total{k="a"}': 1, 'c_total{k="b"}': 1, 'c_total{k="c"}': 1 });
  });

  it('is asked for no value that was dropped', () => {
    const { counter, histogram } = made();
    let asked = 0;
    setExemplarSource(() => ({ trace_id: `t${++asked}` }));
    counter.labels('a').inc(-1);
    counter.inc({ k: 'a' }, Number.NaN);
    histogram.labels('a').observe(Number.NaN);
    histogram.observe({ k: 'a' }, Infinity);
    expect(asked).toBe(0);
  });

  it('is asked no more once there is none, and recording goes on', () => {
    const { registry, counter } = made();
    let asked = 0;
    setExemplarSource(() => ({ trace_id: `t${++asked}` }));
    counter.inc({ k: 'a' });
    setExemplarSource(undefined);
    counter.inc({ k: 'a' });
    counter.inc({ k: 'b' });
    expect(asked).toBe(1);
    expect(scrape(registry)).toMatchObject({ 'c_total{k="a"}': 2, 'c_total{k="b"}': 1 });
  });

  it.each<[unknown, object?]>([
    ['trace'],
    [null],
    [() => undefined, { intervalMs: 0 }],
    [() => undefined, { intervalMs: Number.NaN }],
    [() => undefined, { intervalMs: '5' }],
  ])('is refused when it is %s, %j', (source, options) => {
    expect(() => setExemplarSource(source as never, options)).toThrowError(expect.objectContaining({ code: 'KYMO_CONFIG_VALUE' }));
  });
});
