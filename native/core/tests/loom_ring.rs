//! Every interleaving of the ring's producer and consumer, with loom's atomics and every byte tracked: a read of bytes
//! that may be written at the same time fails the model. `RUSTFLAGS="--cfg loom" cargo test -p kymo-core --release
//! --test loom_ring`.
#![cfg(loom)]
#![allow(clippy::unwrap_used)]

use kymo_core::layout::RECORD_USER;
use kymo_core::loom::AtomicI32;
use kymo_core::ring::consumer::{Drain, Drainer, Outcome, Progress, Sink, Target};
use kymo_core::ring::full::{OnFull, Policy};
use kymo_core::ring::intent::{Intent, Move};
use kymo_core::ring::{DropReason, Ring, RingMemory, Word, read_records};
use loom::cell::UnsafeCell;
use std::sync::Arc;

/// A ring whose 8-byte units are tracked cells: loom reports two accesses that nothing orders.
struct Tracked {
    words: [AtomicI32; 4],
    units: Vec<UnsafeCell<[u8; 8]>>,
}

// SAFETY: loom checks every access to the cells for races; that is the point of the model.
unsafe impl Sync for Tracked {}

impl Tracked {
    fn new(size: usize) -> Arc<Tracked> {
        let units = (0..size / 8).map(|_| UnsafeCell::new([0; 8])).collect();
        Arc::new(Tracked {
            words: std::array::from_fn(|_| AtomicI32::new(0)),
            units,
        })
    }
}

impl RingMemory for Tracked {
    fn size(&self) -> u32 {
        self.units.len() as u32 * 8
    }
    fn word(&self, word: Word) -> &AtomicI32 {
        &self.words[word as usize]
    }
    fn read<R>(&self, offset: u32, length: u32, body: impl FnOnce(&[u8]) -> R) -> R {
        let units = &self.units[offset as usize / 8..][..(length as usize).div_ceil(8)];
        // SAFETY: a copy; loom panics when another thread may be writing.
        let copy: Vec<u8> = units
            .iter()
            .flat_map(|unit| unit.with(|bytes| unsafe { *bytes }))
            .collect();
        body(&copy[..length as usize])
    }
    fn write(&self, offset: u32, bytes: &[u8]) {
        for (index, piece) in bytes.chunks(8).enumerate() {
            // SAFETY: loom panics when another thread may be reading or writing.
            self.units[offset as usize / 8 + index]
                .with_mut(|unit| unsafe { (&mut *unit)[..piece.len()].copy_from_slice(piece) });
        }
    }
    fn note_intent(&self, _: Option<&Intent>) {}
    fn note_move(&self, _: Option<&Move>) {}
    fn count(&self, reason: DropReason, _: u64) {
        assert!(matches!(reason, DropReason::Newest | DropReason::Oldest), "{reason:?}");
    }
}

struct Seen(Vec<u8>);

impl Sink for Seen {
    fn prepare(&mut self, _: &[u8]) -> Target {
        Target::default()
    }
    fn write(&mut self, records: &[u8]) -> Outcome {
        self.0
            .extend(read_records(records).map(|record| record.unwrap().body[0]));
        Outcome::Written
    }
}

/// A producer of `count` records beside a collector that drains a few times; then the rest is drained.
fn history(count: u8, drains: usize, on_full: OnFull, overflow: Option<usize>, length: usize) {
    let ring = Arc::new(Ring::new(Tracked::new(64), Policy::new(on_full)));
    if let Some(size) = overflow {
        ring.set_overflow(Tracked::new(size));
    }
    let mut producer = ring.producer().unwrap();
    let thread = loom::thread::spawn(move || {
        (0..count)
            .filter(|&number| producer.push(RECORD_USER, &vec![number; length]))
            .collect::<Vec<u8>>()
    });
    let mut drainer = Drainer::new(ring, Seen(Vec::new()));
    for _ in 0..drains {
        drainer.drain();
    }
    let pushed = thread.join().unwrap();
    while drainer.drain() != Progress::Idle {}
    let seen = &drainer.sink().0;
    if on_full == OnFull::DropOldest {
        assert_eq!(pushed.len(), count as usize, "the newest is never refused");
        assert!(
            seen.is_sorted_by(|a, b| a < b) && seen.last() == pushed.last(),
            "{seen:?}"
        );
    } else {
        assert_eq!(*seen, pushed, "each accepted record once, in order");
    }
}

fn model(body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(body);
}

/// [W1]
#[test]
fn what_is_published_is_complete_and_what_is_read_is_not_overwritten() {
    model(|| history(6, 1, OnFull::DropNewest, None, 8));
}

/// [W4]
#[test]
fn rewinding_the_head_while_a_batch_is_in_flight_loses_and_repeats_nothing() {
    model(|| history(7, 1, OnFull::DropNewest, Some(128), 8));
}

/// [W4]
#[test]
fn dropping_the_oldest_never_touches_the_batch_in_flight() {
    model(|| history(7, 1, OnFull::DropOldest, Some(64), 8));
}

/// [W1]
#[test]
fn a_collector_that_parks_is_woken_or_sees_the_record() {
    model(|| {
        let ring = Arc::new(Ring::new(Tracked::new(64), Policy::new(OnFull::DropNewest)));
        let woken = loom::sync::Arc::new(loom::sync::atomic::AtomicBool::new(false));
        let wake = Wake(woken.clone());
        ring.on_wake(Arc::new(move || wake.ring()));
        let mut producer = ring.producer().unwrap();
        let thread = loom::thread::spawn(move || assert!(producer.push(RECORD_USER, &[1])));
        let may_sleep = ring.park(true);
        thread.join().unwrap();
        let woken = woken.load(loom::sync::atomic::Ordering::SeqCst);
        assert!(
            woken || !may_sleep,
            "asleep with a record in the ring and nobody to wake it"
        );
    });
}

struct Wake(loom::sync::Arc<loom::sync::atomic::AtomicBool>);

impl Wake {
    fn ring(&self) {
        self.0.store(true, loom::sync::atomic::Ordering::SeqCst);
    }
}
