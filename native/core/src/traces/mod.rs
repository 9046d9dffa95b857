//! Spans behind the ring: taken by the collector, kept for `/trace`, sampled by their whole trace, queued, encoded and handed to
//! exporters. JS writes them (`src/binding/span-writer.ts`) and never waits for anything here.

#[cfg(test)]
pub(crate) mod arbitrary;
mod assembly;
pub mod chrome;
pub mod clock;
mod elapsed;
mod fuzz;
pub mod host;
mod lanes;
pub mod msgpack;
pub mod otlp;
pub mod record;
pub mod retained;
#[cfg(test)]
pub(crate) mod sample;
pub mod scope;
mod self_metrics;
pub mod shown;
pub mod sink;
pub mod speedscope;
pub mod store;
#[cfg(test)]
mod store_tests;
pub mod tail;
pub mod threshold;
pub mod trace_json;

pub use crate::ring::any as value;
pub use crate::ring::any::{AnyValue, Text};
pub use fuzz::fuzz_spans;
pub use record::{SpanRecord, SpanView};
pub use scope::{Scope, Scopes};
pub use threshold::Threshold;

pub use crate::export::resource::{OwnedValue, Resource};

use crate::export::Item;
use std::sync::Arc;

/// Appends a batch of spans in a format.
pub type EncodeSpans = fn(&[ExportSpan], &Resource, &Scopes, &mut Vec<u8>);

/// A span on its way to an exporter.
#[derive(Clone)]
pub struct ExportSpan {
    /// The span.
    pub record: Arc<SpanRecord>,
    /// What tail sampling made of its trace's threshold, for the encoders to write into tracestate (`ot=th:`); `None` leaves the
    /// tracestate as it is.
    pub threshold: Option<Threshold>,
}

impl Item for ExportSpan {
    fn size(&self) -> usize {
        self.record.size()
    }
}
