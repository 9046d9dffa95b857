// The worker between a queue of spans and a backend: batches, order, failures, its end.
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createSpanData, type SpanBackend, type SpanData, SpanExportWorker, SpanQueue } from '../../src/index.js';
import { spansDropped } from './own-counts.js';

const span = (n: number): SpanData => createSpanData({ name: `span ${n}`, traceId: 't', spanId: `${n}`, startTime: n, endTime: n + 1 });

/** Remembers batches; each export waits until it is let go, when `held` is set. */
class Backend implements SpanBackend {
  readonly batches: string[][] = [];
  readonly held: (() => void)[] = [];
  hold = false;
  running = 0;
  overlaps = 0;
  ended = 0;

  async export(spans: readonly SpanData[]): Promise<void> {
    if (this.running++ > 0) this.overlaps += 1;
    this.batches.push(spans.map(({ spanId }) => spanId));
    if (this.hold) await new Promise<void>((resolve) => this.held.push(resolve));
    this.running -= 1;
  }

  shutdown(): void {
    this.ended += 1;
  }
}

describe('SpanExportWorker', () => {
  it('[V-38] drains the queue into the backend, in order, in batches that never overlap', async () => {
    const queue = new SpanQueue();
    const backend = new Backend();
    backend.hold = true;
    const worker = new SpanExportWorker({ queue, backend, maxBatchSize: 3 });
    worker.start();
    worker.start();
    queue.putNowait(span(0));
    await turn();
    for (let n = 1; n < 8; n++) queue.putNowait(span(n));
    for (let batch = 0; batch < 4; batch++) {
      await turn();
      backend.held.shift()?.();
    }
    await turn();
    expect(backend.batches).toEqual([['0'], ['1', '2', '3'], ['4', '5', '6'], ['7']]);
    expect([backend.overlaps, worker.exported]).toEqual([0, 8]);
    await worker.stop();
  });

  it('[V-38] exports what waits when it is stopped, shuts the backend down, and can start again', async () => {
    const queue = new SpanQueue();
    const backend = new Backend();
    const worker = new SpanExportWorker({ queue, backend, maxBatchSize: 2 });
    worker.start();
    for (let n = 0; n < 5; n++) queue.putNowait(span(n));
    await worker.stop();
    expect([backend.batches.flat(), backend.ended, queue.size]).toEqual([['0', '1', '2', '3', '4'], 1, 0]);
    queue.putNowait(span(5));
    await turn();
    expect(queue.size).toBe(1);
    worker.start();
    await turn();
    expect(backend.batches.at(-1)).toEqual(['5']);
    await worker.stop();
  });

  it('[V-38] goes on after a batch on which the backend throws or rejects, and counts its spans', async () => {
    const before = spansDropped('exporter');
    const queue = new SpanQueue();
    const seen: string[] = [];
    const backend: SpanBackend = {
      export(spans): Promise<void> {
        if (spans[0]?.spanId === '0') throw new Error('no');
        if (spans[0]?.spanId === '1') return Promise.reject(new Error('no'));
        seen.push(...spans.map(({ spanId }) => spanId));
        return Promise.resolve();
      },
    };
    await using worker = new SpanExportWorker({ queue, backend, maxBatchSize: 1 });
    worker.start();
    for (let n = 0; n < 4; n++) queue.putNowait(span(n));
    await worker.stop();
    expect([seen, worker.failed, worker.exported]).toEqual([['2', '3'], 2, 2]);
    expect(spansDropped('exporter') - before).toBe(2);
  });

  it('[V-38] ends at its deadline beside a backend that never answers, and counts what was left', async () => {
    const before = spansDropped('shutdown');
    const queue = new SpanQueue();
    const backend = new Backend();
    backend.hold = true;
    const worker = new SpanExportWorker({ queue, backend, maxBatchSize: 1, stopTimeoutMs: 20 });
    worker.start();
    for (let n = 0; n < 4; n++) queue.putNowait(span(n));
    await worker.stop();
    expect([backend.batches, queue.size, backend.ended]).toEqual([[['0']], 0, 0]);
    expect(spansDropped('shutdown') - before).toBe(3);
  });

  it.each([
    { maxBatchSize: 0 },
    { maxBatchSize: 65_537 },
    { stopTimeoutMs: -1 },
    { stopTimeoutMs: Number.NaN },
    { backend: {} as never },
    { backend: undefined as never },
  ])('refuses %o', (wrong) => {
    const options = { queue: new SpanQueue(), backend: new Backend(), ...wrong };
    expect(() => new SpanExportWorker(options)).toThrow(expect.objectContaining({ code: 'KYMO_CONFIG_VALUE' }));
  });
});

describe('SpanData', () => {
  it('[V-39] has its fields in one order, with defaults of its own for attributes, status and error', () => {
    const data = span(1);
    expect(Object.keys(data)).toEqual([
      'name',
      'traceId',
      'spanId',
      'parentSpanId',
      'startTime',
      'endTime',
      'attributes',
      'status',
      'errorMessage',
    ]);
    expect([data.parentSpanId, data.attributes, data.status, data.errorMessage]).toEqual([undefined, {}, 'ok', undefined]);
    expect(span(1).attributes).not.toBe(data.attributes);
  });
});
