//! `ExportTraceServiceRequest` in protocol buffers (opentelemetry-proto 1.x, `collector/trace/v1`; field numbers are theirs).
//! Runs on an exporter's thread. No allocation per span: lengths of what is short are known before, those of messages are put in
//! front of them when they are written.

use super::trace_state::with_threshold;
use super::{
    ARRAY_MESSAGES, MAP_MESSAGES, MESSAGES_LEFT, by_scope, derived, kind_number, link_flags, span_flags, status,
};
use crate::encode::protobuf::{push_bytes, push_delimited, push_fixed32, push_message, push_uint, varint_length};
use crate::encode::room::Room;
use crate::traces::plain_json;
use crate::traces::record::{EventView, LinkView, SpanView};
use crate::traces::resource::OwnedValue;
use crate::traces::value::{AnyValue, Text};
use crate::traces::{ExportSpan, Resource, Scope, Scopes};

/// Tag of a field whose content has a length.
const fn tag(field: u8) -> u8 {
    field << 3 | 2
}

/// Bytes that the length of a span of usual size takes.
const SPAN_LENGTH: usize = 2;
/// Most bytes of a value that is no text: a tag and ten bytes.
const SCALAR: usize = 11;

/// Appends the request for `spans`; nothing for none. Cost: about 80 ns per span and 30 ns per attribute.
pub fn encode(spans: &[ExportSpan], resource: &Resource, scopes: &Scopes, out: &mut Vec<u8>) {
    if spans.is_empty() {
        return;
    }
    // Records are about as long as what is made of them: near enough to guess how many bytes the lengths take.
    let records: usize = spans.iter().map(|span| span.record.size()).sum();
    out.reserve(records);
    let expected = varint_length(records);
    out.push(tag(1));
    push_delimited(expected, out, |out| {
        push_message(1, out, |out| push_owned_attributes(1, &resource.attributes, out));
        by_scope(spans, scopes, |scope, spans| {
            out.push(tag(2));
            push_delimited(expected, out, |out| {
                if let Some(scope) = scope {
                    push_message(1, out, |out| push_scope(scope, out));
                }
                for span in spans {
                    out.push(tag(2));
                    push_delimited(SPAN_LENGTH, out, |out| push_span(span, out));
                }
                push_known(3, scope.map_or("", |scope| &scope.schema_url), out);
            });
        });
        push_known(3, &resource.schema_url, out);
    });
}

fn push_scope(scope: &Scope, out: &mut Vec<u8>) {
    push_known(1, &scope.name, out);
    push_known(2, &scope.version, out);
    push_owned_attributes(3, &scope.attributes, out);
}

fn push_span(span: &ExportSpan, out: &mut Vec<u8>) {
    let view = span.record.view();
    let rest = view.rest();
    let mut room = Room::new(out, 40);
    room.push(&[tag(1), 16]);
    room.push(&view.trace_id);
    room.push(&[tag(2), 8]);
    room.push(&view.span_id);
    drop(room);
    match span.threshold {
        Some(threshold) => push_message(3, out, |out| with_threshold(rest.trace_state, threshold, out)),
        None => push_known_text(3, rest.trace_state, out),
    }
    if let Some(parent) = view.parent_span_id {
        push_bytes(4, &parent, out);
    }
    push_known_text(5, view.name, out);
    let mut room = Room::new(out, 20);
    room.push(&[6 << 3, kind_number(view.kind) as u8, 7 << 3 | 1]);
    room.push(&view.start_ns.to_le_bytes());
    room.push(&[8 << 3 | 1]);
    room.push(&view.end_ns.to_le_bytes());
    drop(room);
    for (key, value) in view.attributes() {
        push_attribute(9, key, &value, out);
    }
    for (key, value) in derived::attributes(&view) {
        push_attribute(9, Text::Utf8(key), &value, out);
    }
    push_count(10, rest.dropped_attributes, out);
    if view.event_count > 0 {
        for event in view.events() {
            push_message(11, out, |out| push_event(event, out));
        }
    }
    push_count(12, rest.dropped_events, out);
    if view.link_count > 0 {
        for link in view.links() {
            push_message(13, out, |out| push_link(link, out));
        }
    }
    push_count(14, rest.dropped_links, out);
    push_status(&view, rest.status_message, out);
    push_fixed32(16, span_flags(&view), out);
}

fn push_status(view: &SpanView<'_>, message: Text<'_>, out: &mut Vec<u8>) {
    let (code, message) = status(view, message);
    if code != 0 {
        push_message(15, out, |out| {
            push_known_text(2, message, out);
            push_uint(3, u64::from(code), out);
        });
    }
}

fn push_event(event: EventView<'_>, out: &mut Vec<u8>) {
    let mut room = Room::new(out, 9);
    room.push(&[1 << 3 | 1]);
    room.push(&event.time_ns.to_le_bytes());
    drop(room);
    push_known_text(2, event.name, out);
    for (key, value) in event.attributes {
        push_attribute(3, key, &value, out);
    }
    push_count(4, event.dropped_attributes, out);
}

fn push_link(link: LinkView<'_>, out: &mut Vec<u8>) {
    push_bytes(1, &link.trace_id, out);
    push_bytes(2, &link.span_id, out);
    push_known_text(3, link.trace_state, out);
    let flags = link_flags(&link);
    for (key, value) in link.attributes {
        push_attribute(4, key, &value, out);
    }
    push_count(5, link.dropped_attributes, out);
    push_fixed32(6, flags, out);
}

/// A field of type uint32; nothing for 0, its default.
fn push_count(field: u32, count: u32, out: &mut Vec<u8>) {
    if count > 0 {
        push_uint(field, u64::from(count), out);
    }
}

/// A field of type string; nothing for an empty one, its default.
fn push_known(field: u32, text: &str, out: &mut Vec<u8>) {
    if !text.is_empty() {
        push_bytes(field, text.as_bytes(), out);
    }
}

/// See [`push_known`].
fn push_known_text(field: u32, text: Text<'_>, out: &mut Vec<u8>) {
    if !text.is_empty() {
        push_text(field, text, out);
    }
}

/// A field of type string in whichever form.
fn push_text(field: u32, text: Text<'_>, out: &mut Vec<u8>) {
    match text.as_utf8() {
        Some(text) => push_bytes(field, text.as_bytes(), out),
        None => push_message(field, out, |out| text.push_utf8(out)),
    }
}

/// A `KeyValue` in `field`, below 16.
#[inline]
fn push_attribute(field: u8, key: Text<'_>, value: &AnyValue<'_>, out: &mut Vec<u8>) {
    if let Some(key) = key.as_utf8().filter(|key| !key.is_empty()) {
        let mut scalar = [0; SCALAR];
        let value = match value {
            AnyValue::Text(text) => text.as_utf8().map(|text| (true, text.as_bytes())),
            value => push_scalar(value, &mut scalar).map(|length| (false, &scalar[..length])),
        };
        // Every length is one byte, as in almost every attribute.
        if let Some((is_text, value)) = value
            && key.len() + value.len() < 0x80 - 6
        {
            let (key_length, value_length) = (key.len() as u8, value.len() as u8);
            let inner = value_length + if is_text { 2 } else { 0 };
            let mut room = Room::new(out, 0x80 + 2);
            room.push(&[tag(field), key_length + inner + 4, tag(1), key_length]);
            room.push(key.as_bytes());
            room.push(&[tag(2), inner]);
            if is_text {
                room.push(&[tag(1), value_length]);
            }
            room.push(value);
            return;
        }
    }
    push_entry(u32::from(field), key, value, MESSAGES_LEFT, out);
}

/// Writes a value that is neither a text nor holds values; its bytes, or `None` for another one.
fn push_scalar(value: &AnyValue<'_>, out: &mut [u8; SCALAR]) -> Option<usize> {
    match *value {
        AnyValue::Null => Some(0),
        AnyValue::Bool(value) => {
            out[..2].copy_from_slice(&[2 << 3, u8::from(value)]);
            Some(2)
        }
        AnyValue::Int(value) => {
            let mut rest = value as u64;
            let mut length = 1;
            out[0] = 3 << 3;
            while rest >= 0x80 {
                out[length] = rest as u8 | 0x80;
                rest >>= 7;
                length += 1;
            }
            out[length] = rest as u8;
            Some(length + 1)
        }
        AnyValue::Double(value) => {
            out[0] = 4 << 3 | 1;
            out[1..9].copy_from_slice(&value.to_le_bytes());
            Some(9)
        }
        _ => None,
    }
}

/// A `KeyValue` of any length. `left`: messages that may still be opened inside the value.
fn push_entry(field: u32, key: Text<'_>, value: &AnyValue<'_>, left: u32, out: &mut Vec<u8>) {
    push_message(field, out, |out| {
        push_known_text(1, key, out);
        push_message(2, out, |out| push_value(value, left, out));
    });
}

/// The content of an `AnyValue`. What is nested deeper than readers go is the text of its JSON.
fn push_value(value: &AnyValue<'_>, left: u32, out: &mut Vec<u8>) {
    match value {
        AnyValue::Text(text) => push_text(1, *text, out),
        AnyValue::Array(values) if left >= ARRAY_MESSAGES => push_message(5, out, |out| {
            for value in values.clone() {
                push_message(1, out, |out| push_value(&value, left - ARRAY_MESSAGES, out));
            }
        }),
        AnyValue::Map(entries) if left >= MAP_MESSAGES => push_message(6, out, |out| {
            for (key, value) in entries.clone() {
                push_entry(1, key, &value, left - MAP_MESSAGES, out);
            }
        }),
        AnyValue::Array(_) | AnyValue::Map(_) => push_message(1, out, |out| plain_json::push_value(value, out)),
        scalar => {
            let mut bytes = [0; SCALAR];
            let length = push_scalar(scalar, &mut bytes).unwrap_or_default();
            out.extend_from_slice(&bytes[..length]);
        }
    }
}

fn push_owned_attributes(field: u32, attributes: &[(Box<str>, OwnedValue)], out: &mut Vec<u8>) {
    for (key, value) in attributes {
        push_message(field, out, |out| {
            push_known(1, key, out);
            push_message(2, out, |out| push_owned(value, MESSAGES_LEFT, out));
        });
    }
}

fn push_owned(value: &OwnedValue, left: u32, out: &mut Vec<u8>) {
    match value.as_any() {
        Ok(value) => push_value(&value, left, out),
        Err(values) if left >= ARRAY_MESSAGES => push_message(5, out, |out| {
            for value in values {
                push_message(1, out, |out| push_owned(value, left - ARRAY_MESSAGES, out));
            }
        }),
        Err(_) => push_message(1, out, |out| plain_json::push_owned(value, out)),
    }
}
