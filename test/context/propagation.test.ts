// Passing a context on and taking one over: each format in both directions, several together, and who decides which.
import { afterEach, describe, expect, it } from 'vitest';
import { parseB3 } from '../../src/context/b3.js';
import { Baggage } from '../../src/context/baggage.js';
import {
  baggageOf,
  Context,
  type Extra,
  extraOf,
  flagsOf,
  hasTrace,
  isRemote,
  ROOT_CONTEXT,
  runInContext,
  traceStateOf,
  withBaggage,
  withExtra,
  withTraceState,
} from '../../src/context/context.js';
import { convertTraceId, traceIdText } from '../../src/context/id-text.js';
import { nextSpanNumber } from '../../src/context/ids.js';
import { parseJaeger } from '../../src/context/jaeger.js';
import {
  extract,
  extractContext,
  extractEnvironment,
  inject,
  injectContext,
  injectEnvironment,
  injectTraceContext,
} from '../../src/context/propagation.js';
import { currentPropagator, PropagationFormat, parsePropagators, propagatorOf, setPropagator } from '../../src/context/propagator.js';
import type { SpanContext } from '../../src/context/span-context.js';
import { traceparentOf } from '../../src/context/traceparent.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const PARENT = `00-${TRACE}-${SPAN}-01`;

/** A local context of trace 1, sampled and random. */
const local = (): Context => new Context(0, 0, 0, 1, (nextSpanNumber() << 2) | 3);

function using(...formats: PropagationFormat[]): void {
  setPropagator(propagatorOf(formats));
}

function extracted(carrier: unknown): string | undefined {
  return traceparentOf(extract(carrier, ROOT_CONTEXT));
}

afterEach(() => {
  setPropagator(undefined);
  delete process.env.OTEL_PROPAGATORS;
});

describe('inject', () => {
  it('writes traceparent, tracestate and baggage of the given context, or of the current one [L-175 L-308]', () => {
    const context = withBaggage(withTraceState(local(), 'a=1,b=2'), Baggage.parse('k=v'));
    const expected = { traceparent: traceparentOf(context), tracestate: 'a=1,b=2', baggage: 'k=v' };
    const given = {};
    injectContext(given, context);
    expect(given).toEqual(expected);
    expect(inject({}, context)).toEqual(expected);
    runInContext(context, () => {
      const current = {};
      injectContext(current);
      expect(current).toEqual(expected);
      const message = {};
      injectTraceContext(message);
      expect(message).toEqual(expected);
    });
  });

  it('leaves the carrier as it is when there is no context [L-175]', () => {
    const carrier = { host: 'x' };
    injectContext(carrier);
    injectContext(carrier, ROOT_CONTEXT);
    injectContext(carrier, new Context(1, 2, 3, 4, 0));
    expect(carrier).toEqual({ host: 'x' });
  });

  it('cuts a long tracestate by whole members', () => {
    const long = Array.from({ length: 30 }, (_, index) => `k${index}=${'v'.repeat(40)}`).join();
    const { tracestate } = inject({ tracestate: '' }, withTraceState(local(), long));
    expect(tracestate.length).toBeLessThanOrEqual(512);
    expect(long.startsWith(`${tracestate},`)).toBe(true);
  });
});

describe('extract', () => {
  it('gives a remote context of the same ids, flags, tracestate and baggage [L-176]', () => {
    const context = extract({ TraceParent: PARENT, tracestate: ['b=2', 'a=1'], Baggage: 'k=v' });
    expect([traceparentOf(context), traceStateOf(context), isRemote(context)]).toEqual([PARENT, 'b=2,a=1', true]);
    expect(baggageOf(context)?.get('k')?.value).toBe('v');
    const span = extractContext({ TraceParent: [PARENT], tracestate: 'a=1' }) as SpanContext;
    expect([span.toTraceparent(), span.traceState, span.isRemote]).toEqual([PARENT, 'a=1', true]);
  });

  it.each([
    ['without one', {}],
    ['with an invalid one', { traceparent: `${PARENT}0`, tracestate: 'a=1' }],
    ['with two', ['traceparent', PARENT, 'Traceparent', PARENT]],
    ['with two that were joined', { traceparent: `${PARENT}, ${PARENT}` }],
    ['with tracestate alone', { tracestate: 'a=1' }],
    ['with a name that is none', { 'trace-parent': PARENT, 'trace.parent': PARENT }],
    ['that is none', undefined],
  ])('finds no span in a carrier %s, and gives back what it was to add to [L-176]', (_, carrier) => {
    const base = local();
    expect(extract(carrier, base)).toBe(base);
    expect(runInContext(base, () => extract(carrier))).toBe(base);
    expect(extractContext(carrier)).toBeNull();
    expect(traceStateOf(extract(carrier, ROOT_CONTEXT))).toBe('');
  });

  it('keeps what the base carries beside its span, and nothing of its span', () => {
    const exporter = {};
    const base = withExtra(withTraceState(withBaggage(local(), Baggage.parse('k=v')), 'old=1'), (extra: Extra) => {
      extra.exporter = exporter;
      extra.debug = true;
    });
    const context = extract({ traceparent: PARENT }, base);
    const { number, isRemote: remote, traceState, debug, exporter: kept } = extraOf(context) as Extra;
    expect({ number, remote, traceState, debug }).toEqual({ number: 0, remote: true, traceState: '', debug: false });
    expect(kept).toBe(exporter);
    expect(baggageOf(context)?.get('k')?.value).toBe('v');
  });
});

describe('the formats', () => {
  it.each(Object.values(PropagationFormat).filter((format) => format !== 'baggage' && format !== 'hearthnet'))(
    'of %s go round with ids and the flag sampled',
    (format) => {
      using(format);
      for (const flags of [0, 1]) {
        const context = new Context(-1, 2, 3, -4, (nextSpanNumber() << 2) | flags);
        const carrier = inject({}, context);
        const back = extract(carrier, ROOT_CONTEXT);
        expect(traceparentOf(back)).toBe(traceparentOf(context));
        expect(isRemote(back)).toBe(true);
        expect(inject({}, ROOT_CONTEXT)).toEqual({});
        for (const name of Object.keys(carrier)) expect(currentPropagator().fields).toContain(name.toLowerCase());
      }
    },
  );

  it('are tracecontext and baggage unless the environment says otherwise [L-203]', () => {
    expect(currentPropagator().fields).toEqual(['traceparent', 'tracestate', 'baggage']);
    setPropagator(undefined);
    process.env.OTEL_PROPAGATORS = ' b3 , nonsense,B3, jaeger';
    expect(currentPropagator().fields).toEqual(['b3', 'uber-trace-id']);
    setPropagator(undefined);
    process.env.OTEL_PROPAGATORS = 'none';
    expect(inject({}, local())).toEqual({});
  });

  it('can be named, and other names are refused or reported [L-203]', () => {
    expect(parsePropagators(undefined)).toEqual({ formats: ['tracecontext', 'baggage'], unknown: [] });
    expect(parsePropagators('')).toEqual({ formats: ['tracecontext', 'baggage'], unknown: [] });
    expect(parsePropagators('b3multi,xray, ottrace')).toEqual({ formats: ['b3multi'], unknown: ['xray', 'ottrace'] });
    expect(parsePropagators('b3,none')).toEqual({ formats: [], unknown: [] });
    expect(parsePropagators('toString')).toEqual({ formats: [], unknown: ['tostring'] });
    expect(() => propagatorOf(['xray' as never])).toThrow(expect.objectContaining({ code: 'KYMO_CONFIG_VALUE' }));
  });

  it('write all they have, and the last that finds a span decides', () => {
    using('tracecontext', 'b3');
    const carrier = inject({}, local());
    expect(Object.keys(carrier)).toEqual(['traceparent', 'b3']);
    expect(extracted({ traceparent: PARENT, b3: `${'1'.repeat(32)}-${'2'.repeat(16)}-1` })).toBe(
      `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`,
    );
    expect(extracted({ traceparent: PARENT, b3: 'x' })).toBe(PARENT);
  });
});

describe('B3', () => {
  it.each([
    ['in one header', { b3: `${TRACE}-${SPAN}-1` }, PARENT],
    ['with the id of the parent', { b3: `${TRACE}-${SPAN}-1-${SPAN}` }, PARENT],
    ['not sampled', { b3: `${TRACE}-${SPAN}-0` }, `00-${TRACE}-${SPAN}-00`],
    ['undecided', { b3: `${TRACE}-${SPAN}` }, `00-${TRACE}-${SPAN}-00`],
    ['with a trace id of 64 bits', { b3: `${TRACE.slice(16)}-${SPAN}-d` }, `00-${'0'.repeat(16)}${TRACE.slice(16)}-${SPAN}-01`],
    ['in several headers', { 'X-B3-TraceId': TRACE, 'X-B3-SpanId': SPAN, 'X-B3-Sampled': '1' }, PARENT],
    ['in several headers, as older libraries write', { 'X-B3-TraceId': TRACE, 'X-B3-SpanId': SPAN, 'X-B3-Sampled': 'true' }, PARENT],
    ['in several headers, for debugging', { 'x-b3-traceid': TRACE, 'x-b3-spanid': SPAN, 'x-b3-flags': '1', 'x-b3-sampled': '0' }, PARENT],
    ['in one header that is bad beside several', { b3: 'x', 'x-b3-traceid': TRACE, 'x-b3-spanid': SPAN, 'x-b3-sampled': '1' }, PARENT],
  ])('is read %s', (_, carrier, expected) => {
    for (const format of ['b3', 'b3multi'] as const) {
      using(format);
      expect(extracted(carrier)).toBe(expected);
    }
  });

  it.each([
    { b3: '0' },
    { b3: '1' },
    { b3: 'd' },
    { b3: '' },
    { b3: `${TRACE}-${SPAN}-x` },
    { b3: `${TRACE}-${SPAN}-1-x` },
    { b3: `${TRACE}-${SPAN}-1-${SPAN}-1` },
    { b3: `${TRACE}-${SPAN.slice(1)}-1` },
    { b3: `${TRACE.slice(1)}-${SPAN}-1` },
    { b3: `${'0'.repeat(32)}-${SPAN}-1` },
    { b3: `${TRACE}-${'0'.repeat(16)}-1` },
    { b3: [`${TRACE}-${SPAN}-1`, `${TRACE}-${SPAN}-1`] },
    { b3: '-'.repeat(100_000) },
    { 'x-b3-traceid': TRACE },
    { 'x-b3-traceid': TRACE, 'x-b3-spanid': `${SPAN}0` },
    { 'x-b3-traceid': TRACE, 'x-b3-spanid': SPAN, 'x-b3-sampled': 'yes' },
  ])('is none in %j', (carrier) => {
    using('b3');
    expect(extracted(carrier)).toBeUndefined();
  });

  it('is written without the id of the parent, debugging as it came', () => {
    using('b3');
    expect(inject({}, parseB3(`${TRACE}-${SPAN}-0`))).toEqual({ b3: `${TRACE}-${SPAN}-0` });
    expect(inject({}, parseB3(`${TRACE}-${SPAN}-d-${SPAN}`))).toEqual({ b3: `${TRACE}-${SPAN}-d` });
    using('b3multi');
    expect(inject({}, parseB3(`${TRACE}-${SPAN}-1`))).toEqual({ 'x-b3-traceid': TRACE, 'x-b3-spanid': SPAN, 'x-b3-sampled': '1' });
    expect(inject({}, parseB3(`${TRACE}-${SPAN}-d`))).toEqual({ 'x-b3-traceid': TRACE, 'x-b3-spanid': SPAN, 'x-b3-flags': '1' });
  });
});

describe("Jaeger's header", () => {
  it.each([
    [`${TRACE}:${SPAN}:0:1`, PARENT],
    [encodeURIComponent(`${TRACE}:${SPAN}:0:1`), PARENT],
    [`${TRACE}:${SPAN}:${SPAN}:0`, `00-${TRACE}-${SPAN}-00`],
    [` ${TRACE}:${SPAN}:0:01 `, PARENT],
    [`${TRACE}:${SPAN}:0:ff`, PARENT],
    [`${TRACE}:${SPAN}:0:fc`, `00-${TRACE}-${SPAN}-00`],
    ['ab:c:0:1', `00-${'0'.repeat(30)}ab-${'0'.repeat(15)}c-01`],
    ['AB:C:0:3', `00-${'0'.repeat(30)}ab-${'0'.repeat(15)}c-01`],
  ])('is read: %s', (header, expected) => {
    expect(traceparentOf(parseJaeger(header) as Context)).toBe(expected);
  });

  it.each([
    '',
    ':::',
    `${TRACE}:${SPAN}:0`,
    `${TRACE}:${SPAN}:0:1:1`,
    `${TRACE}:${SPAN}:0:x`,
    `${TRACE}:${SPAN}:0:001`,
    `${TRACE}0:${SPAN}:0:1`,
    `${TRACE}:${SPAN}0:0:1`,
    '0:1:0:1',
    '1:0:0:1',
    `%:${SPAN}:0:1`,
    'a'.repeat(100_000),
  ])('is none: %s', (header) => {
    expect(parseJaeger(header)).toBeUndefined();
  });

  it('keeps debugging, and carries baggage in headers of their own', () => {
    using('jaeger');
    const debug = parseJaeger(`${TRACE}:${SPAN}:0:3`) as Context;
    expect([flagsOf(debug), extraOf(debug)?.debug]).toEqual([1, true]);
    const carrier = inject({}, withBaggage(debug, new Baggage([['k', { value: 'a b,\u0434\ud83d' }]])));
    expect(carrier).toEqual({ 'uber-trace-id': `${TRACE}:${SPAN}:0:3`, 'uberctx-k': 'a%20b%2C%D0%B4%EF%BF%BD' });
    const back = extract(carrier, ROOT_CONTEXT);
    expect(baggageOf(back)?.get('k')?.value).toBe('a b,\u0434\ufffd');
    expect(baggageOf(extract({ 'uberctx-x': '%zz' }, ROOT_CONTEXT))?.get('x')?.value).toBe('%zz');
    expect(baggageOf(extract({ 'uberctx-k': 'new' }, back))?.get('k')?.value).toBe('new');
  });
});

describe('X-HearthNet-Request-Id', () => {
  it('carries the id of the trace as a ULID, in both directions [H-64]', () => {
    using('hearthnet');
    const carrier = inject({}, local());
    expect(carrier).toEqual({ 'X-HearthNet-Request-Id': '00000000000000000000000001' });
    for (const name of ['X-HearthNet-Request-Id', 'x-hearthnet-request-id', 'X-HEARTHNET-REQUEST-ID']) {
      for (const format of ['ulid', 'hex', 'uuid'] as const) {
        const context = extract({ [name]: ` ${convertTraceId(TRACE, format)} ` }, ROOT_CONTEXT);
        expect([traceIdText(context), isRemote(context)]).toEqual([TRACE, true]);
        expect(traceparentOf(context)).toBeUndefined();
        expect(inject({}, context)).toEqual({ 'X-HearthNet-Request-Id': convertTraceId(TRACE, 'ulid') });
      }
    }
  });

  it('begins a fresh trace for what is no id, and keeps the text beside it [H-64]', () => {
    using('hearthnet');
    const context = extract({ 'x-hearthnet-request-id': 'order-42' }, ROOT_CONTEXT);
    expect([hasTrace(context), extraOf(context)?.external]).toEqual([false, 'order-42']);
    expect(inject({}, context)).toEqual({ 'X-HearthNet-Request-Id': 'order-42' });
    for (const bad of ['', ' ', 'a b', 'x'.repeat(129), 'a\u0001', '\u00e9']) {
      expect(extract({ 'x-hearthnet-request-id': bad }, ROOT_CONTEXT)).toBe(ROOT_CONTEXT);
    }
  });

  it('says less than a format that names a span, whatever the order', () => {
    for (const formats of [
      ['hearthnet', 'tracecontext'],
      ['tracecontext', 'hearthnet'],
    ] as const) {
      using(...formats);
      expect(extracted({ traceparent: PARENT, 'x-hearthnet-request-id': convertTraceId('1'.repeat(32), 'ulid') })).toBe(PARENT);
    }
  });
});

describe('an environment', () => {
  it('hands a context to a process and takes one over', () => {
    const context = withBaggage(withTraceState(local(), 'a=1'), Baggage.parse('k=v'));
    const env = injectEnvironment<Record<string, string | undefined>>({ PATH: 'p' }, context);
    expect(env).toEqual({ PATH: 'p', TRACEPARENT: traceparentOf(context), TRACESTATE: 'a=1', BAGGAGE: 'k=v' });
    const back = extractEnvironment(env);
    expect([traceparentOf(back), traceStateOf(back), isRemote(back)]).toEqual([traceparentOf(context), 'a=1', true]);
    expect(extractEnvironment({ PATH: 'p', TRACEPARENT: 'x' })).toBe(ROOT_CONTEXT);
  });
});
