//! What removes and resets series, and what gives their places back. Under the metric's lock, on the thread that asks.

use super::{Index, Metric};
use crate::loom::Ordering;
use crate::memory::clock::wall_ns;
use crate::memory::space::Place;
use crate::memory::table::{Owner, Removal, lock};
use crate::metrics::descriptor::Aggregate;
use crate::metrics::series::{FREE, HIDDEN, Location, SHOWN, Series};
use std::hash::BuildHasher;
use std::sync::{Arc, MutexGuard};

impl Metric {
    /// Hides the series of `block`; held handles may bring it back. `held` tells whether the caller's thread still holds a
    /// handle to it; if not, its place is given back at once. Returns the slot for a later [`Metric::release`].
    pub fn remove(&self, owner: Option<&Arc<Owner>>, block: &[u8], held: bool) -> Option<u32> {
        let mut index = lock(&self.index);
        self.settle(&mut index);
        let id = self.find(&index, index.hasher.hash_one(block), block)?;
        let series = self.series.get(id)?;
        if !self.is_shown(series) {
            return None;
        }
        let locations = self.clear_cells(series, owner, HIDDEN);
        for slot in locations.iter().filter_map(|at| self.slot(*at)) {
            if owner.is_none_or(|owner| !slot.is_of(owner)) {
                slot.notify(
                    &self.memory,
                    Some(Removal {
                        metric: self.id,
                        series: id,
                    }),
                );
            }
        }
        if self.descriptor.aggregate == Aggregate::Last {
            self.memory.slots().for_each(|slot| slot.notify(&self.memory, None));
        } else if let Some(owner) = owner.filter(|_| !held) {
            self.release_locked(&mut index, owner, id, false);
        }
        Some(id)
    }

    /// Sets every series to 0; none disappears.
    pub fn reset(&self, owner: Option<&Arc<Owner>>) {
        let index = lock(&self.index);
        let mut others = false;
        for series in self
            .series
            .iter()
            .filter(|series| series.state.load(Ordering::Relaxed) != FREE)
        {
            // A removed series that a held handle brought back is shown, and stays so.
            let state = if self.is_shown(series) { SHOWN } else { HIDDEN };
            let locations = self.clear_cells(series, owner, state);
            others |= locations
                .iter()
                .filter_map(|at| self.slot(*at))
                .any(|slot| owner.is_none_or(|owner| !slot.is_of(owner)));
        }
        if others && self.descriptor.is_current_state() {
            self.memory.slots().for_each(|slot| slot.notify(&self.memory, None));
        }
        drop(index);
    }

    /// Gives this thread's part of a removed series back, unless it was written after its removal: then it is shown again.
    /// Owner thread.
    pub fn release(&self, owner: &Arc<Owner>, series: u32) -> bool {
        let mut index = lock(&self.index);
        self.release_locked(&mut index, owner, series, false)
    }

    /// Gives all of this thread's parts back: its JS object is gone and the metric was taken out of its registry.
    pub fn release_all(&self, owner: &Arc<Owner>) {
        let mut index = lock(&self.index);
        for id in 0..self.series.len() {
            self.release_locked(&mut index, owner, id, true);
        }
    }

    /// The thread of `owner` ended: what its gauges said holds no more. Counts and sums stay.
    pub fn mask(&self, owner: &Arc<Owner>) {
        if !self.descriptor.is_current_state() || self.descriptor.aggregate == Aggregate::Last {
            return;
        }
        let _index = lock(&self.index);
        for series in self.series.iter() {
            let own = series
                .locations()
                .into_iter()
                .find(|at| self.slot(*at).is_some_and(|slot| slot.is_of(owner)));
            if let Some(own) = own {
                self.expand(series);
                series
                    .parts()
                    .filter(|part| part.location == own)
                    .for_each(|part| part.masked.store(1, Ordering::Release));
            }
        }
    }

    /// True when a scrape shows the series.
    pub(super) fn is_shown(&self, series: &Series) -> bool {
        match series.state.load(Ordering::Relaxed) {
            SHOWN => true,
            FREE => false,
            _ => series.is_touched(&mut self.memory.cursor(), &self.descriptor),
        }
    }

    /// Back to nothing: own cells are zeroed by their owner, other threads' cells get a baseline (counters, histograms) or
    /// a mask (gauges). Own gauges are masked only when they are hidden.
    pub(super) fn clear_cells(&self, series: &Series, owner: Option<&Arc<Owner>>, state: u32) -> Vec<Location> {
        let locations = series.locations();
        let state_only = self.descriptor.is_current_state();
        let is_own = |at: &Location| owner.is_some_and(|owner| self.slot(*at).is_some_and(|slot| slot.is_of(owner)));
        if locations.iter().any(|at| !is_own(at)) || (state_only && state == HIDDEN) {
            self.expand(series);
        }
        series.change(|| {
            for at in locations.iter().filter(|at| is_own(at)) {
                self.cells(*at).for_each(|(_, cell)| cell.store(0, Ordering::Relaxed));
                self.init_cells(*at);
            }
            for part in series.parts() {
                let own = is_own(&part.location);
                if state_only {
                    part.masked.store(u32::from(!own || state == HIDDEN), Ordering::Relaxed);
                } else if !own || part.baseline.get().is_some() {
                    let fresh = || (0..self.descriptor.cells()).map(|_| Default::default()).collect();
                    let baseline = part.baseline.get_or_init(fresh);
                    self.cells(part.location).for_each(|(n, cell)| {
                        baseline[n].store(cell.load(Ordering::Relaxed), Ordering::Relaxed);
                    });
                    self.descriptor
                        .mark_baseline(wall_ns() / 1_000_000, &mut |cell, value| {
                            baseline[cell as usize].store(value.to_bits(), Ordering::Relaxed);
                        });
                    if !own {
                        self.ask_to_restore(part.location);
                    }
                }
            }
            series.state.store(state, Ordering::Relaxed);
            series.created.store(self.next_created(), Ordering::Relaxed);
        });
        for at in &locations {
            self.begin_anew(*at);
        }
        locations
    }

    /// Writes all cells of a part between two versions, for the test of S2.
    #[cfg(test)]
    pub(in crate::metrics) fn write_together(&self, at: Location, value: f64) {
        let _index = lock(&self.index);
        if let Some(series) = self.series.iter().find(|series| series.locations().contains(&at)) {
            series.change(|| {
                self.cells(at)
                    .for_each(|(_, cell)| cell.store(value.to_bits(), Ordering::Relaxed))
            });
        }
    }

    fn release_locked(&self, index: &mut MutexGuard<'_, Index>, owner: &Arc<Owner>, id: u32, whole: bool) -> bool {
        let Some(series) = self.series.get(id) else {
            return false;
        };
        let state = series.state.load(Ordering::Relaxed);
        let own = series
            .locations()
            .into_iter()
            .find(|at| self.slot(*at).is_some_and(|slot| slot.is_of(owner)));
        let (Some(own), true) = (own, whole || state == HIDDEN) else {
            return false;
        };
        if !whole && self.is_shown(series) {
            series.state.store(SHOWN, Ordering::Release);
            return false;
        }
        self.expand(series);
        let Some(meta) = series.parts().find(|part| part.location == own).map(|part| part.meta) else {
            return false;
        };
        let last = series.parts().count() == 1;
        if last {
            self.unlink(index, series, id);
        }
        self.unlink_part(index, series, own);
        self.exemplars.clear(own);
        self.summaries.restart(own, 0);
        if let Some(slot) = self.slot(own) {
            slot.release(&self.memory, Place { cell: own.cell(), meta }, self.descriptor.cells());
        }
        true
    }
}
