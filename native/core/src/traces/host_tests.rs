//! Providers of threads that come and go.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::export::OwnedValue;
use crate::traces::sample::Sample;
use crate::traces::shown::recent;
use crate::traces::tail::{Share, TailRules};

fn provider(service: &str, max_traces: usize, tail: Option<TailRules>) -> Host {
    let resource = Resource {
        attributes: vec![("service.name".into(), OwnedValue::Text(service.into()))],
        schema_url: "".into(),
    };
    Host::new(
        resource,
        TraceStore::new(max_traces, 1 << 20),
        tail.map(TailSampler::new),
    )
}

#[test]
fn the_traces_of_an_ended_thread_are_shown_and_a_provider_like_its_own_goes_on() {
    let traces = Traces::default();
    let first = traces.add_host(provider("shop", 10, None));
    traces.host(first).unwrap().store.accept(&Sample::root(1).record());
    assert_eq!(
        traces.add_host(provider("shop", 10, None)),
        1,
        "while its thread runs, it is its own"
    );
    traces.retire_host(first);
    assert_eq!(recent(&traces, 9).len(), 1);
    let share = |ratio| TailRules {
        rest: Share::of(ratio),
        ..TailRules::default()
    };
    for (number, other) in [
        (2, provider("bill", 10, None)),
        (3, provider("shop", 11, None)),
        (4, provider("shop", 10, Some(share(0.5)))),
        (first, provider("shop", 10, None)),
        (5, provider("shop", 10, None)),
    ] {
        assert_eq!(traces.add_host(other), number);
    }
    traces.retire_host(4);
    assert_eq!(traces.add_host(provider("shop", 10, Some(share(0.4)))), 6);
    assert_eq!(traces.add_host(provider("shop", 10, Some(share(0.5)))), 4);
    assert_eq!(recent(&traces, 9).len(), 1, "what it retains is kept");
}

#[test]
fn a_provider_that_was_closed_is_gone_for_good() {
    let traces = Traces::default();
    let number = traces.add_host(provider("shop", 10, None));
    traces.close_host(number);
    traces.retire_host(number);
    assert_eq!(traces.add_host(provider("shop", 10, None)), number + 1);
}

#[test]
fn an_ended_thread_leaves_no_exporter_waiting() {
    let traces = Traces::default();
    let number = traces.add_host(provider("shop", 10, None));
    let options = PipelineOptions {
        label: "test".into(),
        compression: crate::export::Compression::None,
        max_queue_items: 10,
        max_queue_bytes: 1 << 20,
        max_batch_items: 10,
        max_batch_bytes: 1 << 20,
    };
    let pipeline = traces
        .add_pipeline(number, options, crate::traces::otlp::json::encode)
        .unwrap();
    traces.host(number).unwrap().accept(&Sample::root(1).record());
    assert_eq!(pipeline.waiting().queued, 1);
    traces.retire_host(number);
    traces.host(number).unwrap().accept(&Sample::root(2).record());
    assert_eq!(pipeline.waiting().queued, 0);
    assert_eq!(recent(&traces, 9).len(), 2);
}

#[test]
fn whoever_follows_traces_hears_of_failures_at_once_and_of_the_end_of_local_roots() {
    let traces = Traces::default();
    let heard = Arc::new(std::sync::Mutex::new(Vec::new()));
    let accept = |sample: Sample| traces.accept(Arc::into_inner(sample.record()));
    accept(Sample::root(1));
    let ear = Arc::clone(&heard);
    traces.follow(Some(Box::new(move |trace, outcome| {
        ear.lock().unwrap().push((trace[15], outcome))
    })));
    accept(Sample::child(2, 2));
    accept(Sample::child(2, 2).failed());
    accept(Sample::root(2).failed());
    let remote = Sample {
        parent_is_remote: true,
        start_ns: 1_000_000,
        duration_ns: 2_500_000,
        ..Sample::child(3, 2)
    };
    accept(remote);
    assert_eq!(
        *heard.lock().unwrap(),
        [
            (2, TraceOutcome::Failed),
            (2, TraceOutcome::Failed),
            (3, TraceOutcome::Ended(3.5)),
        ]
    );
    traces.follow(None);
    accept(Sample::root(4));
    assert_eq!(heard.lock().unwrap().len(), 3);
}
