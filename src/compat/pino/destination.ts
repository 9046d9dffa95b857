// `pino.destination`: a file or descriptor that lines are written to. App threads.
//
// A line is in memory that outlives the process when `write` returns; native code writes it to its place soon after. Nothing here waits for
// a disk or a reader, but `flushSync` and destinations with `sync: true`.
import { isUtf8 } from 'node:buffer';
import { EventEmitter } from 'node:events';
import { close, constants, mkdirSync, open, openSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { native } from '../../binding/load.js';
import { type DestinationOptions, type Place, placeOf } from './destination-options.js';
import { levelOf } from './line-head.js';
import { isRegularFile, isWhole, type LineOutlet, lineOutlet } from './line-outlet.js';

export type { DestinationOptions } from './destination-options.js';

/** Characters after which `write` asks for a pause. */
const HIGH_WATER = 16 * 1024 - 1;
/** Milliseconds after which `flush` calls back with an error. */
const FLUSH_MS = 5_000;
/** Milliseconds that `drain` is waited for at a time. */
const WATCH_MS = 1_000;
/** Milliseconds that a synchronous flush waits for a reader. */
const FLUSH_SYNC_MS = 2_000;
/** Milliseconds that a line with `sync: true` waits for a reader, once per stall. */
const PATIENCE_MS = 100;

const EMPTIED = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_APPEND;

// Captured before a test can fake it: `ready` comes all the same.
const soon = process.nextTick;

/** What `pino.destination` gives. */
export class Destination extends EventEmitter {
  fd: number;
  file: string | null = null;
  destroyed = false;
  writable = true;
  readonly sync: boolean;
  readonly minLength: number;
  readonly maxLength: number;
  readonly maxWrite: number;
  readonly append: boolean;
  readonly mode: string | number | null;
  readonly mkdir: boolean;
  readonly #place: Place;
  /** Undefined until a file that is no regular one is open. */
  #outlet: LineOutlet | undefined;
  /** What was written before there was an outlet. */
  #early: (string | Uint8Array)[] = [];
  /** True when writing to {@link fd} waits for nobody. */
  #isFile = false;
  /** Characters that were written, and those of them that are known to be in their place. */
  #written = 0;
  #placed = 0;
  /** Bytes that `write` is to be told of. */
  #untold = 0;
  #isWatching = false;
  #ending = false;
  #isOpen = false;
  /** What was written last has no line ending: what follows is written behind it, past the ring, which holds whole lines. */
  #isInsideLine = false;
  /** The last synchronous wait was in vain. */
  #isStalled = false;

  /** @throws {Error} for a place that cannot be, and with `sync: true` for a file that cannot be opened */
  constructor(place: Place) {
    super();
    this.#place = place;
    this.fd = place.fd;
    this.sync = place.sync;
    this.minLength = place.minLength;
    this.maxLength = place.maxLength;
    this.maxWrite = place.maxWrite;
    this.append = place.append;
    this.mode = place.mode ?? null;
    this.mkdir = place.mkdir;
    if (place.path === undefined) this.#begin(place.fd);
    else this.#open(place.path);
  }

  /**
   * Takes a line, or any text. Never throws: after the end, or with no room, it is dropped and counted.
   * @returns false when more than 16 KiB wait; `drain` follows
   */
  write(data: string | Uint8Array): boolean {
    const text = typeof data === 'string' ? data : textOf(data);
    if (this.destroyed) {
      native.logLost(levelOf(text), 1);
      return false;
    }
    if (this.maxLength > 0 && this.#written - this.#placed + text.length > this.maxLength) {
      this.#watch();
      this.emit('drop', data);
      return this.#written - this.#placed < HIGH_WATER;
    }
    const isHeard = this.listenerCount('drain') > 0 || this.listenerCount('write') > 0;
    if (isHeard) this.#untold += typeof data === 'string' ? Buffer.byteLength(data) : data.length;
    if (this.#outlet === undefined) {
      this.#written += text.length;
      this.#early.push(data);
    } else if (this.sync) {
      this.#writeNow(text, data);
    } else if (isWhole(text) && !this.#isInsideLine) {
      this.#written += text.length;
      this.#outlet.write(text);
    } else {
      this.#writeHere(data);
    }
    if (isHeard || this.maxLength > 0) this.#watch();
    return this.#written - this.#placed < HIGH_WATER;
  }

  /** Who waits for `drain` is told of it: while nobody does, nobody asks native code how far it is. */
  override on(event: string | symbol, listener: (...args: never[]) => void): this {
    super.on(event, listener as () => void);
    if (event === 'drain' && this.#placed < this.#written && !this.destroyed) this.#watch();
    return this;
  }

  override addListener(event: string | symbol, listener: (...args: never[]) => void): this {
    return this.on(event, listener);
  }

  /** Calls back once all that was written before is in its place, with the error if it could not be brought there. */
  flush(done?: (error?: Error) => unknown): void {
    if (done !== undefined && done !== null && typeof done !== 'function') throw new Error('flush cb must be a function');
    if (this.destroyed) {
      if (done) soon(done, new Error('SonicBoom destroyed'));
      return;
    }
    this.#whenOpen((error) => {
      if (error !== undefined) done?.(error);
      else this.#flushed().then((isDone) => (isDone ? done?.() : done?.(new Error('the destination is stalled'))));
    });
  }

  /** Returns when all that was written before is in its place, after two seconds in any case. */
  flushSync(): void {
    if (this.destroyed || this.#outlet === undefined) return;
    this.#waitFor(FLUSH_SYNC_MS);
  }

  /**
   * Opens the file again by its name, or another one, for log rotation. One that cannot be opened is told to `error`, if anybody listens;
   * lines then go where they went.
   * @throws {Error} for a descriptor
   */
  reopen(file?: string): void {
    if (this.destroyed) return;
    const path = file ?? this.file;
    if (path === null) throw new Error('Unable to reopen a file descriptor, you must pass a file to SonicBoom');
    let fd: number;
    try {
      fd = this.#openFile(path, true);
    } catch (error) {
      if (this.listenerCount('error') > 0) soon(() => this.emit('error', error));
      return;
    }
    const old = this.fd;
    if (path === this.file) this.#outlet?.reopen(fd);
    else {
      this.#outlet?.flushSync(FLUSH_SYNC_MS);
      this.#outlet?.close();
      this.#outlet = lineOutlet(this.#sinkOptions(path), fd);
    }
    this.file = path;
    this.fd = fd;
    this.#isFile = isRegularFile(fd);
    if (old > 2) close(old, () => undefined);
    soon(() => {
      this.emit('ready');
      this.emit('drain');
    });
  }

  /** Writes what waits, then closes: `finish` and `close` follow. */
  end(): void {
    if (this.destroyed || this.#ending) return;
    this.#ending = true;
    this.#whenOpen((error) => {
      if (error === undefined) this.#finish();
    });
  }

  /** Closes at once. What is in the ring is still written. */
  destroy(): void {
    if (!this.destroyed) this.#close();
  }

  #sinkOptions(path: string | undefined) {
    const { fd, fsync, mkdir, mode } = this.#place;
    return { path, fd, fsync, mkdir, mode: typeof mode === 'string' ? Number.parseInt(mode, 8) : mode };
  }

  /** Opens a file as the options have it; `again` leaves what is in it. */
  #openFile(path: string, again = false): number {
    const { mkdir, append, mode } = this.#place;
    if (mkdir) mkdirSync(dirname(path), { recursive: true });
    // Emptied or not, what is written goes to the end: native code writes to the file as well.
    return openSync(path, append || again ? 'a' : EMPTIED, mode);
  }

  #open(path: string): void {
    this.file = path;
    const known = statSync(path, { throwIfNoEntry: false });
    if (this.sync || known === undefined || known.isFile()) {
      let fd: number;
      try {
        fd = this.#openFile(path);
      } catch (error) {
        if (this.sync) throw error;
        this.#refused(error as Error);
        return;
      }
      this.#begin(fd);
      return;
    }
    // A pipe or a device may let its opener wait.
    open(path, 'a', (error, fd) => {
      if (error === null) this.#begin(fd);
      else this.#refused(error);
    });
  }

  #begin(fd: number): void {
    if (this.destroyed) return;
    this.fd = fd;
    this.#isFile = isRegularFile(fd);
    const { path } = this.#place;
    const isNamed = path !== undefined && this.#isFile;
    this.#outlet = lineOutlet(isNamed ? this.#sinkOptions(path) : { ...this.#sinkOptions(undefined), fd }, fd);
    const early = this.#early;
    this.#early = [];
    for (const data of early) {
      const text = typeof data === 'string' ? data : textOf(data);
      if (isWhole(text) && !this.#isInsideLine) this.#outlet.write(text);
      else this.#writeHere(data);
    }
    soon(() => {
      if (this.destroyed) return;
      this.#isOpen = true;
      this.emit('ready');
      if (!this.#isWatching || this.#ending) return;
      this.#isWatching = false;
      this.#watch();
    });
  }

  /** The file cannot be opened: a mistake of whoever named it, which ends the process unless somebody listens, as in pino. */
  #refused(error: Error): void {
    this.#ending = true;
    for (const data of this.#early) native.logLost(levelOf(typeof data === 'string' ? data : textOf(data)), 1);
    this.#early = [];
    soon(() => {
      this.destroyed = true;
      this.writable = false;
      this.emit('error', error);
    });
  }

  #whenOpen(act: (error?: Error) => void): void {
    if (this.#isOpen) act();
    else {
      const settle = (error?: Error): void => {
        this.off('ready', opened);
        this.off('close', closed);
        act(error);
      };
      const opened = (): void => settle();
      const closed = (): void => settle(new Error('SonicBoom destroyed'));
      this.once('ready', opened);
      this.once('close', closed);
    }
  }

  /** Writes on this thread what cannot go through the ring: parts of lines, half a mebibyte of text, bytes that are no text. */
  #writeHere(data: string | Uint8Array): void {
    if (data.length === 0) return;
    this.#isInsideLine = data.at(-1) !== (typeof data === 'string' ? '\n' : 10);
    if (this.#written !== this.#placed) this.#waitFor(FLUSH_SYNC_MS);
    if (!this.#isStalled && writeAll(this.fd, typeof data === 'string' ? Buffer.from(data) : data)) this.#tell();
    else native.logLost(levelOf(typeof data === 'string' ? data : textOf(data)), 1);
  }

  /** Has the line in its place before it returns: a file takes it at once, and a reader that stalls is waited for once. */
  #writeNow(text: string, data: string | Uint8Array): void {
    // With nothing of this destination in the ring, which might come later than this line.
    if (this.#isFile && this.#written === this.#placed && writeAll(this.fd, typeof data === 'string' ? Buffer.from(data) : data)) {
      this.#tell();
      return;
    }
    if (!isWhole(text) || this.#isInsideLine) {
      this.#writeHere(data);
      return;
    }
    this.#outlet?.write(text);
    this.#written += text.length;
    if (!this.#isStalled) this.#waitFor(PATIENCE_MS);
    if (this.#isStalled) this.#watch();
  }

  #waitFor(deadlineMs: number): void {
    this.#isStalled = this.#outlet?.flushSync(deadlineMs) === false;
    if (this.#isStalled) return;
    this.#placed = this.#written;
    this.#tell();
  }

  #tell(): void {
    const bytes = this.#untold;
    this.#untold = 0;
    if (bytes > 0) this.emit('write', bytes);
  }

  /** Resolves when what was written before is in its place; false when that took too long. */
  async #flushed(deadlineMs = FLUSH_MS): Promise<boolean> {
    const written = this.#written;
    if ((await this.#outlet?.flush(deadlineMs)) === false) return false;
    this.#placed = Math.max(this.#placed, written);
    this.#isStalled = false;
    this.#tell();
    return true;
  }

  /** Tells `write` and `drain` when what was written is in its place. One watch at a time. */
  #watch(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    if (!this.#isOpen) return;
    this.#flushed(WATCH_MS).then((isDone) => {
      this.#isWatching = false;
      // A place that takes nothing is asked again by the next line: waiting for it must not keep the process alive.
      if (this.destroyed || !isDone) return;
      if (this.#placed < this.#written) this.#watch();
      else if (!this.#ending) this.emit('drain');
    });
  }

  /** What is written while this waits is waited for as well. */
  async #finish(): Promise<void> {
    while ((await this.#flushed()) && this.#placed < this.#written);
    if (this.destroyed) return;
    this.emit('finish');
    this.#close();
  }

  #close(): void {
    this.destroyed = true;
    this.writable = false;
    this.#outlet?.close();
    const done = (): void => void soon(() => this.emit('close'));
    // Standard streams are the process's.
    if (this.fd > 2) close(this.fd, done);
    else done();
  }
}

/** Bytes as text, if they are UTF-8; else a text that is not whole. */
function textOf(data: Uint8Array): string {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return isUtf8(bytes) ? bytes.toString() : bytes.toString('latin1').concat('\0');
}

/** Writes bytes to a descriptor; false when the system refuses them. */
function writeAll(fd: number, bytes: Uint8Array): boolean {
  try {
    for (let rest = bytes; rest.length > 0; ) rest = rest.subarray(writeSync(fd, rest));
    return true;
  } catch {
    // The disk is full, or the file has gone. Native code, which gets the line then, tries again and counts.
    return false;
  }
}

/**
 * A destination for lines: a path, a descriptor, or options with either; standard output without an argument.
 * @throws {Error} pino's errors for what cannot be
 */
export function destination(given?: DestinationOptions | string | number | object): Destination {
  return new Destination(placeOf(given));
}
