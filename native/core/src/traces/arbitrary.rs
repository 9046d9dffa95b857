//! Spans of any content for tests of encoders, written as `src/binding/span-writer.ts` writes them, with wall times; made by
//! hand or at random.

use super::clock::WallClock;
use super::record::{SpanKind, SpanRecord, StatusCode};
use crate::intern::InternTable;
use crate::layout::*;
use crate::memory::segment::Segment;
use std::sync::Arc;

/// A value as JS may write it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Written {
    Null,
    Bool(bool),
    I32(i32),
    F64(f64),
    BigInt(i64),
    /// Latin-1 if it can be, otherwise UTF-16.
    Text(String),
    /// Code units that may be no text.
    Utf16(Vec<u16>),
    Array(Vec<Written>),
    Object(Entries),
}

/// Keys and values.
pub(crate) type Entries = Vec<(String, Written)>;

impl From<&str> for Written {
    fn from(text: &str) -> Written {
        Written::Text(text.to_owned())
    }
}

/// What a test says of a span; the rest is as little as can be.
#[derive(Debug, Clone)]
pub(crate) struct WrittenSpan {
    pub trace_id: u128,
    pub span_id: u64,
    /// 0: none.
    pub parent: u64,
    pub flags: u8,
    pub kind: SpanKind,
    pub status: StatusCode,
    /// Further `SPAN_*` bits.
    pub bits: u32,
    pub scope: u16,
    pub name: Written,
    /// Unix time, ns.
    pub start_ns: u64,
    /// Unix time, ns.
    pub end_ns: u64,
    pub attributes: Entries,
    pub events: Vec<WrittenEvent>,
    pub links: Vec<WrittenLink>,
    pub status_message: Written,
    pub trace_state: Written,
    /// Dropped attributes, events, links.
    pub dropped: [u32; 3],
}

#[derive(Debug, Clone)]
pub(crate) struct WrittenEvent {
    pub name: Written,
    pub time_ns: u64,
    pub attributes: Entries,
    pub dropped: u32,
}

#[derive(Debug, Clone)]
pub(crate) struct WrittenLink {
    pub trace_id: u128,
    pub span_id: u64,
    pub flags: u32,
    pub trace_state: Written,
    pub attributes: Entries,
    pub dropped: u32,
}

impl Default for WrittenSpan {
    fn default() -> WrittenSpan {
        WrittenSpan {
            trace_id: 1,
            span_id: 1,
            parent: 0,
            flags: 1,
            kind: SpanKind::Internal,
            status: StatusCode::Unset,
            bits: 0,
            scope: 0,
            name: "span".into(),
            start_ns: 1_700_000_000_000_000_000,
            end_ns: 1_700_000_000_001_000_000,
            attributes: Vec::new(),
            events: Vec::new(),
            links: Vec::new(),
            status_message: "".into(),
            trace_state: "".into(),
            dropped: [0; 3],
        }
    }
}

/// A table of keys as every segment of a span ring has one.
pub(crate) fn some_keys() -> Arc<InternTable> {
    let segment = Segment::anonymous(KIND_RING, 16 * HEADER_SIZE).expect("memory");
    Arc::new(InternTable::new(Arc::new(segment)))
}

impl WrittenSpan {
    /// The record's body. Keys that `keys` knows are interned, the others are not.
    pub fn body(&self, keys: &InternTable) -> Vec<u8> {
        let mut out = vec![0; SPAN_HEAD];
        let mut put = |at: usize, word: u32| out[at..at + 4].copy_from_slice(&word.to_le_bytes());
        for (at, ns) in [(SPAN_START_AT, self.start_ns), (SPAN_END_AT, self.end_ns)] {
            put(at, (ns / 1_000_000_000) as u32);
            put(at + 4, (ns % 1_000_000_000) as u32);
        }
        for word in 0..4 {
            put(SPAN_TRACE_AT + 4 * word, (self.trace_id >> (96 - 32 * word)) as u32);
        }
        for (at, id) in [(SPAN_ID_AT, self.span_id), (SPAN_PARENT_AT, self.parent)] {
            put(at, (id >> 32) as u32);
            put(at + 4, id as u32);
        }
        let has_rest = self.dropped != [0; 3] || self.status_message != "".into() || self.trace_state != "".into();
        let rest_bit = if has_rest { SPAN_REST } else { 0 };
        let kind_and_status = (self.kind as u32) << SPAN_KIND_SHIFT | (self.status as u32) << SPAN_STATUS_SHIFT;
        let times = SPAN_START_WALL | SPAN_END_WALL;
        put(
            SPAN_BITS_AT,
            self.bits | u32::from(self.flags) | kind_and_status | rest_bit | times,
        );
        put(SPAN_CLOCK_AT, u32::from(self.scope) << 16);
        put(
            SPAN_COUNTS_AT,
            self.attributes.len() as u32 | (self.events.len() as u32) << 16,
        );
        put(SPAN_COUNTS_AT + 4, self.links.len() as u32);
        push(&self.name, keys, &mut out);
        push_entries(&self.attributes, keys, &mut out);
        for event in &self.events {
            push(&event.name, keys, &mut out);
            let parts = [event.time_ns / 1_000_000_000, event.time_ns % 1_000_000_000];
            let parts = parts.map(|part| Written::F64(part as f64)).to_vec();
            push(&Written::Array(parts), keys, &mut out);
            push(&Written::Object(event.attributes.clone()), keys, &mut out);
            push(&Written::I32(event.dropped as i32), keys, &mut out);
        }
        for link in &self.links {
            let words = (0..4).map(|word| (link.trace_id >> (96 - 32 * word)) as u32);
            let words = words.chain([(link.span_id >> 32) as u32, link.span_id as u32, link.flags]);
            words.for_each(|word| push(&Written::I32(word as i32), keys, &mut out));
            push(&link.trace_state, keys, &mut out);
            push(&Written::Object(link.attributes.clone()), keys, &mut out);
            push(&Written::I32(link.dropped as i32), keys, &mut out);
        }
        if has_rest {
            push(&self.status_message, keys, &mut out);
            push(&self.trace_state, keys, &mut out);
            let dropped = self.dropped.iter();
            dropped.for_each(|count| push(&Written::I32(*count as i32), keys, &mut out));
        }
        out
    }

    /// As the collector reads it.
    pub fn record_with(&self, keys: &Arc<InternTable>) -> Arc<SpanRecord> {
        Arc::new(SpanRecord::read(&self.body(keys), keys, WallClock::now(), 1).expect("a whole span"))
    }

    /// [`WrittenSpan::record_with`] a table of its own.
    pub fn record(&self) -> Arc<SpanRecord> {
        self.record_with(&some_keys())
    }
}

fn push_entries(entries: &[(String, Written)], keys: &InternTable, out: &mut Vec<u8>) {
    for (key, value) in entries {
        match (0..keys.len() as u32).find(|id| keys.text(*id) == Some(key)) {
            Some(id) => push_head(VALUE_INTERNED, id, out),
            None => push(&Written::Text(key.clone()), keys, out),
        }
        push(value, keys, out);
    }
}

fn push_head(tag: u8, word: u32, out: &mut Vec<u8>) {
    out.push(tag);
    out.extend_from_slice(&word.to_le_bytes());
}

fn push(value: &Written, keys: &InternTable, out: &mut Vec<u8>) {
    match value {
        Written::Null => out.push(VALUE_NULL),
        Written::Bool(value) => out.push(if *value { VALUE_TRUE } else { VALUE_FALSE }),
        Written::I32(value) => push_head(VALUE_I32, *value as u32, out),
        Written::F64(value) => {
            out.push(VALUE_F64);
            out.extend_from_slice(&value.to_le_bytes());
        }
        Written::BigInt(value) => {
            let digits = value.to_string();
            push_head(VALUE_BIGINT, digits.len() as u32, out);
            out.extend_from_slice(digits.as_bytes());
        }
        Written::Text(text) => {
            let characters: Option<Vec<u8>> = text.chars().map(|char| u8::try_from(char).ok()).collect();
            match characters {
                Some(characters) => {
                    push_head(VALUE_LATIN1, characters.len() as u32, out);
                    out.extend_from_slice(&characters);
                }
                None => push(&Written::Utf16(text.encode_utf16().collect()), keys, out),
            }
        }
        Written::Utf16(units) => {
            push_head(VALUE_UTF16, units.len() as u32, out);
            units.iter().for_each(|unit| out.extend_from_slice(&unit.to_le_bytes()));
        }
        Written::Array(items) => {
            push_head(VALUE_ARRAY, items.len() as u32, out);
            items.iter().for_each(|item| push(item, keys, out));
        }
        Written::Object(entries) => {
            push_head(VALUE_OBJECT, entries.len() as u32, out);
            push_entries(entries, keys, out);
        }
    }
}

/// What spans are made of at random; the same for the same seed.
pub(crate) struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 ^ self.0 >> 29
    }

    /// In `[0, bound)`, which is not empty.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 7) as usize % bound
    }

    /// Letters, what formats escape, what takes two to four bytes, halves of pairs; mostly short, around every length of a length.
    pub fn text(&mut self) -> Written {
        let length = match self.below(40) {
            0 => 120 + self.below(20),
            1 => 250 + self.below(12),
            2 => 16_380 + self.below(10),
            _ => self.below(12),
        };
        let units: [u16; 16] = [
            0x61, 0x7a, 0x30, 0x22, 0x5c, 0x0a, 0x00, 0x1f, 0x7f, 0xe9, 0xff, 0x6f22, 0x2028, 0xd83e, 0xdd80, 0xffff,
        ];
        let kinds = [3, 9, 11, 16][self.below(4)];
        Written::Utf16((0..length).map(|_| units[self.below(kinds)]).collect()).narrow()
    }

    fn value(&mut self, depth: u32) -> Written {
        let most = if depth == 0 { 10 } else { 14 };
        match self.below(most) {
            0 => Written::Null,
            1 => Written::Bool(self.below(2) == 0),
            2 | 3 => Written::I32(self.next() as i32 >> self.below(32)),
            4 => Written::F64(f64::from_bits(self.next())),
            5 => Written::F64(
                [
                    f64::NAN,
                    f64::INFINITY,
                    f64::NEG_INFINITY,
                    -0.0,
                    1e300,
                    9_007_199_254_740_991.0,
                ][self.below(6)],
            ),
            6 => Written::BigInt(self.next() as i64 >> self.below(64)),
            7..=9 => self.text(),
            10 | 11 => Written::Array((0..self.below(4)).map(|_| self.value(depth - 1)).collect()),
            12 => Written::Object(self.entries(4, depth - 1)),
            // Deeper than any reader goes.
            _ => (0..self.below(120)).fold(Written::Null, |inside, level| match level % 2 {
                0 => Written::Array(vec![inside]),
                _ => Written::Object(vec![("k".to_owned(), inside)]),
            }),
        }
    }

    /// Fewer than `bound` entries, each key once.
    fn entries(&mut self, bound: usize, depth: u32) -> Entries {
        let keys = [
            "http.route",
            "http.request.method",
            "count",
            "é",
            "漢",
            "",
            "a\"b",
            "__proto__",
            "x.y.z",
            "w",
        ];
        let first = self.below(keys.len());
        let count = self.below(bound.min(keys.len() + 1));
        let key = |index: usize| keys[(first + index) % keys.len()].to_owned();
        (0..count).map(|index| (key(index), self.value(depth))).collect()
    }

    /// A span of anything.
    pub fn span(&mut self) -> WrittenSpan {
        let start_ns = 1_700_000_000_000_000_000 + self.next() % 1_000_000_000_000;
        let kinds = [
            SpanKind::Internal,
            SpanKind::Server,
            SpanKind::Client,
            SpanKind::Producer,
            SpanKind::Consumer,
        ];
        let number = |random: &mut Random| if random.below(3) == 0 { random.next() as u32 } else { 0 };
        WrittenSpan {
            trace_id: u128::from(self.next()) << 64 | u128::from(self.next()) | 1,
            span_id: self.next() | 1,
            parent: if self.below(2) == 0 { 0 } else { self.next() },
            flags: self.next() as u8,
            kind: kinds[self.below(5)],
            status: [StatusCode::Unset, StatusCode::Ok, StatusCode::Error][self.below(3)],
            bits: self.next() as u32 & (SPAN_TIMEOUT | SPAN_PARENT_REMOTE | SPAN_UNENDED | 15 << SPAN_AGENT_SHIFT),
            scope: self.below(4) as u16,
            name: self.text(),
            start_ns,
            end_ns: start_ns + self.next() % 10_000_000_000,
            attributes: self.entries(11, 2),
            events: (0..self.below(3))
                .map(|_| WrittenEvent {
                    name: self.text(),
                    time_ns: start_ns + self.next() % 1_000_000,
                    attributes: self.entries(4, 1),
                    dropped: number(self),
                })
                .collect(),
            links: (0..self.below(3))
                .map(|_| WrittenLink {
                    trace_id: u128::from(self.next()),
                    span_id: self.next(),
                    flags: self.next() as u32 & 0x3ff,
                    trace_state: self.text(),
                    attributes: self.entries(4, 1),
                    dropped: number(self),
                })
                .collect(),
            status_message: self.text(),
            trace_state: self.text(),
            dropped: [number(self), number(self), number(self)],
        }
    }
}

impl Written {
    /// A text in one byte per character, if it can be.
    fn narrow(self) -> Written {
        match self {
            Written::Utf16(units) if units.iter().all(|unit| *unit < 0x100) => {
                Written::Text(units.iter().map(|unit| char::from(*unit as u8)).collect())
            }
            other => other,
        }
    }
}
