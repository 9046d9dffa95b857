//! One series: its labels, the cells that threads write for it, and what removal and reset subtract. Readers take no lock;
//! whoever changes a series holds its metric's lock.

use super::descriptor::{Aggregate, Descriptor};
use crate::loom::{AtomicPtr, AtomicU32, AtomicU64, Ordering, fence};
use crate::memory::table::{Cursor, SegmentId};
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64 as StdAtomicU64;

/// The series is shown.
pub const SHOWN: u32 = 1;
/// The series was removed: shown again once a cell differs from its baseline.
pub const HIDDEN: u32 = 2;
/// The slot is empty.
pub const FREE: u32 = 0;

/// How often a reader tries to see a series between two changes of several cells (S2).
pub const TRIES: u32 = 3;

/// How often a part of several cells is read again because its owner wrote meanwhile.
const QUIET_TRIES: u32 = 8;

/// Copies a part's cells as they were together, but for the one observation that its owner may be in the middle of. `last` is
/// the cell that an observation changes last (a sum, a count): while it moves between the beginning and the end, which is
/// mostly because the reader lost its core, the part is read again. A writer without pause may win every time; then what is
/// apart are the observations of the last few ns.
pub fn copy_part(cells: &[StdAtomicU64], last: usize, values: &mut [f64]) {
    for _ in 0..QUIET_TRIES {
        let before = cells[last].load(Ordering::Acquire);
        for (value, cell) in values.iter_mut().zip(cells) {
            *value = f64::from_bits(cell.load(Ordering::Relaxed));
        }
        fence(Ordering::Acquire);
        if cells[last].load(Ordering::Relaxed) == before {
            return;
        }
    }
}

/// Segment and cell of a thread's part of a series in one word, so that a reader gets both or neither. 0 = none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Location(pub u64);

impl Location {
    /// `cell` is never 0: a segment starts with its header.
    pub fn new(segment: SegmentId, cell: u32) -> Location {
        Location(u64::from(segment) << 32 | u64::from(cell))
    }

    /// Segment of the cells.
    pub fn segment(self) -> SegmentId {
        (self.0 >> 32) as u32
    }

    /// First cell.
    pub fn cell(self) -> u32 {
        self.0 as u32
    }
}

/// A thread's part of a series that needs more than its location: a second thread, a baseline or a mask.
pub struct Part {
    /// Cells and record; the record's offset is needed to give it back.
    pub location: Location,
    /// Offset of the META_SERIES record in the same segment.
    pub meta: u32,
    /// Values to subtract, set by the first removal or reset from another thread.
    pub baseline: OnceLock<Box<[AtomicU64]>>,
    /// 1 = counts as absent until its owner writes again (gauges: removed, reset, or the thread ended).
    pub masked: AtomicU32,
    /// The next part.
    pub next: AtomicPtr<Part>,
}

/// 40 bytes. Slots never move; an emptied slot is used again when no reader can see its past (see `epoch.rs`).
#[derive(Default)]
pub struct Series {
    /// Segment and META_SERIES record whose label block this series shows.
    pub block: AtomicU64,
    /// The only part, as long as `parts` is null.
    pub first: AtomicU64,
    /// All parts, once there is more to say than `first`.
    pub parts: AtomicPtr<Part>,
    /// [`FREE`], [`SHOWN`] or [`HIDDEN`].
    pub state: AtomicU32,
    /// Odd while several cells or baselines change (S2).
    pub version: AtomicU32,
    /// Wall clock in ns when it began, or was last reset or removed.
    pub created: AtomicU64,
}

impl Series {
    /// The parts, if the list exists.
    pub fn parts(&self) -> impl Iterator<Item = &Part> {
        let mut at = self.parts.load(Ordering::Acquire);
        std::iter::from_fn(move || {
            // SAFETY: parts are unlinked under the metric's lock and freed only when no reader that may hold one is left
            // (`Metric::settle`); every caller is pinned or holds that lock.
            let part = unsafe { at.as_ref() }?;
            at = part.next.load(Ordering::Acquire);
            Some(part)
        })
    }

    /// Locations of all parts.
    pub fn locations(&self) -> Vec<Location> {
        let listed: Vec<_> = self.parts().map(|part| part.location).collect();
        let first = Location(self.first.load(Ordering::Acquire));
        if listed.is_empty() && first.0 != 0 {
            vec![first]
        } else {
            listed
        }
    }

    /// True when a thread's part lies there. As quick as it looks: a look-up by place asks every series.
    pub fn holds(&self, location: Location) -> bool {
        if self.parts.load(Ordering::Acquire).is_null() {
            return self.first.load(Ordering::Acquire) == location.0;
        }
        self.parts().any(|part| part.location == location)
    }

    /// Runs `change` between two versions, so that readers see all of it or nothing. Under the metric's lock.
    pub fn change<R>(&self, change: impl FnOnce() -> R) -> R {
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        let result = change();
        self.version.store(version.wrapping_add(2), Ordering::Release);
        result
    }

    /// The version, when nobody changes the series right now; a spin otherwise.
    pub fn quiet(&self) -> Option<u32> {
        let version = self.version.load(Ordering::Acquire);
        if version % 2 == 1 {
            std::hint::spin_loop();
            return None;
        }
        Some(version)
    }

    /// True when nothing changed since [`Series::quiet`] gave `version`.
    pub fn is_still(&self, version: u32) -> bool {
        fence(Ordering::Acquire);
        self.version.load(Ordering::Relaxed) == version
    }

    /// True when a cell of a part that counts is not what its baseline says. Under the metric's lock.
    pub fn is_touched(&self, memory: &mut Cursor<'_>, descriptor: &Descriptor) -> bool {
        let mut differs = |location: Location, part: Option<&Part>| {
            let Some(slot) = memory.slot(location.segment()) else {
                return false;
            };
            let baseline = part.and_then(|part| part.baseline.get());
            let cells = slot.segment.cells(location.cell(), descriptor.cells() as usize);
            cells.iter().enumerate().any(|(n, cell)| {
                let now = f64::from_bits(cell.load(Ordering::Relaxed));
                let base = baseline.map_or(0.0, |base| f64::from_bits(base[n].load(Ordering::Relaxed)));
                descriptor.is_additive(n as u32) && now != base
            })
        };
        if self.parts.load(Ordering::Acquire).is_null() {
            let first = Location(self.first.load(Ordering::Acquire));
            return first.0 != 0 && differs(first, None);
        }
        self.parts()
            .filter(|part| part.masked.load(Ordering::Relaxed) == 0)
            .any(|part| differs(part.location, Some(part)))
    }

    /// Reads one coherent set of values into `values` (one per cell; see [`copy_part`] for several) with `part` of the same
    /// length as working memory, and tells whether the series is
    /// shown. The caller is pinned. While the series is being reset or removed, a reader that finds no quiet moment in
    /// three tries gets zeros: the state right after that change, which held while it was reading.
    pub fn read(&self, memory: &mut Cursor<'_>, aggregate: Aggregate, part: &mut [f64], values: &mut [f64]) -> bool {
        for _ in 0..TRIES {
            let Some(before) = self.quiet() else { continue };
            let shown = self.combine_parts(memory, aggregate, part, values);
            if self.is_still(before) {
                return shown;
            }
        }
        values.fill(0.0);
        self.state.load(Ordering::Relaxed) == SHOWN
    }

    /// [`Series::read`] for a series of one cell that one thread writes, which is almost every counter and gauge: a quarter
    /// of its instructions. `None` when it is not that simple.
    #[inline]
    pub fn read_single(&self, memory: &mut Cursor<'_>) -> Option<(f64, bool)> {
        let before = self.version.load(Ordering::Acquire);
        let location = Location(self.first.load(Ordering::Relaxed));
        if before % 2 == 1 || location.0 == 0 || !self.parts.load(Ordering::Relaxed).is_null() {
            return None;
        }
        let state = self.state.load(Ordering::Relaxed);
        let cell = memory.slot(location.segment())?.segment.cell(location.cell());
        let value = f64::from_bits(cell.load(Ordering::Relaxed));
        fence(Ordering::Acquire);
        let quiet = self.version.load(Ordering::Relaxed) == before;
        quiet.then_some((value, state == SHOWN || (state == HIDDEN && value != 0.0)))
    }

    fn combine_parts(
        &self,
        memory: &mut Cursor<'_>,
        aggregate: Aggregate,
        copy: &mut [f64],
        values: &mut [f64],
    ) -> bool {
        let state = self.state.load(Ordering::Relaxed);
        if self.parts.load(Ordering::Relaxed).is_null() {
            let location = Location(self.first.load(Ordering::Relaxed));
            let Some(slot) = memory.slot(location.segment()) else {
                return false;
            };
            let cells = slot.segment.cells(location.cell(), values.len());
            copy_part(cells, cells.len() - 1, values);
            return state == SHOWN || (state == HIDDEN && values.iter().any(|value| *value != 0.0));
        }
        values.fill(0.0);
        let mut touched = false;
        let mut counted = 0.0;
        for part in self.parts() {
            if part.masked.load(Ordering::Relaxed) == 1 {
                continue;
            }
            let Some(slot) = memory.slot(part.location.segment()) else {
                continue;
            };
            counted += 1.0;
            let baseline = part.baseline.get();
            let cells = slot.segment.cells(part.location.cell(), values.len());
            copy_part(cells, cells.len() - 1, copy);
            for (n, (value, now)) in values.iter_mut().zip(copy.iter().copied()).enumerate() {
                let base = baseline.map_or(0.0, |base| f64::from_bits(base[n].load(Ordering::Relaxed)));
                touched |= now != base;
                let own = now - base;
                *value = match aggregate {
                    Aggregate::Min if counted > 1.0 => value.min(own),
                    Aggregate::Max if counted > 1.0 => value.max(own),
                    Aggregate::Min | Aggregate::Max => own,
                    Aggregate::Sum | Aggregate::Last | Aggregate::Avg => *value + own,
                };
            }
        }
        if aggregate == Aggregate::Avg && counted > 0.0 {
            values.iter_mut().for_each(|value| *value /= counted);
        }
        state == SHOWN || (state == HIDDEN && touched)
    }
}
