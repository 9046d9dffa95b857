// Does something when the application's function is over: at once, or when its promise is settled. App threads.

/**
 * Calls `run`, then `over`: with what it threw or was rejected with, or with nothing; `over` must not throw. Returns what `run` returns;
 * for a promise (of whichever library) one that is settled the same way, after `over`, so that a rejection that nobody handles stays one.
 */
export function settling<R>(run: () => R, over: (failed: boolean, error?: unknown) => void): R {
  let result: R;
  try {
    result = run();
  } catch (error) {
    over(true, error);
    throw error;
  }
  if (!isThenable(result)) {
    over(false);
    return result;
  }
  return Promise.resolve(result).then(
    (value) => {
      over(false);
      return value;
    },
    (error: unknown) => {
      over(true, error);
      throw error;
    },
  ) as R;
}

/** True for promises, of whichever library. Never throws. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (typeof value !== 'object' || value === null) return false;
  try {
    return typeof (value as { then?: unknown }).then === 'function';
  } catch {
    return false;
  }
}
