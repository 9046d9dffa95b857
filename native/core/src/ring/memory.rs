//! A ring over a segment: where `layout.rs` says it lies. Any thread.
use super::intent::{self, Intent, Move};
use super::{DropReason, RingMemory, Word, position};
use crate::layout::*;
use crate::memory::segment::Segment;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

/// The ring of one segment. Keeps the segment.
pub struct SegmentRing {
    segment: Arc<Segment>,
    offset: u32,
    size: u32,
}

impl SegmentRing {
    /// Lays a ring of `size` bytes at the end of a fresh segment; what is before it stays metadata (intern entries).
    /// `None` when the segment is too small or the size is not one a ring may have.
    pub fn create(segment: Arc<Segment>, size: u32, id: u32) -> Option<SegmentRing> {
        let offset = segment
            .size()
            .checked_sub(size as usize)
            .filter(|&offset| offset >= META_AT)?;
        if !position::valid_size(size) || !offset.is_multiple_of(8) {
            return None;
        }
        segment.u32_at(RING_ID_AT).store(id, Ordering::Relaxed);
        segment.u32_at(RING_SIZE_AT).store(size, Ordering::Relaxed);
        segment.u32_at(RING_OFFSET_AT).store(offset as u32, Ordering::Release);
        Some(SegmentRing {
            segment,
            offset: offset as u32,
            size,
        })
    }

    /// The segment it lies in.
    pub fn segment(&self) -> &Arc<Segment> {
        &self.segment
    }

    /// Records lost so far for a reason.
    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.segment
            .u64_at(RING_DROPS_AT + 8 * reason as usize)
            .load(Ordering::Relaxed)
    }

    /// Lends bytes of the ring for as long as the caller knows that nobody writes them.
    ///
    /// # Safety
    /// The bytes lie in [released, head), and neither moves over them while the slice lives.
    pub(super) unsafe fn lend(&self, offset: u32, length: usize) -> &[u8] {
        let start = self.at(offset, length);
        // SAFETY: inside the segment, which is never unmapped; unchanged by the function's contract.
        unsafe { std::slice::from_raw_parts(start, length) }
    }

    fn at(&self, offset: u32, length: usize) -> *mut u8 {
        assert!(
            offset as usize + length <= self.size as usize,
            "{offset}+{length} of {}",
            self.size
        );
        // SAFETY: inside the ring (asserted), which `create` put inside the segment. Attacked by `tests/ring_rules.rs`.
        unsafe { self.segment.base().add(self.offset as usize + offset as usize) }
    }
}

impl RingMemory for SegmentRing {
    fn size(&self) -> u32 {
        self.size
    }

    fn word(&self, word: Word) -> &AtomicI32 {
        self.segment.i32_at(match word {
            Word::Head => RING_HEAD_AT,
            Word::Read => RING_READ_AT,
            Word::Released => RING_RELEASED_AT,
            Word::Park => RING_PARK_AT,
        })
    }

    fn read<R>(&self, offset: u32, length: u32, body: impl FnOnce(&[u8]) -> R) -> R {
        let start = self.at(offset, length as usize);
        // SAFETY: inside the segment, which is never unmapped. Nobody writes these bytes meanwhile: the trait's caller
        // reads only [released, head), the producer writes only outside of it. Attacked by `tests/loom_ring.rs`.
        body(unsafe { std::slice::from_raw_parts(start, length as usize) })
    }

    fn write(&self, offset: u32, bytes: &[u8]) {
        let start = self.at(offset, bytes.len());
        // SAFETY: inside the segment; the trait's caller is the only one who touches bytes outside of [released, head).
        // `copy`, not `copy_nonoverlapping`: a caller may pass bytes it read from this very ring.
        unsafe { std::ptr::copy(bytes.as_ptr(), start, bytes.len()) }
    }

    fn note_intent(&self, intent: Option<&Intent>) {
        intent::store(&self.segment, intent);
    }

    fn note_move(&self, moving: Option<&Move>) {
        intent::store_move(&self.segment, moving);
    }

    fn count(&self, reason: DropReason, records: u64) {
        self.segment
            .u64_at(RING_DROPS_AT + 8 * reason as usize)
            .fetch_add(records, Ordering::Relaxed);
    }
}
