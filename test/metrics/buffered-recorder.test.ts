// The buffered recorder: what reaches the backend, in which order, how often, and what is dropped.
import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BufferedMetricRecorder, KymoError, type RecordingMetric } from '../../src/index.js';
import { DIST } from '../recorder/processes.js';
import { dropsOf } from './scrape.js';

/** A metric that writes down what it is told. */
class Seen implements RecordingMetric {
  readonly calls: unknown[][] = [];

  record(...call: unknown[]): void {
    this.calls.push(call);
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a buffered recorder', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  it('[L-024 L-027] keeps name, value, labels and the monotonic time of a recording, and sends nothing by itself', async () => {
    const requests = new Seen();
    const recorder = new BufferedMetricRecorder({ backend: { requests } });
    const labels = { method: 'GET' };
    expect(recorder.record('requests', 1, labels)).toBeUndefined();
    labels.method = 'PUT';
    recorder.record('requests', 2);
    await turn();
    expect(recorder.size).toBe(2);
    expect(requests.calls).toEqual([]);
    await recorder.flush();
    expect(requests.calls).toEqual([
      [1, { method: 'GET' }],
      [2, undefined],
    ]);
  });

  it('[L-025] flushes every 5 seconds and at 1,000 entries unless told otherwise', async () => {
    const a = new Seen();
    const recorder = new BufferedMetricRecorder({ backend: { a } });
    recorder.start();
    recorder.record('a', 1);
    await vi.advanceTimersByTimeAsync(4_999);
    expect(a.calls.length).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(a.calls.length).toBe(1);
    for (let n = 0; n < 999; n++) recorder.record('a', n);
    await turn();
    expect(a.calls.length).toBe(1);
    recorder.record('a', 999);
    await turn();
    expect(a.calls.length).toBe(1_001);
    await recorder.stop();
  });

  it.each([
    [{ flushIntervalMs: 1 }, { flushIntervalMs: 0 }],
    [{ flushIntervalMs: 2 ** 31 - 1 }, { flushIntervalMs: 2 ** 31 }],
    [{ maxBufferSize: 1 }, { maxBufferSize: 0 }],
    [{ maxBufferSize: 1_000_000 }, { maxBufferSize: 1_000_001 }],
    [{}, { maxBufferSize: 1.5 }],
    [{}, { flushIntervalMs: Number.NaN }],
    [{}, { flushIntervalMs: '5' }],
    [{}, { backend: null }],
    [{}, { backend: undefined }],
  ])('takes %j and refuses %j', (accepted, refused) => {
    expect(() => new BufferedMetricRecorder({ backend: {}, ...accepted })).not.toThrow();
    expect(() => new BufferedMetricRecorder({ backend: {}, ...refused } as never)).toThrow(
      expect.objectContaining({ code: 'KYMO_CONFIG_VALUE' }),
    );
  });

  it('[L-026] takes an object with one metric per name, or a registry', async () => {
    const inside = new Seen();
    const registry = { getMetric: (name: string): unknown => (name === 'known' ? inside : undefined) };
    const recorder = new BufferedMetricRecorder({ backend: registry });
    recorder.record('known', 7);
    expect(await recorder.flush()).toBe(1);
    expect(inside.calls).toEqual([[7, undefined]]);
  });

  it('[L-028] begins one flush when it is full, after the code that filled it, and goes on recording meanwhile', async () => {
    const a = new Seen();
    const recorder = new BufferedMetricRecorder({ backend: { a }, maxBufferSize: 3 });
    const flush = vi.spyOn(recorder, 'flush');
    for (let n = 0; n < 8; n++) recorder.record('a', n);
    expect(a.calls).toEqual([]);
    expect(recorder.size).toBe(8);
    await turn();
    expect(flush).toHaveBeenCalledTimes(1);
    expect(a.calls.map(([value]) => value)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('[L-028] holds at most ten times its size, and counts what is dropped beyond', async () => {
    const a = new Seen();
    const recorder = new BufferedMetricRecorder({ backend: { a }, maxBufferSize: 2 });
    const drops = dropsOf(() => {
      for (let n = 0; n < 23; n++) recorder.record('a', n);
    });
    expect(recorder.size).toBe(20);
    expect(recorder.dropped).toBe(3);
    expect(drops).toEqual({ buffer_full: 3 });
    expect(await recorder.flush()).toBe(0); // The flush that the second entry asked for has sent all of them.
    expect(a.calls.map(([value]) => value)).toEqual(Array.from({ length: 20 }, (_, n) => n));
  });

  it('[L-029] skips names that the backend does not have, warns of each once, and does not count them as flushed', async () => {
    const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const a = new Seen();
    const recorder = new BufferedMetricRecorder({ backend: { a, text: 'no metric' as never } });
    for (const name of ['a', 'missing', 'constructor', '__proto__', 'text', 'missing', 'a']) recorder.record(name, 1);
    expect(await recorder.flush()).toBe(2);
    recorder.record('missing', 1);
    expect(await recorder.flush()).toBe(0);
    expect(recorder.dropped).toBe(6);
    expect(warnings.mock.calls.map(([, options]) => (options as { code: string }).code)).toEqual(Array(4).fill('KYMO_METRICS_NOT_FOUND'));
    expect(warnings.mock.calls[0]?.[0]).toBe(new KymoError('KYMO_METRICS_NOT_FOUND', { name: 'missing' }).message);
  });

  it('[L-030] drops an entry whose metric throws, and counts what the metrics took', async () => {
    const seen: number[] = [];
    const backend = {
      odd: {
        record(value: number): void {
          if (value % 2 === 0) throw new Error('even');
          seen.push(value);
        },
      },
    };
    const recorder = new BufferedMetricRecorder({ backend });
    for (let n = 0; n < 5; n++) recorder.record('odd', n);
    expect(await recorder.flush()).toBe(2);
    expect(seen).toEqual([1, 3]);
    expect([recorder.dropped, recorder.size]).toEqual([3, 0]);
    expect(await recorder.flush()).toBe(0);
  });

  it('[L-030] sends each entry once and in order, however many flushes overlap', async () => {
    const seen: number[] = [];
    const recorder: BufferedMetricRecorder = new BufferedMetricRecorder({
      backend: {
        a: {
          record(value: number): void {
            seen.push(value);
            if (value === 1) void recorder.flush();
            if (value === 2) recorder.record('a', 100);
          },
        },
      },
    });
    for (let n = 0; n < 5; n++) recorder.record('a', n);
    const counts = await Promise.all([recorder.flush(), recorder.flush(), recorder.flush()]);
    await turn();
    expect(counts).toEqual([5, 1, 0]);
    expect(seen).toEqual([0, 1, 2, 3, 4, 100]);
  });

  it('[L-031] starts one timer, however often it is started', async () => {
    const recorder = new BufferedMetricRecorder({ backend: {}, flushIntervalMs: 10 });
    const flush = vi.spyOn(recorder, 'flush');
    recorder.start();
    recorder.start();
    await vi.advanceTimersByTimeAsync(30);
    expect(flush).toHaveBeenCalledTimes(3);
    await recorder.stop();
  });

  it('[L-031] keeps no process alive', () => {
    const script = `const { BufferedMetricRecorder } = await import('${DIST}index.js');
      new BufferedMetricRecorder({ backend: {} }).start();`;
    const { status, signal, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
      timeout: 10_000,
      env: { ...process.env, KYMO_MEMORY: 'anonymous' },
    });
    expect([status, signal, stderr]).toEqual([0, null, '']);
  });

  it('[L-032] ends its timer and flushes what remains when it is stopped, and can start again', async () => {
    const a = new Seen();
    const recorder = new BufferedMetricRecorder({ backend: { a }, flushIntervalMs: 10 });
    await recorder.stop();
    recorder.start();
    recorder.record('a', 1);
    await recorder.stop();
    expect(a.calls.length).toBe(1);
    recorder.record('a', 2);
    await vi.advanceTimersByTimeAsync(100);
    expect(a.calls.length).toBe(1);
    recorder.start();
    await vi.advanceTimersByTimeAsync(10);
    expect(a.calls.length).toBe(2);
    await recorder.stop();
    await recorder.stop();
  });

  it('[L-033] has brought an entry to the backend when it was started, used and stopped', async () => {
    const request_count = new Seen();
    {
      await using recorder = new BufferedMetricRecorder({ backend: { request_count }, flushIntervalMs: 2_000 });
      recorder.start();
      recorder.record('request_count', 1.0, { method: 'GET' });
    }
    expect(request_count.calls).toEqual([[1, { method: 'GET' }]]);
  });
});
