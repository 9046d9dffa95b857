// Contexts that are attached by hand and detached later, in any order and from concurrent branches. App threads.
import { perThread } from '../binding/per-thread.js';
import { Context, nearest, ROOT_CONTEXT, storage } from './context.js';

/** A context put in place by hand. */
export interface Attachment extends Disposable {
  /**
   * Puts back what was active before, wherever this attachment is in force, and whoever calls it; a second call does nothing. What was
   * attached on top of it stays active, and what was active before this one comes back when that goes.
   */
  detach(): void;
}

/** Counts the synchronous runs in which something was attached: two attachments with one number had no `await` between them. */
const run = perThread('context.run', () => ({ number: 0, counted: false }));

function endRun(): void {
  run.number++;
  run.counted = false;
}

function currentRun(): number {
  if (!run.counted) {
    run.counted = true;
    void Promise.resolve().then(endRun);
  }
  return run.number;
}

/** The `state` of a frame while its attachment is open. It knows nothing of what was before: an attachment that is forgotten holds nothing. */
interface Shown {
  readonly live: undefined;
  readonly shown: Context;
}

/**
 * An attachment. The store of the branch is a frame: a context whose `state` says what is attached, so that whoever inherits the frame
 * sees that very context. Detached, the frame stands for the store before it.
 */
class OpenAttachment implements Attachment {
  readonly #context: Context;
  readonly #frame: Context;
  readonly #before: Context;
  readonly #run = currentRun();
  #open = true;

  constructor(context: Context) {
    const state: Shown = { live: undefined, shown: context };
    this.#context = context;
    this.#before = nearest(storage.getStore() ?? ROOT_CONTEXT);
    this.#frame = new Context(0, 0, 0, 0, state as never);
    storage.enterWith(this.#frame);
  }

  detach(): void {
    if (!this.#open) return;
    this.#open = false;
    const inForce = storage.getStore() === this.#frame;
    if (inForce) storage.enterWith(this.#before);
    if (inForce && run.number === this.#run) keepShowing(this.#frame, this.#context);
    else this.#frame.state = this.#before as never;
  }

  [Symbol.dispose](): void {
    this.detach();
  }
}

/** Makes `frame` the same as `context` for good: a copy of it, unless its span is open and will change it. */
function keepShowing(frame: Context, context: Context): void {
  const { state } = context;
  if (typeof state === 'object' && state.live) {
    frame.state = context as never;
    return;
  }
  frame.t0 = context.t0;
  frame.t1 = context.t1;
  frame.t2 = context.t2;
  frame.t3 = context.t3;
  frame.state = state;
}

/**
 * Makes `context` the active one until it is detached:
 *
 *     using attached = attachContext(context);   // until the end of the block
 *     const attached = attachContext(context);   // until attached.detach()
 *
 * What is started meanwhile (promises, timers, callbacks) sees `context`. When it is detached in the same synchronous run, they go on
 * seeing it. When there was an `await` in between, an attachment ends for everyone at once: what outlives it sees what was active
 * before, and so does the caller of an async function.
 *
 * That caller is why: the code of **an async function** up to its first `await` runs inside its caller, and JavaScript tells nobody
 * when the function goes to sleep. Attached there, a context is the caller's too, until it is detached or the innermost
 * {@link runInContext} around the caller returns, and a branch that the caller starts meanwhile begins in it. Three ways out: attach
 * after the first `await`, where no caller is on the stack; start each of several branches with {@link forkContext}; or use
 * {@link runInContext}, which never leaks and costs less.
 */
export function attachContext(context: Context): Attachment {
  return new OpenAttachment(context);
}

/**
 * Calls `fn` in the active context, as a branch of its own: whatever it attaches, before its first `await` or later, is seen by
 * nobody else. Returns what `fn` returns.
 */
export function forkContext<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): R {
  const active = storage.getStore() ?? ROOT_CONTEXT;
  try {
    return fn(...args);
  } finally {
    if (storage.getStore() !== active) storage.enterWith(active);
  }
}
