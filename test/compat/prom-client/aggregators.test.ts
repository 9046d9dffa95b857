// Aggregation in one process: aggregators, registries of aggregated metrics, bucket generators; against prom-client's.
import { describe, expect, it } from 'vitest';
import { AggregatorFactory } from '../../../src/compat/prom-client/aggregators.js';
import * as ours from '../../../src/compat/prom-client/index.js';
import { type Client, original } from './original.js';

type Metrics = Parameters<typeof ours.AggregatorRegistry.aggregate>[0];

const metric = (aggregator: string | undefined, ...values: [number, Record<string, string | number>, string?][]) => ({
  help: 'h',
  name: 'm',
  type: 'gauge',
  aggregator: aggregator as string,
  values: values.map(([value, labels, metricName]) => ({ value, labels, ...(metricName ? { metricName } : {}) })),
});

describe.runIf(original)('aggregators of the drop-in', () => {
  const theirs = original as Client;
  const lists = (aggregator: string | undefined): Metrics => [
    [metric(aggregator, [1, { a: '1', b: 'x' }], [5, { b: 'y', a: '2' }], [3, {}], [7, {}, 'm_count'])],
    [metric(aggregator, [2, { b: 'x', a: '1' }], [-5, { a: '2', b: 'y' }], [Number.NaN, {}])],
    [metric(aggregator, [4, { a: 1, b: 'x' }])],
    [],
  ];

  it.each(['sum', 'first', 'omit', 'average', 'min', 'max'])('make of several values what the original makes of them: %s', async (name) => {
    const given = lists(name);
    const [a, b] = [ours.AggregatorRegistry.aggregate(structuredClone(given)), theirs.AggregatorRegistry.aggregate(structuredClone(given))];
    expect(await a.getMetricsAsJSON()).toEqual(await b.getMetricsAsJSON());
    expect(await a.metrics()).toBe(await b.metrics());
    const aggregate = (client: Client) => client.aggregators[name as 'sum'](given.flat());
    expect(aggregate(ours)).toEqual(aggregate(theirs));
    expect(ours.aggregators[name as 'sum']([])).toEqual(theirs.aggregators[name as 'sum']([]));
  });

  it('aggregate what every kind of metric gives as JSON, default labels included', async () => {
    const outcome = async (client: Client): Promise<string[]> => {
      const worker = async (factor: number) => {
        const registry = new client.Registry();
        registry.setDefaultLabels({ zone: 'z' });
        const registers = [registry];
        new client.Counter({ name: 'c_total', help: 'h', labelNames: ['a'], registers }).inc({ a: 'b' }, factor);
        new client.Gauge({ name: 'g', help: 'h', aggregator: 'max', registers }).set(factor);
        new client.Gauge({ name: 'omitted', help: 'h', aggregator: 'omit', registers }).set(factor);
        new client.Histogram({ name: 'h_seconds', help: 'h', buckets: [1, 5], registers }).observe(factor);
        new client.Summary({ name: 's', help: 'h', percentiles: [0.5], aggregator: 'average', registers }).observe(factor);
        return JSON.parse(JSON.stringify(await registry.getMetricsAsJSON()));
      };
      const all = [await worker(2), await worker(3), await worker(10)];
      const openMetrics = client.Registry.OPENMETRICS_CONTENT_TYPE;
      return [
        await client.AggregatorRegistry.aggregate(all).metrics(),
        await client.AggregatorRegistry.aggregate(all, openMetrics).metrics(),
      ];
    };
    const [text, openMetrics] = await outcome(ours);
    expect([text, openMetrics]).toEqual(await outcome(theirs));
    expect(text).toContain('c_total{a="b",zone="z"} 15\n');
  });

  it('refuse unknown names with the error of the original, and no name as well', () => {
    for (const client of [ours, theirs]) {
      expect(() => client.AggregatorRegistry.aggregate(lists('median'))).toThrow(new Error("'median' is not a defined aggregator."));
      expect(() => client.AggregatorRegistry.aggregate(lists(undefined))).toThrow(new Error("'undefined' is not a defined aggregator."));
    }
  });

  it('refuse registries that are none with the error of the original', () => {
    for (const client of [ours, theirs]) {
      expect(() => client.AggregatorRegistry.setRegistries('no' as never)).toThrow(new TypeError('Expected Registry, got string'));
      expect(() => client.AggregatorRegistry.setRegistries([client.register, {} as never])).toThrow(
        new TypeError('Expected Registry, got object'),
      );
      client.AggregatorRegistry.setRegistries(client.register);
    }
  });

  it('have bucket generators with the bounds and the errors of the original', () => {
    const outcome = (make: () => number[]): unknown => {
      try {
        return make();
      } catch (error) {
        return String(error);
      }
    };
    const [linear, exponential] = [
      [
        [0, 50, 10],
        [0.1, 0.1, 12],
        [1, 1, 0],
        [-5, 2.5, 3],
        [1, 1, -1],
      ],
      [
        [1, 2, 5],
        [0.001, 1.7, 20],
        [0, 2, 3],
        [1, 2, 0],
        [1, 1, 3],
        [1, 0.5, 3],
        [-1, 2, 2],
      ],
    ] as [number, number, number][][];
    for (const args of linear ?? [])
      expect(outcome(() => ours.linearBuckets(...args))).toEqual(outcome(() => theirs.linearBuckets(...args)));
    for (const args of exponential ?? []) {
      expect(outcome(() => ours.exponentialBuckets(...args))).toEqual(outcome(() => theirs.exponentialBuckets(...args)));
    }
  });
});

describe('aggregation in the drop-in', () => {
  it('keeps series apart whose labels only read alike (rule 1)', () => {
    const values = [
      [1, { a: '1,b:2' }],
      [2, { a: '1', b: '2' }],
    ] as [number, Record<string, string>][];
    const [sum] = [ours.aggregators.sum([metric('sum', ...values), metric('sum', ...values)])];
    expect(sum?.values).toEqual([
      { value: 2, labels: { a: '1,b:2' } },
      { value: 4, labels: { a: '1', b: '2' } },
    ]);
  });

  it('sums what names no aggregator in Registry.aggregate, as 0.16 does', async () => {
    const registry = ours.Registry.aggregate([[metric(undefined, [1, {}])], [metric(undefined, [2, {}])]]);
    expect(await registry.metrics()).toBe('# HELP m h\n# TYPE m gauge\nm 3\n');
    expect(ours.ClusterRegistry.aggregate([]).getMetricsAsArray()).toEqual([]);
    expect(ours.WorkerRegistry.aggregate([], ours.openMetricsContentType).contentType).toBe(ours.openMetricsContentType);
  });

  it('takes aggregators of a program', () => {
    const last = AggregatorFactory((values) => values.at(-1)?.value ?? 0);
    expect(last([metric('sum', [1, {}]), metric('sum', [9, {}])])?.values).toEqual([{ value: 9, labels: {} }]);
  });
});
