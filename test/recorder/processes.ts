// Starts real Node processes that record through the package, each with a private folder for its segments.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The built package, as a child imports it. */
export const DIST = new URL('../../dist/', import.meta.url).href;

/** A folder on a memory file system, which is what segments want. */
export function memoryFolder(): string {
  return mkdtempSync(join(process.platform === 'linux' ? '/dev/shm' : tmpdir(), 'kymo-vitest-'));
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** Names of the segment files in `folder`. */
export function segmentFiles(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.startsWith('kymo-'))
    .flatMap((name) => readdirSync(join(folder, name)));
}

/** How a child ended, and what it said. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ChildOptions {
  /** Folder for `KYMO_MEMORY_DIR`. */
  readonly folder: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Program and arguments that start the child, before `node`. */
  readonly under?: readonly string[];
  /** Without the names that {@link PREAMBLE} gives, and so without the package in the main thread. */
  readonly bare?: boolean;
  /** Nobody reads its stdout before {@link Child.read}. */
  readonly unread?: boolean;
}

/** A child that runs a module. */
export class Child {
  readonly #process: ChildProcess;
  #stdout = '';
  #stderr = '';
  /** Resolves when it is gone and has said all it had to say. */
  readonly ended: Promise<Ended>;

  constructor(script: string, { folder, env = {}, under = [], bare = false, unread = false }: ChildOptions) {
    const code = bare ? script : `${PREAMBLE}\n${script}`;
    const [command, ...args] = [...under, process.execPath, '--input-type=module', '-e', code];
    this.#process = spawn(command as string, args, {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      env: { PATH: process.env.PATH, KYMO_MEMORY_DIR: folder, KYMO_SERVICE_NAME: 'svc', ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    if (!unread) this.read();
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    this.ended = new Promise((done, failed) => {
      this.#process.once('error', failed);
      // With a stdout that nobody reads there is no `close`.
      if (unread) this.#process.once('exit', () => this.read());
      this.#process.once('close', (code, signal) => done({ code, signal, stdout: this.#stdout, stderr: this.#stderr }));
    });
  }

  get pid(): number {
    return this.#process.pid as number;
  }

  /** Begins to read its stdout. */
  read(): void {
    if (this.#process.stdout?.listenerCount('data') === 0) {
      this.#process.stdout.setEncoding('utf8').on('data', (text: string) => {
        this.#stdout += text;
      });
    }
  }

  /** Goes away from its stdout. */
  hangUp(): void {
    this.#process.stdout?.destroy();
  }

  /** What it said so far. */
  get said(): string {
    return this.#stdout;
  }

  /** Resolves once the child printed `word`. */
  async says(word: string): Promise<void> {
    let gone: Ended | undefined;
    const end = this.ended.then((ended) => {
      gone = ended;
    });
    while (!this.#stdout.includes(word)) {
      if (gone) throw new Error(`the child ended (${gone.code ?? gone.signal}) without saying ${word}: ${gone.stderr}`);
      await Promise.race([end, new Promise((next) => this.#process.stdout?.once('data', next))]);
    }
  }

  /** Resolves once the child printed `word` on stderr. */
  async saysOnStderr(word: string): Promise<void> {
    const end = this.ended;
    while (!this.#stderr.includes(word)) {
      const next = new Promise<undefined>((more) => this.#process.stderr?.once('data', () => more(undefined)));
      const gone = await Promise.race([end, next]);
      if (gone && !this.#stderr.includes(word)) throw new Error(`the child ended (${gone.code ?? gone.signal}) without saying ${word}`);
    }
  }

  /** Writes a line to its standard input. */
  tell(line: string): void {
    this.#process.stdin?.write(`${line}\n`);
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<Ended> {
    this.#process.kill(signal);
    return this.ended;
  }
}

/** Runs a module to its end. */
export function run(script: string, options: ChildOptions): Promise<Ended> {
  return new Child(script, options).ended;
}

const PREAMBLE = `
import { Worker } from 'node:worker_threads';
const { metrics, recoverRuns } = await import('${DIST}index.js');
const memoryState = async () => (await import('${DIST}binding/load.js')).native.memoryState();
const say = (value) => process.stdout.write(typeof value === 'string' ? value + '\\n' : JSON.stringify(value) + '\\n');
const stay = () => setInterval(() => {}, 1000);
const told = () => new Promise((done) => process.stdin.once('data', done));
const workerOf = (code) => new Worker(new URL('data:text/javascript,' + encodeURIComponent(
  "import { parentPort } from 'node:worker_threads';" + "const { metrics } = await import('${DIST}index.js');" + code)));
`;

/** The last line of what a child said, as JSON. */
export function answer<T>(ended: Ended): T {
  const line = ended.stdout.trimEnd().split('\n').at(-1) as string;
  try {
    return JSON.parse(line) as T;
  } catch {
    throw new Error(`no answer (${ended.code ?? ended.signal}): ${ended.stdout} ${ended.stderr}`);
  }
}
