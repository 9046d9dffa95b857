// How the demo ends: by signals, by a reader that goes away, by a kill, and for options that it does not know.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { accessLog, childrenOf, DemoProcess, MemoryFolder, readings } from './demo-process.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = join(ROOT, 'dist/demo/main.js');
const CLEAN = { code: 0, signal: null };

describe('the end of the demo', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('on %s is clean: a summary, code 0, no process, no segment file', async (signal) => {
    using memory = new MemoryFolder();
    await using demo = new DemoProcess(memory, []);
    await demo.printed(/requests, \d+\/s/);
    expect(memory.files().length).toBeGreaterThan(0);
    const children = existsSync('/proc/self/stat') ? childrenOf(demo.pid) : [];
    demo.kill(signal);
    expect(await demo.ended).toEqual(CLEAN);
    expect(demo.stdout).toMatch(/^ {2}requests +[1-9]/m);
    expect(demo.stderr).toBe('');
    expect(children.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
    expect(memory.files()).toEqual([]);
  });

  it('takes a signal that comes twice at once, as npm sends it, for one', async () => {
    using memory = new MemoryFolder();
    await using demo = new DemoProcess(memory, []);
    await demo.printed(/requests, \d+\/s/);
    demo.kill('SIGINT');
    demo.kill('SIGTERM');
    expect(await demo.ended).toEqual(CLEAN);
    expect(demo.stdout).toMatch(/^ {2}drops +0$/m);
  });

  it('comes at once with a second signal, and leaves no segment file either', async () => {
    using memory = new MemoryFolder();
    await using demo = new DemoProcess(memory, ['--no-load']);
    await demo.ops();
    // A request that is never complete holds the clean end for its two seconds.
    const client = connect(Number((await demo.gateway()).split(':')[1]), '127.0.0.1').on('error', () => undefined);
    client.write('GET /orders HTTP/1.1\r\nhost: x\r\n\r\nGET /orders HTTP/1.1\r\nhost:');
    await once(client, 'data');
    demo.kill('SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 500));
    demo.kill('SIGINT');
    expect(await demo.ended).toEqual(CLEAN);
    expect(demo.stdout).not.toMatch(/^ {2}drops/m);
    expect(memory.files()).toEqual([]);
    client.destroy();
  });

  it('reaches it through the shell of npm start, which passes on SIGTERM only to itself', async () => {
    using memory = new MemoryFolder();
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
    const start = scripts.start.replace('node .ci/prepare.mjs', 'true');
    const shell = spawn('sh', ['-c', `${start} --no-load --port 0 --ops-port 0 --access-log ${memory.logs}/none/access.log`], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, KYMO_MEMORY_DIR: memory.path },
    });
    let stdout = '';
    shell.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      if (/^ {2}memory /m.test(text)) shell.kill('SIGTERM');
    });
    expect(await once(shell, 'close')).toEqual([0, null]);
    expect(stdout).toMatch(/^ {2}drops +0$/m);
    expect(memory.files()).toEqual([]);
  });

  it('comes when nobody reads its output any more', async () => {
    using memory = new MemoryFolder();
    const child = spawn(process.execPath, [MAIN, '--port', '0', '--ops-port', '0', '--access-log', join(memory.logs, 'access.log')], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, KYMO_MEMORY_DIR: memory.path },
    });
    await once(child.stdout, 'data');
    child.stdout.destroy();
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(memory.files()).toEqual([]);
  });

  it('by SIGKILL leaves its counters and its access log, and the next start shows both', async () => {
    using memory = new MemoryFolder();
    let ops: string;
    let pid: number;
    {
      await using demo = new DemoProcess(memory, ['--rate', '200']);
      ops = await demo.ops();
      pid = demo.pid;
      await demo.printed(/requests, \d+\/s/);
      const counted = (await readings(ops)).sum('http_requests_total');
      demo.kill('SIGKILL');
      expect(await demo.ended).toEqual({ code: null, signal: 'SIGKILL' });
      expect(memory.files().length).toBeGreaterThan(0);

      await using next = new DemoProcess(memory, ['--no-load']);
      const [, lastPid, requests] = await next.printed(
        /the last run \(pid (\d+)\) ended uncleanly after ([\d,]+) requests; its counters were recovered/,
      );
      expect(Number(lastPid)).toBe(pid);
      const served = Number(requests.replaceAll(',', ''));
      expect(served).toBeGreaterThanOrEqual(counted);
      next.kill('SIGTERM');
      expect(await next.ended).toEqual(CLEAN);
      // A kill may fall between a request's count and its line.
      const written = accessLog(memory)
        .filter(({ logger }) => logger === 'access')
        .map((line) => line.request_id);
      expect(served - written.length).toBeOneOf([0, 1]);
      expect(new Set(written).size).toBe(written.length);
    }
    // Said once: a clean end has nothing to tell, and what was recovered is gone.
    await using third = new DemoProcess(memory, ['--no-load']);
    await third.ops();
    expect(third.stdout).not.toContain('ended uncleanly');
  });
});

describe('options that the demo does not know', () => {
  it.each([
    [['--frobnicate'], 'unknown option "--frobnicate"'],
    [['--duration', 'soon'], '--duration is "soon", expected a number and a unit'],
    [['--rate', '1e9'], '--rate is "1e9", expected a whole number'],
    [['--port'], '--port needs a value'],
  ])('end it with code 2 and one clear sentence: %j', (args, sentence) => {
    using memory = new MemoryFolder();
    const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
      encoding: 'utf8',
      env: { ...process.env, KYMO_MEMORY_DIR: memory.path },
    });
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain(sentence);
    expect(stderr.split('\n').length).toBe(3);
    expect(memory.files()).toEqual([]);
  });

  it('are not needed to read the help', () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, '--help'], { encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain('Usage: npm start -- [options]');
  });
});
