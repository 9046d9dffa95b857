// Sinks into files. App threads; the files are written and looked after by native threads.

import type { NativeFileOptions } from '../../binding/native-log-sinks.js';
import { type LogLevelLike, levelNumber } from '../levels.js';
import { lineSink } from './line-sink.js';
import { backlog, CheckedOptions, LINE_OPTIONS, type LineSinkOptions } from './options.js';
import type { LogSink } from './sink.js';

/** Age in days beyond which a log file that is named by its day is deleted: one of day D goes when today (UTC) - D is more. */
export const LOG_RETENTION_DAYS = 14;

/** Options of {@link fileSink}. */
export interface FileSinkOptions extends LineSinkOptions {
  /**
   * The file; relative to the working directory. With turns it is the pattern of their names: lines of `/var/log/app.log` go to
   * `/var/log/app-2026-11-21.log`, then `app-2026-11-21.1.log`.
   */
  readonly path: string;
  /** `daily` (default): a new file at each midnight UTC. `none`: the very file of `path`, unless `maxBytes` is given. */
  readonly rotate?: 'daily' | 'none';
  /** Bytes beyond which a new file is begun, in [1024, 2^50]. Without it, a quarter of `maxTotalBytes`, else a file grows without a limit. */
  readonly maxBytes?: number;
  /** Age in days beyond which files are deleted, in [0, 36500]; default {@link LOG_RETENTION_DAYS}; `false`: at no age. */
  readonly retentionDays?: number | false;
  /** Bytes of all files of this sink together, in [4096, 2^53 - 1]: the oldest are deleted. Looked at when a file is begun, and every so often. */
  readonly maxTotalBytes?: number;
  /** How files are packed when the next one is begun; default `none`. */
  readonly compress?: 'none' | 'gzip' | 'zstd';
  /** Permission bits of new files, before the umask, in [0, 0o777]; default `0o640`. */
  readonly mode?: number;
  /** Makes a folder that is missing, at the start and whenever it was removed; default true. */
  readonly mkdir?: boolean;
  /**
   * When lines are brought to the device (`fdatasync`): `never` (default) leaves it to the system: written lines survive the process, not a
   * loss of power. `flush`: at each flush. `always`: at each write. A level: at each write that has such a line or a higher one, and at each flush.
   */
  readonly fsync?: 'never' | 'flush' | 'always' | LogLevelLike;
  /** Opens the file anew on this signal, as tools that move files expect; not needed for files to be noticed that were moved. Main thread only. */
  readonly reopenOn?: NodeJS.Signals;
}

const NAMES = [
  ...LINE_OPTIONS,
  ...(['path', 'rotate', 'maxBytes', 'retentionDays', 'maxTotalBytes', 'compress', 'mode', 'mkdir', 'fsync', 'reopenOn'] as const),
];
const LEAST_BYTES = 1_024;

/**
 * Lines in a file, or in files by UTC day and size, which are packed and deleted as the options say. Safe for several processes on the
 * same files, for files that are moved, emptied or deleted, and for full disks: lines then wait, and are counted when they cannot.
 * @throws KymoError `KYMO_LOG_SINK` for options that cannot be used. What is wrong with the file is told when it is written.
 */
export function fileSink(options: FileSinkOptions): LogSink {
  const checked = new CheckedOptions<FileSinkOptions>('fileSink', options, NAMES);
  const file = checkFile(checked);
  const reopenOn = checked.value('reopenOn');
  if (reopenOn !== undefined && (typeof reopenOn !== 'string' || !/^SIG[A-Z0-9]{2,8}$/.test(reopenOn))) {
    checked.refuse('reopenOn', 'the name of a signal, such as SIGHUP');
  }
  const native = { label: `file:${file.path}`, file, ...backlog(checked) };
  return lineSink({ name: 'file', options: () => native, ...(reopenOn === undefined ? {} : { reopenOn }) });
}

/** Checks and completes what is said about files. */
export function checkFile(options: CheckedOptions<FileSinkOptions>): NativeFileOptions {
  const daily = options.word('rotate', ['daily', 'none'], 'daily') === 'daily';
  const maxTotalBytes = options.whole('maxTotalBytes', [4 * LEAST_BYTES, Number.MAX_SAFE_INTEGER], undefined);
  const share = maxTotalBytes === undefined ? undefined : Math.floor(maxTotalBytes / 4);
  const maxBytes = options.whole('maxBytes', [LEAST_BYTES, share === undefined ? 2 ** 50 : share * 4], share);
  const kept = options.value('retentionDays');
  const retentionDays = kept === false ? undefined : options.whole('retentionDays', [0, 36_500], LOG_RETENTION_DAYS);
  return {
    path: options.path('path'),
    daily,
    ...(maxBytes === undefined ? {} : { maxBytes }),
    ...(retentionDays === undefined ? {} : { retentionDays }),
    ...(maxTotalBytes === undefined ? {} : { maxTotalBytes }),
    compression: options.word('compress', ['none', 'gzip', 'zstd'], 'none'),
    mode: options.whole('mode', [0, 0o777], 0o640),
    mkdir: options.flag('mkdir', true),
    ...checkFsync(options),
  };
}

function checkFsync(options: CheckedOptions<FileSinkOptions>): Pick<NativeFileOptions, 'fsync' | 'fsyncLevel'> {
  const fsync = options.value('fsync') ?? 'never';
  if (fsync === 'never' || fsync === 'flush' || fsync === 'always') return { fsync };
  const fsyncLevel = levelNumber(fsync);
  if (fsyncLevel === undefined || !Number.isInteger(fsyncLevel)) return options.refuse('fsync', 'never, flush, always, or a level');
  return { fsync: 'flush', fsyncLevel };
}
