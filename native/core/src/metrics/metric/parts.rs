//! The parts of a series: how threads' cells are listed, and how slots and parts go when no reader can see them any more.
//! Under the metric's lock.

use super::{Index, Metric, Unlinked};
use crate::loom::Ordering;
use crate::metrics::series::{FREE, Location, Part, Series};
use std::hash::BuildHasher;
use std::sync::{MutexGuard, OnceLock};

impl Metric {
    /// Turns `first` into a list of one part.
    pub(super) fn expand(&self, series: &Series) {
        let first = Location(series.first.load(Ordering::Relaxed));
        if first.0 != 0 && series.parts.load(Ordering::Relaxed).is_null() {
            self.append_part(series, first, Location(series.block.load(Ordering::Relaxed)).cell());
        }
    }

    pub(super) fn append_part(&self, series: &Series, location: Location, meta: u32) {
        let part = Box::new(Part {
            location,
            meta,
            baseline: OnceLock::new(),
            masked: Default::default(),
            next: Default::default(),
        });
        let last = series.parts().last().map_or(&series.parts, |part| &part.next);
        last.store(Box::into_raw(part), Ordering::Release);
    }

    /// The owner is about to write a gauge that was hidden, reset or left behind by an earlier thread: it starts at 0.
    pub(super) fn unmask(&self, series: &Series, location: Location) {
        for part in series
            .parts()
            .filter(|part| part.location == location && part.masked.load(Ordering::Relaxed) == 1)
        {
            self.cells(location)
                .for_each(|(_, cell)| cell.store(0, Ordering::Relaxed));
            part.masked.store(0, Ordering::Release);
        }
    }

    /// Empties a slot: no reader that begins now finds it.
    pub(super) fn unlink(&self, index: &mut MutexGuard<'_, Index>, series: &Series, id: u32) {
        if let Some(hash) = self.block(series).map(|block| index.hasher.hash_one(block))
            && let Ok(entry) = index.by_block.find_entry(hash, |other| *other == id)
        {
            entry.remove();
        }
        series.state.store(FREE, Ordering::Release);
        series.block.store(0, Ordering::Release);
        series.first.store(0, Ordering::Release);
        let stamp = self.memory.epochs().stamp();
        index.limbo.push_back((stamp, Unlinked::Slot(id)));
    }

    /// Takes the part at `location` out of the list; if the series showed its record's labels, another part's serve.
    pub(super) fn unlink_part(&self, index: &mut MutexGuard<'_, Index>, series: &Series, location: Location) {
        let mut link = &series.parts;
        while let Some(part) = series
            .parts()
            .find(|part| std::ptr::eq(*part, link.load(Ordering::Relaxed)))
        {
            if part.location == location {
                let unlinked = link.load(Ordering::Relaxed);
                link.store(part.next.load(Ordering::Relaxed), Ordering::Release);
                if let Some(next) = series.parts().next() {
                    series
                        .block
                        .store(Location::new(next.location.segment(), next.meta).0, Ordering::Release);
                    series.first.store(next.location.0, Ordering::Release);
                }
                let stamp = self.memory.epochs().stamp();
                // SAFETY: made by `Box::into_raw` in `append_part`, unlinked just now, and freed only when `stamp` is past.
                index
                    .limbo
                    .push_back((stamp, Unlinked::Part(unsafe { Box::from_raw(unlinked) })));
                return;
            }
            link = &part.next;
        }
    }

    /// Makes what no reader can see any more usable again.
    pub(super) fn settle(&self, index: &mut MutexGuard<'_, Index>) {
        let epochs = self.memory.epochs();
        // Stamps ascend, so the first that is not past ends the search.
        while index.limbo.front().is_some_and(|(stamp, _)| epochs.is_past(*stamp)) {
            match index.limbo.pop_front() {
                Some((_, Unlinked::Slot(id))) => index.free.push(id),
                Some((_, Unlinked::Part(part))) => drop(part),
                None => return,
            }
        }
    }
}
