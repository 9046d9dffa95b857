// Processes that configure little or nothing: what they write, and that nothing of it is lost when they end.
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { MemoryFolder } from '../demo/demo-process.js';

const BUILT = JSON.stringify(new URL('../../dist/index.js', import.meta.url).href);

interface Ended {
  readonly status: number | null;
  readonly stderr: string;
  readonly lines: readonly Record<string, unknown>[];
}

interface RunOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Where its segments lie; default: in a folder of its own. */
  readonly memory?: MemoryFolder;
}

/** Runs a module in a process of its own, and reads its standard output as JSON lines. */
function run(script: string, { args = [], env = {}, memory }: RunOptions = {}): Ended {
  const source = `import * as kymo from ${BUILT};\n${script}`;
  using own = new MemoryFolder();
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', source, '--', ...args], {
    encoding: 'utf8',
    env: { ...process.env, KYMO_MEMORY_DIR: memory?.path ?? own.path, ...env },
    timeout: 30_000,
  });
  const text = stdout.trimEnd();
  return { status, stderr, lines: text === '' ? [] : text.split('\n').map((line) => JSON.parse(line) as Record<string, unknown>) };
}

const messages = ({ lines }: Ended): unknown[] => lines.map(({ msg }) => msg);

describe('a process that configures nothing', () => {
  it('[H-07 H-84] writes JSON lines from level info on to its standard output, all of them', () => {
    const ended = run(`
      const log = kymo.getLogger('start.here');
      log.debug('no');
      for (let line = 0; line < 1_000; line++) log.info('line', { line });
      log.child({ request: 'r1' }).error('failed', new Error('bad'));`);
    expect({ status: ended.status, stderr: ended.stderr, count: ended.lines.length }).toEqual({ status: 0, stderr: '', count: 1_001 });
    expect(ended.lines.slice(0, -1).every((line, index) => line.line === index && line.level === 'info')).toBe(true);
    expect(ended.lines.at(-1)).toMatchObject({
      logger: 'start.here',
      msg: 'failed',
      request: 'r1',
      err: { type: 'Error', message: 'bad' },
    });
  });

  it('[H-19] writes debug lines when it runs with --debug, or the environment says so, unless the code does', () => {
    const script = `kymo.getLogger('a').debug('debug'); kymo.getLogger('a').error('error');`;
    expect(messages(run(script, { args: ['--debug'] }))).toEqual(['debug', 'error']);
    expect(messages(run(script, { env: { KYMO_LOG_LEVEL: 'DEBUG' } }))).toEqual(['debug', 'error']);
    expect(messages(run(script, { env: { KYMO_LOG_LEVEL: 'silent' } }))).toEqual([]);
    const configured = `kymo.configureLogging({ level: 'info' }); ${script}`;
    expect(messages(run(configured, { args: ['--debug'], env: { KYMO_LOG_LEVEL: 'debug' } }))).toEqual(['error']);
  });

  it('has the lines of its threads as well, also when it writes none itself', () => {
    const ended = run(`
      import { Worker } from 'node:worker_threads';
      new Worker('import(${BUILT.replaceAll("'", "\\'")}).then((kymo) => kymo.getLogger("worker").info("from a thread"))', { eval: true });`);
    expect(ended.lines).toMatchObject([{ logger: 'worker', msg: 'from a thread' }]);
  });

  it('[H-24] sums up at its end what a rate limit suppressed, and is not kept alive by it', () => {
    const ended = run(`
      const limited = new kymo.RateLimitedLogger(kymo.getLogger('end'), { intervalMs: 3_600_000 });
      for (let call = 0; call < 5; call++) limited.warning('down');`);
    expect(ended.lines.map(({ msg, suppressed, level }) => [level, msg, suppressed])).toEqual([
      ['warn', 'down', undefined],
      ['warn', 'repeated lines suppressed', 4],
    ]);
  });

  it('leaves nothing behind when it is killed in mid-burst: the next start writes what is missing, first of all, and says how much', () => {
    using memory = new MemoryFolder();
    const burst = `
      const log = kymo.getLogger('burst').child({ run: 1 });
      for (let line = 0; line < 5_000; line++) log.info('line', { line });
      process.kill(process.pid, 'SIGKILL');`;
    const killed = run(burst, { memory });
    const next = run(
      `const { recovered } = kymo.configureLogging();
       kymo.getLogger('next').info('started', { recovered });`,
      { memory },
    );
    const lines = [...killed.lines, ...next.lines];
    expect(lines.filter(({ run: of }) => of === 1).map(({ line }) => line)).toEqual(Array.from({ length: 5_000 }, (_, line) => line));
    expect(lines.at(-1)).toMatchObject({ msg: 'started', recovered: { runs: 1, lines: 5_000 - killed.lines.length, lost: 0 } });
  });

  it('writes to its standard output again when logging was shut down', () => {
    const ended = run(`
      kymo.getLogger('a').info('before');
      const logging = kymo.configureLogging({ base: { configured: true } });
      kymo.getLogger('a').info('configured');
      console.log(JSON.stringify({ msg: 'shut down', done: await logging.shutdown() }));
      kymo.getLogger('a').info('after');`);
    expect(ended.lines.map(({ msg, configured, done }) => [msg, configured, done])).toEqual([
      ['before', undefined, undefined],
      ['configured', true, undefined],
      ['shut down', undefined, true],
      ['after', undefined, undefined],
    ]);
  });
});
