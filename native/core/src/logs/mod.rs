//! Logs behind the ring: records that JS wrote (`src/binding/log-writer.ts`) become lines, and lines reach their sinks. Runs on the
//! collector; JS never waits for anything here but for room in its ring.

pub mod attributes;
#[cfg(not(loom))]
pub mod drain;
pub mod encoded;
pub mod exports;
pub mod format;
pub mod held;
#[cfg(not(loom))]
pub mod host;
pub mod levels;
pub mod losses;
pub mod memory_sink;
pub mod msgpack;
pub mod notice;
pub mod otlp;
pub mod outlet;
pub mod own_line;
pub mod piece;
pub mod pipeline;
pub mod record;
#[cfg(not(loom))]
pub mod recover;
pub mod routes;
pub mod scrub;
#[cfg(not(loom))]
mod self_metrics;
pub mod sink;
pub mod sinks;

#[cfg(not(loom))]
pub use host::Logs;
pub use outlet::{Outlet, OutletOptions};
pub use record::{LogRecord, LogTrace};
pub use routes::{LineFormat, RouteSink, Scrub, SinkKind};
pub use sink::{LineMark, LineWriter, Place, RecordSink};
