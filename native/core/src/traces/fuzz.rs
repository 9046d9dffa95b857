//! Records of spans and all that is made of them, driven by arbitrary bytes: must neither panic nor run away, and what comes out
//! must be whole. One plain function, called by the seeded loop in `cargo test` and by cargo-fuzz.

use super::clock::WallClock;
use super::retained::RetainedTrace;
use super::shown::ShownTrace;
use super::store::TraceStore;
use super::tail::{AttributeRule, Condition, Share, TailRules, TailSampler};
use super::trace_json::{Detail, push_trace};
use super::{ExportSpan, OwnedValue, Resource, Scopes, SpanRecord, Threshold, chrome, msgpack, otlp, speedscope};
use crate::intern::InternTable;
use crate::layout::{HEADER_SIZE, KIND_RING};
use crate::memory::segment::Segment;
use crate::ring::read_records;
use std::sync::{Arc, OnceLock};

/// Fields that are messages, of a request and of everything in it: number of the field, and what its message holds in turn.
struct Schema(&'static [(u64, &'static Schema)]);

static LEAF: Schema = Schema(&[]);
static VALUE: Schema = Schema(&[(5, &VALUES), (6, &ENTRIES)]);
static VALUES: Schema = Schema(&[(1, &VALUE)]);
static ENTRIES: Schema = Schema(&[(1, &ENTRY)]);
static ENTRY: Schema = Schema(&[(2, &VALUE)]);
static SPAN: Schema = Schema(&[
    (9, &ENTRY),
    (11, &Schema(&[(3, &ENTRY)])),
    (13, &Schema(&[(4, &ENTRY)])),
    (15, &LEAF),
]);
static SCOPE_SPANS: Schema = Schema(&[(1, &Schema(&[(3, &ENTRY)])), (2, &SPAN)]);
static REQUEST: Schema = Schema(&[(1, &Schema(&[(1, &ENTRIES), (2, &SCOPE_SPANS)]))]);

/// Reads `data` as the body of a span's record, and as a ring full of records.
pub fn fuzz_spans(data: &[u8]) {
    static KEYS: OnceLock<Option<Arc<InternTable>>> = OnceLock::new();
    let keys = KEYS.get_or_init(|| {
        let segment = Segment::anonymous(KIND_RING, 2 * HEADER_SIZE).ok()?;
        let keys = InternTable::new(Arc::new(segment));
        let declared = ["http.route", "exception.type", "k"]
            .iter()
            .filter(|key| keys.declare(key).is_some());
        (declared.count() == 3).then(|| Arc::new(keys))
    });
    let Some(keys) = keys else { return };
    let records = read_records(data).map_while(Result::ok).map(|record| record.body);
    let clock = WallClock::now();
    let read = |body: &[u8]| SpanRecord::read(body, keys, clock, 1).map(Arc::new);
    let spans: Vec<Arc<SpanRecord>> = records.chain([data]).filter_map(read).collect();
    let mut trace = RetainedTrace::new(1);
    let mut batch = Vec::new();
    for record in &spans {
        trace.add(record, &record.view());
        batch.push(ExportSpan {
            record: Arc::clone(record),
            threshold: Some(Threshold::ALWAYS).filter(|_| batch.len() % 2 == 1),
        });
    }
    if batch.is_empty() {
        return;
    }
    let (resource, scopes) = (Resource::default(), Scopes::default());
    let written = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut out = Vec::new();
        write(&mut out);
        out
    };
    check_message(
        &written(&|out| otlp::protobuf::encode(&batch, &resource, &scopes, out)),
        &REQUEST,
    );
    check_json(&written(&|out| otlp::json::encode(&batch, &resource, &scopes, out)));
    check_msgpack(&written(&|out| msgpack::encode(&batch, &resource, &scopes, out)));
    let traces = [Arc::new(trace)];
    check_json(&written(&|out| chrome::encode(&traces, &resource, &scopes, out)));
    check_json(&written(&|out| speedscope::encode(&traces, &resource, out)));
    let [trace] = traces;
    let shown = ShownTrace {
        trace,
        resource: Arc::new(resource),
    };
    check_json(&written(&|out| push_trace(&shown, &scopes, Detail::Spans, out)));
    retained_and_sampled(&spans);
}

/// Spans with any ids, times and attributes in a small store and before a sampler with every kind of rule: whatever comes,
/// bounds hold, and each span is emitted once or counted as dropped.
fn retained_and_sampled(spans: &[Arc<SpanRecord>]) {
    let store = TraceStore::new(4, 4_096);
    let conditions = [
        Condition::AtLeast(1.0),
        Condition::OneOf(vec![OwnedValue::Text("a".into())]),
    ];
    let sampler = TailSampler::new(TailRules {
        attributes: conditions
            .map(|condition| AttributeRule {
                key: "k".into(),
                condition,
                share: Share::of(0.5),
            })
            .into(),
        max_traces: 2,
        max_bytes: 4_096,
        max_decisions: 8,
        max_routes: 2,
        ..TailRules::default()
    });
    let mut emitted = 0;
    for (at, span) in spans.iter().enumerate() {
        store.accept(span);
        sampler.accept(span, &mut |_| emitted += 1);
        sampler.tick(at as u64 * 1_000, &mut |_| emitted += 1);
        assert!(store.counts().bytes <= 4_096 && store.recent(9).len() <= 4);
        assert!(sampler.counts().undecided_traces <= 2 && sampler.counts().undecided_bytes <= 4_096);
    }
    sampler.decide_all(&mut |_| emitted += 1);
    let exported = spans.iter().filter(|span| !span.view().record_only).count() as u64;
    assert_eq!(emitted + sampler.counts().dropped_spans, exported);
}

/// Every field is whole, and every message in it. Recursion ends where that of readers does.
fn check_message(mut bytes: &[u8], schema: &Schema) {
    while !bytes.is_empty() {
        let tag = varint(&mut bytes);
        let length = match tag & 7 {
            0 => {
                varint(&mut bytes);
                continue;
            }
            1 => 8,
            2 => varint(&mut bytes),
            5 => 4,
            other => panic!("wire type {other}"),
        };
        let (content, rest) = bytes.split_at(length as usize);
        bytes = rest;
        match schema.0.iter().find(|(field, _)| *field == tag >> 3) {
            Some((_, inside)) => check_message(content, inside),
            // Ids are bytes, numbers are fixed; any other content is a text.
            None if tag & 7 == 2 && !matches!(length, 8 | 16) => {
                assert!(std::str::from_utf8(content).is_ok(), "a text is UTF-8")
            }
            None => {}
        }
    }
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let length = bytes.iter().position(|byte| *byte < 0x80).map_or(0, |last| last + 1);
    assert!((1..=10).contains(&length), "a number of 1 to 10 bytes");
    let (number, rest) = bytes.split_at(length);
    *bytes = rest;
    number
        .iter()
        .rev()
        .fold(0, |value, byte| value << 7 | u64::from(byte & 0x7f))
}

/// Brackets are closed in order, strings are strings, and nothing stands where it may not. Numbers are not looked at.
fn check_json(bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap_or_else(|_| panic!("JSON is UTF-8"));
    let mut open = Vec::new();
    let mut rest = text.bytes();
    // Whether the last token ended a value, and whether it began one that may be empty.
    let (mut is_complete, mut is_open) = (false, false);
    while let Some(byte) = rest.next() {
        let was_open = std::mem::take(&mut is_open);
        match byte {
            b'{' | b'[' => {
                assert!(!is_complete);
                open.push(byte);
                is_open = true;
                continue;
            }
            b'}' | b']' => {
                assert!(is_complete || was_open);
                assert_eq!(open.pop(), Some(byte - 2), "brackets are closed in order");
            }
            b',' | b':' => {
                assert!(is_complete && !open.is_empty());
                is_complete = false;
                continue;
            }
            b'"' => {
                assert!(!is_complete);
                check_string(&mut rest);
            }
            _ => assert!(
                byte.is_ascii_alphanumeric() || b"+-.".contains(&byte),
                "no bare {byte:#x}"
            ),
        }
        is_complete = true;
    }
    assert!(is_complete && open.is_empty(), "one whole value");
}

fn check_string(rest: &mut std::str::Bytes<'_>) {
    loop {
        match rest.next() {
            Some(b'"') => return,
            Some(b'\\') => match rest.next() {
                Some(b'u') => assert!(rest.by_ref().take(4).all(|digit| digit.is_ascii_hexdigit())),
                short => assert!(short.is_some_and(|byte| b"\"\\bfnrt".contains(&byte))),
            },
            Some(byte) => assert!(byte >= b' ', "a control character in a string"),
            None => panic!("a string without an end"),
        }
    }
}

/// One value, whole, and nothing behind it. No recursion.
fn check_msgpack(mut bytes: &[u8]) {
    fn take<'a>(bytes: &mut &'a [u8], count: usize) -> &'a [u8] {
        let (taken, rest) = bytes.split_at(count);
        *bytes = rest;
        taken
    }
    let number = |bytes: &mut &[u8], count: usize| {
        take(bytes, count)
            .iter()
            .fold(0, |sum, byte| sum << 8 | usize::from(*byte))
    };
    let mut open = 1_usize;
    while open > 0 {
        open -= 1;
        let tag = number(&mut bytes, 1);
        let text = match tag {
            0x80..=0x8f => {
                open += 2 * (tag & 15);
                continue;
            }
            0x90..=0x9f => {
                open += tag & 15;
                continue;
            }
            0xa0..=0xbf => tag & 31,
            0xd9..=0xdb => number(&mut bytes, 1 << (tag - 0xd9)),
            0xdc | 0xdd => {
                open += number(&mut bytes, 2 << (tag - 0xdc));
                continue;
            }
            0xde | 0xdf => {
                open += 2 * number(&mut bytes, 2 << (tag - 0xde));
                continue;
            }
            _ => {
                let length = match tag {
                    0..=0x7f | 0xc0 | 0xc2 | 0xc3 | 0xe0.. => 0,
                    0xcc | 0xd0 => 1,
                    0xcd | 0xd1 => 2,
                    0xce | 0xd2 => 4,
                    0xcb | 0xd3 => 8,
                    // Bytes, and the extension that dates are, with its type.
                    0xc4..=0xc6 => number(&mut bytes, 1 << (tag - 0xc4)),
                    0xc7..=0xc9 => number(&mut bytes, 1 << (tag - 0xc7)) + 1,
                    0xd4..=0xd8 => (1 << (tag - 0xd4)) + 1,
                    other => panic!("tag {other:#x}"),
                };
                take(&mut bytes, length);
                continue;
            }
        };
        assert!(std::str::from_utf8(take(&mut bytes, text)).is_ok(), "a text is UTF-8");
    }
    assert!(bytes.is_empty(), "nothing behind the value");
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::arbitrary::some_keys;
    use super::*;

    /// The saved bodies are what a reader accepts today, so that mutation starts behind the first check.
    #[test]
    fn saved_spans_are_readable() {
        let keys = some_keys();
        assert!(
            ["http.route", "exception.type", "k"]
                .iter()
                .all(|key| keys.declare(key).is_some())
        );
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/spans");
        for name in ["everything", "least", "deep", "hostile"] {
            let body = std::fs::read(folder.join(name)).unwrap();
            assert!(SpanRecord::read(&body, &keys, WallClock::now(), 1).is_some(), "{name}");
        }
        let ring = std::fs::read(folder.join("trace")).unwrap();
        let read = |body: &[u8]| SpanRecord::read(body, &keys, WallClock::now(), 1).is_some();
        assert_eq!(
            read_records(&ring).filter(|record| read(record.unwrap().body)).count(),
            6
        );
    }

    #[test]
    fn what_is_cut_off_or_out_of_order_is_found() {
        let panics = |check: fn(&[u8]), bytes: &'static [u8]| std::panic::catch_unwind(|| check(bytes)).is_err();
        for bad in [
            &b"{"[..],
            b"[1]]",
            b"[1,]",
            b"{\"a\":}",
            b"[}",
            b"\"\n\"",
            b"[\"a\"\"b\"]",
            b"\"a",
            b"[\xff]",
            b"",
        ] {
            assert!(panics(check_json, bad), "{bad:?}");
        }
        check_json(b"{\"a\":[1,-2.5e+3,{}],\"\\u00e9\":\"\\n\"}");
        for bad in [&[0x81, 0xa1, b'a'][..], &[0x91], &[0xa1, 0xff], &[0xc0, 0xc0], &[0xc1]] {
            assert!(panics(check_msgpack, bad), "{bad:?}");
        }
        check_msgpack(&[0x82, 0xa1, b'a', 0x91, 0xc0, 0xa0, 0xcb, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
}
