// The JavaScript producer against the Rust reader: what one writes the other reads, whatever user code does in between.
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { createContext, runInContext } from 'node:vm';
import { afterAll, describe, expect, it } from 'vitest';
import { RING_HEAD_AT, RING_RELEASED_AT } from '../../src/binding/generated/layout.js';
import { native } from '../../src/binding/load.js';
import type { RingAttachment, RingOptions } from '../../src/binding/native-ring.js';
import { openRing } from '../../src/binding/ring.js';
import { RingWriter } from '../../src/binding/ring-writer.js';
import { KymoError } from '../../src/core/errors.js';

const folder = mkdtempSync(join(tmpdir(), 'kymo-ring-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const KIND = 20;
let rings = 0;

interface Opened {
  writer: RingWriter;
  attachment: RingAttachment;
  spool: string;
  /** All records so far, as Rust reads them from the spool. */
  read(): { kind: number; cut: boolean; values: unknown[] }[];
  dropped(): Record<string, number>;
}

function keysOf(ring: number): string[] {
  const keys: string[] = [];
  for (let key = native.ringKey(ring, 0); key !== undefined; key = native.ringKey(ring, keys.length)) keys.push(key);
  return keys;
}

async function open(options: Partial<RingOptions> = {}): Promise<Opened> {
  const spool = join(folder, `spool-${rings++}`);
  const attachment = native.ringOpen({ sizeBytes: 1 << 16, onFull: 'block', signal: 'spool', spool, threadId: 0, ...options });
  while (!native.ringState(attachment.ring).overflow) await turn();
  return {
    attachment,
    spool,
    writer: new RingWriter(native, attachment),
    read() {
      expect(native.ringFlush(30_000)).toBe(true);
      const { records, bad } = native.ringDecode(readFileSync(spool), []);
      expect(bad).toBeUndefined();
      return records as ReturnType<Opened['read']>;
    },
    dropped: () => native.ringState(attachment.ring).dropped,
  };
}

describe('values', () => {
  it('come back as they were, in every type and alphabet', async () => {
    const ring = await open();
    const values = [
      null,
      true,
      false,
      0,
      -1,
      2 ** 31 - 1,
      -(2 ** 31),
      2 ** 31,
      0.1,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      '',
      'ascii',
      'é ÿ',
      'Ω 🥁 \ud800 lone',
      'x'.repeat(1000),
      12n,
      -(2n ** 63n),
    ];
    for (const value of values) ring.writer.write(KIND, value);
    ring.writer.write(KIND, 2n ** 64n);
    ring.writer.write(KIND, { a: 1, b: { c: [1, 'two', null, undefined, () => 0] }, skipped: undefined, also: () => 0, [Symbol('s')]: 1 });
    ring.writer.write(KIND, new Date(0), { at: new Date(0), bytes: new Uint8Array(9) });
    ring.writer.write(KIND);
    ring.writer.write(65_535, undefined, 2, undefined, undefined);
    const records = ring.read();
    expect(records.slice(0, values.length).map((record) => record.values)).toEqual(values.map((value) => [value]));
    const rest = records.slice(values.length);
    expect(rest.map(({ values }) => values)).toEqual([
      ['18446744073709551616'],
      [{ a: 1, b: { c: [1, 'two', null, null, '[Function: ]'] }, also: '[Function: also]' }],
      [new Date(0), { at: new Date(0), bytes: Buffer.alloc(9) }],
      [],
      [null, 2],
    ]);
    expect(rest.at(-1)?.kind).toBe(65_535);
  });

  it('keep hostile keys as keys: prototypes, lone surrogates, very long ones', async () => {
    const ring = await open();
    const hostile = JSON.parse('{"__proto__":1,"constructor":2,"toString":3,"hasOwnProperty":4}') as object;
    const odd = { 'lone \ud800': 5, ['k'.repeat(3000)]: 6, '': 7 };
    for (let time = 0; time < 3; time++) ring.writer.write(KIND, hostile, odd, Object.create(null));
    for (const { values } of ring.read()) {
      expect(Object.entries(values[0] as object)).toEqual(Object.entries(hostile));
      expect(Object.entries(values[1] as object)).toEqual(Object.entries(odd));
      expect(values[2]).toEqual({});
    }
  });

  it('are the record itself where objects hold themselves or go on for ever', async () => {
    const ring = await open();
    const circle: Record<string, unknown> = { name: 'circle' };
    circle.self = circle;
    const wide: Record<string, unknown> = {};
    for (let index = 0; index < 10; index++) wide[`k${index}`] = [wide, circle];
    let deep: object = {};
    for (let index = 0; index < 100_000; index++) deep = { deep };
    expect(ring.writer.write(KIND, circle, wide, deep)).toBe(true);
    const [record] = ring.read();
    expect(record?.values[0]).toEqual({ name: 'circle', self: '[Circular]' });
    expect(JSON.stringify(record?.values[2])).toBe(`${'{"deep":'.repeat(9)}"[Object]"${'}'.repeat(9)}`);
  });
});

describe('[M2] keys', () => {
  it('that are declared have an id at once, dynamic ones on second sight, and none pins the text it was cut from', async () => {
    const ring = await open();
    ring.writer.declare(['method', 'route']);
    expect(keysOf(ring.attachment.ring)).toEqual(['method', 'route']);
    ring.writer.write(KIND, { method: 1, once: 2 });
    expect(keysOf(ring.attachment.ring)).toHaveLength(2);
    ring.writer.write(KIND, { once: 3 });
    expect(keysOf(ring.attachment.ring)).toEqual(['method', 'route', 'once']);
    expect(ring.read().map(({ values }) => values[0])).toEqual([{ method: 1, once: 2 }, { once: 3 }]);
  });
});

describe('[W1] publishing', () => {
  it('keeps millions of records whole while the collector drains: 0 bad words', async () => {
    const ring = await open({ sizeBytes: 1 << 18, blockBudgetMs: 60_000 });
    const total = 2_000_000;
    for (let index = 0; index < total; index++) {
      // Every length, so that records meet the end of the ring in every way; each value repeats the number.
      const kept =
        index % 3 === 0 ? ring.writer.write(KIND, index, index + 0.5) : ring.writer.write(KIND, index, index, 'x'.repeat(index % 61));
      if (!kept) throw new Error(`record ${index} was dropped`);
    }
    expect(native.ringFlush(30_000)).toBe(true);
    const bytes = readFileSync(ring.spool);
    let next = 0;
    let at = 0;
    while (at < bytes.length) {
      // Whole records up to about a megabyte at a time.
      let end = at;
      while (end < bytes.length && end - at < 1 << 20) end += bytes.readUInt32LE(end);
      const { records, bad } = native.ringDecode(bytes.subarray(at, end), []);
      expect(bad).toBeUndefined();
      for (const { kind, values } of records) {
        const [number, again, text] = values as [number, number, string?];
        const whole = next % 3 === 0 ? again === next + 0.5 : again === next && text === 'x'.repeat(next % 61);
        if (kind !== KIND || number !== next || !whole) throw new Error(`record ${next} is ${JSON.stringify(values)}`);
        next++;
      }
      at = end;
    }
    expect(next).toBe(total);
    expect(ring.dropped()).toEqual({});
  }, 120_000);

  it('goes on over the wrap of its 32-bit position', async () => {
    const ring = await open({ sizeBytes: 4096 });
    const words = new Int32Array(ring.attachment.buffer as ArrayBuffer);
    for (let at = RING_HEAD_AT; at <= RING_RELEASED_AT; at += 4) {
      // Head, the two notes beside it, read and released: as after 2^31 - 64 bytes.
      if (at === RING_HEAD_AT || at === RING_HEAD_AT + 8 || at === 0x300 || at === RING_RELEASED_AT) words[at >> 2] = 2 ** 31 - 64;
    }
    for (let index = 0; index < 500; index++) expect(ring.writer.write(KIND, index, 'y'.repeat(index % 100))).toBe(true);
    expect(words[RING_HEAD_AT >> 2]).toBeLessThan(0);
    expect(ring.read().map(({ values }) => values[0])).toEqual(Array.from({ length: 500 }, (_, index) => index));
  });

  it('takes records of every length around a quarter of the ring, around the longest, and cuts what is longer', async () => {
    const ring = await open({ sizeBytes: 1 << 16 });
    const quarter = (1 << 14) - 8 - 5;
    const lengths = [quarter - 1, quarter, quarter + 1, 20_000, (1 << 15) - 13 - 16, (1 << 15) - 13, 1 << 15, 1 << 20];
    for (const length of lengths) {
      expect(ring.writer.write(KIND, 'z'.repeat(length))).toBe(true);
      expect(ring.writer.write(KIND, length)).toBe(true);
      expect(native.ringFlush(30_000)).toBe(true);
    }
    const records = ring.read();
    expect(records).toHaveLength(2 * lengths.length);
    for (const [index, length] of lengths.entries()) {
      const [long, mark] = records.slice(2 * index);
      const text = long?.values[0] as string;
      expect(mark?.values).toEqual([length]);
      expect(long?.cut).toBe(length > (1 << 15) - 13 - 16);
      if (!long?.cut) expect(text.length).toBe(length);
      else expect(text.length).toBeGreaterThan(8000);
    }
    ring.writer.write(KIND, Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`key-${index}`, index])), 'after');
    const last = ring.read().at(-1);
    expect(last?.cut).toBe(true);
    expect(Object.keys(last?.values[0] as object).length).toBeGreaterThan(1000);
    expect(ring.dropped()).toEqual({ cut: 4 });
  });

  it('allocates nothing on the heap for flat records with known keys', async () => {
    const ring = await open({ sizeBytes: 1 << 22 });
    const { writer } = ring;
    writer.declare(['method', 'status', 'route', 'ok']);
    const fields = { method: 'GET', status: 200, route: '/users/:id', ok: true };
    const round = (count: number): number => {
      const before = process.memoryUsage().heapUsed;
      for (let index = 0; index < count; index++) writer.write(KIND, 30, 1.5, 'request completed', fields);
      return process.memoryUsage().heapUsed - before;
    };
    for (let warm = 0; warm < 20; warm++) round(2000);
    native.ringFlush(30_000);
    // Less than a byte per record: the two readings themselves allocate.
    const grown = Array.from({ length: 9 }, () => round(10_000)).sort((a, b) => a - b)[4] as number;
    expect(grown).toBeLessThan(10_000);
  });
});

describe('[W2] user code inside a record', () => {
  it('may write records itself, twice nested: each is whole, after the outer one', async () => {
    const ring = await open();
    const { writer } = ring;
    writer.write(KIND, 'before', { a: 1 });
    writer.write(KIND, 'outer', {
      x: 1,
      get user() {
        const inner = {
          inner: 42,
          get z() {
            writer.write(KIND, 'inner two', {});
            return 1;
          },
        };
        expect(writer.write(KIND, 'inner', inner)).toBe(true);
        return 'bob';
      },
      z: 3,
    });
    writer.write(KIND, 'after');
    const texts = ring.read().map(({ values }) => values);
    expect(texts[0]).toEqual(['before', { a: 1 }]);
    expect(texts[1]).toEqual(['outer', { x: 1, user: 'bob', z: 3 }]);
    expect(
      texts
        .slice(2, 4)
        .map(([text]) => text)
        .sort(),
    ).toEqual(['inner', 'inner two']);
    expect(texts.slice(2, 4)).toContainEqual(['inner', { inner: 42, z: 1 }]);
    expect(texts[4]).toEqual(['after']);
  });

  it('may throw anywhere: the value says so, the record and the next one are whole', async () => {
    const ring = await open();
    const bad = {
      x: 1,
      get user(): never {
        throw new Error('boom');
      },
      nested: { toJSON: () => JSON.parse('{') as unknown },
      list: [{ toJSON: () => Promise.reject }, new Proxy({}, { ownKeys: () => JSON.parse('{') as string[] })],
      get worse(): never {
        throw {
          toString() {
            throw new Error('again');
          },
        };
      },
      y: 2,
    };
    expect(ring.writer.write(KIND, bad)).toBe(true);
    expect(ring.writer.write(KIND, new Proxy({}, { ownKeys: () => JSON.parse('{') as string[] }))).toBe(false);
    expect(ring.writer.write(KIND, 'after')).toBe(true);
    const [first, second] = ring.read().map(({ values }) => values[0] as Record<string, unknown>);
    expect(first).toMatchObject({ x: 1, user: '[Throws: boom]', worse: '[Throws]', y: 2 });
    expect(first?.nested).toMatch(/^\[Throws: .*JSON/);
    expect(second).toBe('after');
    expect(ring.dropped()).toEqual({ failed: 1 });
  });

  it('may be ended by a vm time-out: that record is lost and counted, the next ones are whole', async () => {
    const ring = await open();
    const { writer } = ring;
    const context = createContext({ log: (fields: object) => writer.write(KIND, 'never', fields) });
    expect(() => runInContext('log({ get a() { for (;;); } })', context, { timeout: 20 })).toThrow('timed out');
    expect(writer.write(KIND, 'after the time-out')).toBe(true);
    await turn();
    writer.write(KIND, 'next turn');
    expect(ring.read().map(({ values }) => values[0])).toEqual(['after the time-out', 'next turn']);
    expect(ring.dropped()).toEqual({ abandoned: 1 });
  });

  it('may call without end: what is kept is bounded and counted', async () => {
    const ring = await open();
    const { writer } = ring;
    const greedy = {
      get a() {
        for (let index = 0; index < 1000; index++) writer.write(KIND, 'nested', index);
        return 1;
      },
    };
    writer.write(KIND, 'outer', greedy);
    const own: Record<string, unknown> = { name: 'own' };
    Object.defineProperty(own, 'self', { enumerable: true, get: () => writer.write(KIND, 'again', own) });
    writer.write(KIND, 'recursive', own);
    const records = ring.read();
    expect(records.filter(({ values }) => values[0] === 'nested')).toHaveLength(64);
    expect(records.filter(({ values }) => values[0] === 'recursive')).toHaveLength(1);
    expect(ring.dropped().nested).toBeGreaterThanOrEqual(1000 - 64);
  });

  it('may run out of stack: the writer is whole once the stack is', async () => {
    const ring = await open();
    const { writer } = ring;
    const dive = (): void => {
      try {
        writer.write(KIND, 'deep', { a: { b: { c: 1 } } });
      } catch {
        // Not even the call fitted.
      }
      dive();
    };
    expect(dive).toThrow(RangeError);
    await turn();
    expect(writer.write(KIND, 'after')).toBe(true);
    expect(ring.read().at(-1)?.values).toEqual(['after']);
  });
});

describe('[M2] a second copy of the writer over the same segment', () => {
  it('goes on where the first one stopped, also inside its record', async () => {
    const ring = await open({ sizeBytes: 4096 });
    const copy = new RingWriter(native, ring.attachment);
    const expected: unknown[] = [];
    for (let index = 0; index < 1000; index++) {
      (index % 2 ? copy : ring.writer).write(KIND, index, 'w'.repeat(index % 97));
      expected.push(index);
    }
    ring.writer.write(KIND, 'outer', {
      get a() {
        return copy.write(KIND, 'from the copy');
      },
    });
    await turn();
    const values = ring.read().map(({ values }) => values[0]);
    expect(values).toEqual([...expected, 'outer', 'from the copy']);
  });
});

describe('[W4] a full ring', () => {
  it('keeps every record in order when the writer outruns the collector, with block', async () => {
    const ring = await open({ sizeBytes: 1024, blockBudgetMs: 60_000 });
    for (let index = 0; index < 50_000; index++)
      if (!ring.writer.write(KIND, index, 'v'.repeat(index % 50))) throw new Error(`${index} dropped`);
    expect(ring.read().map(({ values }) => values[0])).toEqual(Array.from({ length: 50_000 }, (_, index) => index));
  });

  it.each(['drop-oldest', 'drop-newest'] as const)('counts each record that %s loses while a sink is stuck', async (onFull) => {
    // Two names of the device that is always full: a spool belongs to one ring.
    const spool = onFull === 'drop-oldest' ? '/dev/full' : '/dev/../dev/full';
    const ring = await open({ sizeBytes: 1024, onFull, spool });
    let kept = 0;
    for (let index = 0; index < 10_000; index++) if (ring.writer.write(KIND, index)) kept++;
    const dropped = ring.dropped();
    while (native.ringState(ring.attachment.ring).spoolError === undefined) await turn();
    expect(native.ringState(ring.attachment.ring).spoolError).toMatch(/space/);
    if (onFull === 'drop-newest') expect(dropped).toEqual({ newest: 10_000 - kept });
    else expect(dropped.oldest).toBeGreaterThan(9000);
  });
});

describe('opening', () => {
  it('refuses bad sizes, spools and spools of another ring with a code', async () => {
    const ring = await open();
    const good: RingOptions = { sizeBytes: 4096, onFull: 'block', signal: 'spool', spool: join(folder, 'good') };
    for (const bad of [{ sizeBytes: 100 }, { sizeBytes: 32 }, { spool: join(folder, 'no', 'folder') }, { spool: ring.spool }]) {
      const error = (() => {
        try {
          return openRing({ ...good, ...bad });
        } catch (error) {
          return error;
        }
      })();
      expect(KymoError.is(error) && error.code).toBe('KYMO_RING_OPEN');
    }
    const opened = openRing(good);
    opened.writer.write(KIND, 1);
    expect(opened.state().dropped).toEqual({});
    expect(statSync(good.spool).mode & 0o777).toBe(0o600);
  });
});
