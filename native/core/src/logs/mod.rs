//! Logs behind the ring: records that JS wrote (`src/binding/log-writer.ts`) become lines, and lines reach their sinks. Runs on the
//! collector; JS never waits for anything here but for room in its ring.

pub mod attributes;
pub mod encoded;
pub mod memory_sink;
pub mod msgpack;
pub mod otlp;
pub mod pipeline;
pub mod record;
pub mod sink;
pub mod sinks;

pub use record::{LogRecord, LogTrace};
pub use sink::{LineMark, LineWriter, Place, RecordSink};
