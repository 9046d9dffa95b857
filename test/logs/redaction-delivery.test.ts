// Redaction from the call of a logger to the bytes of a file: fields, messages, templates, finished lines, other threads.
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { native } from '../../src/binding/load.js';
import { logRing } from '../../src/binding/log-ring.js';
import { withLogFields } from '../../src/context/log-fields.js';
import { getLogger } from '../../src/logs/loggers.js';
import { DEFAULT_ROUTE } from '../../src/logs/opening.js';
import { explainRedaction } from '../../src/logs/redaction/explain.js';
import type { Redact } from '../../src/logs/redaction/options.js';
import { compilePatterns } from '../../src/logs/redaction/patterns.js';
import { fileSink } from '../../src/logs/sinks/file.js';
import { configureLogging, type LoggingStack } from '../../src/stack/logging.js';

const CENSORED = '[REDACTED]';
const TOKEN = 'ghp_0123456789abcdefghijklmnopqrstuvwxyz';
const CARD = '4111111111111111';

let stack: LoggingStack | undefined;

afterEach(async () => {
  await stack?.shutdown();
  stack = undefined;
});

/** What a file has once `log` has logged under rules: its text and its lines. */
async function delivered(redact: Redact, log: () => void): Promise<{ text: string; lines: Record<string, unknown>[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'kymo-redaction-'));
  stack = configureLogging({ level: 'trace', sinks: [fileSink({ path: join(folder, 'lines.log') })], redact });
  log();
  expect(await stack.flush()).toBe(true);
  // Files have the date in their name; around midnight there are two.
  const text = readdirSync(folder)
    .sort()
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('');
  return {
    text,
    lines: text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line)),
  };
}

describe('what a file has', () => {
  it('is without what names and patterns find, in fields, messages, templates, bindings, contexts and errors', async () => {
    const { text, lines } = await delivered(true, () => {
      const logger = getLogger('shop').child({ apiKey: 'hunter2', origin: `https://u:hunter2@host/${TOKEN}` });
      withLogFields({ session_id: 'hunter2', seen: TOKEN }, () => {
        logger.info({ user: { password: 'hunter2', note: `is ${TOKEN}.` } }, `token ${TOKEN} and card ${CARD}`);
        logger.info('%s and %j', TOKEN, { password: 'hunter2' });
        logger.error(Object.assign(new Error(`no ${TOKEN}`), { token: 'hunter2' }), 'failed');
      });
      logger.info({ card: Number(CARD), big: BigInt(CARD), list: [`\u2603 ${TOKEN}`] }, 'numbers');
    });
    expect(lines).toHaveLength(4);
    expect(text).not.toContain('hunter2');
    expect(text).not.toContain(TOKEN.slice(4));
    expect(text).not.toContain(CARD);
    expect(lines[0]).toMatchObject({
      apiKey: CENSORED,
      origin: `https://${CENSORED}@host/${CENSORED}`,
      session_id: CENSORED,
      seen: CENSORED,
      user: { password: CENSORED, note: `is ${CENSORED}.` },
    });
    expect(JSON.stringify(lines[0])).toContain(`token ${CENSORED} and card ${CENSORED}`);
    expect(lines[3]).toMatchObject({ card: CENSORED, big: CENSORED, list: [`\u2603 ${CENSORED}`] });
  });

  it('is the same whether patterns are looked for before the ring or behind it', async () => {
    const log = (): void => {
      const logger = getLogger('both');
      logger.info(
        { a: TOKEN, b: ['x', { c: `Bearer abc.def-123 ${CARD}` }], d: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.x' },
        `postgres://u:p@h ${TOKEN}`,
      );
      logger.warn({ plain: 'nothing', n: 7 }, 'harmless');
    };
    const strip = ({ lines }: { lines: Record<string, unknown>[] }): unknown =>
      lines.map((line) => Object.fromEntries(Object.entries(line).filter(([key]) => key !== 'ts')));
    const behind = strip(await delivered({ patterns: true }, log));
    await stack?.shutdown();
    expect(strip(await delivered({ patterns: true, beforeRing: true }, log))).toEqual(behind);
  });

  it('is valid JSON where finished lines are redacted', async () => {
    const { lines, text } = await delivered(true, () => {
      const writer = logRing();
      Object.assign(writer.call, { level: 30, route: native.logRoute(DEFAULT_ROUTE), time: Date.now() });
      writer.line(
        `{"level":30,"msg":"x ${TOKEN}","card":${CARD},"u":"https:\\/\\/a:b@h","e":"\\u0041KIAIOSFODNN7EXAMPLE\\"","s":"\u2603${TOKEN}"}\n`,
      );
      writer.line('{"a":"://x","b":"y@z"}\n');
    });
    expect(text).not.toContain(TOKEN);
    expect(lines).toEqual([
      { level: 30, msg: `x ${CENSORED}`, card: CENSORED, u: `https://${CENSORED}@h`, e: `${CENSORED}"`, s: `\u2603${CENSORED}` },
      { a: '://x', b: 'y@z' },
    ]);
  });

  it('says the same in a finished line as in its values, however it is escaped', async () => {
    const pieces = [
      TOKEN,
      CARD,
      '4111 1111',
      ' 1111 1111',
      '://',
      'u:p@',
      'h/',
      'Bearer abc123',
      '"',
      '\\',
      '\n',
      '/',
      ',',
      '{',
      '\u2603',
      'é',
      '\ud800',
      'eyJhbGci',
      'Oi.',
      'n',
    ];
    let seed = 11;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return (seed >>> 8) % below;
    };
    const word = (): string => Array.from({ length: random(5) }, () => pieces[random(pieces.length)]).join('');
    const grow = (depth: number): unknown => {
      if (depth === 0 || random(3) === 0) return [word(), Number(CARD), -Number(CARD), 1e21, 0.5, true, null][random(7)];
      if (random(2) === 0) return Array.from({ length: random(4) }, () => grow(depth - 1));
      return Object.fromEntries(Array.from({ length: random(4) }, (_, key) => [`${key}${word()}`, grow(depth - 1)]));
    };
    /** JSON whose characters are escaped at random. */
    const escaped = (json: string): string =>
      json.replace(/(?<!\\)[a-zA-Z0-9/:](?=[^"]*")/g, (character, at: number) => {
        const inString = (json.slice(0, at).replace(/\\./g, '').match(/"/g)?.length ?? 0) % 2 === 1;
        const isPart = /\\(u[0-9a-f]{0,3})?$/.test(json.slice(Math.max(0, at - 5), at));
        if (!inString || isPart || random(6) > 0) return character;
        return character === '/' ? '\\/' : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
      });
    const patterns = compilePatterns(true, CENSORED, true);
    const clean = (value: unknown): unknown => {
      if (typeof value === 'string') return patterns.scrub(value);
      if (typeof value === 'number') return Math.abs(value) === Number(CARD) ? CENSORED : value;
      if (Array.isArray(value)) return value.map(clean);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [patterns.scrub(key), clean(inner)]));
    };
    const values = Array.from({ length: 500 }, () => ({ a: grow(4), b: word() }));
    const { lines } = await delivered(true, () => {
      const writer = logRing();
      Object.assign(writer.call, { level: 30, route: native.logRoute(DEFAULT_ROUTE), time: Date.now() });
      for (const value of values) writer.line(`${escaped(JSON.stringify(value))}\n`);
    });
    expect(lines).toHaveLength(values.length);
    for (const [index, line] of lines.entries()) expect(line, JSON.stringify(values[index])).toEqual(clean(values[index]));
  });

  it('is as it was logged once nothing is redacted any more', async () => {
    await delivered(true, () => getLogger('on').info({ password: TOKEN }, TOKEN));
    await stack?.shutdown();
    const { lines } = await delivered({}, () => getLogger('off').info({ password: TOKEN }, TOKEN));
    expect(lines[0]).toMatchObject({ password: TOKEN });
  });
});

describe('an explanation without options', () => {
  it('is that of what is redacted now', async () => {
    await delivered({ names: ['password'] }, () => undefined);
    expect(explainRedaction({ a: { Password: 'x' } })).toEqual([
      { path: 'a.Password', action: 'censor', kind: 'name', rule: 'password', when: 'before-ring' },
    ]);
  });
});
