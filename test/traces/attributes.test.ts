// Attributes: limits, what values become, and values that fight back.
import { describe, expect, it } from 'vitest';
import { cutText } from '../../src/traces/attributes.js';
import { resolveLimits, type SpanLimits } from '../../src/traces/limits.js';
import { TracerProvider } from '../../src/traces/provider.js';
import type { Span } from '../../src/traces/span.js';
import { recordedSpans } from './recorded.js';

const started = (limits: Partial<SpanLimits> = {}): Span => new TracerProvider({ limits }).getTracer().startSpan('x');
/** What an attribute of this value is kept as. */
const kept = (value: unknown, limits: Partial<SpanLimits> = {}): unknown => started(limits).setAttribute('a', value).getAttribute('a');

describe('limits', () => {
  it('are those of the specification by default', () => {
    expect(resolveLimits()).toMatchObject({
      maxAttributes: 128,
      maxAttributeDepth: 64,
      maxEvents: 128,
      maxLinks: 128,
      maxAttributesPerEvent: 128,
      maxAttributesPerLink: 128,
    });
  });

  it('of attributes drop and count new keys and let known ones be changed [L-204]', () => {
    const span = started({ maxAttributes: 2 })
      .setAttributes({ a: 1, b: 2 })
      .setAttribute('c', 3)
      .setAttribute('a', 4)
      .setAttribute('d', [5]);
    expect([span.attributes, span.droppedAttributes]).toEqual([{ a: 4, b: 2 }, 2]);
    const all = started();
    for (let index = 0; index < 200; index++) all.setAttribute(`key${index}`, index);
    for (let index = 0; index < 200; index++) all.setAttribute(`key${index}`, -index);
    expect([Object.keys(all.attributes).length, all.droppedAttributes, all.getAttribute('key127')]).toEqual([128, 2 * 72, -127]);
  });

  it('of events and links drop the later ones and count them [L-205 L-206]', () => {
    const span = started({ maxEvents: 1, maxLinks: 1 });
    span.addEvent('first');
    expect(span.addEvent('second').name).toBe('second');
    const targets = [started(), started(), started()];
    span.addLinks(targets);
    expect([span.events.map(({ name }) => name), span.droppedEvents]).toEqual([['first'], 1]);
    expect([span.links.map(({ spanId }) => spanId), span.droppedLinks]).toEqual([[targets[0]?.spanId], 2]);
  });

  it('of the attributes of an event and a link count by themselves', () => {
    const span = started({ maxAttributesPerEvent: 1, maxAttributesPerLink: 0 });
    const event = span.addEvent('e', { a: 1, b: 2 });
    expect([event.attributes, event.dropped]).toEqual([{ a: 1 }, 1]);
    span.addLink({ context: started(), attributes: { a: 1 } });
    expect(span.links[0]).toMatchObject({ attributes: {}, dropped: 1 });
  });

  it('may be zero', () => {
    const span = started({ maxAttributes: 0, maxEvents: 0, maxLinks: 0 }).setAttribute('a', 1).setAttribute('b', {}).addLink(started());
    span.addEvent('e');
    expect([span.attributes, span.events, span.links]).toEqual([{}, [], []]);
    expect([span.droppedAttributes, span.droppedEvents, span.droppedLinks]).toEqual([2, 1, 1]);
    expect(kept('text', { maxAttributeLength: 0 })).toBe('');
    expect(kept([1], { maxAttributeDepth: 0 })).toBe('[Array]');
  });

  it.each([
    ['maxAttributes', -1],
    ['maxAttributes', 65_536],
    ['maxEvents', 1.5],
    ['maxLinks', Number.NaN],
    ['maxAttributeLength', '5'],
    ['maxAttributeDepth', 257],
  ])('refuse %s = %s when the provider is made', (name, value) => {
    expect(() => new TracerProvider({ limits: { [name]: value } })).toThrow(`KYMO_CONFIG_VALUE: limits.${name} is ${value}`);
  });

  it('take the last values that are allowed, and Infinity for the most', () => {
    expect(resolveLimits({ maxAttributes: 65_535, maxAttributeDepth: 256, maxEvents: Number.POSITIVE_INFINITY })).toMatchObject({
      maxAttributes: 65_535,
      maxAttributeDepth: 256,
      maxEvents: 65_535,
    });
    expect(kept('x'.repeat(100_000), { maxAttributeLength: Number.POSITIVE_INFINITY })).toHaveLength(100_000);
  });
});

describe('the length of text', () => {
  it('counts characters and splits none', () => {
    expect(cutText('a😀b', 1)).toBe('a');
    expect(cutText('a😀b', 2)).toBe('a😀');
    expect(cutText('a😀b', 3)).toBe('a😀b');
    expect(cutText('😀😀', 0)).toBe('');
    expect(cutText('\ud83d\ud83d', 1)).toBe('\ud83d');
    expect(kept('😀'.repeat(10), { maxAttributeLength: 4 })).toBe('😀'.repeat(4));
    expect(kept('é'.repeat(4), { maxAttributeLength: 4 })).toBe('é'.repeat(4));
  });

  it('holds for each text of an array or object on its own, at any depth', () => {
    expect(kept(['abc', { deep: ['abcd'] }, 5], { maxAttributeLength: 2 })).toEqual(['ab', { deep: ['ab'] }, 5]);
  });
});

describe('values', () => {
  it.each([
    ['text', 'a', 'a'],
    ['empty text', '', ''],
    ['numbers', -0.5, -0.5],
    ['what is no finite number', Number.NaN, Number.NaN],
    ['booleans', false, false],
    ['bigints of 64 bits', 2n ** 63n - 1n, 2n ** 63n - 1n],
    ['larger bigints as digits', 2n ** 63n, '9223372036854775808'],
    ['arrays', [1, 'a', null, [true]], [1, 'a', null, [true]]],
    ['objects', { a: { b: [1] }, c: undefined }, { a: { b: [1] } }],
    ['dates as ISO text', new Date(0), '1970-01-01T00:00:00.000Z'],
    ['bytes as base64', new Uint8Array([1, 2, 3]), 'AQID'],
    ['errors as a line', new TypeError('bad'), 'TypeError: bad'],
    ['maps', new Map([['a', new Map([[1, 2]])]]), { a: { '1': 2 } }],
    ['sets', new Set([1, 2]), [1, 2]],
    ['what has toJSON', { toJSON: () => ({ a: 1 }) }, { a: 1 }],
    ['urls', new URL('http://x/y'), 'http://x/y'],
  ])('%s are kept', (_, given, expected) => {
    expect(kept(given)).toEqual(expected);
  });

  it('are copies, made when they are set', () => {
    const given = { list: [1] };
    const span = started().setAttribute('a', given);
    given.list.push(2);
    expect(span.getAttribute('a')).toEqual({ list: [1] });
  });

  it('functions and symbols are dropped and counted, inside others left out', () => {
    const span = started()
      .setAttribute('f', () => 1)
      .setAttribute('s', Symbol('s'))
      .setAttribute('', 1)
      .setAttribute(5 as never, 1)
      .setAttribute('k'.repeat(5_000), 1)
      .setAttribute('o', { f: () => 1, n: 1, list: [() => 1] });
    expect([span.attributes, span.droppedAttributes]).toEqual([{ o: { n: 1, list: [null] } }, 5]);
  });

  it('keys of any name are only keys', () => {
    const hostile = JSON.parse('{"__proto__": {"polluted": 1}, "constructor": 2}');
    const span = started().setAttributes(hostile).setAttribute('deep', hostile);
    expect(Object.keys(span.attributes).sort()).toEqual(['__proto__', 'constructor', 'deep']);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
    expect(Object.getPrototypeOf(span.attributes)).toBe(Object.prototype);
  });
});

describe('hostile values', () => {
  it('cycles end, and what stands twice is there twice', () => {
    const shared = { n: 1 };
    const cyclic: Record<string, unknown> = { shared, again: shared };
    cyclic.self = cyclic;
    expect(kept(cyclic)).toEqual({ shared: { n: 1 }, again: { n: 1 }, self: '[Circular]' });
    const list: unknown[] = [];
    list.push(list);
    expect(kept(list)).toEqual(['[Circular]']);
  });

  it('depth ends', () => {
    let deep: unknown = 'bottom';
    for (let depth = 0; depth < 1_000; depth++) deep = { deep };
    let shown = kept(deep);
    let levels = 0;
    while (typeof shown === 'object') {
      shown = (shown as { deep: unknown }).deep;
      levels++;
    }
    expect([levels, shown]).toEqual([64, '[Object]']);
  });

  it('width ends', () => {
    const wide = kept(Array.from({ length: 100_000 }, (_, index) => index)) as unknown[];
    expect([wide.length, wide.at(-1)]).toEqual([65_537, '[Truncated]']);
    const endless = {
      *[Symbol.iterator]() {
        for (;;) yield 1;
      },
    };
    expect((kept(new Set([endless])) as unknown[]).length).toBe(1);
  });

  it('getters that throw become a word', () => {
    const bad = {
      get a(): never {
        throw new Error('no a');
      },
      b: 1,
    };
    expect(kept(bad)).toEqual({ a: '[Throws: no a]', b: 1 });
    expect(started().setAttributes(bad).attributes).toEqual({ a: '[Throws: no a]', b: 1 });
    const throwing = {
      toJSON() {
        throw { toString: undefined };
      },
    };
    expect(kept(throwing)).toBe('[Throws]');
  });

  it('proxies that throw are counted or become a word', () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(kept(proxy)).toMatch(/^\[Throws/);
    const span = started().setAttributes(proxy);
    expect([span.attributes, span.droppedAttributes]).toEqual([{}, 1]);
    for (const odd of [null, undefined, 5, 'text', () => 1]) started().setAttributes(odd as never);
  });

  it('a getter that ends the span, or sets attributes itself, does no harm', () => {
    const span = started();
    span.setAttribute('a', {
      get b() {
        span.setAttribute('inner', 1);
        span.end();
        return 2;
      },
    });
    expect([span.hasEnded, span.attributes]).toEqual([true, { inner: 1 }]);
  });

  it('a megabyte is recorded, or cut and counted, and the next span is whole', () => {
    const provider = new TracerProvider();
    const tracer = provider.getTracer();
    tracer.startSpan('big', { attributes: { text: 'x'.repeat(1 << 20), wide: '\u4e2d'.repeat(1 << 19) } }).end();
    tracer.startSpan('next', { attributes: { a: 1 } }).end();
    const spans = recordedSpans(provider);
    expect(spans.find(({ name }) => name === 'next')?.attributes).toEqual({ a: 1 });
    const { text } = spans.find(({ name }) => name === 'big')?.attributes ?? {};
    expect(String(text).length).toBeGreaterThan(100);
  });

  it('a hundred thousand open spans are memory of their own, and all are recorded or counted when they end', () => {
    const provider = new TracerProvider();
    const tracer = provider.getTracer();
    const spans = Array.from({ length: 100_000 }, () => tracer.startSpan('open', { attributes: { a: 1 } }));
    expect(provider.openSpans()).toEqual([]);
    expect(spans.every((span) => span.isRecording())).toBe(true);
    for (const span of spans) span.end();
    expect(tracer.startSpan('after').isRecording()).toBe(true);
  });
});
