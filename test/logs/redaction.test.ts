// Redaction of fields as they are written: paths, names, what is put in the place of values, and what is really written.
import { describe, expect, it } from 'vitest';
import { KymoError } from '../../src/core/errors.js';
import { explainRedaction } from '../../src/logs/redaction/explain.js';
import { SECRET_NAMES } from '../../src/logs/redaction/names.js';
import type { Redact } from '../../src/logs/redaction/options.js';
import { compileRedaction } from '../../src/logs/redaction/redaction.js';
import { openLogRing } from '../binding/log-records.js';

const CENSORED = '[REDACTED]';
const SECRET = 'hunter2';

/** Fields as the real writer writes them under rules; written twice, so that keys have their ids. */
function written(redact: Redact, fields: object, error?: unknown): Record<string, unknown> {
  const { writer, read } = openLogRing();
  writer.redaction = compileRedaction(redact);
  for (let line = 0; line < 3; line++) writer.write('m', fields, error);
  const lines = read().map(({ pairs }) => Object.fromEntries(pairs));
  expect(lines).toHaveLength(3);
  expect(lines[1]).toEqual(lines[0]);
  expect(lines[2]).toEqual(lines[0]);
  return lines[0] as Record<string, unknown>;
}

describe('paths', () => {
  it('name a key from the root of the fields', () => {
    expect(
      written(['user.password', 'pin'], { pin: 1, user: { password: SECRET, name: 'Ann', deep: { password: 'kept' } }, password: 'kept' }),
    ).toEqual({
      pin: CENSORED,
      user: { password: CENSORED, name: 'Ann', deep: { password: 'kept' } },
      password: 'kept',
    });
  });

  it('take any one key with a star, in objects and arrays', () => {
    const fields = { a: { pin: SECRET, b: { pin: 'kept' } }, list: [{ pin: SECRET }, { pin: SECRET }], pin: 'kept' };
    expect(written(['*.pin', 'list[*].pin'], fields)).toEqual({
      a: { pin: CENSORED, b: { pin: 'kept' } },
      list: [{ pin: CENSORED }, { pin: CENSORED }],
      pin: 'kept',
    });
    expect(written(['*'], { a: 1, b: { c: 2 } })).toEqual({ a: CENSORED, b: CENSORED });
  });

  it('take any number of levels with two stars, none included', () => {
    const fields = { pin: SECRET, a: { pin: SECRET, b: [{ pin: SECRET }, [{ pin: SECRET }]] }, spin: 'kept' };
    expect(written(['**.pin'], fields)).toEqual({
      pin: CENSORED,
      a: { pin: CENSORED, b: [{ pin: CENSORED }, [{ pin: CENSORED }]] },
      spin: 'kept',
    });
    expect(written(['a.**.x'], { a: { x: 1, b: { c: { x: 2 } } }, x: 3 })).toEqual({ a: { x: CENSORED, b: { c: { x: CENSORED } } }, x: 3 });
    expect(written(['a.**'], { a: { x: 1, y: { z: 2 } } })).toEqual({ a: { x: CENSORED, y: CENSORED } });
    expect(written(['**.*.x'], { x: 1, a: { x: 2, b: [{ x: 3 }] } })).toEqual({ x: 1, a: { x: CENSORED, b: [{ x: CENSORED }] } });
  });

  it('name elements of arrays by their index, at any depth too', () => {
    expect(written(['a[1]', 'b[0].c', 'd.2'], { a: [1, 2, 3], b: [{ c: SECRET }, { c: 'kept' }], d: [0, 0, SECRET] })).toEqual({
      a: [1, CENSORED, 3],
      b: [{ c: CENSORED }, { c: 'kept' }],
      d: [0, 0, CENSORED],
    });
    expect(written(['**[0]'], { a: [SECRET, 1], b: { c: [[SECRET, 2]] } })).toEqual({ a: [CENSORED, 1], b: { c: [CENSORED] } });
  });

  it('compare bare keys without regard to case and separators, quoted ones exactly', () => {
    const fields = { Headers: { 'X-Api-Key': SECRET, xApiKey: SECRET }, 'a b': { c: SECRET }, 'A B': { c: 'kept' } };
    expect(written(['headers.x_api_key', '["a b"].c'], fields)).toEqual({
      Headers: { 'X-Api-Key': CENSORED, xApiKey: CENSORED },
      'a b': { c: CENSORED },
      'A B': { c: 'kept' },
    });
    expect(written({ paths: ['Pin'], exactPaths: true }, { Pin: SECRET, pin: 'kept' })).toEqual({ Pin: CENSORED, pin: 'kept' });
    expect(written([`["it's \\"quoted\\" [x]"]`, "['-']"], { 'it\'s "quoted" [x]': SECRET, '-': SECRET })).toEqual({
      'it\'s "quoted" [x]': CENSORED,
      '-': CENSORED,
    });
  });

  it('hide keys of the prototype and of no letters without harm', () => {
    const fields = JSON.parse('{"__proto__":{"pin":"x"},"constructor":{"pin":"x"},"toString":"x","":{"pin":"x"}}');
    const lines = written(['*.pin', 'toString'], fields);
    expect(JSON.stringify(lines)).not.toContain('"x"');
  });

  it.each([
    ['', 'empty'],
    ['a.', 'last dot'],
    ['.a', 'dots'],
    ['a..b', '"**"'],
    ['a**b', 'no part of a bare key'],
    ['*name', 'names'],
    ['na*me', 'quote'],
    ['a[', 'not closed'],
    ['a[]', 'index'],
    ['a[-1]', 'index'],
    ['a[0:2]', 'index'],
    ['a[?(@.b)]', 'index'],
    ['a["b"', 'ends with'],
    ['a["b', 'not closed'],
    ['a]', 'never opened'],
    ['a.["b"]', 'dot before a bracket'],
    ['$.a', '"$"'],
    ['/secret/', 'patterns'],
    ['a b', 'quote'],
    ['a, b', 'quote'],
    ['a[0]b', 'follow a dot'],
    ['a'.repeat(1001), 'longer'],
    [`${'a.'.repeat(70)}a`, 'steps'],
  ])('refuse %j with what to do', (path, hint) => {
    const refused = (): unknown => compileRedaction([path]);
    expect(refused).toThrow(expect.objectContaining({ code: 'KYMO_LOG_REDACT_PATH' }));
    expect(refused).toThrow(hint);
  });
});

describe('names', () => {
  it('are found at any depth in any spelling, before any sink or handler sees the line [L-189]', () => {
    const fields = {
      apiKey: SECRET,
      a: { API_KEY: SECRET, list: [{ 'api-key': SECRET }, { 'Api Key': SECRET }], 'api.key': SECRET },
      map: new Map([['apikey', SECRET]]),
      apiKeys: 'kept',
    };
    expect(written({ names: ['api_key'] }, fields)).toEqual({
      apiKey: CENSORED,
      a: { API_KEY: CENSORED, list: [{ 'api-key': CENSORED }, { 'Api Key': CENSORED }], 'api.key': CENSORED },
      map: { apikey: CENSORED },
      apiKeys: 'kept',
    });
  });

  it('match parts of keys with a star at either end', () => {
    const fields = { dbPassword: SECRET, password_hash: SECRET, myPasswordIs: SECRET, pass: 'kept' };
    expect(written({ names: ['*password', 'password*', '*passwordi*'] }, fields)).toEqual({
      dbPassword: CENSORED,
      password_hash: CENSORED,
      myPasswordIs: CENSORED,
      pass: 'kept',
    });
  });

  it('come as a list of what most services call their secrets', () => {
    const fields = Object.fromEntries(SECRET_NAMES.map((name) => [name.toUpperCase().replaceAll('_', '-'), SECRET]));
    expect(Object.values(written({ names: true }, { deep: fields }).deep as object)).toEqual(SECRET_NAMES.map(() => CENSORED));
    for (const name of ['password', 'secret', 'token', 'api_key', 'authorization', 'cookie']) expect(SECRET_NAMES).toContain(name);
  });

  it.each(['', '*', '**', 'a*b', '_-', 'a[0]', 7])('refuse %j', (name) => {
    expect(() => compileRedaction({ names: [name as string] })).toThrow(expect.objectContaining({ code: 'KYMO_LOG_REDACT_PATH' }));
  });
});

describe('what stands in the place of a value', () => {
  it('is the text that was asked for, and nothing at all with remove', () => {
    expect(
      written({ paths: ['a', { path: 'b', action: 'remove' }, { path: 'c', censor: '***' }], censor: 'X' }, { a: 1, b: 2, c: 3, d: 4 }),
    ).toEqual({
      a: 'X',
      c: '***',
      d: 4,
    });
    expect(written({ paths: ['a', 'l[0]'], remove: true }, { a: 1, l: [1, 2], z: 0 })).toEqual({ l: [null, 2], z: 0 });
  });

  it('is a hash by which equal values can be told, of this process or of a key', () => {
    const redact: Redact = { paths: ['a', 'b', 'c', 'd'], action: 'hash', hashKey: 'k' };
    const { a, b, c, d } = written(redact, { a: SECRET, b: SECRET, c: 'other', d: { x: 1 } });
    expect(a).toMatch(/^sha256:[0-9a-f]{16}$/);
    expect(b).toBe(a);
    expect(c).not.toBe(a);
    expect(d).toMatch(/^sha256:/);
    expect(written(redact, { a: SECRET }).a).toBe(a);
    const own = written({ paths: ['a', 'b'], action: 'hash' }, { a: SECRET, b: SECRET });
    expect(own.a).toBe(own.b);
    expect(own.a).not.toBe(a);
    expect(written({ paths: ['x'], action: 'hash', hashKey: 'k' }, { x: 7 }).x).toBe(
      written({ names: ['x'], action: 'hash', hashKey: 'k' }, { x: '7' }).x,
    );
  });

  it('is what a function makes of value and path', () => {
    const seen: unknown[] = [];
    const censor = (value: unknown, path: readonly string[]): unknown => {
      seen.push([value, path.join('/')]);
      return typeof value === 'string' ? value.slice(0, 2) : undefined;
    };
    const redact: Redact = { paths: ['a[*].pin', 'n'], names: ['card'], censor };
    expect(written(redact, { a: [{ pin: '1234' }, { pin: '9876' }], x: { y: [0, { card: '4111' }] }, n: 7 })).toEqual({
      a: [{ pin: '12' }, { pin: '98' }],
      x: { y: [0, { card: '41' }] },
      n: null,
    });
    expect(seen.slice(0, 4)).toEqual([
      ['1234', 'a/0/pin'],
      ['9876', 'a/1/pin'],
      ['4111', 'x/y/1/card'],
      [7, 'n'],
    ]);
  });

  it('is the default text when a function or a hash fails', () => {
    const censor = (): never => {
      throw new Error(SECRET);
    };
    const loop: Record<string, unknown> = {};
    loop.self = loop;
    expect(written({ paths: ['a', { path: 'b', action: 'hash' }], censor }, { a: 1, b: loop })).toEqual({ a: CENSORED, b: CENSORED });
  });

  it('is decided by the first rule that matches: paths first, then names', () => {
    const redact: Redact = {
      paths: [{ path: 'a.pin', censor: 'path' }, '**.pin'],
      names: [
        { name: 'pin', censor: 'name' },
        { name: 'tan', censor: 'name' },
      ],
    };
    expect(written(redact, { a: { pin: 1 }, pin: 2, tan: 3 })).toEqual({ a: { pin: 'path' }, pin: CENSORED, tan: 'name' });
  });
});

describe('what is really written', () => {
  const redact: Redact = { paths: ['cfg.headers.Authorization'], names: ['password'] };

  it('is what toJSON gives, getters of prototypes included, and each place of an object that is shared', () => {
    class Config {
      get headers(): object {
        return { Authorization: SECRET };
      }
      toJSON(): object {
        return { headers: this.headers, password: SECRET };
      }
    }
    const shared = { password: SECRET };
    expect(written(redact, { cfg: new Config(), first: shared, second: shared, list: [shared] })).toEqual({
      cfg: { headers: { Authorization: CENSORED }, password: CENSORED },
      first: { password: CENSORED },
      second: { password: CENSORED },
      list: [{ password: CENSORED }],
    });
  });

  it('is properties and causes of errors, maps, headers and URL parameters', () => {
    const cause = Object.assign(new Error('inner'), { config: { password: SECRET } });
    const error = Object.assign(new Error('outer', { cause }), { password: SECRET });
    const fields = written(
      redact,
      {
        map: new Map<string, unknown>([['password', SECRET]]),
        headers: new Headers({ password: SECRET }),
        query: new URLSearchParams({ password: SECRET }),
        list: new Set([{ password: SECRET }]),
        all: new AggregateError([error], 'many'),
      },
      error,
    );
    expect(JSON.stringify(fields)).not.toContain(SECRET);
    expect(fields).toMatchObject({ map: { password: CENSORED }, err: { error: { password: CENSORED } } });
  });

  it('is bindings and context fields, also those that were encoded under other rules', () => {
    const { writer, read } = openLogRing();
    const before = writer.epoch;
    writer.redaction = compileRedaction({ names: ['password'], paths: ['tenant.key'] });
    expect(writer.epoch, 'bindings are encoded anew').not.toBe(before);
    writer.call.bindings = writer.encode({ password: SECRET, tenant: { key: SECRET } });
    writer.call.context = { password: SECRET };
    writer.write('m', { tenant: { key: SECRET } }, undefined);
    expect(JSON.stringify(read())).not.toContain(SECRET);
  });

  it('is the message when it is an object, and records of nested calls', () => {
    const { writer, read } = openLogRing();
    writer.redaction = compileRedaction({ names: ['password'] });
    const nested = {
      get a(): number {
        writer.write('inner', { password: SECRET }, undefined);
        return 1;
      },
      password: SECRET,
    };
    writer.write({ password: SECRET }, nested, undefined);
    const records = read();
    expect(records).toHaveLength(2);
    expect(JSON.stringify(records)).not.toContain(SECRET);
  });

  it('never has the secret of any object, whatever rule finds it', () => {
    let seed = 42;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return (seed >>> 8) % below;
    };
    const KEYS = ['a', 'b', 'secret_key', 'x', '0'];
    /** An object with secrets at random places, and the way to each. */
    const grow = (depth: number, way: string[], ways: string[][]): unknown => {
      if (depth === 0 || random(4) === 0) {
        if (random(3) > 0) return random(100);
        ways.push(way);
        return SECRET;
      }
      const size = 1 + random(3);
      if (random(3) === 0) return Array.from({ length: size }, (_, index) => grow(depth - 1, [...way, String(index)], ways));
      const entries = KEYS.slice(0, size + 1).map((key): [string, unknown] => [key, grow(depth - 1, [...way, key], ways)]);
      const made = Object.fromEntries(entries);
      if (random(5) === 0) return { toJSON: () => made };
      return random(5) === 0 ? new Map(entries) : made;
    };
    for (let round = 0; round < 150; round++) {
      const ways: string[][] = [];
      const fields = { root: grow(5, ['root'], ways) };
      if (ways.length === 0) continue;
      const paths = ways.map((way) => {
        const stepped = way.map((key) => (random(4) === 0 ? '[*]' : `["${key}"]`));
        const from = random(way.length);
        return random(2) === 0 ? stepped.join('') : `**${stepped.slice(from).join('')}`;
      });
      expect(JSON.stringify(written(paths, fields)), paths.join(' ')).not.toContain(SECRET);
      const findings = explainRedaction(fields, paths);
      expect(findings.length).toBeGreaterThan(0);
      const shown = compileRedaction(findings.map(({ path }) => path));
      expect(
        JSON.stringify(
          written(
            findings.map(({ path }) => path),
            fields,
          ),
        ),
        'by the paths of the explanation',
      ).not.toContain(SECRET);
      expect(shown.rules).toHaveLength(findings.length);
    }
  });
});

describe('rules', () => {
  it('flag the keys that they mention and no others', () => {
    const redaction = compileRedaction({ names: ['password'], paths: ['**.pin', 'user.name'] });
    expect(['password', 'PassWord', 'pin'].map((key) => redaction.isFlagged(key))).toEqual([true, true, true]);
    expect(['user', 'status', 'pins', ''].map((key) => redaction.isFlagged(key))).toEqual([true, false, false, false]);
    expect(compileRedaction(['a.*']).isFlagged('anything'), 'a rule that ends with a star may be about any key').toBe(true);
    expect(compileRedaction(['*.token']).isFlagged('anything'), 'one in its middle is only about what is inside').toBe(false);
    expect(compileRedaction({ names: ['password'] }).root, 'nothing but flagged keys').toBe(0);
  });

  it('stay bounded whatever keys come by, and redact more rather than less beyond', () => {
    const paths = Array.from({ length: 12 }, (_, at) => `**.k${at}${'.*'.repeat(14)}.x`);
    const redaction = compileRedaction(paths);
    let states = 0;
    for (let round = 0; round < 20_000; round++) {
      let state = redaction.root;
      for (let depth = 0; depth < 12 && state >= 0; depth++) state = redaction.step(state, `k${(round >> depth) % 12}`);
      states = Math.max(states, state);
    }
    expect(states).toBeLessThan(4096);
    for (let key = 0; key < 50_000; key++) redaction.step(redaction.root, `id-${key}`);
    expect(redaction.step(redaction.root, 'k1')).not.toBe(redaction.step(redaction.root, 'id-1'));
  });

  it.each<[string, unknown]>([
    ['redact', false],
    ['redact', 'a.b'],
    ['action', { action: 'encrypt' }],
    ['remove', { remove: 'yes' }],
    ['remove', { remove: true, action: 'hash' }],
    ['censor', { censor: 7 }],
    ['hashKey', { hashKey: '' }],
    ['paths', { paths: 'a.b' }],
    ['names', { names: false }],
    ['patterns', { patterns: 'jwt' }],
    ['path', { path: ['a.b'] }],
    ['actoin', { paths: [{ path: 'a', actoin: 'remove' }] }],
    ['path', { names: [{ path: 'a' }] }],
    ['action', { paths: [{ path: 'a', action: 'x' }] }],
  ])('refuse a wrong option: %s', (option, redact) => {
    const refused = (): unknown => compileRedaction(redact as Redact);
    expect(refused).toThrow(expect.objectContaining({ code: 'KYMO_LOG_REDACT_OPTION' }));
    expect(refused).toThrow(option);
  });
});

describe('an explanation', () => {
  it('says for each path what would happen, by which rule, and when', () => {
    const fields = {
      user: { password: SECRET, mail: 'a@b' },
      list: [{ 'api-key': SECRET }],
      note: 'Bearer abcdef123456 and more',
      id: 7,
      err: Object.assign(new Error('no'), { token: SECRET }),
    };
    const findings = explainRedaction(fields, {
      paths: ['user.password', { path: 'id', action: 'remove' }, { path: 'user.mail', action: 'hash' }],
      names: ['api_key', { name: 'token', censor: () => 'x' }],
      patterns: ['bearer'],
    });
    expect(findings).toEqual([
      { path: 'user.password', action: 'censor', kind: 'path', rule: 'user.password', when: 'before-ring' },
      { path: 'user.mail', action: 'hash', kind: 'path', rule: 'user.mail', when: 'before-ring' },
      { path: 'list[0]["api-key"]', action: 'censor', kind: 'name', rule: 'api_key', when: 'before-ring' },
      { path: 'note', action: 'censor', kind: 'pattern', rule: 'bearer', when: 'before-sinks', start: 7, end: 19 },
      { path: 'id', action: 'remove', kind: 'path', rule: 'id', when: 'before-ring' },
      { path: 'err.token', action: 'function', kind: 'name', rule: 'token', when: 'before-ring' },
    ]);
    expect(JSON.stringify(findings)).not.toContain(SECRET);
  });

  it('is empty without rules, and never throws for what is inside of the object', () => {
    expect(explainRedaction({ password: SECRET })).toEqual([]);
    const hostile = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error('no');
        },
      },
    );
    expect(explainRedaction(hostile, true)).toEqual([]);
    expect(
      explainRedaction(
        {
          get password(): never {
            throw new Error('no');
          },
        },
        true,
      ),
    ).toEqual([]);
    expect(() => explainRedaction({}, ['a[']).length).toThrow(KymoError);
  });
});
