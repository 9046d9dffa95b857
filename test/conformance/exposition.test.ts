// Real output of the public API, read by parsers that we did not write.
import { describe, expect, it } from 'vitest';
import { MetricsRegistry, OpsServer } from '../../src/index.js';
import { everything, HOSTILE } from './everything.js';
import { lintWithPromtool, type ParsedFamily, parseWithPython, promtool, python, sampleValue } from './judges.js';

/** What both parsers must have understood of {@link everything}. */
function expectEverything(families: ParsedFamily[]): void {
  for (const [index, route] of HOSTILE.entries()) {
    expect(sampleValue(families, 'requests_total', { route, status: `${index}` }), JSON.stringify(route.slice(0, 40))).toBe(index + 0.5);
  }
  expect(sampleValue(families, 'evil')).toBeUndefined();
  expect(sampleValue(families, 'depth', { queue: 'NaN' })).toBeNaN();
  for (const value of [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e-7, 1e21, 5e-324, 1.7976931348623157e308]) {
    expect(sampleValue(families, 'depth', { queue: `${value}` })).toBe(value);
  }
  expect(sampleValue(families, 'took_seconds_count', { route: 'a"b\\c\nd' })).toBe(6);
  expect(sampleValue(families, 'took_seconds_bucket', { route: '/', le: '+Inf' })).toBe(6);
  expect(sampleValue(families, 'took_seconds_sum', { route: '/' })).toBe(0.00001 + 0.3 + 1 + 2_000_000 + 1e9);
  expect(sampleValue(families, 'plain')).toBe(3);
  expect(sampleValue(families, 'process_open_fds')).toBeGreaterThan(3);
  expect(sampleValue(families, 'nodejs_version_info', versionLabels())).toBe(1);
  expect(families.map((family) => family.name).sort()).toEqual([...new Set(families.map((family) => family.name))].sort());
}

function versionLabels(): Record<string, string> {
  const [major, minor, patch] = process.versions.node.split('.') as [string, string, string];
  return { version: process.version, major, minor, patch };
}

describe.runIf(promtool)('promtool', () => {
  it('reads everything, default metrics included, and has nothing to say about what we name ourselves [C-38]', () => {
    const said = lintWithPromtool(everything().formatPrometheus());
    // Counters and gauges named by this test on purpose: no help, no `_total`, no unit.
    const about = said.split('\n').filter((line) => /^(process_|nodejs_|kymo_)/.test(line));
    expect(about).toEqual([]);
  });

  it('reads an empty registry', () => {
    expect(lintWithPromtool(new MetricsRegistry().formatPrometheus())).toBe('');
  });
});

describe.runIf(python)("Prometheus' Python parsers", () => {
  it('read everything from the text format and find each value [C-38] [C-39] [C-40]', () => {
    const families = parseWithPython('text', everything().formatPrometheus());
    expectEverything(families);
    expect(families.find((family) => family.name === 'requests')).toMatchObject({ type: 'counter', help: 'Requests "seen"\nby \\route' });
    expect(families.find((family) => family.name === 'change')?.samples.map((sample) => sample.name)).toContain('change_sum');
  });

  it('read everything from OpenMetrics, where the parser is strict, and find each value', async () => {
    const families = parseWithPython('openmetrics', await everything().metrics({ format: 'openmetrics' }));
    expectEverything(families);
    expect(families.find((family) => family.name === 'requests')).toMatchObject({ type: 'counter', help: 'Requests "seen"\nby \\route' });
    expect(sampleValue(families, 'with_dots_and_dashes_total')).toBe(1);
    expect(families.find((family) => family.name === 'took_seconds')?.samples.map((sample) => sample.labels.le)).toEqual(
      expect.arrayContaining(['1e-05', '0.0001', '0.005', '0.25', '1.0', '10.0', '100000.0', '1e+06', '1.2345678e+07', '+Inf']),
    );
  });

  it('read creation times where they are asked for', async () => {
    const registry = new MetricsRegistry();
    const before = Date.now() / 1e3;
    registry.inc('jobs_total');
    registry.histogram({ name: 'took_seconds', help: 'Time taken', labelNames: ['route'] }).observe({ route: '/' }, 1);
    const families = parseWithPython('openmetrics', await registry.metrics({ format: 'openmetrics', created: true }));
    for (const created of [sampleValue(families, 'jobs_created'), sampleValue(families, 'took_seconds_created', { route: '/' })]) {
      expect(created).toBeGreaterThan(before - 0.01);
      expect(created).toBeLessThan(Date.now() / 1e3 + 0.01);
    }
    expect(sampleValue(parseWithPython('openmetrics', await registry.metrics({ format: 'openmetrics' })), 'jobs_created')).toBeUndefined();
  });

  it('read an empty registry in both formats', async () => {
    const registry = new MetricsRegistry();
    expect(parseWithPython('text', registry.formatPrometheus())).toEqual([]);
    expect(parseWithPython('openmetrics', await registry.metrics({ format: 'openmetrics' }))).toEqual([]);
  });

  it('read many registries from one server, gzip and all, each family once [H-85]', async () => {
    const registries = Array.from({ length: 20 }, (_, index) => {
      const registry = new MetricsRegistry();
      registry.counter({ name: 'jobs_total', help: 'Jobs done', labelNames: ['registry'] }).inc({ registry: `${index}` }, index);
      // The same series in each of them: the first registry's is written.
      registry.gauge('depth', index);
      // A family name that is another one's sample name in OpenMetrics.
      if (index === 19) registry.gauge('jobs', -1);
      return registry;
    });
    const ops = new OpsServer({ registries, port: 0 });
    await ops.start();
    try {
      for (const [format, accept] of [
        ['text', 'text/plain'],
        ['openmetrics', 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5'],
      ] as const) {
        const response = await fetch(`http://127.0.0.1:${ops.address?.port}/metrics`, { headers: { accept, 'accept-encoding': 'gzip' } });
        expect(response.headers.get('content-encoding')).toBe('gzip');
        expect(response.headers.get('content-type')).toContain(
          format === 'text' ? 'text/plain; version=0.0.4' : 'openmetrics-text; version=1.0.0',
        );
        const families = parseWithPython(format, await response.text());
        for (let index = 0; index < 20; index++) expect(sampleValue(families, 'jobs_total', { registry: `${index}` })).toBe(index);
        expect(sampleValue(families, 'depth')).toBe(0);
        expect(sampleValue(families, 'kymo_scrape_left_out', { what: 'series' })).toBe(19);
      }
    } finally {
      await ops.stop();
    }
  });
});
