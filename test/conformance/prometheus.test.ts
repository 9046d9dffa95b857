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

  it('scrapes protobuf for native histograms and answers a quantile from them (rule 20)', { timeout: 90_000 }, async () => {
    const registry = new MetricsRegistry();
    const took = registry.histogram({ name: 'took_seconds', help: 'Time taken', labelNames: ['to'], native: true, buckets: false });
    // 1000 values evenly over (0, 10]: the true 0.9-quantile is 9, and a bucket of schema 3 is 9.05 % wide.
    for (let k = 1; k <= 1000; k++) took.observe({ to: 'a"\\\n' }, k / 100);
    const both = registry.histogram({ name: 'both_seconds', help: 'Time taken', native: true, buckets: [1, 2] });
    for (const seconds of [0.5, 1.5, 3]) both.observe(seconds);
    const wait = registry.summary({ name: 'wait_seconds', help: 'Waits', quantiles: [0.5] });
    wait.observe(2);
    registry.info({ name: 'build', help: 'Build', labelNames: ['version'] }).set({ version: '1.2.3' });
    registry.stateSet({ name: 'mode', help: 'Mode', states: ['idle', 'busy'] }).set('busy');
    registry.counter({ name: 'jobs_total', help: 'Jobs' }).inc(3);

    const ops = new OpsServer({ registries: [registry], port: 0 });
    await ops.start();
    try {
      await using server = await startPrometheus([`127.0.0.1:${ops.address?.port}`], { nativeHistograms: true });
      const quantile = 'histogram_quantile(0.9, took_seconds)';
      const [found] = await server.queryUntil(quantile, (series) => Number.isFinite(series[0]?.value));
      expect(Math.abs((found?.value as number) - 9) / 9).toBeLessThan(0.0905);
      expect(found?.metric.to).toBe('a"\\\n');
      expect((await server.query('histogram_count(took_seconds)'))[0]?.value).toBe(1000);
      expect((await server.query('histogram_sum(took_seconds)'))[0]?.value).toBeCloseTo(5005, 6);
      expect((await server.query('histogram_count(both_seconds)'))[0]?.value).toBe(3);
      expect((await server.query('jobs_total'))[0]?.value).toBe(3);
      expect((await server.query('mode{mode="busy"}'))[0]?.value).toBe(1);
      expect((await server.query('build_info'))[0]?.metric.version).toBe('1.2.3');
      expect((await server.query('wait_seconds_sum'))[0]?.value).toBe(2);
      expect(await server.targets()).toMatchObject([{ health: 'up', lastError: '' }]);
      // It was protobuf that it took; the first scrape is counted in the second one.
      await server.queryUntil('sum(kymo_scrapes_total{format="protobuf"})', (series) => (series[0]?.value ?? 0) > 0);
    } finally {
      await ops.stop();
    }
  });
});
