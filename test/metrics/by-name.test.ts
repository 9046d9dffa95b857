// A registry used by name, without declarations: what the oldest of Kymo's ancestors called its metrics collector.
import { describe, expect, it } from 'vitest';
import { KymoError } from '../../src/core/errors.js';
import { MetricsRegistry } from '../../src/metrics/registry.js';

/** What a snapshot says of the kinds that are not there. */
const NONE = { summaries: {}, infos: {}, stateSets: {} };

function codeOf(body: () => unknown): string | undefined {
  try {
    body();
  } catch (error) {
    if (KymoError.is(error)) return error.code;
    throw error;
  }
  return undefined;
}

describe('a registry used by name', () => {
  it('[C-34] is made without arguments, starts empty and shares nothing with another one', () => {
    const first = new MetricsRegistry();
    const second = new MetricsRegistry();
    expect(first.snapshot()).toEqual({ counters: {}, gauges: {}, histograms: {}, ...NONE });
    first.inc('requests');
    first.gauge('latency', 0.5);
    expect(second.snapshot()).toEqual({ counters: {}, gauges: {}, histograms: {}, ...NONE });
    second.inc('requests', 5);
    expect(first.snapshot().counters).toEqual({ requests: 1 });
  });

  it('[C-35] adds to a counter, by 1 unless told otherwise, and makes it on first use', () => {
    const registry = new MetricsRegistry();
    registry.inc('requests');
    registry.inc('requests', 2);
    registry.inc('never', 0);
    expect(registry.snapshot().counters).toEqual({ requests: 3, never: 0 });
  });

  it.each([-1, -Number.MIN_VALUE, Number.NaN, Infinity, -Infinity, '1' as unknown as number, 1n as unknown as number])(
    '[C-35] refuses to add %s, and changes nothing',
    (value) => {
      const registry = new MetricsRegistry();
      registry.inc('requests', Number.MAX_SAFE_INTEGER);
      expect(codeOf(() => registry.inc('requests', value))).toBe('KYMO_METRICS_VALUE');
      expect(codeOf(() => registry.inc('other', value))).toBe('KYMO_METRICS_VALUE');
      expect(registry.snapshot().counters).toEqual({ requests: Number.MAX_SAFE_INTEGER });
    },
  );

  it('[C-36] sets a gauge and makes it on first use; the last write wins', () => {
    const registry = new MetricsRegistry();
    for (const value of [1, -2.5, 0, 1e300, 0.1]) {
      registry.gauge('latency', value);
      expect(registry.snapshot().gauges).toEqual({ latency: value });
    }
  });

  it('[C-37] gives a plain copy that later updates and its holder do not share', () => {
    const registry = new MetricsRegistry();
    registry.inc('requests', 3);
    registry.gauge('latency', 0.5);
    const before = registry.snapshot();
    registry.inc('requests');
    registry.gauge('latency', 9);
    expect(before).toEqual({ counters: { requests: 3 }, gauges: { latency: 0.5 }, histograms: {}, ...NONE });
    const copy = registry.snapshot();
    copy.counters.requests = -1;
    delete copy.gauges.latency;
    expect(registry.snapshot()).toEqual({ counters: { requests: 4 }, gauges: { latency: 9 }, histograms: {}, ...NONE });
  });

  it('[C-37] keeps names that mean something to objects apart from their prototypes', () => {
    const registry = new MetricsRegistry();
    for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) registry.inc(name, 7);
    const { counters } = registry.snapshot();
    expect(Object.keys(counters).sort()).toEqual(['__proto__', 'constructor', 'hasOwnProperty', 'toString']);
    expect(Object.values(counters)).toEqual([7, 7, 7, 7]);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it('refuses one name for two kinds', () => {
    const registry = new MetricsRegistry();
    registry.inc('requests');
    expect(codeOf(() => registry.gauge('requests', 1))).toBe('KYMO_METRICS_CONFLICT');
    registry.counter({ name: 'labelled_total', help: 'h', labelNames: ['a'] });
    expect(codeOf(() => registry.inc('labelled_total'))).toBe('KYMO_METRICS_LABELS');
    expect(registry.snapshot().counters).toEqual({ requests: 1 });
  });

  it('[C-38] writes dots and dashes of a name as the text format can, and says when two names become one', () => {
    const registry = new MetricsRegistry();
    registry.inc('jobs.done', 2);
    expect(registry.formatPrometheus()).toContain('\njobs_done 2\n');
    expect(codeOf(() => registry.gauge('jobs-done', 1))).toBe('KYMO_METRICS_CONFLICT');
  });

  it('makes nothing under a name that the formats do not allow', () => {
    const registry = new MetricsRegistry();
    for (const name of ['', '1st', 'a b', 'a\n# TYPE b counter', 'a{b="c"}']) {
      expect(
        codeOf(() => registry.inc(name)),
        name,
      ).toBe('KYMO_METRICS_DECLARATION');
    }
    expect(registry.formatPrometheus()).toBe('');
  });
});
