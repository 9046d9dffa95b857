// An HTTP client without a pool, and servers in processes of their own.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { OpsServer } from '../../src/index.js';

/** The built package, as a child imports it. */
export const DIST = new URL('../../dist/index.js', import.meta.url).href;

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly socketPath?: string;
}

/** One request on a connection of its own. */
export function ask(port: number, path: string, { method = 'GET', headers = {}, socketPath }: Ask = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const place = socketPath === undefined ? { host: '127.0.0.1', port } : { socketPath };
    const request = http.request({ ...place, path, method, headers: { host: 'localhost', ...headers }, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const body = Buffer.concat(chunks);
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body, text: body.toString() });
      });
    });
    request.on('error', reject);
    request.end();
  });
}

/** The port of a server that is up. */
export function portOf(server: OpsServer): number {
  if (!server.address) throw new TypeError('the server has no address');
  return server.address.port;
}

/** A folder of its own for one test file. */
export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'kymo-ops-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A module that runs in a process of its own, from a file, so that cluster workers run it too. The public names are imported. */
export class Program {
  readonly child: ChildProcess;
  /** Resolves when it is gone. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  #said = '';
  #listener: (() => void) | undefined;

  constructor(script: string, env: Record<string, string> = {}) {
    const folder = temporaryFolder();
    const file = join(folder.path, 'program.mjs');
    writeFileSync(file, `import { OpsServer, MetricsRegistry, metrics, metricsHandler } from ${JSON.stringify(DIST)};\n${script}`);
    this.child = spawn(process.execPath, [file], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      env: { ...process.env, KYMO_MEMORY: 'anonymous', ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    // A failed test must not leave it behind.
    process.once('exit', () => this.child.kill('SIGKILL'));
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (chunk) => {
        this.#said += chunk;
        this.#listener?.();
      });
    }
    this.ended = new Promise((resolve) => {
      this.child.on('close', (code, signal) => {
        folder.remove();
        this.#listener?.();
        resolve({ code, signal });
      });
    });
  }

  get said(): string {
    return this.#said;
  }

  /** Waits until its output matches, and gives the first group (or the whole match). */
  async says(pattern: RegExp): Promise<string> {
    for (;;) {
      const match = pattern.exec(this.#said);
      if (match) return match[1] ?? match[0];
      if (this.child.exitCode !== null || this.child.signalCode !== null) throw new TypeError(`it never said ${pattern}: ${this.#said}`);
      await new Promise<void>((resolve) => {
        this.#listener = resolve;
      });
    }
  }
}
