// Contexts that are attached by hand and detached later, in any order and from concurrent branches. App threads.
import { perThread } from '../binding/per-thread.js';
import { activeContext, Context, storage, withExtra } from './context.js';

/** The open attachment of each context that one put in place; an entry goes when it is detached. */
const attachments: WeakMap<Context, Attachment> = perThread('context.attachments', () => new WeakMap<Context, Attachment>());

/** A context put in place by hand. */
export interface Attachment extends Disposable {
  /**
   * Puts back what was active before, in the branch that calls it. When something else was attached on top meanwhile, that stays
   * active, and what was active before this one comes back when it goes. Another task's context is never put in place: where this
   * attachment is not in force (inside a scope of another context, in a task started before it), nothing happens.
   * @returns whether it was in force here.
   */
  detach(): boolean;
}

class OpenAttachment implements Attachment {
  /** What is active while this is: the attached context, or a twin when that context is attached elsewhere at the same time. */
  readonly #shown: Context;
  #before: Context;
  #under: OpenAttachment | undefined;

  constructor(shown: Context, before: Context) {
    this.#shown = shown;
    this.#before = before;
    this.#under = attachments.get(before) as OpenAttachment | undefined;
    attachments.set(shown, this);
  }

  detach(): boolean {
    const active = activeContext();
    if (active === this.#shown) {
      storage.enterWith(this.#before);
    } else {
      let above = attachments.get(active) as OpenAttachment | undefined;
      while (above !== undefined && above.#under !== this) above = above.#under;
      if (above === undefined) return false;
      above.#before = this.#before;
      above.#under = this.#under;
    }
    attachments.delete(this.#shown);
    return true;
  }

  [Symbol.dispose](): void {
    this.detach();
  }
}

/**
 * Makes `context` the active one until it is detached:
 *
 *     using attached = attachContext(context);   // until the end of the block
 *     const attached = attachContext(context);   // until attached.detach()
 *
 * What runs later because of this code (promises, timers, callbacks) sees `context` as well, also after the detachment.
 *
 * **In an async function** the code up to the first `await` runs inside its caller: attached there, the context is the caller's too when
 * the function returns its promise, until the caller's own task or its innermost {@link runInContext} ends, since JavaScript tells
 * nobody that a function went to sleep. So attach after the first `await`, where nobody else is on the stack, or use
 * {@link runInContext}, which never leaks. Costs about 0.3 us.
 */
export function attachContext(context: Context): Attachment {
  const before = activeContext();
  const shown = before === context || attachments.has(context) ? twinOf(context) : context;
  storage.enterWith(shown);
  return new OpenAttachment(shown, before);
}

/** Another object that shows the same: an open span stays visible through it and goes when it ends. */
function twinOf(context: Context): Context {
  const { t0, t1, t2, t3, state } = context;
  if (typeof state === 'object' && state.live) return withExtra(context, () => undefined);
  return new Context(t0, t1, t2, t3, state);
}
