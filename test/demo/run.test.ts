// The demo from start to end as a child process: what it prints, serves, counts and leaves behind.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Samples } from '../../src/demo/samples.js';
import { lintWithPromtool, promtool } from '../conformance/judges.js';
import { accessLog, DemoProcess, MemoryFolder, readings, scrape, summaryOf } from './demo-process.js';

const CLEAN = { code: 0, signal: null };

describe('a run of the demo', () => {
  it('serves its metrics under load, ends by itself, and agrees with the load on every request', async () => {
    using memory = new MemoryFolder();
    await using demo = new DemoProcess(memory, ['--duration', '3s', '--rate', '200']);
    const ops = await demo.ops();
    await demo.printed(/requests, \d+\/s/);
    const text = await scrape(ops);
    expect(text.split('\n').length).toBeGreaterThan(50);
    const samples = new Samples(text);
    expect(samples.sum('http_requests_total', { method: 'GET', route: '/users/:id', status: '200' })).toBeGreaterThan(0);
    expect(samples.of('http_requests_total')[0].labels).toEqual({
      method: expect.any(String),
      route: expect.any(String),
      status: expect.any(String),
    });
    expect(samples.buckets('http_request_duration_seconds').counts.at(-1)).toBe(samples.sum('http_request_duration_seconds_count'));
    for (const family of [
      'process_cpu_seconds_total',
      'process_resident_memory_bytes',
      'nodejs_eventloop_utilization_ratio',
      'nodejs_heap_size_used_bytes',
    ]) {
      expect([family, samples.of(family).length]).toEqual([family, 1]);
    }
    for (const family of ['http_requests_in_flight', 'upstream_requests_total', 'upstream_request_duration_seconds_count']) {
      expect([family, samples.of(family).length > 0]).toEqual([family, true]);
    }
    expect((await fetch(`http://${ops}/live`)).status).toBe(200);

    expect(await demo.ended).toEqual(CLEAN);
    const rows = summaryOf(demo.stdout);
    expect(rows.get('requests')).toBeGreaterThanOrEqual(500);
    const [, sent, answered] = /load +([\d,]+) sent, ([\d,]+) answered by its own count$/m.exec(demo.stdout) ?? [];
    expect([sent, answered]).toEqual([/requests +([\d,]+)/.exec(demo.stdout)?.[1], sent]);
    expect(rows.get('scrapes')).toBeGreaterThanOrEqual(1);
    expect(rows.get('drops')).toBe(0);
    expect(demo.stdout).toMatch(/^ {2}log +[\d,]+ lines written, one for each request, 0 dropped$/m);
    const lines = accessLog(memory);
    expect(lines).toHaveLength(rows.get('requests') as number);
    const [, run] = /its lines have run (\w{8})$/m.exec(demo.stdout) ?? [];
    const hex = (digits: number) => expect.stringMatching(new RegExp(`^[0-9a-f]{${digits}}$`));
    expect(lines[0]).toEqual({
      ...{ ts: expect.any(String), level: 'info', logger: 'access', msg: 'request', run },
      ...{ trace_id: hex(32), span_id: hex(16), trace_flags: hex(2) },
      ...{ method: expect.any(String), route: expect.any(String), status: expect.any(Number) },
      ...{ duration_ms: expect.any(Number), bytes: expect.any(Number), request_id: expect.any(String) },
    });
    expect(new Set(lines.map((line) => line.trace_id)).size).toBe(lines.length);
    expect(demo.stderr).toBe('');
    expect(memory.files()).toEqual([]);
  });

  it.runIf(promtool)('exposes text that promtool reads', async () => {
    using memory = new MemoryFolder();
    await using demo = new DemoProcess(memory, ['--rate', '200']);
    const ops = await demo.ops();
    await demo.printed(/requests, \d+\/s/);
    expect(lintWithPromtool(await scrape(ops))).toBe('');
  });

  it('counts in the threads of the load and the upstream into the same registry', async () => {
    using memory = new MemoryFolder();
    await using demo = new DemoProcess(memory, ['--rate', '200']);
    const ops = await demo.ops();
    await demo.printed(/requests, \d+\/s/);
    const samples = await readings(ops);
    expect(samples.sum('demo_load_answers_total')).toBeGreaterThan(0);
    expect(samples.sum('demo_upstream_handled_total')).toBeGreaterThan(0);
  });

  it('keeps answering /live and /metrics, and takes requests, while its event loop is blocked', async () => {
    using memory = new MemoryFolder();
    await using demo = new DemoProcess(memory, ['--duration', '4s', '--block', '2s', '--rate', '100']);
    await demo.printed(/^blocking the event loop for 2\.0 s \.\.\.$/m);
    const block =
      /event loop blocked ([\d.]+) s: \/live answered ([\d,]+) times, p99 .*?; \/metrics answered ([\d,]+) times, p99 \S+ m?s$/m;
    const [, seconds, live, metrics] = (await demo.printed(block)).map((text) => Number(text.replaceAll(',', '')));
    expect(seconds).toBeGreaterThanOrEqual(2);
    expect(live).toBeGreaterThanOrEqual(20);
    expect(metrics).toBeGreaterThanOrEqual(10);
    expect(await demo.ended).toEqual(CLEAN);
    const rows = summaryOf(demo.stdout);
    expect(rows.get('longest block')).toBeGreaterThanOrEqual(1.9);
    // The load went on: what was due during the block was answered after it, none of it lost.
    const [, sent, answered] = /load +([\d,]+) sent, ([\d,]+) answered by its own count$/m.exec(demo.stdout) ?? [];
    expect(Number(sent)).toBeGreaterThanOrEqual(350);
    expect(answered).toBe(sent);
    expect(rows.get('requests')).toBe(Number(sent));
  });

  it('shows every kind of metric, and what a cap and a view make of a declaration', async () => {
    using memory = new MemoryFolder();
    await using demo = new DemoProcess(memory, ['--rate', '300']);
    const ops = await demo.ops();
    let samples = await readings(ops);
    while (samples.sum('demo_user_requests_total', { otel_metric_overflow: 'true' }) === 0) samples = await readings(ops);
    expect(samples.of('kymo_demo_build_info')).toEqual([{ labels: { version: expect.any(String), node: process.version }, value: 1 }]);
    expect(samples.of('demo_phase').map(({ labels, value }) => [labels.demo_phase, value])).toEqual([
      ['starting', 0],
      ['running', 1],
      ['blocked', 0],
      ['ending', 0],
    ]);
    expect(samples.of('upstream_response_size_bytes').map(({ labels }) => labels.quantile)).toEqual(['0.5', '0.99']);
    // 50 users and all others; each request of the route counts in one of them.
    expect(samples.of('demo_user_requests_total')).toHaveLength(51);
    const { metrics } = JSON.parse(await scrape(ops, '/debug/cardinality')) as { metrics: { name: string; overflowed: number }[] };
    expect(metrics.find(({ name }) => name === 'demo_user_requests_total')?.overflowed).toBeGreaterThan(0);

    const openmetrics = await scrape(ops, '/metrics?name[]=http_request_duration_seconds', 'application/openmetrics-text; version=2.0.0');
    expect(openmetrics).toMatch(/^http_request_duration_seconds\{[^}]*\} \{count:\d+,sum:[^ ]*schema:3,.*# \{request_id="[\w-]+"\}/m);
    const viewed = await scrape(ops, '/metrics?name[]=upstream_request_duration_seconds', 'application/openmetrics-text; version=2.0.0');
    expect(viewed).toMatch(/schema:3,/);
    expect(demo.stdout).toContain(`http://${ops}/debug/cardinality`);
  });

  it('makes no load when asked not to, and forwards what comes', async () => {
    using memory = new MemoryFolder();
    await using demo = new DemoProcess(memory, ['--no-load']);
    const ops = await demo.ops();
    expect((await readings(ops)).sum('http_requests_total')).toBe(0);
    const answer = await fetch(`http://${await demo.gateway()}/reports/2024`);
    expect([answer.status, (await answer.arrayBuffer()).byteLength]).toEqual([200, 262_144]);
    demo.kill('SIGINT');
    expect(await demo.ended).toEqual(CLEAN);
    expect(summaryOf(demo.stdout).get('requests')).toBe(1);
    expect(demo.stdout).toContain('none (--no-load)');
  });

  it('takes the next free port and says so when the wanted one is taken', async () => {
    using memory = new MemoryFolder();
    const taken = [createServer(), createServer()];
    for (const server of taken) await once(server.listen(0, '127.0.0.1'), 'listening');
    const [port, opsPort] = taken.map((server) => (server.address() as { port: number }).port);
    await using demo = new DemoProcess(memory, ['--no-load', '--port', String(port), '--ops-port', String(opsPort)]);
    const ops = Number((await demo.ops()).split(':')[1]);
    const gateway = Number((await demo.gateway()).split(':')[1]);
    expect([ops > opsPort, gateway > port]).toEqual([true, true]);
    expect(demo.stdout).toContain(`:${ops}/metrics  (port ${opsPort} is taken)`);
    expect(demo.stdout).toContain(`:${gateway}  (port ${port} is taken)`);
    for (const server of taken) server.close();
  });
});
