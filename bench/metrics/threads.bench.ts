// Worker threads on one counter: the sum is exact, and threads do not slow one another down.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { MetricsRegistry } from 'kymo';
import { expectCount, exposedSum } from '../runner/exposed.js';
import type { PreparedRow, Row, Side } from '../runner/row.js';
import type { Settings } from '../runner/settings.js';
import type { Counting } from './counting-thread.js';

export function plan(settings: Settings): Row[] {
  return [
    {
      name: `counter inc, ${settings.threads} worker threads on one counter, against one thread`,
      unit: 'ns',
      goal: { kind: 'exact' },
      prepare: () => threads(settings),
    },
  ];
}

async function threads(settings: Settings): Promise<PreparedRow> {
  const shared: Counting = { registry: 'bench-threads', counter: 'bench_threads_total' };
  const registry = new MetricsRegistry({ name: shared.registry });
  const workers = Array.from(
    { length: settings.threads },
    () => new Worker(new URL('./counting-thread.js', import.meta.url), { workerData: shared }),
  );
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  const increments = settings.smoke ? 10_000 : 20_000_000;
  let counted = 0;
  /** All of `team` count at once; costs ns of wall clock per increment of the whole team. */
  const side = (label: string, team: readonly Worker[]): Side => ({
    label,
    async sample() {
      const done = Promise.all(team.map((worker) => once(worker, 'message')));
      const start = performance.now();
      for (const worker of team) worker.postMessage(increments);
      await done;
      counted += increments * team.length;
      return ((performance.now() - start) * 1e6) / (increments * team.length);
    },
  });
  return {
    ours: side(`${settings.threads} threads`, workers),
    peer: side('one thread', workers.slice(0, 1)),
    async verify() {
      expectCount('threads', exposedSum(await registry.metrics(), shared.counter), counted);
      await Promise.all(workers.map((worker) => worker.terminate()));
      expectCount('ended threads', exposedSum(await registry.metrics(), shared.counter), counted);
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}
