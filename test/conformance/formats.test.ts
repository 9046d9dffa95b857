// Every format, read by Prometheus' own Go code: the scraper's parsers, OpenMetrics 2 and protobuf included, and the one of client
// libraries.
import { describe, expect, it } from 'vitest';
import { CONTENT_TYPES, type ExpositionFormat, MetricsRegistry, type NameEscaping } from '../../src/index.js';
import { built, everything, HOSTILE } from './everything.js';
import { type GoExposition, goParsers, goSample, parseWithGo } from './go-parsers.js';
import { parseWithPython, python, sampleValue } from './judges.js';

const FORMATS = Object.keys(CONTENT_TYPES) as ExpositionFormat[];
const ESCAPINGS: readonly NameEscaping[] = ['allow-utf-8', 'underscores', 'dots', 'values'];

async function parsed(registry: MetricsRegistry, format: ExpositionFormat, escaping?: NameEscaping): Promise<GoExposition> {
  const { contentType, body } = await registry.scrape(escaping === undefined ? { format } : { format, escaping });
  return parseWithGo('textparse', contentType, body);
}

describe.runIf(goParsers)("Prometheus' own parsers", () => {
  it.each(FORMATS)('read every kind of metric from %s and find each value (rule 3)', async (format) => {
    const found = await parsed(everything(), format);
    for (const [index, route] of HOSTILE.entries()) {
      const sample = goSample(found, 'requests_total', { route, status: `${index}` });
      expect(sample?.value, JSON.stringify(route.slice(0, 40))).toBe(index + 0.5);
    }
    expect(found.samples.some((sample) => sample.name === 'evil')).toBe(false);
    expect(goSample(found, 'depth', { queue: 'NaN' })?.value).toBeNaN();
    expect(goSample(found, 'depth', { queue: 'Infinity' })?.value).toBe(Number.POSITIVE_INFINITY);
    expect(goSample(found, 'depth', { queue: '5e-324' })?.value).toBe(5e-324);
    expect(goSample(found, 'took_seconds_bucket', { route: '/', le: '0.005' })?.value).toBe(2);
    expect(goSample(found, 'took_seconds_bucket', { route: '/', le: '+Inf' })?.value).toBe(6);
    expect(goSample(found, 'took_seconds_count', { route: 'a"b\\c\nd' })?.value).toBe(6);
    expect(goSample(found, 'wait_seconds', { queue: 'a', quantile: '1.0' })?.value).toBeCloseTo(3, 1);
    expect(goSample(found, 'wait_seconds_sum', { queue: 'a' })?.value).toBe(6);
    expect(goSample(found, 'unseen_wait_seconds', { quantile: '0.5' })?.value).toBeNaN();
    expect(goSample(found, 'build_info', { version: '1.2.3"', commit: 'abc' })?.value).toBe(1);
    expect(goSample(found, 'mode', { worker: '1', mode: 'idle' })?.value).toBe(0);
    expect(goSample(found, 'mode', { worker: '1', mode: 'bu"sy\n' })?.value).toBe(1);
    expect(goSample(found, 'both_seconds_bucket', { le: '4.0' })?.value).toBe(4);
    expect(goSample(found, 'process_open_fds')?.value).toBeGreaterThan(3);
  });

  it.each(['openmetrics-2.0.0', 'protobuf'] as const)('find native buckets and their sum in %s (rule 20)', async (format) => {
    const found = await parsed(everything(), format);
    const native = found.samples.find((sample) => sample.name === 'native_bytes' && sample.histogram)?.histogram;
    expect(native).toMatchObject({ count: 7, schema: 3, zeroThreshold: 2 ** -128, zeroCount: 1 });
    // 2^(i/8) is the upper bound of bucket i: 1 lies in 0, 2 in 8, 2.5 in 11, 1024 in 80 and the largest number in the last.
    expect(native?.positive.filter(([, count]) => count > 0)).toEqual([
      [0, 1],
      [8, 1],
      [11, 1],
      [80, 1],
      [8192, 1],
    ]);
    expect(native?.negative).toEqual([[13, 1]]);
    const both = found.samples.filter((sample) => sample.name.startsWith('both_seconds'));
    expect(both.find((sample) => sample.histogram)?.histogram).toMatchObject({ count: 5, sum: 107.25, schema: 0 });
    const empty = found.samples.find((sample) => sample.name === 'unseen_native');
    expect(empty?.histogram).toMatchObject({ count: 0, sum: 0, positive: [], negative: [] });
  });

  it.each(['openmetrics', 'openmetrics-2.0.0', 'protobuf'] as const)('find exemplars where %s has them (rule 12)', async (format) => {
    const found = await parsed(everything(), format);
    const counted = found.samples.find((sample) => sample.name === 'traced_total');
    expect(counted?.exemplars).toMatchObject([{ labels: { trace_id: 'abc' }, value: 2 }]);
    const observed = found.samples.filter((sample) => sample.name.startsWith('traced_seconds')).flatMap((sample) => sample.exemplars ?? []);
    const labels = observed.map((exemplar) => exemplar.labels);
    expect(labels).toEqual(expect.arrayContaining([{ trace_id: 't1', span_id: 's1' }, { trace_id: 't2' }]));
    for (const { ms } of [...(counted?.exemplars ?? []), ...observed]) {
      expect(ms).toBeGreaterThanOrEqual(built.at);
      expect(ms).toBeLessThanOrEqual(Date.now());
    }
  });

  it.each(['openmetrics-2.0.0', 'protobuf'] as const)('find when each series began in %s (rule 11)', async (format) => {
    const found = await parsed(everything(), format);
    for (const name of ['traced_total', 'traced_seconds', 'wait_seconds', 'native_bytes']) {
      const sample = found.samples.find((candidate) => candidate.name.startsWith(name));
      expect(sample?.startMs, name).toBeGreaterThanOrEqual(built.at - 1);
      expect(sample?.startMs, name).toBeLessThanOrEqual(Date.now());
    }
    expect(found.samples.find((sample) => sample.name === 'plain')?.startMs).toBeLessThanOrEqual(0);
  });

  it('find no start where OpenMetrics 1 was not asked for creation times, and those where it was (rule 11)', async () => {
    const registry = everything();
    expect(goSample(await parsed(registry, 'openmetrics'), 'traced_total')?.startMs).toBe(0);
    const { contentType, body } = await registry.scrape({ format: 'openmetrics-0.0.1', created: true });
    const started = goSample(parseWithGo('textparse', contentType, body), 'traced_total')?.startMs;
    expect(started).toBeGreaterThanOrEqual(built.at - 1);
    expect(started).toBeLessThanOrEqual(Date.now());
  });

  it.each(FORMATS)('read an empty registry from %s (rule 7)', async (format) => {
    expect((await parsed(new MetricsRegistry(), format)).samples).toEqual([]);
  });

  it('know units and types', async () => {
    const { families } = await parsed(everything(), 'openmetrics-2.0.0');
    expect(families.took_seconds).toEqual({ type: 'histogram', unit: 'seconds', help: 'Time taken' });
    expect(families.mode?.type).toBe('stateset');
    expect(families.build_info?.type).toBe('info');
    expect(families.requests_total?.help).toBe('Requests "seen"\nby \\route');
  });

  it('find one family of each name in protobuf, as client libraries read it', async () => {
    const { contentType, body } = await everything().scrape({ format: 'protobuf' });
    const { families, samples } = parseWithGo('expfmt', contentType, body);
    expect(families.took_seconds).toEqual({ type: 'HISTOGRAM', unit: 'seconds', help: 'Time taken' });
    expect(samples.find((sample) => sample.name === 'native_bytes')).toMatchObject({ labels: { to: 'x"\\\n' }, value: 7 });
  });

  it.each(['text', 'text-1.0.0'] as const)('of client libraries read %s', async (format) => {
    const { contentType, body } = await everything().scrape({ format });
    // That parser knows version 0.0.4 by its content type; quoted names apart, 1.0.0 is the same text.
    const { samples } = parseWithGo('expfmt', contentType.replace('1.0.0', '0.0.4'), body);
    expect(goSample({ families: {}, samples }, 'requests_total', { route: '"} 1\nevil 1\n', status: '7' })?.value).toBe(7.5);
  });

  it.each(FORMATS.flatMap((format) => ESCAPINGS.map((escaping) => [format, escaping] as const)))(
    'read fuzzed names, labels and values from %s under %s (rule 19)',
    async (format, escaping) => {
      const { registry, series, seed } = fuzzed();
      const found = await parsed(registry, format, escaping);
      const values = found.samples.filter((sample) => sample.labels.id !== undefined);
      const byId = new Map(values.map((sample) => [sample.labels.id, sample]));
      expect(byId.size, `seed ${seed}`).toBe(series.length);
      for (const { id, name, labels, value } of series) {
        const sample = byId.get(id);
        expect(sample?.value, `${JSON.stringify(name)}, seed ${seed}`).toBe(value);
        // The scraper drops labels without a value: they are the same as none (rule 15).
        const shown = Object.entries(sample?.labels ?? {}).filter(([, text]) => text !== '');
        const recorded = Object.entries({ id, ...labels }).filter(([, text]) => text !== '');
        expect(shown.map(([, text]) => text).sort(), `seed ${seed}`).toEqual(recorded.map(([, text]) => text).sort());
        if (escaping === 'allow-utf-8') {
          expect(sample?.name).toBe(name);
          expect(Object.fromEntries(shown)).toEqual(Object.fromEntries(recorded));
        } else {
          expect(sample?.name).toMatch(/^[a-zA-Z_:][a-zA-Z0-9_:]*$/);
        }
      }
    },
  );
});

describe.runIf(python)("Prometheus' Python parsers", () => {
  it.each([
    ['text', 'text', 'underscores'],
    ['text', 'text', 'values'],
    ['openmetrics', 'openmetrics', 'underscores'],
    ['openmetrics', 'openmetrics', 'allow-utf-8'],
    ['openmetrics', 'openmetrics-0.0.1', 'dots'],
  ] as const)('read fuzzed names, labels and values (%s parser, %s under %s)', async (parser, format, escaping) => {
    const { registry, series, seed } = fuzzed();
    const families = parseWithPython(parser, await registry.metrics({ format, escaping }));
    const samples = families.flatMap((family) => family.samples);
    for (const { id, name, value } of series) {
      const sample = samples.find((candidate) => candidate.labels.id === id);
      expect(sample?.value, `${JSON.stringify(name)}, seed ${seed}`).toBe(value);
    }
  });

  it('read every kind from strict OpenMetrics', async () => {
    const families = parseWithPython('openmetrics', await everything().metrics({ format: 'openmetrics', created: true }));
    expect(sampleValue(families, 'build_info', { version: '1.2.3"', commit: 'abc' })).toBe(1);
    expect(sampleValue(families, 'mode', { worker: '1', mode: 'bu"sy\n' })).toBe(1);
    expect(sampleValue(families, 'native_bytes_count', { to: 'x"\\\n' })).toBe(7);
    expect(sampleValue(families, 'unseen_wait_seconds', { quantile: '0.5' })).toBeNaN();
    expect(families.map(({ name, type }) => `${name} ${type}`)).toEqual(
      expect.arrayContaining(['build info', 'mode stateset', 'wait_seconds summary', 'native_bytes histogram']),
    );
  });
});

interface FuzzedSeries {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Gauges with names, labels and values from a seed; `KYMO_FUZZ_SEED` picks another one. */
function fuzzed(): { registry: MetricsRegistry; series: FuzzedSeries[]; seed: number } {
  const seed = Number(process.env.KYMO_FUZZ_SEED ?? 1);
  let state = seed >>> 0 || 1;
  const next = (below: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
  // What may stand in a name, and what else may stand in a value.
  const letters = [...'abzAZ_:09.-/+äß漢🦀'];
  const characters = [...letters, ...'"\\{}=,# \'', '\n', '\r', '\t', '\u0000', '\u2028'];
  const text = (most: number, of = characters): string => Array.from({ length: next(most) }, () => of[next(of.length)]).join('');
  const registry = new MetricsRegistry();
  const series: FuzzedSeries[] = [];
  for (let n = 0; n < 150; n++) {
    // A number in the name keeps metrics apart under every scheme.
    const name = `m${n}.${text(12, letters)}`;
    const labelNames = [...new Set(['id', ...Array.from({ length: next(4) }, (_, k) => `l${k}${text(6, letters)}`)])];
    const gauge = registry.gauge({ name, help: text(20), labelNames });
    for (let k = 0; k < 3; k++) {
      const id = `${n}/${k}`;
      const labels = Object.fromEntries(labelNames.slice(1).map((label) => [label, text(16)]));
      const value = (next(2 ** 31) - 2 ** 30) * 10 ** (next(40) - 20);
      gauge.set({ id, ...labels }, value);
      series.push({ id, name, labels, value });
    }
  }
  return { registry, series, seed };
}
