// Process, event-loop and runtime metrics: complete, true while the loop is blocked, and gone after stop().
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { collectDefaultMetrics, MetricsRegistry, OpsServer } from '../../src/index.js';

const BUILT = new URL('../../dist/index.js', import.meta.url).href;

/** Samples of a text exposition by what stands in front of the value. */
function samples(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
}

describe('collectDefaultMetrics', () => {
  it('adds the names that dashboards for Node services ask for', () => {
    const registry = new MetricsRegistry();
    const defaults = collectDefaultMetrics({ registry });
    const found = samples(registry.formatPrometheus());
    for (const name of [
      'process_cpu_user_seconds_total',
      'process_cpu_system_seconds_total',
      'process_cpu_seconds_total',
      'process_start_time_seconds',
      'process_resident_memory_bytes',
      'process_virtual_memory_bytes',
      'process_open_fds',
      'process_max_fds',
      'process_threads',
      'nodejs_eventloop_utilization_ratio',
      'nodejs_eventloop_idle_seconds_total',
      'nodejs_eventloop_active_seconds_total',
      'nodejs_heap_size_total_bytes',
      'nodejs_heap_size_used_bytes',
      'nodejs_external_memory_bytes',
      'nodejs_heap_space_size_total_bytes{space="old"}',
      'nodejs_heap_space_size_used_bytes{space="new"}',
      'nodejs_heap_space_size_available_bytes{space="code"}',
      'kymo_runtime_sample_timestamp_seconds',
    ]) {
      expect(found.get(name), name).toBeTypeOf('number');
    }
    const [major, minor, patch] = process.versions.node.split('.');
    expect(found.get(`nodejs_version_info{version="${process.version}",major="${major}",minor="${minor}",patch="${patch}"}`)).toBe(1);
    defaults.stop();
  });

  it('tells what the process tells about itself', () => {
    const registry = new MetricsRegistry();
    const defaults = collectDefaultMetrics({ registry });
    const before = process.cpuUsage();
    const found = samples(registry.formatPrometheus());
    const after = process.cpuUsage();
    expect(found.get('process_cpu_user_seconds_total')).toBeGreaterThanOrEqual(before.user / 1e6);
    expect(found.get('process_cpu_user_seconds_total')).toBeLessThanOrEqual(after.user / 1e6);
    expect(found.get('process_start_time_seconds')).toBeCloseTo(Date.now() / 1e3 - process.uptime(), -1);
    expect(found.get('process_resident_memory_bytes')! / process.memoryUsage.rss()).toBeGreaterThan(0.5);
    expect(found.get('nodejs_heap_size_used_bytes')).toBeGreaterThan(1e6);
    defaults.stop();
  });

  it('counts open files when the scrape comes, not when a timer fires', () => {
    const registry = new MetricsRegistry();
    const defaults = collectDefaultMetrics({ registry, intervalMs: 2 ** 31 - 1 });
    const openFds = () => samples(registry.formatPrometheus()).get('process_open_fds') as number;
    const before = openFds();
    const held = Array.from({ length: 50 }, () => openSync('/dev/null', 'r'));
    expect(openFds()).toBe(before + 50);
    for (const fd of held) closeSync(fd);
    expect(openFds()).toBe(before);
    defaults.stop();
  });

  it('shows the event loop as busy while it is blocked', { timeout: 30_000 }, async () => {
    const registry = new MetricsRegistry();
    const defaults = collectDefaultMetrics({ registry });
    const ops = new OpsServer({ registries: [registry], port: 0 });
    await ops.start();
    await sleep(1_200);
    // The child scrapes four times over more than three seconds, and this process' loop waits for it without turning.
    const script = `
      const texts = [];
      for (let scrape = 0; scrape < 4; scrape++) {
        texts.push(await (await fetch(process.argv[1])).text());
        await new Promise((done) => setTimeout(done, 1100));
      }
      process.stdout.write(JSON.stringify(texts));`;
    const url = `http://127.0.0.1:${ops.address?.port}/metrics`;
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', script, url], { encoding: 'utf8', maxBuffer: 2 ** 26 });
    const scrapes = (JSON.parse(output) as string[]).map(samples);
    const series = (name: string) => scrapes.map((scrape) => scrape.get(name) as number);

    const idle = series('nodejs_eventloop_idle_seconds_total');
    expect(idle[0]).toBeGreaterThan(0.5);
    expect(new Set(idle).size, 'idle time stands still').toBe(1);
    const active = series('nodejs_eventloop_active_seconds_total');
    for (const [index, seconds] of active.slice(1).entries()) expect(seconds).toBeGreaterThan((active[index] as number) + 1);
    // The third window lies inside the block as a whole.
    expect(series('nodejs_eventloop_utilization_ratio').slice(2)).toEqual([1, 1]);
    // What only JavaScript can sample is old, and says so.
    expect(new Set(series('kymo_runtime_sample_timestamp_seconds')).size).toBe(1);

    await ops.stop();
    defaults.stop();
  });

  it('samples the runtime again and again, and lets a resource that is gone fall to 0', async () => {
    const registry = new MetricsRegistry();
    const defaults = collectDefaultMetrics({ registry, intervalMs: 10 });
    const read = (name: string) => samples(registry.formatPrometheus()).get(name);
    const first = read('kymo_runtime_sample_timestamp_seconds') as number;
    const servers = 'nodejs_active_resources{type="TCPServerWrap"}';
    const server = createServer().listen(0, '127.0.0.1');
    await expect.poll(() => read(servers)).toBe(1);
    expect(read('kymo_runtime_sample_timestamp_seconds')).toBeGreaterThan(first);
    server.close();
    await expect.poll(() => read(servers)).toBe(0);
    defaults.stop();
  });

  it('comes back to a registry that was cleared', () => {
    const registry = new MetricsRegistry();
    const before = collectDefaultMetrics({ registry });
    registry.clear();
    const again = collectDefaultMetrics({ registry });
    const found = samples(registry.formatPrometheus());
    expect(found.get('process_threads')).toBeGreaterThan(0);
    expect(found.get('nodejs_heap_size_used_bytes')).toBeGreaterThan(0);
    before.stop();
    again.stop();
    expect(registry.formatPrometheus()).toBe('');
  });

  it("leaves a worker's heap out of a shared registry, where it would overwrite the main thread's, and shows it in the worker's own", async () => {
    const worker = `
      import { parentPort } from 'node:worker_threads';
      import { collectDefaultMetrics, MetricsRegistry } from '${BUILT}';
      const [shared, own] = [new MetricsRegistry({ name: 'shared' }), new MetricsRegistry()];
      for (const registry of [shared, own]) collectDefaultMetrics({ registry });
      parentPort.postMessage([shared.formatPrometheus(), own.formatPrometheus()]);`;
    const [[shared, own]] = (await once(new Worker(new URL(`data:text/javascript,${encodeURIComponent(worker)}`)), 'message')) as [
      string[],
    ];
    for (const text of [shared, own]) expect(text).toContain('\nprocess_open_fds ');
    expect(shared).not.toContain('nodejs_heap');
    expect(own).toContain('\nnodejs_heap_size_used_bytes ');
  });

  it('takes everything out of the registry when the last user stops', () => {
    const registry = new MetricsRegistry();
    registry.inc('mine_total');
    const [one, two] = [collectDefaultMetrics({ registry }), collectDefaultMetrics({ registry })];
    expect(registry.formatPrometheus().match(/^# TYPE process_open_fds /gm)).toHaveLength(1);
    one.stop();
    one.stop();
    expect(registry.formatPrometheus()).toContain('process_open_fds');
    expect(registry.formatPrometheus()).toContain('nodejs_heap_size_used_bytes');
    two.stop();
    expect(registry.formatPrometheus()).toBe('# HELP mine_total mine_total\n# TYPE mine_total counter\nmine_total 1\n');
  });

  it('refuses an interval out of range and takes the ends of it', () => {
    const registry = new MetricsRegistry();
    for (const intervalMs of [9, 2 ** 31, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => collectDefaultMetrics({ registry, intervalMs })).toThrow(expect.objectContaining({ code: 'KYMO_CONFIG_VALUE' }));
    }
    expect(registry.formatPrometheus()).toBe('');
    for (const intervalMs of [10, 2 ** 31 - 1]) collectDefaultMetrics({ registry, intervalMs }).stop();
  });

  it('adds nothing when one of its names is in use for something else', () => {
    const registry = new MetricsRegistry();
    registry.inc('nodejs_external_memory_bytes');
    const before = registry.formatPrometheus();
    expect(() => collectDefaultMetrics({ registry })).toThrow(expect.objectContaining({ code: 'KYMO_METRICS_CONFLICT' }));
    expect(registry.formatPrometheus()).toBe(before);
  });

  it('keeps no process alive', () => {
    run(`import { collectDefaultMetrics } from '${BUILT}';\ncollectDefaultMetrics({ intervalMs: 10 });`);
  });

  it.each(['process.exit(0)', 'scraper.unref()', 'throw new Error("on purpose")'])(
    'leaves a process that is being scraped to end by %s',
    (end) => {
      // A thread of the process renders without pause, so that the loop is being read whenever the end comes.
      const scraper = `
        import { parentPort } from 'node:worker_threads';
        import { metrics } from '${BUILT}';
        metrics.formatPrometheus();
        parentPort.postMessage('scraping');
        for (;;) metrics.formatPrometheus();`;
      const script = `
        import { Worker } from 'node:worker_threads';
        import { collectDefaultMetrics } from '${BUILT}';
        collectDefaultMetrics();
        const scraper = new Worker(new URL(${JSON.stringify(`data:text/javascript,${encodeURIComponent(scraper)}`)}));
        scraper.once('message', () => setTimeout(() => { ${end} }, 20));`;
      for (let round = 0; round < 3; round++) run(script, end.startsWith('throw') ? 1 : 0);
    },
  );

  it('counts garbage collections by kind', { timeout: 30_000 }, async () => {
    const registry = new MetricsRegistry();
    const defaults = collectDefaultMetrics({ registry, sets: ['gc'] });
    const count = (kind: string) => samples(registry.formatPrometheus()).get(`nodejs_gc_duration_seconds_count{kind="${kind}"}`);
    expect(['minor', 'major', 'incremental', 'weakcb'].map(count)).not.toContain(undefined);
    const before = count('minor') as number;
    for (let round = 0; count('minor') === before; round++) {
      expect(round).toBeLessThan(1_000);
      Array.from({ length: 100_000 }, (_, n) => ({ n }));
      await sleep(5);
    }
    defaults.stop();
    expect(registry.formatPrometheus()).toBe('');
  });

  it('shows a stall while it lasts, and counts it', { timeout: 30_000 }, () => {
    // In a process whose main thread may be blocked; another thread of it asks meanwhile.
    const asker = `
      import { parentPort } from 'node:worker_threads';
      import { metrics } from '${BUILT}';
      parentPort.postMessage('here');
      setTimeout(() => parentPort.postMessage(/^nodejs_eventloop_blocked_seconds (.*)$/m.exec(metrics.formatPrometheus())[1]), 700);`;
    const script = `
      import { once } from 'node:events';
      import { Worker } from 'node:worker_threads';
      import { collectDefaultMetrics, metrics } from '${BUILT}';
      collectDefaultMetrics({ sets: ['stalls'] });
      const asker = new Worker(new URL(${JSON.stringify(`data:text/javascript,${encodeURIComponent(asker)}`)}));
      await once(asker, 'message');
      const until = performance.now() + 2000;
      while (performance.now() < until);
      const [during] = await once(asker, 'message');
      await new Promise((resolve) => setTimeout(resolve, 200));
      const text = metrics.formatPrometheus();
      const value = (name) => Number(new RegExp('^' + name + ' (.*)$', 'm').exec(text)[1]);
      console.log(JSON.stringify({
        during: Number(during),
        after: value('nodejs_eventloop_blocked_seconds'),
        stalls: value('nodejs_eventloop_stalls_total'),
        seconds: value('nodejs_eventloop_stall_seconds_total'),
      }));`;
    const found = JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }));
    expect(found.during).toBeGreaterThan(0.1);
    expect(found.during).toBeLessThan(2.5);
    expect(found.stalls).toBeGreaterThanOrEqual(1);
    expect(found.seconds).toBeGreaterThan(1.5);
    expect(found.after).toBe(0);
  });

  it('gives each set alone, and stops it alone', () => {
    const registry = new MetricsRegistry();
    const names = () => [...samples(registry.formatPrometheus()).keys()].map((name) => name.replace(/\{.*/, ''));
    const heap = collectDefaultMetrics({ registry, sets: ['heap'] });
    const ofProcess = collectDefaultMetrics({ registry, sets: ['process'] });
    expect(names()).toContain('nodejs_heap_size_used_bytes');
    expect(names()).toContain('process_open_fds');
    expect(names()).not.toContain('nodejs_eventloop_idle_seconds_total');
    heap.stop();
    heap.stop();
    expect(names().filter((name) => !name.startsWith('process_'))).toEqual([]);
    ofProcess[Symbol.dispose]();
    expect(names()).toEqual([]);
    expect(() => collectDefaultMetrics({ registry, sets: ['everything' as 'heap'] })).toThrow(/KYMO_CONFIG_VALUE.*everything/);
  });

  it('shows what the container allows, where there is one', () => {
    const registry = new MetricsRegistry();
    const defaults = collectDefaultMetrics({ registry, sets: ['cgroup'] });
    for (const [name, value] of samples(registry.formatPrometheus())) {
      expect(name).toMatch(/^cgroup_/);
      expect(value).toBeGreaterThanOrEqual(0);
    }
    defaults.stop();
  });
});

/** Runs an ES module in a process of its own that imports the built package; it must end by itself with `code`. */
function run(script: string, code = 0): void {
  const { status, signal, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  expect({ status, signal }, stderr).toEqual({ status: code, signal: null });
}
