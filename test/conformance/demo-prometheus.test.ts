// A real Prometheus that scrapes the running demo, also while its event loop is blocked, and answers queries about it.
import { describe, expect, it } from 'vitest';
import { DemoProcess, MemoryFolder } from '../demo/demo-process.js';
import { prometheus, startPrometheus } from './prometheus-server.js';

describe.runIf(prometheus)('a real Prometheus on the demo', () => {
  it('scrapes it while the event loop is blocked and answers a query [C-74]', async () => {
    using memory = new MemoryFolder();
    await using demo = new DemoProcess(memory, ['--rate', '100', '--block', '20s']);
    const ops = await demo.ops();
    await demo.printed(/blocking the event loop for 20\.0 s/);
    await using server = await startPrometheus([ops]);
    const [up] = await server.queryUntil('up', (series) => series[0]?.value === 1);
    expect(demo.stdout).not.toContain('event loop blocked');
    expect(up.metric.job).toBe('kymo');

    // Scrapes succeed one after another, while the counters of the blocked loop stand still and those of another thread go on.
    const [scraped] = await server.queryUntil(
      'count_over_time(up[10s]) == sum_over_time(up[10s]) and count_over_time(up[10s]) >= 3',
      (series) => series.length === 1,
    );
    expect(scraped.value).toBeGreaterThanOrEqual(3);
    expect(demo.stdout).not.toContain('event loop blocked');
    expect(await server.query('demo_phase{demo_phase="blocked"} == 1')).toHaveLength(1);
    const [changes] = await server.query('sum(changes(http_requests_total[3s]))');
    expect(changes.value).toBe(0);

    await demo.printed(/event loop blocked 2[0-9]\.\d s/);
    const [rate] = await server.queryUntil('sum(rate(http_requests_total[5s]))', (series) => series[0]?.value > 50);
    expect(rate.value).toBeGreaterThan(50);
    const [p99] = await server.query('histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[10s])))');
    expect(p99.value).toBeGreaterThan(0);
    demo.kill('SIGINT');
    expect(await demo.ended).toEqual({ code: 0, signal: null });
  });

  it('reads native histograms of it as protobuf, and answers histogram_quantile from them', async () => {
    using memory = new MemoryFolder();
    await using demo = new DemoProcess(memory, ['--rate', '100']);
    const ops = await demo.ops();
    await using server = await startPrometheus([ops], { nativeHistograms: true });
    await server.queryUntil('kymo_scrapes_total{format="protobuf"}', (series) => series[0]?.value >= 3);
    const [p99] = await server.queryUntil('histogram_quantile(0.99, sum(rate(http_request_duration_seconds[5s])))', (series) => {
      return series[0]?.value > 0;
    });
    // Each bucket ends within 9.05 % of where it begins, so the answer is one of these, not the bound of a classic bucket.
    expect(p99.value).toBeLessThan(30);
    const [count] = await server.query('histogram_count(sum(http_request_duration_seconds))');
    expect(count.value).toBeGreaterThan(100);
    // The view of the demo gave this one its native buckets; its declaration says classic ones.
    const [median] = await server.queryUntil('histogram_quantile(0.5, rate(upstream_request_duration_seconds[5s]))', (series) => {
      return series[0]?.value > 0;
    });
    expect(median.value).toBeLessThan(p99.value);
    // Where a histogram has both kinds of buckets, this Prometheus keeps the native ones.
    expect(await server.query('http_request_duration_seconds_bucket')).toEqual([]);
    expect(await server.query('kymo_demo_build_info == 1')).toHaveLength(1);
    expect((await server.targets()).map(({ health, lastError }) => [health, lastError])).toEqual([['up', '']]);
  });
});
