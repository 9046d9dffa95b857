// A file per UTC day that a program writes finished lines to by itself. App threads; lines go through the ring of the thread.
import { resolve } from 'node:path';
import { native } from '../../binding/load.js';
import { logRing } from '../../binding/log-ring.js';
import { INFO } from '../levels.js';
import { type FileSinkOptions, fileSink } from './file.js';
import { refuse } from './options.js';
import type { LogSink, OpenedSink, SinkOpening } from './sink.js';

/** Options of {@link RotatingFileSink}. */
export interface RotatingFileSinkOptions extends Omit<FileSinkOptions, 'path' | 'rotate'> {
  /** Folder of the files. */
  readonly dir: string;
  /** Name of the files: of `app.log` they are `app-2026-11-21.log`. Default `app.log`; no path. */
  readonly name?: string;
  /** Days are those of UTC; there are no others. */
  readonly utc?: true;
  /** Files are for days; there are no others. */
  readonly interval?: 'day';
}

/** Longest time for {@link RotatingFileSink.flush} and {@link RotatingFileSink.close} unless told otherwise, in ms. */
const PATIENCE_MS = 5_000;

/**
 * A file per UTC day, as {@link fileSink} with `rotate: 'daily'`: a sink for `configureLogging`, and one that finished lines can be written to.
 * Those survive the process as lines of loggers do. The file is opened when it comes into use.
 */
export class RotatingFileSink implements LogSink {
  readonly name = 'file';
  /** Two sinks with the same options are the same one to `configureLogging`. */
  readonly key: string | undefined;
  readonly #sink: LogSink;
  readonly #path: string;
  /** Open while somebody uses it: the configuration, or lines that were written here. */
  #opened: OpenedSink | undefined;
  #users = 0;
  #route = -1;

  /** @throws KymoError `KYMO_LOG_SINK` */
  constructor(options: RotatingFileSinkOptions) {
    const { dir, name = 'app.log', utc = true, interval = 'day', ...rest } = Object(options) as RotatingFileSinkOptions;
    if (typeof dir !== 'string' || dir === '') refuse('RotatingFileSink', 'dir', dir, 'the path of a folder');
    if (typeof name !== 'string' || !/^[^/\0]+$/.test(name) || name === '.' || name === '..') {
      refuse('RotatingFileSink', 'name', name, 'the name of a file without a folder');
    }
    if (utc !== true) refuse('RotatingFileSink', 'utc', utc, 'true');
    if (interval !== 'day') refuse('RotatingFileSink', 'interval', interval, 'day');
    const stray = ['path', 'rotate'].find((option) => option in rest);
    if (stray !== undefined) refuse('RotatingFileSink', stray, rest[stray as never], 'nothing: dir and name say it');
    this.#path = resolve(dir, name);
    this.#sink = fileSink({ ...rest, path: this.#path, rotate: 'daily' });
    this.key = this.#sink.key;
  }

  open(opening: SinkOpening): OpenedSink {
    this.#opened ??= this.#sink.open(opening);
    this.#users += 1;
    const { sink } = this.#opened;
    let isOpen = true;
    return {
      ...(sink === undefined ? {} : { sink }),
      close: async (timeoutMs) => {
        if (!isOpen) return true;
        isOpen = false;
        return this.#release(timeoutMs);
      },
    };
  }

  /**
   * Writes a finished line as it is; its line ending is added where it has none. Costs what a line of a logger does. Never throws; false when
   * it was dropped, which is counted.
   */
  write(line: string): boolean {
    if (this.#route < 0 && !this.#begin()) return false;
    const writer = logRing();
    const { call } = writer;
    call.level = INFO;
    call.route = this.#route;
    call.bits = 0;
    call.logger = -1;
    call.time = Date.now();
    return writer.line(typeof line === 'string' && line.endsWith('\n') ? line : ended(line));
  }

  /** Everything that was written is in the file, synced where `fsync` says so; false at the deadline. Never rejects. */
  async flush(timeoutMs: number = PATIENCE_MS): Promise<boolean> {
    return this.#opened === undefined ? true : native.logFlush(timeoutMs);
  }

  /** Writes what is left, and closes the file unless the configuration uses it. A later `write` opens it again. False at the deadline. */
  async close(timeoutMs: number = PATIENCE_MS): Promise<boolean> {
    if (this.#route < 0) return true;
    const route = this.#route;
    this.#route = -1;
    const flushed = await native.logFlush(timeoutMs);
    native.logRouteSet(route, []);
    return (await this.#release(timeoutMs)) && flushed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #begin(): boolean {
    try {
      const route = native.logRoute(`file:${this.#path}`);
      const { sink } = this.open({ format: -1, service: undefined });
      native.logRouteSet(route, [{ minLevel: 0, ...(sink === undefined ? {} : { sink }) }]);
      native.logRecover(route);
      this.#route = route;
      return true;
    } catch {
      return false; // A process without threads for it, or no addon. The application goes on.
    }
  }

  async #release(timeoutMs: number): Promise<boolean> {
    this.#users -= 1;
    const opened = this.#opened;
    if (this.#users > 0 || opened === undefined) return true;
    this.#opened = undefined;
    return opened.close(timeoutMs);
  }
}

/** A line with its ending, of whatever a program without types hands over. */
function ended(line: unknown): string {
  try {
    return `${line}\n`;
  } catch {
    return `[${typeof line}]\n`;
  }
}
