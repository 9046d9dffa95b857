// Puts a context in place without a callback, for instrumentation that is told of a beginning and must put back what was there
// itself. App threads.
import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import { perThread } from '../binding/per-thread.js';
import { type Context, ROOT_CONTEXT, storage } from './context.js';

/**
 * Makes `context` the active one for the rest of the running callback and for what it starts. Whoever calls this puts back what was
 * active before; {@link runInContext} does so by itself. About 0.1 us, nothing where `context` is active already.
 */
export function enterContext(context: Context): void {
  const entered = context === ROOT_CONTEXT ? undefined : context;
  if (storage.getStore() !== entered) storage.enterWith(entered as Context);
}

/**
 * True where a context that a callback entered stays with the callback's resource and is there again the next time that resource calls
 * (async_hooks: Node 20, 22, and later ones told so); false where it ends with the callback (AsyncContextFrame: Node 24). Found out
 * once per thread.
 */
export function contextsStay(): boolean {
  return perThread('context.stay', () => {
    const probe = new AsyncLocalStorage<boolean>();
    const resource = new AsyncResource('KymoProbe');
    resource.runInAsyncScope(() => probe.enterWith(true));
    const stays = resource.runInAsyncScope(() => probe.getStore()) === true;
    probe.disable();
    return stays;
  });
}
