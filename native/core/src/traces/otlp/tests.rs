//! The encoders against ones that are written plainly, over spans of any content; the protocol's own decoders judge in
//! `test/conformance/otlp`.
#![allow(clippy::unwrap_used)]

use super::super::arbitrary::{Entries, Random, Written, WrittenEvent, WrittenLink, WrittenSpan, some_keys};
use super::super::{ExportSpan, OwnedValue, Resource, Scope, Scopes, Threshold};
use super::{json, protobuf};
use crate::export::otlp::MESSAGES_LEFT;
use crate::layout::{SPAN_AGENT_SHIFT, SPAN_PARENT_REMOTE, SPAN_TIMEOUT, SPAN_UNENDED};
use crate::traces::record::{SpanKind, StatusCode};
use std::sync::Arc;

const KINDS: [&str; 8] = ["", "agent", "llm", "tool", "memory", "retrieval", "chain", "embedding"];

/// A protobuf message as nested vectors.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(mut self, mut value: u64) -> Message {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
        self
    }

    fn uint(self, field: u64, value: u64) -> Message {
        if value == 0 {
            self
        } else {
            self.varint(field << 3).varint(value)
        }
    }

    fn fixed(self, field: u64, bytes: &[u8]) -> Message {
        let mut tagged = self.varint(field << 3 | if bytes.len() == 8 { 1 } else { 5 });
        tagged.0.extend_from_slice(bytes);
        tagged
    }

    fn bytes(self, field: u64, bytes: &[u8]) -> Message {
        let mut tagged = self.varint(field << 3 | 2).varint(bytes.len() as u64);
        tagged.0.extend_from_slice(bytes);
        tagged
    }

    fn text(self, field: u64, text: &str) -> Message {
        if text.is_empty() {
            self
        } else {
            self.bytes(field, text.as_bytes())
        }
    }

    fn all<T>(self, field: u64, items: impl IntoIterator<Item = T>, message: impl Fn(T) -> Message) -> Message {
        items
            .into_iter()
            .fold(self, |whole, item| whole.bytes(field, &message(item).0))
    }
}

fn text(value: &Written) -> String {
    match value {
        Written::Text(text) => text.clone(),
        Written::Utf16(units) => String::from_utf16_lossy(units),
        _ => panic!("{value:?} is no text"),
    }
}

fn quoted(text: &str) -> String {
    let mut out = Vec::new();
    crate::encode::json::push_string(text, &mut out);
    String::from_utf8(out).unwrap()
}

/// An integer, if JavaScript would say that it is one.
fn integer(value: &Written) -> Option<i64> {
    match *value {
        Written::I32(value) => Some(i64::from(value)),
        Written::BigInt(value) => Some(value),
        Written::F64(value) => {
            let safe = value.fract() == 0.0 && value.abs() < 2_f64.powi(53) && value.to_bits() != (-0.0_f64).to_bits();
            safe.then_some(value as i64)
        }
        _ => None,
    }
}

fn number(value: f64) -> String {
    match value {
        _ if value.is_nan() => "\"NaN\"".to_owned(),
        f64::INFINITY => "\"Infinity\"".to_owned(),
        f64::NEG_INFINITY => "\"-Infinity\"".to_owned(),
        _ => {
            let mut buffer = zmij::Buffer::new();
            let text = buffer.format(value);
            text.strip_suffix(".0")
                .filter(|whole| *whole != "-0")
                .unwrap_or(text)
                .to_owned()
        }
    }
}

/// `JSON.stringify`.
fn stringified(value: &Written, depth: u32) -> String {
    match value {
        Written::Null => "null".to_owned(),
        Written::Bool(value) => value.to_string(),
        Written::Array(_) | Written::Object(_) if depth == 100 => "\"[...]\"".to_owned(),
        Written::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| stringified(item, depth + 1)).collect();
            format!("[{}]", items.join(","))
        }
        Written::Object(entries) => {
            let entry = |(key, value): &(String, Written)| format!("{}:{}", quoted(key), stringified(value, depth + 1));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(","))
        }
        Written::F64(value) if integer(&Written::F64(*value)).is_none() => number(*value),
        value => integer(value).map_or_else(|| quoted(&text(value)), |integer| integer.to_string()),
    }
}

fn any_value(value: &Written, left: u32) -> Message {
    let none = Message::default();
    match value {
        Written::Null => none,
        Written::Bool(value) => none.varint(2 << 3).varint(u64::from(*value)),
        Written::Array(items) if left >= 2 => {
            none.bytes(5, &Message::default().all(1, items, |item| any_value(item, left - 2)).0)
        }
        Written::Object(entries) if left >= 3 => {
            let entry = |(key, value): &(String, Written)| key_value(key, value, left - 3);
            none.bytes(6, &Message::default().all(1, entries, entry).0)
        }
        Written::Array(_) | Written::Object(_) => none.bytes(1, stringified(value, 0).as_bytes()),
        Written::F64(value) if integer(&Written::F64(*value)).is_none() => none.fixed(4, &value.to_le_bytes()),
        value => match integer(value) {
            Some(integer) => none.varint(3 << 3).varint(integer as u64),
            None => none.bytes(1, text(value).as_bytes()),
        },
    }
}

fn key_value(key: &str, value: &Written, left: u32) -> Message {
    Message::default().text(1, key).bytes(2, &any_value(value, left).0)
}

fn any_json(value: &Written, left: u32) -> String {
    match value {
        Written::Null => "{}".to_owned(),
        Written::Bool(value) => format!("{{\"boolValue\":{value}}}"),
        Written::Array(items) if left >= 2 => {
            let items: Vec<_> = items.iter().map(|item| any_json(item, left - 2)).collect();
            format!("{{\"arrayValue\":{{\"values\":[{}]}}}}", items.join(","))
        }
        Written::Object(entries) if left >= 3 => {
            format!("{{\"kvlistValue\":{{\"values\":{}}}}}", entries_json(entries, left - 3))
        }
        Written::Array(_) | Written::Object(_) => format!("{{\"stringValue\":{}}}", quoted(&stringified(value, 0))),
        Written::F64(value) if integer(&Written::F64(*value)).is_none() => {
            format!("{{\"doubleValue\":{}}}", number(*value))
        }
        value => match integer(value) {
            Some(integer) => format!("{{\"intValue\":\"{integer}\"}}"),
            None => format!("{{\"stringValue\":{}}}", quoted(&text(value))),
        },
    }
}

fn entries_json(entries: &Entries, left: u32) -> String {
    let entry =
        |(key, value): &(String, Written)| format!("{{\"key\":{},\"value\":{}}}", quoted(key), any_json(value, left));
    format!("[{}]", entries.iter().map(entry).collect::<Vec<_>>().join(","))
}

/// Attributes with those that a record's bits stand for.
fn all_attributes(span: &WrittenSpan) -> Entries {
    let kind = KINDS
        .get((span.bits >> SPAN_AGENT_SHIFT & 15) as usize)
        .copied()
        .unwrap_or_default();
    let mut all = span.attributes.clone();
    if !kind.is_empty() {
        all.push(("agent.span.kind".to_owned(), kind.into()));
    }
    if span.bits & SPAN_TIMEOUT != 0 {
        all.push(("error.type".to_owned(), "timeout".into()));
    }
    if span.bits & SPAN_UNENDED != 0 {
        all.push(("kymo.span.unended".to_owned(), Written::Bool(true)));
    }
    all
}

fn flags(span: &WrittenSpan) -> u32 {
    let remote = span.parent != 0 && span.bits & SPAN_PARENT_REMOTE != 0;
    u32::from(span.flags) | 0x100 | if remote { 0x200 } else { 0 }
}

fn status(span: &WrittenSpan) -> u64 {
    if span.bits & SPAN_TIMEOUT != 0 {
        2
    } else {
        span.status as u64
    }
}

/// Only an error has one.
fn status_message(span: &WrittenSpan) -> String {
    if status(span) == 2 {
        text(&span.status_message)
    } else {
        String::new()
    }
}

fn span_message(span: &WrittenSpan) -> Message {
    let attribute = |(key, value): &(String, Written)| key_value(key, value, MESSAGES_LEFT);
    let event = |event: &WrittenEvent| {
        let fields = Message::default()
            .fixed(1, &event.time_ns.to_le_bytes())
            .text(2, &text(&event.name));
        fields
            .all(3, &event.attributes, attribute)
            .uint(4, u64::from(event.dropped))
    };
    let link = |link: &WrittenLink| {
        let ids = Message::default()
            .bytes(1, &link.trace_id.to_be_bytes())
            .bytes(2, &link.span_id.to_be_bytes());
        let fields = ids
            .text(3, &text(&link.trace_state))
            .all(4, &link.attributes, attribute);
        fields
            .uint(5, u64::from(link.dropped))
            .fixed(6, &(link.flags | 0x100).to_le_bytes())
    };
    let mut message = Message::default()
        .bytes(1, &span.trace_id.to_be_bytes())
        .bytes(2, &span.span_id.to_be_bytes());
    message = message.text(3, &text(&span.trace_state));
    if span.parent != 0 {
        message = message.bytes(4, &span.parent.to_be_bytes());
    }
    message = message
        .text(5, &text(&span.name))
        .uint(6, span.kind as u64 + 1)
        .fixed(7, &span.start_ns.to_le_bytes())
        .fixed(8, &span.end_ns.to_le_bytes())
        .all(9, &all_attributes(span), attribute)
        .uint(10, u64::from(span.dropped[0]))
        .all(11, &span.events, event)
        .uint(12, u64::from(span.dropped[1]))
        .all(13, &span.links, link)
        .uint(14, u64::from(span.dropped[2]));
    if status(span) != 0 {
        message = message.bytes(
            15,
            &Message::default()
                .text(2, &status_message(span))
                .uint(3, status(span))
                .0,
        );
    }
    message.fixed(16, &flags(span).to_le_bytes())
}

fn span_json(span: &WrittenSpan) -> String {
    let known = |name: &str, value: String| {
        if value.is_empty() {
            value
        } else {
            format!("\"{name}\":{},", quoted(&value))
        }
    };
    let count = |name: &str, count: u32| {
        if count == 0 {
            String::new()
        } else {
            format!("\"{name}\":{count},")
        }
    };
    let list = |name: &str, items: Vec<String>| match items.is_empty() {
        true => String::new(),
        false => format!("\"{name}\":[{}],", items.join(",")),
    };
    let attributes = |entries: &Entries| match entries.is_empty() {
        true => String::new(),
        false => format!("\"attributes\":{},", entries_json(entries, MESSAGES_LEFT)),
    };
    let closed = |fields: String| format!("{{{}}}", fields.trim_end_matches(','));
    let event = |event: &WrittenEvent| {
        let head = format!(
            "\"timeUnixNano\":\"{}\",\"name\":{},",
            event.time_ns,
            quoted(&text(&event.name))
        );
        closed(head + &attributes(&event.attributes) + &count("droppedAttributesCount", event.dropped))
    };
    let link = |link: &WrittenLink| {
        let ids = format!(
            "\"traceId\":\"{:032x}\",\"spanId\":\"{:016x}\",",
            link.trace_id, link.span_id
        );
        let state = known("traceState", text(&link.trace_state)) + &count("flags", link.flags | 0x100);
        closed(ids + &state + &attributes(&link.attributes) + &count("droppedAttributesCount", link.dropped))
    };
    let mut json = format!(
        "\"traceId\":\"{:032x}\",\"spanId\":\"{:016x}\",",
        span.trace_id, span.span_id
    );
    json += &known("traceState", text(&span.trace_state));
    if span.parent != 0 {
        json += &format!("\"parentSpanId\":\"{:016x}\",", span.parent);
    }
    json += &format!("\"flags\":{},\"name\":{},", flags(span), quoted(&text(&span.name)));
    json += &format!(
        "\"kind\":{},\"startTimeUnixNano\":\"{}\",",
        span.kind as u32 + 1,
        span.start_ns
    );
    json += &format!("\"endTimeUnixNano\":\"{}\",", span.end_ns);
    json += &attributes(&all_attributes(span));
    json += &count("droppedAttributesCount", span.dropped[0]);
    json += &list("events", span.events.iter().map(event).collect());
    json += &count("droppedEventsCount", span.dropped[1]);
    json += &list("links", span.links.iter().map(link).collect());
    json += &count("droppedLinksCount", span.dropped[2]);
    if status(span) != 0 {
        let fields = format!("\"code\":{},", status(span)) + &known("message", status_message(span));
        json += &format!("\"status\":{}", closed(fields));
    }
    closed(json)
}

fn scopes() -> Scopes {
    let scopes = Scopes::default();
    for (name, version, schema_url) in [
        ("http", "", ""),
        ("db", "1.2", "https://example.test/schema"),
        ("", "", ""),
    ] {
        let attributes = match version {
            "" => Vec::new(),
            _ => vec![(
                "a".into(),
                OwnedValue::Array(vec![OwnedValue::Int(-1), OwnedValue::Text("x".into())]),
            )],
        };
        scopes.add(Scope {
            host: 0,
            name: name.into(),
            version: version.into(),
            schema_url: schema_url.into(),
            attributes,
        });
    }
    scopes
}

fn resource() -> Resource {
    let attributes = vec![
        ("service.name".into(), OwnedValue::Text("shop \"1\"".into())),
        ("n".into(), OwnedValue::Int(7)),
        ("ratio".into(), OwnedValue::Double(0.5)),
        ("on".into(), OwnedValue::Bool(true)),
        ("none".into(), OwnedValue::Null),
    ];
    Resource {
        attributes,
        schema_url: "https://example.test/r".into(),
    }
}

fn exported(spans: &[WrittenSpan]) -> Vec<ExportSpan> {
    let keys = some_keys();
    keys.declare("http.route");
    keys.declare("count");
    let export = |span: &WrittenSpan| ExportSpan {
        record: span.record_with(&keys),
        threshold: None,
    };
    spans.iter().map(export).collect()
}

type Encode = fn(&[ExportSpan], &Resource, &Scopes, &mut Vec<u8>);

fn encoded(encode: Encode, spans: &[ExportSpan]) -> Vec<u8> {
    // What stands in front belongs to somebody else.
    let mut out = b"before".to_vec();
    encode(spans, &resource(), &scopes(), &mut out);
    assert_eq!(out[..6], *b"before");
    out.split_off(6)
}

fn encoded_json(spans: &[ExportSpan]) -> String {
    String::from_utf8(encoded(json::encode, spans)).unwrap()
}

fn request(spans: &[WrittenSpan]) -> Vec<u8> {
    let owned = |value: &str, field: u64| Message::default().bytes(field, value.as_bytes());
    let attribute = |key: &str, value: Message| Message::default().bytes(1, key.as_bytes()).bytes(2, &value.0);
    let items = Message::default()
        .bytes(1, &any_value(&Written::I32(-1), 9).0)
        .bytes(1, &owned("x", 1).0);
    let scope_messages = [
        Message::default().text(1, "http"),
        Message::default()
            .text(1, "db")
            .text(2, "1.2")
            .bytes(3, &attribute("a", Message::default().bytes(5, &items.0)).0),
        Message::default(),
    ];
    let mut resource_message = Message::default();
    for (key, value) in [
        ("service.name", "shop \"1\"".into()),
        ("n", Written::I32(7)),
        ("ratio", Written::F64(0.5)),
        ("on", Written::Bool(true)),
        ("none", Written::Null),
    ] {
        resource_message = resource_message.bytes(1, &key_value(key, &value, MESSAGES_LEFT).0);
    }
    let mut whole = Message::default().bytes(1, &resource_message.0);
    for scope in 0..4 {
        let mine: Vec<&WrittenSpan> = spans.iter().filter(|span| span.scope == scope).collect();
        if mine.is_empty() {
            continue;
        }
        let mut group = Message::default();
        if let Some(message) = scope_messages.get(usize::from(scope)) {
            group = group.bytes(1, &message.0);
        }
        group = group.all(2, mine, span_message);
        whole = whole.bytes(
            2,
            &group
                .text(3, if scope == 1 { "https://example.test/schema" } else { "" })
                .0,
        );
    }
    Message::default()
        .bytes(1, &whole.text(3, "https://example.test/r").0)
        .0
}

fn request_json(spans: &[WrittenSpan]) -> String {
    let scope_fields = [
        "\"scope\":{\"name\":\"http\"},",
        "\"scope\":{\"name\":\"db\",\"version\":\"1.2\",\"attributes\":[{\"key\":\"a\",\"value\":{\"arrayValue\":{\"values\":\
         [{\"intValue\":\"-1\"},{\"stringValue\":\"x\"}]}}}]},",
        "\"scope\":{\"name\":\"\"},",
        "",
    ];
    let mut groups = Vec::new();
    for (scope, fields) in scope_fields.iter().enumerate() {
        let mine: Vec<String> = spans
            .iter()
            .filter(|span| usize::from(span.scope) == scope)
            .map(span_json)
            .collect();
        if !mine.is_empty() {
            let schema = if scope == 1 {
                ",\"schemaUrl\":\"https://example.test/schema\""
            } else {
                ""
            };
            groups.push(format!("{{{fields}\"spans\":[{}]{schema}}}", mine.join(",")));
        }
    }
    format!(
        "{{\"resourceSpans\":[{{\"resource\":{{\"attributes\":[{{\"key\":\"service.name\",\"value\":{{\"stringValue\":\
         \"shop \\\"1\\\"\"}}}},{{\"key\":\"n\",\"value\":{{\"intValue\":\"7\"}}}},{{\"key\":\"ratio\",\"value\":\
         {{\"doubleValue\":0.5}}}},{{\"key\":\"on\",\"value\":{{\"boolValue\":true}}}},{{\"key\":\"none\",\"value\":{{}}}}]}},\
         \"scopeSpans\":[{}],\"schemaUrl\":\"https://example.test/r\"}}]}}",
        groups.join(",")
    )
}

#[test]
fn spans_of_any_content_are_what_plain_encoders_make_of_them() {
    let mut random = Random(0x6b79_6d6f);
    for round in 0..50 {
        let count = if round % 25 == 0 { 200 } else { 1 + random.below(6) };
        let spans: Vec<WrittenSpan> = (0..count).map(|_| random.span()).collect();
        let records = exported(&spans);
        assert!(
            encoded(protobuf::encode, &records) == request(&spans),
            "protobuf, round {round}: {spans:?}"
        );
        assert!(
            encoded_json(&records) == request_json(&spans),
            "JSON, round {round}: {spans:?}"
        );
    }
}

#[test]
fn nothing_is_made_of_no_spans() {
    assert_eq!(encoded(protobuf::encode, &[]), []);
    assert_eq!(encoded(json::encode, &[]), []);
}

/// (tracing: remote parent) bits 8 and 9 of the flags are about the parent, or the link's target.
#[test]
fn flags_tell_a_remote_parent_from_a_local_one() {
    for (parent, bits, wanted) in [
        (0, 0, 0x103),
        (7, 0, 0x103),
        (7, SPAN_PARENT_REMOTE, 0x303),
        (0, SPAN_PARENT_REMOTE, 0x103),
    ] {
        let span = WrittenSpan {
            parent,
            bits,
            flags: 3,
            ..WrittenSpan::default()
        };
        let record = span.record();
        assert_eq!(super::span_flags(&record.view()), wanted);
    }
    let links = [0, 1, 0x200, 0x3ff, u32::MAX].map(|flags| WrittenLink {
        trace_id: 0,
        span_id: 0,
        flags,
        trace_state: "".into(),
        attributes: Vec::new(),
        dropped: 0,
    });
    let record = WrittenSpan {
        links: links.to_vec(),
        ..WrittenSpan::default()
    }
    .record();
    let found: Vec<u32> = record.view().links().map(|link| super::link_flags(&link)).collect();
    assert_eq!(found, [0x100, 0x101, 0x300, 0x3ff, 0x3ff]);
}

/// [A-003] [A-004] and a span that its thread left open.
#[test]
fn what_otlp_has_no_field_for_is_an_attribute_unless_the_span_has_it_itself() {
    let span = WrittenSpan {
        bits: 2 << SPAN_AGENT_SHIFT | SPAN_TIMEOUT | SPAN_UNENDED,
        status: StatusCode::Error,
        status_message: "too slow".into(),
        ..WrittenSpan::default()
    };
    let text = encoded_json(&exported(std::slice::from_ref(&span)));
    for wanted in [
        "{\"key\":\"agent.span.kind\",\"value\":{\"stringValue\":\"llm\"}}",
        "{\"key\":\"error.type\",\"value\":{\"stringValue\":\"timeout\"}}",
        "{\"key\":\"kymo.span.unended\",\"value\":{\"boolValue\":true}}",
        "\"status\":{\"code\":2,\"message\":\"too slow\"}",
    ] {
        assert!(text.contains(wanted), "{wanted} in {text}");
    }
    let own = WrittenSpan {
        attributes: vec![
            ("error.type".to_owned(), "DeadlineError".into()),
            ("agent.span.kind".to_owned(), "x".into()),
        ],
        ..span
    };
    let text = encoded_json(&exported(&[own]));
    assert_eq!(
        (
            text.matches("error.type").count(),
            text.matches("agent.span.kind").count()
        ),
        (1, 1)
    );
    assert!(text.contains("DeadlineError"));
}

#[test]
fn a_threshold_is_written_into_the_tracestate() {
    let span = WrittenSpan {
        trace_state: "a=1,ot=rv:0123456789abcd".into(),
        kind: SpanKind::Server,
        ..WrittenSpan::default()
    };
    let mut spans = exported(&[span]);
    spans[0].threshold = Threshold::parse("c");
    let wanted = "ot=th:c;rv:0123456789abcd,a=1";
    assert!(encoded_json(&spans).contains(&format!("\"traceState\":\"{wanted}\"")));
    let body = encoded(protobuf::encode, &spans);
    let field = [&[3 << 3 | 2, wanted.len() as u8], wanted.as_bytes()].concat();
    assert!(body.windows(field.len()).any(|window| window == field));
}

#[test]
fn a_scope_that_nobody_knows_is_none() {
    let span = WrittenSpan {
        scope: u16::MAX,
        ..WrittenSpan::default()
    };
    let text = encoded_json(&exported(&[span]));
    assert!(text.contains("\"scopeSpans\":[{\"spans\":[{"), "{text}");
}

/// Batches of some spans and of several scopes, in the order of the batch inside each.
#[test]
fn spans_keep_their_order_inside_their_scope() {
    let span = |span_id: u64, scope: u16| WrittenSpan {
        span_id,
        scope,
        ..WrittenSpan::default()
    };
    let spans = exported(&[span(5, 1), span(4, 0), span(3, 1), span(2, 0), span(1, 1)]);
    let mut found = Vec::new();
    super::by_scope(&spans, &scopes(), |scope, spans| {
        let ids = spans.map(|span| span.record.view().span_id[7]).collect::<Vec<_>>();
        found.push((scope.map(|scope: &Arc<Scope>| scope.name.to_string()), ids));
    });
    assert_eq!(
        found,
        [
            (Some("http".to_owned()), vec![4, 2]),
            (Some("db".to_owned()), vec![5, 3, 1])
        ]
    );
}
