// What the addon offers for pipelines of every signal: native/binding/src/export in TypeScript. Any thread of the process, which shares
// all of it.

/** How a pipeline queues, batches and encodes. */
export interface PipelineOptions<Format extends string = string> {
  /** Name of the exporter in the label values of Kymo's own metrics. */
  readonly label: string;
  readonly format: Format;
  readonly compression: 'none' | 'gzip' | 'zstd';
  /** Items (spans, log records) that may wait, in [1, 2^24]; the oldest are dropped. */
  readonly maxQueueItems: number;
  /** Bytes of items that may wait. */
  readonly maxQueueBytes: number;
  /** Items of a batch, in [1, maxQueueItems]. */
  readonly maxBatchItems: number;
  /** Bytes of an encoded batch before compression; a single item beyond it is dropped. */
  readonly maxBatchBytes: number;
}

/** A batch on its way. */
export interface ExportBatch {
  /** Number for {@link NativeExport.pipelineDone}. */
  readonly batch: number;
  readonly items: number;
  /** Encoded and compressed. */
  readonly body: Uint8Array;
  /** Bytes before compression. */
  readonly plainBytes: number;
}

/** What became of the items of a pipeline. */
export interface PipelineState {
  readonly queued: number;
  readonly queuedBytes: number;
  readonly inFlight: number;
  readonly exported: number;
  /** Lost items by reason; reasons with none are absent. */
  readonly dropped: Readonly<Record<string, number>>;
}

/** Part of the addon's exports. */
export interface NativeExport {
  /** Resolves when a full batch waits, a flush was asked for, or the pipeline is closed. One call at a time per pipeline. */
  pipelineReady(pipeline: number): Promise<'batch' | 'flush' | 'closed'>;
  /** The oldest batch, encoded on the calling thread; null when nothing waits or a batch is out. */
  pipelineTake(pipeline: number): ExportBatch | null;
  /**
   * Says what became of the batch that is out: `again` puts its items back in front of the queue. `rejected` items of an exported
   * batch are counted as dropped.
   */
  pipelineDone(pipeline: number, batch: number, outcome: 'exported' | 'dropped' | 'again', rejected: number, reason: string): void;
  /** Drains the rings, then waits until all that was there before is done: false at the deadline. */
  pipelineFlush(pipeline: number, deadlineMs: number): Promise<boolean>;
  /** Takes no more items; what waits is counted as dropped by `shutdown`. `pipelineReady` answers `closed`. */
  pipelineClose(pipeline: number): void;
  pipelineState(pipeline: number): PipelineState;
  /** Counts an exporter's failure that cost no item. */
  pipelineError(pipeline: number): void;
}
