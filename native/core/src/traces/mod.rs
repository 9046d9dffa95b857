//! Spans behind the ring: taken by the collector, kept for `/trace`, sampled by their whole trace, queued, encoded and handed to
//! exporters. JS writes them (`src/binding/span-writer.ts`) and never waits for anything here.

#[cfg(test)]
mod arbitrary;
mod assembly;
pub mod chrome;
pub mod clock;
mod elapsed;
mod fuzz;
pub mod host;
mod lanes;
pub mod msgpack;
pub mod otlp;
pub mod pipeline;
#[cfg(test)]
mod pipeline_tests;
mod plain_json;
pub mod record;
pub mod resource;
pub mod retained;
#[cfg(test)]
pub(crate) mod sample;
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
pub use resource::{OwnedValue, Resource, Scope, Scopes};
pub use threshold::Threshold;

use std::sync::Arc;

/// A span on its way to an exporter.
#[derive(Clone)]
pub struct ExportSpan {
    /// The span.
    pub record: Arc<SpanRecord>,
    /// What tail sampling made of its trace's threshold, for the encoders to write into tracestate (`ot=th:`); `None` leaves the
    /// tracestate as it is.
    pub threshold: Option<Threshold>,
}
