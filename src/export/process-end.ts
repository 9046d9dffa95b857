// The last moments of a process: pipelines are flushed before it ends by itself, and, as far as a thread still exports, when it is made to
// end. App thread.
import { native } from '../binding/load.js';

/** The part of a pipeline that counts at the end. */
export interface EndingPipeline {
  readonly progresses: boolean;
  readonly state: { readonly queuedSpans: number; readonly inFlightSpans: number };
  request(deadlineMs: number): void;
  close(): void;
  flush(deadlineMs: number): Promise<boolean>;
}

/** How long the end may take, in ms. */
export interface EndDeadlines {
  /** Of a natural end, when nothing is left to do. */
  readonly flushMs: number;
  /** Of `process.exit()` and uncaught exceptions, which the process is held in. */
  readonly exitMs: number;
}

const POLL_MS = 5;

/** Flushes pipelines when the process ends, until it is told not to any more. */
export class ProcessEnd {
  readonly #pipelines: readonly EndingPipeline[];
  readonly #deadlines: EndDeadlines;
  #flushed = false;
  readonly #natural = (): void => this.#beforeExit();
  readonly #forced = (): void => this.#exit();

  constructor(pipelines: readonly EndingPipeline[], deadlines: EndDeadlines) {
    this.#pipelines = pipelines;
    this.#deadlines = deadlines;
    process.on('beforeExit', this.#natural);
    process.on('exit', this.#forced);
  }

  /** Forgets the pipelines: they were shut down. */
  release(): void {
    process.off('beforeExit', this.#natural);
    process.off('exit', this.#forced);
  }

  /** Once: a flush makes the loop turn again, and the event with it. */
  #beforeExit(): void {
    if (this.#flushed) return;
    this.#flushed = true;
    for (const pipeline of this.#pipelines) pipeline.flush(this.#deadlines.flushMs).catch(() => undefined);
  }

  /**
   * Nothing runs on this thread any more but what is called here; exporters' threads still do. So the rings are drained, everything is
   * asked for, and this thread sleeps until it is out, for as long as somebody makes progress.
   */
  #exit(): void {
    this.#wait();
    // A thread of the application may end without the process: nobody would take what comes out of these queues.
    for (const pipeline of this.#pipelines) pipeline.close();
  }

  #wait(): void {
    const until = performance.now() + this.#deadlines.exitMs;
    const left = (): number => until - performance.now();
    if (left() <= 0 || !native.ringFlush(left())) return;
    for (const pipeline of this.#pipelines) pipeline.request(Math.max(1, left()));
    const cell = new Int32Array(new SharedArrayBuffer(4));
    const waits = ({ progresses, state }: EndingPipeline): boolean => progresses && state.queuedSpans + state.inFlightSpans > 0;
    while (left() > 0 && this.#pipelines.some(waits)) Atomics.wait(cell, 0, 0, POLL_MS);
  }
}
