// What the addon offers for sinks that take log records: native/binding/src/logs/records.rs in TypeScript. Any thread of the process,
// which shares all of it.
import type { PipelineOptions } from './native-export.js';
import type { NativeAttributeValue } from './native-traces.js';

/** What records are made with. */
export interface LogRecordOptions {
  /** Numbers of levels that have names of their own, and these names. */
  readonly levels: readonly number[];
  readonly levelNames: readonly string[];
  /** Attributes of a record; those behind are dropped and counted in it. Infinity: all. */
  readonly maxAttributes: number;
  /** UTF-16 units of a text. Infinity: all. */
  readonly maxAttributeLength: number;
  /** Resource attributes, flat: key, value, key, value. */
  readonly resource: readonly NativeAttributeValue[];
  /** Schema of the resource's attributes; empty: none. */
  readonly schemaUrl: string;
}

/** OTLP protobuf, OTLP/JSON, or an array of maps in msgpack. */
export type LogRecordFormat = 'otlp-protobuf' | 'otlp-json' | 'msgpack';

/** A sink and its two numbers. */
export interface LogExport {
  /** For the calls of {@link NativeExport}, or for `logMemoryRead`. */
  readonly number: number;
  /** For `logRouteSet`. */
  readonly records: number;
}

/** Part of the addon's exports. */
export interface NativeLogRecords {
  /** Makes a pipeline of log records. Each is encoded by the collector while it lies in its ring. */
  logPipeline(options: PipelineOptions<LogRecordFormat>, records: LogRecordOptions): LogExport;
  /** Makes a sink that keeps the last records, at most so many and so many bytes. */
  logMemory(label: string, maxRecords: number, maxBytes: number, records: LogRecordOptions): LogExport;
  /** What a memory keeps, oldest first, as an array of maps in msgpack. */
  logMemoryRead(memory: number): Uint8Array;
  /** Has a memory forget what it keeps. */
  logMemoryClear(memory: number): void;
  /**
   * Has spans decide about held lines, on the collector: one that fails releases those of its trace, a local root that ends well lets them be
   * forgotten. For the whole process.
   */
  logFollowTraces(follow: boolean): void;
}
