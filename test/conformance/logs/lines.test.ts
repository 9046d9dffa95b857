// Lines against JSON.stringify, a parser that refuses keys which stand twice, a parser of logfmt, and OpenTelemetry's own messages.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { JsonFormatter, TextFormatter } from '../../../src/logs/format/formatters.js';
import { pythonPeer } from '../../peers.js';
import { parseStrictly, randomFrom } from './strict-json.js';

const SEED = Number(process.env.KYMO_FUZZ_SEED ?? 0x6b79);
const python = pythonPeer('opentelemetry.proto.collector.logs.v1.logs_service_pb2', 'pip install opentelemetry-proto');
const DECODE = fileURLToPath(new URL('../otlp/decode.py', import.meta.url));

const random = randomFrom(SEED);
const below = (bound: number): number => Math.floor(random() * bound);
const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T;

const bits = new DataView(new ArrayBuffer(8));
function anyNumber(): number {
  bits.setUint32(0, random() * 2 ** 32);
  bits.setUint32(4, random() * 2 ** 32);
  return pick([
    () => bits.getFloat64(0),
    () => below(2 ** 31) - 2 ** 30,
    () => (below(2_000_001) - 1_000_000) / 10 ** below(12),
    () => random() * 10 ** (below(50) - 20),
    () => 2 ** (below(2_098) - 1_074),
    () => pick([-0, 0, Number.NaN, Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER + 2, 1e21, 1e-7, 123e-20, 5e-324]),
  ])();
}

const ALPHABETS = [
  'abcXYZ 09_',
  '"\\/\b\f\n\r\t\u0000\u001f',
  '\u007f\u0080\u009bé÷ÿ',
  '\u0100漢\u2028\u2029\ufeff\uffff',
  '\ud800\udbff\udc00\udfff🦀',
];
function anyText(): string {
  const alphabet = Array.from({ length: 1 + below(3) }, () => pick(ALPHABETS)).join('');
  const length = pick([0, 1, 5, 12, 47, 48, 49, 130, 1_000]);
  return Array.from({ length: below(length + 1) }, () => alphabet[below(alphabet.length)]).join('');
}

/** Values that the one at hand may still hold, so that none is endless. */
let left = 0;

/** A value that `JSON.stringify` takes. */
function anyValue(depth: number): unknown {
  left -= 1;
  switch (below(depth > 5 || left < 0 ? 6 : 9)) {
    case 0:
      return null;
    case 1:
      return random() < 0.5;
    case 2:
      return new Date(pick([0, Date.now(), -1, 8.64e15, Number.NaN, anyNumber()]));
    case 3:
      return undefined;
    case 4:
      return anyText();
    case 5:
      return anyNumber();
    case 6:
      return Array.from({ length: below(6) }, () => anyValue(depth + 1));
    default:
      return anyFields(depth + 1);
  }
}

const KEYS = [
  'level',
  'ts',
  'msg',
  'logger',
  'err',
  'a',
  'b',
  'level_',
  'ts_',
  '0',
  '17',
  '__proto__',
  'toString',
  'constructor',
  'k'.repeat(300),
];
function anyFields(depth: number): Record<string, unknown> {
  if (depth <= 1) left = 100;
  const entries = Array.from({ length: below(pick([3, 8, 60])) }, () => [random() < 0.5 ? pick(KEYS) : anyText(), anyValue(depth)]);
  return Object.fromEntries(entries);
}

describe('lines of JSON', () => {
  it('say what JSON.stringify says, byte for byte', () => {
    const formatter = new JsonFormatter({ keyOrder: ['fields'], nestedKey: 'v', fieldNames: { truncated: false } });
    for (let round = 0; round < 3_000; round++) {
      const fields = anyFields(1);
      const expected = JSON.stringify({ v: fields });
      const line = formatter.format({ fields });
      if (line !== (expected === '{"v":{}}' ? '{}' : expected)) expect(line, `seed ${SEED}, round ${round}`).toBe(expected);
    }
  });

  it('print every number as JSON.stringify does', () => {
    const formatter = new JsonFormatter({ keyOrder: ['message'] });
    for (let round = 0; round < 100; round++) {
      const message = Array.from({ length: 500 }, anyNumber);
      expect(formatter.format({ message })).toBe(JSON.stringify({ msg: message }));
    }
  });

  it('have each key once and keep what is their own, whatever the fields are called', () => {
    const formats = [
      [{}, 'level', 'msg'],
      [{ preset: 'hearthnet' }, 'level', 'msg'],
      [{ format: 'ecs' }, 'log.level', 'message'],
      [{ format: 'gcp' }, 'severity', 'message'],
      [{ errors: 'otel', base: { a: 1 }, defaults: { b: 2 } }, 'level', 'msg'],
    ] as const;
    const formatters = formats.map(([options, level, message]) => ({ formatter: new JsonFormatter(options), level, message }));
    for (let round = 0; round < 2_000; round++) {
      const fields = { ...anyFields(1), ...(random() < 0.2 ? { err: new Error(anyText(), { cause: anyValue(3) }) } : {}) };
      const error = random() < 0.3 ? Object.assign(new Error(anyText()), anyFields(5)) : undefined;
      const record = { message: 'own', level: 'error', logger: 'a.b', fields, error, traceId: 'f'.repeat(32) } as const;
      for (const { formatter, level, message } of formatters) {
        const line = formatter.format(record);
        expect(line).not.toContain('\n');
        const parsed = parseStrictly(line) as Record<string, unknown>;
        expect(String(parsed[level]).toLowerCase()).toBe('error');
        expect(parsed[message]).toBe('own');
      }
    }
  });

  it('are not fooled by a checker that sees nothing', () => {
    expect(() => parseStrictly('{"a":1,"b":{"c":1,"\\u0063":2}}')).toThrow('"c" stands twice');
    expect(() => parseStrictly('{"a": 1} ')).toThrow('behind the value');
    expect(parseStrictly('{"a":[{"a":"}\\""}],"b":{}}')).toEqual({ a: [{ a: '}"' }], b: {} });
  });
});

/** Pairs of a line of logfmt, as its readers take them apart. */
function parseLogfmt(line: string): Map<string, string> {
  const pairs = new Map<string, string>();
  const pair = /([^\s="]+)=("(?:[^"\\]|\\.)*"|[^\s"]*)(?: |$)/y;
  while (pair.lastIndex < line.length) {
    const at = pair.lastIndex;
    const match = pair.exec(line);
    if (match === null) throw new Error(`no pair at ${at}: ${line.slice(at, at + 40)}`);
    const [, key, value] = match as unknown as [string, string, string];
    if (pairs.has(key)) throw new Error(`the key ${key} stands twice`);
    pairs.set(key, value.startsWith('"') ? JSON.parse(value) : value);
  }
  return pairs;
}

describe('lines of logfmt', () => {
  it('come apart into the pairs that went in', () => {
    const formatter = new TextFormatter({ format: 'logfmt' });
    for (let round = 0; round < 2_000; round++) {
      const [value, message] = [anyText(), anyText()];
      const pairs = parseLogfmt(formatter.format({ message, logger: 'a.b', fields: { ...anyFields(4), value } }));
      expect([pairs.get('msg'), pairs.get('value'), pairs.get('level')]).toEqual([message, value, 'info']);
    }
  });
});

describe.runIf(python)("lines of OTLP, read with OpenTelemetry's own messages", () => {
  it('say what was logged, with nothing that the messages do not know', () => {
    const formatter = new JsonFormatter({ format: 'otlp', base: { 'service.name': 'shop', 'process.pid': 7 } });
    const lines = Array.from({ length: 200 }, () =>
      formatter.format({ message: anyValue(3), logger: anyText(), level: 'warn', fields: anyFields(3), error: new Error(anyText()) }),
    );
    lines.push(
      formatter.format({
        time: 1_779_783_262_281,
        message: 'routed',
        logger: 'bus',
        level: 35,
        fields: { ms: 12, ratio: 0.5, ok: true, big: 2n ** 60n, bytes: new Uint8Array([1, 2]), list: ['a', null], map: { k: 1 } },
        traceId: '0190163d8694739baea5966c26f8ad91',
        spanId: '1122334455667788',
        traceFlags: 1,
      }),
    );
    const bodies = lines.map((line) => ({ signal: 'logs', format: 'json', body: Buffer.from(line).toString('base64') }));
    const { status, stdout, stderr } = spawnSync(python as string, [DECODE], {
      input: JSON.stringify(bodies),
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    });
    expect(status, stderr).toBe(0);
    expect(JSON.parse(stdout).at(-1).message).toEqual({
      resourceLogs: [
        {
          resource: {
            attributes: [
              { key: 'service.name', value: { stringValue: 'shop' } },
              { key: 'process.pid', value: { intValue: '7' } },
            ],
          },
          scopeLogs: [
            {
              scope: { name: 'bus' },
              logRecords: [
                {
                  timeUnixNano: '1779783262281000000',
                  severityNumber: 11,
                  severityText: '35',
                  body: { stringValue: 'routed' },
                  attributes: [
                    { key: 'ms', value: { intValue: '12' } },
                    { key: 'ratio', value: { doubleValue: 0.5 } },
                    { key: 'ok', value: { boolValue: true } },
                    { key: 'big', value: { intValue: String(2n ** 60n) } },
                    { key: 'bytes', value: { bytesValue: 'AQI=' } },
                    { key: 'list', value: { arrayValue: { values: [{ stringValue: 'a' }, {}] } } },
                    { key: 'map', value: { kvlistValue: { values: [{ key: 'k', value: { intValue: '1' } }] } } },
                  ],
                  flags: 1,
                  traceId: '0190163d8694739baea5966c26f8ad91',
                  spanId: '1122334455667788',
                },
              ],
            },
          ],
        },
      ],
    });
  });
});
