// `pino.destination`: what users can tell of it is as with pino's, options, errors, events and bytes; random programs write the same files.
import { closeSync, mkdtempSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { type Destination, destination as ours } from '../../../src/compat/pino/destination.js';
import { readHead } from '../../../src/compat/pino/line-head.js';
import { pinoPackages } from '../../pino.js';
import { randomOf } from './random-programs.js';

type Make = (options?: object | string | number) => Destination;

const theirs: Make | undefined = pinoPackages.installed ? pinoPackages.require('original').destination : undefined;
const folder = mkdtempSync(join(tmpdir(), 'kymo-destination-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const file = () => join(folder, `${files++}.log`);

const once = (stream: Destination, event: string) => new Promise<unknown>((resolve) => stream.once(event, resolve));

async function ended(stream: Destination): Promise<void> {
  const closed = once(stream, 'close');
  stream.end();
  await closed;
}

function thrown(act: () => unknown): string {
  try {
    act();
    return 'nothing';
  } catch (error) {
    return (error as Error).message;
  }
}

/**
 * A random program of writes, flushes and reopenings; the bytes of the files it leaves, one after the other: pino's flush calls back before all is
 * written, so that in its files a line may stand behind the next turn. In ours it may not.
 */
async function run(make: Make, seed: number): Promise<string> {
  const random = randomOf(seed);
  const path = file();
  writeFileSync(path, 'before\n');
  const mkdir = random(2) === 0;
  const options = { dest: path, sync: random(3) === 0, append: random(3) > 0, mkdir, minLength: random(2) * 4096 };
  const stream = make(options);
  const opened = once(stream, 'ready');
  const moved: string[] = [];
  let since = '';
  const write = (text: string) => {
    stream.write(text);
    since += text;
  };
  for (let step = random(12) + 1; step > 0; step--) {
    const act = random(10);
    if (act < 6) write(`{"level":${random(6) * 10},"time":${1.7e12 + random(9)},"msg":"${'é😀x'.repeat(random(40))}"}\n`);
    else if (act === 6) write(`no end ${step}`);
    else if (act === 7) write(`two\nlines ${'y'.repeat(random(9))}\r\n`);
    else if (act === 8) await new Promise((resolve) => stream.flush(resolve));
    else {
      // A file that is opened late, and emptied then, would be another one by now.
      await opened;
      await new Promise((resolve) => stream.flush(resolve));
      await new Promise((resolve) => setTimeout(resolve, 2));
      const away = `${path}.${step}`;
      renameSync(path, away);
      moved.push(away);
      if (make === ours) expect(readFileSync(away, 'utf8').endsWith(since), `seed ${seed}: all before a flush is in its file`).toBe(true);
      since = '';
      const ready = once(stream, 'ready');
      stream.reopen();
      await ready;
    }
  }
  await ended(stream);
  return [...moved, path].map((name) => readFileSync(name, 'utf8')).join('');
}

describe.runIf(theirs)('destinations beside pino', () => {
  it('leave the same bytes in the same files: 60 random programs', async () => {
    for (let seed = 1; seed <= 60; seed++) expect(await run(ours, seed), `seed ${seed}`).toEqual(await run(theirs as Make, seed));
  });

  it('refuse what cannot be with the same words', () => {
    const cases = [
      { dest: file(), contentMode: 'q' },
      { dest: file(), minLength: 20_000, maxWrite: 100 },
      true,
      { dest: '/nonexistent/folder/file', sync: true },
    ];
    for (const given of cases) expect(thrown(() => ours(given as never))).toBe(thrown(() => (theirs as Make)(given as never)));
    const [one, other] = [ours(1), (theirs as Make)(1)];
    for (const act of [(of: Destination) => of.reopen(), (of: Destination) => of.flush('x' as never)]) {
      expect(thrown(() => act(one))).toBe(thrown(() => act(other)));
    }
  });

  it.each([false, true])('tell the same in the same order, sync: %s', async (sync) => {
    const events = async (make: Make) => {
      const told: string[] = [];
      const stream = make({ dest: file(), sync });
      for (const event of ['ready', 'drop', 'error', 'finish', 'close']) stream.on(event, () => told.push(event));
      let bytes = 0;
      stream.on('write', (count: number) => {
        bytes += count;
      });
      await once(stream, 'ready').catch(() => undefined);
      const drained = once(stream, 'drain');
      for (let n = 0; n < 5; n++) stream.write(`${'é'.repeat(4_000)}\n`);
      await drained;
      await ended(stream);
      stream.flush((error) => told.push(String(error)));
      await new Promise((resolve) => setTimeout(resolve, 5));
      return [...told, bytes, stream.destroyed];
    };
    expect(await events(ours)).toEqual(await events(theirs as Make));
  });
});

describe('a destination', () => {
  it('has the options of its file: folder, permissions, emptied or appended to', async () => {
    const path = join(folder, 'deep', 'er', 'a.log');
    const stream = ours({ dest: path, mkdir: true, mode: 0o600 });
    stream.write('a\n');
    await ended(stream);
    expect([readFileSync(path, 'utf8'), statSync(path).mode & 0o777]).toEqual(['a\n', 0o600]);
    const emptied = ours({ dest: path, append: false });
    emptied.write('b\n');
    await ended(emptied);
    expect(readFileSync(path, 'utf8')).toBe('b\n');
  });

  it('tells an error for a file that cannot be opened, and drops what is written to it', async () => {
    const stream = ours('/nonexistent/folder/file');
    expect(stream.write('lost\n')).toBe(true);
    expect(await once(stream, 'error')).toMatchObject({ code: 'ENOENT' });
    expect(stream.write('lost\n')).toBe(false);
  });

  it('goes on where it wrote when it cannot open another file', async () => {
    const path = file();
    const stream = ours(path);
    stream.write('a\n');
    const failed = once(stream, 'error');
    stream.reopen('/nonexistent/folder/file');
    expect(await failed).toMatchObject({ code: 'ENOENT' });
    stream.removeAllListeners('error');
    stream.reopen('/nonexistent/folder/file');
    stream.write('b\n');
    await ended(stream);
    expect(readFileSync(path, 'utf8')).toBe('a\nb\n');
  });

  it('drops what is beyond maxLength, and tells it', async () => {
    const stream = ours({ dest: file(), maxLength: 10 });
    const dropped: unknown[] = [];
    stream.on('drop', (line) => dropped.push(line));
    for (const line of ['aaaa\n', 'bbbb\n', 'cccc\n']) stream.write(line);
    expect(dropped).toEqual(['cccc\n']);
    await ended(stream);
  });

  it('asks for a pause beyond 16 KiB, and says when there is room', async () => {
    const stream = ours(file());
    await once(stream, 'ready');
    expect([stream.write(`${'x'.repeat(10_000)}\n`), stream.write(`${'x'.repeat(10_000)}\n`)]).toEqual([true, false]);
    await once(stream, 'drain');
    expect(stream.write('x\n')).toBe(true);
    await ended(stream);
  });

  it('writes bytes that are no text, and texts that no record holds, in their order', async () => {
    const path = file();
    const stream = ours({ dest: path, contentMode: 'buffer' });
    await once(stream, 'ready');
    const long = `${'long é'.repeat(200_000)}\n`;
    for (const data of ['a\n', Buffer.from([0xff, 0x0a]), Buffer.from('é\n'), long, 'part ', 'of a line\n']) stream.write(data as string);
    await ended(stream);
    const expected = Buffer.concat([Buffer.from('a\n'), Buffer.from([0xff, 0x0a]), Buffer.from(`é\n${long}part of a line\n`)]);
    expect(readFileSync(path).equals(expected)).toBe(true);
  });

  it('never throws after its end', async () => {
    const descriptor = openSync(file(), 'w');
    const stream = ours(descriptor);
    await ended(stream);
    expect(() => closeSync(descriptor)).toThrow(/EBADF/);
    expect(stream.write('x\n')).toBe(false);
    for (const act of [() => stream.flushSync(), () => stream.end(), () => stream.destroy(), () => stream.reopen()])
      expect(act).not.toThrow();
  });

  it('is shared by several for one file, and opened again when many came in between', async () => {
    const path = file();
    const [one, other] = [ours(path), ours(path)];
    one.write('1\n');
    await ended(one);
    other.write('2\n');
    await ended(other);
    for (let count = 0; count < 20; count++) {
      const between = ours(file());
      between.write('x\n');
      await ended(between);
    }
    const last = ours(path);
    last.write('3\n');
    await ended(last);
    expect(readFileSync(path, 'utf8')).toBe('1\n2\n3\n');
  });

  it('writes to the descriptor itself while Kymo is switched off', async () => {
    const entry = fileURLToPath(new URL('../../../dist/cjs/compat/pino/entry.cjs', import.meta.url));
    const { spawnSync } = createRequire(import.meta.url)('node:child_process') as typeof import('node:child_process');
    const code = `const pino = require(${JSON.stringify(entry)}); pino({ base: null, timestamp: false }).info('still there');`;
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', code], { encoding: 'utf8', env: { ...process.env, KYMO_DISABLED: '1' } });
    expect([stdout, stderr]).toEqual(['{"level":30,"msg":"still there"}\n', '']);
  });

  it('reads level and time where a line begins with them', () => {
    const head = { level: 0, time: 0 };
    const read = (line: string) => {
      readHead(line, head);
      return [head.level, head.time];
    };
    expect(read('{"level":50,"time":1700000000123,"msg":1}')).toEqual([50, 1_700_000_000_123]);
    expect(read('{"level":35}')).toEqual([35, -1]);
    expect(read('{"level":20,"time":1700000000}')).toEqual([20, -1]);
    for (const other of ['', 'text', '{"level":"info"}', '{"level":}', '{"level":99999999}']) expect(read(other)).toEqual([30, -1]);
  });
});
