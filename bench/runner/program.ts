// Programs that a row starts beside itself (a server under load, a client that loads it), asked over IPC.
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

interface Question {
  readonly id: number;
  readonly command: string;
  readonly argument: unknown;
}

interface Reply {
  readonly id: number;
  readonly value?: unknown;
  readonly failure?: string;
}

/** A started program. */
export class Program {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { done(value: never): void; fail(error: Error): void }>();
  #questions = 0;

  /** Starts the compiled program `file`; it gets the flags of this process. */
  constructor(file: URL) {
    this.#child = fork(fileURLToPath(file), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#child.on('message', (message: Reply) => {
      const asker = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (message.failure === undefined) asker?.done(message.value as never);
      else asker?.fail(new Error(message.failure));
    });
    const failAll = (error: Error): void => {
      for (const asker of this.#waiting.values()) asker.fail(error);
      this.#waiting.clear();
    };
    this.#child.on('error', failAll);
    this.#child.on('exit', (code, signal) => failAll(new Error(`${file.pathname} ended with ${signal ?? `code ${code}`}`)));
  }

  /** Asks `command` with `argument`, both as {@link answer} of the program knows them. Rejects with the program's error. */
  ask<T>(command: string, argument: unknown = null): Promise<T> {
    const id = ++this.#questions;
    return new Promise<T>((done, fail) => {
      this.#waiting.set(id, { done, fail });
      this.#child.send({ id, command, argument } satisfies Question, (error) => {
        if (error) fail(error);
      });
    });
  }

  /** Ends the program and waits until it has ended. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((done) => this.#child.once('exit', done));
    this.#child.kill('SIGKILL');
    await ended;
  }
}

/** What a program can do, by name of the command. */
export type Handlers = Readonly<Record<string, (argument: never) => unknown>>;

/** A handler returns this to have its reply sent before `afterwards` runs, for work that keeps the thread busy. */
export class ReplyFirst {
  constructor(
    readonly value: unknown,
    readonly afterwards: () => void,
  ) {}
}

/** The program's side: answers questions until the parent is gone. */
export function answer(handlers: Handlers): void {
  const reply = (message: Reply, sent?: () => void): void => void process.send?.(message, () => sent?.());
  process.on('disconnect', () => process.exit(0));
  process.on('message', async ({ id, command, argument }: Question) => {
    try {
      const value = await handlers[command]?.(argument as never);
      if (value instanceof ReplyFirst) reply({ id, value: value.value }, value.afterwards);
      else reply({ id, value });
    } catch (error) {
      reply({ id, failure: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
}
