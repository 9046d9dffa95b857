//! Attacks on the ring's rules, one behaviour per test. `ring_model.rs` has the random histories, `loom_ring.rs` the
//! interleavings, `test/binding/ring.test.ts` the JavaScript producer.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used)]

use kymo_core::intern::InternTable;
use kymo_core::layout::*;
use kymo_core::memory::segment::Segment;
use kymo_core::ring::consumer::{Drain, Drainer, Outcome, Progress, Sink, Target};
use kymo_core::ring::full::{OnFull, Policy, Room};
use kymo_core::ring::intent::FileState;
use kymo_core::ring::memory::SegmentRing;
use kymo_core::ring::producer::Producer;
use kymo_core::ring::recover::{RingImage, pending};
use kymo_core::ring::spool::{self, FileSink};
use kymo_core::ring::{DropReason, Ring, RingMemory, read_records};
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

fn memory(size: u32, start: i32) -> Arc<SegmentRing> {
    let segment = Arc::new(Segment::anonymous(KIND_RING, HEADER_SIZE + size.max(4096) as usize).unwrap());
    for at in [RING_HEAD_AT, RING_READ_AT, RING_RELEASED_AT] {
        segment.i32_at(at).store(start, Relaxed);
    }
    Arc::new(SegmentRing::create(segment, size, 7).unwrap())
}

fn ring(size: u32, on_full: OnFull) -> (Arc<Ring<SegmentRing>>, Producer<SegmentRing>) {
    let ring = Arc::new(Ring::new(memory(size, 0), Policy::new(on_full)));
    let producer = ring.producer().unwrap();
    (ring, producer)
}

fn image(memory: &SegmentRing) -> Vec<u8> {
    let segment = memory.segment();
    // SAFETY: the whole mapping; the test has no other thread writing at this moment.
    unsafe { std::slice::from_raw_parts(segment.base(), segment.size()) }.to_vec()
}

/// The first byte of each record's body.
fn firsts(records: &[u8]) -> Vec<u8> {
    read_records(records).map(|record| record.unwrap().body[0]).collect()
}

/// Collects, and answers what it is told.
struct Collect(Arc<Mutex<Vec<u8>>>, Outcome);

impl Sink for Collect {
    fn prepare(&mut self, records: &[u8]) -> Target {
        Target {
            length: records.len() as u64,
            ..Target::default()
        }
    }
    fn write(&mut self, records: &[u8]) -> Outcome {
        if self.1 == Outcome::Written {
            self.0.lock().unwrap().extend(firsts(records));
        }
        self.1
    }
}

/// Blocks inside each write until the test lets it go.
struct Gate {
    entered: Sender<()>,
    leave: Receiver<()>,
    seen: Arc<Mutex<Vec<u8>>>,
}

impl Sink for Gate {
    fn prepare(&mut self, records: &[u8]) -> Target {
        Target {
            length: records.len() as u64,
            ..Target::default()
        }
    }
    fn write(&mut self, records: &[u8]) -> Outcome {
        self.entered.send(()).unwrap();
        let _ = self.leave.recv();
        // Read after the block: the producer must not have touched these bytes meanwhile.
        self.seen.lock().unwrap().extend(firsts(records));
        Outcome::Written
    }
}

struct Gated {
    entered: Receiver<()>,
    leave: Sender<()>,
    seen: Arc<Mutex<Vec<u8>>>,
    thread: std::thread::JoinHandle<()>,
}

/// A collector of one ring that is inside a blocked write when this returns.
fn blocked(ring: &Arc<Ring<SegmentRing>>) -> Gated {
    let (entered_tx, entered) = channel();
    let (leave, leave_rx) = channel();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Gate {
        entered: entered_tx,
        leave: leave_rx,
        seen: seen.clone(),
    };
    let mut drainer = Drainer::new(ring.clone(), sink);
    let thread = std::thread::spawn(move || while drainer.drain() != Progress::Idle {});
    entered.recv().unwrap();
    Gated {
        entered,
        leave,
        seen,
        thread,
    }
}

impl Gated {
    /// Lets every write pass and returns what the sink saw.
    fn finish(self) -> Vec<u8> {
        drop(self.leave);
        self.entered.iter().for_each(drop);
        self.thread.join().unwrap();
        self.seen.lock().unwrap().clone()
    }
}

/// [W1]
#[test]
fn records_survive_the_wrap_of_the_i32_and_of_the_ring() {
    let ring = Arc::new(Ring::new(memory(256, i32::MAX - 63), Policy::new(OnFull::DropNewest)));
    let mut producer = ring.producer().unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let mut drainer = Drainer::new(ring.clone(), Collect(seen.clone(), Outcome::Written));
    for number in 0..100_u8 {
        assert!(producer.push(RECORD_USER, &vec![number; 1 + number as usize % 56]));
        drainer.drain();
    }
    assert!(
        ring.memory().word(kymo_core::ring::Word::Head).load(Relaxed) < 0,
        "the position wrapped"
    );
    assert_eq!(*seen.lock().unwrap(), (0..100).collect::<Vec<u8>>());
}

/// [W1]
#[test]
fn the_longest_record_in_place_is_a_quarter_and_the_next_longer_one_needs_the_overflow() {
    let (ring, mut producer) = ring(256, OnFull::DropNewest);
    assert!(
        producer.push(RECORD_USER, &[1; 56]),
        "64 bytes with its header: last accepted"
    );
    assert!(!producer.push(RECORD_USER, &[2; 57]), "72 bytes: first rejected");
    assert_eq!(ring.memory().dropped(DropReason::Oversized), 1);
    ring.set_overflow(memory(256, 0));
    assert!(
        producer.push(RECORD_USER, &[3; 120]),
        "128 bytes, half of the overflow: last accepted"
    );
    assert!(!producer.push(RECORD_USER, &[4; 121]), "136 bytes: first rejected");
    assert_eq!(ring.memory().dropped(DropReason::Oversized), 2);
    assert!(producer.push(RECORD_USER, &[5; 8]));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let mut drainer = Drainer::new(ring, Collect(seen.clone(), Outcome::Written));
    drainer.drain();
    assert_eq!(
        *seen.lock().unwrap(),
        [1, 3, 5],
        "the long record keeps its place in the order"
    );
}

/// [W4]
#[test]
fn a_sink_blocked_inside_its_write_costs_the_producer_neither_time_nor_records() {
    let (ring, mut producer) = ring(256, OnFull::DropNewest);
    ring.set_overflow(memory(4096, 0));
    assert!((0..8).all(|number| producer.push(RECORD_USER, &[number; 24])));
    let gated = blocked(&ring);
    // 64 bytes are in flight; 100 further records of 32 bytes are 12 times the ring.
    let began = Instant::now();
    assert!((8..108).all(|number| producer.push(RECORD_USER, &[number; 24])));
    let blocked_for = began.elapsed();
    assert_eq!(
        gated.finish(),
        (0..108).collect::<Vec<u8>>(),
        "in order, the flight untouched"
    );
    assert!(blocked_for < Duration::from_secs(5), "it never waited for the sink");
    assert_eq!(ring.memory().dropped(DropReason::Contended), 0);
}

/// [W4]
#[test]
fn drop_oldest_spares_the_flight_and_keeps_the_newest() {
    let (ring, mut producer) = ring(256, OnFull::DropOldest);
    ring.set_overflow(memory(256, 0));
    assert!((0..8).all(|number| producer.push(RECORD_USER, &[number; 24])));
    let gated = blocked(&ring);
    assert!(
        (8..200).all(|number| producer.push(RECORD_USER, &[number; 24])),
        "the newest is never refused"
    );
    let seen = gated.finish();
    assert_eq!(seen[..2], [0, 1], "in flight, as they were written");
    assert_eq!(*seen.last().unwrap(), 199);
    assert!(seen.is_sorted_by(|a, b| a < b));
    assert!(
        seen[2..].windows(2).all(|pair| pair[1] == pair[0] + 1),
        "the gap is behind the flight only: {seen:?}"
    );
    assert_eq!(ring.memory().dropped(DropReason::Oldest), 200 - seen.len() as u64);
}

/// [W4]
#[test]
fn drop_newest_keeps_the_oldest_and_counts_the_rest() {
    let (ring, mut producer) = ring(256, OnFull::DropNewest);
    let kept = (0..100)
        .filter(|&number| producer.push(RECORD_USER, &[number; 24]))
        .collect::<Vec<u8>>();
    assert_eq!(kept, (0..8).collect::<Vec<u8>>());
    assert_eq!(ring.memory().dropped(DropReason::Newest), 92);
}

/// [W4]
#[test]
fn block_spends_its_budget_once_per_stall_and_waits_again_after_the_sink_moved() {
    let policy = Policy {
        on_full: OnFull::Block,
        lock_budget: Duration::from_millis(5),
        block_budget: Duration::from_millis(40),
    };
    let ring = Arc::new(Ring::new(memory(256, 0), policy));
    let mut producer = ring.producer().unwrap();
    assert!((0..8).all(|number| producer.push(RECORD_USER, &[number; 24])));
    let timed = |producer: &mut Producer<SegmentRing>| {
        let began = Instant::now();
        (
            producer.push(RECORD_USER, &[9; 24]),
            began.elapsed() >= Duration::from_millis(40),
        )
    };
    assert_eq!(
        timed(&mut producer),
        (false, true),
        "waits for the whole budget, then drops"
    );
    for _ in 0..50 {
        // 50 waits of 40 ms would be seen by the sum below.
        assert!(!producer.push(RECORD_USER, &[9; 24]));
    }
    let stalled = ring.memory().dropped(DropReason::Stalled);
    assert_eq!(stalled, 51);
    let seen = Arc::new(Mutex::new(Vec::new()));
    Drainer::new(ring.clone(), Collect(seen, Outcome::Written)).drain();
    assert!((0..8).all(|number| producer.push(RECORD_USER, &[number; 24])));
    assert_eq!(timed(&mut producer), (false, true), "a new stall has a new budget");
}

/// [W4]
#[test]
fn block_goes_on_as_soon_as_the_sink_releases() {
    let policy = Policy {
        block_budget: Duration::from_secs(60),
        ..Policy::new(OnFull::Block)
    };
    let ring = Arc::new(Ring::new(memory(256, 0), policy));
    let mut producer = ring.producer().unwrap();
    assert!((0..8).all(|number| producer.push(RECORD_USER, &[number; 24])));
    let woken = Arc::new(Mutex::new(None));
    let (seen, drained) = (Arc::new(Mutex::new(Vec::new())), ring.clone());
    let sink = seen.clone();
    let thread = woken.clone();
    ring.on_wake(Arc::new(move || {
        let (drained, sink) = (drained.clone(), sink.clone());
        thread.lock().unwrap().get_or_insert_with(|| {
            std::thread::spawn(move || Drainer::new(drained, Collect(sink, Outcome::Written)).drain())
        });
    }));
    assert!(
        producer.push(RECORD_USER, &[8; 24]),
        "waits for the drain that its wake-up began"
    );
    woken.lock().unwrap().take().unwrap().join().unwrap();
    assert_eq!(seen.lock().unwrap()[..8], (0..8).collect::<Vec<u8>>());
}

/// [W4]
#[test]
fn a_consumer_lock_that_is_not_free_costs_its_budget_and_a_counted_record() {
    let (ring, mut producer) = ring(256, OnFull::DropOldest);
    assert!((0..8).all(|number| producer.push(RECORD_USER, &[number; 24])));
    ring.clone().while_still(|flying| {
        assert!(!flying);
        assert!(!producer.push(RECORD_USER, &[9; 24]));
    });
    assert_eq!(ring.memory().dropped(DropReason::Contended), 1);
    assert!(producer.push(RECORD_USER, &[10; 24]), "the ring is whole");
}

/// [W3]
#[test]
fn a_kill_at_any_point_of_a_write_leaves_what_recovery_needs() {
    /// Stops after some bytes of the file, as a SIGKILL would, and hands out the segment as it is at that moment.
    struct Killed(Arc<SegmentRing>, Arc<Mutex<Vec<u8>>>, usize, Arc<Mutex<Vec<u8>>>);
    impl Sink for Killed {
        fn prepare(&mut self, records: &[u8]) -> Target {
            Target {
                sink: 1,
                offset: 5,
                length: records.len() as u64,
                device: 1,
                inode: 2,
            }
        }
        fn write(&mut self, records: &[u8]) -> Outcome {
            self.1
                .lock()
                .unwrap()
                .extend_from_slice(&records[..self.2.min(records.len())]);
            *self.3.lock().unwrap() = image(&self.0);
            Outcome::Retry
        }
    }
    for written in 0..=64 {
        let (ring, mut producer) = ring(256, OnFull::DropNewest);
        assert!((0..6).all(|number| producer.push(RECORD_USER, &[number; 24])));
        let (file, segment) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
        Drainer::new(
            ring.clone(),
            Killed(ring.memory().clone(), file.clone(), written, segment.clone()),
        )
        .drain();
        let mut file = file.lock().unwrap().clone();
        let segment = segment.lock().unwrap().clone();
        let image = RingImage::parse(&segment).unwrap();
        assert_eq!(image.id, 7);
        let state = FileState {
            device: 1,
            inode: 2,
            size: 5 + file.len() as u64,
        };
        for part in pending(&image, None, |_| Some(state)) {
            file.extend_from_slice(&part.bytes[part.skip as usize..]);
        }
        assert_eq!(firsts(&file), [0, 1, 2, 3, 4, 5], "killed after {written} bytes");
    }
}

/// [W3]
#[test]
fn a_kill_between_the_two_cursors_of_a_move_repeats_nothing() {
    let (ring, mut producer) = ring(256, OnFull::DropNewest);
    let overflow = memory(512, 0);
    ring.set_overflow(overflow.clone());
    assert!((0..8).all(|number| producer.push(RECORD_USER, &[number; 24])));
    let before = image(ring.memory());
    assert!(producer.push(RECORD_USER, &[8; 24]), "moves half of the ring");
    // The moment in between: the overflow is published and the marker is set, the ring's cursors are still the old ones.
    let mut between = before;
    let moved = overflow.word(kymo_core::ring::Word::Head).load(Acquire);
    between[RING_MOVE_AT..RING_MOVE_AT + 4].copy_from_slice(&1_u32.to_le_bytes());
    between[RING_MOVE_AT + 4..RING_MOVE_AT + 8].copy_from_slice(&0_i32.to_le_bytes());
    between[RING_MOVE_AT + 8..RING_MOVE_AT + 12].copy_from_slice(&128_i32.to_le_bytes());
    between[RING_MOVE_AT + 12..RING_MOVE_AT + 16].copy_from_slice(&moved.to_le_bytes());
    let overflow_image = image(&overflow);
    let recovered = |ring: &[u8]| {
        let (ring, overflow) = (
            RingImage::parse(ring).unwrap(),
            RingImage::parse(&overflow_image).unwrap(),
        );
        pending(&ring, Some(&overflow), |_| None)
            .iter()
            .flat_map(|part| firsts(part.bytes))
            .collect::<Vec<u8>>()
    };
    assert_eq!(recovered(&between), (0..8).collect::<Vec<u8>>());
    assert_eq!(
        recovered(&image(ring.memory())),
        (0..9).collect::<Vec<u8>>(),
        "after the move"
    );
}

#[test]
fn a_sink_that_panics_or_refuses_loses_its_batch_and_nothing_else() {
    struct Moody(u32, Arc<Mutex<Vec<u8>>>);
    impl Sink for Moody {
        fn prepare(&mut self, _: &[u8]) -> Target {
            Target::default()
        }
        fn write(&mut self, records: &[u8]) -> Outcome {
            self.0 += 1;
            match self.0 {
                1 => panic!("on purpose"),
                2 => Outcome::Refused,
                _ => {
                    self.1.lock().unwrap().extend(firsts(records));
                    Outcome::Written
                }
            }
        }
    }
    let (ring, mut producer) = ring(256, OnFull::DropNewest);
    assert!((0..8).all(|number| producer.push(RECORD_USER, &[number; 24])));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let mut drainer = Drainer::new(ring.clone(), Moody(0, seen.clone()));
    assert_eq!(drainer.drain(), Progress::Moved);
    assert_eq!(*seen.lock().unwrap(), [4, 5, 6, 7]);
    assert_eq!(ring.memory().dropped(DropReason::Sink), 4);
}

#[test]
fn a_length_that_makes_no_sense_costs_what_is_published_and_the_ring_goes_on() {
    for bad in [0_u32, 7, 12, 4096, u32::MAX] {
        let (ring, mut producer) = ring(256, OnFull::DropNewest);
        assert!((0..3).all(|number| producer.push(RECORD_USER, &[number; 24])));
        ring.memory().write(32, &bad.to_le_bytes());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let mut drainer = Drainer::new(ring.clone(), Collect(seen.clone(), Outcome::Written));
        drainer.drain();
        assert!(producer.push(RECORD_USER, &[9; 24]));
        drainer.drain();
        assert_eq!(*seen.lock().unwrap(), [0, 9], "length {bad}");
        assert_eq!(ring.memory().dropped(DropReason::Corrupt), 1);
    }
}

#[test]
fn records_of_two_threads_keep_their_order_while_one_collector_drains_both() {
    let rings: Vec<_> = (0..2).map(|_| ring(1024, OnFull::Block)).collect();
    let seen: Vec<_> = (0..2).map(|_| Arc::new(Mutex::new(Vec::new()))).collect();
    struct Numbers(Arc<Mutex<Vec<u32>>>);
    impl Sink for Numbers {
        fn prepare(&mut self, _: &[u8]) -> Target {
            Target::default()
        }
        fn write(&mut self, records: &[u8]) -> Outcome {
            let number = |body: &[u8]| u32::from_le_bytes(body[..4].try_into().unwrap());
            self.0
                .lock()
                .unwrap()
                .extend(read_records(records).map(|record| number(record.unwrap().body)));
            Outcome::Written
        }
    }
    let mut drainers: Vec<_> = rings
        .iter()
        .zip(&seen)
        .map(|((ring, _), seen)| Drainer::new(ring.clone(), Numbers(seen.clone())))
        .collect();
    let threads: Vec<_> = rings
        .into_iter()
        .map(|(ring, mut producer)| {
            ring.set_overflow(memory(1024, 0));
            std::thread::spawn(move || {
                (0..20_000_u32)
                    .filter(|number| {
                        let mut body = number.to_le_bytes().to_vec();
                        body.resize(4 + *number as usize % 60, 1);
                        producer.push(RECORD_USER, &body)
                    })
                    .collect::<Vec<u32>>()
            })
        })
        .collect();
    while threads.iter().any(|thread| !thread.is_finished()) {
        for drainer in &mut drainers {
            drainer.drain();
        }
    }
    for ((thread, drainer), seen) in threads.into_iter().zip(&mut drainers).zip(&seen) {
        let pushed = thread.join().unwrap();
        while drainer.drain() != Progress::Idle {}
        assert!(*seen.lock().unwrap() == pushed, "every accepted record once, in order");
    }
}

fn interned(memory: &SegmentRing) -> Arc<InternTable> {
    Arc::new(InternTable::new(memory.segment().clone()))
}

/// Keys and first bytes of a spool's records.
fn spooled(bytes: &[u8]) -> (Vec<String>, Vec<u8>) {
    let (mut keys, mut firsts) = (Vec::new(), Vec::new());
    for record in read_records(bytes) {
        let record = record.unwrap();
        match record.kind {
            RECORD_KEY => keys.push(String::from_utf8(record.body[4..].to_vec()).unwrap()),
            _ => firsts.push(record.body[0]),
        }
    }
    (keys, firsts)
}

#[test]
fn a_spool_holds_each_key_before_its_records_and_survives_a_full_device() {
    let folder = std::env::temp_dir().join(format!("kymo-spool-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("records");
    let (ring, mut producer) = ring(256, OnFull::DropNewest);
    let keys = interned(ring.memory());
    keys.declare("first");
    let mut drainer = Drainer::new(
        ring.clone(),
        FileSink::new(spool::open(&path).unwrap(), 1, keys.clone()),
    );
    assert!((0..8).all(|number| producer.push(RECORD_USER, &[number; 24])));
    assert_eq!(drainer.drain(), Progress::Moved);
    keys.declare("second");
    assert!(producer.push(RECORD_USER, &[8; 24]));
    drainer.drain();
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(
        spooled(&bytes),
        (vec!["first".to_owned(), "second".to_owned()], (0..9).collect())
    );
    assert_eq!(bytes[4], RECORD_KEY as u8, "the key comes first");
    assert!(spool::open(&folder).is_err(), "a folder is no file");
    std::os::unix::fs::symlink(&path, folder.join("link")).unwrap();
    assert!(spool::open(&folder.join("link")).is_err(), "nor is a symbolic link");
    std::fs::remove_dir_all(&folder).unwrap();
    #[cfg(target_os = "linux")]
    {
        let full = spool::open(std::path::Path::new("/dev/full")).unwrap();
        let mut drainer = Drainer::new(ring.clone(), FileSink::new(full, 2, keys));
        assert!(producer.push(RECORD_USER, &[8; 24]));
        assert_eq!(drainer.drain(), Progress::Waiting, "kept in the ring");
        assert_eq!(drainer.sink().errno().load(Relaxed), libc::ENOSPC);
        assert!(ring.pending());
    }
}

/// [W3]
#[test]
fn the_spool_of_a_dead_process_is_finished_without_a_gap_or_a_repeated_record() {
    let path = std::env::temp_dir().join(format!("kymo-finish-{}", std::process::id()));
    // A batch of 64 bytes and the record of its key: every number of bytes that a kill may leave of them.
    for written in 0..=64 + 16 {
        let _ = std::fs::remove_file(&path);
        let (ring, mut producer) = ring(256, OnFull::DropNewest);
        let overflow = memory(1024, 0);
        ring.set_overflow(overflow.clone());
        let keys = interned(ring.memory());
        keys.declare("key");
        std::fs::write(&path, b"").unwrap();
        assert!((0..6).all(|number| producer.push(RECORD_USER, &[number; 24])));
        let mut sink = FileSink::new(spool::open(&path).unwrap(), 1, keys.clone());
        struct Cut<'a>(&'a mut FileSink, &'a std::path::Path, u64);
        impl Sink for Cut<'_> {
            fn prepare(&mut self, records: &[u8]) -> Target {
                self.0.prepare(records)
            }
            fn write(&mut self, records: &[u8]) -> Outcome {
                assert_eq!(self.0.write(records), Outcome::Written);
                std::fs::OpenOptions::new()
                    .write(true)
                    .open(self.1)
                    .unwrap()
                    .set_len(self.2)
                    .unwrap();
                Outcome::Retry
            }
        }
        Drainer::new(ring.clone(), Cut(&mut sink, &path, written)).drain();
        assert!(
            (6..20).all(|number| producer.push(RECORD_USER, &[number; 24])),
            "some are in the overflow"
        );
        let (ring_image, overflow_image) = (image(ring.memory()), image(&overflow));
        let parsed = (
            RingImage::parse(&ring_image).unwrap(),
            RingImage::parse(&overflow_image).unwrap(),
        );
        let appended = spool::finish(&path, &parsed.0, Some(&parsed.1), [(0, "key")].into_iter()).unwrap();
        let (keys, firsts) = spooled(&std::fs::read(&path).unwrap());
        assert_eq!(firsts, (0..20).collect::<Vec<u8>>(), "killed after {written} bytes");
        assert_eq!(appended, if written == 80 { 18 } else { 20 });
        assert!(keys.iter().all(|key| key == "key") && !keys.is_empty());
    }
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn an_oversized_record_never_overtakes_what_is_in_the_ring_while_a_batch_is_in_flight() {
    let (ring, mut producer) = ring(256, OnFull::DropNewest);
    ring.set_overflow(memory(1024, 0));
    assert!((0..8).all(|number| producer.push(RECORD_USER, &[number; 24])));
    let gated = blocked(&ring);
    assert_eq!(ring.append_oversized(&[]), Room::Made, "nothing but the move");
    assert!(producer.push(RECORD_USER, &[8; 300]));
    assert!(producer.push(RECORD_USER, &[9; 24]));
    assert_eq!(gated.finish(), (0..10).collect::<Vec<u8>>());
}
