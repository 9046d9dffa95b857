// Sinks into the standard output and error, or another descriptor that the process was started with. App threads.

import { lineSink } from './line-sink.js';
import { backlog, CheckedOptions, LINE_OPTIONS, type LineSinkOptions } from './options.js';
import type { LogSink } from './sink.js';

/** Options of {@link descriptorSink}. */
export interface DescriptorSinkOptions extends LineSinkOptions {
  /** Number of an open descriptor, in [0, 2^31 - 1]. It is never closed, and its flags are never changed. */
  readonly fd: number;
}

/**
 * Lines on the standard output. A thread of its own waits for the reader, so that one who does not read stops neither the program nor other
 * sinks. Processes that share a pipe never mix their lines, up to 4 KiB a line.
 */
export function stdoutSink(options: LineSinkOptions = {}): LogSink {
  return standard('stdoutSink', 'stdout', 1, options);
}

/** Lines on the standard error; as {@link stdoutSink}. */
export function stderrSink(options: LineSinkOptions = {}): LogSink {
  return standard('stderrSink', 'stderr', 2, options);
}

/**
 * Lines into a descriptor; as {@link stdoutSink}. If it is closed and its number given to another file, nothing is written there.
 * @throws KymoError `KYMO_LOG_SINK` for options that cannot be used, and for a descriptor that is not open when the sink comes into use
 */
export function descriptorSink(options: DescriptorSinkOptions): LogSink {
  const checked = new CheckedOptions<DescriptorSinkOptions>('descriptorSink', options, [...LINE_OPTIONS, 'fd']);
  const descriptor = checked.whole('fd', [0, 2 ** 31 - 1], undefined) ?? checked.refuse('fd', 'the number of an open descriptor');
  const native = { label: `fd:${descriptor}`, descriptor, ...backlog(checked) };
  return lineSink({ name: 'descriptor', options: () => native });
}

function standard(name: string, label: string, descriptor: number, options: LineSinkOptions): LogSink {
  const native = { label, descriptor, ...backlog(new CheckedOptions<LineSinkOptions>(name, options, LINE_OPTIONS)) };
  return lineSink({ name: label, options: () => native });
}
