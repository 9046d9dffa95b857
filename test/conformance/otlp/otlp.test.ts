// What the exporters send, read by the OpenTelemetry project's own messages with unknown fields refused.
import { readFileSync } from 'node:fs';
import { Unpackr } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { SPAN_KIND_SHIFT, SPAN_PARENT_REMOTE, SPAN_STATUS_SHIFT } from '../../../src/binding/generated/layout.js';
import type { WritableSpan } from '../../../src/binding/writable-span.js';
import { aSpan, Bodies, type BodyFormat, type DecodedRequest, decode, python } from './bodies.js';
import { hostileSpan, SEED } from './hostile-spans.js';

const EXAMPLE = JSON.parse(readFileSync(new URL('data/trace.json', import.meta.url), 'utf8'));

/** Both OTLP bodies, decoded; they must say the same. */
function decodeBoth(bodies: ReadonlyMap<BodyFormat, Uint8Array>): DecodedRequest['message'] {
  const formats = ['protobuf', 'json'] as const;
  const [binary, text] = decode(formats.map((format) => ({ format, body: bodies.get(format) as Uint8Array })));
  expect(binary?.canonical, 'bytes are those of protobuf itself').toBe(true);
  // As text: comparing what is nested this deep takes seconds otherwise.
  expect(JSON.stringify(text?.message)).toBe(JSON.stringify(binary?.message));
  return (binary as DecodedRequest).message;
}

const allSpans = (message: DecodedRequest['message']) =>
  message.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));

interface AnyValue {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: string;
  readonly doubleValue?: number | string;
  readonly arrayValue?: { readonly values?: readonly AnyValue[] };
  readonly kvlistValue?: { readonly values?: readonly KeyValue[] };
}

interface KeyValue {
  readonly key?: string;
  readonly value?: AnyValue;
}

/** What a receiver takes a value for: integers are bigints, and everything else is what it was. */
function received(value: AnyValue | undefined): unknown {
  if (value?.intValue !== undefined) return BigInt(value.intValue);
  if (value?.doubleValue !== undefined) return Number(value.doubleValue);
  if (value?.arrayValue) return (value.arrayValue.values ?? []).map(received);
  if (value?.kvlistValue) return attributesOf(value.kvlistValue.values);
  return value?.stringValue ?? value?.boolValue ?? null;
}

/** Entries rather than an object: a key may be `__proto__`. */
function attributesOf(attributes: unknown): [string, unknown][] {
  return ((attributes ?? []) as KeyValue[]).map(({ key, value }) => [key ?? '', received(value)]);
}

/** The same of what was written. */
function sent(value: unknown): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) && !Object.is(value, -0) ? BigInt(value) : value;
  if (typeof value === 'string') return value.toWellFormed();
  if (Array.isArray(value)) return value.map(sent);
  if (typeof value === 'object' && value !== null) return Object.entries(value).map(([key, item]) => [key.toWellFormed(), sent(item)]);
  return value;
}

function sentPairs(pairs: readonly unknown[] | undefined): [string, unknown][] {
  const entries: [string, unknown][] = [];
  for (let index = 0; pairs !== undefined && index < pairs.length; index += 2)
    entries.push([(pairs[index] as string).toWellFormed(), sent(pairs[index + 1])]);
  return entries;
}

describe.runIf(python)("OpenTelemetry's own messages", () => {
  it('read their example back as it was sent', () => {
    const bodies = new Bodies({ resource: ['service.name', 'my.service'] });
    const scope = bodies.scope('my.library', '1.0.0', '', ['my.scope.attribute', 'some scope attribute']);
    const of = bodies.of([
      aSpan(scope, {
        t0: 0x5b8efff7,
        t1: 0x98038103 | 0,
        t2: 0xd269b633 | 0,
        t3: 0x813fc60c | 0,
        s0: 0xeee19b7e | 0,
        s1: 0xc3c1b174 | 0,
        p0: 0xeee19b7e | 0,
        p1: 0xc3c1b173 | 0,
        bits: 1 << SPAN_KIND_SHIFT,
        name: "I'm a server span",
        startedAt: [1544712660, 0],
        endedAt: [1544712661, 0],
        pairs: ['my.span.attr', 'some value'],
      }),
    ]);
    // Hex digits of ids may have either case, and the example is silent about its parent's whereabouts.
    const lowered = JSON.parse(JSON.stringify(EXAMPLE), (key, value) => (/[sS]panId$|^traceId$/.test(key) ? value.toLowerCase() : value));
    lowered.resourceSpans[0].scopeSpans[0].spans[0].flags = 0x100;
    expect(JSON.parse(Buffer.from(of.get('json') as Uint8Array).toString())).toEqual(lowered);
    expect(decodeBoth(of)).toEqual(lowered);
  });

  it('read every kind of value exactly', () => {
    const bodies = new Bodies();
    const values: [unknown, AnyValue][] = [
      ['', { stringValue: '' }],
      ['\ud800x🦀', { stringValue: '\ufffdx🦀' }],
      [true, { boolValue: true }],
      [false, { boolValue: false }],
      [0, { intValue: '0' }],
      [-1, { intValue: '-1' }],
      [Number.MAX_SAFE_INTEGER, { intValue: '9007199254740991' }],
      [-(2 ** 53), { doubleValue: -9007199254740992 }],
      [1e300, { doubleValue: 1e300 }],
      [2 ** 63, { doubleValue: 2 ** 63 }],
      [0.1, { doubleValue: 0.1 }],
      [-0, { doubleValue: -0 }],
      [5e-324, { doubleValue: 5e-324 }],
      [Number.NaN, { doubleValue: 'NaN' }],
      [Number.POSITIVE_INFINITY, { doubleValue: 'Infinity' }],
      [Number.NEGATIVE_INFINITY, { doubleValue: '-Infinity' }],
      [2n ** 63n - 1n, { intValue: '9223372036854775807' }],
      [-(2n ** 63n), { intValue: '-9223372036854775808' }],
      [null, {}],
      [[], { arrayValue: {} }],
      [['a', 1, null], { arrayValue: { values: [{ stringValue: 'a' }, { intValue: '1' }, {}] } }],
      [{}, { kvlistValue: {} }],
      [{ k: [0.5] }, { kvlistValue: { values: [{ key: 'k', value: { arrayValue: { values: [{ doubleValue: 0.5 }] } } }] } }],
    ];
    const message = decodeBoth(
      bodies.of([aSpan(bodies.scope('values'), { pairs: values.flatMap(([value], index) => [`v${index}`, value]) })]),
    );
    expect(allSpans(message)[0]?.attributes).toEqual(values.map(([, value], index) => ({ key: `v${index}`, value })));
  });

  it('know the remote parent, kind, status, time-out, agent kind and what was dropped of a span', () => {
    const bodies = new Bodies();
    const scope = bodies.scope('fields');
    const span = (bits: number, rest: Parameters<typeof aSpan>[1] = {}): WritableSpan => aSpan(scope, { p1: 7, ...rest, bits });
    const spans = allSpans(
      decodeBoth(
        bodies.of([
          span(0x01 | SPAN_PARENT_REMOTE | (1 << SPAN_KIND_SHIFT)),
          span(0x03 | (2 << SPAN_KIND_SHIFT) | (1 << SPAN_STATUS_SHIFT)),
          span(0x00 | (4 << SPAN_KIND_SHIFT) | (2 << SPAN_STATUS_SHIFT), { rest: { statusText: 'it broke', traceStateText: 'a=1,b=2' } }),
          span((2 << SPAN_STATUS_SHIFT) | (1 << 13) | (2 << 19), {
            p1: 0,
            rest: { statusText: 'too slow', droppedAttributes: 1, droppedEvents: 2, droppedLinks: -1 },
          }),
        ]),
      ),
    );
    expect(spans).toMatchObject([
      { flags: 0x301, kind: 2, parentSpanId: '0000000000000007' },
      { flags: 0x103, kind: 3, status: { code: 1 } },
      { flags: 0x100, kind: 5, status: { code: 2, message: 'it broke' }, traceState: 'a=1,b=2' },
      {
        flags: 0x100,
        kind: 1,
        status: { code: 2, message: 'too slow' },
        droppedAttributesCount: 1,
        droppedEventsCount: 2,
        droppedLinksCount: 2 ** 32 - 1,
        attributes: [
          { key: 'agent.span.kind', value: { stringValue: 'llm' } },
          { key: 'error.type', value: { stringValue: 'timeout' } },
        ],
      },
    ]);
    expect(spans[0]).not.toHaveProperty('status');
    expect(spans[3]).not.toHaveProperty('parentSpanId');
  });

  it('know the target of a link, even one that is nowhere', () => {
    const bodies = new Bodies();
    const link = { t0: 0, t1: 0, t2: 0, t3: 0, s0: 0, s1: 0, flags: 0, traceStateText: '', pairs: ['why', 'kept'], dropped: 4 };
    const there = { ...link, t0: -1, s1: -2, flags: 0x203, traceStateText: 'a=1', pairs: undefined, dropped: 0 };
    const [span] = allSpans(decodeBoth(bodies.of([aSpan(bodies.scope('links'), { rest: { linkList: [link, there] } })])));
    expect(span?.links).toEqual([
      {
        traceId: '0'.repeat(32),
        spanId: '0'.repeat(16),
        attributes: [{ key: 'why', value: { stringValue: 'kept' } }],
        droppedAttributesCount: 4,
        flags: 0x100,
      },
      { traceId: `ffffffff${'0'.repeat(24)}`, spanId: '00000000fffffffe', traceState: 'a=1', flags: 0x303 },
    ]);
  });

  it('read bodies of megabytes, whatever was guessed of their length', () => {
    const bodies = new Bodies();
    const [small, large] = [bodies.scope('small'), bodies.scope('large')];
    // Characters of one byte in memory are two in UTF-8: records are half as long as what is made of them.
    const text = 'ä'.repeat(1000);
    const spans = Array.from({ length: 1100 }, (_, n) => aSpan(n === 0 ? small : large, { pairs: ['n', n, 'text', text] }));
    const of = bodies.of(spans);
    expect(of.get('protobuf')?.length).toBeGreaterThan(2 ** 21);
    const found = allSpans(decodeBoth(of));
    expect(found.map(({ attributes }) => (attributesOf(attributes)[0] as [string, bigint])[1])).toEqual(spans.map((_, n) => BigInt(n)));
  });

  it('find each span under its scope, in order, and the schemas', () => {
    const bodies = new Bodies({ resource: ['a', [1, 'x', null, true], 'n', null, 'r', 0.5], schemaUrl: 'https://example.test/resource' });
    const [http, db, plain] = [bodies.scope('http'), bodies.scope('db', '2', 'https://example.test/db', ['list', ['x']]), bodies.scope('')];
    const message = decodeBoth(bodies.of([db, http, plain, db, http].map((scope) => aSpan(scope))));
    expect(message.resourceSpans).toHaveLength(1);
    const [{ resource, scopeSpans, schemaUrl }] = message.resourceSpans as [DecodedRequest['message']['resourceSpans'][0]];
    expect(attributesOf(resource.attributes)).toEqual([
      ['a', [1n, 'x', null, true]],
      ['n', null],
      ['r', 0.5],
    ]);
    expect(schemaUrl).toBe('https://example.test/resource');
    expect(scopeSpans.map(({ scope, spans, schemaUrl }) => [scope?.name, spans.map((span) => span.spanId), schemaUrl])).toEqual([
      ['http', ['0000000000000002', '0000000000000005'], undefined],
      ['db', ['0000000000000001', '0000000000000004'], 'https://example.test/db'],
      [undefined, ['0000000000000003'], undefined],
    ]);
    expect(scopeSpans[1]?.scope).toMatchObject({ version: '2', attributes: [{ key: 'list' }] });
  });

  it('read values as deep as a span can have them: beyond what they take, the text of their JSON', () => {
    const bodies = new Bodies();
    const scope = bodies.scope('deep');
    const nest = (depth: number, wrap: (inside: unknown) => unknown): unknown => {
      let value: unknown = 'core';
      for (let level = 0; level < depth; level++) value = wrap(value);
      return value;
    };
    // How a level is made, how many levels it is, and how many times it may be made before text takes its place.
    const wraps: [(inside: unknown) => unknown, number, number][] = [
      [(inside) => [inside], 1, 42],
      [(inside) => ({ k: inside }), 1, 28],
      [(inside) => [{ k: inside, n: 1 }], 2, 16],
    ];
    for (const [wrap, levels, values] of wraps) {
      // The writer of spans takes 64 levels.
      const depths = [0, 1, values - 1, values, values + 1, 63 / levels].map(Math.floor);
      const event = (depth: number) => ({ name: 'e', time: 0, pairs: ['deep', nest(depth, wrap)], dropped: 0 });
      const span = (depth: number) => aSpan(scope, { pairs: ['deep', nest(depth, wrap)], rest: { eventList: [event(depth)] } });
      for (const [index, { attributes, events }] of allSpans(decodeBoth(bodies.of(depths.map(span)))).entries()) {
        const depth = depths[index] as number;
        for (const found of [attributes, events].map((part) => JSON.stringify(part))) {
          expect(found.match(/core/g), `${depth} levels`).toHaveLength(1);
          expect(found.includes('stringValue":"core'), `${depth} levels`).toBe(depth <= values);
        }
      }
    }
  });

  it('read spans of any content, and find in them what was written', () => {
    const bodies = new Bodies({ resource: ['service.name', 'fuzz "\n\0\ud800 🦀'] });
    const scopes = [bodies.scope('a'), bodies.scope('b"\u2028'), bodies.scope('')];
    for (let round = 0; round < 8; round++) {
      const spans = Array.from({ length: 60 }, (_, index) => hostileSpan(scopes[index % 3] as number));
      const of = bodies.of(spans);
      const found = new Map(allSpans(decodeBoth(of)).map((span) => [Number.parseInt(span.spanId as string, 16), span]));
      const maps = new Unpackr({ useRecords: false }).unpack(of.get('msgpack') as Uint8Array) as Record<string, unknown>[];
      for (const [index, span] of spans.entries()) {
        const what = `seed ${SEED}, round ${round}, span ${index}: ${JSON.stringify(span.name)}`;
        const one = found.get(index + 1) as Record<string, unknown>;
        expect(one.name ?? '', what).toBe(span.name.toWellFormed());
        const attributes = attributesOf(one.attributes);
        const own = sentPairs(span.pairs);
        expect(attributes.slice(0, own.length), what).toEqual(own);
        expect(
          attributes.slice(own.length).every(([key]) => /^(agent\.span\.kind|error\.type|kymo\.span\.unended)$/.test(key)),
          what,
        ).toBe(true);
        const events = (one.events ?? []) as Record<string, unknown>[];
        expect(
          events.map(({ attributes }) => attributesOf(attributes)),
          what,
        ).toEqual((span.rest?.eventList ?? []).map(({ pairs }) => sentPairs(pairs)));
        const links = (one.links ?? []) as Record<string, unknown>[];
        expect(
          links.map(({ flags }) => flags),
          what,
        ).toEqual((span.rest?.linkList ?? []).map(({ flags }) => flags | 0x100));
        expect(maps[index]?.name, what).toBe(span.name.toWellFormed());
        expect(maps[index]?.spanId, what).toBe(one.spanId);
        expect(maps[index]?.endTimeUnixNano, what).toBe(one.endTimeUnixNano);
      }
    }
  });
});

describe.runIf(python)('the decoder', () => {
  const [format, other] = ['protobuf', 'json'] as const;
  const body = (fields: readonly number[]) => ({ format, body: Uint8Array.of(0x0a, fields.length, ...fields) });
  const json = (text: string) => ({ format: other, body: Buffer.from(text) });

  it.each([
    ['an unknown field', body([0x78, 1])],
    ['an unknown field inside', body([0x12, 2, 0x78, 1])],
    ['a length too much', body([0x12, 3, 0x12, 0])],
    ['no resource', { format, body: new Uint8Array() }],
    ['an unknown key', json('{"resourceSpans":[{"resources":{}}]}')],
    ['a key that stands twice', json('{"resourceSpans":[{"schemaUrl":"","schemaUrl":""}]}')],
    ['a word for a kind', json('{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":"SERVER"}]}]}]}')],
  ])('refuses %s', (_, bad) => {
    expect(() => decode([bad])).toThrow('the decoder: ');
  });
});

describe('msgpack', () => {
  it('unpacks to plain objects in the words of the API', () => {
    const bodies = new Bodies({ resource: ['service.name', 'shop'], schemaUrl: 's' });
    const scope = bodies.scope('lib', '1', 'u', ['a', ['b', 1]]);
    const pairs = [
      'text',
      'ä漢🦀',
      'int',
      2 ** 40,
      'double',
      0.5,
      'big',
      2n ** 62n,
      'small',
      5n,
      'none',
      null,
      'nested',
      { list: [1, [true]] },
      'nan',
      NaN,
    ];
    const span = aSpan(scope, {
      t0: 0xabcdef01 | 0,
      p1: 9,
      name: 'chat',
      bits: 1 | SPAN_PARENT_REMOTE | (2 << SPAN_KIND_SHIFT) | (2 << SPAN_STATUS_SHIFT) | (2 << 19),
      startedAt: [1_700_000_000, 123_456_789],
      endedAt: [1_700_000_001, 0],
      pairs,
      rest: {
        eventList: [{ name: 'e', time: [1_700_000_000, 500_000_001], pairs: ['k', 'v'], dropped: 1 }],
        linkList: [{ t0: 0, t1: 0, t2: 0, t3: 2, s0: 0, s1: 3, flags: 0x201, traceStateText: 'a=1', pairs: ['k', 1], dropped: 2 }],
        statusText: 'it broke',
        traceStateText: 'b=2',
        droppedAttributes: 3,
      },
    });
    const body = bodies.of([span, aSpan(scope)]).get('msgpack') as Uint8Array;
    const [one, other] = new Unpackr({ useRecords: false }).unpack(body);
    expect(one).toEqual({
      name: 'chat',
      traceId: 'abcdef01000000000000000000000001',
      spanId: '0000000000000001',
      parentSpanId: '0000000000000009',
      parentIsRemote: true,
      startTime: Number('1700000000.123456789'),
      startTimeUnixNano: '1700000000123456789',
      endTime: 1_700_000_001,
      endTimeUnixNano: '1700000001000000000',
      attributes: {
        text: 'ä漢🦀',
        int: 2 ** 40,
        double: 0.5,
        big: 2n ** 62n,
        small: 5,
        none: null,
        nested: { list: [1, [true]] },
        nan: Number.NaN,
      },
      status: 'error',
      statusCode: 'error',
      errorMessage: 'it broke',
      kind: 'client',
      agentKind: 'llm',
      flags: 1,
      traceState: 'b=2',
      unended: false,
      droppedAttributesCount: 3,
      droppedEventsCount: 0,
      droppedLinksCount: 0,
      events: [
        {
          name: 'e',
          time: 1_700_000_000.5,
          timeUnixNano: '1700000000500000001',
          attributes: { k: 'v' },
          droppedAttributesCount: 1,
        },
      ],
      links: [
        {
          traceId: '00000000000000000000000000000002',
          spanId: '0000000000000003',
          flags: 1,
          isRemote: true,
          traceState: 'a=1',
          attributes: { k: 1 },
          droppedAttributesCount: 2,
        },
      ],
      resource: { attributes: { 'service.name': 'shop' }, schemaUrl: 's' },
      scope: { name: 'lib', version: '1', schemaUrl: 'u', attributes: { a: ['b', 1] } },
    });
    for (const key of ['parentSpanId', 'agentKind', 'errorMessage']) expect(other).not.toHaveProperty(key);
    expect(other).toMatchObject({ status: 'ok', statusCode: 'unset', kind: 'internal', events: [], links: [], attributes: {} });
  });
});
