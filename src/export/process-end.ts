// The last moments of a process: pipelines are flushed before it ends by itself, and, as far as a thread still exports, when it is made to
// end. App thread.
import { native } from '../binding/load.js';

/** The part of a pipeline that counts at the end. */
export interface EndingPipeline {
  readonly progresses: boolean;
  readonly state: { readonly queued: number; readonly inFlight: number };
  request(deadlineMs: number): void;
  flush(deadlineMs: number): Promise<boolean>;
  close(): void;
}

/** How long the end may take, in ms. */
export interface EndDeadlines {
  /** Of a natural end, when nothing is left to do. */
  readonly flushMs: number;
  /** Of `process.exit()` and uncaught exceptions, which the process is held in. */
  readonly exitMs: number;
}

const POLL_MS = 5;

/** Those that are to be flushed; the process is listened to while there are any, once for all of them. */
const ending = new Set<ProcessEnd>();

/** Flushes pipelines when the process ends, until it is told not to any more. */
export class ProcessEnd {
  readonly #pipelines: readonly EndingPipeline[];
  readonly #deadlines: EndDeadlines;
  #flushed = false;

  constructor(pipelines: readonly EndingPipeline[], deadlines: EndDeadlines) {
    this.#pipelines = pipelines;
    this.#deadlines = deadlines;
    if (ending.size === 0) {
      process.on('beforeExit', flushAll);
      process.on('exit', waitForAll);
    }
    ending.add(this);
  }

  /** Forgets the pipelines: they were shut down. */
  release(): void {
    ending.delete(this);
    if (ending.size > 0) return;
    process.off('beforeExit', flushAll);
    process.off('exit', waitForAll);
  }

  /** How long this one may hold an exit up, in ms. */
  get exitMs(): number {
    return this.#deadlines.exitMs;
  }

  /** Once: a flush makes the loop turn again, and the event with it. */
  flush(): void {
    if (this.#flushed) return;
    this.#flushed = true;
    for (const pipeline of this.#pipelines) pipeline.flush(this.#deadlines.flushMs).catch(() => undefined);
  }

  /** Asks for everything that has ended, without waiting. */
  request(): void {
    for (const pipeline of this.#pipelines) pipeline.request(this.#deadlines.exitMs);
  }

  /** True while waiting brings something. */
  get progresses(): boolean {
    return this.#pipelines.some(({ progresses, state }) => progresses && state.queued + state.inFlight > 0);
  }

  /** A thread of the application may end without the process: nobody would take what comes out of these queues. */
  close(): void {
    for (const pipeline of this.#pipelines) pipeline.close();
  }
}

function flushAll(): void {
  for (const end of ending) end.flush();
}

/**
 * Nothing runs on this thread any more but what is called here; exporters' threads still do. So the rings are drained, everything is asked
 * for, and this thread sleeps until it is out, for as long as somebody makes progress.
 */
function waitForAll(): void {
  const start = performance.now();
  const inTime = ({ exitMs }: ProcessEnd): boolean => performance.now() - start < exitMs;
  const waiting = [...ending].filter(inTime);
  if (waiting.length > 0 && native.ringFlush(Math.max(...waiting.map(({ exitMs }) => exitMs)))) {
    for (const end of waiting) end.request();
    const cell = new Int32Array(new SharedArrayBuffer(4));
    while (waiting.some((end) => inTime(end) && end.progresses)) Atomics.wait(cell, 0, 0, POLL_MS);
  }
  for (const end of ending) end.close();
}
