// Where the lines of a destination go: a route of the log ring with one native sink on it, or, when Kymo is switched off, the descriptor
// itself. App threads.
import { fstatSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { DISABLED, native } from '../../binding/load.js';
import { logRing } from '../../binding/log-ring.js';
import { type LineHead, readHead } from './line-head.js';

/** What of native's delivery of lines is used here. */
interface NativeLines {
  logRoute(name: string): number;
  logSink(options: object): number;
  logRouteSet(route: number, sinks: readonly { readonly minLevel: number; readonly sink: number }[]): void;
  logRecover(route: number): unknown;
  logFlush(deadlineMs: number): Promise<boolean>;
  logFlushSync(deadlineMs: number): boolean;
  logSinkReopen(sink: number): void;
  logSinkClose(sink: number, deadlineMs: number): void;
}

const lines = native as unknown as NativeLines;

/** Code units of one record at most: a longer text is written as several, which stay together. */
const LONGEST = 64 * 1024;
/** Milliseconds that a flush waits at most. */
const FLUSH_MS = 30_000;

/** Takes lines for one file or descriptor. */
export interface LineOutlet {
  /** False when the line was dropped, which is counted. Never throws, never waits longer than the ring's policy has it. */
  write(text: string): boolean;
  /** Resolves when all that was written before has been handed to the system; false when that takes too long. */
  flush(): Promise<boolean>;
  /** As {@link flush}, without the loop. */
  flushSync(deadlineMs: number): boolean;
  /** Opens the file by its name again, as `fd` already has. */
  reopen(fd: number): void;
  /** No more is written. */
  close(): void;
}

/** What a sink is made of. */
export interface OutletOptions {
  readonly path: string | undefined;
  readonly fd: number;
  readonly fsync: boolean;
  readonly mode: number | undefined;
  readonly mkdir: boolean;
}

/** Lines go into the ring of the thread that writes them. */
class RingOutlet implements LineOutlet {
  readonly #route: number;
  readonly #sink: number;
  readonly #ring = logRing();
  readonly #head: LineHead = { level: 30, time: 0 };

  constructor(options: OutletOptions) {
    const path = options.path === undefined ? undefined : resolve(options.path);
    this.#route = lines.logRoute(path === undefined ? `pino:fd:${options.fd}` : `pino:file:${path}`);
    this.#sink = lines.logSink(
      path === undefined
        ? { kind: 'fd', fd: options.fd }
        : { kind: 'file', path, makeFolder: options.mkdir, sync: options.fsync ? 'always' : 'never' },
    );
    lines.logRouteSet(this.#route, [{ minLevel: 0, sink: this.#sink }]);
    lines.logRecover(this.#route);
  }

  write(text: string): boolean {
    const { call } = this.#ring;
    const head = this.#head;
    readHead(text, head);
    call.level = head.level;
    call.route = this.#route;
    // A line that does not tell its time: what time it is for tests does not matter, its place among other threads' does.
    call.time = head.time >= 0 ? head.time : Date.now();
    if (text.length <= LONGEST) return this.#ring.line(text);
    let kept = true;
    for (let from = 0; from < text.length; ) {
      let to = Math.min(from + LONGEST, text.length);
      // Both halves of a surrogate pair stay in one record.
      if ((text.charCodeAt(to - 1) & 0xfc00) === 0xd800) to -= 1;
      kept = this.#ring.line(text.slice(from, to)) && kept;
      from = to;
    }
    return kept;
  }

  flush(): Promise<boolean> {
    this.#ring.settle();
    return lines.logFlush(FLUSH_MS);
  }

  flushSync(deadlineMs: number): boolean {
    this.#ring.settle();
    return lines.logFlushSync(deadlineMs);
  }

  reopen(): void {
    lines.logSinkReopen(this.#sink);
  }

  close(): void {
    lines.logSinkClose(this.#sink, 0);
  }
}

/** Lines go to the system at once. What it refuses is lost: this is for when Kymo is switched off. */
class PlainOutlet implements LineOutlet {
  #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  write(text: string): boolean {
    try {
      let bytes: Uint8Array = Buffer.from(text);
      while (bytes.length > 0) bytes = bytes.subarray(writeSync(this.#fd, bytes));
      return true;
    } catch {
      return false;
    }
  }

  async flush(): Promise<boolean> {
    return true;
  }

  flushSync(): boolean {
    return true;
  }

  reopen(fd: number): void {
    this.#fd = fd;
  }

  close(): void {
    // The descriptor is the destination's.
  }
}

/** The outlet for a file, or for a descriptor; with Kymo switched off, for `fd` in either case. */
export function lineOutlet(options: OutletOptions, fd: number): LineOutlet {
  return DISABLED || typeof lines.logSink !== 'function' ? new PlainOutlet(fd) : new RingOutlet(options);
}

/** True for a descriptor of a regular file, to which a write never waits for anybody. */
export function isRegularFile(fd: number): boolean {
  try {
    return fstatSync(fd).isFile();
  } catch {
    return false;
  }
}
