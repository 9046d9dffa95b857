// Subscriptions to Node's diagnostics channels that begin and end together. App threads.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { native } from '../binding/load.js';

type Listener = (message: unknown) => void;

/** Subscriptions of one instrumentation. */
export class Channels {
  readonly #subscribed: [string, Listener][] = [];

  /**
   * Calls `listener` with each message of the channel. Node ends the process when a subscriber throws, and what a library publishes may
   * change: then the message is a lost span, `kymo_spans_dropped_total{reason="instrumentation_failed"}`.
   */
  on<T>(name: string, listener: (message: T) => void): void {
    const guarded: Listener = (message) => {
      try {
        listener(message as T);
      } catch {
        native.tracesDropped('instrumentation_failed', 1);
      }
    };
    subscribe(name, guarded);
    this.#subscribed.push([name, guarded]);
  }

  /** Ends all subscriptions. */
  off(): void {
    for (const [name, listener] of this.#subscribed.splice(0)) unsubscribe(name, listener);
  }
}
