// Secrets that are known by their looks: what the thread finds before the ring is what the collector finds behind it, and both take
// linear time.
import { afterEach, describe, expect, it } from 'vitest';
import { native } from '../../src/binding/load.js';
import { isCard } from '../../src/logs/redaction/card.js';
import { compilePatterns, SecretPattern, type TextPatterns } from '../../src/logs/redaction/patterns.js';
import { compileRedaction } from '../../src/logs/redaction/redaction.js';
import { openLogRing } from '../binding/log-records.js';

const CENSOR = '[REDACTED]';

afterEach(() => native.logScrub([], ''));

/** The text as both sides write it, once it is clear that they agree. */
function scrubbed(text: string, patterns: TextPatterns = ALL): string {
  native.logScrub(patterns.sources, patterns.censor);
  const before = patterns.scrub(text);
  expect(native.logScrubText(text), JSON.stringify(text)).toBe(before);
  return before;
}

const ALL = compilePatterns(true, CENSOR, true);

/** One example per pattern, made up or from the documentation of who gives them out. */
const EXAMPLES: Readonly<Record<SecretPattern, readonly string[]>> = {
  jwt: ['eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U'],
  bearer: ['Bearer mF_9.B5f-4.1JqM', 'BEARER abc123', 'bearer%20mF_9.B5f', 'Bearer+abc/def='],
  basic: ['Basic dXNlcjpwYXNzd29yZA==', 'basic OnNlY3JldA', 'BASIC%20dXNlcjpwYXNz'],
  'aws-key': ['AKIAIOSFODNN7EXAMPLE', 'ASIAIOSFODNN7EXAMPLE', 'aws_secret_access_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"'],
  'gcp-key': ['AIzaSyA-0123456789abcdefghijklmnopqrstu', 'ya29.a0AfH6SMBx0123456789-_abc', 'GOCSPX-0123456789abcdefghijklmnopqr'],
  'github-token': [
    'ghp_0123456789abcdefghijklmnopqrstuvwxyz',
    'ghs_0123456789abcdefghijklmnopqrstuvwxyz',
    'github_pat_11ABCDEFG0123456789_abcdef',
  ],
  'gitlab-token': ['glpat-0123456789abcdefghij'],
  'slack-token': [
    'xoxb-123456789012-abcdefGHIJ',
    'xapp-1-A0123456789-abc',
    'https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXX',
  ],
  'stripe-key': ['sk_live_4eC39HqLyjWDarjtT1zdp7dc', 'rk_test_4eC39HqLyjWDarjtT1zdp7dc', 'whsec_0123456789abcdef0123'],
  'api-key': ['sk-proj-0123456789abcdefghij', 'npm_0123456789abcdefghijklmnopqrstuvwxyz', 'SG.0123456789abcdef.0123456789abcdef'],
  'private-key': ['-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nAb+/=\n-----END RSA PRIVATE KEY-----', '-----BEGIN PRIVATE KEY-----\\nMIIE'],
  'url-userinfo': ['postgres://admin:p%40ss@db:5432/x', 'https://token@host', 'https:\\/\\/u:p@host', 'amqp://u:p@ss@host'],
  'card-number': ['4111111111111111', '5500 0000 0000 0004', '3782-822463-10005', '6011000990139424'],
};

describe('patterns', () => {
  it('are the same on both sides, by name and in order', () => {
    expect(native.logScrubNames()).toEqual(Object.values(SecretPattern));
  });

  it.each(Object.entries(EXAMPLES))('find %s, whatever stands around it', (name, examples) => {
    const only = compilePatterns([name as SecretPattern], CENSOR, true);
    for (const example of examples) {
      for (const [before, after] of [
        ['', ''],
        ['"', '"'],
        ['(', ')'],
        ['key=', '&x=1'],
        ['\n', '\n'],
        ['\u2603 ', ' \u{1f511}'],
        ['\\n', '\\n'],
        ['\\"', '\\"'],
        ['é:', ';é'],
      ]) {
        const text = `${before}${example}${after}`;
        const result = scrubbed(text, only);
        expect(result, text).toContain(CENSOR);
        const [finding] = only.find(text);
        expect(finding?.name).toBe(name);
        expect(scrubbed(text), 'with all of them').toContain(CENSOR);
      }
    }
  });

  it('keep what is not secret of a text', () => {
    expect(scrubbed('GET /a?token=1 Authorization: Bearer abc.def-123, done')).toBe(`GET /a?token=1 Authorization: Bearer ${CENSOR}, done`);
    expect(scrubbed('redis://user:pa@ss@h:1/0 and http://h/p?q=u:p@x')).toBe(`redis://${CENSOR}@h:1/0 and http://h/p?q=u:p@x`);
    for (const text of ['', 'a', 'basic auth failed', 'user@example.com', '1732225253000', '4111111111111112', '0.4111111111111111']) {
      expect(scrubbed(text)).toBe(text);
    }
  });

  it('agree about card numbers digit by digit', () => {
    for (const text of [
      '4111111111111111',
      '4111111111111112',
      '2221000000000009',
      '2720990000000007',
      '2721000000000004',
      '30569309025904',
      '6759649826438453',
    ]) {
      native.logScrub([{ name: 'card-number', ignoreCase: false }], CENSOR);
      expect(native.logScrubText(text) === CENSOR, text).toBe(isCard(text));
    }
  });

  it('find the same in texts made of their pieces, of any characters', () => {
    const pieces = [
      ...Object.values(EXAMPLES).flat(),
      ...[
        'eyJ',
        '.',
        '://',
        '@',
        ':',
        '/',
        ' ',
        '-',
        'Bearer ',
        'basic ',
        'basic%20',
        '-----BEGIN ',
        'PRIVATE KEY-----',
        '-----END',
        'AKIA',
        '4',
        '411',
        '1111 ',
        '\\',
        '"',
        '\u2603',
        '\ud800',
        'é',
        '=',
        '_',
        'n',
      ],
    ];
    let seed = 7;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return (seed >>> 8) % below;
    };
    native.logScrub(ALL.sources, CENSOR);
    for (let round = 0; round < 20_000; round++) {
      let text = '';
      for (let count = random(8); count >= 0; count--) {
        const piece = pieces[random(pieces.length)] as string;
        text += random(3) === 0 ? piece.slice(random(piece.length)) : random(3) === 0 ? piece.slice(0, random(piece.length)) : piece;
      }
      // What native code is given through a call has no lone surrogates; in the ring it has.
      const expected = ALL.scrub(text).toWellFormed?.() ?? ALL.scrub(text).replace(/\p{Surrogate}/gu, '\ufffd');
      if (native.logScrubText(text).replaceAll('\ufffd', '') !== expected.replaceAll('\ufffd', ''))
        expect(native.logScrubText(text), text).toBe(expected);
    }
  });

  it('take linear time on texts that look like the beginnings of secrets', () => {
    // In quadratic time this would take minutes.
    for (const piece of [
      'eyJ',
      'eyJ-----',
      '://',
      'bearer ',
      '-----BEGIN PRIVATE KEY-----',
      '-----BEGIN PRIVATE KEY-----!',
      '4',
      '4 ',
      '4111-',
      '4111111111111111,',
      '://@',
      'SG.',
      'basic%20',
      'Bearer abcdef ',
    ]) {
      const long = piece.repeat(1_000_000 / piece.length);
      expect(ALL.scrub(long).length).toBeGreaterThan(0);
    }
  });
});

describe("patterns of one's own", () => {
  it('are expressions in a safe part of the syntax, and hide their group', () => {
    const own = compilePatterns(
      [/acme_[0-9a-f]{8,}/, { name: 'order', pattern: /order-(\d{4}[A-Z]+)-[a-z]+/i }, { name: 'plain', pattern: 'zzz' }],
      '#',
      true,
    );
    expect(scrubbed('x acme_0123abcd y ORDER-1234abC-x zzz acme_0', own)).toBe('x # y ORDER-#-x # acme_0');
    expect(own.find('ORDER-1234abC-x')).toEqual([{ name: 'order', start: 6, end: 13 }]);
  });

  it('find what the expression itself finds', () => {
    const expressions = [/abc[0-9]{2,4}x/, /key=[^&\s]+/, /tok[a-f]{3}[a-f0-9]{2,}\.?z/i, /qqq\d*[a-z]?[A-Z]{1,2}/, /a-b\x5f[\w-]+!/];
    const alphabet = ['abc', 'key=', 'TOK', 'tok', 'qqq', 'a-b_', '0', '12', 'a', 'F', 'x', 'z', '.', '&', ' ', '!', 'A', '\u2603', 'é'];
    let seed = 3;
    for (let round = 0; round < 5_000; round++) {
      let text = '';
      for (let count = 0; count < 7; count++) {
        seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
        text += alphabet[(seed >>> 8) % alphabet.length];
      }
      for (const expression of expressions) {
        const own = compilePatterns([expression], '#', false);
        expect(own.scrub(text), `${expression} in ${text}`).toBe(text.replace(new RegExp(expression, `${expression.flags}g`), '#'));
      }
    }
  });

  it.each([
    /(a+)+b/,
    /ab[0-9]/,
    /secret.*/,
    /abc|def/,
    /^secret/,
    /secret$/,
    /abc[a-z]+[0-9a-f]/,
    /abc\bx/,
    /abc(?:x)/,
    /abc(?<name>x)/,
    /(abc)\1/,
    /abcé/,
    /abc[a-z]+?/,
  ])('refuse %s with what to do, unless it runs before the ring', (expression) => {
    const refused = (): unknown => compilePatterns([expression], CENSOR, false);
    expect(refused).toThrow(expect.objectContaining({ code: 'KYMO_LOG_REDACT_PATTERN' }));
    expect(refused).toThrow('beforeRing');
    expect(compilePatterns([expression], CENSOR, true).scrub('x')).toBe('x');
  });

  it.each([['nothing-of-the-kind'], [7], [{ name: 'x' }], [{ name: '', pattern: /abcd/ }], [null]])('refuse %j', (pattern) => {
    expect(() => compilePatterns([pattern as never], CENSOR, true)).toThrow(expect.objectContaining({ code: 'KYMO_LOG_REDACT_PATTERN' }));
  });
});

describe('before the ring', () => {
  const SECRET = 'ghp_0123456789abcdefghijklmnopqrstuvwxyz';

  it('messages, values, errors and what is cut off hold no secret', async () => {
    const { writer, read, overflow } = openLogRing();
    writer.redaction = compileRedaction({ patterns: true, beforeRing: true });
    writer.write(
      `message ${SECRET}`,
      {
        a: { b: [`x ${SECRET}`] },
        m: new Map([['k', SECRET]]),
        t: { toJSON: () => SECRET },
        get bad(): never {
          throw new Error(SECRET);
        },
      },
      new Error(SECRET),
    );
    await overflow();
    writer.write(`${SECRET} ${'x'.repeat(8 << 20)}`, undefined, undefined);
    const records = read();
    expect(records).toHaveLength(2);
    const text = JSON.stringify(records);
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain(SECRET.slice(4));
    expect(records[0]?.message).toBe(`message ${CENSOR}`);
  });

  it('without it the ring holds them: the collector takes them out', () => {
    const { writer, read } = openLogRing();
    writer.redaction = compileRedaction({ patterns: true });
    writer.write(SECRET, undefined, undefined);
    expect(read()[0]?.message).toBe(SECRET);
  });
});
