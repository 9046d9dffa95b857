// The long-lived task of a pipeline: takes batches from native by itself and has them delivered, one after another. Runs on an
// exporter's thread, or on the main thread for exporters that insist; nothing is posted per batch.
import type { NativeExport } from '../binding/native-export.js';
import { KymoError } from '../core/errors.js';
import type { BatchSender } from './delivery.js';
import { EXPORTING, type ExportTask, PROGRESS } from './export-task.js';
import { deliver } from './retry.js';
import { RateLimitedWarning } from './warnings.js';

/** The calls of the addon that exporting needs. */
export type PipelineNative = Pick<NativeExport, 'pipelineReady' | 'pipelineTake' | 'pipelineDone' | 'pipelineError' | 'pipelineState'>;

type Ready = Awaited<ReturnType<NativeExport['pipelineReady']>>;

type LoopTask = Pick<ExportTask, 'pipeline' | 'label' | 'retry' | 'scheduleDelayMs' | 'progress'>;

/**
 * Exports a pipeline until it is closed; then closes the sender. Never two batches at once, and never rejects because of a batch.
 * @param giveUp when aborted, the batch that is under way is dropped with the reason `shutdown`
 */
export async function exportUntilClosed(native: PipelineNative, task: LoopTask, sender: BatchSender, giveUp: AbortSignal): Promise<void> {
  const loop = new ExportLoop(native, task, sender, giveUp);
  await loop.run();
  await sender.close();
}

class ExportLoop {
  readonly #native: PipelineNative;
  readonly #task: LoopTask;
  readonly #sender: BatchSender;
  readonly #giveUp: AbortSignal;
  readonly #progress: Int32Array;
  readonly #warning: RateLimitedWarning;

  constructor(native: PipelineNative, task: LoopTask, sender: BatchSender, giveUp: AbortSignal) {
    this.#native = native;
    this.#task = task;
    this.#sender = sender;
    this.#giveUp = giveUp;
    this.#progress = new Int32Array(task.progress);
    this.#warning = new RateLimitedWarning();
  }

  async run(): Promise<void> {
    const { pipeline, scheduleDelayMs } = this.#task;
    const waiter = new Waiter(this.#native, pipeline);
    for (;;) {
      this.#now(EXPORTING.waits);
      const why = await waiter.next(scheduleDelayMs);
      if (why === 'closed') break;
      // One batch for one answer: native says at once whether there is more to do. When time is up, all that waits now: what ends
      // meanwhile has its own time.
      let left = why === 'time' ? this.#native.pipelineState(pipeline).queued : 1;
      while (left > 0) {
        const exported = await this.#exportNext();
        if (exported === 0) break;
        left -= exported;
      }
    }
    this.#now(EXPORTING.ended);
  }

  /** Exports the batch that is next. Returns its spans, 0 when there is none. */
  async #exportNext(): Promise<number> {
    const { pipeline, retry } = this.#task;
    const batch = this.#native.pipelineTake(pipeline);
    if (batch === null) return 0;
    Atomics.store(this.#progress, PROGRESS.batch, batch.batch);
    this.#now(EXPORTING.sends);
    const outcome = await deliver(this.#sender, batch, retry, this.#giveUp, {
      onFailure: (message) => this.#failed(message),
      onWait: (waiting) => this.#now(waiting ? EXPORTING.backsOff : EXPORTING.sends),
    });
    // Settled first, forgotten second: a crash in between makes the main thread settle it again, which native ignores.
    if (outcome.kind === 'exported') {
      const rejected = Math.min(outcome.rejected, batch.items);
      if (outcome.message !== '' || rejected > 0) this.#failed(`${rejected} of ${batch.items} refused: ${outcome.message}`);
      this.#native.pipelineDone(pipeline, batch.batch, 'exported', rejected, rejected > 0 ? 'rejected' : '');
    } else {
      this.#native.pipelineDone(pipeline, batch.batch, 'dropped', 0, outcome.reason);
    }
    Atomics.store(this.#progress, PROGRESS.batch, 0);
    Atomics.add(this.#progress, PROGRESS.settled, 1);
    return batch.items;
  }

  #failed(message: string): void {
    this.#native.pipelineError(this.#task.pipeline);
    this.#warning.emit(() => new KymoError('KYMO_EXPORT_FAILED', { exporter: this.#task.label, reason: message }));
  }

  #now(state: (typeof EXPORTING)[keyof typeof EXPORTING]): void {
    Atomics.store(this.#progress, PROGRESS.state, state);
  }
}

/** Waits for native or for time; one reaction per promise of native, however often time comes first. */
class Waiter {
  readonly #native: Pick<PipelineNative, 'pipelineReady'>;
  readonly #pipeline: number;
  #asked = false;
  #answer: Ready | undefined;
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(native: Pick<PipelineNative, 'pipelineReady'>, pipeline: number) {
    this.#native = native;
    this.#pipeline = pipeline;
  }

  /** What native says, or `time` after `ms`. The timer holds no thread open. */
  async next(ms: number): Promise<Ready | 'time'> {
    this.#ask();
    if (this.#answer === undefined && this.#failure === undefined) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms).unref();
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#wake = undefined;
    }
    if (this.#failure) throw this.#failure.error;
    const answer = this.#answer;
    this.#answer = undefined;
    if (answer !== undefined) this.#asked = false;
    return answer ?? 'time';
  }

  #ask(): void {
    if (this.#asked) return;
    this.#asked = true;
    this.#native.pipelineReady(this.#pipeline).then(
      (answer) => {
        this.#answer = answer;
        this.#wake?.();
      },
      (error: unknown) => {
        this.#failure = { error };
        this.#wake?.();
      },
    );
  }
}
