// A sink whose lines native code writes, as it is described and opened. App threads.
import { asKymoError, native } from '../../binding/load.js';
import type { NativeSinkOptions } from '../../binding/native-log-sinks.js';
import type { LogSink, OpenedSink, SinkOpening } from './sink.js';

/** How a line sink differs from others. */
export interface LineSinkParts {
  /** See {@link LogSink.name}. */
  readonly name: string;
  /** What native makes a sink of. */
  options(opening: SinkOpening): NativeSinkOptions;
  /** On this signal of the process its file is opened anew. */
  readonly reopenOn?: NodeJS.Signals;
}

/** Describes a sink. Its key is made of its options: two with the same ones are the same sink. */
export function lineSink({ name, options, reopenOn }: LineSinkParts): LogSink {
  const asked = options({ format: -1, service: undefined });
  return {
    name,
    key: JSON.stringify([asked, reopenOn]),
    open: (opening) => openLines(options(opening), reopenOn),
  };
}

function openLines(options: NativeSinkOptions, reopenOn: NodeJS.Signals | undefined): OpenedSink {
  let sink: number;
  try {
    sink = native.logSink(options);
  } catch (error) {
    throw asKymoError(error);
  }
  const reopen = (): void => native.logSinkReopen(sink);
  if (reopenOn !== undefined) process.on(reopenOn, reopen);
  return {
    sink,
    async close(timeoutMs) {
      if (reopenOn !== undefined) process.off(reopenOn, reopen);
      const begun = performance.now();
      // Lines that are still in rings are none of the sink's yet; and waiting here keeps the loop free.
      await native.logFlush(timeoutMs);
      return native.logSinkClose(sink, Math.max(0, timeoutMs - (performance.now() - begun)));
    },
  };
}
