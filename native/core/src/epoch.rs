//! Tells when a place that readers may still look at can be used again (epoch-based reclamation).
//!
//! A render pins the current epoch and goes through memory without locks. Whoever unlinks a place stamps it with a new
//! epoch and uses it again only when every pin is younger. Pinning costs one exchange and one fence; a writer never
//! waits for a reader, it just keeps the place in its limbo for longer.

use crate::loom::{AtomicU64, Ordering, fence};

#[cfg(not(loom))]
const PINS: usize = 64;
#[cfg(loom)]
const PINS: usize = 2;

/// The epochs of one process (or of one test).
pub struct Epochs {
    /// In [1, 2^64).
    clock: AtomicU64,
    /// 0 = free, else the epoch at which a reader began.
    pins: [AtomicU64; PINS],
}

impl Default for Epochs {
    fn default() -> Self {
        Self {
            clock: AtomicU64::new(1),
            pins: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }
}

/// While it lives, nothing that was reachable when it was made is used again.
pub struct Pin<'a> {
    slot: &'a AtomicU64,
}

impl Epochs {
    /// Begins to read. Waits (yielding) only if 64 readers are active at once.
    pub fn pin(&self) -> Pin<'_> {
        loop {
            let now = self.clock.load(Ordering::SeqCst);
            for slot in &self.pins {
                if slot
                    .compare_exchange(0, now, Ordering::SeqCst, Ordering::Relaxed)
                    .is_ok()
                {
                    // Pairs with the fence in `stamp`: a writer that did not see this pin had unlinked before, so this
                    // reader does not find the place any more.
                    fence(Ordering::SeqCst);
                    return Pin { slot };
                }
            }
            #[cfg(not(loom))]
            std::thread::yield_now();
            #[cfg(loom)]
            loom::thread::yield_now();
        }
    }

    /// To be called after a place was unlinked; the result goes with it into the limbo.
    pub fn stamp(&self) -> u64 {
        let stamp = self.clock.fetch_add(1, Ordering::SeqCst) + 1;
        fence(Ordering::SeqCst);
        stamp
    }

    /// True once no reader is left that may see what was unlinked before `stamp`.
    pub fn is_past(&self, stamp: u64) -> bool {
        fence(Ordering::SeqCst);
        self.pins.iter().all(|slot| {
            let pinned = slot.load(Ordering::SeqCst);
            pinned == 0 || pinned >= stamp
        })
    }
}

impl Drop for Pin<'_> {
    fn drop(&mut self) {
        // Release: the reads made under the pin come before any use of the places.
        self.slot.store(0, Ordering::Release);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_past_only_when_older_readers_are_gone() {
        let epochs = Epochs::default();
        let before = epochs.pin();
        let stamp = epochs.stamp();
        assert!(!epochs.is_past(stamp));
        let after = epochs.pin();
        assert!(!epochs.is_past(stamp));
        drop(before);
        assert!(epochs.is_past(stamp), "a reader that began later cannot see the place");
        drop(after);
        assert!(epochs.is_past(stamp));
    }

    #[test]
    fn more_readers_than_slots_wait_for_one_to_end() {
        let epochs = Epochs::default();
        let pins: Vec<_> = (0..PINS).map(|_| epochs.pin()).collect();
        std::thread::scope(|scope| {
            let late = scope.spawn(|| drop(epochs.pin()));
            drop(pins);
            late.join().expect("the late reader got a slot");
        });
    }
}
