// The names under which tasks and pools are counted.
import { describe, expect, it } from 'vitest';
import { CoordinationMetrics, MetricsRegistry } from '../../src/index.js';

const COUNTERS = [
  ['taskSubmitted', 'task_submitted_total'],
  ['taskClaimed', 'task_claimed_total'],
  ['taskCompleted', 'task_completed_total'],
  ['taskFailed', 'task_failed_total'],
  ['taskCancelled', 'task_cancelled_total'],
  ['poolCreated', 'pool_created_total'],
  ['poolJoin', 'pool_join_total'],
  ['poolLeave', 'pool_leave_total'],
] as const;

describe('coordination metrics', () => {
  it('[C-59] are in the registry from the beginning, under stable names', () => {
    const registry = new MetricsRegistry();
    new CoordinationMetrics(registry);
    const { counters, gauges } = registry.snapshot();
    expect(counters).toEqual(Object.fromEntries(COUNTERS.map(([, name]) => [name, 0])));
    expect(gauges).toEqual({ pool_size: 0, pending_tasks: 0 });
  });

  it('[C-59] of one registry count together, and those of two apart', () => {
    const [registry, other] = [new MetricsRegistry(), new MetricsRegistry()];
    new CoordinationMetrics(registry).taskSubmitted();
    new CoordinationMetrics(registry).taskSubmitted();
    new CoordinationMetrics(other).taskSubmitted();
    expect(registry.snapshot().counters.task_submitted_total).toBe(2);
    expect(other.snapshot().counters.task_submitted_total).toBe(1);
  });

  it('[C-60 C-61 C-62 C-63 C-64 C-65 C-66 C-67] count each event under a name of its own', () => {
    for (const [method, name] of COUNTERS) {
      const registry = new MetricsRegistry();
      const coordination = new CoordinationMetrics(registry);
      expect(coordination[method]()).toBeUndefined();
      coordination[method]();
      const counted = Object.entries(registry.snapshot().counters).filter(([, value]) => value !== 0);
      expect(counted, method).toEqual([[name, 2]]);
    }
  });

  it('[C-68 C-69] set the size of the pool and the number of tasks that wait', () => {
    const registry = new MetricsRegistry();
    const coordination = new CoordinationMetrics(registry);
    coordination.poolSize(4);
    coordination.pendingTasks(9);
    coordination.pendingTasks(7);
    expect(registry.snapshot().gauges).toEqual({ pool_size: 4, pending_tasks: 7 });
  });

  it('refuse a registry that uses a name for something else', () => {
    const registry = new MetricsRegistry();
    registry.counter({ name: 'pool_size', help: 'Not a size.' });
    expect(() => new CoordinationMetrics(registry)).toThrow(expect.objectContaining({ code: 'KYMO_METRICS_CONFLICT' }));
  });
});
