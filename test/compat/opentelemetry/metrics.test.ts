// Instruments of the OpenTelemetry API over Kymo's metrics: what a scrape shows of them.
import { DiagLogLevel, diag, type Meter, ValueType } from '@opentelemetry/api';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { KymoMeterProvider } from '../../../src/compat/opentelemetry/metrics/meter-provider.js';
import { NativeMetric } from '../../../src/compat/opentelemetry/metrics/native-metric.js';
import { Observables } from '../../../src/compat/opentelemetry/metrics/observables.js';
import { metrics as defaultRegistry, MetricsRegistry } from '../../../src/metrics/registry.js';
import { dropsOf } from '../../metrics/scrape.js';

let registry: MetricsRegistry;
let provider: KymoMeterProvider;
let meter: Meter;

beforeEach(() => {
  registry = new MetricsRegistry();
  provider = new KymoMeterProvider({ registry });
  meter = provider.getMeter('test', '1.0');
});
afterEach(() => diag.disable());

/** The samples of the registry, without comments. */
async function samples(): Promise<string[]> {
  return (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

/** What is said to the API's logger meanwhile. */
function warnings(act: () => void): string[] {
  const said: string[] = [];
  const silent = () => undefined;
  diag.setLogger(
    { error: silent, warn: (text) => said.push(text), info: silent, debug: silent, verbose: silent },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  act();
  return said;
}

describe('instruments', () => {
  it('count with attributes, whose order and spelling do not matter', async () => {
    const counter = meter.createCounter('things', { description: 'Things sold' });
    counter.add(1, { 'a.b': 'x', n: 1 });
    counter.add(2, { n: '1', 'a.b': 'x' });
    counter.add(3, { n: 1, 'a.b': 'x', gone: undefined });
    counter.add(4);
    counter.add(5, {});
    expect(await registry.metrics()).toContain('# HELP things Things sold\n# TYPE things counter\n');
    expect(await samples()).toEqual(['things{a_b="x",n="1"} 6', 'things 9']);
  });

  it('keep dots in names for scrapers that take them', async () => {
    const counter = meter.createCounter('http.server.requests');
    counter.add(1, { 'http.route': '/' });
    expect(await samples()).toEqual(['http_server_requests{http_route="/"} 1']);
    expect(await registry.metrics({ escaping: 'allow-utf-8' })).toContain('{"http.server.requests","http.route"="/"} 1');
  });

  it('count in the buckets that the instrument advises, or in those of the SDK', async () => {
    const advised = meter.createHistogram('advised', { advice: { explicitBucketBoundaries: [1, 2] } });
    for (const value of [0.5, 1, 1.5, 2, 3]) advised.record(value, { route: '/' });
    expect(await samples()).toEqual([
      'advised_bucket{route="/",le="1"} 2',
      'advised_bucket{route="/",le="2"} 4',
      'advised_bucket{route="/",le="+Inf"} 5',
      'advised_sum{route="/"} 8',
      'advised_count{route="/"} 5',
    ]);
    meter.createHistogram('plain').record(7);
    expect((await samples()).filter((line) => line.startsWith('plain_bucket'))).toHaveLength(16);
  });

  it('show nothing before something was recorded', async () => {
    meter.createCounter('c');
    meter.createHistogram('h');
    meter.createUpDownCounter('u');
    expect(await samples()).toEqual([]);
  });

  it('go up and down, and keep the last value', async () => {
    const active = meter.createUpDownCounter('active');
    active.add(3, { a: true });
    active.add(-1, { a: true });
    const gauge = meter.createGauge('temperature');
    gauge.record(20.5, { room: 1 });
    gauge.record(-3, { room: 1 });
    expect(await samples()).toEqual(['active{a="true"} 2', 'temperature{room="1"} -3']);
  });

  it('cut fractions off where the value type says so', async () => {
    const options = { valueType: ValueType.INT };
    meter.createCounter('whole', options).add(1.9);
    meter.createUpDownCounter('up', options).add(-1.9);
    meter.createGauge('last', options).record(2.5);
    expect(await samples()).toEqual(['whole 1', 'up -1', 'last 2']);
  });

  it('drop and count what they cannot take, and never throw', async () => {
    const trap = {
      get a(): string {
        throw new Error('no');
      },
    };
    const drops = dropsOf(() => {
      const counter = meter.createCounter('c');
      counter.add(-1);
      counter.add(NaN);
      counter.add('2' as never);
      meter.createHistogram('h').record(-1);
      meter.createHistogram('h').record(Infinity);
      meter.createUpDownCounter('u').add(null as never);
      counter.add(1, trap);
      counter.add(1, null as never);
      counter.add(1, 'text' as never);
    });
    expect(drops).toEqual({ negative: 2, not_finite: 2, not_a_number: 2, label_value: 1 });
    expect(await samples()).toEqual(['c 2']);
  });

  it('write attributes as labels that every scraper can read', async () => {
    const counter = meter.createCounter('c');
    counter.add(1, { list: ['a', 'b'], le: 'x', __name__: 'y', '0day': 'z', '': 'none', 'bad\ud800': '\udfff' });
    counter.add(1, { 'a.b': '2', a_b: '3' });
    expect(await samples()).toEqual([
      `c{bad_="\ufffd",exported_le="x",key_0day="z",key___name__="y",list="[\\"a\\",\\"b\\"]"} 1`,
      'c{a_b="2;3"} 1',
    ]);
  });

  it('are one metric for all meters of a provider, by name and kind', async () => {
    meter.createCounter('shared').add(1);
    provider.getMeter('other').createCounter('shared', { description: 'told later' }).add(2);
    expect(await samples()).toEqual(['shared 3']);
    const said = warnings(() => {
      meter.createHistogram('shared').record(5);
      meter.createObservableGauge('shared').addCallback(() => undefined);
      meter.createUpDownCounter('no name').add(1);
      meter.createHistogram('bounds', { advice: { explicitBucketBoundaries: [2, 1] } }).record(1);
    });
    expect(said).toHaveLength(4);
    expect((await samples()).filter((line) => !line.startsWith('bounds'))).toEqual(['shared 3']);
  });

  it('go on when the registry was reset, and are made anew when it was cleared', async () => {
    const counter = meter.createCounter('c');
    counter.add(5, { a: 1 });
    registry.reset();
    counter.add(1, { a: 1 });
    expect(await samples()).toEqual(['c{a="1"} 1']);
    registry.clear();
    expect(await samples()).toEqual([]);
    meter.createCounter('c').add(2, { a: 1 });
    expect(await samples()).toEqual(['c{a="1"} 2']);
  });

  it('give attributes that a scrape writes alike one label, the first that came', async () => {
    const counter = meter.createCounter('c');
    counter.add(1, { 'a.b': 'x' });
    counter.add(2, { a_b: 'x' });
    expect(await samples()).toEqual(['c{a_b="x"} 3']);
  });

  it('bound what they remember: a flood of attribute values ends in the overflow series, and nothing is lost', async () => {
    const counter = meter.createCounter('flood');
    for (let n = 0; n < 30_000; n++) counter.add(1, { n });
    const found = await samples();
    expect(found).toHaveLength(10_001);
    expect(found).toContain('flood{otel_metric_overflow="true"} 20000');
  }, 30_000);

  it('join the registry of the process unless they are given one', async () => {
    new KymoMeterProvider().getMeter('m').createCounter('by.default').add(1);
    expect(await defaultRegistry.metrics()).toContain('by_default 1');
    expect(() => new KymoMeterProvider({ registry: { metrics: async () => '' } })).toThrow(
      expect.objectContaining({ code: 'KYMO_CONFIG_VALUE' }),
    );
  });
});

describe('observable instruments', () => {
  it('are asked before a scrape, and show what was observed last', async () => {
    let value = 1;
    const callback = vi.fn((result: { observe(value: number, attributes?: object): void }) => result.observe(value, { a: 'b' }));
    const gauge = meter.createObservableGauge('g');
    gauge.addCallback(callback);
    gauge.addCallback(callback);
    meter.createObservableCounter('c').addCallback((result) => result.observe(10 * value));
    meter.createObservableUpDownCounter('u').addCallback(async (result) => result.observe(-value));
    expect(await samples()).toEqual(['g{a="b"} 1', 'c 10', 'u -1']);
    value = 2;
    expect(await samples()).toEqual(['g{a="b"} 2', 'c 20', 'u -2']);
    expect(callback).toHaveBeenCalledTimes(2);
    gauge.removeCallback(callback);
    await samples();
    expect(callback).toHaveBeenCalledTimes(2);
  });

  it('no longer show a series that was not observed', async () => {
    const values = new Map([
      ['a', 1],
      ['b', 2],
    ]);
    meter.createObservableGauge('g').addCallback((result) => {
      for (const [name, value] of values) result.observe(value, { name });
    });
    expect(await samples()).toEqual(['g{name="a"} 1', 'g{name="b"} 2']);
    values.delete('a');
    expect(await samples()).toEqual(['g{name="b"} 2']);
    values.set('a', 3);
    expect((await samples()).sort()).toEqual(['g{name="a"} 3', 'g{name="b"} 2']);
  });

  it('take batches, of the instruments they were declared with alone', async () => {
    const [one, two, other] = ['one', 'two', 'other'].map((name) => meter.createObservableGauge(name));
    const callback = (result: { observe(metric: unknown, value: number): void }) => {
      result.observe(one, 1);
      result.observe(two, 2);
      result.observe(other, 3);
    };
    meter.addBatchObservableCallback(callback as never, [one!, two!]);
    meter.addBatchObservableCallback(callback as never, [two!, one!]);
    expect(await samples()).toEqual(['one 1', 'two 2']);
    meter.removeBatchObservableCallback(callback as never, [one!, two!]);
    expect(await samples()).toEqual([]);
  });

  it('keep what they show when a callback fails, and disturb no other', async () => {
    let fails = false;
    meter.createObservableGauge('bad').addCallback((result) => {
      if (fails) throw new Error('no');
      result.observe(1);
    });
    let value = 1;
    meter.createObservableGauge('good').addCallback((result) => result.observe(value));
    await samples();
    fails = true;
    value = 2;
    expect(await samples()).toEqual(['bad 1', 'good 2']);
    await expect(provider.forceFlush()).resolves.toBeUndefined();
  });

  it('are collected without a callback that never settles', async () => {
    const observables = new Observables(() => undefined, 20);
    const metricOf = (name: string) => new NativeMetric(registry.id, { name, help: '', shape: 'last', bounds: undefined });
    observables.make(metricOf('hangs'), false).addCallback(() => new Promise(() => undefined));
    observables.make(metricOf('answers'), false).addCallback((result) => result.observe(1));
    await expect(observables.collect()).rejects.toThrow('did not settle within 20 ms');
    expect(await samples()).toEqual(['answers 1']);
    await expect(observables.collect()).rejects.toThrow('did not settle');
  });

  it('are asked no more after shutdown', async () => {
    const callback = vi.fn();
    meter.createObservableGauge('g').addCallback(callback);
    await provider.shutdown();
    await samples();
    expect(callback).toHaveBeenCalledTimes(1);
  });
});
