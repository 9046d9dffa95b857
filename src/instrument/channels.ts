// Subscriptions to Node's diagnostics channels that begin and end together. App threads.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';

type Listener = (message: unknown) => void;

/** Subscriptions of one instrumentation. */
export class Channels {
  readonly #subscribed: [string, Listener][] = [];

  /** Calls `listener` with each message of the channel. It must not throw: Node would end the process. */
  on<T>(name: string, listener: (message: T) => void): void {
    subscribe(name, listener as Listener);
    this.#subscribed.push([name, listener as Listener]);
  }

  /** Ends all subscriptions. */
  off(): void {
    for (const [name, listener] of this.#subscribed.splice(0)) unsubscribe(name, listener);
  }
}
