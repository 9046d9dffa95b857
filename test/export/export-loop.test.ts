// The task that exports a pipeline: what it takes, one batch at a time, what it says of each, and when it ends.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ExportBatch } from '../../src/binding/native-export.js';
import type { BatchSender, Delivery } from '../../src/export/delivery.js';
import { exportUntilClosed, type PipelineNative } from '../../src/export/export-loop.js';
import { EXPORTING, newProgress, PROGRESS } from '../../src/export/export-task.js';

type Ready = 'batch' | 'flush' | 'closed';

/** A pipeline as native keeps it, with a queue that the test fills. */
class FakePipeline implements PipelineNative {
  queue = 0;
  errors = 0;
  readonly done: unknown[][] = [];
  asked = 0;
  #out: number | undefined;
  #number = 0;
  #resolve: ((ready: Ready) => void) | undefined;
  #pending: Ready | undefined;

  constructor(readonly most = 3) {}

  pipelineReady(): Promise<Ready> {
    this.asked += 1;
    const pending = this.#pending ?? (this.queue >= this.most ? 'batch' : undefined);
    if (pending !== 'closed') this.#pending = undefined;
    if (pending) return Promise.resolve(pending);
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  say(ready: Ready): void {
    if (this.#resolve) this.#resolve(ready);
    else this.#pending = ready;
    this.#resolve = undefined;
  }

  pipelineTake(): ExportBatch | null {
    if (this.#out !== undefined) throw new Error('two batches at once');
    const items = Math.min(this.queue, this.most);
    if (items === 0) return null;
    this.queue -= items;
    this.#out = ++this.#number;
    return { batch: this.#out, items, body: Buffer.from('x'), plainBytes: 1 };
  }

  pipelineDone(_: number, batch: number, ...rest: unknown[]): void {
    expect(batch).toBe(this.#out);
    this.#out = undefined;
    this.done.push(rest);
  }

  pipelineError(): void {
    this.errors += 1;
  }

  pipelineState() {
    return { queued: this.queue, queuedBytes: 0, inFlight: 0, exported: 0, dropped: {} };
  }
}

const EXPORTED: Delivery = { kind: 'exported', rejected: 0, message: '' };

function start(pipeline: FakePipeline, answer: (batch: ExportBatch) => Delivery | Promise<Delivery> = () => EXPORTED) {
  const giveUp = new AbortController();
  const progress = newProgress();
  let busy = 0;
  const sender = {
    send: vi.fn(async (batch: ExportBatch) => {
      busy += 1;
      expect(busy).toBe(1);
      const delivery = await answer(batch);
      busy -= 1;
      return delivery;
    }),
    close: vi.fn(async () => undefined),
  } satisfies BatchSender;
  const retry = { timeoutMs: 1_000, exportTimeoutMs: 5_000 };
  const task = { pipeline: 7, label: 'test', retry, scheduleDelayMs: 1_000, progress };
  const ended = exportUntilClosed(pipeline, task, sender, giveUp.signal);
  return { ended, sender, giveUp, words: new Int32Array(progress) };
}

const soon = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('exportUntilClosed', () => {
  it('exports full batches at once, one after another [V-06 V-42]', async () => {
    const pipeline = new FakePipeline();
    pipeline.queue = 10;
    const { sender } = start(pipeline);
    await soon();
    expect(sender.send).toHaveBeenCalledTimes(3);
    expect(pipeline.queue).toBe(1);
    expect(pipeline.done).toEqual([1, 2, 3].map(() => ['exported', 0, '']));
  });

  it('exports what waits when time is up, though no batch is full', async () => {
    const pipeline = new FakePipeline();
    const { sender } = start(pipeline);
    await soon();
    pipeline.queue = 2;
    await vi.advanceTimersByTimeAsync(999);
    expect(sender.send).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(sender.send).toHaveBeenCalledOnce();
    expect(pipeline.queue).toBe(0);
  });

  it('exports at once when somebody flushes', async () => {
    const pipeline = new FakePipeline();
    const { sender } = start(pipeline);
    await soon();
    pipeline.queue = 1;
    pipeline.say('flush');
    await soon();
    expect(sender.send).toHaveBeenCalledOnce();
  });

  it('asks native once and waits, however much time passes', async () => {
    const pipeline = new FakePipeline();
    start(pipeline);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(pipeline.asked).toBe(1);
  });

  it('ends when the pipeline is closed, and closes the sender once [V-43]', async () => {
    const pipeline = new FakePipeline();
    const { ended, sender, words } = start(pipeline);
    await soon();
    pipeline.say('closed');
    await ended;
    expect(sender.close).toHaveBeenCalledOnce();
    expect(words[PROGRESS.state]).toBe(EXPORTING.ended);
  });

  it('counts what was refused, in whole or in part, and each failure', async () => {
    const answers: Delivery[] = [
      { kind: 'refused', reason: 'refused', message: 'HTTP 400' },
      { kind: 'exported', rejected: 2, message: 'too old' },
      { kind: 'exported', rejected: 0, message: 'deprecated' },
      { kind: 'exported', rejected: 99, message: '' },
    ];
    const pipeline = new FakePipeline();
    pipeline.queue = 12;
    start(pipeline, (batch) => answers[batch.batch - 1] as Delivery);
    await soon();
    expect(pipeline.done).toEqual([
      ['dropped', 0, 'refused'],
      ['exported', 2, 'rejected'],
      ['exported', 0, ''],
      ['exported', 3, 'rejected'],
    ]);
    expect(pipeline.errors).toBe(4);
    expect(process.emitWarning).toHaveBeenCalledOnce();
  });

  it('shows the main thread which batch is out, and whether it waits', async () => {
    const pipeline = new FakePipeline();
    pipeline.queue = 3;
    let answer: ((delivery: Delivery) => void) | undefined;
    const { words } = start(pipeline, () => new Promise((resolve) => (answer = resolve)));
    await soon();
    expect([words[PROGRESS.state], words[PROGRESS.batch], words[PROGRESS.settled]]).toEqual([EXPORTING.sends, 1, 0]);
    answer?.({ kind: 'failed', reason: 'throttled', message: 'HTTP 503' });
    await soon();
    expect(words[PROGRESS.state]).toBe(EXPORTING.backsOff);
    await vi.advanceTimersByTimeAsync(1_200);
    answer?.(EXPORTED);
    await soon();
    expect([words[PROGRESS.state], words[PROGRESS.batch], words[PROGRESS.settled]]).toEqual([EXPORTING.waits, 0, 1]);
  });

  it('gives a batch up when it is told to, and ends with the pipeline', async () => {
    const pipeline = new FakePipeline();
    pipeline.queue = 3;
    const { ended, giveUp } = start(pipeline, () => ({ kind: 'failed', reason: 'unreachable', message: 'ECONNREFUSED' }));
    await soon();
    pipeline.say('closed');
    giveUp.abort();
    await soon();
    await ended;
    expect(pipeline.done).toEqual([['dropped', 0, 'shutdown']]);
  });

  it('fails when native does', async () => {
    const pipeline = new FakePipeline();
    pipeline.pipelineReady = () => Promise.reject(new Error('no such pipeline'));
    await expect(start(pipeline).ended).rejects.toThrow('no such pipeline');
  });
});
