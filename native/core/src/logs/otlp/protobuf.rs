//! A `LogRecord` in protocol buffers, and the `ExportLogsServiceRequest` of a batch (opentelemetry-proto 1.x, `logs/v1` and
//! `collector/logs/v1`; field numbers are theirs).

use super::{LogRecord, RecordOptions, by_logger, nanoseconds, observed, severity_number, span_of};
use crate::encode::protobuf::{push_bytes, push_delimited, push_fixed32, push_message, push_uint, varint_length};
use crate::export::Resource;
use crate::export::otlp::protobuf::{push_attribute, push_body, push_count, push_known, push_owned_attributes, tag};
use crate::logs::attributes::Attributes;
use crate::logs::encoded::EncodedLog;
use crate::ring::any::attribute_value;
use crate::ring::value::Values;

/// Appends the content of a record. Runs on the collector; about 100 ns and 30 ns per attribute.
pub fn push_record(record: &LogRecord<'_>, options: &RecordOptions, out: &mut Vec<u8>) {
    let time = nanoseconds(record.time_ms);
    push_fixed64(1, time, out);
    push_uint(2, u64::from(severity_number(record.level)), out);
    push_known(3, options.level_name(record.level), out);
    if record.is_line {
        push_message(5, out, |out| push_body(&super::line_body(record), out));
    } else if record.message().is_some()
        && let Some(body) = attribute_value(&mut Values::new(record.values), record.keys)
    {
        push_message(5, out, |out| push_body(&body, out));
    }
    if !record.is_line {
        let mut scratch = Vec::new();
        let attributes = Attributes::read(record, options.limits, true, &mut scratch);
        for (key, value) in &attributes.list {
            push_attribute(6, *key, value, out);
        }
        push_count(7, attributes.dropped, out);
    }
    if let Some(trace) = &record.trace {
        if trace.flags != 0 {
            push_fixed32(8, u32::from(trace.flags), out);
        }
        push_bytes(9, &trace.trace_id, out);
        if let Some(span) = span_of(trace) {
            push_bytes(10, span, out);
        }
    }
    push_fixed64(11, observed(time), out);
}

/// A field of type fixed64; nothing for 0, its default.
fn push_fixed64(field: u8, value: u64, out: &mut Vec<u8>) {
    if value != 0 {
        out.push(field << 3 | 1);
        out.extend_from_slice(&value.to_le_bytes());
    }
}

/// Appends the request for `records`; nothing for none. Runs on an exporter's thread.
pub fn encode(records: &[EncodedLog], resource: &Resource, out: &mut Vec<u8>) {
    if records.is_empty() {
        return;
    }
    let bytes: usize = records.iter().map(|record| record.bytes.len() + 4).sum();
    out.reserve(bytes);
    let expected = varint_length(bytes);
    out.push(tag(1));
    push_delimited(expected, out, |out| {
        push_message(1, out, |out| push_owned_attributes(1, &resource.attributes, out));
        by_logger(records, |logger, records| {
            out.push(tag(2));
            push_delimited(expected, out, |out| {
                if !logger.is_empty() {
                    push_message(1, out, |out| push_known(1, logger, out));
                }
                for record in records {
                    push_bytes(2, &record.bytes, out);
                }
            });
        });
        push_known(3, &resource.schema_url, out);
    });
}
