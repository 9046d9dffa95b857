// Ids: how they are made, and the text forms of one number.
import { describe, expect, it } from 'vitest';
import { perThread } from '../../src/binding/per-thread.js';
import { activeContext, ROOT_CONTEXT, runInContext } from '../../src/context/context.js';
import { getCurrentTraceId, setTraceId } from '../../src/context/current.js';
import {
  convertSpanId,
  convertTraceId,
  IdFormat,
  newSpanId,
  newTraceId,
  readSpanId,
  readTraceId,
  spanIdText,
  traceIdText,
} from '../../src/context/id-text.js';
import { newTraceWords, nextSpanNumber, randomWord, SPAN_NUMBERS, spanHigh, spanLow } from '../../src/context/ids.js';

const FORMATS = Object.values(IdFormat);
const WORDS = { t0: 0x0af76519, t1: 0x16cd43dd, t2: 0x8448eb21 | 0, t3: 0x1c80319c };
const HEX = '0af7651916cd43dd8448eb211c80319c';

/** The thread's generator, whose counters are moved to where something happens. */
const state = perThread<{ next: number; nextNarrow: number; left: number }>('context.ids', () => {
  throw new Error('not made yet');
});

describe('the generator', () => {
  it('draws words of which each bit is set half of the time', () => {
    const set = new Array<number>(32).fill(0);
    const draws = 20_000;
    for (let draw = 0; draw < draws; draw++) {
      const word = randomWord();
      for (let bit = 0; bit < 32; bit++) set[bit] = (set[bit] as number) + ((word >>> bit) & 1);
    }
    for (const count of set) expect(Math.abs(count / draws - 0.5)).toBeLessThan(0.03);
  });

  it('goes on with another seed when it has drawn its share', () => {
    state.left = 1;
    const words = new Set(Array.from({ length: 1_000 }, randomWord));
    expect(words.size).toBeGreaterThan(990);
    expect(state.left).toBeGreaterThan(1_000_000);
  });

  it('makes trace ids that never come twice and are never zero [V-31]', () => {
    const ids = new Set<string>();
    for (let made = 0; made < 50_000; made++) ids.add(newTraceId());
    expect(ids.size).toBe(50_000);
    const words = { t0: 0, t1: 0, t2: 0, t3: 0 };
    newTraceWords(words);
    expect(words.t0 | words.t1 | words.t2 | words.t3).not.toBe(0);
  });

  it('makes span ids that differ and are never zero, also where the keys change [V-32]', () => {
    for (const [counter, narrow, first] of [
      ['next', false, 1],
      ['next', false, (1 << 27) - 500],
      ['next', false, 6 * 2 ** 27 - 500],
      ['nextNarrow', true, 6 * 2 ** 27],
      ['nextNarrow', true, SPAN_NUMBERS - 500],
    ] as const) {
      state[counter] = first;
      const ids = new Set<string>();
      for (let made = 0; made < 1_000; made++) {
        const number = nextSpanNumber(narrow);
        expect(number > 0 && number < SPAN_NUMBERS).toBe(true);
        expect(spanHigh(number) | spanLow(number)).not.toBe(0);
        expect(spanLow(number)).not.toBe(0);
        if (narrow) expect(spanHigh(number) >>> 16).toBe(0);
        ids.add(spanIdText(spanHigh(number), spanLow(number)));
      }
      expect(ids.size).toBe(1_000);
    }
    expect(newSpanId()).toMatch(/^[0-9a-f]{16}$/);
    expect(newSpanId()).not.toBe(newSpanId());
  });

  it('gives a number the same id for as long as its keys last', () => {
    state.next = 1_000;
    const number = nextSpanNumber();
    const id = [spanHigh(number), spanLow(number)];
    for (let made = 0; made < 1_000; made++) nextSpanNumber();
    expect([spanHigh(number), spanLow(number)]).toEqual(id);
  });
});

describe('text forms of a trace id', () => {
  it.each([
    ['hex', HEX],
    ['ulid', '0AYXJHJ5PD8FER8J7B44E80CCW'],
    ['uuid', '0af76519-16cd-43dd-8448-eb211c80319c'],
    ['prefixed', `trace-${HEX}`],
  ] as const)('are those of one number: as %s it is %s', (format, text) => {
    expect(traceIdText(WORDS, format)).toBe(text);
    const read = { t0: 0, t1: 0, t2: 0, t3: 0 };
    expect(readTraceId(text, read)).toBe(true);
    expect(read).toEqual(WORDS);
  });

  it('turn into one another without loss', () => {
    const ids = [...FORMATS.map((format) => newTraceId(format)), 'f'.repeat(32), `${'0'.repeat(31)}1`, `8${'0'.repeat(31)}`];
    for (const id of ids) {
      const hex = convertTraceId(id, 'hex') as string;
      expect(hex).toMatch(/^[0-9a-f]{32}$/);
      for (const format of FORMATS) expect(convertTraceId(convertTraceId(id, format) as string, 'hex')).toBe(hex);
    }
    for (const format of FORMATS) {
      const id = newTraceId(format);
      expect(convertTraceId(id, format)).toBe(id);
    }
  });

  it('of fresh ids are as each says, and low 56 bits are random in all of them [C-24 V-31]', () => {
    expect(newTraceId()).toMatch(/^[0-9a-f]{32}$/);
    expect(newTraceId('ulid')).toMatch(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
    expect(newTraceId('uuid')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(newTraceId('prefixed')).toMatch(/^trace-[0-9a-f]{16}$/);
    for (const format of FORMATS) {
      const lows = new Set(Array.from({ length: 500 }, () => (convertTraceId(newTraceId(format), 'hex') as string).slice(18)));
      expect(lows.size).toBe(500);
      expect(newTraceId(format)).not.toBe(newTraceId(format));
    }
  });

  it('sort as ULIDs by the time of their creation, also within a millisecond, and begin with it [H-63]', async () => {
    const before = Date.now();
    const ids = Array.from({ length: 20_000 }, () => newTraceId('ulid'));
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
    await new Promise((done) => setTimeout(done, 5));
    const later = newTraceId('ulid');
    expect(later > (ids.at(-1) as string)).toBe(true);
    const ms = Number.parseInt((convertTraceId(later, 'hex') as string).slice(0, 12), 16);
    expect(ms).toBeGreaterThanOrEqual(before);
    expect(ms).toBeLessThanOrEqual(Date.now() + 1);
    expect(later.slice(0, 10)).toBe(
      traceIdText({ t0: Math.floor(ms / 0x1_0000), t1: (ms % 0x1_0000) << 16, t2: 0, t3: 0 }, 'ulid').slice(0, 10),
    );
  });

  it('ascend when the counter of a millisecond is used up, and when the clock goes back [H-63]', () => {
    const ulid = perThread<{ ms: number; counter: number }>('context.ulid', () => ({ ms: 0, counter: 0 }));
    const first = newTraceId('ulid');
    ulid.ms = Date.now() + 60_000;
    ulid.counter = 0xff_fffe;
    const ids = [first, newTraceId('ulid'), newTraceId('ulid'), newTraceId('ulid')];
    expect([...ids].sort()).toEqual(ids);
    ulid.ms = 0;
  });

  it('are read in either case, and as Crockford reads them', () => {
    for (const text of [HEX.toUpperCase(), '0ayxjhj5pd8fer8j7b44e80ccw', 'OAYXJHJ5PD8FER8J7B44E80CCW', HEX.slice(16)]) {
      expect(convertTraceId(text, 'hex')).toBe(text.length === 16 ? `${'0'.repeat(16)}${text}` : HEX);
    }
  });

  it.each([
    '',
    'x',
    '0'.repeat(32),
    '0'.repeat(26),
    'trace-0000000000000000',
    `${HEX}0`,
    HEX.slice(1),
    `g${HEX.slice(1)}`,
    '8ZZZZZZZZZZZZZZZZZZZZZZZZZ',
    'U0000000000000000000000000',
    '0af76519-16cd43dd-8448-eb21-1c80319c',
    '0af7651916cd-43dd-8448-eb21-1c80319c',
    'trace-',
    'trace-0af7651916cd43d',
    'span-0af7651916cd43dd',
    ` ${HEX}`,
    'a'.repeat(1_000_000),
  ])('are not made of other text (case %#)', (text) => {
    const words = { ...WORDS };
    expect(readTraceId(text, words)).toBe(false);
    expect(words).toEqual(WORDS);
    expect(convertTraceId(text, 'ulid')).toBeUndefined();
  });
});

describe('text forms of a span id', () => {
  it.each([
    ['hex', '00f067aa0ba902b7'],
    ['ulid', '00f067aa0ba902b7'],
    ['uuid', '00000000-0000-0000-00f0-67aa0ba902b7'],
    ['prefixed', 'span-00f067aa0ba902b7'],
  ] as const)('as %s it is %s', (format, text) => {
    expect(spanIdText(0x00f067aa, 0x0ba902b7, format)).toBe(text);
    expect(convertSpanId(text, 'hex')).toBe('00f067aa0ba902b7');
  });

  it('with a prefix are 12 digits where they were made so, and lose nothing', () => {
    const id = newSpanId('prefixed');
    expect(id).toMatch(/^span-[0-9a-f]{12}$/);
    const hex = convertSpanId(id, 'hex') as string;
    expect(hex).toBe(`0000${id.slice(5)}`);
    expect(convertSpanId(hex, 'prefixed')).toBe(id);
    expect(convertSpanId(newSpanId(), 'prefixed')).toMatch(/^span-[0-9a-f]{12,16}$/);
  });

  it.each([
    '',
    '0'.repeat(16),
    'span-000000000000',
    '00f067aa0ba902b',
    '00f067aa0ba902b70',
    '0af76519-16cd-43dd-8448-eb211c80319c',
    HEX,
    'f067aa0ba902',
  ])('are not made of other text: %s', (text) => {
    expect(readSpanId(text, { ...WORDS })).toBe(false);
    expect(convertSpanId(text, 'hex')).toBeUndefined();
  });
});

describe('the current trace id', () => {
  it('is the one that was set, until it is cleared [C-22 C-23]', () => {
    runInContext(ROOT_CONTEXT, () => {
      expect(getCurrentTraceId()).toBeUndefined();
      const id = newTraceId();
      setTraceId(id);
      expect(getCurrentTraceId()).toBe(id);
      expect(getCurrentTraceId('ulid')).toBe(convertTraceId(id, 'ulid'));
      setTraceId(convertTraceId(id, 'uuid'));
      expect(getCurrentTraceId()).toBe(id);
      for (const clear of [(): void => setTraceId(), (): void => setTraceId(null), (): void => setTraceId('')]) {
        setTraceId(id);
        clear();
        expect(getCurrentTraceId()).toBeUndefined();
      }
    });
    expect(activeContext()).toBe(ROOT_CONTEXT);
  });

  it('may be text in a form of its own, beside which there is an id for the wire [C-22 C-23]', () => {
    runInContext(ROOT_CONTEXT, () => {
      setTraceId('order 42');
      expect(getCurrentTraceId()).toBe('order 42');
      expect(getCurrentTraceId('hex')).toMatch(/^[0-9a-f]{32}$/);
      setTraceId('x'.repeat(500));
      expect(getCurrentTraceId()).toHaveLength(128);
    });
  });
});
