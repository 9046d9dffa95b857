//! Slots of sinks in the first page of a log ring's segment and of its overflow's: with several sinks, each has its own
//! position up to which it has all records, and its own write intent (W3). Written by whoever writes to the sink; read by
//! recovery from the bytes of a dead process.
//!
//! Order of one piece: intent state 0, fields, state 1, write, position, state 0. A piece may hold records of several rings,
//! merged by time: each of their segments has an intent with the same file and offset, and its own range.
use super::position::used;
use crate::layout::{LOG_SLOT, LOG_SLOTS, LOG_SLOTS_AT};

/// Offsets in a slot.
const HASH: usize = 0;
const DELIVERED: usize = 8;
const STATE: usize = 12;
const OFFSET: usize = 16;
const LENGTH: usize = 24;
const FROM: usize = 32;
const TO: usize = 36;
const DEVICE: usize = 40;
const INODE: usize = 48;

/// What is being written to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotIntent {
    /// Bytes the file had before.
    pub offset: u64,
    /// Bytes that go into it.
    pub length: u64,
    /// First position of this segment's records.
    pub from: i32,
    /// Position after the last of them.
    pub to: i32,
    /// Device of the file.
    pub device: u64,
    /// Inode of the file.
    pub inode: u64,
}

/// The slots of one segment, alive or dead. `slot` is below [`LOG_SLOTS`]; nobody else writes the same slot meanwhile.
pub trait Slots: Send + Sync {
    /// Notes what is about to be written.
    fn open(&self, slot: usize, hash: u64, intent: &SlotIntent);
    /// The sink has everything up to here.
    fn delivered(&self, slot: usize, hash: u64, to: i32);
    /// The intent is done.
    fn close(&self, slot: usize, hash: u64);
}

/// A slot as recovery finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotImage {
    /// Which one it is.
    pub slot: usize,
    /// Position up to which the sink has all records.
    pub delivered: i32,
    /// What was being written.
    pub intent: Option<SlotIntent>,
}

/// The slot of the sink with this hash in the first page of a segment. Positions that contradict the cursors count as none.
pub fn read_slot(segment: &[u8], hash: u64, released: i32, head: i32) -> Option<SlotImage> {
    let slots = segment.get(LOG_SLOTS_AT..LOG_SLOTS_AT + LOG_SLOT * LOG_SLOTS)?;
    let (slot, bytes) = slots
        .chunks_exact(LOG_SLOT)
        .enumerate()
        .find(|(_, bytes)| u64_in(bytes, HASH) == hash)?;
    let within = |position: i32| position & 7 == 0 && used(position, released) <= used(head, released);
    let delivered = Some(u32_in(bytes, DELIVERED) as i32).filter(|&at| within(at));
    let (from, to) = (u32_in(bytes, FROM) as i32, u32_in(bytes, TO) as i32);
    let open = u32_in(bytes, STATE) == 1 && within(from) && within(to) && used(from, released) <= used(to, released);
    let intent = open.then(|| SlotIntent {
        offset: u64_in(bytes, OFFSET),
        length: u64_in(bytes, LENGTH),
        from,
        to,
        device: u64_in(bytes, DEVICE),
        inode: u64_in(bytes, INODE),
    });
    Some(SlotImage {
        slot,
        delivered: delivered.unwrap_or(released),
        intent,
    })
}

/// FNV-1a of a sink's identity or of a route's name, never 0.
pub fn hash_of(identity: &str) -> u64 {
    let hash = identity.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    hash.max(1)
}

#[cfg(not(loom))]
impl Slots for super::memory::SegmentRing {
    fn open(&self, slot: usize, hash: u64, intent: &SlotIntent) {
        use std::sync::atomic::Ordering::{Relaxed, Release};
        let segment = self.segment();
        let at = LOG_SLOTS_AT + slot * LOG_SLOT;
        segment.u32_at(at + STATE).store(0, Release);
        if segment.u64_at(at + HASH).load(Relaxed) != hash {
            segment.u64_at(at + HASH).store(0, Release);
            segment.i32_at(at + DELIVERED).store(intent.from, Relaxed);
            segment.u64_at(at + HASH).store(hash, Release);
        }
        segment.u64_at(at + OFFSET).store(intent.offset, Release);
        segment.u64_at(at + LENGTH).store(intent.length, Relaxed);
        segment.i32_at(at + FROM).store(intent.from, Relaxed);
        segment.i32_at(at + TO).store(intent.to, Relaxed);
        segment.u64_at(at + DEVICE).store(intent.device, Relaxed);
        segment.u64_at(at + INODE).store(intent.inode, Relaxed);
        segment.u32_at(at + STATE).store(1, Release);
    }

    fn delivered(&self, slot: usize, hash: u64, to: i32) {
        use std::sync::atomic::Ordering::{Relaxed, Release};
        let segment = self.segment();
        let at = LOG_SLOTS_AT + slot * LOG_SLOT;
        if segment.u64_at(at + HASH).load(Relaxed) != hash {
            segment.u32_at(at + STATE).store(0, Release);
            segment.u64_at(at + HASH).store(0, Release);
            segment.i32_at(at + DELIVERED).store(to, Release);
            segment.u64_at(at + HASH).store(hash, Release);
        }
        segment.i32_at(at + DELIVERED).store(to, Release);
    }

    fn close(&self, slot: usize, _: u64) {
        let segment = self.segment();
        let state = segment.u32_at(LOG_SLOTS_AT + slot * LOG_SLOT + STATE);
        state.store(0, std::sync::atomic::Ordering::Release);
    }
}

/// Slots of a dead process, in the file of its segment, which the writer has locked. A failing write is passed over: then a line
/// comes twice rather than never. A sink keeps the slot that it had there, whichever is its own now.
pub struct FileSlots {
    file: std::fs::File,
    hashes: std::sync::Mutex<[u64; LOG_SLOTS]>,
}

impl FileSlots {
    /// The slots of a file, whose first page is `page`.
    pub fn new(file: std::fs::File, page: &[u8]) -> FileSlots {
        let hash = |slot: usize| {
            let bytes = page
                .get(LOG_SLOTS_AT + slot * LOG_SLOT..)
                .filter(|bytes| bytes.len() >= 8);
            bytes.map_or(0, |bytes| u64_in(bytes, HASH))
        };
        FileSlots {
            file,
            hashes: std::sync::Mutex::new(std::array::from_fn(hash)),
        }
    }

    /// The sink's slot, and whether it is new there; `None` when all are taken.
    fn of(&self, hash: u64) -> Option<(usize, bool)> {
        let mut hashes = self.hashes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(slot) = hashes.iter().position(|&known| known == hash) {
            return Some((slot, false));
        }
        let slot = hashes.iter().position(|&known| known == 0)?;
        hashes[slot] = hash;
        Some((slot, true))
    }

    fn put(&self, slot: usize, at: usize, bytes: &[u8]) {
        use std::os::unix::fs::FileExt;
        let at = LOG_SLOTS_AT + slot * LOG_SLOT + at;
        let _ = self.file.write_all_at(bytes, at as u64);
    }
}

impl Slots for FileSlots {
    fn open(&self, _: usize, hash: u64, intent: &SlotIntent) {
        let Some((slot, new)) = self.of(hash) else { return };
        self.put(slot, STATE, &0_u32.to_le_bytes());
        if new {
            self.put(slot, DELIVERED, &intent.from.to_le_bytes());
            self.put(slot, HASH, &hash.to_le_bytes());
        }
        let mut fields = intent.offset.to_le_bytes().to_vec();
        fields.extend(intent.length.to_le_bytes());
        fields.extend(intent.from.to_le_bytes());
        fields.extend(intent.to.to_le_bytes());
        fields.extend(intent.device.to_le_bytes());
        fields.extend(intent.inode.to_le_bytes());
        self.put(slot, OFFSET, &fields);
        self.put(slot, STATE, &1_u32.to_le_bytes());
    }

    fn delivered(&self, _: usize, hash: u64, to: i32) {
        if let Some((slot, new)) = self.of(hash) {
            self.put(slot, DELIVERED, &to.to_le_bytes());
            if new {
                self.put(slot, HASH, &hash.to_le_bytes());
            }
        }
    }

    fn close(&self, _: usize, hash: u64) {
        if let Some((slot, _)) = self.of(hash) {
            self.put(slot, STATE, &0_u32.to_le_bytes());
        }
    }
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
