//! A `LogRecord` in OTLP/JSON, and the request of a batch.

use super::{LogRecord, RecordOptions, by_logger, nanoseconds, observed, severity_number, span_of};
use crate::encode::json::{push_hex, push_integer, push_string};
use crate::encode::plain_json::push_array;
use crate::export::Resource;
use crate::export::otlp::json::{push_attributes, push_body, push_count, push_owned_attribute, push_schema, push_time};
use crate::logs::attributes::Attributes;
use crate::logs::encoded::EncodedLog;
use crate::ring::any::attribute_value;
use crate::ring::value::Values;

/// Appends a record. Runs on the collector; about 200 ns and 65 ns per attribute.
pub fn push_record(record: &LogRecord<'_>, options: &RecordOptions, out: &mut Vec<u8>) {
    let time = nanoseconds(record.time_ms);
    push_time(b"{\"timeUnixNano\":\"", time, out);
    push_time(b",\"observedTimeUnixNano\":\"", observed(time), out);
    out.extend_from_slice(b",\"severityNumber\":");
    push_integer(severity_number(record.level), out);
    let level = options.level_name(record.level);
    if !level.is_empty() {
        out.extend_from_slice(b",\"severityText\":");
        push_string(level, out);
    }
    if record.is_line {
        out.extend_from_slice(b",\"body\":");
        push_body(&super::line_body(record), out);
    } else if record.message().is_some()
        && let Some(body) = attribute_value(&mut Values::new(record.values), record.keys)
    {
        out.extend_from_slice(b",\"body\":");
        push_body(&body, out);
    }
    if !record.is_line {
        let mut scratch = Vec::new();
        let attributes = Attributes::read(record, options.limits, true, &mut scratch);
        push_attributes(attributes.list.into_iter(), out);
        push_count(b",\"droppedAttributesCount\":", attributes.dropped, out);
    }
    if let Some(trace) = &record.trace {
        push_count(b",\"flags\":", u32::from(trace.flags), out);
        out.extend_from_slice(b",\"traceId\":\"");
        push_hex(&trace.trace_id, out);
        out.push(b'"');
        if let Some(span) = span_of(trace) {
            out.extend_from_slice(b",\"spanId\":\"");
            push_hex(span, out);
            out.push(b'"');
        }
    }
    out.push(b'}');
}

/// Appends the request for `records`; nothing for none. Runs on an exporter's thread.
pub fn encode(records: &[EncodedLog], resource: &Resource, out: &mut Vec<u8>) {
    if records.is_empty() {
        return;
    }
    out.reserve(records.iter().map(|record| record.bytes.len() + 1).sum());
    out.extend_from_slice(b"{\"resourceLogs\":[{\"resource\":{\"attributes\":");
    push_array(resource.attributes.iter(), out, push_owned_attribute);
    out.extend_from_slice(b"},\"scopeLogs\":");
    let mut separator = b'[';
    by_logger(records, |logger, records| {
        out.push(separator);
        separator = b',';
        out.push(b'{');
        if !logger.is_empty() {
            out.extend_from_slice(b"\"scope\":{\"name\":");
            push_string(logger, out);
            out.extend_from_slice(b"},");
        }
        out.extend_from_slice(b"\"logRecords\":");
        push_array(records, out, |record, out| out.extend_from_slice(&record.bytes));
        out.push(b'}');
    });
    out.push(b']');
    push_schema(&resource.schema_url, out);
    out.extend_from_slice(b"}]}");
}
