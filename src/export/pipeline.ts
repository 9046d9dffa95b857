// A pipeline as the app thread sees it: made in native, exported by a thread of its own (or by this one, where an exporter insists),
// started again when that crashes, flushed and shut down with deadlines. App thread; nothing runs here per batch, unless the exporter does.
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { native } from '../binding/load.js';
import type { PipelineOptions, PipelineState } from '../binding/native-export.js';
import { KymoError } from '../core/errors.js';
import type { BatchSettings } from './batch-options.js';
import { unexported } from './context-exporter.js';
import type { BatchSender } from './delivery.js';
import { exportUntilClosed } from './export-loop.js';
import { type Destination, EXPORTING, type ExportTask, newProgress, PROGRESS } from './export-task.js';
import { runOnThread } from './pool.js';
import { backOff, pause, type RetrySettings } from './retry.js';
import { RateLimitedWarning, warn } from './warnings.js';

/** What a pipeline is made of. */
export interface PipelinePlan<Format extends string = string> {
  /** Name in metrics and warnings. */
  readonly label: string;
  readonly format: Format;
  readonly compression: 'none' | 'gzip' | 'zstd';
  readonly batch: BatchSettings;
  readonly retry: RetrySettings;
  /** Where batches go from a thread; or what takes them on this one. */
  readonly to: Destination | { readonly kind: 'here'; readonly sender: BatchSender };
}

/** One for spans. */
export type SpanPipelinePlan = PipelinePlan<'protobuf' | 'json' | 'msgpack'>;

/** Crashes in a row after which the batch that was out is given up. */
const MOST_CRASHES = 3;
/** Last part of a deadline: for a thread to hear that it is over, and to settle its batch. */
const GRACE_MS = 500;

/** Exports what goes into a native pipeline from now on. */
export class ExportPipeline {
  readonly label: string;
  readonly #plan: PipelinePlan;
  readonly #number: number;
  readonly #progress = newProgress();
  readonly #words = new Int32Array(this.#progress);
  /** Aborted when the pipeline is closed: no further thread is started. */
  readonly #closing = new AbortController();
  /** Aborted when what still runs has to end. */
  readonly #kill = new AbortController();
  /** Given up by the sender on this thread. */
  readonly #giveUp = new AbortController();
  readonly #warning = new RateLimitedWarning();
  readonly #ended: Promise<void>;
  #control: MessagePort | undefined;
  #flushes = 0;

  /** @param number of the pipeline in native, made as {@link pipelineOptions} says */
  constructor(number: number, plan: PipelinePlan) {
    this.label = plan.label;
    this.#plan = plan;
    this.#number = number;
    this.#ended = unexported(() => this.#supervise()).catch((error: unknown) => this.#failed(error));
  }

  /** What waits, what went out, and what was lost by reason. */
  get state(): PipelineState {
    return native.pipelineState(this.#number);
  }

  /** True while a thread exports and is not waiting for a broken connection: an end of the process is worth a wait. */
  get progresses(): boolean {
    const state = Atomics.load(this.#words, PROGRESS.state);
    return this.#plan.to.kind !== 'here' && (state === EXPORTING.waits || state === EXPORTING.sends);
  }

  /** Takes nothing more, and ends; what waits is counted as lost. */
  close(): void {
    this.#closing.abort();
    native.pipelineClose(this.#number);
  }

  /** Asks for everything to be exported, without waiting for it. */
  request(deadlineMs: number): void {
    native.pipelineFlush(this.#number, deadlineMs).catch(() => undefined);
  }

  /** Waits until everything from before the call is exported or counted as lost; false at the deadline. Holds the process open. */
  async flush(deadlineMs: number): Promise<boolean> {
    const until = performance.now() + deadlineMs;
    if (!(await native.pipelineFlush(this.#number, deadlineMs))) return false;
    return this.#flushExporter(Math.max(1, until - performance.now()));
  }

  /**
   * Flushes, then ends: what is not out at the deadline is counted as lost. Never rejects.
   * @returns whether everything was out in time
   */
  async shutdown(deadlineMs: number): Promise<boolean> {
    const until = performance.now() + deadlineMs;
    // The end of the deadline is for giving up: a batch that is under way is counted, not forgotten.
    const flushed = await this.flush(Math.max(deadlineMs - GRACE_MS, deadlineMs / 2)).catch(() => false);
    this.close();
    if (!flushed) {
      this.#giveUp.abort();
      this.#control?.postMessage('give up');
    }
    if (!(await settledWithin(this.#ended, Math.max(GRACE_MS / 2, until - performance.now())))) {
      this.#kill.abort();
      this.#settleLost('dropped', 'shutdown');
    }
    return flushed;
  }

  /** Has the exporter of the application send what it holds back itself. */
  async #flushExporter(deadlineMs: number): Promise<boolean> {
    const { to } = this.#plan;
    if (to.kind === 'here') return settledWithin(to.sender.flush?.() ?? Promise.resolve(), deadlineMs);
    const control = this.#control;
    if (to.kind !== 'module' || control === undefined) return true;
    this.#flushes += 1;
    const number = this.#flushes;
    let heard: ((message: unknown) => void) | undefined;
    const answer = new Promise<void>((resolve) => {
      heard = (message) => message === number && resolve();
      control.on('message', heard);
    });
    control.unref();
    control.postMessage(number);
    const inTime = await settledWithin(answer, deadlineMs);
    control.off('message', heard as (message: unknown) => void);
    return inTime;
  }

  /** Runs the task, and again after a crash, until the pipeline is closed. */
  async #supervise(): Promise<void> {
    const { to } = this.#plan;
    if (to.kind === 'here') return this.#run(to.sender);
    for (let crashes = 0; ; ) {
      const settled = Atomics.load(this.#words, PROGRESS.settled);
      try {
        return await this.#runAway(to);
      } catch (error) {
        if (this.#closing.signal.aborted) return;
        if ((error as NodeJS.ErrnoException).code === 'ERR_ACCESS_DENIED') return this.#fallBack(to, error);
        // A batch went out since the last crash: whatever that was, it is not in the way of the others.
        crashes = Atomics.load(this.#words, PROGRESS.settled) === settled ? crashes + 1 : 1;
        native.pipelineError(this.#number);
        this.#failed(error);
        this.#settleLost(crashes < MOST_CRASHES ? 'again' : 'dropped', 'worker');
        await pause(backOff(crashes - 1, Math.random), this.#closing.signal);
        if (this.#closing.signal.aborted) return;
      }
    }
  }

  async #runAway(destination: Destination): Promise<void> {
    const { port1, port2 } = new MessageChannel();
    port1.unref();
    this.#control = port1;
    try {
      await runOnThread({ ...this.#task(destination), control: port2 }, this.#kill.signal);
    } finally {
      this.#control = undefined;
      port1.close();
      Atomics.store(this.#words, PROGRESS.state, EXPORTING.notStarted);
    }
  }

  /** Exports on this thread because the runtime allows no other. */
  async #fallBack(destination: Destination, error: unknown): Promise<void> {
    const values = { what: 'a thread for exporters', reason: reasonOf(error), used: 'the thread of the application' };
    warn(new KymoError('KYMO_EXPORT_FALLBACK', values));
    // Loaded here only: threads have it, and this one hardly ever needs it.
    const { createSender } = await import('./senders.js');
    await this.#run(await createSender(destination));
  }

  #failed(error: unknown): void {
    this.#warning.emit(() => new KymoError('KYMO_EXPORT_FAILED', { exporter: this.label, reason: reasonOf(error) }));
  }

  #run(sender: BatchSender): Promise<void> {
    return exportUntilClosed(
      native,
      this.#task({ kind: 'module', signal: 'traces', url: '', options: undefined, idFormat: undefined }),
      sender,
      this.#giveUp.signal,
    );
  }

  #task(destination: Destination): ExportTask {
    const { retry, batch } = this.#plan;
    const { scheduleDelayMs } = batch;
    return { pipeline: this.#number, label: this.label, destination, retry, scheduleDelayMs, progress: this.#progress };
  }

  /** Settles the batch that a thread left behind when it ended. */
  #settleLost(outcome: 'again' | 'dropped', reason: string): void {
    const batch = Atomics.exchange(this.#words, PROGRESS.batch, 0);
    if (batch !== 0) native.pipelineDone(this.#number, batch, outcome, 0, reason);
  }
}

/** What native is told of a plan. */
export function pipelineOptions<Format extends string>({
  label,
  format,
  compression,
  batch,
}: PipelinePlan<Format>): PipelineOptions<Format> {
  const { maxQueueItems, maxQueueBytes, maxBatchItems, maxBatchBytes } = batch;
  return { label, format, compression, maxQueueItems, maxQueueBytes, maxBatchItems, maxBatchBytes };
}

/** Exports the spans of a provider from now on. @param host its number in native */
export function exportSpans(host: number, plan: SpanPipelinePlan): ExportPipeline {
  return new ExportPipeline(native.tracesPipeline(host, pipelineOptions(plan)), plan);
}

/** True when `settled` settles in time. Holds the process open meanwhile. */
async function settledWithin(settled: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  try {
    return await Promise.race([
      settled.then(
        () => true,
        () => true,
      ),
      late,
    ]);
  } finally {
    clearTimeout(timer);
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] as string) : String(error);
}
