// What the addon offers for memory: native/binding/src/memory.rs in TypeScript. Cold calls, any app thread.

/** What a dead process left, as native gives it. */
export interface NativeRun {
  readonly service: string;
  readonly pid: number;
  readonly threads: readonly number[];
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly endedBy: 'clean' | 'signal' | 'uncaught' | 'unclean';
  /** Exit code or signal number. */
  readonly detail?: number;
  readonly metrics: readonly NativeRunMetric[];
  /** Records that made no sense and were left out. */
  readonly damaged: number;
}

/** A metric of a {@link NativeRun}. */
export interface NativeRunMetric {
  readonly name: string;
  readonly help: string;
  /** 1 counter, 2 gauge, 3 histogram, 4 summary, 5 info, 6 state set. */
  readonly kind: number;
  /** Upper bounds without +Inf. */
  readonly bounds: readonly number[];
  /** Of a state set. */
  readonly states: readonly string[];
  readonly series: readonly NativeRunSeries[];
}

/** A series of a {@link NativeRunMetric}. */
export interface NativeRunSeries {
  /** Names and values in turns. */
  readonly labels: readonly string[];
  /** One number; one per state; count and sum of a summary or a histogram without classic buckets; else counts per bucket, +Inf's and the sum. */
  readonly values: readonly number[];
  readonly native?: NativeRunBuckets;
}

/** Exponential buckets of a dead process. */
export interface NativeRunBuckets {
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  readonly count: number;
  readonly sum: number;
  /** Index and count in turns, ascending. */
  readonly positive: readonly number[];
  /** The same below zero. */
  readonly negative: readonly number[];
  /** Ms since 1970. */
  readonly startMs: number;
}

/** Where the segments of this process are. */
export interface MemoryState {
  /** Folder of the segment files; undefined when all memory is anonymous. */
  readonly folder?: string;
  /** Why there is no folder although one was asked for. */
  readonly refusal?: string;
  readonly fileBytes: number;
  readonly anonymousBytes: number;
  /** How often a segment was anonymous instead of a file, or not made at all, by reason. */
  readonly fallbacks: readonly { readonly reason: string; readonly count: number }[];
}

/** Part of the addon's exports. */
export interface NativeMemory {
  /** @throws `KYMO_MEMORY_FOLDER` when `dir` is given and cannot be trusted */
  recoverRuns(options: { readonly service?: string; readonly dir?: string; readonly mark: boolean }): NativeRun[];
  /** Says in all segments how the process ends. */
  markExit(state: number, detail: number): void;
  memoryState(): MemoryState;
}
