// Labels: which values are one series, which are refused, and that nothing can be mistaken for anything else.
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { MetricsRegistry } from '../../src/index.js';
import { DIST } from '../recorder/processes.js';
import { dropsOf, scrape } from './scrape.js';

function counted<const N extends string>(...labelNames: N[]) {
  const registry = new MetricsRegistry();
  const counter = registry.counter({ name: 'c_total', help: 'c', labelNames });
  return { registry, counter, read: () => scrape(registry) };
}

/** Runs a module in a process with these flags; what it says as JSON. */
function child<T>(flags: readonly string[], script: string): T {
  const code = `const { MetricsRegistry, metrics } = await import('${DIST}index.js');\n${script}`;
  const { stdout, stderr, status } = spawnSync(process.execPath, [...flags, '--input-type=module', '-e', code], {
    encoding: 'utf8',
    env: { ...process.env, KYMO_MEMORY: 'anonymous' },
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as T;
}

describe('label values', () => {
  it('that imitate separators stay apart', () => {
    const { counter, read } = counted('a', 'b');
    const pairs = [
      ['x|', 'y'],
      ['x', '|y'],
      ['1,b="2', '3'],
      ['1', '2",b="3'],
      ['x\\', 'y'],
      ['x', '\\y'],
      ['x"', 'y'],
      ['x\n', 'y'],
      ['x\0', 'y'],
      ['', 'xy'],
      ['xy', ''],
    ] as const;
    for (const [at, [a, b]] of pairs.entries()) for (let n = 0; n <= at; n++) counter.inc({ a, b });
    expect(Object.values(read())).toEqual(pairs.map((_, at) => at + 1));
    for (const [at, [a, b]] of pairs.entries()) {
      expect(counter.remove(a, b), `${a} ${b}`).toBe(true);
      expect(Object.values(read())).toEqual(pairs.slice(at + 1).map((_, n) => at + n + 2));
    }
  });

  it('are taken when the call is made: a reused and mutated object does no harm', () => {
    const { counter, read } = counted('a');
    const labels = { a: '1' };
    counter.inc(labels);
    const bound = counter.labels(labels);
    labels.a = '2';
    counter.inc(labels);
    bound.inc(10);
    expect(read()).toEqual({ 'c_total{a="1"}': 11, 'c_total{a="2"}': 1 });
  });

  it('that are numbers, booleans or bigints are the series of their text', () => {
    const { counter, read } = counted('a');
    for (const round of [1, 2]) {
      for (const value of [200, '200', 200n, 0, -0, '0', 0n, true, 'true', Number.NaN, 'NaN', 1e21, '1e+21', -5n, '-5', Infinity]) {
        counter.inc({ a: value });
      }
      expect(read()).toEqual({
        'c_total{a="200"}': 3 * round,
        'c_total{a="0"}': 4 * round,
        'c_total{a="true"}': 2 * round,
        'c_total{a="NaN"}': 2 * round,
        'c_total{a="1e+21"}': 2 * round,
        'c_total{a="-5"}': 2 * round,
        'c_total{a="Infinity"}': round,
      });
    }
    expect(counter.labels(200)).toBe(counter.labels('200'));
  });

  it('are removed in all their spellings, and look-alikes stay', () => {
    const { counter, read } = counted('a');
    for (const value of [7, '7', 7n, '07', '+7', '-0', 0n, '0']) counter.inc({ a: value });
    expect(counter.remove(7n)).toBe(true);
    counter.inc({ a: 'new' }, 0);
    for (const value of [7, '7', 7n]) counter.inc({ a: value });
    expect(counter.remove('-0')).toBe(true);
    counter.inc({ a: 0n });
    expect(read()).toEqual({
      'c_total{a="7"}': 3,
      'c_total{a="07"}': 1,
      'c_total{a="+7"}': 1,
      'c_total{a="0"}': 3,
      'c_total{a="new"}': 0,
    });
  });

  it('are taken once per call: a getter that answers otherwise each time makes one series, and a proxy no more', () => {
    const { counter, read } = counted('a');
    let asked = 0;
    const labels = {
      get a() {
        return `answer ${asked++}`;
      },
    };
    counter.inc(labels);
    expect(Object.values(read())).toEqual([1]);
    const refusing = new Proxy(
      { a: 'x' },
      {
        ownKeys: () => {
          throw new Error('no keys');
        },
      },
    );
    expect(() => counter.inc(refusing)).toThrow('no keys');
    counter.inc({ a: 'x' });
    counter.inc(refusing);
    expect(counter.getValue({ a: 'x' })).toBe(2);
  });

  it('that are objects are written as their text, and counted as drops when that throws', () => {
    const { counter, read } = counted('a');
    counter.inc({ a: { toString: () => 'x' } as never });
    counter.inc({ a: Symbol('s') as never });
    counter.inc({ a: ['q"} 1\nevil 1'] as never });
    const refused = {
      toString() {
        throw new Error('no text');
      },
    };
    const drops = dropsOf(() => {
      counter.inc({ a: refused as never });
      counter.inc({ a: Object.create(null) as never });
    });
    expect(drops).toEqual({ label_value: 2 });
    expect(counter.remove({ a: refused as never })).toBe(false);
    expect(read()).toEqual({ 'c_total{a="x"}': 1, 'c_total{a="Symbol(s)"}': 1, 'c_total{a="q\\"} 1\\nevil 1"}': 1 });
  });

  it.each(['\ud800', 'a long enough value \udfff'])(
    'with a lone surrogate are removed under either spelling, and no other series is written (%j)',
    (value) => {
      const shown = value.toWellFormed();
      for (const [removed, kept] of [
        [value, shown],
        [shown, value],
      ] as const) {
        const { counter, read } = counted('a');
        counter.inc({ a: value });
        counter.inc({ a: shown });
        expect(counter.remove(removed)).toBe(true);
        for (let n = 0; n < 3; n++) counter.inc({ a: `other ${n}` }, 0);
        counter.inc({ a: kept }, 5);
        expect(read()).toEqual({
          'c_total{a="other 0"}': 0,
          'c_total{a="other 1"}': 0,
          'c_total{a="other 2"}': 0,
          [`c_total{a="${shown}"}`]: 5,
        });
      }
    },
  );

  it.each(['\ud800', 'a long enough value \udfff'])(
    'with a lone surrogate are the series of U+FFFD, which they look like (%j)',
    (value) => {
      const { counter, read } = counted('a');
      const shown = value.toWellFormed();
      const series = `c_total{a="${shown}"}`;
      counter.inc({ a: value });
      counter.inc({ a: value });
      counter.inc({ a: shown });
      expect(read()).toEqual({ [series]: 3 });
      expect(counter.labels(value)).toBe(counter.labels(shown));
      expect(counter.remove(value)).toBe(true);
      counter.inc({ a: 'other' });
      counter.inc({ a: shown }, 5);
      counter.inc({ a: value }, 5);
      expect(read()).toEqual({ 'c_total{a="other"}': 1, [series]: 10 });
    },
  );

  it('may be empty, which is not the same as any other value', () => {
    const { counter, read } = counted('a', 'b');
    counter.inc({ a: '', b: '' });
    counter.inc({ a: '', b: ' ' });
    expect(read()).toEqual({ 'c_total{a="",b=""}': 1, 'c_total{a="",b=" "}': 1 });
  });

  it('of 16,384 bytes are taken, and one byte more is a counted drop', () => {
    const { registry, counter } = counted('a');
    for (const fits of ['x'.repeat(16_384), 'é'.repeat(8_192)]) expect(dropsOf(() => counter.inc({ a: fits }))).toEqual({});
    expect(dropsOf(() => counter.inc({ a: 'x'.repeat(16_385) }))).toEqual({ label_too_long: 1 });
    expect(dropsOf(() => counter.inc({ a: `${'é'.repeat(8_192)}x` }))).toEqual({ label_too_long: 1 });
    expect(dropsOf(() => counter.labels('x'.repeat(16_385)).inc())).toEqual({ label_too_long: 1 });
    const gauge = registry.gauge({ name: 'g', help: 'g', labelNames: ['a'] });
    expect(dropsOf(() => gauge.set({ a: 'x'.repeat(16_385) }, 1))).toEqual({ label_too_long: 1 });
    expect(dropsOf(() => gauge.labels('x'.repeat(16_385)).set(1))).toEqual({ label_too_long: 1 });
    const histogram = registry.histogram({ name: 'h', help: 'h', labelNames: ['a'] });
    expect(dropsOf(() => histogram.observe({ a: 'x'.repeat(16_385) }, 1))).toEqual({ label_too_long: 1 });
    expect(counter.remove('x'.repeat(16_385))).toBe(false);
    expect(Object.keys(scrape(registry))).toHaveLength(2);
  });

  it('are not kept alive as slices of the string that they were cut from', () => {
    const grown = child<number[]>(
      ['--expose-gc'],
      `const counter = metrics.counter({ name: 'c_total', help: 'c', labelNames: ['a'] });
       const gauge = metrics.gauge({ name: 'g', help: 'g', labelNames: ['a'] });
       const cut = (n) => ('x'.repeat(20_000) + String(n).padStart(8, '0')).split('').join('').slice(20_000 - 20);
       const grown = (use) => { gc(); const before = process.memoryUsage().heapUsed; for (let n = 0; n < 1000; n++) use(cut(n)); gc(); return process.memoryUsage().heapUsed - before; };
       console.log(JSON.stringify([grown((a) => counter.inc({ a })), grown((a) => gauge.labels(a).set(1))]));`,
    );
    // 1,000 parents are 20 MB.
    for (const bytes of grown) expect(bytes).toBeLessThan(2_000_000);
  });
});

describe('label names', () => {
  it.each(['constructor', 'toString', 'hasOwnProperty', 'valueOf', 'isPrototypeOf'])(
    'may be %s, and inherited values do not count',
    (name) => {
      const { counter, read } = counted(name);
      const none = `KYMO_METRICS_LABELS: labels of c_total do not fit its declaration (${name}): "${name}" is undefined`;
      expect(() => counter.inc({} as never)).toThrow(none);
      counter.inc({ [name]: 'x' } as never);
      expect(() => counter.inc({} as never)).toThrow(none);
      expect(() => counter.inc(Object.create({ [name]: 'x' }))).toThrow(none);
      counter.inc(Object.assign(Object.create(null), { [name]: 'x' }));
      counter.inc({ [name]: 'x' } as never);
      expect(read()).toEqual({ [`c_total{${name}="x"}`]: 3 });
    },
  );

  it('that are words of the language are names like any other', () => {
    const { counter, read } = counted('class', 'default', 'new');
    for (let n = 0; n < 3; n++) counter.inc({ class: 'a', default: 'b', new: 'c' });
    expect(read()).toEqual({ 'c_total{class="a",default="b",new="c"}': 3 });
  });

  it('may hold any characters, which change nothing but how they are shown (rule 19)', () => {
    const names = ['http.route', "it's", '"', 'c\\', 'd\n', 'e,f', '\u2028', 'x`y`', 'z] || 1', 'ü'];
    for (const name of names) {
      const { counter } = counted(name, 'plain');
      for (let n = 0; n < 3; n++) counter.inc({ [name]: 'x', plain: n % 2 } as never);
      counter.labels('x', 1).inc();
      expect([0, 1].map((plain) => counter.getValue({ [name]: 'x', plain } as never))).toEqual([2, 2]);
      expect(counter.removeMatching({ [name]: 'x', plain: 1 } as never)).toBe(1);
      expect(counter.getCount()).toBe(2);
      expect(() => counter.inc({ plain: 1 } as never)).toThrow(expect.objectContaining({ code: 'KYMO_METRICS_LABELS' }));
    }
  });

  it('that look alike once joined stay apart', () => {
    const { counter: joined } = counted('a,b');
    const { counter: apart } = counted('a', 'b');
    for (let n = 0; n < 3; n++) {
      joined.inc({ 'a,b': 'x' });
      apart.inc({ a: 'x', b: 'y' });
    }
    expect([joined.getValue({ 'a,b': 'x' }), apart.getValue({ a: 'x', b: 'y' })]).toEqual([3, 3]);
  });

  it('that were not declared are an error, __proto__ from parsed JSON and numbers of an array included', () => {
    const { counter, read } = counted('a');
    for (const labels of [{ a: '1', b: '2' }, { b: '2' }, JSON.parse('{"a":"1","__proto__":"2"}'), ['1'], { A: '1' }]) {
      expect(() => counter.inc(labels)).toThrow(expect.objectContaining({ code: 'KYMO_METRICS_LABELS' }));
      expect(() => counter.labels(labels)).toThrow(expect.objectContaining({ code: 'KYMO_METRICS_LABELS' }));
      expect(() => counter.remove(labels)).toThrow(expect.objectContaining({ code: 'KYMO_METRICS_LABELS' }));
    }
    expect(({} as Record<string, unknown>)['2']).toBeUndefined();
    expect(read()).toEqual({});
  });

  it('need as many values as were declared', () => {
    const { registry, counter, read } = counted('a', 'b');
    const coded = expect.objectContaining({ code: 'KYMO_METRICS_LABELS' });
    expect(() => counter.inc()).toThrow(coded);
    expect(() => counter.labels()).toThrow(coded);
    expect(() => counter.labels('1')).toThrow(coded);
    expect(() => counter.labels('1', '2', '3')).toThrow(coded);
    expect(() => registry.counter({ name: 'plain_total', help: 'p' }).inc({ a: '1' } as never)).toThrow(coded);
    expect(read()).toEqual({ plain_total: 0 });
  });

  it.each([undefined, null])('with %s are an error by default, and the empty text when missing labels are declared empty', (value) => {
    const { registry, counter } = counted('a', 'b');
    const coded = expect.objectContaining({ code: 'KYMO_METRICS_LABELS' });
    expect(() => counter.inc({ a: '1', b: value })).toThrow(coded);
    expect(() => counter.inc({ a: '1' } as never)).toThrow(coded);
    expect(() => counter.labels('1', value as never)).toThrow(coded);
    const lenient = registry.counter({ name: 'l_total', help: 'l', labelNames: ['a', 'b'], missingLabels: 'empty' });
    for (let n = 0; n < 2; n++) {
      lenient.inc({ a: '1', b: value });
      lenient.inc({ a: '1' } as never);
      lenient.inc({ a: '1', b: '' });
      lenient.labels('1', value as never).inc();
    }
    expect(() => lenient.labels('1')).toThrow(coded);
    expect(scrape(registry)).toEqual({ 'l_total{a="1",b=""}': 8 });
    expect(lenient.remove({ a: '1' } as never)).toBe(true);
  });
});

/** Counts in every combination of `sizes` values per label, thrice and in several spellings, and compares with plain objects. */
function everyCombination(Registry: typeof MetricsRegistry, sizes: readonly number[]): string[] {
  const registry = new Registry();
  const labelNames = sizes.map((_, at) => `l${at}`);
  const counter = registry.counter({ name: 'c_total', help: 'c', labelNames });
  const total = sizes.reduce((a, b) => a * b, 1);
  const expected: Record<string, number> = {};
  for (let round = 0; round < 3; round++) {
    for (let n = 0; n < total; n++) {
      let rest = n;
      const values = sizes.map((size) => {
        const value = rest % size;
        rest = Math.floor(rest / size);
        return value;
      });
      const spelled = values.map((value, at) => ((n + round + at) % 3 === 0 ? value : String(value)));
      if (round === 1) counter.labels(...spelled).inc(n);
      else counter.inc(Object.fromEntries(labelNames.map((name, at) => [name, spelled[at]])), n);
      const key = `c_total{${labelNames.map((name, at) => `${name}="${values[at]}"`).join(',')}}`;
      expected[key] = (expected[key] ?? 0) + n;
    }
  }
  const shown = registry.snapshot().counters;
  return Object.keys({ ...expected, ...shown }).filter((key) => expected[key] !== shown[key]);
}

const SHAPES = [[70], [700], [600, 2], [2, 600], [100, 3, 2], [5, 4, 50, 2], [2, 3, 2, 3, 20], [2, 2, 2, 2, 2, 40], [5000, 1]];

describe('a growing number of series', () => {
  it.each(SHAPES)('is found again after its levels were put in another order: %j', (...sizes) => {
    expect(everyCombination(MetricsRegistry, sizes)).toEqual([]);
  });

  it('is found where code from text is forbidden, too', () => {
    const wrong = child<string[]>(
      ['--disallow-code-generation-from-strings'],
      `let forbidden = false; try { new Function('return 1') } catch { forbidden = true }
       const everyCombination = ${everyCombination.toString()};
       const wrong = ${JSON.stringify(SHAPES)}.flatMap((sizes) => everyCombination(MetricsRegistry, sizes));
       console.log(JSON.stringify(forbidden ? wrong : ['code from text is allowed']));`,
    );
    expect(wrong).toEqual([]);
  });

  it('keeps every handle with its series while others are removed and the order changes', () => {
    const { counter, read } = counted('high', 'low');
    const handles = Array.from({ length: 60 }, (_, n) => counter.labels(n, 0));
    for (let n = 60; n < 600; n++) counter.inc({ high: n, low: n % 2 });
    for (let n = 60; n < 600; n += 2) expect(counter.remove(n, 0)).toBe(true);
    for (const [n, handle] of handles.entries()) handle.inc(n);
    const shown = read();
    expect(Object.keys(shown)).toHaveLength(330);
    for (let n = 0; n < 60; n++) expect(shown[`c_total{high="${n}",low="0"}`]).toBe(n);
  });
});
