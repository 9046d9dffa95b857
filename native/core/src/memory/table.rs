//! All segments of the process and who owns them. A thread's group of segments outlives the thread: it retires with its
//! values, and the next thread of the same role adopts it, so what was counted stays and memory is bounded by the
//! highest number of threads alive at once.

use super::MemoryError;
use super::segment::{Backing, Full, Segment};
use super::space::{Place, SeriesRecord, Space};
use crate::append::AppendVec;
use crate::epoch::{Epochs, Pin};
use crate::layout::*;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Index into the table of segments, in [0, 65535).
pub type SegmentId = u32;

const MAX_SEGMENTS: u32 = 65_535;

/// Locks even if a holder panicked: every structure behind these locks stays valid between two statements.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The main thread gets larger segments than a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The main thread.
    Main,
    /// A worker thread.
    Worker,
}

impl Role {
    /// Bytes of a cell segment: small, so that a start stays cheap and little lies unused.
    fn cells_size(self) -> usize {
        match self {
            Role::Main => 1 << 20,
            Role::Worker => 1 << 18,
        }
    }
}

/// Makes segments: a file on tmpfs, anonymous pages, or memory lent by the runtime. `thread` is Node's thread id.
pub trait Provider: Send + Sync {
    /// A segment with its header complete, or why not.
    fn create(&self, kind: u32, size: usize, thread: u32) -> Result<Segment, MemoryError>;

    /// A segment made or left for another thread is `thread`'s from now on.
    fn adopt(&self, segment: &Segment, thread: u32) {
        segment.u32_at(THREAD_AT).store(thread, Ordering::Relaxed);
        segment.u32_at(OWNERS_AT).fetch_add(1, Ordering::Relaxed);
    }

    /// Makes the first writes to a fresh segment cheap. Runs on the collector.
    fn prepare(&self, _segment: &Segment) {}

    /// True when segments may be made ahead, on the collector.
    fn may_prepare(&self) -> bool {
        false
    }
}

/// Anonymous pages; for `KYMO_MEMORY=anonymous` and for tests.
pub struct AnonymousProvider;

impl Provider for AnonymousProvider {
    fn create(&self, kind: u32, size: usize, thread: u32) -> Result<Segment, MemoryError> {
        let segment = Segment::anonymous(kind, size)?;
        segment.u32_at(THREAD_AT).store(thread, Ordering::Relaxed);
        segment.u32_at(OWNERS_AT).store(1, Ordering::Relaxed);
        segment.u64_at(MAGIC_AT).store(MAGIC, Ordering::Release);
        Ok(segment)
    }
}

/// A series that another thread removed, for the owner to give its place back (S1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// The metric.
    pub metric: u32,
    /// The slot of the series in it.
    pub series: u32,
}

/// A group of segments written by one thread at a time.
pub struct Owner {
    role: Role,
    thread: AtomicU64,
    /// Cell segments, oldest first.
    cells: Mutex<Vec<SegmentId>>,
    removals: Mutex<Vec<Removal>>,
}

impl Owner {
    /// Node's thread id of the current or last thread.
    pub fn thread(&self) -> u32 {
        self.thread.load(Ordering::Relaxed) as u32
    }

    /// What other threads removed since the last call.
    pub fn take_removals(&self) -> Vec<Removal> {
        std::mem::take(&mut lock(&self.removals))
    }

    /// Cell segments of this thread, oldest first.
    pub fn segments(&self) -> Vec<SegmentId> {
        lock(&self.cells).clone()
    }
}

/// A segment in the table.
pub struct Slot {
    /// The memory.
    pub segment: Segment,
    owner: Arc<Owner>,
    space: Mutex<Space>,
}

impl Slot {
    /// True when `owner` writes this segment.
    pub fn is_of(&self, owner: &Arc<Owner>) -> bool {
        Arc::ptr_eq(&self.owner, owner)
    }

    fn is_half_full(&self) -> bool {
        let word = |at| self.segment.u32_at(at).load(Ordering::Relaxed) as usize;
        word(CELL_FLOOR_AT).saturating_sub(word(META_END_AT)) < self.segment.size() / 2
    }

    /// Tells the owner's JS to look again before its next write through a held handle, and what was removed.
    pub fn notify(&self, memory: &Memory, removal: Option<Removal>) {
        if let Some(removal) = removal {
            lock(&self.owner.removals).push(removal);
        }
        if let Some(first) = lock(&self.owner.cells).first().and_then(|id| memory.slot(*id)) {
            first.segment.i32_at(EPOCH_AT).fetch_add(1, Ordering::Release);
        }
    }

    /// Gives a place back; it was unlinked before. Owner thread, or anyone once the owner is gone.
    pub fn release(&self, memory: &Memory, place: Place, cells: u32) {
        lock(&self.space).release(&self.segment, memory.epochs.stamp(), place, cells);
    }
}

/// Finds segments for a reader that goes through many series: most lie in the segment of the one before.
pub struct Cursor<'a> {
    memory: &'a Memory,
    last: Option<(SegmentId, &'a Slot)>,
}

impl<'a> Cursor<'a> {
    /// A segment by id.
    pub fn slot(&mut self, id: SegmentId) -> Option<&'a Slot> {
        if let Some((last, slot)) = self.last
            && last == id
        {
            return Some(slot);
        }
        let slot = self.memory.slot(id)?;
        self.last = Some((id, slot));
        Some(slot)
    }
}

/// See the module.
pub struct Memory {
    provider: Box<dyn Provider>,
    slots: AppendVec<Slot>,
    grow: Mutex<()>,
    retired: Mutex<Vec<Arc<Owner>>>,
    epochs: Epochs,
    /// Segments made ahead by the collector, so that no registration waits for the kernel (M3): at most one per role.
    spares: Mutex<Vec<(Role, Segment)>>,
    wanted: Mutex<Vec<Role>>,
    low: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl Memory {
    /// An empty table over a provider.
    pub fn new(provider: Box<dyn Provider>) -> Memory {
        Memory {
            provider,
            slots: AppendVec::default(),
            grow: Mutex::new(()),
            retired: Mutex::new(Vec::new()),
            epochs: Epochs::default(),
            spares: Mutex::default(),
            wanted: Mutex::default(),
            low: OnceLock::new(),
        }
    }

    /// Has `wake` called when a thread's newest segment is half full; it makes the collector call
    /// [`Memory::prepare_spares`]. The first call counts.
    pub fn on_low(&self, wake: Box<dyn Fn() + Send + Sync>) {
        let _ = self.low.set(wake);
    }

    /// Makes the segments that were asked for. Runs on the collector.
    pub fn prepare_spares(&self) {
        let wanted = std::mem::take(&mut *lock(&self.wanted));
        for role in wanted {
            // A refusal is not counted here: the thread that needs the room asks again and counts it then.
            if let Ok(segment) = self.provider.create(KIND_CELLS, role.cells_size(), 0) {
                self.provider.prepare(&segment);
                lock(&self.spares).push((role, segment));
            }
        }
    }

    fn ask_for_spare(&self, role: Role) {
        let Some(low) = self.low.get().filter(|_| self.provider.may_prepare()) else {
            return;
        };
        if lock(&self.spares).iter().any(|(other, _)| *other == role) {
            return;
        }
        let mut wanted = lock(&self.wanted);
        if !wanted.contains(&role) {
            wanted.push(role);
            drop(wanted);
            low();
        }
    }

    fn take_spare(&self, owner: &Owner, size: usize) -> Option<Segment> {
        let mut spares = lock(&self.spares);
        let at = spares
            .iter()
            .position(|(role, segment)| *role == owner.role && segment.size() >= size)?;
        let (_, segment) = spares.swap_remove(at);
        segment.u32_at(THREAD_AT).store(owner.thread(), Ordering::Relaxed);
        Some(segment)
    }

    /// While the pin lives, what a reader found stays readable.
    pub fn pin(&self) -> Pin<'_> {
        self.epochs.pin()
    }

    /// The epochs that places wait for.
    pub fn epochs(&self) -> &Epochs {
        &self.epochs
    }

    /// A segment by id.
    pub fn slot(&self, id: SegmentId) -> Option<&Slot> {
        self.slots.get(id)
    }

    /// See [`Cursor`].
    pub fn cursor(&self) -> Cursor<'_> {
        Cursor {
            memory: self,
            last: None,
        }
    }

    /// All segments, oldest first.
    pub fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter()
    }

    /// Begins a thread: adopts a retired group of the same role, or makes a first segment.
    pub fn attach(&self, role: Role, thread: u32) -> Result<Arc<Owner>, MemoryError> {
        let adopted = {
            let mut retired = lock(&self.retired);
            retired
                .iter()
                .position(|owner| owner.role == role)
                .map(|at| retired.swap_remove(at))
        };
        if let Some(owner) = adopted {
            owner.thread.store(u64::from(thread), Ordering::Relaxed);
            for slot in owner.segments().iter().filter_map(|id| self.slot(*id)) {
                self.provider.adopt(&slot.segment, thread);
            }
            return Ok(owner);
        }
        let owner = Arc::new(Owner {
            role,
            thread: AtomicU64::new(u64::from(thread)),
            cells: Mutex::new(Vec::new()),
            removals: Mutex::new(Vec::new()),
        });
        self.grow(&owner, 0)?;
        Ok(owner)
    }

    /// Ends a thread; its values stay. Lent memory is copied before the runtime takes it back (M5). The caller masks the
    /// thread's gauges first (`metrics/registry.rs`).
    pub fn retire(&self, owner: &Arc<Owner>) {
        let lent = owner
            .segments()
            .into_iter()
            .filter_map(|id| self.slot(id))
            .filter(|s| matches!(s.segment.backing(), Backing::Lent));
        let mut copied = false;
        for slot in lent {
            slot.segment.replace();
            copied = true;
        }
        if copied {
            let stamp = self.epochs.stamp();
            while !self.epochs.is_past(stamp) {
                std::thread::yield_now();
            }
        }
        lock(&self.retired).push(Arc::clone(owner));
    }

    /// Adds a cell segment with room for at least `least` bytes behind its header.
    fn grow(&self, owner: &Arc<Owner>, least: usize) -> Result<SegmentId, MemoryError> {
        let size = owner
            .role
            .cells_size()
            .max((HEADER_SIZE + least).next_multiple_of(HEADER_SIZE));
        let segment = match self.take_spare(owner, size) {
            Some(segment) => segment,
            None => self.provider.create(KIND_CELLS, size, owner.thread())?,
        };
        let slot = Slot {
            segment,
            owner: Arc::clone(owner),
            space: Mutex::default(),
        };
        let _one = lock(&self.grow);
        if self.slots.len() >= MAX_SEGMENTS {
            return Err(MemoryError::TooMany);
        }
        // SAFETY: `grow` is held, so nobody else appends.
        let id = unsafe { self.slots.push(slot) };
        lock(&owner.cells).push(id);
        Ok(id)
    }

    /// Finds room for a series in the thread's segments, newest first, or in a new one. Owner thread.
    pub fn bind(
        &self,
        owner: &Arc<Owner>,
        descriptor: &[u8],
        record: &SeriesRecord<'_>,
    ) -> Result<(SegmentId, Place), MemoryError> {
        let ids = owner.segments();
        for id in ids.iter().rev() {
            if let Some(place) = self.bind_in(*id, descriptor, record) {
                if self.slot(*id).is_some_and(|slot| slot.is_half_full()) && ids.last() == Some(id) {
                    self.ask_for_spare(owner.role);
                }
                return Ok((*id, place));
            }
        }
        let least = descriptor.len() + record.block.len() + record.cells as usize * 8 + 64;
        let id = self.grow(owner, least)?;
        let place = self.bind_in(id, descriptor, record).ok_or(MemoryError::TooMany)?;
        Ok((id, place))
    }

    fn bind_in(&self, id: SegmentId, descriptor: &[u8], record: &SeriesRecord<'_>) -> Option<Place> {
        let slot = self.slot(id)?;
        let mut space = lock(&slot.space);
        let described = space.describe(&slot.segment, record.metric, descriptor);
        described
            .and_then(|()| space.bind(&slot.segment, &self.epochs, record))
            .map_err(|Full| ())
            .ok()
    }

    /// Gives the descriptions of a metric back, in all segments: it is gone and has no cells left.
    pub fn forget(&self, metric: u32) {
        self.slots()
            .for_each(|slot| lock(&slot.space).forget(&slot.segment, metric));
    }

    /// Bytes of all segments.
    pub fn bytes(&self) -> u64 {
        self.slots().map(|slot| slot.segment.size() as u64).sum()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn bind(memory: &Memory, owner: &Arc<Owner>, block: &[u8]) -> (SegmentId, Place) {
        memory
            .bind(
                owner,
                b"descriptor",
                &SeriesRecord {
                    metric: 1,
                    cells: 1,
                    block,
                },
            )
            .unwrap()
    }

    #[test]
    fn a_thread_that_ended_is_followed_by_one_that_goes_on_in_its_segments() {
        let memory = Memory::new(Box::new(AnonymousProvider));
        let first = memory.attach(Role::Worker, 1).unwrap();
        let (id, place) = bind(&memory, &first, b"a=\"1\"");
        memory
            .slot(id)
            .unwrap()
            .segment
            .cell(place.cell)
            .store(5.0_f64.to_bits(), Ordering::Relaxed);
        memory.retire(&first);
        let main = memory.attach(Role::Main, 0).unwrap();
        assert!(!Arc::ptr_eq(&main, &first), "another size is not adopted");
        let second = memory.attach(Role::Worker, 2).unwrap();
        assert!(Arc::ptr_eq(&second, &first));
        let segment = &memory.slot(id).unwrap().segment;
        assert_eq!(
            (
                segment.u32_at(THREAD_AT).load(Ordering::Relaxed),
                segment.u32_at(OWNERS_AT).load(Ordering::Relaxed)
            ),
            (2, 2)
        );
        assert_eq!(segment.cell(place.cell).load(Ordering::Relaxed), 5.0_f64.to_bits());
        assert_eq!(memory.slots().count(), 2);
    }

    #[test]
    fn more_room_is_another_segment_and_nothing_moves() {
        let memory = Memory::new(Box::new(AnonymousProvider));
        let owner = memory.attach(Role::Worker, 1).unwrap();
        let base = memory.slot(0).unwrap().segment.base();
        let places: Vec<_> = (0..10_000)
            .map(|n| bind(&memory, &owner, format!("a=\"{n}\"").as_bytes()))
            .collect();
        assert!(memory.slots().count() >= 2);
        assert_eq!(memory.slot(0).unwrap().segment.base(), base);
        let mut seen = std::collections::HashSet::new();
        assert!(
            places.iter().all(|(id, place)| seen.insert((*id, place.cell))),
            "no cell is given twice"
        );
    }
}
