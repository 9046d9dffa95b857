// What is written into a span ring, as an exporter gets it: ids, times, values, rest; ring laps and records that are too long.
import { describe, expect, it } from 'vitest';
import { SPAN_KIND_SHIFT, SPAN_PARENT_REMOTE, SPAN_STATUS_SHIFT } from '../../src/binding/generated/layout.js';
import { native } from '../../src/binding/load.js';
import { now } from '../../src/binding/span-clock.js';
import { spanRing } from '../../src/binding/span-ring.js';
import type { WritableRest, WritableSpan } from '../../src/binding/writable-span.js';

const host = native.tracesHost({ resource: ['service.name', 'shop'], schemaUrl: '', retainedTraces: 10, retainedBytes: 1 << 20 });
const scope = native.tracesScope(host, 'test', '1.2', '', ['deep', [1, 2.5, 'x', true, null]]);
const ring = spanRing();

interface JsonSpan {
  readonly name: string;
  readonly [field: string]: unknown;
}

function span(changes: Partial<WritableSpan> = {}): WritableSpan {
  const started = now();
  return {
    ...{ t0: 0x01020304, t1: -1, t2: 0, t3: 7, p0: 0, p1: 0, bits: 1, scope, clock: ring.clock, name: 'work' },
    ...{ startedAt: started, endedAt: started + 1.5, pairs: undefined, rest: undefined },
    ...changes,
  };
}

const NO_REST: WritableRest = {
  ...{ eventList: undefined, linkList: undefined, statusText: '', traceStateText: '' },
  ...{ droppedAttributes: 0, droppedEvents: 0, droppedLinks: 0 },
};

function pipeline(maxBatchItems = 512, maxQueueItems = 100_000): number {
  return native.tracesPipeline(host, {
    ...{ label: 'test', format: 'json', compression: 'none', maxQueueItems, maxQueueBytes: 2 ** 30, maxBatchItems, maxBatchBytes: 2 ** 26 },
  });
}

const attributesOf = (found: JsonSpan | undefined): { key: string; value: unknown }[] => (found?.attributes ?? []) as never;

/** Writes spans and gives what an exporter gets of them. */
async function exported(spans: readonly WritableSpan[]): Promise<JsonSpan[]> {
  const number = pipeline();
  for (const one of spans) expect(ring.write(one, 0x0a0b0c0d, -2)).toBe(true);
  const found: JsonSpan[] = [];
  const flushed = native.pipelineFlush(number, 10_000);
  while ((await native.pipelineReady(number)) === 'flush') {
    const batch = native.pipelineTake(number);
    if (batch === null) throw new Error('nothing to take');
    const body = JSON.parse(Buffer.from(batch.body).toString());
    for (const { scopeSpans } of body.resourceSpans) for (const { spans: some } of scopeSpans) found.push(...some);
    native.pipelineDone(number, batch.batch, 'exported', 0, '');
    if (found.length >= spans.length) break;
  }
  expect(await flushed).toBe(true);
  expect(native.pipelineState(number).exported).toBe(spans.length);
  native.pipelineClose(number);
  return found;
}

describe('a span in the ring', () => {
  it('comes out with ids, times, kind and status as it was written', async () => {
    const bits = 3 | (2 << SPAN_KIND_SHIFT) | (2 << SPAN_STATUS_SHIFT) | SPAN_PARENT_REMOTE;
    const before = Date.now();
    const [found] = await exported([span({ bits, p0: 1, p1: 2, rest: { ...NO_REST, statusText: 'broke', traceStateText: 'a=1' } })]);
    expect(found).toMatchObject({
      traceId: '01020304ffffffff0000000000000007',
      spanId: '0a0b0c0dfffffffe',
      parentSpanId: '0000000100000002',
      name: 'work',
      kind: 3,
      traceState: 'a=1',
      status: { code: 2, message: 'broke' },
      flags: 0x303,
    });
    const [start, end] = [BigInt(found?.startTimeUnixNano as string), BigInt(found?.endTimeUnixNano as string)];
    expect(Number(end - start)).toBeCloseTo(1.5e6, -2);
    expect(Math.abs(Number(start) / 1e6 - before)).toBeLessThan(1_000);
  });

  it('keeps wall-clock times to the nanosecond', async () => {
    const [found] = await exported([span({ startedAt: [1_700_000_000, 123_456_789], endedAt: [1_700_000_000, 123_456_790] })]);
    expect(found).toMatchObject({ startTimeUnixNano: '1700000000123456789', endTimeUnixNano: '1700000000123456790' });
  });

  it('keeps every kind of value', async () => {
    const pairs = [
      ...['whole', 42, 'large', 2 ** 40, 'double', 0.5, 'minus zero', -0, 'yes', true, 'no', false, 'none', null, 'big', 2n ** 62n],
      ...['latin', 'é', 'wide', '漢字 🚀', 'list', ['a', 1, [2]], 'map', { a: { b: 1 } }, 'nan', Number.NaN, 'long', 'x'.repeat(1_000)],
    ];
    const [found] = await exported([span({ pairs })]);
    const values = Object.fromEntries(attributesOf(found).map(({ key, value }) => [key, value]));
    expect(values).toEqual({
      whole: { intValue: '42' },
      large: { intValue: String(2 ** 40) },
      double: { doubleValue: 0.5 },
      'minus zero': { doubleValue: -0 },
      yes: { boolValue: true },
      no: { boolValue: false },
      none: {},
      big: { intValue: String(2n ** 62n) },
      latin: { stringValue: 'é' },
      wide: { stringValue: '漢字 🚀' },
      list: { arrayValue: { values: [{ stringValue: 'a' }, { intValue: '1' }, { arrayValue: { values: [{ intValue: '2' }] } }] } },
      map: { kvlistValue: { values: [{ key: 'a', value: { kvlistValue: { values: [{ key: 'b', value: { intValue: '1' } }] } } }] } },
      nan: { doubleValue: 'NaN' },
      long: { stringValue: 'x'.repeat(1_000) },
    });
  });

  it('keeps texts that stand in a place again and again, and those that only look alike', async () => {
    const texts = Array.from({ length: 300 }, (_, index) => {
      const run = Math.floor(index / 10) % 4;
      return ['GET', 'PUT', `/users/${index % 10}/orders`, '\ud800 lone'][run] as string;
    });
    const found = await exported(texts.map((text) => span({ name: text, pairs: ['text', text, 'other', text === 'GET' ? 'PUT' : 'GET'] })));
    const said = (index: number): unknown[] =>
      attributesOf(found[index]).map(({ value }) => (value as { stringValue: string }).stringValue);
    const readable = (text: string): string => text.replace('\ud800', '\ufffd');
    expect(found.map((_, index) => said(index))).toEqual(texts.map((text) => [readable(text), text === 'GET' ? 'PUT' : 'GET']));
    expect(found.map(({ name }) => name)).toEqual(texts.map(readable));
  });

  it('keeps events, links and what was dropped', async () => {
    const rest: WritableRest = {
      ...NO_REST,
      eventList: [
        { name: 'first', time: [1_700_000_000, 5], pairs: ['n', 1], dropped: 2 },
        { name: 'second', time: now(), pairs: undefined, dropped: 0 },
      ],
      linkList: [{ t0: 1, t1: 2, t2: 3, t3: 4, s0: 5, s1: -6, flags: 0x201, traceStateText: 'b=2', pairs: ['k', 'v'], dropped: 3 }],
      droppedAttributes: 4,
      droppedEvents: 5,
      droppedLinks: 6,
    };
    const [found] = await exported([span({ pairs: ['a', 1], rest })]);
    expect(found).toMatchObject({
      events: [
        {
          name: 'first',
          timeUnixNano: '1700000000000000005',
          attributes: [{ key: 'n', value: { intValue: '1' } }],
          droppedAttributesCount: 2,
        },
        { name: 'second' },
      ],
      links: [
        {
          traceId: '00000001000000020000000300000004',
          spanId: '00000005fffffffa',
          traceState: 'b=2',
          attributes: [{ key: 'k', value: { stringValue: 'v' } }],
          droppedAttributesCount: 3,
        },
      ],
      droppedAttributesCount: 4,
      droppedEventsCount: 5,
      droppedLinksCount: 6,
    });
  });

  it('goes around the end of the ring without losing or changing any', async () => {
    const text = 'y'.repeat(3_000);
    const total = 4_000; // About three laps of 4 MiB.
    const number = pipeline(total);
    let written = 0;
    for (let index = 0; index < total; index++) {
      if (ring.write(span({ name: 'lap', pairs: ['index', index, 'text', text] }), 1, index + 1)) written++;
      // The collector drains meanwhile: a ring that never rests may drop.
      if (index % 200 === 199) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const flushed = native.pipelineFlush(number, 20_000);
    await native.pipelineReady(number);
    const batch = native.pipelineTake(number);
    const body = JSON.parse(Buffer.from(batch?.body as Uint8Array).toString());
    const spans = body.resourceSpans[0].scopeSpans[0].spans as { attributes: { value: { intValue?: string; stringValue?: string } }[] }[];
    native.pipelineDone(number, batch?.batch as number, 'exported', 0, '');
    await flushed;
    expect(written).toBe(total);
    expect(spans.map(({ attributes }) => Number(attributes[0]?.value.intValue))).toEqual([...Array(total).keys()]);
    expect(new Set(spans.map(({ attributes }) => attributes[1]?.value.stringValue))).toEqual(new Set([text]));
    native.pipelineClose(number);
  });

  it('that is longer than a quarter of the ring comes out whole, and one longer than half of it is cut', async () => {
    const [whole, cut, bare] = await exported([
      span({ pairs: ['a', 'z'.repeat(1_500_000)] }),
      span({ pairs: ['a', 'z'.repeat(3_000_000), 'b', '🚀'.repeat(2_000_000)] }),
      span({ pairs: Array.from({ length: 60_000 }, (_, index) => (index % 2 === 0 ? `key ${index}` : 'w'.repeat(130))) }),
    ]);
    const texts = (found: JsonSpan | undefined): string[] =>
      attributesOf(found).map(({ value }) => (value as { stringValue: string }).stringValue);
    expect(texts(whole)[0]).toHaveLength(1_500_000);
    expect(texts(cut)).toEqual(['z'.repeat(4_096), '🚀'.repeat(2_048)]);
    expect(bare).toMatchObject({ name: 'work', droppedAttributesCount: 30_000 });
  });
});

describe('a provider', () => {
  it('whose scope has the same words has the same number', () => {
    expect(native.tracesScope(host, 'test', '1.2', '', ['deep', [1, 2.5, 'x', true, null]])).toBe(scope);
    expect(native.tracesScope(host, 'test', '1.3', '', [])).not.toBe(scope);
  });

  it('that is closed counts its spans as lost', async () => {
    const gone = native.tracesHost({ resource: [], schemaUrl: '', retainedTraces: 0, retainedBytes: 0 });
    const late = native.tracesScope(gone, 'late', '', '', []);
    native.tracesHostClose(gone);
    expect(ring.write(span({ scope: late }), 1, 1)).toBe(true);
    native.ringFlush(10_000);
    expect(native.renderSync([native.openRegistry('kymo')], 0, false)).toMatch(
      /kymo_spans_dropped_total\{reason="provider_closed"\} [1-9]/,
    );
  });

  it('refuses what it does not know', () => {
    expect(() => native.pipelineTake(9_999)).toThrow(expect.objectContaining({ code: 'KYMO_EXPORT_UNKNOWN' }));
  });
});
