// What a registry's text looks like to whoever reads it. The rules of the formats are tested in native/core; here they meet the
// public API.
import { createServer } from 'node:http';
import { describe, expect, it } from 'vitest';
import { CONTENT_TYPES, MetricsRegistry, metricsHandler } from '../../src/index.js';

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

  it('keeps a line feed, a quote and a backslash of a label value inside its line (rule 3)', () => {
    const registry = new MetricsRegistry();
    registry.counter({ name: 'c_total', help: 'h', labelNames: ['v'] }).inc({ v: 'a"} 1\nevil 1\n\\' });
    expect(registry.formatPrometheus()).toBe('# HELP c_total h\n# TYPE c_total counter\nc_total{v="a\\"} 1\\nevil 1\\n\\\\"} 1\n');
  });

  it('says the same again after OpenMetrics was rendered (rule 9)', async () => {
    const registry = new MetricsRegistry();
    registry.inc('plain');
    const before = registry.formatPrometheus();
    expect(await registry.metrics({ format: 'openmetrics' })).toBe('# TYPE plain counter\n# HELP plain plain\nplain_total 1\n# EOF\n');
    expect(registry.formatPrometheus()).toBe(before);
  });

  it('counts exactly up to 2^53 in one thread, where adding one stops to matter (rule 23)', () => {
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

describe('label values', () => {
  it('are those of the moment of the call, whatever becomes of the object they came in (rule 2)', () => {
    const registry = new MetricsRegistry();
    const counter = registry.counter({ name: 'c_total', help: 'h', labelNames: ['a'] });
    const labels = { a: '1' };
    counter.inc(labels);
    labels.a = '2';
    counter.inc(labels);
    expect(registry.formatPrometheus()).toContain('\nc_total{a="1"} 1\nc_total{a="2"} 1\n');
  });

  it('keep series apart that other libraries take for one (rule 1)', () => {
    const registry = new MetricsRegistry();
    const counter = registry.counter({ name: 'c_total', help: 'h', labelNames: ['a', 'b'] });
    for (const [a, b] of [
      ['x|', 'y'],
      ['x', '|y'],
      ['1,b:2', ''],
      ['1', '2'],
    ] as const) {
      counter.inc({ a, b });
    }
    expect(registry.formatPrometheus().match(/^c_total\{.*\} 1$/gm)).toHaveLength(4);
  });
});

describe('scrape', () => {
  it('gives bytes and the content type of each format (rule 17)', async () => {
    const registry = new MetricsRegistry();
    registry.inc('jobs_total', 3);
    for (const [format, contentType] of Object.entries(CONTENT_TYPES)) {
      const scrape = await registry.scrape({ format: format as keyof typeof CONTENT_TYPES });
      expect(scrape.contentType).toBe(contentType);
      expect(scrape.body.includes('jobs_total')).toBe(true);
      if (format !== 'protobuf') {
        const text = await registry.metrics({ format: format as keyof typeof CONTENT_TYPES });
        expect(scrape.body.toString('utf8')).toBe(text);
      }
      const target = new Uint8Array(4096);
      const length = registry.renderInto(target, { format: format as keyof typeof CONTENT_TYPES });
      expect(scrape.body.equals(target.subarray(0, length))).toBe(true);
    }
    expect((await registry.scrape({ escaping: 'dots' })).contentType).toBe('text/plain; version=0.0.4; charset=utf-8; escaping=dots');
    expect((await registry.scrape({ format: 'text-1.0.0', escaping: 'allow-utf-8' })).contentType).toBe(
      'text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8',
    );
  });

  it('takes only the families that were asked for', async () => {
    const registry = new MetricsRegistry();
    registry.inc('jobs_total', 3);
    registry.gauge('depth', 1);
    registry.histogram({ name: 'took_seconds', help: 'h', buckets: [1] }).observe(1);
    expect(await registry.metrics({ names: ['depth', 'nothing'] })).toBe('# HELP depth depth\n# TYPE depth gauge\ndepth 1\n');
    expect((await registry.metrics({ names: ['took_seconds_count', 'jobs'] })).match(/# TYPE (\w+)/g)).toEqual([
      '# TYPE jobs_total',
      '# TYPE took_seconds',
    ]);
    expect(await registry.metrics({ names: [] })).toBe('');
    expect((await registry.metrics({})).match(/# TYPE/g)).toHaveLength(3);
  });

  it('refuses what it does not know, and protobuf as a string', async () => {
    const registry = new MetricsRegistry();
    await expect(registry.scrape({ format: 'xml' as never })).rejects.toThrow('KYMO_CONFIG_VALUE: format is xml');
    await expect(registry.scrape({ escaping: 'none' as never })).rejects.toThrow('KYMO_CONFIG_VALUE: escaping is none');
    expect(() => registry.metrics({ format: 'protobuf' })).toThrow('KYMO_CONFIG_VALUE: format is protobuf');
    expect(() => registry.metrics({ format: 'toString' as never })).toThrow('KYMO_CONFIG_VALUE: format is toString');
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
