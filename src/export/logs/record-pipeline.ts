// A sink of log records whose other end is a pipeline: opened when it comes into use, flushed with a deadline, and at the end of the
// process. App thread; cold.
import { native } from '../../binding/load.js';
import type { LogRecordFormat, LogRecordOptions } from '../../binding/native-log-records.js';
import type { OpenedSink } from '../../logs/sinks/sink.js';
import { ExportPipeline, type PipelinePlan, pipelineOptions } from '../pipeline.js';
import { ProcessEnd } from '../process-end.js';

/** How long the end of a process may be held up, in ms: as for spans. */
const AT_END = { flushMs: 5_000, exitMs: 2_000 } as const;

/** A sink that is open. */
export interface OpenedPipeline extends OpenedSink {
  readonly records: number;
  readonly pipeline: ExportPipeline;
}

/** Opens one. */
export function openRecords(plan: PipelinePlan<LogRecordFormat>, records: LogRecordOptions): OpenedPipeline {
  const made = native.logPipeline(pipelineOptions(plan), records);
  const pipeline = new ExportPipeline(made.number, plan);
  const end = new ProcessEnd([pipeline], AT_END);
  return {
    records: made.records,
    pipeline,
    flush: (timeoutMs) => pipeline.flush(timeoutMs).catch(() => false),
    async close(timeoutMs) {
      const inTime = await pipeline.shutdown(timeoutMs);
      end.release();
      return inTime;
    },
  };
}

let made = 0;

/** A key that no other sink has: the same object, configured again, stays open. */
export function ownKey(name: string): string {
  made += 1;
  return `${name}#${made}`;
}
