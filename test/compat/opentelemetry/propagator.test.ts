// Kymo's propagators as one of the OpenTelemetry API.
import { context, defaultTextMapGetter, defaultTextMapSetter, propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KymoContextManager } from '../../../src/compat/opentelemetry/context-manager.js';
import { suppressed } from '../../../src/compat/opentelemetry/otel-context.js';
import { KymoPropagator } from '../../../src/compat/opentelemetry/propagator.js';
import { KymoTracerProvider } from '../../../src/compat/opentelemetry/tracer-provider.js';

beforeAll(() => context.setGlobalContextManager(new KymoContextManager()));
afterAll(() => context.disable());

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const w3c = new KymoPropagator(['tracecontext', 'baggage']);

function injected(propagator: KymoPropagator, from = context.active()): Record<string, string> {
  const carrier = {};
  propagator.inject(from, carrier, defaultTextMapSetter);
  return carrier;
}

function extracted(propagator: KymoPropagator, carrier: object, into = ROOT_CONTEXT) {
  return propagator.extract(into, carrier, defaultTextMapGetter);
}

describe('the propagator', () => {
  it('sends the span and the baggage of a context, and reads them back', () => {
    const span = new KymoTracerProvider().getTracer('t').startSpan('a');
    const { traceId, spanId } = span.spanContext();
    const baggage = propagation.createBaggage({ user: { value: 'Ada L' } });
    const carrier = injected(w3c, propagation.setBaggage(trace.setSpan(ROOT_CONTEXT, span), baggage));
    expect(carrier).toEqual({ traceparent: `00-${traceId}-${spanId}-03`, baggage: 'user=Ada%20L' });
    const read = extracted(w3c, carrier);
    expect(trace.getSpanContext(read)).toEqual({ traceId, spanId, traceFlags: 3, isRemote: true });
    expect(propagation.getBaggage(read)?.getAllEntries()).toEqual([['user', { value: 'Ada L' }]]);
  });

  it('passes on trace state and the flags that it got, through spans of this process', () => {
    const remote = extracted(w3c, { traceparent: `00-${TRACE}-${SPAN}-01`, tracestate: 'b=2, a=1,' });
    const child = new KymoTracerProvider().getTracer('t').startSpan('child', {}, remote);
    expect(trace.getSpanContext(remote)?.traceState?.serialize()).toBe('b=2,a=1');
    expect(child.spanContext().traceState?.get('a')).toBe('1');
    expect(injected(w3c, trace.setSpan(remote, child))).toEqual({
      traceparent: `00-${TRACE}-${child.spanContext().spanId}-01`,
      tracestate: 'b=2,a=1',
    });
  });

  it('keeps the values of the context that it reads into, and that context itself where it finds nothing', () => {
    const key = Symbol.for('a value');
    const into = ROOT_CONTEXT.setValue(key, 'kept');
    expect(extracted(w3c, { traceparent: `00-${TRACE}-${SPAN}-00` }, into).getValue(key)).toBe('kept');
    expect(extracted(w3c, {}, into)).toBe(into);
    expect(extracted(w3c, { traceparent: `00-${TRACE}-${SPAN.toUpperCase()}-00` })).toBe(ROOT_CONTEXT);
  });

  it.each([
    ['b3', { b3: `${TRACE}-${SPAN}-1` }],
    ['b3multi', { 'x-b3-traceid': TRACE, 'x-b3-spanid': SPAN, 'x-b3-sampled': '1' }],
    ['jaeger', { 'uber-trace-id': `${TRACE}:${SPAN}:0:1` }],
  ] as const)('speaks %s', (format, carrier) => {
    const propagator = new KymoPropagator([format]);
    const read = extracted(propagator, carrier);
    expect(trace.getSpanContext(read)).toMatchObject({ traceId: TRACE, spanId: SPAN, isRemote: true });
    expect(injected(propagator, read)).toEqual(carrier);
    expect(propagator.fields()).toEqual(Object.keys(carrier).concat(format === 'b3multi' ? ['x-b3-flags'] : []));
  });

  it('speaks what OTEL_PROPAGATORS names, several at once', () => {
    expect(new KymoPropagator().fields()).toEqual(['traceparent', 'tracestate', 'baggage']);
    const several = new KymoPropagator(['b3', 'tracecontext']);
    const read = extracted(several, { b3: `${TRACE}-${SPAN}-1` });
    expect(Object.keys(injected(several, read))).toEqual(['b3', 'traceparent']);
    expect(() => new KymoPropagator(['none' as never])).toThrow(expect.objectContaining({ code: 'KYMO_CONFIG_VALUE' }));
  });

  it('sends nothing of what is not to be traced', () => {
    const read = extracted(w3c, { traceparent: `00-${TRACE}-${SPAN}-01` });
    expect(injected(w3c, suppressed(read))).toEqual({});
  });

  it('takes no harm from carriers, getters and setters that throw or give nonsense', () => {
    const throws = (): never => {
      throw new Error('mine');
    };
    const read = extracted(w3c, { traceparent: `00-${TRACE}-${SPAN}-01` });
    expect(() => w3c.inject(read, {}, { set: throws })).not.toThrow();
    expect(w3c.extract(ROOT_CONTEXT, {}, { get: throws, keys: throws })).toBe(ROOT_CONTEXT);
    const nonsense = { get: () => 7 as never, keys: () => [] };
    expect(w3c.extract(ROOT_CONTEXT, {}, nonsense)).toBe(ROOT_CONTEXT);
    expect(extracted(w3c, { traceparent: [`00-${TRACE}-${SPAN}-01`, `00-${TRACE}-${SPAN}-01`] })).toBe(ROOT_CONTEXT);
  });
});
