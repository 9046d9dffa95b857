// What a registry's text looks like to whoever reads it. The rules of the formats are tested in native/core; here they meet the
// public API.
import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { MetricsRegistry, metricsHandler } from '../../src/index.js';

describe('formatPrometheus', () => {
  it('is empty for an empty registry [C-38]', () => {
    expect(new MetricsRegistry().formatPrometheus()).toBe('');
  });

  it('writes a counter as one line under a counter type, without a creation time [C-39]', () => {
    const registry = new MetricsRegistry();
    registry.inc('jobs_total');
    registry.inc('jobs_total');
    expect(registry.formatPrometheus()).toBe('# HELP jobs_total jobs_total\n# TYPE jobs_total counter\njobs_total 2\n');
  });

  it('writes a gauge as one line and spells what is no finite number as the format says [C-40]', () => {
    const registry = new MetricsRegistry();
    for (const [name, value, written] of [
      ['depth', 0.5, '0.5'],
      ['not_a_number', Number.NaN, 'NaN'],
      ['above', Number.POSITIVE_INFINITY, '+Inf'],
      ['below', Number.NEGATIVE_INFINITY, '-Inf'],
    ] as const) {
      registry.gauge(name, value);
      expect(registry.formatPrometheus()).toContain(`# HELP ${name} ${name}\n# TYPE ${name} gauge\n${name} ${written}\n`);
    }
  });

  it('declares each family once and turns what Prometheus refuses in a name into underscores [C-38]', () => {
    const registry = new MetricsRegistry();
    registry.inc('http.requests-seen');
    const duration = registry.histogram({ name: 'took_seconds', help: 'Time taken', labelNames: ['route'], buckets: [0.1, 1] });
    duration.observe({ route: '/a' }, 0.05);
    duration.observe({ route: '/b' }, 5);
    expect(registry.formatPrometheus()).toBe(
      [
        '# HELP http_requests_seen http.requests-seen',
        '# TYPE http_requests_seen counter',
        'http_requests_seen 1',
        '# HELP took_seconds Time taken',
        '# TYPE took_seconds histogram',
        'took_seconds_bucket{route="/a",le="0.1"} 1',
        'took_seconds_bucket{route="/a",le="1"} 1',
        'took_seconds_bucket{route="/a",le="+Inf"} 1',
        'took_seconds_sum{route="/a"} 0.05',
        'took_seconds_count{route="/a"} 1',
        'took_seconds_bucket{route="/b",le="0.1"} 0',
        'took_seconds_bucket{route="/b",le="1"} 0',
        'took_seconds_bucket{route="/b",le="+Inf"} 1',
        'took_seconds_sum{route="/b"} 5',
        'took_seconds_count{route="/b"} 1',
        '',
      ].join('\n'),
    );
  });

  it('keeps a line feed, a quote and a backslash of a label value inside its line', () => {
    const registry = new MetricsRegistry();
    registry.counter({ name: 'c_total', help: 'h', labelNames: ['v'] }).inc({ v: 'a"} 1\nevil 1\n\\' });
    expect(registry.formatPrometheus()).toBe('# HELP c_total h\n# TYPE c_total counter\nc_total{v="a\\"} 1\\nevil 1\\n\\\\"} 1\n');
  });

  it('says the same again after OpenMetrics was rendered', async () => {
    const registry = new MetricsRegistry();
    registry.inc('plain');
    const before = registry.formatPrometheus();
    expect(await registry.metrics({ format: 'openmetrics' })).toBe('# TYPE plain counter\n# HELP plain plain\nplain_total 1\n# EOF\n');
    expect(registry.formatPrometheus()).toBe(before);
  });

  it('counts exactly up to 2^53 in one thread, where adding one stops to matter', () => {
    const registry = new MetricsRegistry();
    const counter = registry.counter({ name: 'c_total', help: 'h' });
    counter.inc(2 ** 53 - 1);
    counter.inc();
    expect(registry.formatPrometheus()).toContain('\nc_total 9007199254740992\n');
    counter.inc();
    expect(registry.formatPrometheus()).toContain('\nc_total 9007199254740992\n');
  });

  it('opens no port: any server of the application serves the text [C-41]', async () => {
    const registry = new MetricsRegistry();
    registry.inc('jobs_total', 3);
    await using server = await listening(createServer((_request, response) => response.end(registry.formatPrometheus())));
    expect(await (await fetch(server.url)).text()).toBe('# HELP jobs_total jobs_total\n# TYPE jobs_total counter\njobs_total 3\n');
  });
});

describe('metricsHandler', () => {
  it('serves plain text of version 0.0.4 from a server the application already runs [H-50]', async () => {
    const registry = new MetricsRegistry();
    registry.inc('jobs_total');
    await using server = await listening(createServer(metricsHandler(registry)));
    const response = await fetch(`${server.url}/metrics`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await response.text()).toBe('# HELP jobs_total jobs_total\n# TYPE jobs_total counter\njobs_total 1\n');
  });
});

async function listening(server: ReturnType<typeof createServer>): Promise<AsyncDisposable & { readonly url: string }> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
