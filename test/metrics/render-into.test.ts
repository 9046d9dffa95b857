// Rendering into memory of the caller: the same bytes as everywhere else, and never one beyond what the caller gave.
import { describe, expect, it } from 'vitest';
import { MetricsRegistry } from '../../src/metrics/registry.js';

function filled(series: number): MetricsRegistry {
  const registry = new MetricsRegistry();
  const counter = registry.counter({ name: 'jobs_total', help: 'Jobs', labelNames: ['kind'] });
  for (let k = 0; k < series; k++) counter.inc({ kind: `ü${k}` }, k);
  return registry;
}

describe('renderInto', () => {
  it('writes the bytes of the text and nothing behind them', async () => {
    const registry = filled(100);
    const target = new Uint8Array(64 << 10).fill(0xff);
    const length = registry.renderInto(target);
    expect(Buffer.from(target.subarray(0, length)).toString('utf8')).toBe(await registry.metrics());
    expect(target.subarray(length).every((byte) => byte === 0xff)).toBe(true);
  });

  it('gives the length and writes nothing when one byte is missing', () => {
    const registry = filled(3);
    const needed = registry.renderInto(new Uint8Array(0));
    const short = new Uint8Array(needed - 1).fill(0xff);
    expect(registry.renderInto(short)).toBe(needed);
    expect(short.every((byte) => byte === 0xff)).toBe(true);
    expect(registry.renderInto(new Uint8Array(needed))).toBe(needed);
  });

  it('stays inside a view of a larger buffer', () => {
    const registry = filled(3);
    const needed = registry.renderInto(new Uint8Array(0));
    const whole = Buffer.alloc(needed + 20, 0xff);
    registry.renderInto(whole.subarray(10, 10 + needed));
    expect(whole.subarray(0, 10).every((byte) => byte === 0xff)).toBe(true);
    expect(whole.subarray(10 + needed).every((byte) => byte === 0xff)).toBe(true);
    expect(whole.toString('utf8', 10, 10 + needed)).toBe(registry.formatPrometheus());
  });

  it('writes nothing for an empty registry, and OpenMetrics when asked', () => {
    const registry = new MetricsRegistry();
    const target = new Uint8Array(16);
    expect(registry.renderInto(target)).toBe(0);
    const length = registry.renderInto(target, { format: 'openmetrics' });
    expect(Buffer.from(target.subarray(0, length)).toString()).toBe('# EOF\n');
  });

  it('refuses a target that is no Uint8Array, and a detached one holds nothing', () => {
    const registry = filled(1);
    expect(() => registry.renderInto('text' as never)).toThrow('KYMO_CONFIG_VALUE: target is string, expected a Uint8Array');
    expect(() => registry.renderInto(new Uint8Array(1), { format: 'xml' as never })).toThrow('KYMO_CONFIG_VALUE: format is xml');
    const detached = new Uint8Array(4096);
    structuredClone(detached.buffer, { transfer: [detached.buffer] });
    expect(registry.renderInto(detached)).toBeGreaterThan(0);
  });
});
