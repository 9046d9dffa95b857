//! The producer in Rust: the same protocol as `src/binding/ring-writer.ts`, for markers that recovery writes, for tests
//! and for the loom models. One per ring, on any one thread.
use super::full::Room;
use super::position::{aligned, max_record, offset, place};
use super::record::Header;
use super::{Ring, RingMemory, Word};
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
        let memory = &self.ring.memory;
        let size = memory.size();
        let length = aligned(u32::try_from(body.len() + RECORD_HEADER).unwrap_or(u32::MAX));
        if length > max_record(size) {
            let header = Header::for_body(kind, body.len() as u32, false);
            let mut record = header.to_bytes().to_vec();
            record.extend_from_slice(body);
            record.resize(length as usize, 0);
            return self.ring.append_oversized(&record) == Room::Made;
        }
        let mut head = memory.word(Word::Head).load(Ordering::Relaxed);
        let padding = loop {
            if let Some(padding) = place(head, self.seen, length, size) {
                break padding;
            }
            // Acquire: the sink's reads of these bytes happened before we write over them.
            self.seen = memory.word(Word::Released).load(Ordering::Acquire);
            if place(head, self.seen, length, size).is_some() {
                continue;
            }
            if self.ring.make_room(length) == Room::Dropped {
                return false;
            }
            head = memory.word(Word::Head).load(Ordering::Relaxed);
            self.seen = memory.word(Word::Released).load(Ordering::Acquire);
        };
        if padding > 0 {
            memory.write(offset(head, size), &Header::padding(padding).to_bytes());
            head = head.wrapping_add(padding as i32);
        }
        let at = offset(head, size);
        memory.write(at, &Header::for_body(kind, body.len() as u32, false).to_bytes());
        memory.write(at + RECORD_HEADER as u32, body);
        memory
            .word(Word::Head)
            .store(head.wrapping_add(length as i32), Ordering::Release);
        // Pairs with the fence in `Ring::park`: either we see it parked, or it sees our head.
        fence(Ordering::SeqCst);
        if memory.word(Word::Park).load(Ordering::Relaxed) != 0 {
            self.ring.wake();
        }
        true
    }
}
