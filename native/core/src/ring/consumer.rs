//! The consumer side: takes a batch under the lock, hands it to a sink in place without the lock, releases it under the
//! lock again once the sink has it. Runs on the collector.
use super::intent::Intent;
use super::position::{after, offset, used};
use super::record::Header;
use super::{DropReason, Ring, RingMemory, Side, Word};
use crate::layout::{RECORD_HEADER, RECORD_PAD};
use crate::loom::Ordering;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Where a batch will be written, noted in the segment before it is (W3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Target {
    /// Number of the sink, for recovery.
    pub sink: u32,
    /// Bytes the file has before.
    pub offset: u64,
    /// Bytes that go into it.
    pub length: u64,
    /// Device of the file.
    pub device: u64,
    /// Inode of the file, 0 = no file.
    pub inode: u64,
}

/// What a sink did with a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It has all of it: the records may be overwritten.
    Written,
    /// Not yet: the same batch comes again after a nap, without another `prepare`.
    Retry,
    /// Never: the records are dropped and counted.
    Refused,
}

/// Takes batches of whole records from one ring. Runs on the collector, so a sink that blocks holds up every ring's
/// drain (never a producer); one that may wait for a peer does so with a deadline and answers `Retry`.
pub trait Sink: Send {
    /// A new batch: encodes what will be written and says where. `records` is contiguous and holds no PAD.
    fn prepare(&mut self, records: &[u8]) -> Target;
    /// Writes what the last `prepare` made, or the rest of it after `Retry`.
    fn write(&mut self, records: &[u8]) -> Outcome;
}

impl Sink for Box<dyn Sink> {
    fn prepare(&mut self, records: &[u8]) -> Target {
        (**self).prepare(records)
    }

    fn write(&mut self, records: &[u8]) -> Outcome {
        (**self).write(records)
    }
}

/// What one drain did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Nothing to do.
    Idle,
    /// Batches were released.
    Moved,
    /// The sink asked to be called again.
    Waiting,
}

/// What the collector drains: one ring and its sink.
pub trait Drain: Send {
    /// Hands over at most one lap of the ring, so that other rings get their turn.
    fn drain(&mut self) -> Progress;
    /// See [`Ring::park`].
    fn park(&self, parked: bool) -> bool;
    /// True when it has to be called about once a second, also when there is nothing to drain.
    fn ticks(&self) -> bool {
        false
    }
}

/// The two places a batch can lie in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Ring,
    Overflow,
}

/// The batch a sink is writing: whole records, contiguous, which nobody writes over until it is released.
pub struct Flight<M> {
    pub(super) place: Place,
    memory: Arc<M>,
    from: i32,
    to: i32,
    records: u64,
}

impl<M> Flight<M> {
    /// Where it lies: the ring or its overflow.
    pub fn memory(&self) -> &Arc<M> {
        &self.memory
    }

    /// Position of its first record.
    pub fn from(&self) -> i32 {
        self.from
    }

    /// Position behind its last record.
    pub fn to(&self) -> i32 {
        self.to
    }
}

#[cfg(not(loom))]
impl Flight<super::memory::SegmentRing> {
    /// Its records.
    pub fn bytes(&self) -> &[u8] {
        let memory = &self.memory;
        let length = used(self.to, self.from) as usize;
        // SAFETY: `take_from` made sure that the run is inside the ring and contiguous; the segment is never unmapped, and nobody
        // writes [released, head) until `Ring::release`, which takes the flight. Attacked by `tests/ring_rules.rs`.
        unsafe { memory.lend(offset(self.from, memory.size()), length) }
    }
}

impl<M> Clone for Flight<M> {
    fn clone(&self) -> Self {
        let Flight {
            place,
            memory,
            from,
            to,
            records,
        } = self;
        Flight {
            place: *place,
            memory: Arc::clone(memory),
            from: *from,
            to: *to,
            records: *records,
        }
    }
}

/// Whole records from one position on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Run {
    /// Nothing there.
    Empty,
    /// Padding up to this position.
    Pad(i32),
    /// A length that makes no sense: nothing up to the head can be read.
    Bad,
    /// `records` records, contiguous, up to this position.
    Records { to: i32, records: u64, largest: u32 },
}

/// Looks at the lengths from `from` on, up to `limit` bytes but at least one record, not past PAD, `head` or the end.
pub(super) fn run<M: RingMemory>(memory: &M, from: i32, head: i32, limit: u32) -> Run {
    let size = memory.size();
    let start = offset(from, size);
    let available = used(head, from).min(size - start);
    if used(head, from) > size {
        return Run::Bad;
    }
    let (mut length, mut records, mut largest) = (0, 0, 0);
    while length < available {
        let mut bytes = [0; RECORD_HEADER];
        memory.read(start + length, RECORD_HEADER as u32, |header| {
            bytes.copy_from_slice(header)
        });
        match Header::parse(bytes, length as usize, (available - length) as usize) {
            Err(_) if records == 0 => return Run::Bad,
            Err(_) => break,
            Ok(header) if header.kind == RECORD_PAD && records == 0 => return Run::Pad(after(from, header.length)),
            Ok(header) if header.kind == RECORD_PAD => break,
            Ok(header) if records > 0 && length + header.length > limit => break,
            Ok(header) => {
                length += header.length;
                records += 1;
                largest = largest.max(header.length);
            }
        }
    }
    if records == 0 {
        Run::Empty
    } else {
        Run::Records {
            to: after(from, length),
            records,
            largest,
        }
    }
}

impl<M: RingMemory> Ring<M> {
    /// The batch to write next: the one in flight, else the oldest records, at most `limit` bytes of them (but at least one) and
    /// at most a quarter of their ring. One consumer per ring calls it.
    pub fn take(&self, limit: u32) -> Option<Flight<M>> {
        let mut side = self.lock();
        if side.flight.is_none() {
            let overflow = side
                .overflow
                .clone()
                .and_then(|overflow| take_from(&overflow, Place::Overflow, limit));
            side.flight = overflow.or_else(|| take_from(&self.memory, Place::Ring, limit));
        }
        side.flight.clone()
    }

    /// The sink is done with the batch: its bytes are the producer's again, then the intent is closed (W3).
    pub fn release(&self, flight: Flight<M>) {
        let mut side = self.lock();
        flight.memory.word(Word::Released).store(flight.to, Ordering::Release);
        flight.memory.note_intent(None);
        side.flight = None;
        side.releases += 1;
    }
}

/// Takes the oldest batch of one ring, under the lock. PAD and unreadable bytes are passed over on the way.
fn take_from<M: RingMemory>(memory: &Arc<M>, place: Place, limit: u32) -> Option<Flight<M>> {
    loop {
        let from = memory.word(Word::Read).load(Ordering::Relaxed);
        // Pairs with the producer's publish: the bytes of every record before `head` are visible.
        let head = memory.word(Word::Head).load(Ordering::Acquire);
        match run(&**memory, from, head, limit.min(memory.size() / 4)) {
            Run::Empty => return None,
            Run::Pad(to) => pass(&**memory, to),
            Run::Bad => {
                memory.count(DropReason::Corrupt, 1);
                pass(&**memory, head);
            }
            Run::Records { to, records, .. } => {
                memory.word(Word::Read).store(to, Ordering::Release);
                return Some(Flight {
                    place,
                    memory: Arc::clone(memory),
                    from,
                    to,
                    records,
                });
            }
        }
    }
}

/// Records of [from, to), as far as they can be read.
pub(super) fn records_between<M: RingMemory>(memory: &M, from: i32, to: i32) -> u64 {
    let (mut at, mut sum) = (from, 0);
    loop {
        at = match run(memory, at, to, u32::MAX) {
            Run::Records { to: next, records, .. } => {
                sum += records;
                next
            }
            Run::Pad(next) => next,
            Run::Empty | Run::Bad => return sum,
        };
    }
}

/// Moves both cursors; nothing is in flight in this ring.
pub(super) fn pass<M: RingMemory>(memory: &M, to: i32) {
    memory.word(Word::Read).store(to, Ordering::Release);
    memory.word(Word::Released).store(to, Ordering::Release);
}

impl<M> Side<M> {
    /// Whether the batch in flight lies in `place`.
    pub(super) fn flies_in(&self, place: Place) -> bool {
        self.flight.as_ref().is_some_and(|flight| flight.place == place)
    }
}

/// One ring and the sink its records go to. The only consumer of the ring.
pub struct Drainer<M, S> {
    ring: Arc<Ring<M>>,
    sink: S,
    /// The batch in flight was prepared.
    prepared: bool,
}

impl<M: RingMemory, S: Sink> Drainer<M, S> {
    /// There must be one drainer per ring.
    pub fn new(ring: Arc<Ring<M>>, sink: S) -> Drainer<M, S> {
        Drainer {
            ring,
            sink,
            prepared: false,
        }
    }

    /// Its sink.
    pub fn sink(&self) -> &S {
        &self.sink
    }

    /// Writes one batch. `None` when there is none.
    fn step(&mut self) -> Option<Outcome> {
        let flight = self.ring.take(u32::MAX)?;
        let length = used(flight.to, flight.from);
        let sink = AssertUnwindSafe((&mut self.sink, &mut self.prepared));
        let memory = AssertUnwindSafe(&flight);
        // A sink that panics has lost the batch it was given, not the ring.
        let outcome = catch_unwind(move || {
            let AssertUnwindSafe((sink, prepared)) = { sink };
            let AssertUnwindSafe(flight) = { memory };
            flight
                .memory
                .read(offset(flight.from, flight.memory.size()), length, |records| {
                    if !*prepared {
                        let Target {
                            sink: number,
                            offset,
                            length,
                            device,
                            inode,
                        } = sink.prepare(records);
                        let (from, to) = (flight.from, flight.to);
                        flight.memory.note_intent(Some(&Intent {
                            sink: number,
                            offset,
                            length,
                            from,
                            to,
                            device,
                            inode,
                        }));
                        *prepared = true;
                    }
                    sink.write(records)
                })
        })
        .unwrap_or(Outcome::Refused);
        if outcome != Outcome::Retry {
            if outcome == Outcome::Refused {
                self.ring.memory.count(DropReason::Sink, flight.records);
            }
            self.prepared = false;
            self.ring.release(flight);
        }
        Some(outcome)
    }
}

impl<M: RingMemory, S: Sink> Drain for Drainer<M, S> {
    fn drain(&mut self) -> Progress {
        let mut progress = Progress::Idle;
        // Batches are at most a quarter: with PAD and short runs, eight of them are about a lap.
        for _ in 0..8 {
            match self.step() {
                None => break,
                Some(Outcome::Retry) => return Progress::Waiting,
                Some(_) => progress = Progress::Moved,
            }
        }
        progress
    }

    fn park(&self, parked: bool) -> bool {
        self.ring.park(parked)
    }
}
