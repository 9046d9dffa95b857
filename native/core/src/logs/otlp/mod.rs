//! Log records as OTLP (OpenTelemetry Protocol 1.x) has them: what both encodings have in common. A record is encoded on the collector,
//! while it lies in its ring; a batch is put together on the exporter's thread.
//!
//! | file | owns |
//! |---|---|
//! | `protobuf` | a `LogRecord`, and `ExportLogsServiceRequest`, in protocol buffers |
//! | `json` | the same in OTLP/JSON |

pub mod json;
pub mod protobuf;
#[cfg(test)]
mod tests;

use super::attributes::AttributeLimits;
use super::encoded::EncodedLog;
use super::format::severity_number;
use super::levels::level_name;
use super::{LogRecord, LogTrace};
use crate::ring::any::{AnyValue, Text};

/// What the encoding of records needs beside them.
#[derive(Debug, Clone, Default)]
pub struct RecordOptions {
    /// Names of levels by their number, beside or in place of the usual ones.
    pub levels: Vec<(u16, Box<str>)>,
    /// Of a record's attributes.
    pub limits: AttributeLimits,
}

impl RecordOptions {
    /// The name of a level; empty for a level without one.
    pub fn level_name(&self, level: u16) -> &str {
        let own = self.levels.iter().find(|(known, _)| *known == level);
        own.map(|(_, name)| &**name).or_else(|| level_name(level)).unwrap_or("")
    }
}

/// Nanoseconds since 1970; 0, OTLP's word for unknown, for a time that is none or before.
fn nanoseconds(time_ms: f64) -> u64 {
    // In two steps: a double holds no nanoseconds of this century.
    let whole = time_ms.floor();
    (whole as u64)
        .saturating_mul(1_000_000)
        .saturating_add(((time_ms - whole) * 1e6) as u64)
}

/// When a record was observed: when it was written, and now for one that does not say.
fn observed(time_ns: u64) -> u64 {
    let now = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    match time_ns {
        0 => now().map_or(0, |now| now.as_nanos() as u64),
        time => time,
    }
}

/// The span id, where there is one.
fn span_of(trace: &LogTrace) -> Option<&[u8; 8]> {
    Some(&trace.span_id).filter(|id| **id != [0; 8])
}

/// The records of a batch by logger: `group` gets each name with its records, in the order of the batch. One allocation.
fn by_logger<'a>(records: &'a [EncodedLog], mut group: impl FnMut(&'a str, &mut dyn Iterator<Item = &'a EncodedLog>)) {
    let mut order: Vec<&EncodedLog> = records.iter().collect();
    order.sort_by(|one, other| one.logger.cmp(&other.logger));
    for run in order.chunk_by(|one, other| one.logger == other.logger) {
        group(&run[0].logger, &mut run.iter().copied());
    }
}

/// A finished line as the body of a record, without its ending.
pub(super) fn line_body<'a>(record: &LogRecord<'a>) -> AnyValue<'a> {
    AnyValue::Text(match record.message_text().unwrap_or(Text::EMPTY) {
        Text::Latin1(characters) => Text::Latin1(characters.trim_ascii_end()),
        Text::Utf16(mut units) => {
            while let [line @ .., b'\n' | b'\r', 0] = units {
                units = line;
            }
            Text::Utf16(units)
        }
        Text::Utf8(text) => Text::Utf8(text.trim_end_matches(['\n', '\r'])),
    })
}
