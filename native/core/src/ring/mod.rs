//! A byte ring with one producer and one consumer over a ring segment. The producer is a JS thread
//! (`src/binding/ring-writer.ts`) or [`producer::Producer`]; the consumer is the collector.
//!
//! ```text
//!            released            read                 head
//!   free        |   in flight     |   not yet taken     |   free, being written
//!  -------------+-----------------+---------------------+----------------------
//!        sink's cursor     collector's cursor     producer's position
//! ```
//!
//! `head` is stored by the producer without a lock. Everything else moves under the consumer lock ([`Ring::lock`]),
//! which is held for a copy or a store, never for I/O, encoding or allocation.

pub mod any;
pub mod consumer;
pub mod full;
pub mod fuzz;
pub mod intent;
#[cfg(not(loom))]
pub mod memory;
pub mod position;
pub mod producer;
pub mod record;
pub mod recover;
#[cfg(not(loom))]
pub mod rings;
pub mod slots;
pub mod spool;
pub mod value;

pub use fuzz::fuzz_ring;
pub use record::read_records;

use crate::loom::{AtomicI32, Mutex, MutexGuard, Ordering, fence};
use consumer::Flight;
use full::{Policy, Stall};
use intent::{Intent, Move};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock, PoisonError};

/// The words that two threads share, each on a line of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// Stored by the producer after the record's bytes (Release), read by the collector (Acquire).
    Head,
    /// Stored and read under the consumer lock.
    Read,
    /// Stored under the consumer lock (Release), read by the producer before it writes over released bytes (Acquire).
    Released,
    /// 1 while the collector sleeps. Ordered against `Head` by a full fence on both sides.
    Park,
}

/// Why records were lost; the label value of `kymo_ring_dropped_total{signal,reason}` and the place in the segment's counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum DropReason {
    /// `drop-newest`: no room.
    Newest = crate::layout::DROP_NEWEST,
    /// `drop-oldest`: made room.
    Oldest = 1,
    /// `block`: the budget of this stall is spent, the sink has not moved since.
    Stalled = 2,
    /// The consumer side was not free within the lock budget.
    Contended = 3,
    /// Longer than a ring record may be, and no overflow memory to take it.
    Oversized = 4,
    /// A nested call could not be kept: too many in one record.
    Nested = crate::layout::DROP_NESTED,
    /// A record whose building never ended (a `vm` time-out).
    Abandoned = crate::layout::DROP_ABANDONED,
    /// User code or the engine threw where it could not be caught by value.
    Failed = crate::layout::DROP_FAILED,
    /// A record's length made no sense.
    Corrupt = 8,
    /// The sink refused or panicked.
    Sink = 9,
    /// Not lost: cut to the longest possible record.
    Cut = crate::layout::DROP_CUT,
}

impl DropReason {
    /// Every reason, in the order of its place.
    pub const ALL: [DropReason; 11] = [
        DropReason::Newest,
        DropReason::Oldest,
        DropReason::Stalled,
        DropReason::Contended,
        DropReason::Oversized,
        DropReason::Nested,
        DropReason::Abandoned,
        DropReason::Failed,
        DropReason::Corrupt,
        DropReason::Sink,
        DropReason::Cut,
    ];

    /// The label value.
    pub fn word(self) -> &'static str {
        match self {
            DropReason::Newest => "newest",
            DropReason::Oldest => "oldest",
            DropReason::Stalled => "stalled",
            DropReason::Contended => "contended",
            DropReason::Oversized => "oversized",
            DropReason::Nested => "nested",
            DropReason::Abandoned => "abandoned",
            DropReason::Failed => "failed",
            DropReason::Corrupt => "corrupt",
            DropReason::Sink => "sink",
            DropReason::Cut => "cut",
        }
    }
}

/// Memory that a ring lies in: a segment, or a model's tracked memory.
///
/// An implementation trusts its caller with one rule: `write` only to bytes in `[head, released + size)` by the producer
/// or, for an overflow, under the consumer lock; `read` only of bytes in `[released, head)` by the consumer.
pub trait RingMemory: Send + Sync + 'static {
    /// Bytes of the ring, see [`position::valid_size`].
    fn size(&self) -> u32;
    /// One of the shared words.
    fn word(&self, word: Word) -> &AtomicI32;
    /// Lends `length` bytes at `offset`; they do not run past the end.
    fn read<R>(&self, offset: u32, length: u32, body: impl FnOnce(&[u8]) -> R) -> R;
    /// Copies `bytes` to `offset`; they do not run past the end.
    fn write(&self, offset: u32, bytes: &[u8]);
    /// Notes what is about to be written to a sink, or that it was.
    fn note_intent(&self, intent: Option<&Intent>);
    /// Notes that records are moving to the overflow, or that they did.
    fn note_move(&self, moving: Option<&Move>);
    /// Counts records lost.
    fn count(&self, reason: DropReason, records: u64);
}

/// A ring with its consumer side. Shared by the producer's thread and the collector.
pub struct Ring<M> {
    memory: Arc<M>,
    policy: Policy,
    /// Longest wait of `block` per stall, in us; of the policy, until somebody changes it.
    block_budget_us: std::sync::atomic::AtomicU64,
    side: Mutex<Side<M>>,
    /// Only the producer's thread looks at it.
    stall: std::sync::Mutex<Stall>,
    wake: OnceLock<Arc<dyn Fn() + Send + Sync>>,
    /// Sees the records that `drop-oldest` drops, under the consumer lock.
    on_loss: OnceLock<Arc<SeeLost>>,
    has_producer: AtomicBool,
}

/// Looks at records that are about to be lost. Called under the consumer lock: it counts, and nothing else.
pub type SeeLost = dyn Fn(&[u8]) + Send + Sync;

/// What the consumer lock guards beside the cursors.
pub struct Side<M> {
    /// The batch a sink is writing. At most one, in the ring or in the overflow.
    flight: Option<Flight<M>>,
    /// A second ring of the same kind; its records are younger than the flight and older than the ring's rest.
    overflow: Option<Arc<M>>,
    /// How many batches were released: the sink moves.
    releases: u64,
}

impl<M: RingMemory> Ring<M> {
    /// A ring over memory whose cursors are in order (zero in a fresh segment).
    pub fn new(memory: Arc<M>, policy: Policy) -> Ring<M> {
        assert!(
            position::valid_size(memory.size()),
            "a ring has a power of two in [64, 2^30] bytes"
        );
        Ring {
            memory,
            block_budget_us: (policy.block_budget.as_micros() as u64).into(),
            policy,
            side: Mutex::new(Side {
                flight: None,
                overflow: None,
                releases: 0,
            }),
            stall: std::sync::Mutex::new(Stall::default()),
            wake: OnceLock::new(),
            on_loss: OnceLock::new(),
            has_producer: AtomicBool::new(false),
        }
    }

    /// The memory it lies in.
    pub fn memory(&self) -> &Arc<M> {
        &self.memory
    }

    /// Gives it room for records that do not fit; allocated and pre-faulted by the collector. The first one stays.
    pub fn set_overflow(&self, overflow: Arc<M>) {
        assert!(position::valid_size(overflow.size()), "an overflow is a ring too");
        self.lock().overflow.get_or_insert(overflow);
    }

    /// True once [`Ring::set_overflow`] was called.
    pub fn has_overflow(&self) -> bool {
        self.lock().overflow.is_some()
    }

    /// What wakes the collector. The first one stays.
    pub fn on_wake(&self, wake: Arc<dyn Fn() + Send + Sync>) {
        let _ = self.wake.set(wake);
    }

    /// Who sees the records that `drop-oldest` drops. The first one stays.
    pub fn on_loss(&self, seen: Arc<SeeLost>) {
        let _ = self.on_loss.set(seen);
    }

    /// Wakes the collector: a full ring, or a publish that saw it parked. Cost: a lock and a condvar.
    pub fn wake(&self) {
        if let Some(wake) = self.wake.get() {
            wake();
        }
    }

    /// Says that the collector is about to sleep (or woke up) and returns true when it may: nothing is pending. The fence
    /// pairs with the one between publish and the look at `Park` in the producer (in JS both are sequentially consistent).
    pub fn park(&self, parked: bool) -> bool {
        self.memory.word(Word::Park).store(i32::from(parked), Ordering::Relaxed);
        fence(Ordering::SeqCst);
        !parked || !self.pending()
    }

    /// True when there are records that no sink has taken, or one still in flight.
    pub fn pending(&self) -> bool {
        let side = self.lock();
        side.flight.is_some() || self.waiting(&side)
    }

    /// True when there are records that no sink has taken, beside those in flight.
    pub fn has_more(&self) -> bool {
        self.waiting(&self.lock())
    }

    fn waiting(&self, side: &Side<M>) -> bool {
        let waits = |memory: &M| {
            memory.word(Word::Head).load(Ordering::Acquire) != memory.word(Word::Read).load(Ordering::Relaxed)
        };
        side.overflow.as_deref().is_some_and(waits) || waits(&self.memory)
    }

    /// Bytes of ring and overflow that are not released, padding included.
    pub fn unreleased_bytes(&self) -> u64 {
        let side = self.lock();
        let bytes = |memory: &M| {
            let [head, released] = [Word::Head, Word::Released].map(|word| memory.word(word).load(Ordering::Acquire));
            u64::from(position::used(head, released))
        };
        bytes(&self.memory) + side.overflow.as_deref().map_or(0, bytes)
    }

    /// Records of ring and overflow that are not released. O(records); for the end.
    pub fn unreleased_records(&self) -> u64 {
        let side = self.lock();
        let count = |memory: &M| {
            let [head, released] = [Word::Head, Word::Released].map(|word| memory.word(word).load(Ordering::Acquire));
            consumer::records_between(memory, released, head)
        };
        count(&self.memory) + side.overflow.as_deref().map_or(0, count)
    }

    /// The overflow's memory, once there is one.
    pub fn overflow(&self) -> Option<Arc<M>> {
        self.lock().overflow.clone()
    }

    /// Changes the longest wait of `block` per stall.
    pub fn set_block_budget(&self, budget: std::time::Duration) {
        let budget_us = budget.as_micros().min(u128::from(u64::MAX)) as u64;
        self.block_budget_us
            .store(budget_us, std::sync::atomic::Ordering::Relaxed);
    }

    /// Runs `body` while no record is taken, moved or released. A batch may still be in flight: the answer says so.
    pub fn while_still<R>(&self, body: impl FnOnce(bool) -> R) -> R {
        let side = self.lock();
        body(side.flight.is_some())
    }

    fn lock(&self) -> MutexGuard<'_, Side<M>> {
        self.side.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
