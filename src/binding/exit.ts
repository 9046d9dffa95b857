// Says in the segments how this process ends, so that recovery can tell a clean end from a crash. Main thread only; the work at
// the end (draining, joining, removing files) is native's, in a C exit handler that runs after all of this.
import { EXIT_CLEAN, EXIT_UNCAUGHT } from './generated/layout.js';
import type { NativeMemory } from './native-memory.js';

/** The part of `process` that tells how it ends. */
type Ending = Pick<NodeJS.Process, 'on' | 'listenerCount' | 'hasUncaughtExceptionCaptureCallback'>;

/**
 * Marks the end of the process: `uncaught` for an exception that nothing handles, `clean` for `process.exit` and a natural
 * end. Without a mark (SIGKILL, an abort, a signal's default action) a run counts as unclean. To be called once per process,
 * in its main thread: a worker's `exit` is not the process's.
 */
export function markEnds(native: Pick<NativeMemory, 'markExit'>, ending: Ending = process): void {
  let uncaught = false;
  // The monitor changes nothing about what happens next. With a handler or a capture callback the process lives on.
  ending.on('uncaughtExceptionMonitor', () => {
    if (ending.listenerCount('uncaughtException') > 0 || ending.hasUncaughtExceptionCaptureCallback()) return;
    uncaught = true;
    native.markExit(EXIT_UNCAUGHT, 1);
  });
  ending.on('exit', (code: number) => native.markExit(uncaught ? EXIT_UNCAUGHT : EXIT_CLEAN, code));
}
