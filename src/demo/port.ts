// Finds a port for the gateway: the wanted one, or the next that is free. Main thread, at start.

const TRIES = 20;

/** Runs `bind` with `wanted` and, as long as it finds the port taken, with the ones after it. Rejects with the last error. */
export async function listen(wanted: number, bind: (port: number) => Promise<void>): Promise<void> {
  for (let port = wanted; ; port++) {
    try {
      return await bind(port);
    } catch (error) {
      if (!isTaken(error) || wanted === 0 || port >= Math.min(wanted + TRIES, 65_535)) throw error;
    }
  }
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}
