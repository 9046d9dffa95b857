//! `ExportTraceServiceRequest` in protocol buffers (opentelemetry-proto 1.x, `collector/trace/v1`; field numbers are theirs).
//! Runs on an exporter's thread. No allocation per span: lengths of what is short are known before, those of messages are put in
//! front of them when they are written.

use super::trace_state::with_threshold;
use super::{by_scope, derived, kind_number, link_flags, span_flags, status};
use crate::encode::protobuf::{push_bytes, push_delimited, push_fixed32, push_message, push_uint, varint_length};
use crate::encode::room::Room;
use crate::export::otlp::protobuf::{
    push_attribute, push_count, push_known, push_known_text, push_owned_attributes, tag,
};
use crate::traces::record::{EventView, LinkView, SpanView};
use crate::traces::value::Text;
use crate::traces::{ExportSpan, Resource, Scope, Scopes};

/// Bytes that the length of a span of usual size takes.
const SPAN_LENGTH: usize = 2;

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
