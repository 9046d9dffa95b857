//! What a pipeline queues, hands out and counts.
#![allow(clippy::unwrap_used)]

use super::ExportSpan;
use super::pipeline::*;
use super::resource::{Resource, Scopes};
use super::sample::Sample;
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn bytes_of_each(spans: &[ExportSpan], _: &Resource, _: &Scopes, out: &mut Vec<u8>) {
    spans.iter().for_each(|span| out.push(span.record.view().trace_id[15]));
}

fn pipeline(change: impl FnOnce(&mut PipelineOptions)) -> Pipeline {
    let mut options = PipelineOptions {
        label: "test".into(),
        encode: bytes_of_each,
        compression: Compression::None,
        max_queue_spans: 10,
        max_queue_bytes: usize::MAX,
        max_batch_spans: 4,
        max_batch_bytes: usize::MAX,
    };
    change(&mut options);
    Pipeline::new(options)
}

fn push(pipeline: &Pipeline, numbers: impl IntoIterator<Item = u8>) {
    for number in numbers {
        pipeline.push(ExportSpan {
            record: Sample::root(u128::from(number)).record(),
            threshold: None,
        });
    }
}

fn take(pipeline: &Pipeline) -> Option<Batch> {
    pipeline.take(&Resource::default(), &Scopes::default())
}

fn taken(pipeline: &Pipeline) -> (u32, Vec<u8>) {
    let batch = take(pipeline).unwrap();
    (batch.number, batch.body)
}

const EXPORTED: Outcome = Outcome::Exported { rejected: 0 };

#[test]
fn batches_come_in_order_and_one_at_a_time() {
    let pipeline = pipeline(|_| ());
    push(&pipeline, 0..6);
    let (first, body) = taken(&pipeline);
    assert_eq!(body, [0, 1, 2, 3]);
    assert!(take(&pipeline).is_none(), "one is out");
    assert_eq!(pipeline.waiting(), (2, pipeline.waiting().1, 4));
    pipeline.done(first + 1, EXPORTED);
    assert!(take(&pipeline).is_none(), "that was another number");
    pipeline.done(first, Outcome::Exported { rejected: 1 });
    assert_eq!(taken(&pipeline).1, [4, 5]);
    assert_eq!((pipeline.exported(), pipeline.lost(Loss::Rejected)), (3, 1));
}

#[test]
fn a_full_queue_drops_the_oldest_and_counts_them() {
    let pipeline = pipeline(|_| ());
    push(&pipeline, 0..25);
    assert_eq!(pipeline.lost(Loss::QueueFull), 15);
    assert_eq!(taken(&pipeline).1, [15, 16, 17, 18]);
}

#[test]
fn bytes_are_bounded_and_one_span_may_always_wait() {
    let pipeline = pipeline(|options| options.max_queue_bytes = 1);
    push(&pipeline, 0..3);
    assert_eq!(pipeline.lost(Loss::QueueFull), 2);
    assert_eq!(taken(&pipeline).1, [2]);
    assert_eq!(pipeline.waiting().1, 0);
}

#[test]
fn a_batch_that_is_too_large_is_cut_and_a_span_that_is_goes() {
    let cut = pipeline(|options| options.max_batch_bytes = 2);
    push(&cut, 0..4);
    let (number, body) = taken(&cut);
    assert_eq!(body, [0, 1]);
    cut.done(number, EXPORTED);
    assert_eq!(taken(&cut).1, [2, 3], "the rest kept its place");
    let none = pipeline(|options| options.max_batch_bytes = 0);
    push(&none, 0..3);
    assert!(take(&none).is_none());
    assert_eq!((none.lost(Loss::TooLarge), none.waiting()), (3, (0, 0, 0)));
}

#[test]
fn a_batch_of_a_dead_exporter_comes_again_in_its_place() {
    let pipeline = pipeline(|_| ());
    push(&pipeline, 0..6);
    taken(&pipeline);
    pipeline.abandon();
    assert_eq!(taken(&pipeline).1, [0, 1, 2, 3]);
    push(&pipeline, 6..14);
    pipeline.abandon();
    assert_eq!(taken(&pipeline).1, [4, 5, 6, 7], "the oldest made room");
    assert_eq!(pipeline.lost(Loss::QueueFull), 4);
}

#[test]
fn an_exporter_hears_once_of_a_full_batch_a_flush_and_the_end() {
    let pipeline = Arc::new(pipeline(|_| ()));
    let heard = Arc::new(Mutex::new(Vec::new()));
    let listen = |pipeline: &Pipeline| {
        let heard = Arc::clone(&heard);
        pipeline.when_ready(Box::new(move |ready| heard.lock().unwrap().push(ready)));
    };
    listen(&pipeline);
    push(&pipeline, 0..3);
    assert!(heard.lock().unwrap().is_empty(), "no full batch");
    push(&pipeline, 3..5);
    assert_eq!(*heard.lock().unwrap(), [Ready::Batch]);
    let (number, _) = taken(&pipeline);
    listen(&pipeline);
    let flusher = Arc::clone(&pipeline);
    let flush = std::thread::spawn(move || flusher.flush(Duration::from_secs(60)));
    while heard.lock().unwrap().len() < 2 {
        pipeline.done(number, EXPORTED);
        std::thread::yield_now();
    }
    assert_eq!(*heard.lock().unwrap(), [Ready::Batch, Ready::Flush]);
    let (number, body) = taken(&pipeline);
    assert_eq!(body, [4]);
    push(&pipeline, 5..6);
    pipeline.done(number, EXPORTED);
    assert!(flush.join().unwrap(), "what came later is not waited for");
    listen(&pipeline);
    pipeline.close();
    assert_eq!(heard.lock().unwrap().last(), Some(&Ready::Closed));
    push(&pipeline, 6..7);
    assert_eq!(pipeline.lost(Loss::Shutdown), 2);
}

#[test]
fn a_flush_waits_for_the_batch_that_is_out_and_ends_at_its_deadline() {
    let pipeline = pipeline(|_| ());
    assert!(pipeline.flush(Duration::ZERO), "nothing to wait for");
    push(&pipeline, 0..4);
    let (number, _) = taken(&pipeline);
    push(&pipeline, 4..40);
    assert!(
        !pipeline.flush(Duration::from_millis(20)),
        "drops do not hide that one is out"
    );
    pipeline.done(number, Outcome::Dropped(Loss::Refused));
    assert_eq!(pipeline.lost(Loss::Refused), 4);
}

#[test]
fn a_panic_of_an_encoder_costs_its_batch_only() {
    fn panics(_: &[ExportSpan], _: &Resource, _: &Scopes, _: &mut Vec<u8>) {
        panic!("on purpose");
    }
    let pipeline = pipeline(|options| options.encode = panics);
    push(&pipeline, 0..6);
    assert!(take(&pipeline).is_none());
    assert_eq!((pipeline.lost(Loss::Failed), pipeline.waiting()), (6, (0, 0, 0)));
}
