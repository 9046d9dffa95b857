// Blocks the event loop on purpose, as one careless JSON.parse or regular expression would, while the prober's thread goes
// on asking the ops server. Main thread.
import type { ProbePlan, ProbeReport } from './prober.js';
import { Thread } from './thread.js';

/** Value of the shared word while the loop is blocked; pairs with the Atomics.load of each probe in prober.ts. */
export const BLOCKED = 1;

/** What a block showed. */
export interface BlockReport extends ProbeReport {
  readonly blockedSeconds: number;
}

/** Blocks the calling thread's loop for `blockMs`, right after `begin`; what the ops server answered meanwhile. */
export async function blockLoop(
  blockMs: number,
  ops: { readonly host: string; readonly port: number },
  begin: () => void,
): Promise<BlockReport> {
  const state = new SharedArrayBuffer(4);
  const word = new Int32Array(state);
  const prober = new Thread<null, ProbeReport>('./prober.js', { host: ops.host, port: ops.port, state } satisfies ProbePlan);
  await prober.ready;
  begin();
  const startMs = performance.now();
  Atomics.store(word, 0, BLOCKED);
  while (performance.now() - startMs < blockMs);
  Atomics.store(word, 0, 0);
  const blockedSeconds = (performance.now() - startMs) / 1_000;
  return { blockedSeconds, ...(await prober.stop()) };
}
