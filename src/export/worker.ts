// The entry of an exporter's thread: one long-lived task, which takes batches from native by itself until its pipeline is closed.
import { native } from '../binding/load.js';
import { exportUntilClosed } from './export-loop.js';
import type { ExportTask } from './export-task.js';
import { createSender } from './senders.js';

/** Runs a task; settles when its pipeline is closed. A rejection, or the end of the thread, makes the main thread start another one. */
export async function run(task: ExportTask): Promise<void> {
  const giveUp = new AbortController();
  // An export that never settles cannot be called off; a new thread can be had. Its batch was counted before.
  const sender = await createSender(task.destination, () => process.exit(1));
  const { control } = task;
  control?.on('message', (message: ControlMessage) => {
    if (message === 'give up') giveUp.abort();
    else sender.flush?.().finally(() => control.postMessage(message));
  });
  control?.unref();
  await exportUntilClosed(native, task, sender, giveUp.signal);
  control?.close();
}

/** What the main thread says: that the batch under way is to be given up, or the number of a flush, which is said back when it is done. */
export type ControlMessage = 'give up' | number;
