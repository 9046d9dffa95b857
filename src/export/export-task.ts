// What the main thread gives an exporter's thread once, when its task begins, and the words of memory through which the two see one
// another afterwards. Pure data; both threads.
import type { MessagePort } from 'node:worker_threads';
import type { OtlpSignal } from './otlp/endpoint.js';
import type { OtlpTarget } from './otlp/options.js';
import type { RetrySettings } from './retry.js';
import type { SpanIdText } from './span-batch.js';

/** How batches of a pipeline leave the process. */
export type Destination =
  | { readonly kind: 'otlp'; readonly target: OtlpTarget }
  /** An exporter of the application: a module, what it exports, and what that is called with. */
  | {
      readonly kind: 'module';
      readonly signal: OtlpSignal;
      readonly url: string;
      readonly options: unknown;
      /** Of spans. */
      readonly idFormat: SpanIdText | undefined;
    };

/** A long-lived task: exports a pipeline until it is closed. */
export interface ExportTask {
  /** Number of the pipeline; native state belongs to the process. */
  readonly pipeline: number;
  /** Name of the exporter in metrics and warnings. */
  readonly label: string;
  readonly destination: Destination;
  readonly retry: RetrySettings;
  /** Longest time that a span waits for its batch to fill, in ms. */
  readonly scheduleDelayMs: number;
  /** Int32 words at {@link PROGRESS}. */
  readonly progress: SharedArrayBuffer;
  /** A message on it means: give up the batch that is under way. Absent on the main thread. */
  readonly control?: MessagePort;
}

/** Places of the words in {@link ExportTask.progress}; written by the exporter's thread, read by the main thread. */
export const PROGRESS = Object.freeze({
  /** One of {@link EXPORTING}. */
  state: 0,
  /** Number of the batch that is out, 0 for none. */
  batch: 1,
  /** Batches that were settled, wrapping. */
  settled: 2,
});

/** What the exporter's thread does. */
export const EXPORTING = Object.freeze({ notStarted: 0, waits: 1, sends: 2, backsOff: 3, ended: 4 });

/** Memory for the words of {@link PROGRESS}. */
export function newProgress(): SharedArrayBuffer {
  return new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT);
}
