//! The scrubber of the process: set by app threads when logging is configured, used by the collector and by recovery.
use super::Scrubber;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// A scrubber that can be exchanged while records are on their way. Without one nothing is looked for.
#[derive(Default)]
pub struct SharedScrubber {
    scrubber: RwLock<Option<Arc<Scrubber>>>,
    /// False while there is none, when the lock is not asked. Stored under the lock; Release there pairs with the Acquire of `get`.
    is_set: AtomicBool,
}

impl SharedScrubber {
    /// Uses another one from the next record on.
    pub fn set(&self, scrubber: Option<Arc<Scrubber>>) {
        let mut own = self.scrubber.write().unwrap_or_else(PoisonError::into_inner);
        self.is_set.store(scrubber.is_some(), Ordering::Release);
        *own = scrubber;
    }

    /// The one in use.
    pub fn get(&self) -> Option<Arc<Scrubber>> {
        if !self.is_set.load(Ordering::Acquire) {
            return None;
        }
        self.scrubber.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// As [`Scrubber::scrub`] of the one in use.
    pub fn scrub<'a>(&self, values: &'a [u8], scratch: &'a mut Vec<u8>) -> &'a [u8] {
        match self.get() {
            Some(scrubber) => scrubber.scrub(values, scratch),
            None => values,
        }
    }
}
