// Lines of processes that ended without delivering them, written to where somebody asks. App threads; cold.
import { isAbsolute, resolve } from 'node:path';
import { asKymoError, native } from '../binding/load.js';
import type { NativeLogFormatOptions } from '../binding/native-log-format.js';
import { REDACTED } from './redaction/options.js';
import { compilePatterns } from './redaction/patterns.js';
import { settings } from './settings.js';

/** What lines look like. */
export type RecoveredShape = 'json' | 'text' | 'logfmt';

/** Options of {@link recoverLogs}. */
export interface RecoverLogsOptions {
  /** Name of the service; default: this process's own. */
  readonly service?: string;
  /** Folder in which `kymo-<uid>` lies; default: this process's own (`KYMO_MEMORY_DIR`). */
  readonly dir?: string;
  /** File that the lines are appended to; default: stdout. */
  readonly file?: string;
  /** Default `json`. */
  readonly shape?: RecoveredShape;
  /** Longest wait for the file or stdout to take them, in ms. Default 60,000. */
  readonly deadlineMs?: number;
}

/** What {@link recoverLogs} found. */
export interface LogRecovery {
  /** Dead processes with lines. */
  readonly runs: number;
  /** Lines that were written. */
  readonly lines: number;
  /** Lines that those processes had lost, or that cannot be read. */
  readonly lost: number;
  /** False when they were not taken within the deadline: then the segments are kept, for another try. */
  readonly isComplete: boolean;
}

/**
 * Writes what dead processes of a service had logged and not delivered, once: oldest process first, each in order, with a line behind it
 * that says how many there were. What the same file or stdout had got before the crash is left out. The segments are removed
 * then. A process that is alive is left alone. `configureLogging` does the same for its own sinks at the next start; this is for who does not
 * start the service again. What looks like a secret is hidden, as by `redact: { patterns: true }`, unless this process redacts itself.
 *
 * @throws KymoError `KYMO_MEMORY_FOLDER` when `dir` is given and its folder cannot be trusted, `KYMO_LOG_SINK` when `file` can be none.
 */
export async function recoverLogs({
  service,
  dir,
  file,
  shape = 'json',
  deadlineMs = 60_000,
}: RecoverLogsOptions = {}): Promise<LogRecovery> {
  // Nobody knows what the dead processes were told to hide: unless this one says what, all that looks like a secret is one.
  const isOwn = settings.redaction === undefined;
  try {
    if (isOwn) native.logScrub(compilePatterns(true, REDACTED, false).sources, REDACTED);
    const format: NativeLogFormatOptions = { shape };
    const sink =
      file === undefined
        ? native.logSink({ label: 'recover', descriptor: 1 })
        : native.logSink({
            label: 'recover',
            file: {
              path: isAbsolute(file) ? file : resolve(file),
              daily: false,
              compression: 'none',
              mode: 0o640,
              mkdir: false,
              fsync: 'flush',
            },
          });
    const route = native.logRoute('kymo recover');
    native.logRouteSet(route, [{ minLevel: 0, format: native.logFormat(format), sink }]);
    const wanted = { all: true, ...(service === undefined ? {} : { service }), ...(dir === undefined ? {} : { dir }) };
    const found = native.logRecover(route, wanted);
    return { ...found, isComplete: await native.logFlush(deadlineMs) };
  } catch (error) {
    throw asKymoError(error);
  } finally {
    if (isOwn) native.logScrub([], REDACTED);
  }
}
