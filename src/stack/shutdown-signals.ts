// Signals that shut something down before they end the process. Main thread; other threads get no signals.
import { isMainThread } from 'node:worker_threads';

/** Listens for signals until it is released. */
export class ShutdownSignals {
  readonly #signals: readonly NodeJS.Signals[];
  readonly #listener: (signal: NodeJS.Signals) => void;

  /**
   * @param shutdown called once; when it has settled, the signal is raised again. Where nobody else listens, that ends the process with the
   *   code of the signal, as it would have ended at once.
   */
  constructor(signals: readonly NodeJS.Signals[], shutdown: () => Promise<unknown>) {
    this.#signals = isMainThread ? signals : [];
    this.#listener = (signal) => {
      const alone = process.listenerCount(signal) === 1;
      const again = (): void => {
        // Other listeners decide themselves when the process ends.
        if (alone) process.kill(process.pid, signal);
      };
      shutdown().then(again, again);
    };
    for (const signal of this.#signals) process.on(signal, this.#listener);
  }

  release(): void {
    for (const signal of this.#signals) process.off(signal, this.#listener);
  }
}
