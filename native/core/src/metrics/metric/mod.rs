//! One metric: its series, and how they come, go and are read. Registration, removal and reset run inside calls of the
//! thread that asks, under one lock that no render takes (S3).

mod changes;
mod composite;
mod idle;
#[cfg(all(test, not(loom)))]
mod native_tests;
mod parts;
mod recent;
mod views;

use idle::Idle;
pub use views::SeriesView;

use super::descriptor::{Aggregate, Descriptor};
use super::exemplars::{Exemplar, Exemplars};
use super::limits::{Limits, OVERFLOW_BLOCK};
use super::series::{FREE, Location, Part, SHOWN, Series};
use super::summary::Summaries;
use crate::append::AppendVec;
use crate::loom::Ordering;
use crate::memory::MemoryError;
use crate::memory::clock::wall_ns;
use crate::memory::space::{Place, SeriesRecord};
use crate::memory::table::{Cursor, Memory, Owner, Slot, lock};
use hashbrown::{DefaultHashBuilder, HashTable};
use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard};

/// What a metric measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Only goes up.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts of observations in buckets, and their sum.
    Histogram,
    /// Quantiles of recent observations, and count and sum of all.
    Summary,
    /// Labels that describe the process; the value is 1.
    Info,
    /// States of which each holds or does not.
    StateSet,
}

/// All kinds, in the order of their codes.
const KINDS: [Kind; 6] = [
    Kind::Counter,
    Kind::Gauge,
    Kind::Histogram,
    Kind::Summary,
    Kind::Info,
    Kind::StateSet,
];

impl Kind {
    /// The number that stands for it in a segment and at the boundary to JS.
    pub fn code(self) -> u32 {
        match self {
            Kind::Counter => 1,
            Kind::Gauge => 2,
            Kind::Histogram => 3,
            Kind::Summary => 4,
            Kind::Info => 5,
            Kind::StateSet => 6,
        }
    }

    /// The kind of a code.
    pub fn from_code(code: u32) -> Option<Kind> {
        KINDS.into_iter().find(|kind| kind.code() == code)
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

/// A place that was registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Registered {
    /// Where the caller's thread writes.
    pub location: Location,
    /// The metric is full: this is the series for everything else.
    pub overflow: bool,
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
    /// When the newest series began; each gets a time of its own.
    newest_ns: AtomicU64,
    /// Registries that it is in.
    members: AtomicU32,
    /// It may be used without being in a registry.
    standalone: bool,
    gone: AtomicBool,
    limits: Limits,
    exemplars: Exemplars,
    summaries: Summaries,
    idle: Mutex<Idle>,
}

impl Metric {
    /// A metric without series. `id` is process-wide, `created_ns` wall clock; `registry` is the one it was declared in, if any.
    pub fn new(id: u32, registry: Option<u32>, descriptor: Descriptor, created_ns: u64, memory: Arc<Memory>) -> Metric {
        let encoded = descriptor.encode(id, registry.unwrap_or(u32::MAX));
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
            newest_ns: AtomicU64::new(0),
            members: AtomicU32::new(0),
            standalone: registry.is_none(),
            gone: AtomicBool::new(false),
            limits: Limits::default(),
            exemplars: Exemplars::default(),
            summaries: Summaries::default(),
            idle: Mutex::default(),
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

    /// How many series it may have, and how long.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Series in its index, the overflow series and removed ones that a handle holds included. Waits for a registration.
    pub fn series_count(&self) -> u32 {
        lock(&self.index).by_block.len() as u32
    }

    /// Keeps an exemplar of the part at `location`.
    pub fn keep_exemplar(&self, location: Location, exemplar: Exemplar) {
        self.exemplars.keep(location, exemplar);
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
    /// starts at 0. Beyond [`Limits::max_series`] a new block gets the overflow series. Owner thread, in its own call.
    pub fn register(&self, owner: &Arc<Owner>, block: &[u8]) -> Result<Registered, RegisterError> {
        let mut index = lock(&self.index);
        if self.gone.load(Ordering::Relaxed) {
            return Err(RegisterError::Gone);
        }
        self.settle(&mut index);
        if let Some(location) = self.register_known(&index, owner, block)? {
            return Ok(Registered {
                location,
                overflow: false,
            });
        }
        if self.has_room(&index) {
            let location = self.register_new(&mut index, owner, block)?;
            return Ok(Registered {
                location,
                overflow: false,
            });
        }
        self.limits.count_overflow();
        let location = match self.register_known(&index, owner, OVERFLOW_BLOCK)? {
            Some(location) => location,
            None => self.register_new(&mut index, owner, OVERFLOW_BLOCK)?,
        };
        Ok(Registered {
            location,
            overflow: true,
        })
    }

    /// The overflow series has a place beside those that the limit is about.
    fn has_room(&self, index: &MutexGuard<'_, Index>) -> bool {
        let (count, limit) = (index.by_block.len(), self.limits.max_series() as usize);
        let overflow = || self.find(index, index.hasher.hash_one(OVERFLOW_BLOCK), OVERFLOW_BLOCK);
        count < limit || (count == limit && overflow().is_some())
    }

    fn register_new(
        &self,
        index: &mut MutexGuard<'_, Index>,
        owner: &Arc<Owner>,
        block: &[u8],
    ) -> Result<Location, RegisterError> {
        let (segment, place) = self.bind(owner, block)?;
        let id = match index.free.pop() {
            Some(id) => id,
            // SAFETY: the metric's lock is held, and nothing else appends to this list.
            None => unsafe { self.series.push(Series::default()) },
        };
        let Some(series) = self.series.get(id) else {
            return Err(RegisterError::Gone);
        };
        series.created.store(self.next_created(), Ordering::Relaxed);
        series
            .first
            .store(Location::new(segment, place.cell).0, Ordering::Relaxed);
        series
            .block
            .store(Location::new(segment, place.meta).0, Ordering::Release);
        series.state.store(SHOWN, Ordering::Release);
        let Index { by_block, hasher, .. } = &mut **index;
        by_block.insert_unique(hasher.hash_one(block), id, |other| {
            self.series
                .get(*other)
                .and_then(|other| self.block(other))
                .map_or(0, |block| hasher.hash_one(block))
        });
        Ok(Location::new(segment, place.cell))
    }

    fn register_known(
        &self,
        index: &MutexGuard<'_, Index>,
        owner: &Arc<Owner>,
        block: &[u8],
    ) -> Result<Option<Location>, RegisterError> {
        let found = self.find(index, index.hasher.hash_one(block), block);
        let Some(series) = found.and_then(|id| self.series.get(id)) else {
            return Ok(None);
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
        if series.state.swap(SHOWN, Ordering::AcqRel) != SHOWN {
            series.created.store(self.next_created(), Ordering::Relaxed);
        }
        Ok(Some(location))
    }

    /// Now, or a nanosecond after the last one.
    fn next_created(&self) -> u64 {
        let next = wall_ns().max(self.newest_ns.load(Ordering::Relaxed) + 1);
        self.newest_ns.store(next, Ordering::Relaxed);
        next
    }

    /// True once no thread has cells of this metric.
    pub fn is_empty(&self) -> bool {
        let _index = lock(&self.index);
        self.series
            .iter()
            .all(|series| series.state.load(Ordering::Relaxed) == FREE)
    }

    /// True while no registry has it.
    pub fn is_gone(&self) -> bool {
        self.members.load(Ordering::Relaxed) == 0
    }

    /// A registry has it from now on.
    pub(super) fn join(&self) {
        let _index = lock(&self.index);
        self.members.fetch_add(1, Ordering::Relaxed);
        self.gone.store(false, Ordering::Relaxed);
    }

    /// Taken out of a registry. After the last one handles go on writing to cells that nobody shows, unless the metric may be
    /// used without a registry.
    pub(super) fn leave(&self) {
        let _index = lock(&self.index);
        let last = self.members.fetch_sub(1, Ordering::Relaxed) == 1;
        self.gone.store(last && !self.standalone, Ordering::Relaxed);
    }

    fn slot(&self, at: Location) -> Option<&Slot> {
        self.memory.slot(at.segment()).filter(|_| at.0 != 0)
    }

    fn find(&self, index: &MutexGuard<'_, Index>, hash: u64, block: &[u8]) -> Option<u32> {
        let same = |id: &u32| self.series.get(*id).and_then(|series| self.block(series)) == Some(block);
        index.by_block.find(hash, same).copied()
    }

    /// See [`block_in`].
    fn block<'a>(&'a self, series: &Series) -> Option<&'a [u8]> {
        block_in(&mut self.memory.cursor(), series)
    }

    fn bind(&self, owner: &Arc<Owner>, block: &[u8]) -> Result<(u32, Place), RegisterError> {
        let record = SeriesRecord {
            metric: self.id,
            cells: self.descriptor.cells(),
            block,
        };
        let bound = self.memory.bind(owner, &self.encoded, &record);
        let (segment, place) = bound.map_err(RegisterError::Memory)?;
        let location = Location::new(segment, place.cell);
        self.init_cells(location);
        self.begin_anew(location);
        Ok((segment, place))
    }

    fn cells(&self, at: Location) -> impl Iterator<Item = (usize, &std::sync::atomic::AtomicU64)> {
        let slot = self.slot(at);
        (0..self.descriptor.cells())
            .filter_map(move |n| slot.map(|slot| (n as usize, slot.segment.cell(at.cell() + n))))
    }

    /// What is kept beside the cells of a part begins anew with them; `count` of a summary's values are before that.
    fn begin_anew(&self, at: Location) {
        self.exemplars.clear(at);
        if self.kind() == Kind::Summary {
            self.summaries.restart(at, self.value_at(at, 0) as u64);
        }
    }

    /// Gives zeroed cells what they begin with.
    fn init_cells(&self, at: Location) {
        let Some(slot) = self.slot(at) else { return };
        self.descriptor.init(wall_ns() / 1_000_000, &mut |cell, value| {
            slot.segment
                .cell(at.cell() + cell)
                .store(value.to_bits(), Ordering::Relaxed);
        });
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
