//! What a pipeline queues, hands out and counts.
#![allow(clippy::unwrap_used)]

use super::*;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A number that takes a hundred bytes while it waits and one in a batch.
#[derive(Clone)]
struct Numbered(u8);

impl Item for Numbered {
    fn size(&self) -> usize {
        100
    }
}

fn bytes_of_each(items: &[Numbered], out: &mut Vec<u8>) {
    out.extend(items.iter().map(|item| item.0));
}

fn options() -> PipelineOptions {
    PipelineOptions {
        label: "test".into(),
        compression: Compression::None,
        max_queue_items: 10,
        max_queue_bytes: usize::MAX,
        max_batch_items: 4,
        max_batch_bytes: usize::MAX,
    }
}

fn pipeline(change: impl FnOnce(&mut PipelineOptions)) -> Pipeline<Numbered> {
    let mut options = options();
    change(&mut options);
    Pipeline::new(options, Box::new(bytes_of_each))
}

fn push(pipeline: &Pipeline<Numbered>, numbers: impl IntoIterator<Item = u8>) {
    for number in numbers {
        pipeline.push(Numbered(number));
    }
}

fn taken(pipeline: &Pipeline<Numbered>) -> (u32, Vec<u8>) {
    let batch = pipeline.take().unwrap();
    (batch.number, batch.body)
}

const NOTHING: Waiting = Waiting {
    queued: 0,
    queued_bytes: 0,
    in_flight: 0,
};
const EXPORTED: Outcome = Outcome::Exported { rejected: 0 };

#[test]
fn batches_come_in_order_and_one_at_a_time() {
    let pipeline = pipeline(|_| ());
    push(&pipeline, 0..6);
    let (first, body) = taken(&pipeline);
    assert_eq!(body, [0, 1, 2, 3]);
    assert!(pipeline.take().is_none(), "one is out");
    let waiting = |queued, queued_bytes, in_flight| Waiting {
        queued,
        queued_bytes,
        in_flight,
    };
    assert_eq!(pipeline.waiting(), waiting(2, 200, 4));
    pipeline.done(first + 1, EXPORTED);
    assert!(pipeline.take().is_none(), "that was another number");
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
fn bytes_are_bounded_and_one_item_may_always_wait() {
    let pipeline = pipeline(|options| options.max_queue_bytes = 1);
    push(&pipeline, 0..3);
    assert_eq!(pipeline.lost(Loss::QueueFull), 2);
    assert_eq!(taken(&pipeline).1, [2]);
    assert_eq!(pipeline.waiting().queued_bytes, 0);
}

#[test]
fn a_batch_that_is_too_large_is_cut_and_an_item_that_is_goes() {
    let cut = pipeline(|options| options.max_batch_bytes = 2);
    push(&cut, 0..4);
    let (number, body) = taken(&cut);
    assert_eq!(body, [0, 1]);
    cut.done(number, EXPORTED);
    assert_eq!(taken(&cut).1, [2, 3], "the rest kept its place");
    let none = pipeline(|options| options.max_batch_bytes = 0);
    push(&none, 0..3);
    assert!(none.take().is_none());
    assert_eq!((none.lost(Loss::TooLarge), none.waiting()), (3, NOTHING));
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
    let listen = |pipeline: &Pipeline<Numbered>| {
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
    let pipeline = Pipeline::new(
        options(),
        Box::new(|_: &[Numbered], _: &mut Vec<u8>| panic!("on purpose")),
    );
    push(&pipeline, 0..6);
    assert!(pipeline.take().is_none());
    assert_eq!((pipeline.lost(Loss::Failed), pipeline.waiting()), (6, NOTHING));
}

#[test]
fn whoever_asks_is_told_of_each_item_that_is_lost() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let ear = Arc::clone(&told);
    let pipeline = Pipeline::new(
        options(),
        Box::new(|items: &[Numbered], out: &mut Vec<u8>| bytes_of_each(items, out)),
    );
    let pipeline = pipeline.on_loss(Box::new(move |loss, item: Option<&Numbered>| {
        ear.lock().unwrap().push((loss, item.map(|item| item.0)));
    }));
    push(&pipeline, 0..11);
    let number = taken(&pipeline).0;
    pipeline.done(number, Outcome::Exported { rejected: 1 });
    let number = taken(&pipeline).0;
    pipeline.done(number, Outcome::Dropped(Loss::Timeout));
    pipeline.close();
    pipeline.push(Numbered(11));
    let timeout = |number| (Loss::Timeout, Some(number));
    let late = |number| (Loss::Shutdown, Some(number));
    assert_eq!(
        *told.lock().unwrap(),
        [
            (Loss::QueueFull, Some(0)),
            (Loss::Rejected, None),
            timeout(5),
            timeout(6),
            timeout(7),
            timeout(8),
            late(9),
            late(10),
            late(11),
        ]
    );
}
