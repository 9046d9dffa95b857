// Exchanges methods of instruments while something wants to know of each call: a listener, a source of exemplars. App thread.
// Nobody pays for what nobody uses: even a look at a flag would be a fifth of an increment.

/** A method with all that may be laid over it. */
interface Slot {
  readonly prototype: object;
  readonly method: string;
  readonly plain: unknown;
  readonly wraps: { readonly layer: MethodLayer; readonly wrap: (inner: never) => unknown }[];
}

const slots: Slot[] = [];

/** Wraps of methods that are on or off together. Those over one method nest in the order in which they were named. */
export class MethodLayer {
  #on = false;

  /** Names a method and what it is exchanged for while this layer is on: a function that calls `inner`. */
  over<T extends object, K extends keyof T & string>(prototype: T, method: K, wrap: (inner: T[K]) => T[K]): void {
    let slot = slots.find((other) => other.prototype === prototype && other.method === method);
    if (slot === undefined) {
      slot = { prototype, method, plain: prototype[method], wraps: [] };
      slots.push(slot);
    }
    slot.wraps.push({ layer: this, wrap });
    if (this.#on) put(slot);
  }

  /** Exchanges the methods, or puts them back. */
  turn(on: boolean): void {
    if (this.#on === on) return;
    this.#on = on;
    for (const slot of slots) if (slot.wraps.some(({ layer }) => layer === this)) put(slot);
  }

  static isOn(layer: MethodLayer): boolean {
    return layer.#on;
  }
}

function put({ prototype, method, plain, wraps }: Slot): void {
  let value = plain;
  for (const { layer, wrap } of wraps) if (MethodLayer.isOn(layer)) value = wrap(value as never);
  Object.defineProperty(prototype, method, { value, writable: true, configurable: true });
}
