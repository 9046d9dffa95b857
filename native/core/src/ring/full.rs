//! W4, the full ring: what the one native call does on the producer's own thread when a record does not fit.
//!
//! The records of one ring lie in up to three places. In logical order, oldest first:
//!
//! 1. the **flight**, the batch a sink is writing, in place, in the overflow or at the front of the ring;
//! 2. the **overflow**, a second ring of the same kind, first in first out;
//! 3. the **rest** of the ring, from `read` to `head`.
//!
//! The collector takes from the overflow first, then from the ring, so moving records from the front of the rest to the
//! back of the overflow never changes the order. There are two ways the rest gives room:
//!
//! - No flight in the ring: its front half moves (or is dropped) and the *tail* follows: `read` and `released` are
//!   stored by us, which is safe because the lock keeps the collector from taking and no sink holds bytes of the ring.
//! - A flight at the front of the ring, perhaps in a `write(2)` that blocks for a minute: the tail cannot move. But we
//!   *are* the producer, so nobody else stores `head`, and under the lock nobody takes: the whole rest moves to the
//!   overflow and `head` is *rewound* to the flight's end. The collector never sees it go back, since it reads `head`
//!   only under the lock and has taken nothing behind the flight. The bytes above the old head, where the caller
//!   has a half-built record, are not touched; the caller moves them to the new head.
//!
//! A flight is at most a quarter of its ring and a record in place at most another quarter, so after either way the
//! record fits, padding included. A SIGKILL between the overflow's new head and the ring's new cursor would show
//! records twice: a move marker in the segment, stored before and cleared after, tells recovery.
//!
//! The lock is waited for at most the lock budget, and covers memory copies of at most one ring and stores: the
//! collector holds it equally briefly, never during I/O. When there is no room because the overflow is missing or full
//! too, the policy decides, and whatever is lost is counted by reason:
//!
//! - `drop-newest`: the caller's record.
//! - `drop-oldest`: the oldest records that nobody is writing make room: the overflow's, then the rest's.
//! - `block`: waits for the sink, at most the block budget per *stall*. Once it is spent the caller's records are
//!   dropped without waiting, until the sink releases a batch, which ends the stall.
use super::consumer::{Place, Run, pass, run};
use super::intent::Move;
use super::position::{offset, place, used};
use super::record::Header;
use super::{DropReason, Ring, RingMemory, Side, Word};
use crate::loom::{MutexGuard, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// What happens to a record when there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFull {
    /// Wait for the sink, within a budget.
    Block,
    /// Drop the oldest records.
    DropOldest,
    /// Drop the record.
    DropNewest,
}

/// How a ring behaves when it is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// What happens to a record when there is no room.
    pub on_full: OnFull,
    /// Longest wait for the consumer lock in one call.
    pub lock_budget: Duration,
    /// Longest wait of [`OnFull::Block`] per stall, over all calls.
    pub block_budget: Duration,
}

impl Policy {
    /// The default budgets: 5 ms for the lock, 100 ms per stall.
    pub fn new(on_full: OnFull) -> Policy {
        Policy {
            on_full,
            lock_budget: Duration::from_millis(5),
            block_budget: Duration::from_millis(100),
        }
    }
}

/// Answer of the native call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// The record fits now; the caller reads `head` and `released` again, both may have moved.
    Made,
    /// The record is lost and counted.
    Dropped,
}

/// The stall that `block` is in.
#[derive(Default)]
pub struct Stall {
    spent: Duration,
    /// `Side::releases` when it began.
    releases: u64,
}

/// How long `block` sleeps before it looks again. The sink's release has no way to signal a JS thread cheaper.
const LOOK_AGAIN: Duration = Duration::from_micros(200);
/// Bytes copied at once when records move.
const CHUNK: u32 = 64 << 10;

impl<M: RingMemory> Ring<M> {
    /// Makes room for a record of `length` bytes (multiple of 8, at most a quarter of the ring). Producer's thread only.
    /// Cost: microseconds for a move; up to the lock budget, with `block` up to the block budget.
    pub fn make_room(&self, length: u32) -> Room {
        self.room_or_reason(length, self.policy.on_full)
            .map_or(Room::Made, |_| Room::Dropped)
    }

    /// As [`Ring::make_room`] for a record that has a policy of its own; tells why it is dropped.
    pub fn room_or_reason(&self, length: u32, on_full: OnFull) -> Option<DropReason> {
        self.within_policy(on_full, |side| self.clear_for(side, length, on_full))
    }

    /// Appends a record of any length up to half of the overflow, header included, behind everything that is in the ring.
    /// Producer's thread only. Dropped as `oversized` when there is no overflow or it is too small for it.
    pub fn append_oversized(&self, record: &[u8]) -> Room {
        self.oversized_or_reason(record, self.policy.on_full)
            .map_or(Room::Made, |_| Room::Dropped)
    }

    /// As [`Ring::append_oversized`] for a record that has a policy of its own; tells why it is dropped.
    pub fn oversized_or_reason(&self, record: &[u8], on_full: OnFull) -> Option<DropReason> {
        let fits = |overflow: &Arc<M>| record.len() <= overflow.size() as usize / 2;
        if !self
            .lock_within(self.policy.lock_budget)
            .is_some_and(|side| side.overflow.as_ref().is_some_and(fits))
        {
            self.memory.count(DropReason::Oversized, 1);
            return Some(DropReason::Oversized);
        }
        let lost = self.within_policy(on_full, |side| self.empty_into_overflow(side, record, on_full));
        if lost.is_none() {
            // Nothing was published in the ring, so the producer's own look at `Park` does not happen.
            self.wake();
        }
        lost
    }

    /// Repeats `attempt` under the lock for as long as the policy allows. Why the record is lost, `None` when it is not.
    fn within_policy(&self, on_full: OnFull, mut attempt: impl FnMut(&mut Side<M>) -> bool) -> Option<DropReason> {
        loop {
            let began = Instant::now();
            let reason = match self.lock_within(self.policy.lock_budget) {
                None => DropReason::Contended,
                Some(mut side) => {
                    if attempt(&mut side) {
                        return None;
                    }
                    let mut stall = self.stall.lock().unwrap_or_else(PoisonError::into_inner);
                    if stall.releases != side.releases {
                        *stall = Stall {
                            spent: Duration::ZERO,
                            releases: side.releases,
                        };
                    }
                    match on_full {
                        OnFull::Block => DropReason::Stalled,
                        OnFull::DropOldest | OnFull::DropNewest => DropReason::Newest,
                    }
                }
            };
            self.wake();
            if on_full != OnFull::Block || !self.wait(began) {
                self.memory.count(reason, 1);
                return Some(reason);
            }
        }
    }

    /// Sleeps a little out of the block budget. False when it is spent.
    fn wait(&self, began: Instant) -> bool {
        let mut stall = self.stall.lock().unwrap_or_else(PoisonError::into_inner);
        let budget_us = self.block_budget_us.load(std::sync::atomic::Ordering::Relaxed);
        if stall.spent >= Duration::from_micros(budget_us) {
            return false;
        }
        std::thread::sleep(LOOK_AGAIN);
        stall.spent += began.elapsed();
        true
    }

    /// The consumer lock, if it is free within `budget`. A model has no clock and waits.
    #[cfg(loom)]
    fn lock_within(&self, _: Duration) -> Option<MutexGuard<'_, Side<M>>> {
        Some(self.lock())
    }

    /// The consumer lock, if it is free within `budget`.
    #[cfg(not(loom))]
    fn lock_within(&self, budget: Duration) -> Option<MutexGuard<'_, Side<M>>> {
        use std::sync::TryLockError;
        let mut deadline = None;
        loop {
            match self.side.try_lock() {
                Ok(side) => return Some(side),
                Err(TryLockError::Poisoned(side)) => return Some(side.into_inner()),
                Err(TryLockError::WouldBlock) => {}
            }
            let now = Instant::now();
            if now >= *deadline.get_or_insert(now + budget) {
                return None;
            }
            std::thread::yield_now();
        }
    }

    /// Makes the ring have room for `length` bytes, or says that it cannot.
    fn clear_for(&self, side: &mut Side<M>, length: u32, on_full: OnFull) -> bool {
        let ring = &*self.memory;
        let head = ring.word(Word::Head).load(Ordering::Relaxed);
        let fits = |head| {
            place(
                head,
                ring.word(Word::Released).load(Ordering::Relaxed),
                length,
                ring.size(),
            )
            .is_some()
        };
        if fits(head) {
            return true;
        }
        let read = ring.word(Word::Read).load(Ordering::Relaxed);
        if side.flies_in(Place::Ring) {
            return self.relocate(side, read, head, None, on_full, |_| {
                ring.word(Word::Head).store(read, Ordering::Release)
            }) && fits(read);
        }
        // Half of the ring at once, so that a stalled sink costs one call per half ring, not per record; if the overflow
        // has no room for that much, what the record needs (twice its length, since padding is less than it). Who drops the
        // newest does so cheaply: a producer faster than its sink would come here for every record.
        let little = (on_full != OnFull::DropNewest).then_some(2 * length);
        let attempts = [Some(ring.size() / 2), little];
        attempts.into_iter().flatten().any(|bytes| {
            let to = position_after(ring, read, head, bytes);
            self.relocate(side, read, to, None, on_full, |to| pass(ring, to)) && fits(head)
        })
    }

    /// Moves everything behind the flight to the overflow, then `record`.
    fn empty_into_overflow(&self, side: &mut Side<M>, record: &[u8], on_full: OnFull) -> bool {
        let ring = &*self.memory;
        let head = ring.word(Word::Head).load(Ordering::Relaxed);
        let read = ring.word(Word::Read).load(Ordering::Relaxed);
        if side.flies_in(Place::Ring) {
            return self.relocate(side, read, head, Some(record), on_full, |_| {
                ring.word(Word::Head).store(read, Ordering::Release)
            });
        }
        self.relocate(side, read, head, Some(record), on_full, |to| pass(ring, to))
    }

    /// Moves the ring's records in [from, to) to the overflow, then appends `extra`; `settle` takes them out of the ring.
    /// All or nothing, but that `drop-oldest` drops records for it: first the overflow's, then the oldest of these.
    fn relocate(
        &self,
        side: &Side<M>,
        from: i32,
        to: i32,
        extra: Option<&[u8]>,
        on_full: OnFull,
        settle: impl FnOnce(i32),
    ) -> bool {
        let ring = &*self.memory;
        let may_drop = on_full == OnFull::DropOldest;
        let extra_length = extra.map_or(0, <[u8]>::len) as u32;
        let Some(overflow) = side.overflow.as_deref() else {
            if may_drop && extra.is_none() {
                self.lose_oldest(ring, from, to);
                settle(to);
            }
            return may_drop && extra.is_none();
        };
        let flying = side.flies_in(Place::Overflow);
        if flying && extra.is_some() && place_in(overflow, extra_length).is_none() {
            return false;
        }
        let largest = largest_in(ring, from, to).max(extra_length);
        let mut start = from;
        loop {
            if !flying {
                begin_anew_if_empty(overflow);
            }
            if has_room(overflow, used(to, start), extra_length, largest) {
                break;
            }
            if !may_drop {
                return false;
            }
            if flying || !self.drop_run(overflow) {
                // The overflow has nothing to give: the oldest records are these.
                start = match run(ring, start, to, CHUNK.min(ring.size() / 4)) {
                    Run::Records { to: next, .. } => {
                        self.lose_oldest(ring, start, next);
                        next
                    }
                    Run::Pad(next) => next,
                    Run::Bad | Run::Empty => to,
                };
            }
        }
        let mut append = Append {
            overflow,
            head: overflow.word(Word::Head).load(Ordering::Relaxed),
        };
        while start != to {
            start = match run(ring, start, to, CHUNK) {
                Run::Empty => to,
                Run::Pad(next) => next,
                Run::Bad => {
                    ring.count(DropReason::Corrupt, 1);
                    to
                }
                Run::Records { to: next, .. } if append.contiguous(used(next, start)) => {
                    append.copy(ring, start, next);
                    next
                }
                Run::Records { .. } => match run(ring, start, to, 1) {
                    Run::Records { to: next, .. } => {
                        append.copy(ring, start, next);
                        next
                    }
                    _ => to,
                },
            };
        }
        if let Some(record) = extra {
            append.pad_for(extra_length);
            overflow.write(offset(append.head, overflow.size()), record);
            append.head = append.head.wrapping_add(extra_length as i32);
        }
        ring.note_move(Some(&Move {
            from,
            to,
            overflow_head: append.head,
        }));
        overflow.word(Word::Head).store(append.head, Ordering::Release);
        settle(to);
        ring.note_move(None);
        true
    }

    /// Drops the overflow's oldest records, a chunk at most. False when there are none. Nothing is in flight there.
    fn drop_run(&self, overflow: &M) -> bool {
        let read = overflow.word(Word::Read).load(Ordering::Relaxed);
        let head = overflow.word(Word::Head).load(Ordering::Relaxed);
        match run(overflow, read, head, CHUNK.min(overflow.size() / 4)) {
            Run::Empty => return false,
            Run::Pad(to) => pass(overflow, to),
            Run::Bad => pass(overflow, head),
            Run::Records { to, .. } => {
                self.lose_oldest(overflow, read, to);
                pass(overflow, to);
            }
        }
        true
    }

    /// Counts the records of [from, to), which make room, and shows them to whoever counts them in another way as well.
    fn lose_oldest(&self, place: &M, from: i32, to: i32) {
        let mut at = from;
        loop {
            at = match run(place, at, to, u32::MAX) {
                Run::Records { to: next, records, .. } => {
                    self.memory.count(DropReason::Oldest, records);
                    if let Some(seen) = self.on_loss.get() {
                        place.read(offset(at, place.size()), used(next, at), |records| seen(records));
                    }
                    next
                }
                Run::Pad(next) => next,
                Run::Empty | Run::Bad => return,
            };
        }
    }
}

/// The padding before a record of `length` bytes behind the head, `None` when it does not fit.
fn place_in<M: RingMemory>(memory: &M, length: u32) -> Option<u32> {
    let [head, released] = [Word::Head, Word::Released].map(|word| memory.word(word).load(Ordering::Relaxed));
    place(head, released, length, memory.size())
}

/// Whether `rest` bytes of records and one of `extra` bytes fit behind the head. Exact when they need no wrap; else padding
/// is taken as the largest record, which it is always less than.
fn has_room<M: RingMemory>(memory: &M, rest: u32, extra: u32, largest: u32) -> bool {
    let total = rest.saturating_add(extra);
    let [head, released] = [Word::Head, Word::Released].map(|word| memory.word(word).load(Ordering::Relaxed));
    let padded = u64::from(used(head, released)) + u64::from(total) + u64::from(largest);
    match place_in(memory, total) {
        Some(0) => true,
        fits => {
            if rest == 0 {
                fits.is_some()
            } else {
                padded <= u64::from(memory.size())
            }
        }
    }
}

/// Pads an empty overflow out to its end, so that the next record begins at its start and no room is lost to a wrap. At
/// every step the cursors are ones that recovery can read.
fn begin_anew_if_empty<M: RingMemory>(overflow: &M) {
    let size = overflow.size();
    let head = overflow.word(Word::Head).load(Ordering::Relaxed);
    let at = offset(head, size);
    if at != 0 && head == overflow.word(Word::Released).load(Ordering::Relaxed) {
        overflow.write(at, &Header::padding(size - at).to_bytes());
        let start = head.wrapping_add((size - at) as i32);
        overflow.word(Word::Head).store(start, Ordering::Release);
        pass(overflow, start);
    }
}

/// The first record border at least `bytes` behind `from`, or `head`.
fn position_after<M: RingMemory>(memory: &M, from: i32, head: i32, bytes: u32) -> i32 {
    let mut at = from;
    while used(at, from) < bytes {
        at = match run(memory, at, head, bytes - used(at, from)) {
            Run::Records { to, .. } | Run::Pad(to) => to,
            Run::Empty | Run::Bad => return head,
        };
    }
    at
}

fn largest_in<M: RingMemory>(memory: &M, from: i32, to: i32) -> u32 {
    let (mut at, mut result) = (from, 0);
    loop {
        at = match run(memory, at, to, u32::MAX) {
            Run::Records { to: next, largest, .. } => {
                result = largest.max(result);
                next
            }
            Run::Pad(next) => next,
            Run::Empty | Run::Bad => return result,
        };
    }
}

/// Writes behind the overflow's head; the caller made sure that there is room.
struct Append<'a, M> {
    overflow: &'a M,
    head: i32,
}

impl<M: RingMemory> Append<'_, M> {
    fn contiguous(&self, length: u32) -> bool {
        length <= self.overflow.size() - offset(self.head, self.overflow.size())
    }

    fn pad_for(&mut self, length: u32) {
        if !self.contiguous(length) {
            let size = self.overflow.size();
            let rest = size - offset(self.head, size);
            self.overflow
                .write(offset(self.head, size), &Header::padding(rest).to_bytes());
            self.head = self.head.wrapping_add(rest as i32);
        }
    }

    fn copy(&mut self, ring: &M, from: i32, to: i32) {
        let length = used(to, from);
        self.pad_for(length);
        let at = offset(self.head, self.overflow.size());
        ring.read(offset(from, ring.size()), length, |records| {
            self.overflow.write(at, records)
        });
        self.head = self.head.wrapping_add(length as i32);
    }
}
