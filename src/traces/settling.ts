// Does something when the application's function is over: at once, or when its promise is settled. App threads.

/**
 * Calls `run`, then `over`: with what it threw or was rejected with, or with nothing. Returns what `run` returns, the very promise if it
 * is one; `over` must not throw.
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
  // Whoever awaits the result sees its rejection; this branch of it is ours alone.
  result.then(
    () => over(false),
    (error: unknown) => over(true, error),
  );
  return result;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
