//! Retained traces as JSON: what `/trace` answers and `getRecent` reads. Written straight into the buffer; any thread, off the
//! loop.
//!
//! ```json
//! {"traceId":"<32 hex>","name":"GET /users/:id","service":"shop","startTime":1700000000.123456789,"durationMs":1.5,
//!  "spanCount":2,"errorCount":0,"failed":false,"droppedSpans":0,"complete":true,"spans":[
//!   {"spanId":"<16 hex>","parentSpanId":null,"name":"GET /users/:id","kind":"server","status":"unset",
//!    "startTime":1700000000.123456789,"endTime":1700000000.124956789,"durationMs":1.5,"scope":"http",
//!    "attributes":{"http.route":"/users/:id"},"events":[],"links":[]}]}
//! ```
//!
//! Spans are in the order of their start. Times are seconds since 1970 with all nanoseconds. What is rare stands there only if
//! there is something to say: of a span `parentIsRemote`, `agentKind`, `statusMessage`, `traceState`, `dropped`, `recordOnly`
//! and `unended`.

use std::sync::Arc;

use super::record::{EventView, LinkView, SpanKind, SpanRecord, SpanView, StatusCode};
use super::scope::Scopes;
use super::shown::ShownTrace;
use crate::encode::json::{push_hex, push_integer, push_string};
use crate::encode::plain_json::{push_attributes, push_text};

/// By number minus one; 0 is none. The words of `src/traces/span-kind.ts`.
const AGENT_KINDS: [&str; 7] = ["agent", "llm", "tool", "memory", "retrieval", "chain", "embedding"];

/// How much is written of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Everything but `spans`.
    Summary,
    /// Everything.
    Spans,
}

/// Appends one trace.
pub fn push_trace(shown: &ShownTrace, scopes: &Scopes, detail: Detail, out: &mut Vec<u8>) {
    let trace = &shown.trace;
    out.extend_from_slice(b"{\"traceId\":\"");
    push_hex(&trace.trace_id(), out);
    out.extend_from_slice(b"\",\"name\":");
    // Without a root, the span that is there longest names it.
    match trace.root().or(trace.spans().first()) {
        Some(span) => push_text(span.view().name, out),
        None => out.extend_from_slice(b"\"\""),
    }
    out.extend_from_slice(b",\"service\":");
    push_string(shown.resource.service_name(), out);
    push_time(",\"startTime\":", trace.start_ns(), out);
    push_ms(",\"durationMs\":", trace.duration_ns(), out);
    let refused = trace.refused_spans();
    push_count(",\"spanCount\":", trace.spans().len() as u64 + u64::from(refused), out);
    push_count(",\"errorCount\":", u64::from(trace.error_count()), out);
    push_flag(",\"failed\":", trace.error_count() > 0, out);
    push_count(",\"droppedSpans\":", u64::from(refused), out);
    push_flag(",\"complete\":", trace.root().is_some(), out);
    if detail == Detail::Spans {
        out.extend_from_slice(b",\"spans\":[");
        push_spans(trace.spans(), scopes, out);
        out.push(b']');
    }
    out.push(b'}');
}

/// Appends an array of traces, those given last of all in as many of at most `max_bytes` as there is room for: the oldest are
/// left out. Returns how many.
pub fn push_traces(
    shown: &[ShownTrace],
    scopes: &Scopes,
    detail: Detail,
    max_bytes: usize,
    out: &mut Vec<u8>,
) -> usize {
    let start = out.len();
    // Newest first, so that the limit cuts off the oldest; then turned round in place.
    let mut ends = Vec::with_capacity(shown.len());
    for one in shown.iter().rev() {
        let before = out.len();
        out.push(b',');
        push_trace(one, scopes, detail, out);
        // Two brackets for one comma.
        if out.len() - start + 1 > max_bytes {
            out.truncate(before);
            break;
        }
        ends.push(out.len());
    }
    let written = &mut out[start..];
    written.reverse();
    let total = written.len();
    let mut from = 0;
    for at in (0..ends.len()).rev() {
        let to = total - if at == 0 { 0 } else { ends[at - 1] - start };
        written[from..to].reverse();
        from = to;
    }
    match out.get_mut(start) {
        Some(comma) => *comma = b'[',
        None => out.push(b'['),
    }
    out.push(b']');
    shown.len() - ends.len()
}

fn push_spans(spans: &[Arc<SpanRecord>], scopes: &Scopes, out: &mut Vec<u8>) {
    let mut order: Vec<(u64, u32)> = Vec::with_capacity(spans.len());
    order.extend(spans.iter().zip(0..).map(|(span, at)| (span.view().start_ns, at)));
    // Of two that start at once, the one that ends last, as a parent does, comes first.
    order.sort_unstable_by_key(|(start, at)| (*start, u32::MAX - at));
    for (index, (_, at)) in order.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        push_span(&spans[at as usize].view(), scopes, out);
    }
}

fn push_span(span: &SpanView<'_>, scopes: &Scopes, out: &mut Vec<u8>) {
    let rest = span.rest();
    out.extend_from_slice(b"{\"spanId\":\"");
    push_hex(&span.span_id, out);
    out.extend_from_slice(b"\",\"parentSpanId\":");
    match span.parent_span_id {
        Some(parent) => {
            out.push(b'"');
            push_hex(&parent, out);
            out.push(b'"');
        }
        None => out.extend_from_slice(b"null"),
    }
    if span.parent_is_remote {
        out.extend_from_slice(b",\"parentIsRemote\":true");
    }
    out.extend_from_slice(b",\"name\":");
    push_text(span.name, out);
    push_word(",\"kind\":", kind(span.kind), out);
    if let Some(word) = AGENT_KINDS.get(usize::from(span.agent_kind).wrapping_sub(1)) {
        push_word(",\"agentKind\":", word, out);
    }
    push_word(",\"status\":", status(span), out);
    if !rest.status_message.is_empty() {
        out.extend_from_slice(b",\"statusMessage\":");
        push_text(rest.status_message, out);
    }
    push_time(",\"startTime\":", span.start_ns, out);
    push_time(",\"endTime\":", span.end_ns, out);
    push_ms(",\"durationMs\":", span.end_ns - span.start_ns, out);
    out.extend_from_slice(b",\"scope\":");
    push_string(scopes.get(span.scope).map_or("", |scope| &scope.name), out);
    out.extend_from_slice(b",\"attributes\":");
    push_attributes(span.attributes(), out);
    out.extend_from_slice(b",\"events\":[");
    for (index, event) in span.events().enumerate() {
        push_event(index, &event, out);
    }
    out.extend_from_slice(b"],\"links\":[");
    for (index, link) in span.links().enumerate() {
        push_link(index, &link, out);
    }
    out.push(b']');
    if !rest.trace_state.is_empty() {
        out.extend_from_slice(b",\"traceState\":");
        push_text(rest.trace_state, out);
    }
    if rest.dropped_attributes | rest.dropped_events | rest.dropped_links != 0 {
        push_count(",\"dropped\":{\"attributes\":", u64::from(rest.dropped_attributes), out);
        push_count(",\"events\":", u64::from(rest.dropped_events), out);
        push_count(",\"links\":", u64::from(rest.dropped_links), out);
        out.push(b'}');
    }
    for (flag, text) in [
        (span.record_only, ",\"recordOnly\":true"),
        (span.unended, ",\"unended\":true"),
    ] {
        out.extend_from_slice(if flag { text.as_bytes() } else { b"" });
    }
    out.push(b'}');
}

fn push_event(index: usize, event: &EventView<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(if index > 0 { b",{\"name\":" } else { b"{\"name\":" });
    push_text(event.name, out);
    push_time(",\"time\":", event.time_ns, out);
    out.extend_from_slice(b",\"attributes\":");
    push_attributes(event.attributes.clone(), out);
    push_dropped(event.dropped_attributes, out);
    out.push(b'}');
}

fn push_link(index: usize, link: &LinkView<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(if index > 0 {
        b",{\"traceId\":\""
    } else {
        b"{\"traceId\":\""
    });
    push_hex(&link.trace_id, out);
    out.extend_from_slice(b"\",\"spanId\":\"");
    push_hex(&link.span_id, out);
    out.extend_from_slice(b"\",\"attributes\":");
    push_attributes(link.attributes.clone(), out);
    if !link.trace_state.is_empty() {
        out.extend_from_slice(b",\"traceState\":");
        push_text(link.trace_state, out);
    }
    push_dropped(link.dropped_attributes, out);
    out.push(b'}');
}

fn push_dropped(attributes: u32, out: &mut Vec<u8>) {
    if attributes > 0 {
        push_count(",\"droppedAttributes\":", u64::from(attributes), out);
    }
}

fn push_word(key: &str, word: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(key.as_bytes());
    push_string(word, out);
}

fn push_count(key: &str, count: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(key.as_bytes());
    push_integer(count, out);
}

fn push_flag(key: &str, flag: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(if flag { b"true" } else { b"false" });
}

fn push_time(key: &str, unix_ns: u64, out: &mut Vec<u8>) {
    push_fixed(key, unix_ns, 9, out);
}

fn push_ms(key: &str, ns: u64, out: &mut Vec<u8>) {
    push_fixed(key, ns, 6, out);
}

/// A whole number with its point moved by `decimals` digits, without zeros at the end: exact, as no f64 could be.
fn push_fixed(key: &str, value: u64, decimals: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(key.as_bytes());
    let unit = 10_u64.pow(decimals);
    push_integer(value / unit, out);
    let (mut fraction, mut unit) = (value % unit, unit);
    if fraction > 0 {
        out.push(b'.');
    }
    while fraction > 0 {
        unit /= 10;
        out.push(b'0' + (fraction / unit) as u8);
        fraction %= unit;
    }
}

fn kind(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::Internal => "internal",
        SpanKind::Server => "server",
        SpanKind::Client => "client",
        SpanKind::Producer => "producer",
        SpanKind::Consumer => "consumer",
    }
}

fn status(span: &SpanView<'_>) -> &'static str {
    match span.status {
        StatusCode::Unset => "unset",
        StatusCode::Ok => "ok",
        StatusCode::Error if span.timed_out => "timeout",
        StatusCode::Error => "error",
    }
}

#[cfg(test)]
#[path = "trace_json_tests.rs"]
mod tests;
