// Offsets, sizes, tags and version of a segment; pure data, any thread. Generated from native/core/src/layout.rs by
// `cargo run -p kymo-core --example generate`: do not edit.

/** Layout version. A reader refuses any other. */
export const VERSION = 1;

/** A header fills one page, so that metadata starts on a page of its own. */
export const HEADER_SIZE = 4096;

/** u32: one of `KIND_CELLS`, `KIND_RING`, `KIND_OVERFLOW`. */
export const KIND_AT = 0x00c;

/** u64: bytes of the whole segment. */
export const SIZE_AT = 0x010;

/** u32: Node's thread id of the current owner (0 = main thread). */
export const THREAD_AT = 0x034;

/** i32: see the map. */
export const EPOCH_AT = 0x200;

/** i32: producer's position in bytes, multiple of 8, wraps. */
export const RING_HEAD_AT = 0x280;

/** i32: not 0 while the producer builds a record; JS only. It is here so that two copies of the JS agree (W2). */
export const RING_BUILDING_AT = 0x284;

/** i32: the producer's last reading of `RING_RELEASED_AT`; JS only. */
export const RING_SEEN_AT = 0x288;

/** i32: collector's position. */
export const RING_READ_AT = 0x300;

/** i32: sink's position. */
export const RING_RELEASED_AT = 0x380;

/** i32: 1 = parked. */
export const RING_PARK_AT = 0x400;

/** u32: byte offset of the ring in the segment; 0 = none. */
export const RING_OFFSET_AT = 0x480;

/** u32: bytes of the ring, a power of two. */
export const RING_SIZE_AT = 0x484;

/** Place in the counts at `RING_DROPS_AT` of records that found no room. */
export const DROP_NEWEST = 0;

/** Place in the counts at `RING_DROPS_AT` of nested calls that could not be kept (W2). */
export const DROP_NESTED = 5;

/** Place of records whose building never ended. */
export const DROP_ABANDONED = 6;

/** Place of records that could not be built because something threw. */
export const DROP_FAILED = 7;

/** Place of records that were cut, and not lost. */
export const DROP_CUT = 10;

/** A record in a ring: u32 bytes of the record (multiple of 8, header included), u16 kind, u16 flags. */
export const RECORD_HEADER = 8;

/** Bit of the flags: something was cut off, the record would have been too long. */
export const RECORD_CUT = 8;

/** Fills the rest of the ring before a wrap. */
export const RECORD_PAD = 1;

/** First kind that users of the ring may take. */
export const RECORD_USER = 16;

/** Cells and their descriptors. */
export const KIND_CELLS = 1;

/** Intern entries and one ring. */
export const KIND_RING = 2;

/** Records that did not fit a ring. */
export const KIND_OVERFLOW = 3;

/** The owner ended by `process.exit`, or because nothing was left to do; detail = exit code. */
export const EXIT_CLEAN = 1;

/** An exception nobody caught; detail = exit code. */
export const EXIT_UNCAUGHT = 3;

/** Tag of a value inside a record. One byte, then the value. */
export const VALUE_NULL = 0;

/** No further bytes. */
export const VALUE_TRUE = 1;

/** No further bytes. */
export const VALUE_FALSE = 2;

/** i32, little endian. */
export const VALUE_I32 = 3;

/** f64, little endian. */
export const VALUE_F64 = 4;

/** u32 characters, one byte each. */
export const VALUE_LATIN1 = 5;

/** u32 code units, UTF-16 little endian. */
export const VALUE_UTF16 = 6;

/** u32 id of an interned string. */
export const VALUE_INTERNED = 7;

/** u32 count, then per entry a key (a string value) and a value. */
export const VALUE_OBJECT = 8;

/** u32 count, then values. */
export const VALUE_ARRAY = 9;

/** i64 digits as a Latin-1 string. */
export const VALUE_BIGINT = 10;

/** An error; u32 count, then entries as of an object: `type`, `message`, `stack`, its own properties, `cause`, `errors`. */
export const VALUE_ERROR = 11;

/** A date; f64 ms since 1970, NaN for one that is none. */
export const VALUE_TIME = 12;

/** u32 count, then bytes. */
export const VALUE_BYTES = 13;

/** i32: number of the wall anchor in force (span rings). Stored after `RING_WALL_AT`. */
export const RING_CLOCK_AT = 0x680;

/** f64: wall clock minus monotonic clock in ms, of that anchor. */
export const RING_WALL_AT = 0x688;

/** A span, written at its end: the head of `SPAN_HEAD` bytes below, then its name, attributes (key, value), events, links and the rest as values, see `traces/record.rs`. */
export const RECORD_SPAN = 16;

/** Offsets in the body of a span's record. f64: start in ms of the monotonic clock, or u32 s and u32 ns since 1970. */
export const SPAN_START_AT = 0x000;

/** As the start. */
export const SPAN_END_AT = 0x008;

/** Four i32: words of the trace id, the first one holds its first bytes. */
export const SPAN_TRACE_AT = 0x010;

/** Two i32: words of the span id. */
export const SPAN_ID_AT = 0x020;

/** Two i32: words of the parent's span id, both 0 for none. */
export const SPAN_PARENT_AT = 0x028;

/** u32: bits below. */
export const SPAN_BITS_AT = 0x030;

/** u16: number of the wall anchor; u16 behind it: the scope. */
export const SPAN_CLOCK_AT = 0x034;

/** u16 each: attributes, events, links, 0. */
export const SPAN_COUNTS_AT = 0x038;

/** Bytes of the head. */
export const SPAN_HEAD = 64;

/** First bit of the kind (3 bits: internal, server, client, producer, consumer); below it are W3C's trace flags. */
export const SPAN_KIND_SHIFT = 8;

/** First bit of the status (2 bits: unset, ok, error). */
export const SPAN_STATUS_SHIFT = 11;

/** The status is an error because time ran out. */
export const SPAN_TIMEOUT = 8192;

/** The parent lives in another process. */
export const SPAN_PARENT_REMOTE = 16384;

/** Recorded, but never exported. */
export const SPAN_RECORD_ONLY = 32768;

/** Status message, tracestate and dropped counts follow the links. */
export const SPAN_REST = 65536;

/** The start is wall time. */
export const SPAN_START_WALL = 131072;

/** The end is wall time. */
export const SPAN_END_WALL = 262144;

/** First bit of the agent kind (4 bits, 0 = none). */
export const SPAN_AGENT_SHIFT = 19;

/** It never ended: written when its thread did. */
export const SPAN_UNENDED = 8388608;

/** A trace object was open around it, which ends the trace with a record of its own: this is no local root, whatever its parent. */
export const SPAN_WITHIN_TRACE = 16777216;

/** A log record: the head below, then the message (a value, null for none), then pairs of key and value to the end, see `logs/record.rs`. */
export const RECORD_LOG = 17;

/** A finished line: the head below without a trace, then one text, line ending included. */
export const RECORD_LINE = 18;

/** Offsets in the body of a log record. f64: ms since 1970. */
export const LOG_TIME_AT = 0x000;

/** u16: level, pino's numbers. */
export const LOG_LEVEL_AT = 0x008;

/** u16: number of the route, which says where it goes. */
export const LOG_ROUTE_AT = 0x00a;

/** u32: bits below. */
export const LOG_BITS_AT = 0x00c;

/** i32: interned id of the logger's name, -1 for none; u32 0 behind it. */
export const LOG_LOGGER_AT = 0x010;

/** Bytes of the head of a record without a trace. */
export const LOG_HEAD = 24;

/** With `LOG_TRACED`, four i32: words of the trace id, the first one holds its first bytes. */
export const LOG_TRACE_AT = 0x018;

/** With `LOG_TRACED`, two i32: words of the span id, both 0 for none. */
export const LOG_SPAN_AT = 0x028;

/** Bytes of the head of a record with a trace. */
export const LOG_HEAD_TRACED = 48;

/** Trace and span id are there; below this bit are W3C's trace flags. */
export const LOG_TRACED = 256;

/** Kept back until its trace fails. */
export const LOG_HELD = 512;

/** FNV-1a over names and values of `CONSTANTS`: both sides must have been built from the same list. */
export const FINGERPRINT = 0xc684784f;
