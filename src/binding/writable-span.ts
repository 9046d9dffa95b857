// What the span writer reads: an ended span as the memory of its own, all of it plain data. Types only; app threads.
//
// The public names of a span (`attributes`, `events`, `links`, `end`) mean what users expect of them, so that what is written has
// names of its own.

/** A wall-clock time that somebody gave: whole seconds since 1970 and the nanoseconds in [0, 999,999,999] after them. */
export type WallTime = readonly [seconds: number, nanoseconds: number];

/** A time of a span: ms of the monotonic clock as `now()` of span-clock.ts gives them, or a wall-clock time. */
export type SpanTime = number | WallTime;

/**
 * Attributes one after another: key, value, key, value. Values are plain: strings, numbers, booleans, bigints of 64 bits, null, and
 * arrays and objects made of those by the span itself, limited in depth and without cycles. Each key occurs once.
 */
export type FlatAttributes = unknown[];

/** An event as it is written. */
export interface WritableEvent {
  readonly name: string;
  readonly time: SpanTime;
  readonly pairs: FlatAttributes | undefined;
  /** Attributes lost to the limit. */
  readonly dropped: number;
}

/** A link as it is written. */
export interface WritableLink {
  readonly t0: number;
  readonly t1: number;
  readonly t2: number;
  readonly t3: number;
  readonly s0: number;
  readonly s1: number;
  /** W3C flags in bits 0 to 7, bit 9: the span context came from elsewhere. */
  readonly flags: number;
  readonly traceStateText: string;
  readonly pairs: FlatAttributes | undefined;
  readonly dropped: number;
}

/** What most spans have nothing of. */
export interface WritableRest {
  readonly eventList: readonly WritableEvent[] | undefined;
  readonly linkList: readonly WritableLink[] | undefined;
  readonly statusText: string;
  readonly traceStateText: string;
  readonly droppedAttributes: number;
  readonly droppedEvents: number;
  readonly droppedLinks: number;
}

/** A span that has ended. */
export interface WritableSpan {
  /** Words of the trace id, int32, most significant first. */
  readonly t0: number;
  readonly t1: number;
  readonly t2: number;
  readonly t3: number;
  /** Words of the parent's span id; 0, 0: a root. */
  readonly p0: number;
  readonly p1: number;
  /** `SPAN_*` bits of the layout: flags, kinds, status. */
  readonly bits: number;
  /** Id of the tracer as `tracesScope` gave it. */
  readonly scope: number;
  /** Number of the wall-clock anchor of the local trace. */
  readonly clock: number;
  readonly name: string;
  readonly startedAt: SpanTime;
  readonly endedAt: SpanTime;
  /** `performance.now()` at the start: {@link startedAt} without a sum for which V8 would make a box. */
  readonly started?: SpanTime;
  /** Nanoseconds from {@link started} to the end; where both are numbers, {@link startedAt} and {@link endedAt} are not read. */
  readonly elapsed?: SpanTime | undefined;
  readonly pairs: FlatAttributes | undefined;
  /** With {@link used}: `pairs` in an array that has room for more, which is not to be read. */
  readonly slots?: FlatAttributes | undefined;
  /** Elements of {@link slots}; undefined where there are none and `pairs` is meant. */
  readonly used?: number;
  readonly rest: WritableRest | undefined;
}
