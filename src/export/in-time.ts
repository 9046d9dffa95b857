// Waits for what an application's exporter promised, but not for ever, and says why it failed. The thread that exports.

/**
 * True once `settled` is fulfilled; false when `ms` are over or `signal` is aborted before.
 * @throws what the promise is rejected with
 */
export async function inTime(settled: Promise<unknown>, ms: number, signal: AbortSignal): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  let giveUp: (() => void) | undefined;
  const late = new Promise<boolean>((resolve) => {
    giveUp = () => resolve(false);
    timer = setTimeout(giveUp, Math.max(0, ms));
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) giveUp();
  });
  try {
    return await Promise.race([settled.then(() => true), late]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', giveUp as () => void);
  }
}

/** The text of what was thrown, whatever it is. */
export function reasonOf(error: unknown): string {
  try {
    return error instanceof Error ? error.message : String(error);
  } catch {
    return `[${typeof error}]`;
  }
}
