// What the exporters send of log records, read by the OpenTelemetry project's own messages with unknown fields refused.
import { afterEach, describe, expect, it } from 'vitest';
import { native } from '../../../src/binding/load.js';
import { logRing } from '../../../src/binding/log-ring.js';
import type { LogCall } from '../../../src/binding/log-writer.js';
import type { LogRecordFormat } from '../../../src/binding/native-log-records.js';
import { TRACED } from '../../export/native-logs.js';
import { decode, python } from './bodies.js';

interface AnyValue {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: string;
  readonly doubleValue?: number | string;
  readonly bytesValue?: string;
  readonly arrayValue?: { readonly values?: readonly AnyValue[] };
  readonly kvlistValue?: { readonly values?: readonly KeyValue[] };
}

interface KeyValue {
  readonly key?: string;
  readonly value?: AnyValue;
}

interface DecodedRecord {
  readonly timeUnixNano: string;
  readonly observedTimeUnixNano: string;
  readonly severityNumber: number;
  readonly severityText?: string;
  readonly body?: AnyValue;
  readonly attributes?: readonly KeyValue[];
  readonly droppedAttributesCount?: number;
  readonly flags?: number;
  readonly traceId?: string;
  readonly spanId?: string;
}

interface DecodedLogs {
  readonly message: {
    readonly resourceLogs: readonly {
      readonly resource: { readonly attributes?: readonly KeyValue[] };
      readonly scopeLogs: readonly { readonly scope?: { readonly name?: string }; readonly logRecords: readonly DecodedRecord[] }[];
    }[];
  };
  readonly canonical: boolean;
}

/** What a receiver takes a value for: integers are bigints, maps are entries. */
function received(value: AnyValue | undefined): unknown {
  if (value?.intValue !== undefined) return BigInt(value.intValue);
  if (value?.doubleValue !== undefined) return Number(value.doubleValue);
  if (value?.bytesValue !== undefined) return Buffer.from(value.bytesValue, 'base64');
  if (value?.arrayValue) return (value.arrayValue.values ?? []).map(received);
  if (value?.kvlistValue) return entriesOf(value.kvlistValue.values);
  return value?.stringValue ?? value?.boolValue ?? null;
}

const entriesOf = (attributes: readonly KeyValue[] = []): [string, unknown][] =>
  attributes.map(({ key, value }) => [key ?? '', received(value)]);

const TIME = 1_700_000_000_123.25;
const FORMATS: readonly LogRecordFormat[] = ['otlp-protobuf', 'otlp-json'];

/** A request as text, without the times that the encoders read themselves, for records without a time. */
const told = ({ message }: DecodedLogs): string =>
  JSON.stringify(message, (_, value) =>
    value?.severityNumber !== undefined && value.timeUnixNano === undefined ? { ...value, observedTimeUnixNano: '' } : value,
  );

type Line = Partial<LogCall> & { readonly message?: unknown; readonly fields?: object; readonly error?: unknown };

let route = 0;
const pipelines: number[] = [];
afterEach(() => pipelines.splice(0).forEach(native.pipelineClose));

/** The records of both bodies, which must say the same, by logger. */
function exported(lines: readonly Line[], limits: { readonly maxAttributes?: number; readonly maxAttributeLength?: number } = {}) {
  const records = { levels: [35], levelNames: ['notice'], maxAttributes: 128, maxAttributeLength: Number.POSITIVE_INFINITY };
  const made = FORMATS.map((format) =>
    native.logPipeline(
      {
        ...{ label: format, format, compression: 'none', maxQueueItems: 10_000, maxQueueBytes: 2 ** 30 },
        ...{ maxBatchItems: 10_000, maxBatchBytes: 2 ** 26 },
      },
      { ...records, ...limits, resource: ['service.name', 'shop', 'process.pid', 7], schemaUrl: '' },
    ),
  );
  pipelines.push(...made.map(({ number }) => number));
  route += 1;
  const to = native.logRoute(`conformance ${route}`);
  native.logRouteSet(
    to,
    made.map((sink) => ({ minLevel: 0, records: sink.records })),
  );
  const ring = logRing();
  for (const { message, fields, error, ...call } of lines) {
    const nothing = { bits: 0, logger: -1, t0: 0, t1: 0, t2: 0, t3: 0, s0: 0, s1: 0, bindings: undefined, context: undefined };
    Object.assign(ring.call, nothing, { level: 30, route: to, time: TIME }, call);
    expect(ring.write(message, fields, error)).toBe(true);
  }
  expect(native.ringFlush(20_000)).toBe(true);
  const bodies = made.map(({ number }, index) => ({
    format: index === 0 ? ('protobuf' as const) : ('json' as const),
    body: native.pipelineTake(number)?.body as Uint8Array,
  }));
  const [binary, text] = decode<DecodedLogs>(bodies, 'logs');
  expect(binary?.canonical, 'bytes are those of protobuf itself').toBe(true);
  expect(told(text as DecodedLogs)).toBe(told(binary as DecodedLogs));
  const [resourceLogs, ...more] = (binary as DecodedLogs).message.resourceLogs;
  expect(more).toEqual([]);
  expect(entriesOf(resourceLogs?.resource.attributes)).toEqual([
    ['service.name', 'shop'],
    ['process.pid', 7n],
  ]);
  return (resourceLogs as DecodedLogs['message']['resourceLogs'][0]).scopeLogs;
}

const recordsOf = (...given: Parameters<typeof exported>): readonly DecodedRecord[] =>
  exported(...given).flatMap(({ logRecords }) => logRecords);

describe.runIf(python)("OpenTelemetry's own messages", () => {
  it('read records under their loggers, with times, severities and the trace', () => {
    const traced = { bits: TRACED, t0: 0x5b8efff7, t1: 0x98038103 | 0, t2: 0xd269b633 | 0, t3: 0x813fc60c | 0 };
    const scopes = exported([
      { message: 'one', logger: logRing().logger('shop.pay'), fields: { n: 1 }, ...traced, s0: 0xeee19b7e | 0, s1: 0xc3c1b174 | 0 },
      { message: 'two', level: 35 },
      { message: { code: 3 }, level: 51, logger: logRing().logger('shop.pay'), ...traced, bits: TRACED & ~1 },
      { level: 60 },
    ]);
    const times = { timeUnixNano: '1700000000123250000', observedTimeUnixNano: '1700000000123250000' };
    const traceId = '5b8efff798038103d269b633813fc60c';
    expect(scopes).toEqual([
      {
        logRecords: [
          { ...times, severityNumber: 11, severityText: 'notice', body: { stringValue: 'two' } },
          { ...times, severityNumber: 21, severityText: 'fatal' },
        ],
      },
      {
        scope: { name: 'shop.pay' },
        logRecords: [
          {
            ...times,
            ...{ severityNumber: 9, severityText: 'info', body: { stringValue: 'one' } },
            attributes: [{ key: 'n', value: { intValue: '1' } }],
            ...{ flags: 1, traceId, spanId: 'eee19b7ec3c1b174' },
          },
          {
            ...times,
            ...{ severityNumber: 17, body: { kvlistValue: { values: [{ key: 'code', value: { intValue: '3' } }] } } },
            traceId,
          },
        ],
      },
    ]);
  });

  it('read values of every kind', () => {
    const nested = { a: [1, 'x', null, { é漢: [true] }], b: {} };
    const [record] = recordsOf([
      {
        message: 'm',
        fields: {
          ...{ text: 'é漢🦀\n"', number: -1.5, nan: Number.NaN, big: 2n ** 63n - 1n, yes: true, nothing: null },
          ...{ at: new Date(1_700_000_000_123), never: new Date(Number.NaN), bytes: new Uint8Array([0, 255]), nested },
          long: 'x'.repeat(70_000),
        },
      },
    ]);
    const found = Object.fromEntries(entriesOf(record?.attributes));
    expect(found).toEqual({
      ...{ text: 'é漢🦀\n"', number: -1.5, nan: Number.NaN, big: 2n ** 63n - 1n, yes: true, nothing: null },
      ...{ at: '2023-11-14T22:13:20.123Z', never: null, bytes: Buffer.from([0, 255]), long: 'x'.repeat(70_000) },
      nested: [
        ['a', [1n, 'x', null, [['é漢', [true]]]]],
        ['b', []],
      ],
    });
  });

  it('find no key twice, whoever wrote it, and the last value of each', () => {
    const ring = logRing();
    const bindings = ring.encode({ a: 1, b: 1, 'exception.type': 'mine' });
    const [record] = recordsOf([{ message: 'm', bindings, context: { b: 2, c: 2 }, fields: { c: 3, a: 4 }, error: new RangeError('no') }]);
    const attributes = entriesOf(record?.attributes);
    expect(attributes.map(([key]) => key)).toEqual(['a', 'b', 'exception.type', 'c', 'exception.message', 'exception.stacktrace']);
    expect(attributes.slice(0, 5)).toEqual([
      ['a', 4n],
      ['b', 2n],
      ['exception.type', 'mine'],
      ['c', 3n],
      ['exception.message', 'no'],
    ]);
    expect(attributes[5]?.[1]).toContain('RangeError: no\n    at ');
  });

  it('are told of an exception by the names of the conventions, of its causes and of what it holds', () => {
    const cause = new Error('inner');
    const error = Object.assign(new TypeError('outer', { cause }), { code: 'E1' });
    const [record] = recordsOf([{ message: 'm', error }]);
    const { err, ...exception } = Object.fromEntries(entriesOf(record?.attributes));
    expect(exception).toEqual({
      'exception.type': 'TypeError',
      'exception.message': 'outer',
      'exception.stacktrace': expect.stringContaining('TypeError: outer'),
    });
    expect(err).toEqual(
      expect.arrayContaining([
        ['code', 'E1'],
        ['cause', expect.arrayContaining([['message', 'inner']])],
      ]),
    );
  });

  it('are told how many attributes were dropped, and get texts cut where the limit is', () => {
    const fields = { a: 'abcdef', b: '漢漢漢漢', c: 1, d: 2 };
    const [record] = recordsOf([{ message: 'a whole message', fields }], { maxAttributes: 3, maxAttributeLength: 3 });
    expect(entriesOf(record?.attributes)).toEqual([
      ['a', 'abc'],
      ['b', '漢漢漢'],
      ['c', 1n],
    ]);
    expect(record).toMatchObject({ droppedAttributesCount: 1, body: { stringValue: 'a whole message' } });
  });

  it('read what is hostile: any key, any text, any time, in any number', () => {
    const lines = Array.from({ length: 300 }, (_, n): Line => {
      const key = ['__proto__', 'toString', '', '\ud800', 'a.b', '"\\\n', '\u0000', '漢'.repeat(50)][n % 8] as string;
      const fields = Object.defineProperty({}, key, { value: [key, '\udfff', { [key]: n }], enumerable: true });
      const time = [0, -1, Number.NaN, 1e300, Number.NEGATIVE_INFINITY, TIME][n % 6] as number;
      return { message: [key, n, Symbol('s'), () => n, [key]][n % 5], fields, time, level: (n * 1_009) % 65_536 };
    });
    const records = recordsOf(lines);
    expect(records).toHaveLength(300);
    for (const { severityNumber, observedTimeUnixNano } of records) {
      expect(severityNumber >= 1 && severityNumber <= 24).toBe(true);
      expect(BigInt(observedTimeUnixNano)).toBeGreaterThan(0n);
    }
  });
});
