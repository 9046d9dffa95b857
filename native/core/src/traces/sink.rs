//! From a span ring to the providers. Runs on the collector; only copies, so a ring never waits for an exporter.
use super::SpanRecord;
use super::host::Traces;
use crate::intern::InternTable;
use crate::layout::{RECORD_SPAN, SPAN_CLOCK_AT, SPAN_HEAD};
use crate::ring::consumer::{Outcome, Sink, Target};
use crate::ring::read_records;
use std::sync::Arc;

/// The sink of one span ring.
pub struct SpanSink {
    traces: Arc<Traces>,
    interned: Arc<InternTable>,
    number: u32,
}

impl SpanSink {
    /// `number` is the ring's, `interned` has the keys that its records name.
    pub fn new(traces: Arc<Traces>, number: u32, interned: Arc<InternTable>) -> SpanSink {
        SpanSink {
            traces,
            interned,
            number,
        }
    }
}

impl Sink for SpanSink {
    fn prepare(&mut self, _records: &[u8]) -> Target {
        Target {
            sink: self.number,
            ..Target::default()
        }
    }

    fn write(&mut self, records: &[u8]) -> Outcome {
        for record in read_records(records) {
            let span = record
                .ok()
                .filter(|record| record.kind == RECORD_SPAN)
                .and_then(|record| {
                    let head = record.body.first_chunk::<SPAN_HEAD>()?;
                    let clock = u16::from_le_bytes([head[SPAN_CLOCK_AT], head[SPAN_CLOCK_AT + 1]]);
                    let clock = self.traces.clocks.get(clock);
                    SpanRecord::read(record.body, &self.interned, clock, self.traces.spans() + 1)
                });
            self.traces.accept(span);
        }
        Outcome::Written
    }
}
