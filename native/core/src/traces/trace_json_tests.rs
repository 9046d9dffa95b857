//! The JSON of a trace with everything in it, letter by letter, and the limit of a list.

use super::*;
use crate::layout::{SPAN_RECORD_ONLY, SPAN_TIMEOUT, SPAN_UNENDED};
use crate::traces::host::{Host, Traces};
use crate::traces::sample::{Given, Sample};
use crate::traces::shown::{find, recent};
use crate::traces::store::TraceStore;
use crate::traces::{OwnedValue, Resource, Scope};

const START: u64 = 1_700_000_000_000_000_000;

fn host(service: &str) -> Host {
    let attributes = vec![("service.name".into(), OwnedValue::Text(service.into()))];
    let resource = Resource {
        attributes,
        schema_url: "".into(),
    };
    Host::new(resource, TraceStore::default(), None)
}

fn traces(samples: &[Sample]) -> Traces {
    let traces = Traces::default();
    let number = traces.add_host(host("shop"));
    traces.scopes.add(Scope {
        host: number,
        name: "http".into(),
        version: "1".into(),
        schema_url: "".into(),
        attributes: Vec::new(),
    });
    let host = traces.host(number);
    for sample in samples {
        host.iter().for_each(|host| host.store.accept(&sample.record()));
    }
    traces
}

fn text(content: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    content(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}

fn one(samples: &[Sample]) -> String {
    let traces = traces(samples);
    text(|out| {
        recent(&traces, 9)
            .iter()
            .for_each(|shown| push_trace(shown, &traces.scopes, Detail::Spans, out))
    })
}

#[test]
fn a_plain_trace_says_little() {
    let root = Sample {
        start_ns: START + 20_000_000,
        duration_ns: 1_500_000,
        span: 0xabc,
        ..Sample::root(0x1234).named("GET /\"é")
    };
    assert_eq!(
        one(&[root]),
        "{\"traceId\":\"00000000000000000000000000001234\",\"name\":\"GET /\\\"é\",\"service\":\"shop\",\
         \"startTime\":1700000000.02,\"durationMs\":1.5,\"spanCount\":1,\"errorCount\":0,\"failed\":false,\
         \"droppedSpans\":0,\"complete\":true,\"spans\":[{\"spanId\":\"0000000000000abc\",\"parentSpanId\":null,\
         \"name\":\"GET /\\\"é\",\"kind\":\"internal\",\"status\":\"unset\",\"startTime\":1700000000.02,\
         \"endTime\":1700000000.0215,\"durationMs\":1.5,\"scope\":\"http\",\"attributes\":{},\"events\":[],\"links\":[]}]}"
    );
}

#[test]
fn a_span_tells_everything_that_was_recorded() {
    let full = Sample {
        parent: 7,
        parent_is_remote: true,
        kind: SpanKind::Server,
        agent_kind: 2,
        bits: 1 | SPAN_TIMEOUT | SPAN_RECORD_ONLY | SPAN_UNENDED,
        events: vec![
            ("exception", START + 1, vec![("code", Given::Int(-1))]),
            ("b", START, vec![]),
        ],
        links: vec![(5, 6, "a=b"), (0, 0, "")],
        status_message: "late",
        trace_state: "ot=th:8",
        dropped: [1, 0, 3],
        start_ns: START,
        duration_ns: 1,
        ..Sample::root(1).failed().named("chat")
    }
    .with("model", Given::Text("m"))
    .with(
        "list",
        Given::Array(&[Given::Bool(true), Given::Null, Given::Double(0.5)]),
    )
    .with("map", Given::Map(&[("big", Given::Big("9007199254740993"))]));
    let json = one(&[full]);
    let (_, span) = json.split_once("\"spans\":[").unwrap_or_default();
    assert_eq!(
        span,
        "{\"spanId\":\"0000000000000001\",\"parentSpanId\":\"0000000000000007\",\"parentIsRemote\":true,\"name\":\"chat\",\
         \"kind\":\"server\",\"agentKind\":\"llm\",\"status\":\"timeout\",\"statusMessage\":\"late\",\
         \"startTime\":1700000000,\"endTime\":1700000000.000000001,\"durationMs\":0.000001,\"scope\":\"http\",\
         \"attributes\":{\"model\":\"m\",\"list\":[true,null,0.5],\"map\":{\"big\":9007199254740993}},\
         \"events\":[{\"name\":\"exception\",\"time\":1700000000.000000001,\"attributes\":{\"code\":-1}},\
         {\"name\":\"b\",\"time\":1700000000,\"attributes\":{}}],\
         \"links\":[{\"traceId\":\"00000000000000000000000000000005\",\"spanId\":\"0000000000000006\",\"attributes\":{},\
         \"traceState\":\"a=b\"},{\"traceId\":\"00000000000000000000000000000000\",\"spanId\":\"0000000000000000\",\
         \"attributes\":{}}],\"traceState\":\"ot=th:8\",\"dropped\":{\"attributes\":1,\"events\":0,\"links\":3},\
         \"recordOnly\":true,\"unended\":true}]}"
    );
}

#[test]
fn spans_are_in_the_order_of_their_start_and_a_parent_comes_before_its_child() {
    let at = |sample: Sample, ns: u64| Sample {
        start_ns: START + ns,
        ..sample
    };
    let json = one(&[
        at(Sample::child(1, 4).named("later"), 9),
        at(Sample::child(1, 3).named("child"), 5),
        at(Sample::root(1).named("root"), 5),
    ]);
    let places: Vec<_> = ["root", "child", "later"]
        .map(|name| json.rfind(&format!("\"name\":\"{name}\"")))
        .into();
    assert!(places.is_sorted() && places.iter().all(Option::is_some), "{json}");
}

/// [H-59] the newest is last.
#[test]
fn a_list_is_in_order_and_leaves_out_the_oldest_beyond_its_bytes() {
    let samples: Vec<Sample> = (1..=9).map(Sample::root).collect();
    let traces = traces(&samples);
    let list = |n: usize, max: usize| {
        let mut omitted = 0;
        let json = text(|out| {
            out.extend_from_slice(b"> ");
            omitted = push_traces(&recent(&traces, n), &traces.scopes, Detail::Summary, max, out);
        });
        (json, omitted)
    };
    let expected = |from: u128| {
        let shown = recent(&traces, 9);
        let kept = shown
            .iter()
            .filter(|shown| u128::from_be_bytes(shown.trace.trace_id()) >= from);
        let each: Vec<String> = kept
            .map(|one| text(|out| push_trace(one, &traces.scopes, Detail::Summary, out)))
            .collect();
        format!("> [{}]", each.join(","))
    };
    assert_eq!(list(0, 1_000), ("> []".to_owned(), 0));
    for n in 1..=9 {
        assert_eq!(list(n, usize::MAX), (expected(10 - n as u128), 0));
    }
    for from in 1..=9 {
        let exact = expected(from).len() - 2;
        assert_eq!(list(9, exact), (expected(from), from as usize - 1));
        assert_eq!(list(9, exact - 1).1, from as usize);
    }
    assert_eq!(list(9, 0), ("> []".to_owned(), 9));
}

#[test]
fn providers_are_shown_together_and_what_they_share_is_one_trace() {
    let traces = traces(&[Sample::root(1), Sample::child(2, 2).failed()]);
    let other = traces.add_host(host("other"));
    let accept = |number: u32, sample: Sample| {
        traces
            .host(number)
            .iter()
            .for_each(|host| host.store.accept(&sample.record()));
    };
    accept(other, Sample::root(3));
    accept(
        other,
        Sample {
            span: 9,
            ..Sample::root(2)
        },
    );
    accept(0, Sample::root(2));
    accept(0, Sample::root(4));
    let shown = recent(&traces, 9);
    let ids: Vec<u128> = shown
        .iter()
        .map(|shown| u128::from_be_bytes(shown.trace.trace_id()))
        .collect();
    assert_eq!(ids.len(), 4);
    assert_eq!((ids[0], ids[3]), (1, 4));
    let both = find(&traces, &2_u128.to_be_bytes());
    let both = both.as_ref().map(|shown| {
        (
            shown.trace.spans().len(),
            shown.trace.error_count(),
            shown.resource.service_name(),
        )
    });
    assert_eq!(both, Some((3, 1, "shop")));
    assert!(find(&traces, &9_u128.to_be_bytes()).is_none());
    assert_eq!(recent(&traces, 2).len(), 2);
    assert_eq!(recent(&traces, 0).len(), 0);
}

#[test]
fn what_providers_share_is_shown_under_the_one_that_has_the_outermost_span() {
    let traces = Traces::default();
    let [inner, outer] = ["upstream", "gateway"].map(|service| traces.add_host(host(service)));
    let called = Sample {
        parent: 1,
        parent_is_remote: true,
        span: 2,
        ..Sample::root(5)
    };
    for (number, sample) in [(inner, called), (outer, Sample::root(5))] {
        traces
            .host(number)
            .iter()
            .for_each(|host| host.store.accept(&sample.record()));
    }
    let services = |shown: &[_]| -> Vec<String> {
        let name = |shown: &crate::traces::shown::ShownTrace| shown.resource.service_name().to_owned();
        shown.iter().map(name).collect()
    };
    assert_eq!(services(&recent(&traces, 9)), ["gateway"]);
    assert_eq!(services(find(&traces, &5_u128.to_be_bytes()).as_slice()), ["gateway"]);
}
