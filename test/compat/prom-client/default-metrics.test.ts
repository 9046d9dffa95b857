// The drop-in's default metrics against prom-client's own: both read the same pretended process.
import fs from 'node:fs';
import perfHooks from 'node:perf_hooks';
import v8 from 'node:v8';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { currentSpanLabels } from '../../../src/compat/prom-client/default-metrics/current-span.js';
import { eventLoopUtilization } from '../../../src/compat/prom-client/default-metrics/event-loop-utilization.js';
import { collectDefaultMetrics, Registry } from '../../../src/compat/prom-client/index.js';
import { type Client, original } from './original.js';

type Observer = (list: { getEntries(): object[] }) => void;
const readFile = fs.readFileSync;
let observers: Observer[] = [];
let reads = 0;

/** What a delay's histogram says. */
const delay = {
  enable: () => true,
  reset: () => undefined,
  min: 1e6,
  max: 5e9,
  mean: 2.5e6,
  stddev: 123_456,
  percentile: (percentile: number) => percentile * 1e6,
};

const internals = process as unknown as { _getActiveHandles(): unknown[]; _getActiveRequests(): unknown[] };

class Handle {}
class Pipe {}

beforeEach(() => {
  observers = [];
  reads = 0;
  vi.spyOn(process, 'cpuUsage').mockImplementation(() => ({ user: 1_250_000 * ++reads, system: 333_333 * reads }));
  vi.spyOn(process, 'hrtime').mockImplementation(((start?: [number, number]) => (start ? [1, 500] : [10, 0])) as never);
  vi.spyOn(process, 'memoryUsage').mockReturnValue({ rss: 1, heapTotal: 2e6, heapUsed: 1e6, external: 3, arrayBuffers: 4 });
  vi.spyOn(process, 'getActiveResourcesInfo').mockReturnValue(['Timeout', 'TCPWrap', 'Timeout', 'constructor']);
  vi.spyOn(internals, '_getActiveHandles').mockReturnValue([new Handle(), new Pipe(), new Handle(), null, Object.create(null)]);
  vi.spyOn(internals, '_getActiveRequests').mockReturnValue([]);
  vi.spyOn(v8, 'getHeapSpaceStatistics').mockReturnValue([
    { space_name: 'new_space', space_size: 10, space_used_size: 4, space_available_size: 6, physical_space_size: 10 },
    { space_name: 'large_object_space', space_size: 0, space_used_size: 0, space_available_size: 0, physical_space_size: 0 },
    { space_name: 'odd', space_size: 1, space_used_size: 1, space_available_size: 1, physical_space_size: 1 },
  ]);
  vi.spyOn(fs, 'readFileSync').mockImplementation(((path: string, ...rest: []) =>
    path === '/proc/self/status'
      ? 'Name:\tnode\nVmSize:\t  2000 kB\nVmRSS:\t   500 kB\nVmData:\t   123 kB\n'
      : readFile(path, ...rest)) as never);
  vi.spyOn(fs, 'readdirSync').mockReturnValue(['0', '1', '2', '3'] as never);
  vi.spyOn(perfHooks, 'monitorEventLoopDelay').mockReturnValue(delay as never);
  vi.spyOn(perfHooks, 'PerformanceObserver').mockImplementation(function (this: { observe(): void }, observer: Observer) {
    observers.push(observer);
    this.observe = () => undefined;
  } as never);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Text and JSON of a registry with default metrics after two collections and a garbage collection of each kind. */
async function collected(
  { collectDefaultMetrics: collect, Registry: Kind }: Pick<Client, 'collectDefaultMetrics' | 'Registry'>,
  options: object,
): Promise<unknown[]> {
  reads = 0;
  observers = [];
  const register = new Kind();
  collect({ register, ...options });
  for (const [kind, duration] of [
    [1, 1.5],
    [4, 250],
    [8, 0],
    [16, 7000],
  ] as const) {
    for (const observer of observers)
      observer({
        getEntries: () => [
          { detail: { kind }, duration },
          { detail: { kind: 1 }, duration: 1 },
        ],
      });
  }
  await register.metrics();
  await new Promise(setImmediate);
  return [await register.metrics(), JSON.parse(JSON.stringify(await register.getMetricsAsJSON()))];
}

describe.runIf(original)('default metrics of the drop-in', () => {
  const theirs = original as Client;
  const ours = { collectDefaultMetrics, Registry };

  it.each<[string, object]>([
    ['as they are', {}],
    ['with a prefix', { prefix: 'shop_' }],
    ['with labels', { labels: { region: 'eu', shard: 3 } }],
    ['with other buckets of collections', { gcDurationBuckets: [0.01, 1, 100] }],
    ['with another resolution', { eventLoopMonitoringPrecision: 42 }],
  ])('have the names, types, help, labels and values of the original: %s', async (_, options) => {
    const [text, json] = await collected(ours, options);
    const resolution = vi.mocked(perfHooks.monitorEventLoopDelay).mock.lastCall;
    expect([text, json]).toEqual(await collected(theirs, options));
    expect(vi.mocked(perfHooks.monitorEventLoopDelay).mock.lastCall).toEqual(resolution);
    expect((text as string).match(/^# TYPE /gm)?.length).toBe(31);
  });

  it('are listed by the names of the original', () => {
    expect(collectDefaultMetrics.metricsList).toEqual(theirs.collectDefaultMetrics.metricsList);
    expect(collectDefaultMetrics.metricsList).toHaveLength(13);
  });

  it('refuse options and taken names with the errors of the original', () => {
    for (const client of [ours, theirs]) {
      expect(() => client.collectDefaultMetrics('no' as never)).toThrow(new TypeError('config must be null, undefined, or an object'));
      const register = new client.Registry();
      client.collectDefaultMetrics({ register: register as never });
      expect(() => client.collectDefaultMetrics({ register: register as never })).toThrow(
        new Error('A metric with the name process_cpu_user_seconds_total has already been registered.'),
      );
    }
  });

  it('keep the values they had where the process cannot be read any more', async () => {
    const fails = (): never => {
      throw new Error('EPERM');
    };
    for (const client of [ours, theirs]) {
      const register = new client.Registry();
      client.collectDefaultMetrics({ register: register as never });
      await register.metrics();
      const spies = [vi.spyOn(process, 'memoryUsage'), vi.spyOn(fs, 'readFileSync'), vi.spyOn(fs, 'readdirSync')];
      const before = spies.map((spy) => spy.getMockImplementation());
      for (const spy of spies) spy.mockImplementation(fails as never);
      const text = await register.metrics();
      for (const [at, spy] of spies.entries()) spy.mockImplementation(before[at] as never);
      expect(text).toContain('\nprocess_resident_memory_bytes 512000\n');
      expect(text).toContain('\nprocess_open_fds 3\n');
    }
  });
});

describe('the utilization of the event loop', () => {
  it('is there when one of its options is, so that other scrapes are those of 15', async () => {
    const plain = new Registry();
    collectDefaultMetrics({ register: plain });
    expect(plain.getSingleMetric('nodejs_eventloop_utilization_summary')).toBeUndefined();
    const more = new Registry();
    vi.useFakeTimers({ toFake: ['setInterval'] });
    collectDefaultMetrics({ register: more, eventLoopUtilizationTimeout: 50 });
    expect(more.getSingleMetric('nodejs_eventloop_utilization_summary')).toBeDefined();
    expect(collectDefaultMetrics.metricsList).not.toContain('eventLoopUtilization');
  });

  it('is observed once for each interval that a blocked loop missed', async () => {
    vi.useFakeTimers({ toFake: ['setInterval'] });
    let seconds = 0;
    vi.mocked(process.hrtime).mockImplementation((() => [seconds, 0]) as never);
    vi.spyOn(perfHooks.performance, 'eventLoopUtilization').mockReturnValue({ idle: 1, active: 3, utilization: 0.75 });
    const register = new Registry();
    eventLoopUtilization(register, {
      eventLoopUtilizationTimeout: 1000,
      eventLoopUtilizationBuckets: [0.5, 0.75],
      eventLoopUtilizationPercentiles: [0.5],
    });
    seconds = 3;
    vi.advanceTimersByTime(1000);
    const text = await register.metrics();
    expect(text).toContain('nodejs_eventloop_utilization_histogram_bucket{le="0.5"} 0\n');
    expect(text).toContain('nodejs_eventloop_utilization_histogram_bucket{le="0.75"} 3\n');
    expect(text).toContain('nodejs_eventloop_utilization_summary{quantile="0.5"} 0.75\n');
    expect(text).toContain('nodejs_eventloop_utilization_summary_count 3\n');
  });
});

describe('exemplars of the CPU counters', () => {
  const API = Symbol.for('opentelemetry.js.api.1');
  const globals = globalThis as Record<symbol, unknown>;
  afterEach(() => {
    delete globals[API];
  });

  it('name the span that OpenTelemetry has active, and nothing without one', () => {
    expect(currentSpanLabels()).toEqual({});
    const spans = [undefined, { spanContext: () => ({ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 }) }];
    globals[API] = {
      context: {
        active: () => ({ getValue: (key: symbol) => (key === Symbol.for('OpenTelemetry Context Key SPAN') ? spans.shift() : 0) }),
      },
    };
    expect(currentSpanLabels()).toEqual({});
    expect(currentSpanLabels()).toEqual({ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) });
  });

  it('are on an OpenMetrics registry that asks for them', async () => {
    const register = new Registry(Registry.OPENMETRICS_CONTENT_TYPE);
    collectDefaultMetrics({ register, enableExemplars: true });
    expect(await register.metrics()).toMatch(/^process_cpu_user_seconds_total 1\.25 # \{\} 1\.25 \d+(\.\d+)?$/m);
  });
});
