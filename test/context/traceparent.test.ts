// The header traceparent, by the cases of W3C Trace Context level 2, and what is written of a context.
import { describe, expect, it } from 'vitest';
import { Context, flagsOf, isRemote, spanHighOf, spanLowOf } from '../../src/context/context.js';
import { nextSpanNumber } from '../../src/context/ids.js';
import { SpanContext } from '../../src/context/span-context.js';
import { parseTraceparent, remoteContext, traceparentOf } from '../../src/context/traceparent.js';

const TRACE = '12345678901234567890123456789012';
const SPAN = '1234567890123456';
const HEADER = `00-${TRACE}-${SPAN}-01`;

describe('traceparent', () => {
  it('is read into the words of its ids and its flags, remote', () => {
    const context = parseTraceparent('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03') as Context;
    expect([context.t0, context.t1, context.t2, context.t3]).toEqual([0x0af76519, 0x16cd43dd, 0x8448eb21 | 0, 0x1c80319c]);
    expect([spanHighOf(context), spanLowOf(context)]).toEqual([0xb7ad6b71 | 0, 0x69203331]);
    expect([flagsOf(context), isRemote(context)]).toEqual([3, true]);
  });

  it.each([
    ['upper case in the trace id', `00-${TRACE.slice(0, -1)}A-${SPAN}-01`],
    ['upper case in the span id', `00-${TRACE}-${SPAN.slice(0, -1)}F-01`],
    ['version ff', `ff-${TRACE}-${SPAN}-01`],
    ['a version of one digit', `0-${TRACE}-${SPAN}-01`],
    ['a version of three digits', `000-${TRACE}-${SPAN}-01`],
    ['a version that is none', `.0-${TRACE}-${SPAN}-01`],
    ['a version whose second digit is none', `0.-${TRACE}-${SPAN}-01`],
    ['a version in upper case', `CC-${TRACE}-${SPAN}-01`],
    ['more than 55 characters in version 00', `${HEADER}.`],
    ['a field more in version 00', `${HEADER}-what-the-future-will-be-like`],
    ['no dash after 55 characters in a later version', `cc-${TRACE}-${SPAN}-01.what-the-future-will-be-like`],
    ['a zero trace id', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['a trace id with another character', `00-.${TRACE.slice(1)}-${SPAN}-01`],
    ['a long trace id', `00-${TRACE}3-${SPAN}-01`],
    ['a short trace id', `00-${TRACE.slice(1)}-${SPAN}-01`],
    ['a zero parent id', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['a parent id with another character', `00-${TRACE}-${SPAN.slice(1)}.-01`],
    ['a long parent id', `00-${TRACE}-${SPAN}7-01`],
    ['a short parent id', `00-${TRACE}-${SPAN.slice(1)}-01`],
    ['flags that are none', `00-${TRACE}-${SPAN}-.0`],
    ['flags whose second digit is none', `00-${TRACE}-${SPAN}-0.`],
    ['long flags', `00-${TRACE}-${SPAN}-001`],
    ['short flags', `00-${TRACE}-${SPAN}-1`],
    ['another separator', `00_${TRACE}_${SPAN}_01`],
    ['two headers that were joined', `${HEADER}, ${HEADER}`],
    ['two headers of a later version that were joined', `cc-${TRACE}-${SPAN}-01, cc-${TRACE}-${SPAN}-01`],
    ['white space inside', `00 -${TRACE}-${SPAN}-01`],
    ['a line break around it', `${HEADER}\n`],
    ['characters beyond ASCII', `00-${TRACE.slice(1)}\u0661-${SPAN}-01`],
    ['nothing', ''],
  ])('is none with %s [L-161]', (_, header) => {
    expect(parseTraceparent(header)).toBeUndefined();
    expect(SpanContext.fromTraceparent(header)).toBeNull();
  });

  it.each([
    ['a later version', `cc-${TRACE}-${SPAN}-01`],
    ['a later version with more fields', `cc-${TRACE}-${SPAN}-01-what-the-future-will-be-like`],
    ['a later version with a dash and nothing', `01-${TRACE}-${SPAN}-01-`],
    ['blanks before it', ` ${HEADER}`],
    ['a tab before it', `\t${HEADER}`],
    ['a blank behind it', `${HEADER} `],
    ['white space around it', `\t ${HEADER} \t`],
  ])('is read with %s [L-161]', (_, header) => {
    expect(SpanContext.fromTraceparent(header)?.toTraceparent()).toBe(HEADER);
  });

  it('is written in lower case and version 00 [L-160]', () => {
    const written = traceparentOf(remoteContext(0xabcdef01 | 0, 0, 0, 0x0a, 0, 0x0b, 1));
    expect(written).toBe('00-abcdef0100000000000000000000000a-000000000000000b-01');
    const number = nextSpanNumber();
    expect(traceparentOf(new Context(1, 2, 3, 4, (number << 2) | 3))).toMatch(/^00-00000001000000020000000300000004-[0-9a-f]{16}-03$/);
  });

  it.each([
    ['00', '00'],
    ['01', '01'],
    ['02', '02'],
    ['03', '03'],
    ['04', '00'],
    ['fd', '01'],
    ['fe', '02'],
    ['ff', '03'],
  ])('with flags %s goes on with flags %s: sampled and random unchanged, unknown ones zero', (flags, forwarded) => {
    expect(traceparentOf(parseTraceparent(`00-${TRACE}-${SPAN}-${flags}`) as Context)).toBe(`00-${TRACE}-${SPAN}-${forwarded}`);
    expect(traceparentOf(parseTraceparent(`cc-${TRACE}-${SPAN}-${flags}`) as Context)).toBe(`00-${TRACE}-${SPAN}-${forwarded}`);
  });

  it('is not written without a trace or without a span', () => {
    expect(traceparentOf(new Context(0, 0, 0, 0, 0))).toBeUndefined();
    expect(traceparentOf(new Context(1, 2, 3, 4, 0))).toBeUndefined();
    expect(traceparentOf(remoteContext(0, 0, 0, 0, 1, 1, 1))).toBeUndefined();
  });
});

describe('a span context', () => {
  it('is the identity of a span: ids, flags, state, and whether it came from elsewhere [L-159]', () => {
    const fields = { traceId: TRACE, spanId: SPAN, traceFlags: 1, traceState: 'a=1', isRemote: true };
    const context = SpanContext.from(fields) as SpanContext;
    const { traceId, spanId, traceFlags, traceState, isRemote: remote } = context;
    expect({ traceId, spanId, traceFlags, traceState, isRemote: remote }).toEqual(fields);
    expect(JSON.parse(JSON.stringify(context))).toEqual(fields);
    expect(context.toTraceparent()).toBe(HEADER);
    expect(SpanContext.of(context.context)?.traceId).toBe(TRACE);
  });

  it('takes ids in any text form, and is none without valid ones [L-159]', () => {
    expect(SpanContext.from({ traceId: 'trace-00000000000000ff', spanId: 'span-0000000000ee' })?.toTraceparent()).toBe(
      `00-${'0'.repeat(30)}ff-${'0'.repeat(14)}ee-00`,
    );
    for (const [traceId, spanId] of [
      ['', SPAN],
      [TRACE, ''],
      ['0'.repeat(32), SPAN],
      [TRACE, '0'.repeat(16)],
      [7 as never, SPAN],
    ] as const) {
      expect(SpanContext.from({ traceId, spanId })).toBeUndefined();
    }
    expect(SpanContext.of(new Context(1, 2, 3, 4, 0))).toBeUndefined();
  });

  it('is read from traceparent with tracestate beside it, and null for what is no text [L-161]', () => {
    expect(SpanContext.fromTraceparent(HEADER, ' b=2,, a=1 ')?.traceState).toBe('b=2,a=1');
    expect(SpanContext.fromTraceparent(HEADER, 'B=2')?.traceState).toBe('');
    expect(SpanContext.fromTraceparent(HEADER)?.isRemote).toBe(true);
    for (const bad of [undefined, null, 7, {}, [HEADER, HEADER]]) expect(SpanContext.fromTraceparent(bad as never)).toBeNull();
  });
});
