//! A span as it lies in a ring: owned bytes, and a view that reads them in place. Written by `src/binding/span-writer.ts`; read
//! by the collector, the exporters' threads and the ops server. Every length is checked: bytes may come from a dead process.
//!
//! ```text
//! head    64 bytes, see `SPAN_*` in layout.rs
//! name    a string
//! attributes × n     key (a string), value
//! events × n         name, time (f64 ms of the monotonic clock, or [s, ns] since 1970), attributes (an object), dropped (i32)
//! links × n          six i32 (trace id, span id), flags (i32), tracestate (a string), attributes (an object), dropped (i32)
//! rest, if SPAN_REST status message, tracestate (strings), dropped attributes, events, links (i32 each)
//! ```
use super::clock::WallClock;
use super::value::{AnyValue, Text, attribute_value};
use crate::intern::InternTable;
use crate::layout::*;
use crate::ring::record::BadRecord;
use crate::ring::value::{Value, Values};
use std::sync::Arc;

/// OpenTelemetry's span kind; the discriminant is the one of records, OTLP's is one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum SpanKind {
    /// Inside the process.
    Internal = 0,
    /// Answers a request.
    Server = 1,
    /// Sends a request.
    Client = 2,
    /// Sends a message.
    Producer = 3,
    /// Takes a message.
    Consumer = 4,
}

/// OpenTelemetry's status code, with its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum StatusCode {
    /// Nobody said.
    Unset = 0,
    /// The application said that all is well.
    Ok = 1,
    /// It failed.
    Error = 2,
}

/// One span: the record's body, the keys that it names, and the wall clock of its trace. Cloning the `Arc` around it is how
/// store, tail sampling and pipelines share it.
pub struct SpanRecord {
    body: Box<[u8]>,
    keys: Arc<InternTable>,
    clock: WallClock,
    /// See [`SpanRecord::sequence`].
    sequence: u64,
}

/// A span in place. Ids, times and bits were read; the rest is read on demand.
#[derive(Clone)]
pub struct SpanView<'a> {
    /// 16 bytes, not all zero.
    pub trace_id: [u8; 16],
    /// 8 bytes.
    pub span_id: [u8; 8],
    /// The parent's; `None` for the root of a trace.
    pub parent_span_id: Option<[u8; 8]>,
    /// The parent lives in another process: this is a local root.
    pub parent_is_remote: bool,
    /// W3C's trace flags of the span itself.
    pub flags: u8,
    /// What it is.
    pub kind: SpanKind,
    /// Agent kind, 0 = none; see `src/traces/` for the words.
    pub agent_kind: u8,
    /// How it ended.
    pub status: StatusCode,
    /// The error is a time-out.
    pub timed_out: bool,
    /// Never exported.
    pub record_only: bool,
    /// It was open when its thread ended.
    pub unended: bool,
    /// A trace object was open around it, which writes a record of its own when it ends.
    pub within_trace: bool,
    /// Unix time, ns.
    pub start_ns: u64,
    /// Unix time, ns; not before the start.
    pub end_ns: u64,
    /// Number of its tracer.
    pub scope: u16,
    /// How many attributes there are.
    pub attribute_count: u32,
    /// How many events there are.
    pub event_count: u32,
    /// How many links there are.
    pub link_count: u32,
    /// Its name.
    pub name: Text<'a>,
    has_rest: bool,
    after_name: Values<'a>,
    keys: &'a InternTable,
    clock: WallClock,
}

/// What stands behind the links.
#[derive(Clone, Copy)]
pub struct Rest<'a> {
    /// Of the status; empty unless it is an error.
    pub status_message: Text<'a>,
    /// W3C's tracestate.
    pub trace_state: Text<'a>,
    /// Attributes beyond the limit.
    pub dropped_attributes: u32,
    /// Events beyond the limit.
    pub dropped_events: u32,
    /// Links beyond the limit.
    pub dropped_links: u32,
}

/// Something that happened while the span was open.
pub struct EventView<'a> {
    /// Its name.
    pub name: Text<'a>,
    /// Unix time, ns.
    pub time_ns: u64,
    /// Its attributes.
    pub attributes: Attributes<'a>,
    /// Attributes beyond the limit.
    pub dropped_attributes: u32,
}

/// A pointer to another span.
pub struct LinkView<'a> {
    /// 16 bytes; may be all zero.
    pub trace_id: [u8; 16],
    /// 8 bytes; may be all zero.
    pub span_id: [u8; 8],
    /// Bits 0-7: W3C's flags of the target; bit 9: it lives in another process.
    pub flags: u32,
    /// W3C's tracestate of the target.
    pub trace_state: Text<'a>,
    /// Its attributes.
    pub attributes: Attributes<'a>,
    /// Attributes beyond the limit.
    pub dropped_attributes: u32,
}

/// Keys and values, one after the other. Ends early at bytes that make no sense.
#[derive(Clone)]
pub struct Attributes<'a> {
    values: Values<'a>,
    left: u32,
    keys: &'a InternTable,
}

impl SpanRecord {
    /// Takes a copy of a record's body. `None` when it holds no whole span: every part of it was looked at.
    pub fn read(body: &[u8], keys: &Arc<InternTable>, clock: WallClock, sequence: u64) -> Option<SpanRecord> {
        SpanView::read(body, keys, clock).filter(SpanView::is_whole)?;
        Some(SpanRecord {
            body: body.into(),
            keys: Arc::clone(keys),
            clock,
            sequence,
        })
    }

    /// Bytes that it keeps.
    pub fn size(&self) -> usize {
        self.body.len() + size_of::<SpanRecord>()
    }

    /// Number of the span in the order in which the process took spans out of its rings; from 1 on.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Number of its tracer.
    pub fn scope(&self) -> u16 {
        u16_at(&self.body, SPAN_CLOCK_AT + 2)
    }

    /// Reads the head and the name. Cost: about 20 ns.
    pub fn view(&self) -> SpanView<'_> {
        // `read` made sure that there is one.
        SpanView::read(&self.body, &self.keys, self.clock)
            .unwrap_or_else(|| unreachable!("a record that was read before"))
    }
}

impl<'a> SpanView<'a> {
    /// Reads the head and the name of a record's body.
    pub fn read(body: &'a [u8], keys: &'a InternTable, clock: WallClock) -> Option<SpanView<'a>> {
        if body.len() < SPAN_HEAD {
            return None;
        }
        let bits = u32_at(body, SPAN_BITS_AT);
        let time = |at: usize, wall: u32| {
            if bits & wall != 0 {
                unix_ns(u64::from(u32_at(body, at)), u64::from(u32_at(body, at + 4)))
            } else {
                clock.unix_ns(f64::from_bits(u64_at(body, at)))
            }
        };
        let start_ns = time(SPAN_START_AT, SPAN_START_WALL);
        let parent = id(body, SPAN_PARENT_AT);
        let mut after_name = Values::new(&body[SPAN_HEAD..]);
        let name = text(&mut after_name, keys)?;
        Some(SpanView {
            trace_id: trace_id(body, SPAN_TRACE_AT),
            span_id: id(body, SPAN_ID_AT),
            parent_span_id: (parent != [0; 8]).then_some(parent),
            parent_is_remote: bits & SPAN_PARENT_REMOTE != 0,
            flags: bits as u8,
            kind: match bits >> SPAN_KIND_SHIFT & 7 {
                1 => SpanKind::Server,
                2 => SpanKind::Client,
                3 => SpanKind::Producer,
                4 => SpanKind::Consumer,
                _ => SpanKind::Internal,
            },
            agent_kind: (bits >> SPAN_AGENT_SHIFT & 15) as u8,
            status: match bits >> SPAN_STATUS_SHIFT & 3 {
                1 => StatusCode::Ok,
                2 => StatusCode::Error,
                _ => StatusCode::Unset,
            },
            timed_out: bits & SPAN_TIMEOUT != 0,
            record_only: bits & SPAN_RECORD_ONLY != 0,
            unended: bits & SPAN_UNENDED != 0,
            within_trace: bits & SPAN_WITHIN_TRACE != 0,
            start_ns,
            end_ns: time(SPAN_END_AT, SPAN_END_WALL).max(start_ns),
            scope: u16_at(body, SPAN_CLOCK_AT + 2),
            attribute_count: u32::from(u16_at(body, SPAN_COUNTS_AT)),
            event_count: u32::from(u16_at(body, SPAN_COUNTS_AT + 2)),
            link_count: u32::from(u16_at(body, SPAN_COUNTS_AT + 4)),
            name,
            has_rest: bits & SPAN_REST != 0,
            after_name,
            keys,
            clock,
        })
    }

    /// True without a parent in this process: when it ends, what the process has to say about the trace is complete but for
    /// children that outlive it. Inside a trace object, whose spans may have several roots, the object's own record is the root.
    pub fn is_local_root(&self) -> bool {
        !self.within_trace && (self.parent_span_id.is_none() || self.parent_is_remote)
    }

    /// Its attributes in the order in which they were set.
    pub fn attributes(&self) -> Attributes<'a> {
        Attributes {
            values: self.after_name.clone(),
            left: self.attribute_count,
            keys: self.keys,
        }
    }

    /// The value of an attribute. O(attributes).
    pub fn attribute(&self, key: &str) -> Option<AnyValue<'a>> {
        self.attributes().find(|(name, _)| name.is(key)).map(|(_, value)| value)
    }

    /// Its events in order.
    pub fn events(&self) -> impl Iterator<Item = EventView<'a>> {
        let (mut values, keys, clock) = (self.behind_attributes(), self.keys, self.clock);
        (0..self.event_count).map_while(move |_| event(&mut values, keys, clock))
    }

    /// Its links in order.
    pub fn links(&self) -> impl Iterator<Item = LinkView<'a>> {
        let (mut values, keys) = (self.behind_attributes(), self.keys);
        let events = self.event_count;
        let ready = (0..events).all(|_| event(&mut values, keys, self.clock).is_some());
        (0..if ready { self.link_count } else { 0 }).map_while(move |_| link(&mut values, keys))
    }

    /// Status message, tracestate and dropped counts.
    pub fn rest(&self) -> Rest<'a> {
        self.read_rest().unwrap_or(Rest {
            status_message: Text::EMPTY,
            trace_state: Text::EMPTY,
            dropped_attributes: 0,
            dropped_events: 0,
            dropped_links: 0,
        })
    }

    fn behind_attributes(&self) -> Values<'a> {
        let mut attributes = self.attributes();
        attributes.by_ref().for_each(drop);
        attributes.values
    }

    fn read_rest(&self) -> Option<Rest<'a>> {
        if !self.has_rest {
            return None;
        }
        let mut values = self.behind_attributes();
        (0..self.event_count).try_for_each(|_| event(&mut values, self.keys, self.clock).map(drop))?;
        (0..self.link_count).try_for_each(|_| link(&mut values, self.keys).map(drop))?;
        rest(&mut values, self.keys)
    }

    /// Looks at every part, so that nothing ends early later on.
    fn is_whole(&self) -> bool {
        let mut attributes = self.attributes();
        if attributes.by_ref().count() as u32 != self.attribute_count {
            return false;
        }
        let mut values = attributes.values;
        (0..self.event_count).all(|_| event(&mut values, self.keys, self.clock).is_some())
            && (0..self.link_count).all(|_| link(&mut values, self.keys).is_some())
            && (!self.has_rest || rest(&mut values, self.keys).is_some())
    }
}

impl<'a> Attributes<'a> {
    /// How many are left.
    pub fn len(&self) -> usize {
        self.left as usize
    }

    /// True when none is left.
    pub fn is_empty(&self) -> bool {
        self.left == 0
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (Text<'a>, AnyValue<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let key = text(&mut self.values, self.keys)?;
        let value = attribute_value(&mut self.values, self.keys)?;
        self.left -= 1;
        Some((key, value))
    }
}

fn event<'a>(values: &mut Values<'a>, keys: &'a InternTable, clock: WallClock) -> Option<EventView<'a>> {
    let name = text(values, keys)?;
    let time_ns = match number(values.read()).ok()? {
        Number::Ms(ms) => clock.unix_ns(ms),
        Number::Pair => {
            let (Number::Ms(s), Number::Ms(ns)) = (number(values.read()).ok()?, number(values.read()).ok()?) else {
                return None;
            };
            unix_ns(s as u64, ns as u64)
        }
    };
    let attributes = object(values, keys)?;
    let dropped_attributes = count(values)?;
    Some(EventView {
        name,
        time_ns,
        attributes,
        dropped_attributes,
    })
}

fn link<'a>(values: &mut Values<'a>, keys: &'a InternTable) -> Option<LinkView<'a>> {
    let mut ids = [0; 24];
    for word in ids.chunks_exact_mut(4) {
        word.copy_from_slice(&count(values)?.to_be_bytes());
    }
    let flags = count(values)?;
    let trace_state = text(values, keys)?;
    let attributes = object(values, keys)?;
    let dropped_attributes = count(values)?;
    let (trace, span) = ids.split_at(16);
    Some(LinkView {
        trace_id: *trace.first_chunk()?,
        span_id: *span.first_chunk()?,
        flags,
        trace_state,
        attributes,
        dropped_attributes,
    })
}

fn rest<'a>(values: &mut Values<'a>, keys: &'a InternTable) -> Option<Rest<'a>> {
    Some(Rest {
        status_message: text(values, keys)?,
        trace_state: text(values, keys)?,
        dropped_attributes: count(values)?,
        dropped_events: count(values)?,
        dropped_links: count(values)?,
    })
}

/// An object's attributes; passes over them.
fn object<'a>(values: &mut Values<'a>, keys: &'a InternTable) -> Option<Attributes<'a>> {
    let Value::Object(left) = values.read().ok()? else {
        return None;
    };
    let attributes = Attributes {
        values: values.clone(),
        left,
        keys,
    };
    let mut all = attributes.clone();
    if all.by_ref().count() as u32 != left {
        return None;
    }
    *values = all.values;
    Some(attributes)
}

fn text<'a>(values: &mut Values<'a>, keys: &'a InternTable) -> Option<Text<'a>> {
    Text::of(values.read().ok()?, keys)
}

/// An i32 as the 32 bits that it is.
fn count(values: &mut Values<'_>) -> Option<u32> {
    match values.read().ok()? {
        Value::I32(word) => Some(word as u32),
        _ => None,
    }
}

enum Number {
    Ms(f64),
    /// Two numbers follow.
    Pair,
}

fn number(value: Result<Value<'_>, BadRecord>) -> Result<Number, ()> {
    match value {
        Ok(Value::F64(number)) => Ok(Number::Ms(number)),
        Ok(Value::I32(number)) => Ok(Number::Ms(f64::from(number))),
        Ok(Value::Array(2)) => Ok(Number::Pair),
        _ => Err(()),
    }
}

fn unix_ns(seconds: u64, ns: u64) -> u64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(ns)
}

/// Eight bytes of two words at `at`, which is in the head.
fn id(body: &[u8], at: usize) -> [u8; 8] {
    let (high, low) = (u32_at(body, at), u32_at(body, at + 4));
    (u64::from(high) << 32 | u64::from(low)).to_be_bytes()
}

fn trace_id(body: &[u8], at: usize) -> [u8; 16] {
    let (high, low) = (id(body, at), id(body, at + 8));
    (u128::from(u64::from_be_bytes(high)) << 64 | u128::from(u64::from_be_bytes(low))).to_be_bytes()
}

/// A number of the head, whose bytes are there.
fn u16_at(body: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([body[at], body[at + 1]])
}

fn u32_at(body: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([body[at], body[at + 1], body[at + 2], body[at + 3]])
}

fn u64_at(body: &[u8], at: usize) -> u64 {
    u64::from(u32_at(body, at)) | u64::from(u32_at(body, at + 4)) << 32
}
