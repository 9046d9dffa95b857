//! What becomes of a record, field by field; the protocol's own decoder judges in `test/conformance/otlp`.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::export::{OwnedValue, Resource};
use crate::layout::*;
use crate::logs::pipeline::{RecordEncoder, RecordFormat};
use crate::logs::record::tests::head;
use crate::ring::record::Record;
use std::collections::HashMap;

const TIME_MS: f64 = 1_700_000_000_123.25;

fn counted(tag: u8, count: usize, bytes: &[u8]) -> Vec<u8> {
    [&[tag][..], &(count as u32).to_le_bytes(), bytes].concat()
}

fn text(text: &str) -> Vec<u8> {
    counted(VALUE_LATIN1, text.len(), text.as_bytes())
}

fn int(value: i32) -> Vec<u8> {
    [&[VALUE_I32][..], &value.to_le_bytes()].concat()
}

fn time(ms: f64) -> Vec<u8> {
    [&[VALUE_TIME][..], &ms.to_le_bytes()].concat()
}

fn entries(tag: u8, pairs: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let bytes: Vec<u8> = pairs
        .iter()
        .flat_map(|(key, value)| [text(key), value.clone()].concat())
        .collect();
    counted(tag, pairs.len(), &bytes)
}

/// A record at level info of the logger `db`.
fn record(message: Vec<u8>, pairs: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut body = head(TIME_MS, 30, 0, 0, 0);
    body.extend(message);
    pairs
        .iter()
        .for_each(|(key, value)| body.extend([text(key), value.clone()].concat()));
    body
}

fn traced(flags: u8, span: [u32; 2]) -> Vec<u8> {
    let mut body = head(TIME_MS, 35, 0, LOG_TRACED | u32::from(flags), -1);
    for word in [0x0102_0304, 0, 0, 5, span[0], span[1]] {
        body.extend(u32::to_le_bytes(word));
    }
    body.push(VALUE_NULL);
    body
}

fn json_of(kind: u16, cut: bool, body: &[u8], options: RecordOptions) -> String {
    let keys = HashMap::from([(0, "db".to_owned()), (1, "rows".to_owned())]);
    let read = LogRecord::read(&Record { kind, cut, body }, &keys).unwrap();
    let encoded = RecordEncoder::new(RecordFormat::OtlpJson, options).encode(&read);
    String::from_utf8(encoded.bytes.to_vec()).unwrap()
}

fn json(body: &[u8]) -> String {
    json_of(RECORD_LOG, false, body, RecordOptions::default())
}

/// What stands between the severity and the end.
fn rest(body: &[u8]) -> String {
    let json = json(body);
    let start = "\"severityText\":\"info\"";
    json[json.find(start).unwrap() + start.len()..json.len() - 1].to_owned()
}

#[test]
fn a_record_has_its_times_its_severity_and_its_body() {
    assert_eq!(
        json(&record(text("hello"), &[("n", int(3))])),
        "{\"timeUnixNano\":\"1700000000123250000\",\"observedTimeUnixNano\":\"1700000000123250000\",\
         \"severityNumber\":9,\"severityText\":\"info\",\"body\":{\"stringValue\":\"hello\"},\
         \"attributes\":[{\"key\":\"n\",\"value\":{\"intValue\":\"3\"}}]}"
    );
    assert_eq!(rest(&record(vec![VALUE_NULL], &[])), "", "no message is no body");
    assert_eq!(
        rest(&record(entries(VALUE_OBJECT, &[("a", int(1))]), &[])),
        ",\"body\":{\"kvlistValue\":{\"values\":[{\"key\":\"a\",\"value\":{\"intValue\":\"1\"}}]}}"
    );
}

#[test]
fn a_time_that_is_none_is_unknown_and_observed_now() {
    for bad in [f64::NAN, f64::NEG_INFINITY, -1.0] {
        let mut body = record(text("x"), &[]);
        body[..8].copy_from_slice(&bad.to_le_bytes());
        let json = json(&body);
        assert!(
            json.starts_with("{\"timeUnixNano\":\"0\",\"observedTimeUnixNano\":\"1"),
            "{json}"
        );
    }
    assert_eq!(nanoseconds(f64::INFINITY), u64::MAX);
    assert_eq!(nanoseconds(1_700_000_000_123.0), 1_700_000_000_123_000_000);
}

#[test]
fn levels_have_the_severities_of_the_specification_and_keep_their_names() {
    let numbers = [10, 20, 30, 40, 50, 60].map(severity_number);
    assert_eq!(numbers, [1, 5, 9, 13, 17, 21]);
    assert_eq!(
        [35, 0, 5, 19, 69, 100, u16::MAX].map(severity_number),
        [11, 1, 1, 4, 24, 24, 24]
    );
    let options = RecordOptions {
        levels: vec![(35, "notice".into()), (30, "information".into())],
        ..RecordOptions::default()
    };
    assert_eq!(
        [35, 30, 50, 51].map(|level| options.level_name(level)),
        ["notice", "information", "error", ""]
    );
    let named = json_of(RECORD_LOG, false, &traced(1, [0, 7]), options);
    assert!(
        named.contains("\"severityNumber\":11,\"severityText\":\"notice\""),
        "{named}"
    );
    assert!(
        json(&traced(1, [0, 7])).contains("\"severityNumber\":11,\"flags\""),
        "no name, no text"
    );
}

#[test]
fn ids_and_flags_are_those_of_the_trace_and_a_span_may_be_missing() {
    assert!(
        json(&traced(1, [0, 7])).ends_with(
            ",\"flags\":1,\"traceId\":\"01020304000000000000000000000005\",\"spanId\":\"0000000000000007\"}"
        )
    );
    assert!(json(&traced(0, [0, 0])).ends_with(",\"traceId\":\"01020304000000000000000000000005\"}"));
}

#[test]
fn each_key_comes_once_with_its_last_value_at_the_place_of_the_first() {
    let few = record(text("m"), &[("a", int(1)), ("b", int(2)), ("a", int(3)), ("", int(4))]);
    assert_eq!(
        rest(&few),
        ",\"body\":{\"stringValue\":\"m\"},\"attributes\":[{\"key\":\"a\",\"value\":{\"intValue\":\"3\"}},\
         {\"key\":\"b\",\"value\":{\"intValue\":\"2\"}}],\"droppedAttributesCount\":1"
    );
    let keys: Vec<String> = (0..120).map(|n| format!("k{}", n % 60)).collect();
    let pairs: Vec<(&str, Vec<u8>)> = keys.iter().zip(0..).map(|(key, n)| (key.as_str(), int(n))).collect();
    let many = rest(&record(text("m"), &pairs));
    assert_eq!(many.matches("\"key\"").count(), 60);
    assert!(
        many.contains("{\"key\":\"k0\",\"value\":{\"intValue\":\"60\"}}"),
        "{many}"
    );
    assert!(
        many.ends_with("{\"key\":\"k59\",\"value\":{\"intValue\":\"119\"}}]"),
        "{many}"
    );
}

#[test]
fn the_same_key_is_known_in_every_form() {
    let mut body = record(text("m"), &[("rows", int(1))]);
    body.extend([counted(VALUE_UTF16, 4, b"r\0o\0w\0s\0"), int(2)].concat());
    body.extend([&[VALUE_INTERNED, 1, 0, 0, 0][..], &int(3)].concat());
    assert_eq!(rest(&body).matches("rows").count(), 1);
    assert!(rest(&body).contains("\"3\""));
}

#[test]
fn an_error_becomes_the_attributes_of_an_exception_and_loses_nothing() {
    let parts = [
        ("type", text("TypeError")),
        ("message", text("no")),
        ("stack", text("TypeError: no\n    at f")),
    ];
    let exception = "{\"key\":\"exception.type\",\"value\":{\"stringValue\":\"TypeError\"}},\
         {\"key\":\"exception.message\",\"value\":{\"stringValue\":\"no\"}},\
         {\"key\":\"exception.stacktrace\",\"value\":{\"stringValue\":\"TypeError: no\\n    at f\"}}";
    let plain = record(text("m"), &[("a", int(1)), ("err", entries(VALUE_ERROR, &parts))]);
    assert!(
        rest(&plain).ends_with(&format!("{{\"intValue\":\"1\"}}}},{exception}]")),
        "{}",
        rest(&plain)
    );
    let more = [
        &parts[..],
        &[("code", text("E1")), ("cause", entries(VALUE_ERROR, &parts[..2]))],
    ]
    .concat();
    let rich = rest(&record(text("m"), &[("err", entries(VALUE_ERROR, &more))]));
    let cause = "{\"key\":\"cause\",\"value\":{\"kvlistValue\":{\"values\":[{\"key\":\"type\"";
    for part in [
        exception,
        "{\"key\":\"err\",",
        "{\"key\":\"code\",\"value\":{\"stringValue\":\"E1\"}}",
        cause,
    ] {
        assert!(rich.contains(part), "{part} in {rich}");
    }
    let pairs = [
        ("first", entries(VALUE_ERROR, &parts)),
        ("err", entries(VALUE_ERROR, &[("message", text("own"))])),
        ("exception.type", text("mine")),
    ];
    let two = rest(&record(text("m"), &pairs));
    assert!(
        two.contains("{\"key\":\"exception.message\",\"value\":{\"stringValue\":\"own\"}}"),
        "{two}"
    );
    assert!(two.contains("{\"key\":\"first\",\"value\":{\"kvlistValue\""), "{two}");
    assert_eq!(two.matches("exception.type").count(), 1, "the caller's stays: {two}");
}

#[test]
fn dates_bytes_and_nonsense_have_their_forms() {
    let pairs = [
        ("t", time(0.5)),
        ("never", time(f64::NAN)),
        ("b", counted(VALUE_BYTES, 3, &[1, 2, 255])),
    ];
    assert_eq!(
        rest(&record(text("m"), &pairs)),
        ",\"body\":{\"stringValue\":\"m\"},\"attributes\":[\
         {\"key\":\"t\",\"value\":{\"stringValue\":\"1970-01-01T00:00:00.000Z\"}},{\"key\":\"never\",\"value\":{}},\
         {\"key\":\"b\",\"value\":{\"bytesValue\":\"AQL/\"}}]"
    );
    let mut broken = record(text("m"), &[("a", int(1))]);
    broken.extend([text("b"), vec![99]].concat());
    assert!(rest(&broken).ends_with("\"attributes\":[{\"key\":\"a\",\"value\":{\"intValue\":\"1\"}}]"));
    for end in LOG_HEAD..broken.len() {
        json(&broken[..end]);
    }
}

#[test]
fn limits_drop_what_is_beyond_and_count_it() {
    let mut options = RecordOptions::default();
    options.limits.count = 2;
    options.limits.value_length = 3;
    let body = record(
        text("long message"),
        &[("a", text("abcd")), ("b", int(1)), ("c", int(2)), ("d", int(3))],
    );
    let json = json_of(RECORD_LOG, true, &body, options);
    assert!(
        json.contains("{\"stringValue\":\"abc\"}") && json.contains("long message"),
        "{json}"
    );
    assert!(
        json.ends_with("}],\"droppedAttributesCount\":3}"),
        "two, and that it was cut: {json}"
    );
    let cut = json_of(RECORD_LOG, true, &record(text("m"), &[]), RecordOptions::default());
    assert!(
        cut.contains("{\"key\":\"kymo.log.truncated\",\"value\":{\"boolValue\":true}}"),
        "{cut}"
    );
}

#[test]
fn a_finished_line_is_the_body_without_its_ending() {
    let mut body = head(TIME_MS, 30, 0, 0, -1);
    body.extend(text("{\"level\":30}\r\n"));
    let json = json_of(RECORD_LINE, false, &body, RecordOptions::default());
    assert!(
        json.ends_with("\"body\":{\"stringValue\":\"{\\\"level\\\":30}\"}}"),
        "{json}"
    );
    let mut wide = head(TIME_MS, 30, 0, 0, -1);
    wide.extend(counted(VALUE_UTF16, 2, &[0x22, 0x6f, b'\n', 0]));
    assert!(json_of(RECORD_LINE, false, &wide, RecordOptions::default()).ends_with("{\"stringValue\":\"\u{6f22}\"}}"));
}

#[test]
fn both_encodings_put_records_under_their_loggers() {
    let keys = HashMap::from([(0, "db".to_owned())]);
    let encoder = |format| RecordEncoder::new(format, RecordOptions::default());
    let bodies = [record(text("one"), &[]), traced(1, [0, 1]), record(text("two"), &[])];
    let encode = |format| -> Vec<EncodedLog> {
        let encoder = encoder(format);
        let record = |body| Record {
            kind: RECORD_LOG,
            cut: false,
            body,
        };
        bodies
            .iter()
            .map(|body| encoder.encode(&LogRecord::read(&record(body), &keys).unwrap()))
            .collect()
    };
    let resource = Resource {
        attributes: vec![("service.name".into(), OwnedValue::Text("shop".into()))],
        schema_url: "https://s".into(),
    };
    let mut out = Vec::new();
    json::encode(&encode(RecordFormat::OtlpJson), &resource, &mut out);
    let text = String::from_utf8(out).unwrap();
    let start = "{\"resourceLogs\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"shop\"}}]},\
         \"scopeLogs\":[{\"logRecords\":[{\"timeUnixNano\"";
    assert!(text.starts_with(start), "{text}");
    assert_eq!(
        text.matches("{\"scope\":{\"name\":\"db\"},\"logRecords\":[").count(),
        1,
        "{text}"
    );
    assert!(text.find("one").unwrap() < text.find("two").unwrap());
    assert!(text.ends_with("]}],\"schemaUrl\":\"https://s\"}]}"), "{text}");
    let mut out = Vec::new();
    json::encode(&[], &resource, &mut out);
    protobuf::encode(&[], &resource, &mut out);
    assert!(out.is_empty());
    protobuf::encode(&encode(RecordFormat::OtlpProtobuf), &resource, &mut out);
    assert_eq!(out[0], 10, "resource logs");
    for part in ["service.name", "shop", "db", "one", "two"] {
        assert_eq!(String::from_utf8_lossy(&out).matches(part).count(), 1, "{part}");
    }
}
