//! The ring's readers, driven by arbitrary bytes: must neither panic, nor read outside, nor run away. One plain function,
//! called by the seeded loop in `cargo test` and by cargo-fuzz.
use super::intent::FileState;
use super::read_records;
use super::recover::{RingImage, pending};
use crate::layout::*;

/// Reads `data` as records, as a whole segment, and as the cursors and content of a ring whose geometry is right (which
/// random bytes would never hit).
pub fn fuzz_ring(data: &[u8]) {
    read_all(data);
    read_image(data);
    let mut segment = vec![0; HEADER_SIZE + RING];
    let (cursors, content) = data.split_at(data.len().min(CURSORS.len() * 2 + 32));
    for (&at, bytes) in CURSORS.iter().zip(cursors.chunks_exact(2)) {
        // Small steps of 8 around the wrap of the i32: most combinations make sense, some do not.
        let word = (i32::MAX - 7)
            .wrapping_add(i32::from(bytes[0]) * 8)
            .wrapping_add(i32::from(bytes[1] >> 7));
        segment[at..at + 4].copy_from_slice(&word.to_le_bytes());
    }
    let notes = &cursors[cursors.len().min(CURSORS.len() * 2)..];
    segment[INTENT_AT + 8..INTENT_AT + 8 + notes.len().min(16)].copy_from_slice(&notes[..notes.len().min(16)]);
    for at in [INTENT_AT, RING_MOVE_AT] {
        segment[at] = data.first().map_or(0, |byte| byte & 1);
    }
    segment[RING_OFFSET_AT..RING_OFFSET_AT + 4].copy_from_slice(&(HEADER_SIZE as u32).to_le_bytes());
    segment[RING_SIZE_AT..RING_SIZE_AT + 4].copy_from_slice(&(RING as u32).to_le_bytes());
    let length = content.len().min(RING);
    segment[HEADER_SIZE..HEADER_SIZE + length].copy_from_slice(&content[..length]);
    read_image(&segment);
}

const RING: usize = 512;
const CURSORS: [usize; 8] = [
    RING_HEAD_AT,
    RING_READ_AT,
    RING_RELEASED_AT,
    INTENT_AT + 24,
    INTENT_AT + 28,
    RING_MOVE_AT + 4,
    RING_MOVE_AT + 8,
    RING_MOVE_AT + 12,
];

fn read_image(segment: &[u8]) {
    let Ok(image) = RingImage::parse(segment) else { return };
    for overflow in [None, Some(&image)] {
        let file = |size| {
            move |_: &_| {
                Some(FileState {
                    device: 0,
                    inode: 0,
                    size,
                })
            }
        };
        for size in [0, 64] {
            let parts = pending(&image, overflow, file(size));
            let total: usize = parts.iter().map(|part| part.bytes.len()).sum();
            assert!(
                total <= 2 * segment.len(),
                "parts are disjoint pieces of the ring and its overflow"
            );
            parts.iter().for_each(|part| read_all(part.bytes));
        }
    }
}

fn read_all(bytes: &[u8]) {
    let mut end = 0;
    for record in read_records(bytes) {
        let Ok(record) = record else { break };
        let start = record.body.as_ptr().addr() - bytes.as_ptr().addr();
        assert!(
            start >= end && start + record.body.len() <= bytes.len(),
            "records are inside and in order"
        );
        end = start + record.body.len();
        let mut values = record.values();
        while !values.at_end() && values.skip().is_ok() {}
    }
}
