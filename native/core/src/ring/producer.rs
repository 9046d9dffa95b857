//! The producer in Rust: the same protocol as `src/binding/ring-writer.ts`, for markers that recovery writes, for tests
//! and for the loom models. One per ring, on any one thread.
use super::full::{OnFull, Room};
use super::position::{after, aligned, max_record, offset, place};
use super::record::Header;
use super::{DropReason, Ring, RingMemory, Word};
use crate::layout::RECORD_HEADER;
use crate::loom::{Ordering, fence};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// Writes records. Made by [`Ring::producer`].
pub struct Producer<M> {
    ring: Arc<Ring<M>>,
    /// The last reading of `Released`; never ahead of it.
    seen: i32,
}

impl<M: RingMemory> Ring<M> {
    /// The ring's producer, once. A ring that JS writes must not have one.
    pub fn producer(self: &Arc<Self>) -> Option<Producer<M>> {
        let seen = self.memory.word(Word::Released).load(Ordering::Acquire);
        (!self.has_producer.swap(true, Relaxed)).then(|| Producer {
            ring: Arc::clone(self),
            seen,
        })
    }
}

impl<M: RingMemory> Producer<M> {
    /// Writes one record of `body` (values, see `value.rs`). False when it was dropped, which is counted.
    /// Cost: a copy and one store; when the ring is full what [`Ring::make_room`] costs.
    pub fn push(&mut self, kind: u16, body: &[u8]) -> bool {
        let length = aligned(u32::try_from(body.len() + RECORD_HEADER).unwrap_or(u32::MAX));
        let header = Header::for_body(kind, u32::try_from(body.len()).unwrap_or(u32::MAX), false).to_bytes();
        if length <= max_record(self.ring.memory.size()) {
            return self
                .publish(length, &[&header, body], self.ring.policy.on_full)
                .is_none();
        }
        let mut record = [&header, body].concat();
        record.resize(length as usize, 0);
        self.ring.append_oversized(&record) == Room::Made
    }

    /// As [`Producer::push`], for a whole record with its header, whose length is what the header says.
    pub fn push_record(&mut self, record: &[u8]) -> bool {
        self.push_record_as(record, self.ring.policy.on_full).is_none()
    }

    /// As [`Producer::push_record`] for a record that has a policy of its own; tells why it is dropped.
    pub fn push_record_as(&mut self, record: &[u8], on_full: OnFull) -> Option<DropReason> {
        if record.len() > max_record(self.ring.memory.size()) as usize {
            return self.ring.oversized_or_reason(record, on_full);
        }
        self.publish(record.len() as u32, &[record], on_full)
    }

    fn publish(&mut self, length: u32, pieces: &[&[u8]], on_full: OnFull) -> Option<DropReason> {
        let (mut head, padding) = match self.place(length, on_full) {
            Ok(place) => place,
            Err(reason) => return Some(reason),
        };
        let memory = &self.ring.memory;
        let size = memory.size();
        if padding > 0 {
            memory.write(offset(head, size), &Header::padding(padding).to_bytes());
            head = after(head, padding);
        }
        let mut at = offset(head, size);
        for piece in pieces {
            memory.write(at, piece);
            at += piece.len() as u32;
        }
        memory.word(Word::Head).store(after(head, length), Ordering::Release);
        // Pairs with the fence in `Ring::park`: either we see it parked, or it sees our head.
        fence(Ordering::SeqCst);
        if memory.word(Word::Park).load(Ordering::Relaxed) != 0 {
            self.ring.wake();
        }
        None
    }

    /// The head and the padding before a record of `length` bytes, or why it was dropped.
    fn place(&mut self, length: u32, on_full: OnFull) -> Result<(i32, u32), DropReason> {
        let memory = &self.ring.memory;
        let size = memory.size();
        loop {
            let head = memory.word(Word::Head).load(Ordering::Relaxed);
            if let Some(padding) = place(head, self.seen, length, size) {
                return Ok((head, padding));
            }
            // Acquire: the sink's reads of these bytes happened before we write over them.
            let released = memory.word(Word::Released).load(Ordering::Acquire);
            if released != self.seen {
                self.seen = released;
            } else if let Some(reason) = self.ring.room_or_reason(length, on_full) {
                return Err(reason);
            }
        }
    }
}
