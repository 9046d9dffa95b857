//! What `/trace` answers: which traces, in which format, within which limits.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;
use std::sync::Arc;

use kymo_core::intern::InternTable;
use kymo_core::layout::*;
use kymo_core::memory::segment::Segment;
use kymo_core::traces::clock::WallClock;
use kymo_core::traces::host::{Host, Traces};
use kymo_core::traces::store::TraceStore;
use kymo_core::traces::{OwnedValue, Resource, Scope};
use kymo_core::traces::{SpanRecord, tail::TailRules};
use kymo_ops::{Access, Route, RouteTable, traces};
use support::*;

const START_S: u32 = 1_700_000_000;

/// A span without attributes, or with one that long.
fn record(scope: u16, trace: u128, parent: u32, name: &str, attribute: usize) -> SpanRecord {
    let mut body = vec![0; SPAN_HEAD];
    let mut put = |at: usize, word: u32| body[at..at + 4].copy_from_slice(&word.to_le_bytes());
    put(SPAN_START_AT, START_S);
    put(SPAN_END_AT, START_S);
    put(SPAN_END_AT + 4, 1_500_000);
    for word in 0..4 {
        put(SPAN_TRACE_AT + 4 * word, (trace >> (96 - 32 * word)) as u32);
    }
    put(SPAN_ID_AT + 4, 7);
    put(SPAN_PARENT_AT + 4, parent);
    put(SPAN_BITS_AT, 1 | SPAN_START_WALL | SPAN_END_WALL);
    put(SPAN_CLOCK_AT, u32::from(scope) << 16);
    put(SPAN_COUNTS_AT, u32::from(attribute > 0));
    let mut text = |text: &str| {
        body.push(VALUE_LATIN1);
        body.extend((text.len() as u32).to_le_bytes());
        body.extend(text.as_bytes());
    };
    text(name);
    if attribute > 0 {
        text("filler");
        text(&"x".repeat(attribute));
    }
    let keys = Segment::anonymous(KIND_RING, 2 * HEADER_SIZE).unwrap();
    let keys = Arc::new(InternTable::new(Arc::new(keys)));
    SpanRecord::read(&body, &keys, WallClock::now(), trace as u64).unwrap()
}

struct Shown {
    server: Server,
    traces: Arc<Traces>,
    scope: u16,
}

fn provider(traces: &Traces, service: &str, store: TraceStore) -> u16 {
    let attributes = vec![("service.name".into(), OwnedValue::Text(service.into()))];
    let resource = Resource {
        attributes,
        schema_url: "".into(),
    };
    // Tail sampling has no say in what is retained.
    let tail = Some(kymo_core::traces::tail::TailSampler::new(TailRules::default()));
    let host = traces.add_host(Host::new(resource, store, tail));
    let scope = Scope {
        host,
        name: "http".into(),
        version: "".into(),
        schema_url: "".into(),
        attributes: Vec::new(),
    };
    traces.scopes.add(scope).unwrap()
}

fn shown(store: TraceStore) -> Shown {
    let all = Arc::new(Traces::default());
    let scope = provider(&all, "shop", store);
    let source = Arc::clone(&all);
    let route = Route::queried("/trace", Access::Token, traces(move || Some(Arc::clone(&source))));
    Shown {
        server: serve(config(), RouteTable::new().with(route)),
        traces: all,
        scope,
    }
}

impl Shown {
    fn root(&self, trace: u128) {
        self.traces.accept(Some(record(self.scope, trace, 0, "GET /", 0)));
    }

    fn ids(&self, query: &str) -> Vec<u128> {
        let answer = self.server.get(&format!("/trace{query}"));
        assert_eq!(answer.status, 200, "{query}");
        let ids = answer.body_text().match_indices("{\"traceId\":\"");
        ids.map(|(at, key)| {
            let from = at + key.len();
            u128::from_str_radix(&answer.body_text()[from..from + 32], 16).unwrap()
        })
        .collect()
    }
}

/// [H-60] [H-59]
#[test]
fn the_last_completed_traces_are_a_json_array_newest_last() {
    let shown = shown(TraceStore::default());
    assert_eq!(shown.server.get("/trace").body_text(), "[]");
    (1..=150).for_each(|trace| shown.root(trace));
    shown
        .traces
        .accept(Some(record(shown.scope, 999, 1, "child of an open root", 0)));
    assert_eq!(shown.ids(""), (51..=150).collect::<Vec<_>>());
    assert_eq!(shown.ids("?n=2"), [149, 150]);
    assert_eq!(shown.ids("?n=1000000").len(), 150);
    assert_eq!(shown.ids("?n=0"), []);
    assert_eq!(shown.ids("?n=-1"), []);
    let one = shown.server.get("/trace?n=1");
    assert_eq!(one.field("content-type"), Some("application/json"));
    assert_eq!(one.field("cache-control"), Some("no-store"));
    assert_eq!(
        one.body_text(),
        "[{\"traceId\":\"00000000000000000000000000000096\",\"name\":\"GET /\",\"service\":\"shop\",\
         \"startTime\":1700000000,\"durationMs\":1.5,\"spanCount\":1,\"errorCount\":0,\"failed\":false,\"droppedSpans\":0,\
         \"complete\":true,\"spans\":[{\"spanId\":\"0000000000000007\",\"parentSpanId\":null,\"name\":\"GET /\",\
         \"kind\":\"internal\",\"status\":\"unset\",\"startTime\":1700000000,\"endTime\":1700000000.0015,\
         \"durationMs\":1.5,\"scope\":\"http\",\"attributes\":{},\"events\":[],\"links\":[]}]}]"
    );
    let summary = shown.server.get("/trace?n=1&spans=false");
    assert!(summary.body_text().ends_with("\"complete\":true}]"));
}

#[test]
fn one_trace_is_found_by_its_id_and_only_while_it_is_retained() {
    let shown = shown(TraceStore::new(2, 1 << 20));
    (1..=3).for_each(|trace| shown.root(trace));
    for id in [
        "00000000000000000000000000000003",
        "trace-0000000000000003",
        "00000000000000000000000003",
    ] {
        let answer = shown.server.get(&format!("/trace?id={id}"));
        assert_eq!(answer.status, 200, "{id}");
        assert!(
            answer
                .body_text()
                .starts_with("{\"traceId\":\"00000000000000000000000000000003\"")
        );
    }
    let gone = shown.server.get("/trace?id=00000000000000000000000000000001");
    assert_eq!((gone.status, gone.body_text()), (404, r#"{"error":"not found"}"#));
    assert_eq!(shown.server.count("/trace", 404), 1);
}

/// [H-60]
#[test]
fn what_cannot_be_asked_is_400_and_other_parameters_do_not_matter() {
    let shown = shown(TraceStore::default());
    for bad in ["n=x", "n=", "n=1.5", "id=1", "format=xml", "spans=2"] {
        let answer = shown.server.get(&format!("/trace?{bad}"));
        assert_eq!(
            (answer.status, answer.body_text()),
            (400, r#"{"error":"bad request"}"#),
            "{bad}"
        );
    }
    assert_eq!(shown.server.count("/trace", 400), 6);
    let names = "name[]=a&".repeat(300);
    assert_eq!(
        shown.server.get(&format!("/trace?_=1&{names}")).status,
        200,
        "those are for /metrics"
    );
    let post = shown
        .server
        .ask(&format!("POST /trace HTTP/1.1\r\n{HOST}Content-Length: 0\r\n\r\n"));
    assert_eq!(post.status, 405);
    let head = shown.server.ask(&format!("HEAD /trace HTTP/1.1\r\n{HOST}\r\n"));
    assert_eq!((head.status, head.field("content-length")), (200, Some("2")));
}

#[test]
fn other_formats_hold_the_same_traces_and_each_provider_its_own_resource() {
    let shown = shown(TraceStore::default());
    let empty = shown.server.get("/trace?format=otlp");
    assert_eq!(empty.body_text(), "{\"resourceSpans\":[]}");
    shown.root(1);
    let other = provider(&shown.traces, "bill", TraceStore::default());
    shown.traces.accept(Some(record(other, 2, 0, "charge", 0)));
    let otlp = shown.server.get("/trace?format=otlp");
    let otlp = otlp.body_text();
    for part in [
        "\"shop\"",
        "\"bill\"",
        "\"GET /\"",
        "\"charge\"",
        "00000000000000000000000000000002",
    ] {
        assert!(otlp.contains(part), "{part} in {otlp}");
    }
    assert_eq!(otlp.matches("\"resourceSpans\"").count(), 1);
    assert_eq!(otlp.matches("\"resource\":").count(), 2);
    let one = shown
        .server
        .get("/trace?format=otlp&id=00000000000000000000000000000001");
    assert!(one.body_text().contains("GET /") && !one.body_text().contains("charge"));
    let chrome = shown.server.get("/trace?format=chrome");
    assert!(chrome.body_text().contains("\"traceEvents\":[") && chrome.body_text().contains("charge"));
    let speedscope = shown.server.get("/trace?format=speedscope");
    assert!(
        speedscope
            .body_text()
            .contains("speedscope.app/file-format-schema.json")
    );
    assert!(speedscope.body_text().contains("charge"));
}

#[test]
fn a_long_answer_leaves_out_the_oldest_and_says_how_many() {
    let shown = shown(TraceStore::new(1_000, 64 << 20));
    for trace in 1..=30 {
        shown.traces.accept(Some(record(shown.scope, trace, 0, "big", 1 << 20)));
    }
    let ids = shown.ids("");
    assert_eq!(ids.last(), Some(&30));
    assert_eq!(ids.len(), 15, "of 1 MB each in 16 MB");
    let answer = shown.server.get("/trace");
    assert_eq!(answer.field("kymo-omitted-traces"), Some("15"));
    let few = shown.server.get("/trace?n=3");
    assert_eq!(few.field("kymo-omitted-traces"), None);
    let file = shown.server.get("/trace?format=otlp");
    assert_eq!(file.field("kymo-omitted-traces"), Some("27"));
    assert!(file.body.len() < 5 << 20);
}

#[test]
fn a_body_is_compressed_as_asked_and_requests_that_differ_in_the_query_do_not_share_one() {
    let shown = shown(TraceStore::default());
    (1..=50).for_each(|trace| shown.root(trace));
    let ask = |encoding: &str| {
        shown.server.ask(&format!(
            "GET /trace HTTP/1.1\r\n{HOST}Accept-Encoding: {encoding}\r\n\r\n"
        ))
    };
    let plain = ask("identity");
    for encoding in ["gzip", "zstd"] {
        let coded = ask(encoding);
        assert_eq!(coded.field("content-encoding"), Some(encoding));
        assert_eq!(coded.field("vary"), Some("Accept-Encoding"));
        assert!(coded.body.len() < plain.body.len() / 3);
    }
    let answers: Vec<_> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..8)
            .map(|n| {
                scope.spawn({
                    let shown = &shown;
                    move || (n, shown.ids(&format!("?n={n}")))
                })
            })
            .collect();
        asking.into_iter().map(|one| one.join().unwrap()).collect()
    });
    for (n, ids) in answers {
        assert_eq!(ids.len(), n);
    }
}

#[test]
fn the_token_is_asked_for_and_a_process_without_spans_has_none_to_show() {
    let route = Route::queried("/trace", Access::Token, traces(|| None));
    let mut options = config();
    options.token = Some(TOKEN.to_owned());
    let server = serve(options, RouteTable::new().with(route));
    assert_eq!(server.get("/trace").status, 401);
    let request = format!("GET /trace HTTP/1.1\r\n{HOST}Authorization: Bearer {TOKEN}\r\n\r\n");
    assert_eq!(server.ask(&request).body_text(), "[]");
    let request = format!(
        "GET /trace?id={:032x} HTTP/1.1\r\n{HOST}Authorization: Bearer {TOKEN}\r\n\r\n",
        1
    );
    assert_eq!(server.ask(&request).status, 404);
    let foreign = format!("GET /trace HTTP/1.1\r\nHost: evil.example\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
    assert_eq!(server.ask(&foreign).status, 421);
}
