// What the addon offers for spans: native/binding/src/traces in TypeScript. Any thread of the process, which shares all of it.
import type { PipelineOptions } from './native-export.js';

/** A value of an attribute of a resource or scope. */
export type NativeAttributeValue = string | number | boolean | null | readonly NativeAttributeValue[];

/** A provider of tracers as native sees it: what its spans have in common, and what is done with them. */
export interface TracesHostOptions {
  /** Resource attributes, flat: key, value, key, value. */
  readonly resource: readonly NativeAttributeValue[];
  /** Schema of the resource's attributes; empty: none. */
  readonly schemaUrl: string;
  /** Completed traces that are kept for `/trace`, in [0, 1,000,000]. */
  readonly retainedTraces: number;
  /** Bytes that the kept traces may take. */
  readonly retainedBytes: number;
  /** Rules of tail sampling; without them every sampled span is exported at once. */
  readonly tail?: NativeTailRules;
}

/** Which share of traces a rule keeps: the ratio, raised or lowered by rates per route. */
export interface NativeTailShare {
  /** In [0, 1]. */
  readonly ratio: number;
  /** 0: none. */
  readonly minPerSecond: number;
  /** Infinity: none. */
  readonly maxPerSecond: number;
}

/** Rules of tail sampling, checked and completed: the first one that applies decides, in the order of this list. */
export interface NativeTailRules {
  readonly errors?: NativeTailShare;
  /** `equals` counts before `atLeast`; without either the attribute has to be there. */
  readonly attributes: readonly {
    readonly key: string;
    readonly equals?: readonly (string | number | boolean)[];
    readonly atLeast?: number;
    readonly share: NativeTailShare;
  }[];
  readonly slow?: {
    /** In (0, 1). */
    readonly quantile: number;
    readonly factor: number;
    readonly minCount: number;
    readonly minDurationMs: number;
    readonly share: NativeTailShare;
  };
  readonly rest: NativeTailShare;
  readonly routeAttribute: string;
  readonly decisionTimeoutMs: number;
  readonly maxTraces: number;
  readonly maxBytes: number;
  readonly maxDecisions: number;
  readonly maxRoutes: number;
}

/** A span ring as native made it for the calling thread. */
export interface SpanRingOptions {
  readonly sizeBytes: number;
  readonly threadId: number;
}

/** Part of the addon's exports. */
export interface NativeTraces {
  /** Makes a host. Cold. */
  tracesHost(options: TracesHostOptions): number;
  /** Ends a host: its pipelines are closed, its retained traces are given back. */
  tracesHostClose(host: number): void;
  /** Has tail sampling decide about traces whose local root has not ended, now and from now on: before the last flush. */
  tracesDecide(host: number): void;
  /** Id of a scope (a tracer) in [0, 65,534]; the same one for the same words; 65,535 when no more can be had. */
  tracesScope(host: number, name: string, version: string, schemaUrl: string, attributes: readonly NativeAttributeValue[]): number;
  /** Adds a pipeline to a host: every span that ends from now on. OTLP protobuf, OTLP/JSON, or an array of maps in msgpack. */
  tracesPipeline(host: number, options: PipelineOptions<'protobuf' | 'json' | 'msgpack'>): number;
  /** Counts spans that a thread lost before they got into a ring. */
  tracesDropped(reason: string, spans: number): void;
  /** The last `count` completed traces, oldest first, as JSON; rings are drained before. Blocks up to a second. */
  tracesRecent(host: number, count: number): string;
  /** A retained trace as JSON by its 32 hex digits; undefined when it is not there. */
  tracesFind(host: number, traceId: string): string | undefined;
  /** The last `count` completed traces as a file. */
  tracesFile(host: number, format: 'chrome' | 'speedscope' | 'otlp', count: number): Uint8Array;
  /** Opens the calling thread's span ring; see {@link NativeRing}. Fails with `KYMO_RING_OPEN`. */
  spanRingOpen(options: SpanRingOptions): { readonly ring: number; readonly buffer?: ArrayBuffer; readonly longestBytes: number };
  /** Wall clock minus monotonic clock in ms, by anchor number, newest last. */
  tracesAnchors(): readonly number[];
}
