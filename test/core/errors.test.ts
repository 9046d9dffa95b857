// What a KymoError promises to whoever catches one.
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ERRORS, type ErrorCode, InvalidMetricError, KymoError } from '../../src/core/errors.js';

describe('KymoError', () => {
  it('carries the code, the failing values and what to do about it', () => {
    const error = new KymoError('KYMO_CONFIG_VALUE', { source: 'KYMO_MEMORY', value: '"x"', expected: 'one of a, b' });
    expect(error.code).toBe('KYMO_CONFIG_VALUE');
    expect(error.message).toBe(`KYMO_CONFIG_VALUE: KYMO_MEMORY is "x", expected one of a, b; ${ERRORS.KYMO_CONFIG_VALUE.fix}`);
    expect(error.fix).toBe(ERRORS.KYMO_CONFIG_VALUE.fix);
    expect(error.name).toBe('KymoError');
    expect(error).toBeInstanceOf(Error);
  });

  it('keeps the cause', () => {
    const cause = new Error('below');
    expect(new KymoError('KYMO_BINDING_MISSING', { path: 'x', reason: 'y' }, { cause }).cause).toBe(cause);
  });

  it('is recognised when a second copy of the package threw it', async () => {
    const url = pathToFileURL(new URL('../../src/core/errors.ts', import.meta.url).pathname).href;
    const copy: typeof import('../../src/core/errors.js') = await import(/* @vite-ignore */ `${url}?copy`);
    expect(copy.KymoError).not.toBe(KymoError);
    const error = new copy.KymoError('KYMO_CONFIG_VALUE');
    expect(error instanceof KymoError).toBe(false);
    expect(KymoError.is(error)).toBe(true);
  });

  it('[L-097] is an InvalidMetricError when it is about a metric, whichever copy of the package threw it', async () => {
    const url = pathToFileURL(new URL('../../src/core/errors.ts', import.meta.url).pathname).href;
    const copy: typeof import('../../src/core/errors.js') = await import(/* @vite-ignore */ `${url}?another`);
    const about = (Object.keys(ERRORS) as ErrorCode[]).filter((code) => new copy.KymoError(code) instanceof InvalidMetricError);
    expect(about.sort()).toEqual(['KYMO_METRICS_CONFLICT', 'KYMO_METRICS_DECLARATION', 'KYMO_METRICS_LABELS', 'KYMO_METRICS_VALUE']);
    expect(new InvalidMetricError('KYMO_METRICS_VALUE')).toBeInstanceOf(KymoError);
    for (const other of [undefined, null, {}, new Error('a'), { code: 'KYMO_METRICS_VALUE' }]) {
      expect(other instanceof InvalidMetricError).toBe(false);
    }
  });

  it('refuses whatever is no KymoError, and never throws while looking', () => {
    const hostile = new Proxy(
      {},
      {
        has() {
          throw new Error('has');
        },
      },
    );
    const revoked = Proxy.revocable({}, {});
    revoked.revoke();
    for (const value of [
      undefined,
      null,
      0,
      '',
      'KYMO',
      Symbol('x'),
      {},
      [],
      new Error('x'),
      () => 1,
      Object.create(null),
      hostile,
      revoked.proxy,
    ]) {
      expect(KymoError.is(value)).toBe(false);
    }
  });

  it('shows a value at its full length up to 200 characters and cuts it from 201 on', () => {
    const at = (length: number) => new KymoError('KYMO_CONFIG_VALUE', { source: 's', value: 'v'.repeat(length), expected: 'e' }).message;
    expect(at(200)).toContain(`is ${'v'.repeat(200)}, expected`);
    expect(at(201)).toContain(`is ${'v'.repeat(200)}..., expected`);
    expect(at(1_000_000).length).toBeLessThan(1_000);
  });

  it('never cuts a character in two', () => {
    const { message } = new KymoError('KYMO_CONFIG_VALUE', { source: 's', value: `${'v'.repeat(199)}\u{1F600}tail`, expected: 'e' });
    expect(message).toContain(`${'v'.repeat(199)}..., expected`);
  });

  it('never runs into values that throw when they are shown', () => {
    const throwing = {
      toString() {
        throw new Error('no');
      },
    };
    const show = (value: unknown) => new KymoError('KYMO_CONFIG_VALUE', { source: 's', value, expected: 'e' }).message;
    expect(show(throwing)).toContain('s is [object], expected e');
    expect(show(Object.create(null))).toContain('s is [object], expected e');
    expect(show(Symbol('x'))).toContain('s is Symbol(x), expected e');
    expect(show(undefined)).toContain('s is undefined, expected e');
    expect(show(12n)).toContain('s is 12, expected e');
  });

  it('puts values in as they are: no placeholder or pattern inside a value is expanded', () => {
    const { message } = new KymoError('KYMO_CONFIG_VALUE', { source: '{value}', value: "$& $1 $' {expected}", expected: 'e' });
    expect(message).toContain("KYMO_CONFIG_VALUE: {value} is $& $1 $' {expected}, expected e;");
  });

  it('shows control characters escaped, so that a value cannot forge a log line', () => {
    const { message } = new KymoError('KYMO_CONFIG_VALUE', { source: 's', value: 'a\nFORGED\u001b[31m', expected: 'e' });
    expect(message).toContain('s is a\\u000aFORGED\\u001b[31m, expected e');
  });

  it('does not take values from the prototype of the values object', () => {
    const { message } = new KymoError('KYMO_CONFIG_VALUE', Object.create({ source: 'inherited' }));
    expect(message).toContain('KYMO_CONFIG_VALUE: undefined is undefined');
  });
});

describe('the table of errors', () => {
  it('names every code KYMO_<DOMAIN>_<WHAT>, with a cause and a remedy in one sentence each', () => {
    for (const [code, { what, fix }] of Object.entries(ERRORS)) {
      expect(code).toMatch(/^KYMO_[A-Z]+(_[A-Z0-9]+)+$/);
      for (const text of [what, fix]) {
        expect(text, code).toMatch(/^\S.{8,}[^.\s]$/);
      }
    }
  });

  it('can be thrown with every code and no values at all', () => {
    for (const code of Object.keys(ERRORS) as ErrorCode[]) expect(new KymoError(code).code).toBe(code);
  });
});
