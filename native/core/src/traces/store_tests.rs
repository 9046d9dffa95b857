//! The store against a model that keeps everything in plain vectors, and its bounds one by one.
#![allow(clippy::unwrap_used)]

use super::sample::Sample;
use super::store::*;
use super::*;
use crate::intern::InternTable;
use crate::layout::{HEADER_SIZE, KIND_RING, SPAN_RECORD_ONLY, SPAN_WITHIN_TRACE};
use crate::memory::segment::Segment;

const SOME_BYTES: usize = 1 << 20;

fn ids(store: &TraceStore) -> Vec<u128> {
    let recent = store.recent(usize::MAX);
    recent
        .iter()
        .map(|trace| u128::from_be_bytes(trace.trace_id()))
        .collect()
}

fn accept(store: &TraceStore, sample: Sample) {
    store.accept(&sample.record());
}

#[test]
fn a_trace_is_shown_from_the_moment_its_root_has_ended_and_never_before() {
    let store = TraceStore::new(10, SOME_BYTES);
    accept(&store, Sample::child(7, 2).failed());
    assert!(ids(&store).is_empty(), "running");
    assert!(store.find(&7_u128.to_be_bytes()).is_none(), "running");
    accept(&store, Sample::root(7).named("root").lasting_ms(5.0));
    let trace = store.find(&7_u128.to_be_bytes()).unwrap();
    assert_eq!((trace.spans().len(), trace.error_count()), (2, 1));
    assert_eq!(trace.duration_ns(), 5_000_000);
    assert!(trace.root().unwrap().view().name.is("root"));
    assert_eq!(store.recent(1).len(), 1);
}

/// [H-59] Spans of a trace object have no parent; the object's record says when all of them have ended.
#[test]
fn a_trace_object_is_shown_when_its_own_record_comes_however_many_roots_it_has() {
    let store = TraceStore::new(10, SOME_BYTES);
    for (span, start_ns) in [(2, 1_000), (3, 2_000)] {
        let sample = Sample {
            span,
            start_ns,
            bits: SPAN_WITHIN_TRACE,
            ..Sample::root(7)
        };
        assert!(sample.record().view().within_trace);
        accept(&store, sample);
        assert!(ids(&store).is_empty(), "running");
    }
    let record = Sample {
        span: 9,
        start_ns: 500,
        bits: SPAN_RECORD_ONLY,
        ..Sample::root(7).named("chat")
    };
    accept(&store, record);
    let trace = store.find(&7_u128.to_be_bytes()).unwrap();
    assert_eq!(trace.spans().len(), 3);
    assert!(trace.root().unwrap().view().name.is("chat"));
}

#[test]
fn late_children_join_and_what_a_reader_holds_does_not_change_under_it() {
    let store = TraceStore::new(10, SOME_BYTES);
    accept(&store, Sample::root(7));
    let before = store.recent(1);
    accept(&store, Sample::child(7, 2).failed());
    assert_eq!((before[0].spans().len(), before[0].error_count()), (1, 0));
    let after = store.recent(1);
    assert_eq!((after[0].spans().len(), after[0].error_count()), (2, 1));
    assert_eq!(store.counts().late_spans, 1);
}

#[test]
fn a_span_that_continues_a_trace_from_elsewhere_is_a_local_root() {
    let store = TraceStore::new(10, SOME_BYTES);
    let inner = Sample {
        parent_is_remote: true,
        start_ns: 2_000_000,
        ..Sample::child(7, 9).named("inner")
    };
    accept(&store, inner.clone());
    assert_eq!(ids(&store), [7]);
    // The process called itself: the request that came first ends last.
    let outer = Sample {
        start_ns: 1_000_000,
        ..inner
    };
    accept(&store, outer.named("outer"));
    let trace = &store.recent(9)[0];
    assert!(trace.root().unwrap().view().name.is("outer"));
    accept(&store, Sample::root(7).named("the very first"));
    assert!(store.recent(9)[0].root().unwrap().view().name.is("the very first"));
    assert_eq!((store.recent(9).len(), store.counts().completed), (1, 1));
}

/// [H-61]
#[test]
fn the_ring_holds_ten_thousand_and_the_oldest_is_overwritten() {
    assert_eq!(TRACE_RING_BUFFER, 10_000);
    let store = TraceStore::default();
    let keys = keys();
    for trace in 1..=10_003_u128 {
        store.accept(&Sample::root(trace).record_with(&keys, trace as u64));
    }
    let ids = ids(&store);
    assert_eq!((ids.len(), ids[0], ids[9_999]), (10_000, 4, 10_003));
    assert_eq!(store.counts().evicted_by_count, 3);
}

#[test]
fn bytes_are_bounded_and_the_oldest_traces_give_way() {
    let store = TraceStore::new(1_000, 20_000);
    for trace in 1..=200 {
        accept(&store, Sample::root(trace));
        accept(&store, Sample::child(trace, 2));
        assert!(store.counts().bytes <= 20_000);
    }
    let (ids, counts) = (ids(&store), store.counts());
    assert!(ids.len() > 5 && ids.last() == Some(&200));
    assert!(ids.windows(2).all(|pair| pair[0] + 1 == pair[1]));
    assert_eq!(counts.evicted_by_bytes as usize + ids.len(), 200);
    store.clear();
    assert_eq!((store.counts().bytes, store.counts().retained_traces), (0, 0));
}

#[test]
fn a_root_that_never_comes_ends_the_wait_by_age_and_one_that_comes_late_takes_its_place() {
    let store = TraceStore::new(10, SOME_BYTES);
    store.tick(1_000);
    accept(&store, Sample::child(1, 2));
    store.tick(2_000);
    accept(&store, Sample::child(2, 2));
    store.tick(1_000 + OPEN_TRACE_MS - 1);
    assert!(ids(&store).is_empty());
    store.tick(1_000 + OPEN_TRACE_MS);
    assert_eq!((ids(&store), store.counts().aged), (vec![1], 1));
    assert!(store.recent(1)[0].root().is_none());
    accept(&store, Sample::root(3));
    accept(&store, Sample::root(1));
    assert_eq!(ids(&store), [3, 1], "it is complete only now");
    assert_eq!((store.counts().completed, store.counts().late_spans), (2, 0));
}

#[test]
fn what_came_before_the_first_tick_waits_from_then_on() {
    let store = TraceStore::new(10, SOME_BYTES);
    accept(&store, Sample::child(1, 2));
    store.tick(7_000_000_000);
    assert!(
        ids(&store).is_empty(),
        "the machine runs for months, the trace does not"
    );
    store.tick(7_000_000_000 + OPEN_TRACE_MS);
    assert_eq!(ids(&store), [1]);
}

#[test]
fn open_traces_are_bounded_too() {
    let store = TraceStore::new(100, SOME_BYTES);
    for trace in 1..=250 {
        accept(&store, Sample::child(trace, 2));
    }
    assert_eq!((store.counts().open_traces, store.counts().evicted_open), (100, 150));
    let small = TraceStore::new(100_000, 10_000);
    for trace in 1..=250 {
        accept(&small, Sample::child(trace, 2));
        assert!(small.counts().bytes <= 10_000);
    }
    assert!(small.counts().evicted_open > 200);
}

#[test]
fn one_endless_trace_takes_a_quarter_of_the_room_at_most_and_still_ends() {
    let store = TraceStore::new(100, 40_000);
    for trace in 1..=20 {
        accept(&store, Sample::root(trace));
    }
    for span in 2..2_000 {
        accept(&store, Sample::child(99, span));
    }
    assert!(ids(&store).len() >= 15, "the others are still there");
    let refused = store.counts().refused_spans;
    assert!(refused > 1_000);
    accept(&store, Sample::root(99));
    let trace = store.find(&99_u128.to_be_bytes()).unwrap();
    assert!(trace.root().is_some());
    assert_eq!(u64::from(trace.refused_spans()), refused);
}

#[test]
fn a_store_without_room_retains_nothing() {
    for store in [
        TraceStore::new(0, SOME_BYTES),
        TraceStore::new(10, 0),
        TraceStore::new(10, 1),
    ] {
        accept(&store, Sample::root(1));
        assert_eq!((ids(&store), store.counts().bytes), (vec![], 0));
    }
}

/// [H-59] [H-61]
#[test]
fn any_sequence_shows_what_a_model_shows() {
    const MOST: usize = 20;
    let keys = keys();
    let mut state = 11_u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) % below
    };
    for _ in 0..20 {
        let store = TraceStore::new(MOST, SOME_BYTES);
        // (trace, spans, has a root), in order of first span and of completion.
        let mut open: Vec<(u128, usize)> = Vec::new();
        let mut completed: Vec<(u128, usize)> = Vec::new();
        for step in 0..2_000 {
            let trace = u128::from(random(60)) + 1;
            let is_root = random(3) == 0;
            let sample = if is_root {
                Sample::root(trace)
            } else {
                Sample::child(trace, step + 2)
            };
            store.accept(&sample.record_with(&keys, step));
            if let Some(known) = completed.iter_mut().find(|known| known.0 == trace) {
                known.1 += 1;
            } else {
                let mut spans = 1;
                if let Some(at) = open.iter().position(|known| known.0 == trace) {
                    spans += open[at].1;
                    if is_root {
                        open.remove(at);
                    } else {
                        open[at].1 = spans;
                    }
                } else if !is_root {
                    open.push((trace, 1));
                }
                if is_root {
                    completed.push((trace, spans));
                }
            }
            completed.drain(..completed.len().saturating_sub(MOST));
            open.drain(..open.len().saturating_sub(MOST));
            let n = random(25) as usize;
            let shown: Vec<_> = store
                .recent(n)
                .iter()
                .map(|t| (u128::from_be_bytes(t.trace_id()), t.spans().len()))
                .collect();
            assert_eq!(shown, completed[completed.len().saturating_sub(n)..]);
        }
        assert_eq!(store.counts().open_traces, open.len());
        store.clear();
        assert_eq!(store.counts().bytes, 0);
    }
}

#[test]
fn readers_and_the_collector_do_not_disturb_each_other() {
    let store = Arc::new(TraceStore::new(50, SOME_BYTES));
    let keys = keys();
    let reader = Arc::clone(&store);
    let reading = std::thread::spawn(move || {
        let mut seen = 0;
        while seen < 2_000 {
            for trace in reader.recent(10) {
                assert!(!trace.spans().is_empty() && trace.root().is_some());
                seen = seen.max(u128::from_be_bytes(trace.trace_id()));
            }
        }
    });
    for trace in 1..=2_000 {
        store.accept(&Sample::child(trace, 2).record_with(&keys, 1));
        store.accept(&Sample::root(trace).record_with(&keys, 1));
        store.accept(&Sample::child(trace, 3).record_with(&keys, 1));
    }
    reading.join().unwrap();
}

fn keys() -> Arc<InternTable> {
    let segment = Segment::anonymous(KIND_RING, 2 * HEADER_SIZE).unwrap();
    Arc::new(InternTable::new(Arc::new(segment)))
}
