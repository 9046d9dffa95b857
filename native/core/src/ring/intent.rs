//! W3, the write intent: what is being written to a sink right now, noted in the segment before the write and taken
//! back after `released` moved, so that recovery can tell from the file's size whether those lines are in it. Written
//! by the collector; read by recovery from the bytes of a dead process's segment.
//!
//! Order of one batch: intent fields, intent state 1, write, `released`, intent state 0. Whatever the step a SIGKILL
//! falls behind, [`resume`] has the answer: before state 1 nothing of the batch is in the file; with state 1 the file's
//! size says how much; after `released` the range is behind the cursor whatever the state says.
use crate::layout::{INTENT_AT, RING_MOVE_AT};

/// What is being written. All numbers as they are in the segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intent {
    /// Which sink; its owner gives the number a meaning.
    pub sink: u32,
    /// Bytes the file had before.
    pub offset: u64,
    /// Bytes that go into it.
    pub length: u64,
    /// First position of the records.
    pub from: i32,
    /// Position after the last record.
    pub to: i32,
    /// Device of the file.
    pub device: u64,
    /// Inode of the file, so that a rotated or replaced file is not mistaken for it. 0 = no file.
    pub inode: u64,
}

/// Records on their way from a ring to its overflow: if the overflow's head already is `overflow_head`, they are in it,
/// and their range in the ring must not be read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    /// First position in the ring.
    pub from: i32,
    /// Position in the ring after the last record.
    pub to: i32,
    /// Head of the overflow once it is done.
    pub overflow_head: i32,
}

/// The file that an intent names, as recovery finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileState {
    /// Its device.
    pub device: u64,
    /// Its inode.
    pub inode: u64,
    /// Bytes in it.
    pub size: u64,
}

/// Where recovery goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resume {
    /// Position of the first record that is not completely in the file.
    pub at: i32,
    /// Bytes of the intent's output, encoded from the records at `at` up to the intent's `to`, that are already in the
    /// file: encode the same records and leave out this many bytes.
    pub skip: u64,
    /// The file is not the one of the intent, or shorter than it was: nobody can tell. The records are written again,
    /// since a line twice is better than none.
    pub uncertain: bool,
}

/// Compares an open intent with the file. `file` is the file with the intent's device and inode (under whatever name it
/// has now), `None` when there is none. `released` is the cursor in the same segment.
pub fn resume(intent: Option<&Intent>, released: i32, file: Option<FileState>) -> Resume {
    let again = Resume {
        at: released,
        skip: 0,
        uncertain: false,
    };
    let Some(intent) = intent.filter(|intent| intent.from == released && intent.to != released) else {
        return again;
    };
    match file {
        Some(file) if (file.device, file.inode) == (intent.device, intent.inode) && file.size >= intent.offset => {
            let written = file.size - intent.offset;
            if written >= intent.length {
                Resume {
                    at: intent.to,
                    skip: 0,
                    uncertain: false,
                }
            } else {
                Resume {
                    at: intent.from,
                    skip: written,
                    uncertain: false,
                }
            }
        }
        _ => Resume {
            uncertain: true,
            ..again
        },
    }
}

impl Intent {
    /// The open intent in the first page of a segment, `None` when there is none or the bytes are too few.
    pub fn read(segment: &[u8]) -> Option<Intent> {
        let bytes = segment.get(INTENT_AT..INTENT_AT + 48)?;
        (u32_in(bytes, 0) == 1).then(|| Intent {
            sink: u32_in(bytes, 4),
            offset: u64_in(bytes, 8),
            length: u64_in(bytes, 16),
            from: u32_in(bytes, 24) as i32,
            to: u32_in(bytes, 28) as i32,
            device: u64_in(bytes, 32),
            inode: u64_in(bytes, 40),
        })
    }
}

impl Move {
    /// The move under way in the first page of a segment, `None` when there is none or the bytes are too few.
    pub fn read(segment: &[u8]) -> Option<Move> {
        let bytes = segment.get(RING_MOVE_AT..RING_MOVE_AT + 16)?;
        (u32_in(bytes, 0) == 1).then(|| Move {
            from: u32_in(bytes, 4) as i32,
            to: u32_in(bytes, 8) as i32,
            overflow_head: u32_in(bytes, 12) as i32,
        })
    }
}

/// Opens or closes the intent of a segment. The state is stored last when it opens and first when it closes.
#[cfg(not(loom))]
pub(super) fn store(segment: &crate::memory::segment::Segment, intent: Option<&Intent>) {
    use std::sync::atomic::Ordering::{Relaxed, Release};
    let Some(intent) = intent else {
        segment.u32_at(INTENT_AT).store(0, Release);
        return;
    };
    segment.u32_at(INTENT_AT + 4).store(intent.sink, Relaxed);
    segment.u64_at(INTENT_AT + 8).store(intent.offset, Relaxed);
    segment.u64_at(INTENT_AT + 16).store(intent.length, Relaxed);
    segment.i32_at(INTENT_AT + 24).store(intent.from, Relaxed);
    segment.i32_at(INTENT_AT + 28).store(intent.to, Relaxed);
    segment.u64_at(INTENT_AT + 32).store(intent.device, Relaxed);
    segment.u64_at(INTENT_AT + 40).store(intent.inode, Relaxed);
    segment.u32_at(INTENT_AT).store(1, Release);
}

/// As [`store`], for a move.
#[cfg(not(loom))]
pub(super) fn store_move(segment: &crate::memory::segment::Segment, moving: Option<&Move>) {
    use std::sync::atomic::Ordering::{Relaxed, Release};
    let Some(moving) = moving else {
        segment.u32_at(RING_MOVE_AT).store(0, Release);
        return;
    };
    segment.i32_at(RING_MOVE_AT + 4).store(moving.from, Relaxed);
    segment.i32_at(RING_MOVE_AT + 8).store(moving.to, Relaxed);
    segment.i32_at(RING_MOVE_AT + 12).store(moving.overflow_head, Relaxed);
    segment.u32_at(RING_MOVE_AT).store(1, Release);
}

fn u32_in(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(word)
}

fn u64_in(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTENT: Intent = Intent {
        sink: 1,
        offset: 100,
        length: 50,
        from: 64,
        to: 128,
        device: 7,
        inode: 9,
    };

    fn file(size: u64) -> Option<FileState> {
        Some(FileState {
            device: 7,
            inode: 9,
            size,
        })
    }

    /// [W3]
    #[test]
    fn the_size_of_the_file_says_how_much_of_the_intent_is_in_it() {
        let at = |size| resume(Some(&INTENT), 64, file(size));
        assert_eq!(
            at(100),
            Resume {
                at: 64,
                skip: 0,
                uncertain: false
            },
            "nothing written"
        );
        assert_eq!(
            at(101),
            Resume {
                at: 64,
                skip: 1,
                uncertain: false
            },
            "cut in the middle"
        );
        assert_eq!(
            at(149),
            Resume {
                at: 64,
                skip: 49,
                uncertain: false
            },
            "last byte missing"
        );
        assert_eq!(
            at(150),
            Resume {
                at: 128,
                skip: 0,
                uncertain: false
            },
            "all written"
        );
        assert_eq!(
            at(200),
            Resume {
                at: 128,
                skip: 0,
                uncertain: false
            },
            "somebody appended after us"
        );
    }

    /// [W3]
    #[test]
    fn without_an_open_intent_the_cursor_alone_decides() {
        let cursor = Resume {
            at: 64,
            skip: 0,
            uncertain: false,
        };
        assert_eq!(resume(None, 64, file(150)), cursor);
        let released = Resume { at: 128, ..cursor };
        assert_eq!(
            resume(Some(&INTENT), 128, file(120)),
            released,
            "killed after `released` moved, before the close"
        );
    }

    /// [W3]
    #[test]
    fn another_or_a_shorter_file_is_uncertain_and_written_again() {
        let uncertain = Resume {
            at: 64,
            skip: 0,
            uncertain: true,
        };
        assert_eq!(resume(Some(&INTENT), 64, None), uncertain);
        assert_eq!(resume(Some(&INTENT), 64, file(99)), uncertain);
        let other = FileState {
            device: 7,
            inode: 10,
            size: 150,
        };
        assert_eq!(resume(Some(&INTENT), 64, Some(other)), uncertain);
    }

    #[test]
    fn too_few_bytes_hold_no_intent() {
        assert_eq!(Intent::read(&[1; INTENT_AT + 47]), None);
        assert_eq!(Move::read(&[1; RING_MOVE_AT + 15]), None);
    }
}
