//! The one truth of offsets, sizes, tags and versions of a segment. Every other file, in both languages, takes
//! them from here: `src/binding/generated/layout.ts` is written from [`CONSTANTS`], and both sides compare
//! [`FINGERPRINT`] when the addon loads.
//!
//! ```text
//! 0x000  identity      magic version kind size boot-id process-start pid thread anchors   (Rust, once)
//! 0x080  service       UTF-8, zero padded, 128 bytes                                       (Rust, once)
//! 0x100  life          exit state, exit detail, recovered mark, owners                     (Rust)
//! 0x180  space         metadata end, cell floor                                            (Rust, owner thread's calls)
//! 0x200  epoch         bumped by Rust when a held handle must look again; JS reads it      (Rust -> JS)
//! 0x280  ring head     published by the producer; its own notes beside it                  (JS -> Rust)
//! 0x300  ring read     the collector has taken records up to here                          (Rust)
//! 0x380  ring released the sink has written records up to here; free for the producer      (Rust -> JS)
//! 0x400  ring park     1 while the collector sleeps and wants a wake-up                     (Rust -> JS)
//! 0x480  ring geometry offset and size, and whose overflow this is                         (Rust, once)
//! 0x500  write intent  sink, offset, length, range: what is being written right now        (Rust)
//! 0x580  ring drops    u64 per reason                                                      (Rust)
//! 0x600  ring move     records on their way from the ring to its overflow                  (Rust, producer's thread)
//! 0x680  clock         number of the wall anchor in force, and wall minus monotonic clock (Rust -> JS)
//! 0x700  log slots     per sink of a log ring: up to where it has the records, and what is being written to it   (Rust)
//! 0xb00  log routes    per number of a route the hash of its name                          (Rust)
//! 0x1000 metadata      records, length first, growing up ->
//!                      ...free...
//!        cells         <- f64, growing down from the end of a cell segment
//! ```
//!
//! A ring segment has its intern entries in the metadata area and the ring behind it, at `RING_OFFSET`.

/// First eight bytes of a complete segment, stored last.
pub const MAGIC: u64 = u64::from_le_bytes(*b"KYMOSEG1");
/// Layout version. A reader refuses any other.
pub const VERSION: u32 = 1;
/// A header fills one page, so that metadata starts on a page of its own.
pub const HEADER_SIZE: usize = 0x1000;
/// Distance between words that different threads write: two 64-byte lines, since x86 prefetches lines in pairs.
pub const LINE: usize = 128;

/// u64: [`MAGIC`].
pub const MAGIC_AT: usize = 0x000;
/// u32: [`VERSION`].
pub const VERSION_AT: usize = 0x008;
/// u32: one of [`KIND_CELLS`], [`KIND_RING`], [`KIND_OVERFLOW`].
pub const KIND_AT: usize = 0x00c;
/// u64: bytes of the whole segment.
pub const SIZE_AT: usize = 0x010;
/// 16 bytes: the kernel's boot id, zero where there is none.
pub const BOOT_ID_AT: usize = 0x018;
/// u64: start of the process in clock ticks since boot; tells a reused pid from the same process.
pub const PROCESS_START_AT: usize = 0x028;
/// u32: process id, as the owner sees it.
pub const PID_AT: usize = 0x030;
/// u32: Node's thread id of the current owner (0 = main thread).
pub const THREAD_AT: usize = 0x034;
/// u64: wall clock in ns since 1970 at [`MONO_ANCHOR_AT`].
pub const WALL_ANCHOR_AT: usize = 0x038;
/// u64: monotonic clock in ns, read together with [`WALL_ANCHOR_AT`].
pub const MONO_ANCHOR_AT: usize = 0x040;
/// u32: bytes of the service name at [`SERVICE_AT`], in `[0, 128]`.
pub const SERVICE_LEN_AT: usize = 0x048;
/// UTF-8 service name.
pub const SERVICE_AT: usize = 0x080;
/// Room for the service name.
pub const SERVICE_MAX: usize = 128;

/// u32: one of the `EXIT_*` states.
pub const EXIT_STATE_AT: usize = 0x100;
/// i32: exit code or signal number of the state.
pub const EXIT_DETAIL_AT: usize = 0x104;
/// u32: 0, [`FOUND_DEAD`] or [`RECOVERED`]; written by another process, once the owner is dead.
pub const RECOVERED_AT: usize = 0x108;
/// The content was recovered: the next sweep takes the segment.
pub const RECOVERED: u32 = 1;
/// A sweep found the owner dead and its content not recovered; its retention began then.
pub const FOUND_DEAD: u32 = 2;
/// u32: how many threads have owned this segment, the current one included.
pub const OWNERS_AT: usize = 0x10c;

/// u32: bytes of the segment in use by header and metadata; published after the record's bytes.
pub const META_END_AT: usize = 0x180;
/// u32: lowest byte in use by cells; equals the segment's size when there are none.
pub const CELL_FLOOR_AT: usize = 0x184;

/// i32: see the map.
pub const EPOCH_AT: usize = 0x200;
/// i32: producer's position in bytes, multiple of 8, wraps.
pub const RING_HEAD_AT: usize = 0x280;
/// i32: not 0 while the producer builds a record; JS only. It is here so that two copies of the JS agree (W2).
pub const RING_BUILDING_AT: usize = 0x284;
/// i32: the producer's last reading of [`RING_RELEASED_AT`]; JS only.
pub const RING_SEEN_AT: usize = 0x288;
/// i32: collector's position.
pub const RING_READ_AT: usize = 0x300;
/// i32: sink's position.
pub const RING_RELEASED_AT: usize = 0x380;
/// i32: 1 = parked.
pub const RING_PARK_AT: usize = 0x400;
/// u32: byte offset of the ring in the segment; 0 = none.
pub const RING_OFFSET_AT: usize = 0x480;
/// u32: bytes of the ring, a power of two.
pub const RING_SIZE_AT: usize = 0x484;
/// u32: number of the ring in its process, the same in the ring's overflow segment.
pub const RING_ID_AT: usize = 0x488;
/// u32: whose records these are; 0 = nobody's in particular, [`SIGNAL_LOGS`]. The same in the overflow.
pub const RING_SIGNAL_AT: usize = 0x48c;
/// Log records: what recovery of logs has not delivered is kept, however the process ended.
pub const SIGNAL_LOGS: u32 = 1;
/// Write intent: u32 state (0 none, 1 open), u32 sink, u64 offset, u64 length, i32 from, i32 to, u64 device, u64 inode.
pub const INTENT_AT: usize = 0x500;
/// u64 per drop reason, at most 16.
pub const RING_DROPS_AT: usize = 0x580;
/// Place in the counts at [`RING_DROPS_AT`] of records that found no room.
pub const DROP_NEWEST: u8 = 0;
/// Place in the counts at [`RING_DROPS_AT`] of nested calls that could not be kept (W2).
pub const DROP_NESTED: u8 = 5;
/// Place of records whose building never ended.
pub const DROP_ABANDONED: u8 = 6;
/// Place of records that could not be built because something threw.
pub const DROP_FAILED: u8 = 7;
/// Place of records that were cut, and not lost.
pub const DROP_CUT: u8 = 10;
/// Move: u32 state (0 none, 1 under way), i32 from, i32 to, i32 head that the overflow has once the records are in it.
pub const RING_MOVE_AT: usize = 0x600;
/// i32: number of the wall anchor in force (span rings). Stored after [`RING_WALL_AT`].
pub const RING_CLOCK_AT: usize = 0x680;
/// f64: wall clock minus monotonic clock in ms, of that anchor.
pub const RING_WALL_AT: usize = 0x688;
/// Slots of sinks, see `ring/slots.rs`: u64 hash of the sink's identity (0 = free), i32 position up to which the sink has all
/// records, u32 intent state (0 none, 1 open), u64 offset, u64 length, i32 from, i32 to, u64 device, u64 inode.
pub const LOG_SLOTS_AT: usize = 0x700;
/// Bytes of a slot.
pub const LOG_SLOT: usize = 64;
/// Sinks with a slot. Others get everything that is not released, once more where a crash fell between.
pub const LOG_SLOTS: usize = 16;
/// u64 per number of a route: hash of its name, 0 = none, or its lines were recovered.
pub const LOG_ROUTES_AT: usize = 0xb00;
/// Routes whose lines recovery tells apart.
pub const LOG_ROUTES: usize = 128;
/// First byte of the metadata area.
pub const META_AT: usize = HEADER_SIZE;

/// Cells and their descriptors.
pub const KIND_CELLS: u32 = 1;
/// Intern entries and one ring.
pub const KIND_RING: u32 = 2;
/// Records that did not fit a ring.
pub const KIND_OVERFLOW: u32 = 3;

/// The owner is running, or died without a word.
pub const EXIT_RUNNING: u32 = 0;
/// The owner ended by `process.exit`, or because nothing was left to do; detail = exit code.
pub const EXIT_CLEAN: u32 = 1;
/// The owner handled a signal's default action; detail = signal number.
pub const EXIT_SIGNAL: u32 = 2;
/// An exception nobody caught; detail = exit code.
pub const EXIT_UNCAUGHT: u32 = 3;
/// As [`EXIT_CLEAN`], but this segment holds log lines that no sink took before the end: recovery of logs wants it.
pub const EXIT_LINES_LEFT: u32 = 4;

/// Every metadata record starts with u32 bytes of the record (a multiple of 8, this header included) and u32 tag.
pub const META_RECORD_HEADER: usize = 8;
/// A record whose place may be used again.
pub const META_FREE: u32 = 1;
/// A metric: u32 metric, u32 registry, u32 kind, u32 lengths..., see `metrics/descriptor.rs`.
pub const META_METRIC: u32 = 2;
/// A series bound to cells of this segment: u32 metric, u32 cell, u32 cells, u32 label bytes, label block.
pub const META_SERIES: u32 = 3;
/// An interned string: u32 id, u32 bytes, UTF-8.
pub const META_INTERN: u32 = 4;

/// A record in a ring: u32 bytes of the record (multiple of 8, header included), u16 kind, u16 flags.
pub const RECORD_HEADER: usize = 8;
/// Bits of the flags: bytes at the end of the record that are not in use, in `[0, 7]`.
pub const RECORD_SLACK: u16 = 7;
/// Bit of the flags: something was cut off, the record would have been too long.
pub const RECORD_CUT: u16 = 8;
/// Fills the rest of the ring before a wrap.
pub const RECORD_PAD: u16 = 1;
/// In a spool only: gives an interned key its text from here on; u32 id, UTF-8.
pub const RECORD_KEY: u16 = 2;
/// First kind that users of the ring may take.
pub const RECORD_USER: u16 = 16;

/// Tag of a value inside a record. One byte, then the value.
pub const VALUE_NULL: u8 = 0;
/// No further bytes.
pub const VALUE_TRUE: u8 = 1;
/// No further bytes.
pub const VALUE_FALSE: u8 = 2;
/// i32, little endian.
pub const VALUE_I32: u8 = 3;
/// f64, little endian.
pub const VALUE_F64: u8 = 4;
/// u32 characters, one byte each.
pub const VALUE_LATIN1: u8 = 5;
/// u32 code units, UTF-16 little endian.
pub const VALUE_UTF16: u8 = 6;
/// u32 id of an interned string.
pub const VALUE_INTERNED: u8 = 7;
/// u32 count, then per entry a key (a string value) and a value.
pub const VALUE_OBJECT: u8 = 8;
/// u32 count, then values.
pub const VALUE_ARRAY: u8 = 9;
/// i64 digits as a Latin-1 string.
pub const VALUE_BIGINT: u8 = 10;
/// An error; u32 count, then entries as of an object: `type`, `message`, `stack`, its own properties, `cause`, `errors`.
pub const VALUE_ERROR: u8 = 11;
/// A date; f64 ms since 1970, NaN for one that is none.
pub const VALUE_TIME: u8 = 12;
/// u32 count, then bytes.
pub const VALUE_BYTES: u8 = 13;

/// A span, written at its end: the head of [`SPAN_HEAD`] bytes below, then its name, attributes (key, value), events, links
/// and the rest as values, see `traces/record.rs`.
pub const RECORD_SPAN: u16 = RECORD_USER;
/// Offsets in the body of a span's record. f64: start in ms of the monotonic clock, or u32 s and u32 ns since 1970.
pub const SPAN_START_AT: usize = 0;
/// As the start.
pub const SPAN_END_AT: usize = 8;
/// Four i32: words of the trace id, the first one holds its first bytes.
pub const SPAN_TRACE_AT: usize = 16;
/// Two i32: words of the span id.
pub const SPAN_ID_AT: usize = 32;
/// Two i32: words of the parent's span id, both 0 for none.
pub const SPAN_PARENT_AT: usize = 40;
/// u32: bits below.
pub const SPAN_BITS_AT: usize = 48;
/// u16: number of the wall anchor; u16 behind it: the scope.
pub const SPAN_CLOCK_AT: usize = 52;
/// u16 each: attributes, events, links, 0.
pub const SPAN_COUNTS_AT: usize = 56;
/// Bytes of the head.
pub const SPAN_HEAD: usize = 64;
/// First bit of the kind (3 bits: internal, server, client, producer, consumer); below it are W3C's trace flags.
pub const SPAN_KIND_SHIFT: u32 = 8;
/// First bit of the status (2 bits: unset, ok, error).
pub const SPAN_STATUS_SHIFT: u32 = 11;
/// The status is an error because time ran out.
pub const SPAN_TIMEOUT: u32 = 1 << 13;
/// The parent lives in another process.
pub const SPAN_PARENT_REMOTE: u32 = 1 << 14;
/// Recorded, but never exported.
pub const SPAN_RECORD_ONLY: u32 = 1 << 15;
/// Status message, tracestate and dropped counts follow the links.
pub const SPAN_REST: u32 = 1 << 16;
/// The start is wall time.
pub const SPAN_START_WALL: u32 = 1 << 17;
/// The end is wall time.
pub const SPAN_END_WALL: u32 = 1 << 18;
/// First bit of the agent kind (4 bits, 0 = none).
pub const SPAN_AGENT_SHIFT: u32 = 19;
/// It never ended: written when its thread did.
pub const SPAN_UNENDED: u32 = 1 << 23;
/// A trace object was open around it, which ends the trace with a record of its own: this is no local root, whatever its parent.
pub const SPAN_WITHIN_TRACE: u32 = 1 << 24;

/// A log record: the head below, then the message (a value, null for none), then pairs of key and value to the end, see
/// `logs/record.rs`.
pub const RECORD_LOG: u16 = 17;
/// A finished line: the head below without a trace, then one text, line ending included.
pub const RECORD_LINE: u16 = 18;
/// Offsets in the body of a log record. f64: ms since 1970.
pub const LOG_TIME_AT: usize = 0;
/// u16: level, pino's numbers.
pub const LOG_LEVEL_AT: usize = 8;
/// u16: number of the route, which says where it goes.
pub const LOG_ROUTE_AT: usize = 10;
/// u32: bits below.
pub const LOG_BITS_AT: usize = 12;
/// i32: interned id of the logger's name, -1 for none; u32 0 behind it.
pub const LOG_LOGGER_AT: usize = 16;
/// Bytes of the head of a record without a trace.
pub const LOG_HEAD: usize = 24;
/// With [`LOG_TRACED`], four i32: words of the trace id, the first one holds its first bytes.
pub const LOG_TRACE_AT: usize = 24;
/// With [`LOG_TRACED`], two i32: words of the span id, both 0 for none.
pub const LOG_SPAN_AT: usize = 40;
/// Bytes of the head of a record with a trace.
pub const LOG_HEAD_TRACED: usize = 48;
/// Trace and span id are there; below this bit are W3C's trace flags.
pub const LOG_TRACED: u32 = 1 << 8;
/// Kept back until its trace fails.
pub const LOG_HELD: u32 = 1 << 9;

/// Every constant that the other language needs, by name. The generator and the fingerprint read only this list.
pub const CONSTANTS: &[(&str, u64)] = &[
    ("VERSION", VERSION as u64),
    ("HEADER_SIZE", HEADER_SIZE as u64),
    ("KIND_AT", KIND_AT as u64),
    ("SIZE_AT", SIZE_AT as u64),
    ("THREAD_AT", THREAD_AT as u64),
    ("EPOCH_AT", EPOCH_AT as u64),
    ("RING_HEAD_AT", RING_HEAD_AT as u64),
    ("RING_BUILDING_AT", RING_BUILDING_AT as u64),
    ("RING_SEEN_AT", RING_SEEN_AT as u64),
    ("RING_READ_AT", RING_READ_AT as u64),
    ("RING_RELEASED_AT", RING_RELEASED_AT as u64),
    ("RING_PARK_AT", RING_PARK_AT as u64),
    ("RING_OFFSET_AT", RING_OFFSET_AT as u64),
    ("RING_SIZE_AT", RING_SIZE_AT as u64),
    ("DROP_NEWEST", DROP_NEWEST as u64),
    ("DROP_NESTED", DROP_NESTED as u64),
    ("DROP_ABANDONED", DROP_ABANDONED as u64),
    ("DROP_FAILED", DROP_FAILED as u64),
    ("DROP_CUT", DROP_CUT as u64),
    ("RECORD_HEADER", RECORD_HEADER as u64),
    ("RECORD_CUT", RECORD_CUT as u64),
    ("RECORD_PAD", RECORD_PAD as u64),
    ("RECORD_USER", RECORD_USER as u64),
    ("KIND_CELLS", KIND_CELLS as u64),
    ("KIND_RING", KIND_RING as u64),
    ("KIND_OVERFLOW", KIND_OVERFLOW as u64),
    ("EXIT_CLEAN", EXIT_CLEAN as u64),
    ("EXIT_UNCAUGHT", EXIT_UNCAUGHT as u64),
    ("VALUE_NULL", VALUE_NULL as u64),
    ("VALUE_TRUE", VALUE_TRUE as u64),
    ("VALUE_FALSE", VALUE_FALSE as u64),
    ("VALUE_I32", VALUE_I32 as u64),
    ("VALUE_F64", VALUE_F64 as u64),
    ("VALUE_LATIN1", VALUE_LATIN1 as u64),
    ("VALUE_UTF16", VALUE_UTF16 as u64),
    ("VALUE_INTERNED", VALUE_INTERNED as u64),
    ("VALUE_OBJECT", VALUE_OBJECT as u64),
    ("VALUE_ARRAY", VALUE_ARRAY as u64),
    ("VALUE_BIGINT", VALUE_BIGINT as u64),
    ("VALUE_ERROR", VALUE_ERROR as u64),
    ("VALUE_TIME", VALUE_TIME as u64),
    ("VALUE_BYTES", VALUE_BYTES as u64),
    ("RING_CLOCK_AT", RING_CLOCK_AT as u64),
    ("RING_WALL_AT", RING_WALL_AT as u64),
    ("RECORD_SPAN", RECORD_SPAN as u64),
    ("SPAN_START_AT", SPAN_START_AT as u64),
    ("SPAN_END_AT", SPAN_END_AT as u64),
    ("SPAN_TRACE_AT", SPAN_TRACE_AT as u64),
    ("SPAN_ID_AT", SPAN_ID_AT as u64),
    ("SPAN_PARENT_AT", SPAN_PARENT_AT as u64),
    ("SPAN_BITS_AT", SPAN_BITS_AT as u64),
    ("SPAN_CLOCK_AT", SPAN_CLOCK_AT as u64),
    ("SPAN_COUNTS_AT", SPAN_COUNTS_AT as u64),
    ("SPAN_HEAD", SPAN_HEAD as u64),
    ("SPAN_KIND_SHIFT", SPAN_KIND_SHIFT as u64),
    ("SPAN_STATUS_SHIFT", SPAN_STATUS_SHIFT as u64),
    ("SPAN_TIMEOUT", SPAN_TIMEOUT as u64),
    ("SPAN_PARENT_REMOTE", SPAN_PARENT_REMOTE as u64),
    ("SPAN_RECORD_ONLY", SPAN_RECORD_ONLY as u64),
    ("SPAN_REST", SPAN_REST as u64),
    ("SPAN_START_WALL", SPAN_START_WALL as u64),
    ("SPAN_END_WALL", SPAN_END_WALL as u64),
    ("SPAN_AGENT_SHIFT", SPAN_AGENT_SHIFT as u64),
    ("SPAN_UNENDED", SPAN_UNENDED as u64),
    ("SPAN_WITHIN_TRACE", SPAN_WITHIN_TRACE as u64),
    ("RECORD_LOG", RECORD_LOG as u64),
    ("RECORD_LINE", RECORD_LINE as u64),
    ("LOG_TIME_AT", LOG_TIME_AT as u64),
    ("LOG_LEVEL_AT", LOG_LEVEL_AT as u64),
    ("LOG_ROUTE_AT", LOG_ROUTE_AT as u64),
    ("LOG_BITS_AT", LOG_BITS_AT as u64),
    ("LOG_LOGGER_AT", LOG_LOGGER_AT as u64),
    ("LOG_HEAD", LOG_HEAD as u64),
    ("LOG_TRACE_AT", LOG_TRACE_AT as u64),
    ("LOG_SPAN_AT", LOG_SPAN_AT as u64),
    ("LOG_HEAD_TRACED", LOG_HEAD_TRACED as u64),
    ("LOG_TRACED", LOG_TRACED as u64),
    ("LOG_HELD", LOG_HELD as u64),
];

/// FNV-1a over names and values of [`CONSTANTS`]: both sides must have been built from the same list.
pub const FINGERPRINT: u32 = fingerprint(CONSTANTS);

const fn fingerprint(list: &[(&str, u64)]) -> u32 {
    let mut hash = 0x811c_9dc5_u32;
    let mut entry = 0;
    while entry < list.len() {
        let name = list[entry].0.as_bytes();
        let mut byte = 0;
        while byte < name.len() {
            hash = (hash ^ name[byte] as u32).wrapping_mul(0x0100_0193);
            byte += 1;
        }
        let value = list[entry].1.to_le_bytes();
        let mut byte = 0;
        while byte < value.len() {
            hash = (hash ^ value[byte] as u32).wrapping_mul(0x0100_0193);
            byte += 1;
        }
        entry += 1;
    }
    hash
}

const _: () = {
    assert!(LOG_SLOTS_AT + LOG_SLOT * LOG_SLOTS == LOG_ROUTES_AT && LOG_ROUTES_AT + 8 * LOG_ROUTES <= HEADER_SIZE);
    assert!(EPOCH_AT.is_multiple_of(LINE) && RING_HEAD_AT.is_multiple_of(LINE) && RING_READ_AT.is_multiple_of(LINE));
    assert!(
        RING_RELEASED_AT.is_multiple_of(LINE)
            && RING_PARK_AT.is_multiple_of(LINE)
            && RING_DROPS_AT + 16 * 8 <= HEADER_SIZE
    );
    assert!(SERVICE_AT + SERVICE_MAX <= EXIT_STATE_AT && SIZE_AT.is_multiple_of(8));
};
