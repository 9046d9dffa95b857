// Event emitters whose listeners run in a context: `context.bind(ctx, emitter)`. App threads; each listener that is added costs a wrapper,
// which goes with the listener.
import type { EventEmitter } from 'node:events';

type Listener = (this: unknown, ...args: unknown[]) => void;
type Adding = (this: EventEmitter, event: string | symbol, listener: Listener) => EventEmitter;

const ADDING = ['addListener', 'on', 'once', 'prependListener', 'prependOnceListener'] as const;
const REMOVING = ['removeListener', 'off'] as const;

/** Marks an emitter that is bound: it stays with its first context. */
const BOUND: unique symbol = Symbol('kymo.bound');

/**
 * Has every listener that is added to `emitter` from now on called through `wrap`. Removing a listener by the function that was added goes
 * on working, `once` included. An emitter is bound once; later calls do nothing.
 */
export function bindEmitter<E extends EventEmitter>(emitter: E, wrap: (listener: Listener) => Listener): E {
  if (BOUND in emitter) return emitter;
  Object.defineProperty(emitter, BOUND, { value: true });
  const wrapped = new WeakMap<Listener, Listener>();
  const methods = emitter as unknown as Record<string, Adding | undefined>;
  let adding = false;
  for (const name of ADDING) {
    const original = methods[name];
    if (original === undefined) continue;
    methods[name] = function (this: EventEmitter, event, listener): EventEmitter {
      // `once` of Node adds a listener of its own by `on`, which must find the one that we gave it.
      if (adding || typeof listener !== 'function') return original.call(this, event, listener);
      let through = wrapped.get(listener);
      if (through === undefined) {
        through = wrap(listener);
        wrapped.set(listener, through);
      }
      adding = true;
      try {
        return original.call(this, event, through);
      } finally {
        adding = false;
      }
    };
  }
  for (const name of REMOVING) {
    const original = methods[name];
    if (original === undefined) continue;
    methods[name] = function (this: EventEmitter, event, listener): EventEmitter {
      return original.call(this, event, (typeof listener === 'function' ? wrapped.get(listener) : undefined) ?? listener);
    };
  }
  return emitter;
}
