// The attributes of an open span as an object that processors read and write: `span.attributes['a'] = 1` sets one. App threads; cold.
import type { Attributes, AttributeValue } from '@opentelemetry/api';
import { findPair } from '../../traces/attributes.js';
import type { Span } from '../../traces/span.js';

/** An object whose properties are the span's attributes. Deleting one does nothing: spans have no way to forget an attribute. */
export function liveAttributes(span: Span): Attributes {
  const find = (key: string | symbol): number => (typeof key === 'string' && span.pairs !== undefined ? findPair(span.pairs, key) : -1);
  return new Proxy<Attributes>(
    {},
    {
      get: (target, key) => {
        const at = find(key);
        return at >= 0 ? span.pairs?.[at + 1] : Reflect.get(target, key);
      },
      has: (target, key) => find(key) >= 0 || Reflect.has(target, key),
      set: (_target, key, value: AttributeValue) => {
        if (typeof key === 'string') span.setAttribute(key, value);
        return true;
      },
      deleteProperty: () => true,
      ownKeys: () => (span.pairs ?? []).filter((_, at) => at % 2 === 0) as string[],
      getOwnPropertyDescriptor: (_target, key) => {
        const at = find(key);
        return at < 0 ? undefined : { value: span.pairs?.[at + 1], enumerable: true, configurable: true, writable: true };
      },
    },
  );
}
