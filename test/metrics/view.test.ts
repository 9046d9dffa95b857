// Views: what they change, in which order, and that dropped labels cost nothing.
import { describe, expect, it } from 'vitest';
import { KymoError, MetricsRegistry, type View } from '../../src/index.js';
import { dropsOf, scrape } from './scrape.js';

function viewed(...views: View[]): MetricsRegistry {
  const registry = new MetricsRegistry();
  for (const view of views) registry.addView(view);
  return registry;
}

const names = ['http_requests_total', 'http_errors_total', 'jobs_total'];

describe('a view', () => {
  it.each([
    ['a name', 'jobs_total', ['jobs_total']],
    ['a star', 'http_*', ['http_requests_total', 'http_errors_total']],
    ['stars within', '*_e*s_*', ['http_errors_total']],
    ['a star alone', '*', names],
    ['characters that mean something elsewhere', 'http.requests_total', []],
    ['an expression', /errors|jobs/, ['http_errors_total', 'jobs_total']],
    ['an expression that would remember', /_total/g, names],
    [
      'a function',
      ({ name, kind, labelNames }: { name: string; kind: string; labelNames: readonly string[] }) =>
        kind === 'counter' && labelNames.includes('a') && name < 'i',
      ['http_requests_total', 'http_errors_total'],
    ],
  ] as const)('matches by %s', (_, match, matched) => {
    const registry = viewed({ match, drop: true });
    for (const name of names) registry.counter({ name, help: 'h', labelNames: ['a'] }).inc({ a: '1' });
    expect(Object.keys(scrape(registry))).toEqual(
      names.filter((name) => !(matched as readonly string[]).includes(name)).map((name) => `${name}{a="1"}`),
    );
  });

  it('renames, for the registry and for the scrape', () => {
    const registry = viewed(
      { match: 'http_requests_total', rename: 'web_requests_total' },
      { match: 'jobs*', rename: (name) => `app_${name}` },
    );
    const declare = () => registry.counter({ name: 'http_requests_total', help: 'h' });
    declare().inc();
    expect(declare()).toBe(declare());
    expect(declare().name).toBe('web_requests_total');
    registry.counter({ name: 'jobs_total', help: 'h' }).inc(2);
    expect(scrape(registry)).toEqual({ web_requests_total: 1, app_jobs_total: 2 });
  });

  it('may not rename two different metrics to one name, nor to no name', () => {
    const registry = viewed({ match: 'http_*', rename: 'http' }, { match: 'jobs', rename: 'a b' });
    registry.counter({ name: 'http_a', help: 'a' });
    const codeOf = (name: string) => {
      try {
        registry.counter({ name, help: 'other', labelNames: ['x'] });
        return 'accepted';
      } catch (error) {
        return KymoError.is(error) ? error.code : String(error);
      }
    };
    expect([codeOf('http_b'), codeOf('jobs')]).toEqual(['KYMO_METRICS_CONFLICT', 'KYMO_METRICS_DECLARATION']);
  });

  it('drops labels: series that differ in nothing else become one, callers go on giving all', () => {
    const registry = viewed({ match: '*', dropLabels: ['user'] });
    const counter = registry.counter({ name: 'c_total', help: 'c', labelNames: ['method', 'user', 'status'] });
    const gauge = registry.gauge({ name: 'g', help: 'g', labelNames: ['user'] });
    const histogram = registry.histogram({ name: 'h', help: 'h', labelNames: ['user', 'route'], buckets: [1] });
    expect(counter.labelNames).toEqual(['method', 'user', 'status']);
    for (let user = 0; user < 3; user++) {
      counter.inc({ method: 'GET', user, status: 200 });
      counter.inc({ method: 'GET', user: `u${user}`, status: 200 });
      counter.labels('GET', user, 200).inc();
      counter.labels({ method: 'GET', user, status: 200 }).inc();
      gauge.inc({ user });
      histogram.observe({ user, route: '/' }, 0.5);
    }
    expect(scrape(registry)).toEqual({
      'c_total{method="GET",status="200"}': 12,
      g: 3,
      'h_bucket{route="/",le="1"}': 3,
      'h_bucket{route="/",le="+Inf"}': 3,
      'h_sum{route="/"}': 1.5,
      'h_count{route="/"}': 3,
    });
    const coded = expect.objectContaining({ code: 'KYMO_METRICS_LABELS' });
    expect(() => counter.inc({ method: 'PUT', usr: 1, status: 200 } as never)).toThrow(coded);
    expect(() => counter.labels('GET', 200)).toThrow(coded);
    expect(counter.getValue({ method: 'GET', user: 'whoever', status: 200 })).toBe(12);
    expect(counter.removeMatching({ user: 'u1' })).toBe(0);
    expect(counter.removeMatching({ method: 'GET' })).toBe(1);
    expect(counter.remove('GET', 'x', 200)).toBe(false);
  });

  it('keeps only some labels, and needs no value of those that go', () => {
    const registry = viewed({ match: 'c_*', keepLabels: ['status', 'method', 'none'] });
    const counter = registry.counter({ name: 'c_total', help: 'c', labelNames: ['method', 'user', 'status'], labels: { user: 'nobody' } });
    counter.inc({ method: 'GET', status: 200 });
    counter.inc({ method: 'GET', status: 200, user: Object.create(null) as never });
    expect(scrape(registry)).toEqual({ 'c_total{method="GET",status="200"}': 2 });
  });

  it('keeps nothing of the values that it drops', () => {
    const registry = viewed({ match: '*', dropLabels: ['user'] });
    const counter = registry.counter({ name: 'c_total', help: 'c', labelNames: ['user', 'status'], maxSeries: 1 });
    for (let user = 0; user < 5_000; user++) counter.inc({ user: `user-${user}`, status: 200 });
    expect(scrape(registry)).toEqual({ 'c_total{status="200"}': 5_000 });
  });

  it('may leave a metric without labels', () => {
    const registry = viewed({ match: '*', keepLabels: [] });
    const counter = registry.counter({ name: 'c_total', help: 'c', labelNames: ['user'] });
    counter.inc({ user: 1 });
    counter.inc({ user: 2 });
    counter.labels(3).inc();
    expect(scrape(registry)).toEqual({ c_total: 3 });
  });

  it('gives a histogram other buckets, and leaves other kinds alone', () => {
    const registry = viewed({ match: '*', buckets: [2, 4] });
    registry.histogram({ name: 'h', help: 'h', buckets: [1] }).observe(3);
    registry.counter({ name: 'c_total', help: 'c' }).inc();
    expect(scrape(registry)).toEqual({
      'h_bucket{le="2"}': 0,
      'h_bucket{le="4"}': 1,
      'h_bucket{le="+Inf"}': 1,
      h_sum: 3,
      h_count: 1,
      c_total: 1,
    });
  });

  it('caps the series of a metric', () => {
    const registry = viewed({ match: 'c_*', maxSeries: 2 });
    const counter = registry.counter({ name: 'c_total', help: 'c', labelNames: ['a'], maxSeries: 100 });
    for (let a = 0; a < 5; a++) counter.inc({ a });
    expect(scrape(registry)).toEqual({ 'c_total{a="0"}': 1, 'c_total{a="1"}': 1, 'c_total{otel_metric_overflow="true"}': 3 });
  });

  it('that drops a metric gives one that takes every call and does nothing, and counts no drop', () => {
    const registry = viewed({ match: '*', drop: true });
    const counter = registry.counter({ name: 'c_total', help: 'c', labelNames: ['a'] });
    const gauge = registry.gauge({ name: 'g', help: 'g' });
    const histogram = registry.histogram({ name: 'h', help: 'h', labelNames: ['a'] });
    const drops = dropsOf(() => {
      counter.inc({ a: '1' });
      counter.inc(2, { a: '1' });
      counter.labels('1').inc();
      counter.record(1, { a: '1' });
      gauge.set(1);
      gauge.inc();
      gauge.dec();
      gauge.setToCurrentTime();
      gauge.startTimer()();
      histogram.observe({ a: '1' }, 1);
      histogram.labels('1').observe(1);
      expect(histogram.startTimer({ a: '1' })()).toBeGreaterThanOrEqual(0);
      counter.zero('1');
      counter.reset();
    });
    expect(drops).toEqual({});
    expect([counter.getCount(), gauge.value, counter.remove('1'), counter.removeMatching({ a: '1' })]).toEqual([0, 0, false, 0]);
    expect(registry.formatPrometheus()).toBe('');
    expect(registry.counter({ name: 'c_total', help: 'c', labelNames: ['a'] })).toBe(counter);
  });

  it('takes effect together with the others, in the order of their addition, each by the declared name', () => {
    const registry = viewed(
      { match: 'c_total', rename: 'first', dropLabels: ['a'] },
      { match: 'first', rename: 'never' },
      { match: 'c_*', rename: 'second', keepLabels: ['a', 'b'] },
      { match: /c/, dropLabels: ['x'], maxSeries: 1 },
    );
    const counter = registry.counter({ name: 'c_total', help: 'c', labelNames: ['a', 'b', 'c'] });
    counter.inc({ a: 1, b: 2, c: 3 });
    counter.inc({ a: 1, b: 3, c: 3 });
    expect(scrape(registry)).toEqual({ 'second{b="2"}': 1, 'second{otel_metric_overflow="true"}': 1 });
  });

  it('changes what is declared after it was added, and only in its registry', () => {
    const registry = new MetricsRegistry();
    registry.counter({ name: 'a_total', help: 'a' }).inc();
    registry.addView({ match: '*', drop: true });
    registry.counter({ name: 'b_total', help: 'b' }).inc();
    const other = new MetricsRegistry();
    other.counter({ name: 'b_total', help: 'b' }).inc();
    expect([scrape(registry), scrape(other)]).toEqual([{ a_total: 1 }, { b_total: 1 }]);
  });

  it('is a copy of what was given', () => {
    const registry = new MetricsRegistry();
    const view = { match: 'c_*', rename: 'renamed' };
    registry.addView(view);
    view.rename = 'changed';
    registry.counter({ name: 'c_total', help: 'c' });
    expect(scrape(registry)).toEqual({ renamed: 0 });
  });

  it.each([
    undefined,
    null,
    {},
    { match: '' },
    { match: 1 },
    { match: '*', rename: 1 },
    { match: '*', keepLabels: 'a' },
    { match: '*', dropLabels: [1] },
  ])('may not be %j', (view) => {
    expect(() => new MetricsRegistry().addView(view as never)).toThrow(expect.objectContaining({ code: 'KYMO_CONFIG_VALUE' }));
  });
});
