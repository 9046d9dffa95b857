//! One segment: a mapped piece of memory that one thread writes and all threads read. Any thread; see `layout.rs`.

use super::MemoryError;
use crate::layout::*;
use std::fs::File;
use std::path::PathBuf;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicU32, AtomicU64, Ordering};

/// What holds the bytes.
pub enum Backing {
    /// Anonymous pages: gone with the process.
    Anonymous,
    /// A file on a memory file system; the open file carries the lock that says its owner is alive.
    File {
        /// Where it lies.
        path: PathBuf,
        /// Locked for as long as this value lives.
        file: File,
    },
    /// Memory of the JS runtime, lent to us until its thread ends (M5).
    Lent,
}

/// See the module. Never unmapped while the process lives, but for `Lent` memory, which is replaced by a copy.
pub struct Segment {
    base: AtomicPtr<u8>,
    size: usize,
    kind: u32,
    backing: Backing,
}

/// The metadata area or the cells of a segment have no room left.
#[derive(Debug, PartialEq, Eq)]
pub struct Full;

impl Segment {
    /// Zeroed anonymous pages with a size and a kind in the header and nothing else. `size` is rounded up to a page.
    pub fn anonymous(kind: u32, size: usize) -> Result<Segment, MemoryError> {
        let size = size.next_multiple_of(HEADER_SIZE);
        // SAFETY: a fresh private mapping at an address of the kernel's choice; checked below.
        let base = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                size,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANON,
                -1,
                0,
            )
        };
        match NonNull::new(base.cast::<u8>()) {
            Some(base) if base.as_ptr().cast::<libc::c_void>() != libc::MAP_FAILED => {
                let segment = Segment::from_mapping(base, size, kind, Backing::Anonymous);
                segment.prepare();
                Ok(segment)
            }
            _ => Err(MemoryError::io("mmap")),
        }
    }

    /// Takes a mapping that stays valid for the rest of the process (or until [`Segment::replace`]), zeroed or already
    /// carrying a header.
    pub fn from_mapping(base: NonNull<u8>, size: usize, kind: u32, backing: Backing) -> Segment {
        assert!(
            size >= HEADER_SIZE && base.as_ptr().addr().is_multiple_of(8),
            "a segment is an aligned page or more"
        );
        Segment {
            base: AtomicPtr::new(base.as_ptr()),
            size,
            kind,
            backing,
        }
    }

    /// Writes kind, size and the bounds of the free space into a zeroed header.
    pub fn prepare(&self) {
        self.u32_at(KIND_AT).store(self.kind, Ordering::Relaxed);
        self.u64_at(SIZE_AT).store(self.size as u64, Ordering::Relaxed);
        self.u32_at(META_END_AT).store(META_AT as u32, Ordering::Relaxed);
        self.u32_at(CELL_FLOOR_AT).store(self.size as u32, Ordering::Relaxed);
        self.u32_at(VERSION_AT).store(VERSION, Ordering::Relaxed);
    }

    /// First byte.
    pub fn base(&self) -> *mut u8 {
        self.base.load(Ordering::Acquire)
    }

    /// Bytes in all, header included.
    pub fn size(&self) -> usize {
        self.size
    }

    /// One of the `KIND_*`.
    pub fn kind(&self) -> u32 {
        self.kind
    }

    /// What holds the bytes.
    pub fn backing(&self) -> &Backing {
        &self.backing
    }

    /// Moves lent memory into a copy of our own before its lender takes it back. The caller makes sure that the owner
    /// thread writes no more, and waits until readers that began before are gone (see `epoch.rs`).
    pub fn replace(&self) {
        let copy = vec![0_u64; self.size / 8].leak();
        // SAFETY: both are `size` bytes long; the copy is fresh.
        unsafe { std::ptr::copy_nonoverlapping(self.base(), copy.as_mut_ptr().cast(), self.size) };
        self.base.store(copy.as_mut_ptr().cast(), Ordering::Release);
    }

    fn at<T>(&self, offset: usize) -> *mut T {
        assert!(
            offset.is_multiple_of(size_of::<T>()) && offset + size_of::<T>() <= self.size,
            "offset {offset} of {}",
            self.size
        );
        // SAFETY: inside the mapping, checked above.
        unsafe { self.base().add(offset).cast() }
    }

    /// A word of the segment. Panics when `offset` is not inside or not aligned: offsets come from `layout.rs`.
    pub fn i32_at(&self, offset: usize) -> &AtomicI32 {
        // SAFETY: aligned and inside (`at`); JS writes it through Atomics or as its only writer; never unmapped while used.
        unsafe { AtomicI32::from_ptr(self.at(offset)) }
    }

    /// See [`Segment::i32_at`].
    pub fn u32_at(&self, offset: usize) -> &AtomicU32 {
        // SAFETY: as in `i32_at`.
        unsafe { AtomicU32::from_ptr(self.at(offset)) }
    }

    /// See [`Segment::i32_at`].
    pub fn u64_at(&self, offset: usize) -> &AtomicU64 {
        // SAFETY: as in `i32_at`.
        unsafe { AtomicU64::from_ptr(self.at(offset)) }
    }

    /// The bits of the f64 at `index` (counted in f64 from the segment's base).
    #[inline]
    pub fn cell(&self, index: u32) -> &AtomicU64 {
        self.u64_at(index as usize * 8)
    }

    /// `count` cells from `first` on. Panics when they are not inside.
    pub fn cells(&self, first: u32, count: usize) -> &[AtomicU64] {
        let offset = first as usize * 8;
        assert!(
            offset + count * 8 <= self.size,
            "cells {first}+{count} of {}",
            self.size / 8
        );
        // SAFETY: inside the mapping, checked above, and aligned, since the base is; otherwise as in `i32_at`.
        unsafe { std::slice::from_raw_parts(self.base().add(offset).cast::<AtomicU64>(), count) }
    }

    /// Bytes of a published metadata record's payload. Panics when the record is not inside the metadata area.
    ///
    /// # Safety
    /// The caller is pinned (see `epoch.rs`) and found `offset` through a place that was reachable then, so the record is
    /// not written again while the slice lives.
    #[inline]
    pub unsafe fn meta_payload(&self, offset: u32) -> &[u8] {
        let offset = offset as usize;
        assert!(
            offset >= META_AT && offset.is_multiple_of(8) && offset + META_RECORD_HEADER <= self.size,
            "record at {offset}"
        );
        // SAFETY: an aligned word inside the mapping, checked above.
        let len = unsafe { self.base().add(offset).cast::<u32>().read() } as usize;
        assert!(
            len >= META_RECORD_HEADER && len <= self.size - offset,
            "record {offset}+{len}"
        );
        // SAFETY: inside the mapping, checked above; unchanged by the function's contract.
        unsafe { std::slice::from_raw_parts(self.base().add(offset + META_RECORD_HEADER), len - META_RECORD_HEADER) }
    }

    /// Appends a metadata record made of `payload` pieces and returns its offset. The new end is published after the bytes
    /// (M1). Only the owner thread appends, inside its calls.
    pub fn append_meta(&self, tag: u32, payload: &[&[u8]]) -> Result<u32, Full> {
        let bytes: usize = payload.iter().map(|piece| piece.len()).sum();
        let len = (META_RECORD_HEADER + bytes).next_multiple_of(8);
        let offset = self.u32_at(META_END_AT).load(Ordering::Relaxed) as usize;
        let limit = match self.u32_at(RING_OFFSET_AT).load(Ordering::Relaxed) {
            0 => self.u32_at(CELL_FLOOR_AT).load(Ordering::Relaxed) as usize,
            ring => ring as usize,
        };
        if len > limit.saturating_sub(offset) {
            return Err(Full);
        }
        self.write_meta(offset as u32, len as u32, tag, payload);
        self.u32_at(META_END_AT).store((offset + len) as u32, Ordering::Release);
        Ok(offset as u32)
    }

    /// Writes a whole record at `offset`; the caller owns that place.
    pub(super) fn write_meta(&self, offset: u32, len: u32, tag: u32, payload: &[&[u8]]) {
        let mut at = offset as usize + META_RECORD_HEADER;
        for piece in payload {
            assert!(
                at + piece.len() <= offset as usize + len as usize,
                "record too small for its payload"
            );
            // SAFETY: inside the record, which is inside the mapping; the caller owns the place, so nobody reads it yet.
            unsafe { std::ptr::copy_nonoverlapping(piece.as_ptr(), self.base().add(at), piece.len()) };
            at += piece.len();
        }
        self.u32_at(offset as usize + 4).store(tag, Ordering::Relaxed);
        self.u32_at(offset as usize).store(len, Ordering::Release);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// [M1] the end is published after the bytes, and the last record that fits is accepted, the next one is not.
    #[test]
    fn metadata_grows_up_to_the_cells_and_no_further() {
        let segment = Segment::anonymous(KIND_CELLS, 2 * HEADER_SIZE).unwrap();
        let free = 2 * HEADER_SIZE - META_AT;
        assert_eq!(
            segment.append_meta(META_INTERN, &[&vec![7; free - META_RECORD_HEADER + 1]]),
            Err(Full)
        );
        let offset = segment
            .append_meta(META_INTERN, &[b"ab", &vec![7; free - META_RECORD_HEADER - 2]])
            .unwrap();
        assert_eq!(offset as usize, META_AT);
        assert_eq!(segment.append_meta(META_INTERN, &[]), Err(Full));
        // SAFETY: nothing is ever reused in this test.
        assert_eq!(unsafe { &segment.meta_payload(offset)[..3] }, b"ab\x07");
        assert_eq!(
            segment.u32_at(META_END_AT).load(Ordering::Relaxed) as usize,
            2 * HEADER_SIZE
        );
    }

    #[test]
    #[should_panic(expected = "offset")]
    fn a_word_outside_is_refused() {
        Segment::anonymous(KIND_CELLS, HEADER_SIZE)
            .unwrap()
            .u64_at(HEADER_SIZE - 4);
    }
}
