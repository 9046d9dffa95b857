//! Models of register-while-scraping, for every interleaving of two threads. Run with
//! `RUSTFLAGS="--cfg loom" cargo test -p kymo-core --release --test loom_registry`.
#![cfg(loom)]

use kymo_core::append::AppendVec;
use kymo_core::epoch::Epochs;
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;

/// A descriptor as registration writes it: plain memory, published by the list's length.
struct Descriptor(UnsafeCell<u32>);

// SAFETY: loom checks every access to the cell, which is the point of the model.
unsafe impl Sync for Descriptor {}
// SAFETY: as above.
unsafe impl Send for Descriptor {}

impl Descriptor {
    fn read(&self) -> u32 {
        // SAFETY: loom reports a write that is not ordered before this read.
        self.0.with(|value| unsafe { *value })
    }
}

/// [S3] a scrape sees whole descriptors only, however it interleaves with their registration.
#[test]
fn a_scrape_sees_complete_descriptors() {
    loom::model(|| {
        let list = Arc::new(AppendVec::<Descriptor>::default());
        let scraped = Arc::clone(&list);
        let scrape = thread::spawn(move || {
            for index in 0..scraped.len() {
                assert_eq!(scraped.get(index).map(Descriptor::read), Some(index + 10));
            }
        });
        for value in [10, 11] {
            // SAFETY: only this thread appends.
            unsafe { list.push(Descriptor(UnsafeCell::new(value))) };
        }
        scrape.join().expect("the scrape saw what it may see");
    });
}

/// [S1] a place is written again only when no scrape that may still read it is left.
#[test]
fn a_place_is_not_reused_under_a_scrape() {
    loom::model(|| {
        let epochs = Arc::new(Epochs::default());
        let place = Arc::new(Descriptor(UnsafeCell::new(1)));
        let link = Arc::new(AtomicU32::new(1));
        let (scrape_epochs, scrape_place, scrape_link) = (Arc::clone(&epochs), Arc::clone(&place), Arc::clone(&link));
        let scrape = thread::spawn(move || {
            let _pin = scrape_epochs.pin();
            if scrape_link.load(Ordering::Acquire) == 1 {
                assert_eq!(scrape_place.read(), 1, "what a linked place holds");
            }
        });
        link.store(0, Ordering::Release);
        let stamp = epochs.stamp();
        if epochs.is_past(stamp) {
            // SAFETY: loom reports a read that may happen at the same time.
            place.0.with_mut(|value| unsafe { *value = 2 });
        }
        scrape.join().expect("the scrape read what was linked");
    });
}
