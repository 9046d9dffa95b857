// The metrics of a pool of workers that take tasks. App threads.
import type { Counter } from './counter.js';
import type { Gauge } from './gauge.js';
import type { MetricsRegistry } from './registry.js';

/**
 * Stable names for what happens to tasks and in a pool; each method is one store. All ten metrics are in the registry from the
 * beginning, with 0, so that a rate over the first event is right. Two objects on one registry count together.
 */
export class CoordinationMetrics {
  readonly #submitted: Counter<never>;
  readonly #claimed: Counter<never>;
  readonly #completed: Counter<never>;
  readonly #failed: Counter<never>;
  readonly #cancelled: Counter<never>;
  readonly #created: Counter<never>;
  readonly #joins: Counter<never>;
  readonly #leaves: Counter<never>;
  readonly #size: Gauge<never>;
  readonly #pending: Gauge<never>;

  /** @throws InvalidMetricError `KYMO_METRICS_CONFLICT` when the registry uses one of the names for something else. */
  constructor(registry: MetricsRegistry) {
    this.#submitted = registry.counter({ name: 'task_submitted_total', help: 'Tasks submitted.' });
    this.#claimed = registry.counter({ name: 'task_claimed_total', help: 'Tasks that a worker took.' });
    this.#completed = registry.counter({ name: 'task_completed_total', help: 'Tasks that ended well.' });
    this.#failed = registry.counter({ name: 'task_failed_total', help: 'Tasks that failed.' });
    this.#cancelled = registry.counter({ name: 'task_cancelled_total', help: 'Tasks that were cancelled.' });
    this.#created = registry.counter({ name: 'pool_created_total', help: 'Pools created.' });
    this.#joins = registry.counter({ name: 'pool_join_total', help: 'Workers that joined a pool.' });
    this.#leaves = registry.counter({ name: 'pool_leave_total', help: 'Workers that left a pool.' });
    this.#size = registry.gauge({ name: 'pool_size', help: 'Workers in the pool.' });
    this.#pending = registry.gauge({ name: 'pending_tasks', help: 'Tasks that wait for a worker.' });
  }

  /** `task_submitted_total` + 1. */
  taskSubmitted(): void {
    this.#submitted.inc();
  }

  /** `task_claimed_total` + 1. */
  taskClaimed(): void {
    this.#claimed.inc();
  }

  /** `task_completed_total` + 1. */
  taskCompleted(): void {
    this.#completed.inc();
  }

  /** `task_failed_total` + 1. */
  taskFailed(): void {
    this.#failed.inc();
  }

  /** `task_cancelled_total` + 1. */
  taskCancelled(): void {
    this.#cancelled.inc();
  }

  /** `pool_created_total` + 1. */
  poolCreated(): void {
    this.#created.inc();
  }

  /** `pool_join_total` + 1. */
  poolJoin(): void {
    this.#joins.inc();
  }

  /** `pool_leave_total` + 1. */
  poolLeave(): void {
    this.#leaves.inc();
  }

  /** Sets `pool_size`. */
  poolSize(size: number): void {
    this.#size.set(size);
  }

  /** Sets `pending_tasks`. */
  pendingTasks(count: number): void {
    this.#pending.set(count);
  }
}
