// Ends a request's context when its listeners have run. A subscriber of `http.server.request.start` cannot wrap them, so it enters the
// context, and a listener of ours, kept the last one of its event, puts back what was active before. App threads; nothing per request.
import type { IncomingMessage, Server } from 'node:http';
import { perThread } from '../binding/per-thread.js';

type Listener = (request: IncomingMessage) => void;

/** Events that node:http emits with a request whose start it has published. `request` comes last: the others are rare. */
const EVENTS = ['dropRequest', 'checkContinue', 'checkExpectation', 'request'] as const;
/** Events whose listeners change what node:http does: ours may be there only beside somebody's. */
const DECISIVE: ReadonlySet<string> = new Set(['checkContinue', 'checkExpectation']);

const watched: WeakMap<Server, ServerListeners> = perThread('instrument.server-listeners', () => new WeakMap<Server, ServerListeners>());

/** Our listeners on one server. */
export class ServerListeners {
  readonly #server: Server;
  readonly #last: Listener;
  /** Somebody added a listener: ours may not be the last one any more. */
  #stale = true;

  /** Those of `server`, on which `last` is called after everybody else. */
  static of(server: Server, last: Listener): ServerListeners {
    let listeners = watched.get(server);
    if (listeners === undefined) {
      listeners = new ServerListeners(server, last);
      watched.set(server, listeners);
    }
    listeners.#watch();
    return listeners;
  }

  private constructor(server: Server, last: Listener) {
    this.#server = server;
    this.#last = last;
  }

  /** Makes ours the last ones again, if they are not. */
  settle(): void {
    if (!this.#stale) return;
    this.#stale = false;
    for (const event of EVENTS) {
      this.#server.off(event, this.#last);
      if (!DECISIVE.has(event) || this.#server.listenerCount(event) > 0) this.#server.on(event, this.#last);
    }
  }

  /** True when a listener of `event`, ours apart, is there. */
  has(event: 'checkContinue' | 'checkExpectation'): boolean {
    return this.#server.listenerCount(event) > 0;
  }

  /** Takes everything back. */
  remove(): void {
    this.#server.off('newListener', this.#added).off('removeListener', this.#removed);
    for (const event of EVENTS) this.#server.off(event, this.#last);
    watched.delete(this.#server);
  }

  /** Looks at what comes and goes, also after somebody removed all listeners of the server. */
  #watch(): void {
    if (this.#server.listenerCount('newListener', this.#added) > 0) return;
    this.#server.on('newListener', this.#added).on('removeListener', this.#removed);
    this.#stale = true;
  }

  readonly #added = (event: string | symbol, listener: unknown): void => {
    if (listener !== this.#last && (EVENTS as readonly unknown[]).includes(event)) this.#stale = true;
  };

  readonly #removed = (event: string | symbol, listener: unknown): void => {
    if (listener === this.#last || !DECISIVE.has(event as string)) return;
    // Alone, ours would have node:http wait for an answer that nobody gives.
    if (this.#server.listenerCount(event) === this.#server.listenerCount(event, this.#last)) this.#server.off(event, this.#last);
  };
}
