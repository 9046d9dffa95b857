// A real Prometheus scrapes our ops server and answers queries.
import { describe, expect, it } from 'vitest';
import { collectDefaultMetrics, MetricsRegistry, OpsServer } from '../../src/index.js';
import { prometheus, startPrometheus } from './prometheus-server.js';

describe.runIf(prometheus)('Prometheus', () => {
  it('scrapes the ops server and answers a query over all registries [C-77] [C-38]', { timeout: 90_000 }, async () => {
    const first = new MetricsRegistry();
    const second = new MetricsRegistry();
    const jobs = first.counter({ name: 'jobs_total', help: 'Jobs done', labelNames: ['queue'] });
    jobs.inc({ queue: 'a"b\\c\n' }, 41);
    second.counter({ name: 'jobs_total', help: 'Jobs done', labelNames: ['queue'] }).inc({ queue: 'second' }, 1);
    const took = second.histogram({ name: 'took_seconds', help: 'Time taken', buckets: [0.1, 1, 10] });
    for (const seconds of [0.05, 0.5, 0.5, 5]) took.observe(seconds);
    collectDefaultMetrics({ registry: first });

    const ops = new OpsServer({ registries: [first, second], port: 0 });
    await ops.start();
    try {
      await using server = await startPrometheus([`127.0.0.1:${ops.address?.port}`]);
      const total = await server.queryUntil('sum(jobs_total)', (series) => series.length > 0);
      expect(total[0]?.value).toBe(42);
      expect((await server.query('jobs_total')).map(({ metric }) => metric.queue).sort()).toEqual(['a"b\\c\n', 'second']);
      expect((await server.query('histogram_quantile(0.5, took_seconds_bucket)'))[0]?.value).toBeCloseTo(0.55, 2);
      expect((await server.query('process_open_fds'))[0]?.value).toBeGreaterThan(3);
      expect(await server.targets()).toMatchObject([{ health: 'up', lastError: '' }]);

      // Idle and active time make up all of the time, whoever scrapes besides: rates near 1 s per second once the window is full.
      const rates = 'rate(nodejs_eventloop_idle_seconds_total[5s]) + rate(nodejs_eventloop_active_seconds_total[5s])';
      await server.queryUntil(rates, (series) => Math.abs((series[0]?.value ?? 0) - 1) < 0.05);
    } finally {
      await ops.stop();
    }
  });
});
