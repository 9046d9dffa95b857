// Where the lines of a destination go: a route of the log ring with one native sink on it, or, when Kymo is switched off, the descriptor
// itself. App threads.
import { fstatSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { DISABLED, native } from '../../binding/load.js';
import { logRing } from '../../binding/log-ring.js';
import { perThread } from '../../binding/per-thread.js';
import { type LineHead, readHead } from './line-head.js';

/** Code units of a text that a record takes in any case: up to three bytes each, half of the ring at most. */
const LONGEST = isMainThread ? 512 * 1024 : 128 * 1024;
const NEWLINE = 10;

/** Takes lines for one file or descriptor. */
export interface LineOutlet {
  /** Takes whole lines, see {@link isWhole}. False when they were dropped, which is counted. Never throws, never waits longer than the ring's policy has it. */
  write(text: string): boolean;
  /** Resolves when all that was written before has been handed to the system; false when that takes longer. Keeps the loop alive. */
  flush(deadlineMs: number): Promise<boolean>;
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

/** The way to a place, shared by all destinations of a thread for that place. */
interface Way {
  readonly name: string;
  readonly route: number;
  /** Undefined where another thread has led the route to a sink. */
  readonly sink: number | undefined;
  users: number;
}

/** By the name of the route, the one used last behind the others. */
const ways = perThread('pino.ways', () => new Map<string, Way>());
/** Sinks of files that are kept when nobody uses them any more: lines of other threads may be on their way to them. */
const MOST_IDLE = 4;
const NEW_FILE_MODE = 0o666;
const STANDARD = [1, 2];

/** The way to a place; the first use of a place in a process brings the lines of dead ones there. */
function wayTo(options: OutletOptions): Way {
  const name = options.path === undefined ? `pino:fd:${options.fd}` : `pino:file:${options.path}`;
  const way = ways.get(name) ?? openWay(name, options);
  way.users += 1;
  ways.delete(name);
  ways.set(name, way);
  return way;
}

function openWay(name: string, { path, fd, fsync, mode, mkdir }: OutletOptions): Way {
  const route = native.logRoute(name);
  // Standard streams stay open as long as the process does: one sink will do for all threads.
  if (path === undefined && STANDARD.includes(fd) && native.logRouteIsSet(route)) return { name, route, sink: undefined, users: 0 };
  const file = { daily: false, compression: 'none', mode: mode ?? NEW_FILE_MODE, mkdir, fsync: fsync ? 'always' : 'never' } as const;
  const sink = native.logSink(path === undefined ? { label: name, descriptor: fd } : { label: name, file: { path, ...file } });
  native.logRouteSet(route, [{ minLevel: 0, sink }]);
  native.logRecover(route);
  return { name, route, sink, users: 0 };
}

function leave(way: Way, { path, fd }: OutletOptions): void {
  way.users -= 1;
  if (path === undefined) {
    // The number of a descriptor that is closed now may be another file's next.
    if (way.users === 0 && !STANDARD.includes(fd)) closeWay(way);
    return;
  }
  const idle = [...ways.values()].filter(({ users, name }) => users === 0 && name.startsWith('pino:file:'));
  for (const one of idle.slice(0, Math.max(0, idle.length - MOST_IDLE))) closeWay(one);
}

function closeWay({ name, sink }: Way): void {
  ways.delete(name);
  if (sink !== undefined) native.logSinkClose(sink, 0);
}

/** Lines go into the ring of the thread that writes them. */
class RingOutlet implements LineOutlet {
  readonly #options: OutletOptions;
  readonly #way: Way;
  readonly #ring = logRing();
  readonly #head: LineHead = { level: 30, time: 0 };

  constructor(options: OutletOptions) {
    this.#options = { ...options, path: options.path === undefined ? undefined : resolve(options.path) };
    this.#way = wayTo(this.#options);
  }

  write(text: string): boolean {
    const { call } = this.#ring;
    const head = this.#head;
    readHead(text, head);
    call.level = head.level;
    call.route = this.#way.route;
    // A line that does not tell its time: what time it is for tests does not matter, its place among other threads' does.
    call.time = head.time >= 0 ? head.time : Date.now();
    return this.#ring.line(text);
  }

  flush(deadlineMs: number): Promise<boolean> {
    this.#ring.settle();
    return native.logFlush(deadlineMs);
  }

  flushSync(deadlineMs: number): boolean {
    this.#ring.settle();
    return native.logFlushSync(deadlineMs);
  }

  reopen(): void {
    if (this.#way.sink !== undefined) native.logSinkReopen(this.#way.sink);
  }

  close(): void {
    leave(this.#way, this.#options);
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
  return DISABLED ? new PlainOutlet(fd) : new RingOutlet(options);
}

/** True for text that can go through the ring: whole lines, not too long. */
export function isWhole(text: string): boolean {
  return text.length <= LONGEST && text.charCodeAt(text.length - 1) === NEWLINE;
}

/** True for a descriptor of a regular file, to which a write never waits for anybody. */
export function isRegularFile(fd: number): boolean {
  try {
    return fstatSync(fd).isFile();
  } catch {
    return false;
  }
}
