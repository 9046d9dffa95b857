// Contexts of the OpenTelemetry API and of Kymo are one store, seen from two sides.
import { EventEmitter, once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { type Context, context, createContextKey, propagation, ROOT_CONTEXT, type Span, trace } from '@opentelemetry/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KymoContextManager } from '../../../src/compat/opentelemetry/context-manager.js';
import { contextOf } from '../../../src/compat/opentelemetry/otel-context.js';
import { Baggage } from '../../../src/context/baggage.js';
import {
  activeContext,
  baggageOf,
  ROOT_CONTEXT as KYMO_ROOT,
  runInContext,
  spanHighOf,
  withBaggage,
} from '../../../src/context/context.js';
import { parseTraceparent, traceparentOf } from '../../../src/context/traceparent.js';

const KEY = createContextKey('a value');
const OTHER = createContextKey('another value');
const REMOTE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const SPAN_CONTEXT = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 };

beforeAll(() => expect(context.setGlobalContextManager(new KymoContextManager().enable())).toBe(true));
afterAll(() => context.disable());

describe('the context manager', () => {
  it('shows the root context of the API where nobody gave one', () => {
    expect(context.active()).toBe(ROOT_CONTEXT);
    context.with(ROOT_CONTEXT.setValue(KEY, 1), () => context.with(ROOT_CONTEXT, () => expect(context.active()).toBe(ROOT_CONTEXT)));
  });

  it('calls with a context, its own this and arguments, and gives back what the function returns or throws', () => {
    const inner = context.active().setValue(KEY, 1);
    const self = { name: 'self' };
    const result = context.with(
      inner,
      function (this: typeof self, a: number, b: number) {
        return [this.name, a, b, context.active().getValue(KEY)];
      },
      self,
      2,
      3,
    );
    expect(result).toEqual(['self', 2, 3, 1]);
    expect(() =>
      context.with(inner, () => {
        throw new Error('through');
      }),
    ).toThrow('through');
    expect(context.active()).toBe(ROOT_CONTEXT);
  });

  it('follows promises, timers and concurrent branches', async () => {
    const seen = await Promise.all(
      [1, 2, 3].map((value) =>
        context.with(context.active().setValue(KEY, value), async () => {
          await turn();
          await context.with(context.active().setValue(OTHER, -value), () => turn());
          return [context.active().getValue(KEY), context.active().getValue(OTHER)];
        }),
      ),
    );
    expect(seen).toEqual([
      [1, undefined],
      [2, undefined],
      [3, undefined],
    ]);
  });

  it('binds functions with their length and this, and leaves anything else as it is', () => {
    const bound = context.bind(context.active().setValue(KEY, 'bound'), function (this: unknown, _a: number, _b: number) {
      return [this, context.active().getValue(KEY)];
    });
    const self = {};
    expect(bound.length).toBe(2);
    expect(bound.call(self, 1, 2)).toEqual([self, 'bound']);
    const object = { a: 1 };
    expect(context.bind(context.active(), object)).toBe(object);
    expect(context.bind(context.active(), 7)).toBe(7);
  });

  it('binds the listeners that an emitter gets, which can be removed again', async () => {
    const emitter = new EventEmitter();
    const bound = context.bind(context.active().setValue(KEY, 'bound'), emitter);
    expect(bound).toBe(emitter);
    expect(context.bind(context.active().setValue(KEY, 'again'), emitter)).toBe(emitter);
    const seen: unknown[] = [];
    const listener = function (this: unknown): void {
      seen.push(context.active().getValue(KEY), this === emitter);
    };
    emitter.on('a', listener);
    emitter.once('a', listener);
    emitter.emit('a');
    emitter.emit('a');
    expect(seen).toEqual(['bound', true, 'bound', true, 'bound', true]);
    emitter.removeListener('a', listener);
    expect(emitter.listenerCount('a')).toBe(0);
    emitter.prependOnceListener('a', listener);
    emitter.off('a', listener);
    expect(emitter.listenerCount('a')).toBe(0);
    setTimeout(() => emitter.emit('b', 5), 1);
    expect(await once(emitter, 'b')).toEqual([5]);
    emitter.on('a', listener);
    emitter.removeAllListeners();
    expect(emitter.listenerCount('a')).toBe(0);
  });

  it('attaches until the token is disposed of', () => {
    const manager = new KymoContextManager();
    const token = manager.attach(context.active().setValue(KEY, 1));
    const inner = manager.attach(context.active().setValue(OTHER, 2));
    expect([context.active().getValue(KEY), context.active().getValue(OTHER)]).toEqual([1, 2]);
    inner.dispose();
    inner.dispose();
    expect([context.active().getValue(KEY), context.active().getValue(OTHER)]).toEqual([1, undefined]);
    token.dispose();
    expect(context.active()).toBe(ROOT_CONTEXT);
    expect(manager.disable().enable().active()).toBe(ROOT_CONTEXT);
  });
});

describe('a context', () => {
  it('is immutable, and holds any value under any key', () => {
    const one = context.active().setValue(KEY, { deep: true });
    const two = one.setValue(OTHER, 0).setValue(KEY, undefined);
    expect(context.active().getValue(KEY)).toBeUndefined();
    expect(one.getValue(KEY)).toEqual({ deep: true });
    expect([two.getValue(KEY), two.getValue(OTHER)]).toEqual([undefined, 0]);
    expect(two.deleteValue(OTHER).getValue(OTHER)).toBeUndefined();
    expect(two.getValue(OTHER)).toBe(0);
  });

  it('of Kymo has its span and baggage under the keys of the API', () => {
    const remote = withBaggage(parseTraceparent(REMOTE) as never, new Baggage([['user', { value: 'ada', metadata: 'ttl=1' }]]));
    runInContext(remote, () => {
      const span = trace.getActiveSpan() as Span;
      expect(span.spanContext()).toEqual({ ...SPAN_CONTEXT, isRemote: true });
      expect(span.isRecording()).toBe(false);
      const entry = propagation.getActiveBaggage()?.getEntry('user');
      expect([entry?.value, entry?.metadata?.toString()]).toEqual(['ada', 'ttl=1']);
    });
  });

  it('of the API has its span and baggage in Kymo', () => {
    const baggage = propagation.createBaggage({ user: { value: 'ada' }, plan: { value: 'free' } });
    let own = trace.setSpanContext(ROOT_CONTEXT, SPAN_CONTEXT);
    own = propagation.setBaggage(own.setValue(KEY, 'kept'), baggage.removeEntry('plan'));
    context.with(own, () => {
      expect(traceparentOf(activeContext())).toBe(REMOTE);
      expect([...(baggageOf(activeContext()) as Baggage).entries()]).toEqual([['user', { value: 'ada' }]]);
      expect(context.active().getValue(KEY)).toBe('kept');
    });
  });

  it('gives back the very span object that was set, and lets go of it when another is set', () => {
    const foreign = trace.wrapSpanContext(SPAN_CONTEXT);
    const one = trace.setSpan(context.active().setValue(KEY, 1), foreign);
    expect(trace.getSpan(one)).toBe(foreign);
    expect(trace.getSpan(one.setValue(OTHER, 2))).toBe(foreign);
    expect(trace.getSpan(propagation.setBaggage(one, propagation.createBaggage()))).toBe(foreign);
    expect(one.getValue(KEY)).toBe(1);
    const wrapper = Object.create(foreign) as Span;
    expect(trace.getSpan(trace.setSpan(one, wrapper))).toBe(wrapper);
    const none = trace.deleteSpan(one);
    expect(trace.getSpan(none)).toBeUndefined();
    expect(none.getValue(KEY)).toBe(1);
    expect(contextOf(trace.deleteSpan(trace.setSpan(context.active().setValue(KEY, 1), foreign))).t0).toBe(0);
  });

  it('takes a span with invalid ids as none, and still gives the object back', () => {
    for (const spanContext of [
      { traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0 },
      { ...SPAN_CONTEXT, spanId: '0'.repeat(16) },
      { ...SPAN_CONTEXT, traceId: 'no' },
    ]) {
      const span = trace.wrapSpanContext(spanContext);
      const invalid = trace.setSpan(context.active(), span);
      expect(trace.getSpan(invalid)).toBe(span);
      expect(traceparentOf(contextOf(invalid))).toBeUndefined();
    }
  });

  it('keeps trace state that is valid, and nothing of one that is not', () => {
    const traceState = { serialize: () => 'a=1,b=2', get: () => undefined, set: () => traceState, unset: () => traceState };
    const valid = trace.setSpanContext(context.active(), { ...SPAN_CONTEXT, traceState: traceState as never });
    const shown = context.with(valid, () => {
      // Seen from Kymo's side, which has no object of the API.
      const plain = parseTraceparent(REMOTE) as { state: object };
      Object.assign(plain.state, { traceState: (activeContext().state as { traceState: string }).traceState });
      return runInContext(plain as never, () => trace.getActiveSpan()?.spanContext().traceState);
    });
    expect(shown?.serialize()).toBe('a=1,b=2');
    expect(shown?.get('b')).toBe('2');
    expect(shown?.set('b', '3').serialize()).toBe('b=3,a=1');
    expect(shown?.set('B', '3').serialize()).toBe('a=1,b=2');
    expect(shown?.unset('a').serialize()).toBe('b=2');
    const bad = { ...traceState, serialize: () => 'a=1,B=2' };
    const state = contextOf(trace.setSpanContext(context.active(), { ...SPAN_CONTEXT, traceState: bad as never })).state;
    expect((state as { traceState: string }).traceState).toBe('');
  });

  it('of another implementation is asked for what Kymo does not keep', () => {
    const values = new Map<symbol, unknown>([[KEY, 'theirs']]);
    const theirs: Context = { getValue: (key) => values.get(key), setValue: () => theirs, deleteValue: () => theirs };
    context.with(theirs, () => {
      expect(context.active().getValue(KEY)).toBe('theirs');
      expect(context.active().setValue(OTHER, 1).getValue(KEY)).toBe('theirs');
      expect(context.active().deleteValue(KEY).getValue(KEY)).toBeUndefined();
    });
  });

  it('takes spans and baggage that throw for none', () => {
    const span = {} as Span;
    const broken = trace.setSpan(context.active(), span);
    expect(trace.getSpan(broken)).toBe(span);
    expect(contextOf(broken).t0).toBe(0);
    context.with(propagation.setBaggage(ROOT_CONTEXT, {} as never), () => {
      expect(propagation.getActiveBaggage()?.getAllEntries()).toEqual([]);
      const again = propagation.setBaggage(context.active(), {} as never);
      expect(propagation.getBaggage(again)?.getAllEntries()).toEqual([]);
    });
  });

  it('is Kymo’s root when it is the API’s, or none', () => {
    const throwing = {
      getValue(): never {
        throw new Error('mine');
      },
    };
    for (const none of [undefined, null, {}, 7, throwing]) {
      expect(contextOf(none as never)).toBe(KYMO_ROOT);
      expect(context.with(none as never, () => context.active())).toBe(ROOT_CONTEXT);
    }
    expect(contextOf(ROOT_CONTEXT)).toBe(KYMO_ROOT);
    expect(spanHighOf(contextOf(ROOT_CONTEXT.setValue(KEY, 1)))).toBe(0);
  });
});
