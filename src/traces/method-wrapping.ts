// Exchanges methods of one object of the application for ones that open spans, and puts them back. App threads.
import { KymoError } from '../core/errors.js';

/** A method, as it is exchanged: gets what the object's own one is called with. */
export type Around = (original: (...args: unknown[]) => unknown, self: unknown, args: unknown[]) => unknown;

interface Exchanged {
  readonly name: string;
  readonly own: PropertyDescriptor | undefined;
  readonly replacement: unknown;
}

/**
 * Exchanges the methods of `target` that `around` names and that it has; its class and other objects of it are left alone. Returns
 * what puts them back: a method that somebody else exchanged meanwhile stays as they made it.
 * @throws KymoError `KYMO_CONFIG_VALUE` when it has none of them, or cannot be changed
 */
export function wrapMethods(target: object, around: Readonly<Record<string, Around>>): () => void {
  const expected = `an object that can be changed, with one of the methods ${Object.keys(around).join(', ')}`;
  if (typeof target !== 'object' || target === null) {
    throw new KymoError('KYMO_CONFIG_VALUE', { source: 'what is instrumented', value: target, expected });
  }
  const exchanged: Exchanged[] = [];
  for (const [name, open] of Object.entries(around)) {
    const original: unknown = Reflect.get(target, name);
    if (typeof original !== 'function') continue;
    const own = Object.getOwnPropertyDescriptor(target, name);
    const replacement = function (this: unknown, ...args: unknown[]): unknown {
      return open((...given) => Reflect.apply(original, this, given), this, args);
    };
    Object.defineProperty(replacement, 'name', { value: original.name, configurable: true });
    const descriptor = { value: replacement, configurable: true, writable: true, enumerable: own?.enumerable ?? false };
    if (Reflect.defineProperty(target, name, descriptor)) exchanged.push({ name, own, replacement });
  }
  if (exchanged.length === 0) {
    throw new KymoError('KYMO_CONFIG_VALUE', { source: 'what is instrumented', value: Object.keys(target).join(', '), expected });
  }
  return () => {
    for (const { name, own, replacement } of exchanged.splice(0)) {
      if (Object.getOwnPropertyDescriptor(target, name)?.value !== replacement) continue;
      if (own === undefined) Reflect.deleteProperty(target, name);
      else Object.defineProperty(target, name, own);
    }
  };
}
