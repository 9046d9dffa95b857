// What programs and their tests do beside recording: spy, mock the clock, take handles apart, replace methods, look inside. Each on both.
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import * as ours from '../../../src/compat/prom-client/index.js';
import { metricsHandler } from '../../../src/ops/metrics-handler.js';
import { type Client, original } from './original.js';

const clients: [string, Client][] = [['ours', ours], ...(original ? [['the original', original] as [string, Client]] : [])];

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe.each(clients)('on %s', (_, client) => {
  const registry = (): InstanceType<Client['Registry']> => new client.Registry();

  it('a timer asks process.hrtime when it starts and ends, and calls observe where that is spied on', () => {
    vi.spyOn(process, 'hrtime').mockReturnValueOnce([1, 0]).mockReturnValueOnce([2, 5e8]);
    const histogram = new client.Histogram({ name: 'h', help: 'h', labelNames: ['a', 'b'], registers: [registry()] });
    const observe = vi.spyOn(histogram, 'observe');
    expect(histogram.startTimer({ a: 'x' })({ b: 'y' })).toBe(2.5);
    expect(observe.mock.calls).toEqual([[{ a: 'x', b: 'y' }, 2.5]]);
  });

  it('time is the mocked one: fake timers move gauges and windows', async () => {
    vi.useFakeTimers({ now: 0, toFake: ['Date', 'hrtime'] });
    const gauge = new client.Gauge({ name: 'g', help: 'h', registers: [registry()] });
    const end = gauge.startTimer();
    vi.advanceTimersByTime(1500);
    expect(end()).toBe(1.5);
    gauge.setToCurrentTime();
    expect((await gauge.get()).values).toEqual([{ value: 1.5, labels: {} }]);
    const summary = new client.Summary({
      name: 's',
      help: 'h',
      percentiles: [0.5],
      maxAgeSeconds: 10,
      ageBuckets: 2,
      registers: [registry()],
    });
    summary.observe(7);
    expect((await summary.get()).values[0]?.value).toBe(7);
    vi.advanceTimersByTime(60_000);
    expect((await summary.get()).values.map(({ value }) => value)).toEqual([0, 7, 1]);
  });

  it('methods of a handle work alone, also after the series was removed', async () => {
    const counter = new client.Counter({ name: 'c', help: 'h', labelNames: ['a'], registers: [registry()] });
    const { inc } = counter.labels('x');
    inc();
    counter.remove('x');
    expect(inc(3)).toEqual({ labelHash: 'a:x,' });
    expect((await counter.get()).values).toEqual([{ value: 3, labels: { a: 'x' } }]);
  });

  it('what get() gave of a counter goes on with it, what it gave of a gauge stays', async () => {
    const counter = new client.Counter({ name: 'c', help: 'h', registers: [registry()] });
    const gauge = new client.Gauge({ name: 'g', help: 'h', registers: [registry()] });
    const [counted, measured] = [(await counter.get()).values, (await gauge.get()).values];
    counter.inc(2);
    gauge.set(2);
    expect([counted[0]?.value, measured[0]?.value]).toEqual([2, 0]);
  });

  it('hashMap can be read, replaced and emptied', async () => {
    const into = registry();
    const counter = new client.Counter({ name: 'c', help: 'h', labelNames: ['a'], registers: [into] });
    counter.inc({ a: 'x' }, 4);
    expect(counter.hashMap).toEqual({ 'a:x,': { value: 4, labels: { a: 'x' } } });
    counter.hashMap = { 'a:y,': { value: 7, labels: { a: 'y' } } };
    counter.inc({ a: 'y' });
    expect(await into.metrics()).toBe('# HELP c h\n# TYPE c counter\nc{a="y"} 8\n');
    const histogram = new client.Histogram({ name: 'h', help: 'h', buckets: [1, 2], registers: [into] });
    histogram.observe(1.5);
    expect(histogram.hashMap).toEqual({ '': { labels: {}, bucketValues: { 1: 0, 2: 1 }, sum: 1.5, count: 1 } });
    histogram.hashMap = { '': { labels: {}, bucketValues: { 1: 3, 2: 1 }, sum: 9, count: 5 } };
    expect((await histogram.get()).values.map(({ value }) => value)).toEqual([3, 4, 5, 9, 5]);
    histogram.hashMap = {};
    expect((await histogram.get()).values).toEqual([]);
  });

  it('a metric with a get() of its own is asked by it, in its place', async () => {
    const into = registry();
    new client.Counter({ name: 'first', help: 'h', registers: [into] });
    const second = new client.Gauge({ name: 'second', help: 'h', registers: [into] });
    new client.Counter({ name: 'third', help: 'h', registers: [into] });
    vi.spyOn(second, 'get').mockResolvedValue({ name: 'mine', help: 'h', type: 'gauge', values: [{ value: 1, labels: {} }] } as never);
    into.registerMetric({
      name: 'foreign',
      get: async () => ({ name: 'foreign', help: 'h', type: 'untyped', values: [{ value: 2 }] }),
    } as never);
    const names = (await into.metrics()).split('\n').filter((line) => line && !line.startsWith('#'));
    expect(names).toEqual(['first 0', 'mine 1', 'third 0', 'foreign 2']);
  });

  it('a registry that overrides how one metric is written is asked for each', async () => {
    class Short extends client.Registry {
      override async getMetricsAsString(metric: { name: string }): Promise<string> {
        return metric.name;
      }
    }
    const short = new Short();
    for (const name of ['a', 'b']) new client.Counter({ name, help: 'h', registers: [short] });
    expect(await short.metrics()).toBe('a\n\nb\n');
  });

  it('proxies of metrics and registries work', async () => {
    const proxy = <T extends object>(target: T): T => new Proxy(target, {});
    const into = proxy(registry());
    proxy(new client.Histogram({ name: 'h', help: 'h', buckets: [1], labelNames: ['a'], registers: [into] })).observe({ a: 'x' }, 0.5);
    proxy(new client.Counter({ name: 'c', help: 'h', registers: [into] })).inc();
    expect((await into.metrics()).split('\n').filter((line) => line && !line.startsWith('#'))).toEqual([
      'h_bucket{le="1",a="x"} 1',
      'h_bucket{le="+Inf",a="x"} 1',
      'h_sum{a="x"} 0.5',
      'h_count{a="x"} 1',
      'c 1',
    ]);
  });

  it('OpenMetrics takes the suffix off a counter, for text afterwards as well', async () => {
    const into = registry();
    const counter = new client.Counter({ name: 'jobs_total', help: 'h', registers: [into] });
    into.setContentType(client.Registry.OPENMETRICS_CONTENT_TYPE);
    expect(await into.metrics()).toBe('# HELP jobs h\n# TYPE jobs counter\njobs_total 0\n# EOF\n');
    expect(counter.name).toBe('jobs');
    into.setContentType(client.Registry.PROMETHEUS_CONTENT_TYPE);
    expect(await into.metrics()).toBe('# HELP jobs h\n# TYPE jobs counter\njobs 0\n');
  });

  it('collectors run in order before the text, and an error of one of them is the answer', async () => {
    const into = registry();
    const order: string[] = [];
    const collector = (name: string, act: () => unknown) => () => {
      order.push(name);
      return act();
    };
    const collect = (name: string, act: () => unknown): unknown =>
      new client.Gauge({ name, help: 'h', registers: [into], collect: collector(name, act) });
    collect('slow', () => new Promise((resolve) => setTimeout(resolve, 5)));
    collect('failing', () => Promise.reject(new Error('no data')));
    collect('throwing', () => {
      throw new TypeError('no code');
    });
    await expect(into.metrics()).rejects.toThrow(new TypeError('no code'));
    expect(order).toEqual(['slow', 'failing', 'throwing']);
  });
});

describe('served by Kymo', () => {
  it('a registry of the drop-in answers like any other of ours', async () => {
    const registry = new ours.Registry();
    new ours.Counter({ name: 'jobs_total', help: 'h', registers: [registry] }).inc(3);
    const server = http.createServer(metricsHandler(registry));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
    const answer = await fetch(url, { headers: { accept: 'application/openmetrics-text; version=1.0.0' } });
    expect(await answer.text()).toContain('# TYPE jobs counter\n# HELP jobs h\njobs_total 3');
    server.close();
  });
});
