// A worker thread of the demo with one life: it says when it is ready, works until it is told to stop, reports, ends.
// `Thread` is the main thread's side, `live` the worker's.
import { once } from 'node:events';
import { parentPort, Worker } from 'node:worker_threads';

type Message<Ready, Report> = { readonly kind: 'ready'; readonly value: Ready } | { readonly kind: 'report'; readonly value: Report };

const STOP = 'stop';
/** How long a thread may take to end after its report before it is terminated. */
const END_WITHIN_MS = 1_000;

/** A running worker thread. `Ready` is what it says when it is up, `Report` what it hands over at its end. */
export class Thread<Ready, Report> {
  readonly #worker: Worker;
  readonly #ready: Promise<Ready>;
  readonly #report: Promise<Report>;
  readonly #exit: Promise<unknown>;

  /** Starts `file`, a module beside this one; `data` is its `workerData`. */
  constructor(file: string, data: unknown) {
    this.#worker = new Worker(new URL(file, import.meta.url), { name: file.replace(/^\.\/|\.js$/g, ''), workerData: data });
    this.#exit = once(this.#worker, 'exit').catch(() => undefined);
    this.#ready = this.#next<Ready>('ready', file);
    this.#report = this.#next<Report>('report', file);
    // Whoever waits sees a failure; before anybody does, it must not end the process as unhandled.
    this.#ready.catch(() => undefined);
    this.#report.catch(() => undefined);
  }

  /** Resolves when the thread is up; rejects with its error if it failed. */
  get ready(): Promise<Ready> {
    return this.#ready;
  }

  /** Resolves when the thread ended by itself or failed, which it should not. */
  get failed(): Promise<Error> {
    return this.#report.then(
      () => new Promise<never>(() => undefined),
      (error: Error) => error,
    );
  }

  /** Ends the thread: its report, once it is gone. Rejects if it failed. */
  async stop(): Promise<Report> {
    this.#worker.postMessage(STOP);
    try {
      return await this.#report;
    } finally {
      const deadline = setTimeout(() => void this.#worker.terminate(), END_WITHIN_MS);
      await this.#exit;
      clearTimeout(deadline);
    }
  }

  #next<T>(kind: 'ready' | 'report', file: string): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#worker.on('message', (message: Message<Ready, Report>) => {
        if (message.kind === kind) resolve(message.value as unknown as T);
      });
      this.#worker.once('error', reject);
      this.#worker.once('exit', (code) => reject(new Error(`the thread ${file} ended with code ${code}`)));
    });
  }
}

/** Worker's side: says `ready`, and reports what `finish` gives once it is told to stop. */
export function live<Ready, Report>(ready: Ready, finish: () => Report | Promise<Report>): void {
  const port = parentPort;
  if (port === null) throw new Error('this module runs in a worker thread of the demo');
  port.once('message', () => {
    void (async () => {
      port.postMessage({ kind: 'report', value: await finish() } satisfies Message<Ready, Report>);
      port.close();
    })();
  });
  port.postMessage({ kind: 'ready', value: ready } satisfies Message<Ready, Report>);
}
