//! One metric: its series, and how they come, go and are read. Registration, removal and reset run inside calls of the
//! thread that asks, under one lock that no render takes (S3).

use super::descriptor::{Aggregate, Descriptor};
use super::series::{FREE, HIDDEN, Location, Part, SHOWN, Series};
use crate::append::AppendVec;
use crate::loom::Ordering;
use crate::memory::MemoryError;
use crate::memory::space::{Place, SeriesRecord};
use crate::memory::table::{Cursor, Memory, Owner, Removal, Slot, lock};
use hashbrown::{DefaultHashBuilder, HashTable};
use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

/// What a metric measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Only goes up.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts of observations in buckets, and their sum.
    Histogram,
}

impl Kind {
    /// The number that stands for it in a segment and at the boundary to JS.
    pub fn code(self) -> u32 {
        match self {
            Kind::Counter => 1,
            Kind::Gauge => 2,
            Kind::Histogram => 3,
        }
    }

    /// The kind of a code.
    pub fn from_code(code: u32) -> Option<Kind> {
        [Kind::Counter, Kind::Gauge, Kind::Histogram]
            .into_iter()
            .find(|kind| kind.code() == code)
    }
}

/// Why a series could not be had; the caller counts a drop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegisterError {
    /// No room.
    Memory(MemoryError),
    /// The metric was taken out of its registry.
    Gone,
}

/// Bytes of a META_SERIES payload before the label block: metric, cell, cells, length.
const SERIES_HEAD: usize = 16;

struct Index {
    by_block: HashTable<u32>,
    hasher: DefaultHashBuilder,
    free: Vec<u32>,
    /// Unlinked at a stamp, not yet past.
    limbo: VecDeque<(u64, Unlinked)>,
}

enum Unlinked {
    Slot(u32),
    Part(Box<Part>),
}

/// See the module.
pub struct Metric {
    id: u32,
    descriptor: Descriptor,
    encoded: Box<[u8]>,
    created_ns: u64,
    memory: Arc<Memory>,
    series: AppendVec<Series>,
    index: Mutex<Index>,
    gone: AtomicBool,
}

impl Metric {
    /// A metric without series. `id` is process-wide, `created_ns` wall clock.
    pub fn new(id: u32, registry: u32, descriptor: Descriptor, created_ns: u64, memory: Arc<Memory>) -> Metric {
        let encoded = descriptor.encode(id, registry);
        let index = Index {
            by_block: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            free: Vec::new(),
            limbo: VecDeque::new(),
        };
        Metric {
            id,
            descriptor,
            encoded,
            created_ns,
            memory,
            series: AppendVec::default(),
            index: Mutex::new(index),
            gone: AtomicBool::new(false),
        }
    }

    /// Process-wide id.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// As declared.
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// As declared.
    pub fn name(&self) -> &str {
        &self.descriptor.name
    }

    /// As declared, unescaped.
    pub fn help(&self) -> &str {
        &self.descriptor.help
    }

    /// As declared.
    pub fn kind(&self) -> Kind {
        self.descriptor.kind
    }

    /// Upper bounds of a histogram without +Inf, ascending; empty for the rest.
    pub fn bounds(&self) -> &[f64] {
        &self.descriptor.bounds
    }

    /// When it was declared: wall clock, ns since 1970.
    pub fn created_ns(&self) -> u64 {
        self.created_ns
    }

    /// Calls `visit` with the label block (without braces, empty when unlabelled) and the values of each series that is
    /// shown: `[value]`, or for a histogram the counts per bucket (not cumulative, +Inf last) and the sum. Takes no lock;
    /// each series is one snapshot, each cell is read once.
    pub fn for_each_series(&self, visit: &mut dyn FnMut(&[u8], &[f64])) {
        let _pin = self.memory.pin();
        let mut cursor = self.memory.cursor();
        let mut values = vec![0.0; self.descriptor.cells() as usize];
        for series in self.series.iter() {
            if series.state.load(Ordering::Acquire) == FREE {
                continue;
            }
            let single = if values.len() == 1 {
                series.read_single(&mut cursor)
            } else {
                None
            };
            let shown = match single {
                Some((value, shown)) => {
                    values[0] = value;
                    shown
                }
                None => series.read(&mut cursor, &mut values),
            };
            if shown && let Some(block) = block_in(&mut cursor, series) {
                visit(block, &values);
            }
        }
    }

    /// See [`block_in`].
    fn block<'a>(&'a self, series: &Series) -> Option<&'a [u8]> {
        block_in(&mut self.memory.cursor(), series)
    }

    /// Label block of a slot, for the thread that has to drop it.
    pub fn block_of(&self, series: u32) -> Option<Vec<u8>> {
        let _pin = self.memory.pin();
        self.series
            .get(series)
            .and_then(|series| self.block(series))
            .map(<[u8]>::to_vec)
    }

    /// Finds or makes the series of `block` and this thread's cells in it. A removed series is shown again; a masked gauge
    /// starts at 0. Owner thread, in its own call.
    pub fn register(&self, owner: &Arc<Owner>, block: &[u8]) -> Result<Location, RegisterError> {
        let mut index = lock(&self.index);
        if self.gone.load(Ordering::Relaxed) {
            return Err(RegisterError::Gone);
        }
        self.settle(&mut index);
        let hash = index.hasher.hash_one(block);
        let Some(id) = self.find(&index, hash, block) else {
            let (segment, place) = self.bind(owner, block)?;
            let id = match index.free.pop() {
                Some(id) => id,
                // SAFETY: the metric's lock is held, and nothing else appends to this list.
                None => unsafe { self.series.push(Series::default()) },
            };
            let Some(series) = self.series.get(id) else {
                return Err(RegisterError::Gone);
            };
            series
                .first
                .store(Location::new(segment, place.cell).0, Ordering::Relaxed);
            series
                .block
                .store(Location::new(segment, place.meta).0, Ordering::Release);
            series.state.store(SHOWN, Ordering::Release);
            let Index { by_block, hasher, .. } = &mut *index;
            by_block.insert_unique(hash, id, |other| {
                self.series
                    .get(*other)
                    .and_then(|other| self.block(other))
                    .map_or(0, |block| hasher.hash_one(block))
            });
            return Ok(Location::new(segment, place.cell));
        };
        let Some(series) = self.series.get(id) else {
            return Err(RegisterError::Gone);
        };
        let shared = self.descriptor.aggregate == Aggregate::Last;
        let own = series
            .locations()
            .into_iter()
            .find(|at| shared || self.slot(*at).is_some_and(|slot| slot.is_of(owner)));
        let location = match own {
            Some(location) => {
                self.unmask(series, location);
                location
            }
            None => {
                let (segment, place) = self.bind(owner, block)?;
                let location = Location::new(segment, place.cell);
                self.expand(series);
                self.append_part(series, location, place.meta);
                location
            }
        };
        series.state.store(SHOWN, Ordering::Release);
        Ok(location)
    }

    /// Hides the series of `block`; held handles may bring it back. `held` tells whether the caller's thread still holds a
    /// handle to it; if not, its place is given back at once. Returns the slot for a later [`Metric::release`].
    pub fn remove(&self, owner: Option<&Arc<Owner>>, block: &[u8], held: bool) -> Option<u32> {
        let mut index = lock(&self.index);
        self.settle(&mut index);
        let id = self.find(&index, index.hasher.hash_one(block), block)?;
        let series = self.series.get(id)?;
        let mut values = vec![0.0; self.descriptor.cells() as usize];
        if !series.read(&mut self.memory.cursor(), &mut values) {
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
        let mut values = vec![0.0; self.descriptor.cells() as usize];
        for series in self
            .series
            .iter()
            .filter(|series| series.state.load(Ordering::Relaxed) != FREE)
        {
            // A removed series that a held handle brought back is shown, and stays so.
            let shown = series.read(&mut self.memory.cursor(), &mut values);
            let state = if shown { SHOWN } else { HIDDEN };
            let locations = self.clear_cells(series, owner, state);
            others |= locations
                .iter()
                .filter_map(|at| self.slot(*at))
                .any(|slot| owner.is_none_or(|owner| !slot.is_of(owner)));
        }
        if others && self.kind() == Kind::Gauge {
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
        if self.kind() != Kind::Gauge || self.descriptor.aggregate == Aggregate::Last {
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

    /// True once no thread has cells of this metric.
    pub fn is_empty(&self) -> bool {
        let _index = lock(&self.index);
        self.series
            .iter()
            .all(|series| series.state.load(Ordering::Relaxed) == FREE)
    }

    /// True once the metric was taken out of its registry.
    pub fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    /// Taken out of its registry: handles go on writing to cells that nobody shows.
    pub(super) fn retire(&self) {
        let _index = lock(&self.index);
        self.gone.store(true, Ordering::Relaxed);
    }

    fn slot(&self, at: Location) -> Option<&Slot> {
        self.memory.slot(at.segment()).filter(|_| at.0 != 0)
    }

    fn find(&self, index: &MutexGuard<'_, Index>, hash: u64, block: &[u8]) -> Option<u32> {
        let same = |id: &u32| self.series.get(*id).and_then(|series| self.block(series)) == Some(block);
        index.by_block.find(hash, same).copied()
    }

    fn bind(&self, owner: &Arc<Owner>, block: &[u8]) -> Result<(u32, Place), RegisterError> {
        let record = SeriesRecord {
            metric: self.id,
            cells: self.descriptor.cells(),
            block,
        };
        self.memory
            .bind(owner, &self.encoded, &record)
            .map_err(RegisterError::Memory)
    }

    /// Turns `first` into a list of one part.
    fn expand(&self, series: &Series) {
        let first = Location(series.first.load(Ordering::Relaxed));
        if first.0 != 0 && series.parts.load(Ordering::Relaxed).is_null() {
            self.append_part(series, first, Location(series.block.load(Ordering::Relaxed)).cell());
        }
    }

    fn append_part(&self, series: &Series, location: Location, meta: u32) {
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

    /// Back to nothing: own cells are zeroed by their owner, other threads' cells get a baseline (counters, histograms) or
    /// a mask (gauges). Own gauges are masked only when they are hidden.
    fn clear_cells(&self, series: &Series, owner: Option<&Arc<Owner>>, state: u32) -> Vec<Location> {
        let locations = series.locations();
        let gauge = self.kind() == Kind::Gauge;
        let is_own = |at: &Location| owner.is_some_and(|owner| self.slot(*at).is_some_and(|slot| slot.is_of(owner)));
        if locations.iter().any(|at| !is_own(at)) || (gauge && state == HIDDEN) {
            self.expand(series);
        }
        series.change(|| {
            for at in locations.iter().filter(|at| is_own(at)) {
                self.cells(*at).for_each(|(_, cell)| cell.store(0, Ordering::Relaxed));
            }
            for part in series.parts() {
                let own = is_own(&part.location);
                if gauge {
                    part.masked.store(u32::from(!own || state == HIDDEN), Ordering::Relaxed);
                } else if !own || part.baseline.get().is_some() {
                    let fresh = || (0..self.descriptor.cells()).map(|_| Default::default()).collect();
                    let baseline = part.baseline.get_or_init(fresh);
                    self.cells(part.location).for_each(|(n, cell)| {
                        baseline[n].store(cell.load(Ordering::Relaxed), Ordering::Relaxed);
                    });
                }
            }
            series.state.store(state, Ordering::Relaxed);
        });
        locations
    }

    /// Writes all cells of a part between two versions, for the test of S2.
    #[cfg(test)]
    pub(super) fn write_together(&self, at: Location, value: f64) {
        let _index = lock(&self.index);
        if let Some(series) = self.series.iter().find(|series| series.locations().contains(&at)) {
            series.change(|| {
                self.cells(at)
                    .for_each(|(_, cell)| cell.store(value.to_bits(), Ordering::Relaxed))
            });
        }
    }

    fn cells(&self, at: Location) -> impl Iterator<Item = (usize, &std::sync::atomic::AtomicU64)> {
        let slot = self.slot(at);
        (0..self.descriptor.cells())
            .filter_map(move |n| slot.map(|slot| (n as usize, slot.segment.cell(at.cell() + n))))
    }

    /// The owner is about to write a gauge that was hidden, reset or left behind by an earlier thread: it starts at 0.
    fn unmask(&self, series: &Series, location: Location) {
        for part in series
            .parts()
            .filter(|part| part.location == location && part.masked.load(Ordering::Relaxed) == 1)
        {
            self.cells(location)
                .for_each(|(_, cell)| cell.store(0, Ordering::Relaxed));
            part.masked.store(0, Ordering::Release);
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
        let mut values = vec![0.0; self.descriptor.cells() as usize];
        if !whole && series.read(&mut self.memory.cursor(), &mut values) {
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
        if let Some(slot) = self.slot(own) {
            slot.release(&self.memory, Place { cell: own.cell(), meta }, self.descriptor.cells());
        }
        true
    }

    /// Empties a slot: no reader that begins now finds it.
    fn unlink(&self, index: &mut MutexGuard<'_, Index>, series: &Series, id: u32) {
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
    fn unlink_part(&self, index: &mut MutexGuard<'_, Index>, series: &Series, location: Location) {
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
    fn settle(&self, index: &mut MutexGuard<'_, Index>) {
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

/// The label block of a series; none if the slot was emptied meanwhile. The caller is pinned or holds the metric's lock.
fn block_in<'a>(memory: &mut Cursor<'a>, series: &Series) -> Option<&'a [u8]> {
    let at = Location(series.block.load(Ordering::Acquire));
    let slot = memory.slot(at.segment()).filter(|_| at.0 != 0)?;
    // SAFETY: the record was reachable through this slot; it is written again only after every pin of now is gone,
    // and releasing it needs the metric's lock. Attacked by `stress_places_are_reused_under_a_render_without_mixing_series`.
    let payload = unsafe { slot.segment.meta_payload(at.cell()) };
    let len = u32::from_le_bytes(payload.get(12..SERIES_HEAD)?.try_into().ok()?) as usize;
    payload.get(SERIES_HEAD..SERIES_HEAD + len)
}

impl Drop for Metric {
    fn drop(&mut self) {
        for series in self.series.iter() {
            let mut at = series.parts.load(Ordering::Relaxed);
            while !at.is_null() {
                // SAFETY: made by `Box::into_raw`; nobody else can reach the metric any more.
                let part = unsafe { Box::from_raw(at) };
                at = part.next.load(Ordering::Relaxed);
            }
        }
    }
}
