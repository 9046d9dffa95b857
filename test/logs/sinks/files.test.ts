// Files that processes of this package write: shared, killed in the middle of it, limited, and turned by themselves.
import { appendFileSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../../src/binding/load.js';
import { fileSink } from '../../../src/logs/sinks/file.js';
import { RotatingFileSink } from '../../../src/logs/sinks/rotating-file-sink.js';
import { DIST, memoryFolder, removeFolder, run } from '../../recorder/processes.js';
import { contents, type FoundLine, lineProcess, linesOf } from './line-process.js';

let folder: string;
beforeAll(() => {
  folder = memoryFolder();
});
afterAll(() => removeFolder(folder));

const today = (): string => new Date().toISOString().slice(0, 10);

/** Names of files of the same day in the order in which they were begun. */
const inOrder = (names: Iterable<string>): string[] => {
  const number = (name: string): number => Number(/\.(\d+)\.log/.exec(name)?.[1] ?? 0);
  return [...names].sort((one, other) => number(one) - number(other));
};

describe('processes that share a folder', () => {
  it('write whole lines, each once and in its order, into files of the size that was set [H-27]', async () => {
    const logs = join(folder, 'shared');
    const sink = `fileSink({ path: ${JSON.stringify(join(logs, 'app.log'))}, maxBytes: 50_000, retentionDays: false })`;
    const script = `on('go', async () => { for (let n = 0; n < 100; n++) { write(50); await flush(); } }); on('end', () => process.exit()); say('ready');`;
    const children = ['a', 'b', 'c'].map((writer) => lineProcess(writer, sink, script, { folder, env: { KYMO_SERVICE_NAME: writer } }));
    await Promise.all(children.map((child) => child.says('ready')));
    for (const child of children) child.tell('go');
    await Promise.all(children.map((child) => child.says('done go')));
    for (const child of children) child.tell('end');
    await Promise.all(children.map((child) => child.ended));

    const files = contents(logs);
    const names = inOrder(files.keys());
    const found = names.flatMap((name) => linesOf(files.get(name) as string));
    for (const writer of ['a', 'b', 'c']) {
      const lines = found.filter((line) => line.writer === writer).map(({ line }) => line);
      expect(lines, writer).toEqual(Array.from({ length: 5_000 }, (_, line) => line));
    }
    expect(names[0]).toBe(`app-${today()}.log`);
    expect(names.slice(1)).toEqual(names.slice(1).map((_, index) => `app-${today()}.${index + 1}.log`));
    for (const text of files.values()) expect(text.length).toBeLessThanOrEqual(50_000);
  });

  it('are not disturbed by one that is killed in the middle of it, whose lines the next start completes [H-27]', async () => {
    const logs = join(folder, 'killed');
    const path = JSON.stringify(join(logs, 'app.log'));
    const sink = `fileSink({ path: ${path} })`;
    const victim = { folder, env: { KYMO_SERVICE_NAME: 'victim' } };
    const other = lineProcess(
      'other',
      sink,
      `const timer = setInterval(() => write(10), 1); on('end', async () => { clearInterval(timer); await flush(); say('lines ' + written); setImmediate(() => process.exit()); }); say('ready');`,
      {
        folder,
        env: { KYMO_SERVICE_NAME: 'other' },
      },
    );
    await other.says('ready');
    for (let round = 0; round < 5; round++) {
      const child = lineProcess(
        `victim-${round}`,
        sink,
        `say('ready'); write(3_000, 'x'.repeat(500)); process.kill(process.pid, 'SIGKILL');`,
        victim,
      );
      expect((await child.ended).signal).toBe('SIGKILL');
    }
    const last = lineProcess('last', sink, 'await flush(); process.exit();', victim);
    expect((await last.ended).code).toBe(0);
    other.tell('end');
    const count = Number(/lines (\d+)/.exec((await other.ended).stdout)?.[1]);

    // Where a writer was killed inside of a line and another one wrote behind it, its beginning stays; nothing else is no line.
    const text = [...contents(logs).values()].join('');
    const found = text.split('\n').flatMap((line): FoundLine[] => {
      try {
        return [JSON.parse(line) as FoundLine];
      } catch {
        return [];
      }
    });
    const of = (writer: string): number[] => found.filter((line) => line.writer === writer).map(({ line }) => line);
    expect(of('other')).toEqual(Array.from({ length: count }, (_, line) => line));
    for (let round = 0; round < 5; round++) {
      expect(of(`victim-${round}`), `victim ${round}`).toEqual(Array.from({ length: 3_000 }, (_, line) => line));
    }
  });
});

describe('a file that may not grow', () => {
  it('ends with a whole line, and the process goes on', async () => {
    const logs = join(folder, 'limited');
    const sink = `fileSink({ path: ${JSON.stringify(join(logs, 'app.log'))}, rotate: 'none' })`;
    // Blocks of 1,024 bytes.
    const under = ['bash', '-c', 'ulimit -f 64; exec "$0" "$@"'];
    const script = `write(3_000); say(String(await native.logFlush(500))); say(native.logSinkState(opened.sink).error); process.exit();`;
    const child = lineProcess('limited', sink, script, { folder, under, env: { KYMO_MEMORY: 'anonymous' } });
    const { stdout, stderr, code } = await child.ended;
    expect(stdout).toMatch(/^false\nFile too large/);
    expect(code).toBe(0);
    expect(stderr).toMatch(/log sink file:.*File too large/);
    const text = contents(logs).get('app.log') as string;
    expect(linesOf(text).map(({ line }) => line)).toEqual(Array.from({ length: linesOf(text).length }, (_, line) => line));
    expect(text.length).toBeGreaterThan(65_536 - 100);
    expect(text.length).toBeLessThanOrEqual(65_536);
  });
});

describe('a rotating file sink', () => {
  it('appends finished lines, and ends a torn one first [H-27]', async () => {
    const dir = join(folder, 'rotating');
    mkdirSync(dir);
    const path = join(dir, `app-${today()}.log`);
    appendFileSync(path, '{"torn":');
    await using sink = new RotatingFileSink({ dir });
    expect(readdirSync(dir)).toHaveLength(1);
    expect(sink.write('{"a":1}')).toBe(true);
    expect(sink.write('{"b":2}\n')).toBe(true);
    expect(await sink.flush()).toBe(true);
    expect(contents(dir).get(`app-${today()}.log`)).toBe('{"torn":\n{"a":1}\n{"b":2}\n');
    expect(await sink.close()).toBe(true);
    expect(await sink.close()).toBe(true);
    sink.write('{"c":3}');
    await sink.flush();
    expect(contents(dir).get(`app-${today()}.log`)).toMatch(/\{"c":3\}\n$/);
  });

  it('writes something for whatever it is given', async () => {
    const dir = join(folder, 'anything');
    await using sink = new RotatingFileSink({ dir });
    for (const line of [5, undefined, Symbol('x'), Object.create(null), '']) expect(sink.write(line as never)).toBe(true);
    await sink.flush();
    expect(contents(dir).get(`app-${today()}.log`)).toBe('5\nundefined\n[symbol]\n[object]\n\n');
  });

  it('comes back by itself when its folder is removed', async () => {
    const dir = join(folder, 'removed', 'deep');
    await using sink = new RotatingFileSink({ dir, name: 'x.jsonl' });
    sink.write('{"a":1}');
    await sink.flush();
    rmSync(join(folder, 'removed'), { recursive: true });
    sink.write('{"b":2}');
    expect(await sink.flush()).toBe(true);
    expect(contents(dir).get(`x-${today()}.jsonl`)).toBe('{"b":2}\n');
  });

  it('deletes what is too old when it starts, and nothing else [H-26]', async () => {
    const dir = join(folder, 'old');
    mkdirSync(dir);
    const day = (back: number): string => new Date(Date.now() - back * 86_400_000).toISOString().slice(0, 10);
    for (const name of [
      `app-${day(14)}.log`,
      `app-${day(15)}.log`,
      `app-${day(16)}.3.log.gz`,
      `app-${day(15)}.log.bak`,
      `b-${day(15)}.log`,
    ]) {
      appendFileSync(join(dir, name), 'x');
    }
    await using sink = new RotatingFileSink({ dir });
    sink.write('{}');
    await sink.flush();
    await expect
      .poll(() => readdirSync(dir).sort())
      .toEqual([`app-${day(14)}.log`, `app-${day(15)}.log.bak`, `app-${day(0)}.log`, `b-${day(15)}.log`].sort());
  });

  it('is one file for who configures it and who writes to it', async () => {
    const dir = join(folder, 'both');
    const sink = new RotatingFileSink({ dir });
    const configured = sink.open({ format: -1, service: undefined });
    sink.write('{}');
    expect(await sink.flush()).toBe(true);
    expect(await sink.close()).toBe(true);
    expect(native.logSinkState(configured.sink as number).writtenBytes).toBe(3);
    expect(await configured.close(1_000)).toBe(true);
    expect(await configured.close(1_000)).toBe(true);
  });
});

describe('a file sink that is opened', () => {
  it('makes no file before there is a line', async () => {
    const path = join(folder, 'nothing', 'app.log');
    const opened = fileSink({ path }).open({ format: -1, service: undefined });
    expect(existsSync(join(folder, 'nothing'))).toBe(false);
    expect(native.logSinkState(opened.sink as number).identity).toBe(`file:${path}`);
    expect(await opened.close(1_000)).toBe(true);
  });

  it('listens for its signal as long as it is open', async () => {
    const before = process.listenerCount('SIGHUP');
    const opened = fileSink({ path: join(folder, 'x'), reopenOn: 'SIGHUP' }).open({ format: -1, service: undefined });
    expect(process.listenerCount('SIGHUP')).toBe(before + 1);
    await opened.close(1_000);
    expect(process.listenerCount('SIGHUP')).toBe(before);
  });
});

describe('with Kymo switched off', () => {
  it('nothing is opened or written, and nothing fails', async () => {
    const dir = join(folder, 'disabled');
    const script = `const { RotatingFileSink } = await import('${DIST}logs/sinks/rotating-file-sink.js');
      const sink = new RotatingFileSink({ dir: ${JSON.stringify(dir)} });
      console.log(sink.write('{}'), await sink.flush(), await sink.close());`;
    const { stdout, stderr } = await run(script, { folder, bare: true, env: { KYMO_DISABLED: '1' } });
    expect([stdout, stderr]).toEqual(['false true true\n', '']);
    expect(existsSync(dir)).toBe(false);
  });
});
