// Files that Debian's logrotate moves, empties and packs under a process that writes them.
import { spawnSync } from 'node:child_process';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { peer } from '../../peers.js';
import { type Child, memoryFolder, removeFolder } from '../../recorder/processes.js';
import { contents, lineProcess, linesOf } from './line-process.js';

const logrotate = peer('logrotate', 'apt-get install logrotate');

let folder: string;
beforeAll(() => {
  folder = memoryFolder();
});
afterAll(() => removeFolder(folder));

/** Runs logrotate once, as a timer does each day. */
function rotate(logs: string, directives: string): void {
  const [conf, state] = [`${logs}.conf`, `${logs}.state`];
  writeFileSync(conf, `${join(logs, 'app.log')} {\n  rotate 20\n  ${directives}\n}\n`, { mode: 0o600 });
  const { status, stderr } = spawnSync(logrotate as string, ['--force', '--state', state, conf], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
}

function writing(name: string, options: string, script: string): { readonly child: Child; readonly logs: string } {
  const logs = join(folder, name);
  mkdirSync(logs, { mode: 0o700 });
  const sink = `fileSink({ path: ${JSON.stringify(join(logs, 'app.log'))}, rotate: 'none', ${options} })`;
  return { child: lineProcess(name, sink, script, { folder }), logs };
}

/** All lines in the order in which files were turned, oldest first. */
function inOrder(logs: string): number[] {
  const numbered = [...contents(logs)].map(([name, text]) => ({ text, age: Number(/\.log\.(\d+)/.exec(name)?.[1] ?? 0) }));
  return numbered
    .sort((one, other) => other.age - one.age)
    .flatMap(({ text }) => linesOf(text))
    .map(({ line }) => line);
}

/** Waits until the child said a word so many times. */
async function times(child: Child, word: string, count: number): Promise<void> {
  await expect.poll(() => child.said.split(word).length - 1, { timeout: 15_000 }).toBe(count);
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, line) => line);

describe.runIf(logrotate)('logrotate', () => {
  it.each([
    ['with a signal', `reopenOn: 'SIGHUP'`, (pid: number) => `create 0640\n postrotate\n kill -HUP ${pid}\n endscript`],
    ['without any word to the process', '', () => 'create 0640'],
    ['without making a new file', '', () => 'nocreate'],
  ])('moves the file away %s, and no line is lost or twice', async (title, options, directives) => {
    const { child, logs } = writing(
      title.replaceAll(' ', '-'),
      options,
      `write(1);
      await flush();
      const timer = setInterval(() => write(20), 1);
      on('stop', async () => { clearInterval(timer); await flush(); say('lines ' + written); setImmediate(() => process.exit()); });
      on('look', flush);
      say('ready');`,
    );
    await child.says('ready');
    for (let turn = 1; turn <= 5; turn++) {
      rotate(logs, directives(child.pid));
      // Each file gets lines before the next turn.
      child.tell('look');
      await times(child, 'done look', turn);
      expect(statSync(join(logs, 'app.log')).size).toBeGreaterThan(0);
    }
    child.tell('stop');
    const { stdout, stderr } = await child.ended;
    expect(stderr).toBe('');
    const count = Number(/lines (\d+)/.exec(stdout)?.[1]);
    expect(count).toBeGreaterThan(100);
    expect(inOrder(logs)).toEqual(upTo(count));
    expect([...contents(logs).keys()].length).toBeGreaterThanOrEqual(5);
  });

  it('empties the file with copytruncate: it goes on from the beginning, without a hole', async () => {
    const { child, logs } = writing(
      'emptied',
      '',
      `on('more', async () => { write(1_000); await flush(); }); on('end', () => process.exit()); say('ready');`,
    );
    await child.says('ready');
    for (let turn = 1; turn <= 4; turn++) {
      child.tell('more');
      await times(child, 'done more', turn);
      rotate(logs, 'copytruncate\n  compress');
    }
    child.tell('end');
    await child.ended;
    expect(inOrder(logs)).toEqual(upTo(4_000));
    expect(contents(logs).get('app.log')).toBe('');
  });
});
