// What native code sees of the drop-in: the same values without the event loop, given back when they go; and what it cannot see.
import { describe, expect, it, vi } from 'vitest';
import { native } from '../../../src/binding/load.js';
import { Counter, Gauge, Histogram, Registry, Summary } from '../../../src/compat/prom-client/index.js';
import { NativeRegistry } from '../../../src/compat/prom-client/native-metric.js';

const REGISTRY = Symbol.for('kymo.registry');

/** What the ops server would answer, in text 0.0.4, without its own lines. */
function served(registry: Registry): string[] {
  const id = (registry as unknown as Record<symbol, number>)[REGISTRY] as number;
  return native
    .renderSync([id], 0, false)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
}

function counter(registry: Registry, name = 'c', labelNames = ['a']): Counter {
  return new Counter({ name, help: 'h', labelNames, registers: [registry] });
}

describe('a registry on the native side', () => {
  it('shows counters, gauges and histograms as they are, and summaries as the last scrape saw them', async () => {
    const registry = new Registry();
    counter(registry).inc({ a: 'x' }, 2);
    new Gauge({ name: 'g', help: 'h', registers: [registry] }).set(-1.5);
    new Histogram({ name: 'h', help: 'h', buckets: [1, 2], registers: [registry] }).observe(1.5);
    const summary = new Summary({ name: 's', help: 'h', percentiles: [0.5], registers: [registry] });
    summary.observe(3);
    await registry.metrics();
    summary.observe(30);
    expect(served(registry)).toEqual([
      'c{a="x"} 2',
      'g -1.5',
      'h_bucket{le="1"} 0',
      'h_bucket{le="2"} 1',
      'h_bucket{le="+Inf"} 1',
      'h_sum 1.5',
      'h_count 1',
      's{quantile="0.5"} 3',
      's_sum 33',
      's_count 2',
    ]);
  });

  it('follows registrations, removals, default labels and clear() without a scrape', () => {
    const [one, two] = [new Registry(), new Registry()];
    const first = counter(one, 'first');
    counter(one, 'second').inc();
    first.inc({ a: 'x' });
    two.registerMetric(first);
    one.setDefaultLabels({ app: 'shop' });
    expect(served(one)).toEqual(['first{app="shop",a="x"} 1', 'second{app="shop"} 1']);
    expect(served(two)).toEqual(['first{a="x"} 1']);
    one.removeSingleMetric('first');
    expect(served(one)).toEqual(['second{app="shop"} 1']);
    one.clear();
    expect(served(one)).toEqual([]);
    first.inc({ a: 'x' });
    expect(served(two)).toEqual(['first{a="x"} 2']);
  });

  it('collects regularly from when it is served, though nobody asks for metrics()', async () => {
    const registry = new Registry();
    let collected = 0;
    const collect = function (this: Gauge): void {
      this.set(++collected);
    };
    new Gauge({ name: 'g', help: 'h', registers: [registry], collect });
    new Gauge({ name: 'failing', help: 'h', registers: [registry], collect: () => Promise.reject(new Error('no data')) });
    new Summary({ name: 's', help: 'h', percentiles: [0.5], registers: [registry] }).observe(3);
    expect(served(registry)[0]).toBe('g 0');
    await vi.waitFor(() => expect(served(registry)).toEqual(['g 1', 'failing 0', 's{quantile="0.5"} 3', 's_sum 3', 's_count 1']));
    expect(collected).toBe(1);
  });

  it('shows exemplars in OpenMetrics', () => {
    vi.spyOn(Date, 'now').mockReturnValue(1_678_654_679_250);
    const registry = new Registry(Registry.OPENMETRICS_CONTENT_TYPE);
    const declared = { help: 'h', labelNames: ['a'], enableExemplars: true, registers: [registry] };
    const exemplarLabels = { trace_id: 'a"b' };
    new Counter({ ...declared, name: 'jobs_total' }).inc({ labels: { a: 'x' }, value: 2, exemplarLabels });
    new Histogram({ ...declared, name: 'h', buckets: [1] }).observe({ labels: { a: 'x' }, value: 5, exemplarLabels });
    vi.restoreAllMocks();
    const lines = native.renderSync([(registry as unknown as Record<symbol, number>)[REGISTRY] as number], 1, false).split('\n');
    expect(lines.filter((line) => line.includes(' # '))).toEqual([
      'jobs_total{a="x"} 2 # {trace_id="a\\"b"} 2 1678654679.250',
      'h_bucket{a="x",le="+Inf"} 1 # {trace_id="a\\"b"} 5 1678654679.250',
    ]);
  });

  it('has no limit of series', () => {
    const registry = new Registry();
    const many = counter(registry);
    for (let value = 0; value < 10_500; value++) many.inc({ a: value });
    expect(served(registry)).toHaveLength(10_500);
  });

  it('gives removed series back, and starts them at 0 at the end of the list', async () => {
    const registry = new Registry();
    const metric = counter(registry);
    const bound = metric.labels('x');
    bound.inc(5);
    metric.inc({ a: 'y' });
    metric.remove('x');
    expect(served(registry)).toEqual(['c{a="y"} 1']);
    bound.inc();
    expect((await registry.metrics()).split('\n').slice(2, 4)).toEqual(['c{a="y"} 1', 'c{a="x"} 1']);
    metric.reset();
    expect(served(registry)).toEqual([]);
  });
});

describe('what native code cannot show', () => {
  it.each<[string, (metric: Counter) => void, string[]]>([
    [
      'a label that is undefined, beside the word',
      (metric) => void [{ a: undefined }, { a: 'undefined' }].map((labels) => metric.inc(labels)),
      ['c{a="undefined"} 1', 'c{a="undefined"} 1'],
    ],
    ['half a surrogate pair', (metric) => metric.inc({ a: '\ud800' }), ['c{a="\ud800"} 1']],
    ['a value that is no number', (metric) => metric.inc({ a: 'x' }, '' as never), ['c{a="x"} +Inf']],
    ['a very long label', (metric) => metric.inc({ a: 'x'.repeat(20_000) }), [`c{a="${'x'.repeat(20_000)}"} 1`]],
  ])('is in metrics() all the same: %s', async (_, record, lines) => {
    const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const registry = new Registry();
    record(counter(registry));
    expect((await registry.metrics()).split('\n').slice(2, -1)).toEqual(lines);
    warning.mockRestore();
  });

  it('counts on in memory of its own when native memory is refused, and says so once', async () => {
    const warning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const refuse = vi.spyOn(native, 'registerPairs').mockReturnValue(-1);
    const registry = new Registry();
    const metric = counter(registry);
    const histogram = new Histogram({ name: 'h', help: 'h', buckets: [1], registers: [registry] });
    for (let k = 0; k < 3; k++) metric.labels('x').inc();
    metric.inc({ a: 'y' }, 2);
    histogram.observe(0.5);
    refuse.mockRestore();
    expect((await registry.metrics()).split('\n').filter((line) => /^[ch]/.test(line))).toEqual([
      'c{a="x"} 3',
      'c{a="y"} 2',
      'h_bucket{le="1"} 1',
      'h_bucket{le="+Inf"} 1',
      'h_sum 0.5',
      'h_count 1',
    ]);
    expect(warning).toHaveBeenCalledTimes(1);
    expect(warning.mock.calls[0]?.[1]).toEqual({ code: 'KYMO_METRICS_PRIVATE' });
    warning.mockRestore();
  });
});

describe('texts', () => {
  it('are the same from native code and from JavaScript', async () => {
    const registry = new Registry();
    registry.setDefaultLabels({ app: 'a"\\', le: 'x', quantile: 1 });
    const metric = counter(registry, 'c', ['a', 'b']);
    for (const value of ['', 'x,', 1, true, null, 'l\nf', 'ü']) metric.inc({ b: value as string, a: 'q"' }, 0.1);
    new Histogram({ name: 'h', help: 'back\\slash\n', registers: [registry] }).observe(1e-7);
    new Summary({ name: 's', help: 'h', registers: [registry] }).observe(1);
    const gauge = new Gauge({ name: 'g', help: 'h', labelNames: ['v'], registers: [registry] });
    for (const value of [0, -0, Number.NaN, Number.POSITIVE_INFINITY, -1e21, 1e-7, 2 ** 53, 0.000001, 123.456])
      gauge.set({ v: value }, value);
    for (const type of [Registry.PROMETHEUS_CONTENT_TYPE, Registry.OPENMETRICS_CONTENT_TYPE]) {
      registry.setContentType(type);
      const natively = await registry.metrics();
      const align = vi.spyOn(NativeRegistry.prototype, 'align').mockReturnValue(false);
      expect(natively).toBe(await registry.metrics());
      align.mockRestore();
    }
  });

  it('of many lines are made on another thread, and lent to JavaScript until they are collected', async () => {
    const registry = new Registry();
    const metric = counter(registry);
    for (let value = 0; value < 30_000; value++) metric.inc({ a: `value-${value}` }, value);
    const render = vi.spyOn(native, 'renderAsync');
    const texts = await Promise.all([registry.metrics(), registry.metrics()]);
    expect(render).toHaveBeenCalledTimes(2);
    render.mockRestore();
    expect(texts[0]).toBe(texts[1]);
    for (let again = 0; again < 50; again++) await registry.metrics();
    const lines = (texts[0] as string).split('\n').slice(2, -1);
    expect(lines).toHaveLength(30_000);
    expect(lines.every((line, value) => line === `c{a="value-${value}"} ${value}`)).toBe(true);
  });
});
