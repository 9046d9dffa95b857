// Functions and methods whose calls are spans.
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { setDefaultTracing, Tracing, traced } from '../../src/index.js';

let tracing = new Tracing();
afterEach(() => {
  tracing = new Tracing();
  setDefaultTracing(undefined);
});
const spans = (): unknown[] => tracing.getRecent().flatMap((trace) => trace.spans.map(({ name, status }) => [name, status]));

describe('traced', () => {
  it('gives each call of a function a span, and changes nothing else about it', async () => {
    async function load(this: unknown, id: string, n = 1): Promise<unknown> {
      await turn();
      return [this, id, n, tracing.tracer.getCurrentSpan()?.name];
    }
    const wrapped = traced({ tracing })(load);
    const self = {};
    expect(await wrapped.call(self, 'a')).toEqual([self, 'a', 1, 'load']);
    expect([wrapped.name, wrapped.length, spans()]).toEqual(['load', 1, [['load', 'unset']]]);
  });

  it('takes a name, a module, and the options of a span', () => {
    traced({ tracing, name: 'given' })(() => 1)();
    traced({ tracing, module: 'shop' })(function order() {})();
    traced({ tracing, kind: 'tool', attributes: { a: 1 } })(() => 1)();
    setDefaultTracing(tracing);
    traced('text')(() => 1)();
    const recent = tracing.getRecent().flatMap((trace) => trace.spans);
    expect(recent.map(({ name, agentKind, attributes }) => [name, agentKind, attributes])).toEqual([
      ['given', undefined, {}],
      ['shop.order', undefined, {}],
      ['anonymous', 'tool', { a: 1 }],
      ['text', undefined, {}],
    ]);
  });

  it('records what is thrown, and throws it on', async () => {
    const error = new Error('no');
    const fails = traced({ tracing, name: 'fails' });
    expect(() =>
      fails(() => {
        throw error;
      })(),
    ).toThrow(error);
    await expect(fails(async () => Promise.reject(error))()).rejects.toBe(error);
    expect(spans()).toEqual([
      ['fails', 'error'],
      ['fails', 'error'],
    ]);
  });

  it('decorates methods, named after the class of the object that they are called on', () => {
    class Shop {
      #sold = 0;

      order(count: number): number {
        this.#sold += count;
        return this.#sold;
      }

      static open(): Shop {
        return new Shop();
      }
    }
    class Market extends Shop {}
    // As a runtime with decorators calls them; that the compiler takes `@traced()` is checked in test/types.
    const method = { kind: 'method', private: false, addInitializer: () => undefined, metadata: {} } as const;
    const decorate = traced({ tracing }) as (fn: unknown, context: object) => never;
    Shop.prototype.order = decorate(Shop.prototype.order, { ...method, name: 'order', static: false });
    Shop.open = (traced({ tracing, module: 'app' }) as typeof decorate)(Shop.open, { ...method, name: 'open', static: true });
    expect([Shop.open().order(2), new Market().order(3)]).toEqual([2, 3]);
    expect(spans()).toEqual([
      ['app.Shop.open', 'unset'],
      ['Shop.order', 'unset'],
      ['Market.order', 'unset'],
    ]);
  });

  it('refuses what can not be called', () => {
    const coded = expect.objectContaining({ code: 'KYMO_CONFIG_VALUE' });
    expect(() => traced()(7 as never)).toThrow(coded);
    expect(() => traced()(() => 1, { kind: 'getter' } as never)).toThrow(coded);
  });
});
