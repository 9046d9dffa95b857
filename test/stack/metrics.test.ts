// Metrics wired up in one call.
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { configureMetrics, InvalidMetricError, MetricsRegistry, metrics } from '../../src/index.js';

const get = async (port: number): Promise<string> => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();

describe('configuring the metrics of a process', () => {
  it('[H-28 L-222] configures the registry, adds process metrics and starts the endpoint', async () => {
    const registry = new MetricsRegistry();
    await using stack = await configureMetrics({ registry, prefix: 'shop_', ops: { port: 0 } });
    registry.counter('orders_total', 'Orders').inc(2);
    const text = await get(stack.ops?.address?.port as number);
    expect(text).toContain('\nshop_orders_total 2\n');
    expect(text).toContain('\nprocess_resident_memory_bytes ');
    await stack.stop();
    expect(stack.ops?.address).toBeNull();
    expect(registry.formatPrometheus()).not.toContain('process_');
  });

  it('[L-222] leaves process metrics out when told to, and starts no endpoint unless told to', async () => {
    const registry = new MetricsRegistry();
    const stack = await configureMetrics({ registry, enableDefaultMetrics: false });
    expect(stack.ops).toBeUndefined();
    registry.inc('a');
    expect(registry.formatPrometheus()).toBe('# HELP a a\n# TYPE a counter\na 1\n');
    await stack.stop();
  });

  it('[H-34 H-35] starts nothing when metrics are switched off', async () => {
    const registry = new MetricsRegistry();
    const stack = await configureMetrics({ registry, enabled: false, ops: { port: 0 } });
    expect(registry.disabled()).toBe(true);
    expect(stack.ops).toBeUndefined();
    registry.counter('a').inc();
    await stack.stop();
    registry.configure();
    expect(registry.formatPrometheus()).toBe('');
  });

  it('is about the registry of the process unless it is given one', async () => {
    await using stack = await configureMetrics({ enableDefaultMetrics: false });
    expect(stack.registry).toBe(metrics);
  });

  it('leaves nothing behind when the endpoint cannot start, or an option is wrong', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as { port: number };
    const registry = new MetricsRegistry();
    await expect(configureMetrics({ registry, ops: { port } })).rejects.toMatchObject({ code: 'KYMO_OPS_PORT_IN_USE' });
    expect(registry.formatPrometheus()).toBe('');
    await expect(configureMetrics({ registry, prefix: ' ' })).rejects.toBeInstanceOf(InvalidMetricError);
    await expect(configureMetrics({ registry, ops: { port: -1 } })).rejects.toMatchObject({ code: 'KYMO_OPS_OPTION' });
    expect(registry.formatPrometheus()).toBe('');
    taken.close();
  });
});
