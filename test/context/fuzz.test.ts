// Parsers of hostile headers: whatever comes, they throw nothing, take time in proportion, and what they accept goes round unchanged.
import { describe, expect, it } from 'vitest';
import { extractB3, parseB3 } from '../../src/context/b3.js';
import { Baggage } from '../../src/context/baggage.js';
import { readerOf } from '../../src/context/carrier.js';
import { ROOT_CONTEXT } from '../../src/context/context.js';
import { convertSpanId, convertTraceId, IdFormat } from '../../src/context/id-text.js';
import { parseJaeger } from '../../src/context/jaeger.js';
import { otStateOf, withThreshold } from '../../src/context/probability.js';
import { compositePropagator, PropagationFormat, propagatorOf } from '../../src/context/propagator.js';
import { extractRequestId } from '../../src/context/request-id.js';
import { parseTraceparent, traceparentOf } from '../../src/context/traceparent.js';
import { checkedTraceState, sentTraceState, TraceState } from '../../src/context/tracestate.js';

/** mulberry32: a run can be had again from its seed. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const SEED = Number(process.env.KYMO_FUZZ_SEED ?? Date.now() % 2 ** 31);
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const SAMPLES = [
  `00-${TRACE}-${SPAN}-01`,
  `cc-${TRACE}-${SPAN}-03-more`,
  'a=1,b=2,ot=th:8;rv:0123456789abcd,c@d=x y',
  Array.from({ length: 32 }, (_, index) => `k${index}=v`).join(),
  'k=v;p=1,k2=%D0%B4,k3=',
  `${TRACE}-${SPAN}-d-${SPAN}`,
  `${TRACE}:${SPAN}:0:1`,
  '01ARZ3NDEKTSV4RRFFQ69G5FAV',
  '0af76519-16cd-43dd-8448-eb211c80319c',
  'trace-8448eb211c80319c',
];
const PIECES = [
  '-',
  ',',
  ';',
  '=',
  ':',
  '%',
  '@',
  ' ',
  '\t',
  '0',
  'f',
  'F',
  'ff',
  '00',
  '\u0000',
  '\u007f',
  '\u00e9',
  '\u0434',
  '\ud83d',
  'ot=',
  'th:',
  'a=1,',
];

/** A header that is near to a valid one, or far from it. */
function headerOf(random: (below: number) => number): string {
  let text = SAMPLES[random(SAMPLES.length)] as string;
  for (let change = random(5); change > 0; change--) {
    const at = random(text.length + 1);
    const piece = PIECES[random(PIECES.length)] as string;
    const kind = random(4);
    if (kind === 0) text = text.slice(0, at) + piece + text.slice(at);
    else if (kind === 1) text = text.slice(0, at) + text.slice(at + 1 + random(3));
    else if (kind === 2) text = text.slice(0, at) + piece + text.slice(at + 1);
    else text = text.slice(0, at) + text.slice(random(text.length + 1));
  }
  return text;
}

describe(`parsers of headers (KYMO_FUZZ_SEED=${SEED})`, () => {
  it('throw nothing, and give back what they accepted', () => {
    const random = randomFrom(SEED);
    let accepted = 0;
    for (let round = 0; round < 6_000; round++) {
      const header = headerOf(random);
      const context = parseTraceparent(header);
      if (context !== undefined) {
        const written = traceparentOf(context) as string;
        expect(written).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]$/);
        expect(traceparentOf(parseTraceparent(written) ?? ROOT_CONTEXT)).toBe(written);
        expect(header).toContain(written.slice(2, 53));
        accepted++;
      }
      const state = checkedTraceState(header);
      expect(checkedTraceState(state)).toBe(state);
      expect(TraceState.parse(state).size).toBeLessThanOrEqual(32);
      const sent = sentTraceState(state);
      expect(sent.length <= 512 && checkedTraceState(sent) === sent).toBe(true);
      const ot = otStateOf(state);
      const erased = withThreshold(state, ot, undefined);
      expect(otStateOf(erased).threshold).toBeUndefined();
      expect(checkedTraceState(erased)).toBe(erased);
      const baggage = Baggage.parse(header).toString();
      expect(Baggage.parse(baggage).toString()).toBe(baggage);
      expect(/^[\x20-\x7e\t]*$/.test(baggage)).toBe(true);
      for (const parsed of [parseB3(header), parseJaeger(header)]) {
        if (parsed !== undefined) expect(traceparentOf(parsed)).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/);
      }
      for (const format of Object.values(IdFormat)) {
        const converted = convertTraceId(header, format);
        if (converted !== undefined) expect(convertTraceId(converted, 'hex')).toBe(convertTraceId(header, 'hex'));
        convertSpanId(header, format);
      }
    }
    expect(accepted).toBeGreaterThan(20);
  });

  it('throw nothing for carriers of anything, whatever the formats', () => {
    const random = randomFrom(SEED + 1);
    const propagator = compositePropagator([propagatorOf(Object.values(PropagationFormat))]);
    const odd: unknown[] = [undefined, null, 7, true, {}, [], () => 'x', Symbol('s'), new Date(), Number.NaN, 1n, new Uint8Array(9)];
    for (let round = 0; round < 1_500; round++) {
      const fields = [...propagator.fields, 'uberctx-x'];
      const carrier: Record<string, unknown> = {};
      for (const field of fields) {
        const kind = random(4);
        if (kind === 0) carrier[field] = headerOf(random);
        else if (kind === 1) carrier[field.toUpperCase()] = [headerOf(random), headerOf(random)];
        else if (kind === 2) carrier[field] = odd[random(odd.length)];
      }
      const context = propagator.extract(ROOT_CONTEXT, readerOf(carrier));
      const written = new Map<string, string>();
      propagator.inject(context, { set: (name, value) => written.set(name, value) });
      for (const [name, value] of written) new Headers().set(name, value);
      extractB3(readerOf(odd[random(odd.length)]));
      extractRequestId(readerOf(carrier));
    }
  });

  it('take time in proportion to what they read', () => {
    const hostile = ['-', ',', '=', ';', '%', ' ', '\t', 'a=', 'a=1,', 'ot=', '%f', ', ,', '0', 'a', ':', '{'].map((piece) =>
      piece.repeat(200_000),
    );
    for (const header of [...hostile, ...hostile.map((text) => `k=${text}`), ...hostile.map((text) => `ot=${text}`)]) {
      parseTraceparent(header);
      checkedTraceState(header);
      checkedTraceState([header, header]);
      sentTraceState(checkedTraceState(header));
      Baggage.parse(header);
      parseB3(header);
      parseJaeger(header);
      convertTraceId(header, 'ulid');
      otStateOf(header);
      extractRequestId(readerOf({ 'x-hearthnet-request-id': header }));
    }
    // A parser that is not linear would take minutes for these, and the test its time-out.
  });
});
