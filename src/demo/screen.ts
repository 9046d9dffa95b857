// What the demo writes to standard output: whole lines, and one live line below them, rewritten in place on a terminal and
// written anew every two seconds elsewhere. Main thread.

/** The part of `process.stdout` that is used. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const TERMINAL_EVERY_MS = 500;
const PIPE_EVERY_MS = 2_000;
const CLEAR_LINE = '\r\u001b[K';

/** Standard output with a live last line. */
export class Screen {
  readonly #output: Output;
  #timer: NodeJS.Timeout | undefined;
  #line = '';

  constructor(output: Output) {
    this.#output = output;
  }

  /** Writes a whole line above the live one. */
  print(text: string): void {
    this.#output.write(this.#line === '' ? `${text}\n` : `${CLEAR_LINE}${text}\n${this.#line}`);
  }

  /** Keeps a live line: `line` is asked for it, on a terminal twice a second. */
  live(line: () => string): void {
    const terminal = this.#output.isTTY === true;
    this.#timer = setInterval(() => (terminal ? this.#rewrite(line()) : this.print(line())), terminal ? TERMINAL_EVERY_MS : PIPE_EVERY_MS);
    // The line is no reason to go on: when all else is done, it ends as well.
    this.#timer.unref();
  }

  /** Ends the live line; it stays where it is. */
  end(): void {
    clearInterval(this.#timer);
    if (this.#line !== '') this.#output.write('\n');
    this.#line = '';
  }

  #rewrite(line: string): void {
    const width = this.#output.columns ?? 80;
    // A line that wraps can't be cleared again, so it is cut; the last column stays free, since some terminals wrap at it.
    this.#line = line.slice(0, width - 1);
    this.#output.write(`${CLEAR_LINE}${this.#line}`);
  }
}
