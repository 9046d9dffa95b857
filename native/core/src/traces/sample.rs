//! Spans for tests, written as JS writes them.
#![allow(clippy::unwrap_used)]

use super::clock::WallClock;
use super::record::{SpanKind, SpanRecord, StatusCode};
use crate::intern::InternTable;
use crate::layout::*;
use crate::memory::segment::Segment;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A value of an attribute.
#[derive(Clone, Copy)]
pub(crate) enum Given {
    Text(&'static str),
    Int(i32),
    Double(f64),
    Bool(bool),
    Null,
    /// Digits.
    Big(&'static str),
    Array(&'static [Given]),
    Map(&'static [(&'static str, Given)]),
}

pub(crate) type GivenAttributes = Vec<(&'static str, Given)>;

/// A span to be made; the defaults are those of a local root without anything.
#[derive(Clone)]
pub(crate) struct Sample {
    pub trace: u128,
    pub span: u64,
    /// 0: none.
    pub parent: u64,
    pub parent_is_remote: bool,
    pub name: &'static str,
    pub kind: SpanKind,
    pub agent_kind: u32,
    pub status: StatusCode,
    /// Further `SPAN_*` bits.
    pub bits: u32,
    pub scope: u16,
    /// Unix time.
    pub start_ns: u64,
    pub duration_ns: u64,
    pub attributes: GivenAttributes,
    /// Name, Unix time in ns, attributes.
    pub events: Vec<(&'static str, u64, GivenAttributes)>,
    /// Trace, span, tracestate.
    pub links: Vec<(u128, u64, &'static str)>,
    pub status_message: &'static str,
    pub trace_state: &'static str,
    /// Attributes, events, links.
    pub dropped: [i32; 3],
}

impl Sample {
    pub fn root(trace: u128) -> Sample {
        Sample {
            trace,
            span: 1,
            parent: 0,
            parent_is_remote: false,
            name: "GET /",
            kind: SpanKind::Internal,
            agent_kind: 0,
            status: StatusCode::Unset,
            bits: 1,
            scope: 0,
            start_ns: 1_700_000_000_000_000_000,
            duration_ns: 1_000_000,
            attributes: Vec::new(),
            events: Vec::new(),
            links: Vec::new(),
            status_message: "",
            trace_state: "",
            dropped: [0; 3],
        }
    }

    /// A child of span 1.
    pub fn child(trace: u128, span: u64) -> Sample {
        Sample {
            span,
            parent: 1,
            ..Sample::root(trace)
        }
    }

    pub fn failed(self) -> Sample {
        Sample {
            status: StatusCode::Error,
            ..self
        }
    }

    pub fn named(self, name: &'static str) -> Sample {
        Sample { name, ..self }
    }

    pub fn lasting_ms(self, ms: f64) -> Sample {
        Sample {
            duration_ns: (ms * 1e6) as u64,
            ..self
        }
    }

    pub fn with(mut self, key: &'static str, value: Given) -> Sample {
        self.attributes.push((key, value));
        self
    }

    pub fn record(&self) -> Arc<SpanRecord> {
        static SEQUENCE: AtomicU64 = AtomicU64::new(1);
        let keys = Arc::new(InternTable::new(Arc::new(
            Segment::anonymous(KIND_RING, HEADER_SIZE * 2).unwrap(),
        )));
        self.record_with(&keys, SEQUENCE.fetch_add(1, Ordering::Relaxed))
    }

    /// With keys that many share: a table of their own costs each a segment.
    pub fn record_with(&self, keys: &Arc<InternTable>, sequence: u64) -> Arc<SpanRecord> {
        Arc::new(SpanRecord::read(&self.body(), keys, WallClock::now(), sequence).unwrap())
    }

    fn body(&self) -> Vec<u8> {
        let mut body = vec![0; SPAN_HEAD];
        let mut put = |at: usize, bytes: &[u8]| body[at..at + bytes.len()].copy_from_slice(bytes);
        let end = self.start_ns + self.duration_ns;
        for (at, time) in [(SPAN_START_AT, self.start_ns), (SPAN_END_AT, end)] {
            put(at, &((time / 1_000_000_000) as u32).to_le_bytes());
            put(at + 4, &((time % 1_000_000_000) as u32).to_le_bytes());
        }
        for word in 0..4 {
            let bits = (self.trace >> (96 - 32 * word)) as u32;
            put(SPAN_TRACE_AT + 4 * word, &bits.to_le_bytes());
        }
        for (at, id) in [(SPAN_ID_AT, self.span), (SPAN_PARENT_AT, self.parent)] {
            put(at, &((id >> 32) as u32).to_le_bytes());
            put(at + 4, &(id as u32).to_le_bytes());
        }
        let bits = self.bits
            | SPAN_START_WALL
            | SPAN_END_WALL
            | SPAN_REST
            | (self.kind as u32) << SPAN_KIND_SHIFT
            | (self.status as u32) << SPAN_STATUS_SHIFT
            | self.agent_kind << SPAN_AGENT_SHIFT
            | if self.parent_is_remote { SPAN_PARENT_REMOTE } else { 0 };
        put(SPAN_BITS_AT, &bits.to_le_bytes());
        put(SPAN_CLOCK_AT + 2, &self.scope.to_le_bytes());
        for (place, count) in [self.attributes.len(), self.events.len(), self.links.len()]
            .iter()
            .enumerate()
        {
            put(SPAN_COUNTS_AT + 2 * place, &(*count as u16).to_le_bytes());
        }
        text(&mut body, self.name);
        entries(&mut body, &self.attributes);
        for (name, time, attributes) in &self.events {
            text(&mut body, name);
            array(&mut body, 2);
            double(&mut body, (time / 1_000_000_000) as f64);
            double(&mut body, (time % 1_000_000_000) as f64);
            object(&mut body, attributes);
            int(&mut body, 0);
        }
        for (trace, span, trace_state) in &self.links {
            for word in 0..4 {
                int(&mut body, (trace >> (96 - 32 * word)) as i32);
            }
            int(&mut body, (span >> 32) as i32);
            int(&mut body, *span as i32);
            int(&mut body, 1);
            text(&mut body, trace_state);
            object(&mut body, &[]);
            int(&mut body, 0);
        }
        text(&mut body, self.status_message);
        text(&mut body, self.trace_state);
        self.dropped.iter().for_each(|count| int(&mut body, *count));
        body
    }
}

fn text(body: &mut Vec<u8>, text: &str) {
    if text.is_ascii() {
        body.push(VALUE_LATIN1);
        body.extend((text.len() as u32).to_le_bytes());
        body.extend(text.as_bytes());
    } else {
        let units: Vec<u16> = text.encode_utf16().collect();
        body.push(VALUE_UTF16);
        body.extend((units.len() as u32).to_le_bytes());
        body.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
    }
}

fn int(body: &mut Vec<u8>, value: i32) {
    body.push(VALUE_I32);
    body.extend(value.to_le_bytes());
}

fn double(body: &mut Vec<u8>, value: f64) {
    body.push(VALUE_F64);
    body.extend(value.to_le_bytes());
}

fn array(body: &mut Vec<u8>, count: u32) {
    body.push(VALUE_ARRAY);
    body.extend(count.to_le_bytes());
}

fn object(body: &mut Vec<u8>, attributes: &[(&str, Given)]) {
    body.push(VALUE_OBJECT);
    body.extend((attributes.len() as u32).to_le_bytes());
    entries(body, attributes);
}

fn entries(body: &mut Vec<u8>, attributes: &[(&str, Given)]) {
    for (key, given) in attributes {
        text(body, key);
        value(body, given);
    }
}

fn value(body: &mut Vec<u8>, given: &Given) {
    match given {
        Given::Text(one) => text(body, one),
        Given::Int(one) => int(body, *one),
        Given::Double(one) => double(body, *one),
        Given::Bool(one) => body.push(if *one { VALUE_TRUE } else { VALUE_FALSE }),
        Given::Null => body.push(VALUE_NULL),
        Given::Big(digits) => {
            body.push(VALUE_BIGINT);
            body.extend((digits.len() as u32).to_le_bytes());
            body.extend(digits.as_bytes());
        }
        Given::Array(all) => {
            array(body, all.len() as u32);
            all.iter().for_each(|one| value(body, one));
        }
        Given::Map(all) => object(body, all),
    }
}
