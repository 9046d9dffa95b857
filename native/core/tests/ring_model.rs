//! The ring against a model: random pushes, drains, blocked sinks and crashes, on rings so small that every few steps
//! wrap, fill, move and rewind. Seeded, so that a failure repeats.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used)]

use kymo_core::layout::*;
use kymo_core::memory::segment::Segment;
use kymo_core::ring::consumer::{Drain, Drainer, Outcome, Sink, Target};
use kymo_core::ring::full::{OnFull, Policy};
use kymo_core::ring::intent::FileState;
use kymo_core::ring::memory::SegmentRing;
use kymo_core::ring::recover::{RingImage, pending};
use kymo_core::ring::{DropReason, Ring, RingMemory, read_records};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// xorshift64*.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % bound
    }
}

fn ring_memory(size: u32, start: i32) -> Arc<SegmentRing> {
    let segment = Arc::new(Segment::anonymous(KIND_RING, HEADER_SIZE + size.max(4096) as usize).unwrap());
    for at in [RING_HEAD_AT, RING_READ_AT, RING_RELEASED_AT] {
        segment.i32_at(at).store(start, Relaxed);
    }
    Arc::new(SegmentRing::create(segment, size, 1).unwrap())
}

fn image(memory: &SegmentRing) -> Vec<u8> {
    let segment = memory.segment();
    // SAFETY: the whole mapping; one thread in this test.
    unsafe { std::slice::from_raw_parts(segment.base(), segment.size()) }.to_vec()
}

fn numbers(records: &[u8]) -> Vec<u32> {
    read_records(records)
        .map(|record| {
            let record = record.unwrap();
            let number = u32::from_le_bytes(record.body[..4].try_into().unwrap());
            assert!(
                record.body[4..].iter().all(|&byte| byte == number as u8),
                "record {number} is damaged"
            );
            number
        })
        .collect()
}

/// A file in memory, whose writes fall short when told to.
#[derive(Default)]
struct Disk {
    bytes: Vec<u8>,
    /// Bytes that the next writes accept; then they say `Retry`.
    accepts: usize,
    refused: Vec<u32>,
    refuse: bool,
}

struct DiskSink(Arc<Mutex<Disk>>, usize);

impl Sink for DiskSink {
    fn prepare(&mut self, records: &[u8]) -> Target {
        self.1 = 0;
        let offset = self.0.lock().unwrap().bytes.len() as u64;
        Target {
            sink: 3,
            offset,
            length: records.len() as u64,
            device: 1,
            inode: 2,
        }
    }

    fn write(&mut self, records: &[u8]) -> Outcome {
        let mut disk = self.0.lock().unwrap();
        if disk.refuse && self.1 == 0 {
            disk.refused.extend(numbers(records));
            return Outcome::Refused;
        }
        let now = disk.accepts.min(records.len() - self.1);
        disk.accepts -= now;
        disk.bytes.extend_from_slice(&records[self.1..self.1 + now]);
        self.1 += now;
        if self.1 == records.len() {
            Outcome::Written
        } else {
            Outcome::Retry
        }
    }
}

/// What recovery would find in disk and segments if the process died now.
fn recovered(ring: &SegmentRing, overflow: Option<&Arc<SegmentRing>>, disk: &Disk) -> Vec<u32> {
    let (ring, overflow) = (image(ring), overflow.map(|overflow| image(overflow)));
    let ring = RingImage::parse(&ring).unwrap();
    let overflow = overflow.as_deref().map(|bytes| RingImage::parse(bytes).unwrap());
    let file = FileState {
        device: 1,
        inode: 2,
        size: disk.bytes.len() as u64,
    };
    let mut bytes = disk.bytes.clone();
    for part in pending(&ring, overflow.as_ref(), |_| Some(file)) {
        assert!(!part.uncertain);
        // The sink's encoding here is the records themselves, without PAD.
        let mut rest = part.bytes;
        if part.skip > 0 {
            rest = &rest[part.skip as usize..];
            bytes.extend_from_slice(rest);
        } else {
            bytes.extend_from_slice(rest);
        }
    }
    numbers(&bytes)
}

fn run(seed: u64) {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let size = 128 << random.below(3);
    let on_full = [OnFull::DropNewest, OnFull::DropOldest, OnFull::Block][random.below(3) as usize];
    let policy = Policy {
        on_full,
        lock_budget: Duration::from_millis(5),
        block_budget: Duration::ZERO,
    };
    let memory = ring_memory(size, i32::MAX - 8 * random.below(40) as i32 - 7);
    let overflow = (random.below(4) > 0).then(|| ring_memory(128 << random.below(4), i32::MIN));
    let ring = Arc::new(Ring::new(memory.clone(), policy));
    if let Some(overflow) = &overflow {
        ring.set_overflow(overflow.clone());
    }
    let disk = Arc::new(Mutex::new(Disk::default()));
    let mut drainer = Drainer::new(ring.clone(), DiskSink(disk.clone(), 0));
    let mut producer = ring.producer().unwrap();
    assert!(ring.producer().is_none(), "one producer per ring");
    let mut accepted = Vec::new();
    let steps = 200;
    for number in 0..steps {
        let longest = if random.below(8) == 0 {
            200
        } else {
            size as u64 / 4 - 8 - 4
        };
        let mut body = (number as u32).to_le_bytes().to_vec();
        body.resize(4 + random.below(longest + 1) as usize, number as u8);
        if producer.push(RECORD_USER, &body) {
            accepted.push(number as u32);
        }
        if random.below(4) == 0 {
            {
                let mut disk = disk.lock().unwrap();
                disk.accepts = random.below(u64::from(size)) as usize;
                disk.refuse = random.below(16) == 0;
            }
            drainer.drain();
        }
        let disk = disk.lock().unwrap();
        let found = recovered(&memory, overflow.as_ref(), &disk);
        assert!(
            found.is_sorted_by(|a, b| a < b),
            "seed {seed}, step {number}: order or a repeated record: {found:?}"
        );
        let lost: Vec<u32> = accepted
            .iter()
            .copied()
            .filter(|number| !found.contains(number) && !disk.refused.contains(number))
            .collect();
        let dropped = memory.dropped(DropReason::Oldest);
        assert_eq!(lost.len() as u64, dropped, "seed {seed}, step {number}: lost {lost:?}");
        assert!(on_full == OnFull::DropOldest || dropped == 0);
    }
    {
        let mut disk = disk.lock().unwrap();
        (disk.accepts, disk.refuse) = (usize::MAX, false);
    }
    while ring.pending() {
        drainer.drain();
    }
    let disk = disk.lock().unwrap();
    let mut found = numbers(&disk.bytes);
    found.extend(&disk.refused);
    let dropped: u64 = DropReason::ALL
        .iter()
        .filter(|&&reason| reason != DropReason::Sink)
        .map(|&reason| memory.dropped(reason))
        .sum();
    assert_eq!(
        found.len() as u64 + dropped,
        steps,
        "seed {seed}: every record arrived or was counted"
    );
    assert_eq!(memory.dropped(DropReason::Sink) as usize, disk.refused.len());
    assert_eq!(memory.dropped(DropReason::Corrupt), 0);
    assert_eq!(memory.size(), size);
}

/// [W1] [W3] [W4] order holds, nothing is lost uncounted, nothing is repeated, whatever the step a crash falls behind.
#[test]
fn random_histories_neither_lose_nor_repeat_a_record() {
    for seed in 0..150 {
        run(seed);
    }
}
