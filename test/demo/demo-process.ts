// The demo as its users run it: a child process of dist/demo/main.js with its own memory folder. Used by tests; test process.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Samples } from '../../src/demo/samples.js';

const MAIN = fileURLToPath(new URL('../../dist/demo/main.js', import.meta.url));
/** The folder of this test run, so that nothing outlives it; else a memory file system where there is one. */
const MEMORY = process.env.KYMO_MEMORY_DIR || (existsSync('/dev/shm') ? '/dev/shm' : tmpdir());

/** How a process ended. */
export interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** An empty folder for segments, removed with `using`. */
export class MemoryFolder {
  readonly path = mkdtempSync(join(MEMORY, 'kymo-demo-test-'));
  /** Beside it: what outlives a run. */
  readonly logs = mkdtempSync(join(tmpdir(), 'kymo-demo-log-'));

  /** The files in it, at any depth; folders are none. */
  files(): string[] {
    return readdirSync(this.path, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(this.path, name)).isFile());
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
    rmSync(this.logs, { recursive: true, force: true });
  }
}

/** A running demo; `await using` kills what is left of it. */
export class DemoProcess {
  readonly #child: ChildProcess;
  readonly ended: Promise<End>;
  stdout = '';
  stderr = '';
  #heard: () => void = () => undefined;

  /** Starts it. The ports are free ones unless `args` name others; of `OTEL_*` it sees what `variables` say. */
  constructor(memory: MemoryFolder, args: readonly string[], variables: Readonly<Record<string, string>> = {}) {
    const ports = ['--port', '--ops-port'].filter((flag) => !args.includes(flag)).flatMap((flag) => [flag, '0']);
    const { KYMO_SERVICE_NAME: _service, KYMO_MEMORY: _memory, ...given } = process.env;
    const env = Object.fromEntries(Object.entries(given).filter(([name]) => !name.startsWith('OTEL_')));
    this.#child = spawn(process.execPath, [MAIN, ...ports, '--access-log', join(memory.logs, 'access.log'), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...env, ...variables, KYMO_MEMORY_DIR: memory.path },
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.#heard();
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.ended = once(this.#child, 'close').then(([code, signal]) => {
      this.#heard();
      return { code, signal };
    });
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** The first match in what it has printed, as soon as there is one; rejects if it ends without. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.stdout);
      if (match !== null) return match;
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        await this.ended;
        const last = pattern.exec(this.stdout);
        if (last !== null) return last;
        throw new Error(`${pattern} was not printed:\n${this.stdout}${this.stderr}`);
      }
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
  }

  /** Host and port of the gateway. */
  async gateway(): Promise<string> {
    return (await this.printed(/gateway +http:\/\/(127\.0\.0\.1:\d+)/))[1];
  }

  /** Host and port of the ops server, once all of the demo's places are printed. */
  async ops(): Promise<string> {
    await this.printed(/^ {2}load /m);
    return (await this.printed(/ops +http:\/\/(127\.0\.0\.1:\d+)\/metrics/))[1];
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGKILL');
    await this.ended;
  }
}

/** The text of one scrape. */
export async function scrape(ops: string, path = '/metrics', accept = '*/*'): Promise<string> {
  const response = await fetch(`http://${ops}${path}`, { headers: { accept } });
  if (response.status !== 200) throw new Error(`${path} answered ${response.status}`);
  return response.text();
}

/** One scrape, read. */
export async function readings(ops: string): Promise<Samples> {
  return new Samples(await scrape(ops));
}

/** Numbers of a closing summary: each row's first number. */
export function summaryOf(stdout: string): Map<string, number> {
  const rows = stdout.matchAll(/^ {2}(ran|requests|load|log|scrapes|drops|longest block) +([\d,.]+)/gm);
  return new Map([...rows].map(([, name, value]) => [name, Number(value.replaceAll(',', ''))]));
}

/** Lines of the access log, of all runs; each has to be JSON. */
export function accessLog({ logs }: MemoryFolder): Record<string, unknown>[] {
  const texts = readdirSync(logs).map((name) => readFileSync(join(logs, name), 'utf8'));
  return texts.flatMap((text) => text.split('\n').slice(0, -1)).map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** Processes whose parent is `pid`; Linux. */
export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return Number(readFileSync(`/proc/${name}/stat`, 'utf8').replace(/^.*\) \S+ (\d+).*$/s, '$1')) === pid;
      } catch {
        return false;
      }
    })
    .map(Number);
}
