//! Sinks that stall, fail, panic and come back: what the others get, what is kept, what is lost and said. One behaviour per test.
#![cfg(not(loom))]
#![allow(clippy::unwrap_used)]

mod log_process;

use kymo_core::logs::losses::Loss;
use kymo_core::logs::{LineWriter, Outlet, Place};
use kymo_core::ring::full::{OnFull, Room};
use log_process::{LONG, Process, Scratch, hold_drain, say};
use std::io;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a test's writer does with a write.
const TAKE: u8 = 0;
const STALL: u8 = 1;
const FAIL: u8 = 2;
const PANIC: u8 = 3;
const HANG: u8 = 4;

/// A writer that a test tells what to do.
#[derive(Clone)]
struct Told {
    does: Arc<AtomicU8>,
    text: Arc<Mutex<String>>,
    syncs: Arc<AtomicUsize>,
    blocks: bool,
    name: &'static str,
}

impl Told {
    fn new(name: &'static str, does: u8, blocks: bool) -> Told {
        Told {
            does: Arc::new(does.into()),
            text: Arc::default(),
            syncs: Arc::default(),
            blocks,
            name,
        }
    }

    fn does(&self, what: u8) {
        self.does.store(what, Ordering::Relaxed);
    }

    fn text(&self) -> String {
        self.text.lock().unwrap().clone()
    }

    fn lines(&self) -> usize {
        self.text().lines().count()
    }
}

impl LineWriter for Told {
    fn may_block(&self) -> bool {
        self.blocks
    }
    fn place(&mut self, _: u64, _: u64) -> Option<Place> {
        None
    }
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        while self.does.load(Ordering::Relaxed) == HANG {
            std::thread::sleep(Duration::from_millis(1));
        }
        match self.does.load(Ordering::Relaxed) {
            STALL => Err(io::ErrorKind::WouldBlock.into()),
            FAIL => Err(io::Error::from_raw_os_error(libc::ENOSPC)),
            PANIC => panic!("on purpose"),
            _ => {
                self.text.lock().unwrap().push_str(std::str::from_utf8(lines).unwrap());
                Ok(lines.len())
            }
        }
    }
    fn sync(&mut self) -> io::Result<()> {
        self.syncs.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
    fn identity(&self) -> String {
        self.name.to_owned()
    }
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !holds() {
        assert!(begun.elapsed() < LONG, "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn numbered(lines: std::ops::Range<usize>) -> String {
    lines.map(|line| format!("{line}\n")).collect()
}

/// A process whose route leads to writers.
fn process(writers: &[&Told]) -> (Scratch, Process, u16, Vec<Arc<Outlet>>) {
    let scratch = Scratch::new();
    let process = Process::new(&scratch.0);
    let outlets: Vec<Arc<Outlet>> = writers
        .iter()
        .map(|told| process.outlet(Box::new((*told).clone())))
        .collect();
    let route = process.lead("main", &outlets.iter().collect::<Vec<_>>());
    (scratch, process, route, outlets)
}

#[test]
fn lines_of_several_threads_come_in_the_order_of_their_times() {
    let told = Told::new("one", TAKE, false);
    let (_scratch, process, route, _) = process(&[&told]);
    let mut threads = [0, 1, 2].map(|thread| process.thread(1 << 16, thread));
    let hold = hold_drain(&process.collector);
    for line in 0..300 {
        // A thread writes a few in a row before the next one has its turn.
        say(&mut threads[line / 7 % 3], route, line as f64, &format!("{line}\n"));
    }
    drop(hold);
    assert!(process.logs.flush(LONG));
    assert_eq!(told.text(), numbered(0..300));
}

#[test]
fn a_sink_that_stalls_alone_keeps_its_lines_in_the_ring_and_gets_all_of_them() {
    for blocks in [false, true] {
        let told = Told::new("one", STALL, blocks);
        let (_scratch, process, route, outlets) = process(&[&told]);
        let mut producer = process.thread(1 << 16, 0);
        (0..500).for_each(|line| say(&mut producer, route, line as f64, &format!("{line}\n")));
        assert!(
            !process.logs.flush(Duration::from_millis(250)),
            "longer than the budget"
        );
        assert!(!outlets[0].detached(), "nobody waits with it");
        told.does(TAKE);
        assert!(process.logs.flush(LONG));
        assert_eq!(told.text(), numbered(0..500));
        assert_eq!(process.logs.losses().total() + outlets[0].losses().total(), 0);
    }
}

#[test]
fn a_flush_is_for_rings_too_that_were_opened_while_the_collector_was_busy() {
    let (busy, stuck) = (Told::new("busy", HANG, false), Told::new("stuck", STALL, false));
    let (_scratch, process, route, _) = process(&[&busy]);
    let other = process.outlet(Box::new(stuck.clone()));
    let to_stuck = process.lead("other", &[&other]);
    let mut first = process.thread(1 << 12, 0);
    say(&mut first, route, 0.0, "first\n");
    // In the middle of its round, most likely; where it is not, the test is only easier.
    std::thread::sleep(Duration::from_millis(50));
    let mut second = process.thread(1 << 12, 1);
    say(&mut second, to_stuck, 1.0, "second\n");
    let logs = Arc::clone(&process.logs);
    let flush = std::thread::spawn(move || logs.flush(Duration::from_millis(300)));
    std::thread::sleep(Duration::from_millis(20));
    busy.does(TAKE);
    let flushed = flush.join().unwrap();
    stuck.does(TAKE);
    assert!(!flushed, "the second line was not written");
    assert!(process.logs.flush(LONG));
    assert_eq!(
        (busy.text(), stuck.text()),
        ("first\n".to_owned(), "second\n".to_owned())
    );
}

#[test]
fn a_sink_that_holds_up_another_one_is_detached_keeps_a_backlog_and_says_what_it_missed() {
    for (does, blocks, reason) in [
        (STALL, false, "stalled"),
        (HANG, true, "stalled"),
        (FAIL, false, "failing"),
    ] {
        let (moving, stuck) = (Told::new("moving", TAKE, false), Told::new("stuck", does, blocks));
        let (_scratch, process, route, outlets) = process(&[&moving, &stuck]);
        process
            .logs
            .set_policy(&[(0, OnFull::Block)], Duration::from_millis(20));
        let mut producer = process.thread(1 << 16, 0);
        // Three times the backlog of a megabyte.
        let text = "x".repeat(1000);
        for line in 0..3000 {
            say(&mut producer, route, line as f64, &format!("{line} {text}\n"));
            if line % 20 == 0 {
                until("the moving one gets it", || moving.lines() + 40 > line);
            }
        }
        until("the moving one has all", || moving.lines() == 3000);
        let state = outlets[1].state();
        assert!(
            state.detached && state.queued_bytes <= (1 << 20) + (256 << 10),
            "{state:?}"
        );
        let lost = outlets[1].losses().all();
        assert!(
            matches!(lost[..], [Loss { level: 30, reason: known, lines }] if known == reason && lines > 1000),
            "{lost:?}"
        );
        stuck.does(TAKE);
        until("it is told", || stuck.text().contains("log lines dropped"));
        say(&mut producer, route, 3000.0, "after\n");
        until("it goes on", || stuck.text().ends_with("after\n"));
        assert_eq!(stuck.lines(), 3000 - lost[0].lines as usize + 2);
        assert!(!outlets[1].detached());
        assert!(!moving.text().contains("dropped"), "the other one missed nothing");
        assert!(process.logs.flush(LONG));
    }
}

/// A failing sink is tried again until it takes its lines; the process hears of it in its metrics.
#[test]
fn a_sink_that_fails_comes_back_by_itself() {
    let told = Told::new("full", FAIL, false);
    let (_scratch, process, route, outlets) = process(&[&told]);
    let mut producer = process.thread(1 << 16, 0);
    (0..10).for_each(|line| say(&mut producer, route, line as f64, &format!("{line}\n")));
    until("it was tried", || outlets[0].errors() > 2);
    assert!(outlets[0].state().error.unwrap().contains("No space left"));
    told.does(TAKE);
    assert!(process.logs.flush(LONG));
    assert_eq!((told.text(), outlets[0].state().error), (numbered(0..10), None));
}

/// [T1] what made a sink panic is lost for it and counted; the others, and its own next lines, go on.
#[test]
fn a_sink_that_panics_loses_what_it_was_given_and_goes_on() {
    let (moving, broken) = (Told::new("moving", TAKE, false), Told::new("broken", PANIC, true));
    let (_scratch, process, route, outlets) = process(&[&moving, &broken]);
    let mut producer = process.thread(1 << 16, 0);
    say(&mut producer, route, 0.0, "first\n");
    until("it panicked", || outlets[1].losses().total() == 1);
    broken.does(TAKE);
    say(&mut producer, route, 1.0, "second\n");
    assert!(process.logs.flush(LONG));
    assert!(moving.text().starts_with("first\nsecond\n"));
    until("it is told", || broken.text().contains("log lines dropped"));
    assert!(broken.text().contains("second\n"));
    assert_eq!(outlets[1].losses().all()[0].reason, "panic");
}

/// The level decides what a full ring does; what is dropped is counted by level and reason, once, and said when lines flow again.
#[test]
fn each_level_has_its_own_policy_when_the_only_sink_stalls() {
    let told = Told::new("one", STALL, false);
    let (_scratch, process, _, outlets) = process(&[&told]);
    let policies = [(0, OnFull::DropNewest), (30, OnFull::DropOldest), (50, OnFull::Block)];
    process.logs.set_policy(&policies, Duration::from_millis(5));
    assert_eq!(
        [10, 29, 30, 49, 50, 60].map(|level| process.logs.policy(level)),
        [
            OnFull::DropNewest,
            OnFull::DropNewest,
            OnFull::DropOldest,
            OnFull::DropOldest,
            OnFull::Block,
            OnFull::Block
        ]
    );
    let open = process.logs.open_ring(&process.rings, 1 << 12, 0).unwrap();
    until("the overflow is there", || open.ring.has_overflow());
    let fill = |level: u16, count: usize| (0..count).filter(|_| process.logs.push(&open, &record(level))).count();
    let kept = fill(30, 400);
    assert_eq!(kept, 400, "the oldest make room");
    let oldest: u64 = process.logs.losses().total();
    assert!(oldest > 200, "{oldest}");
    let newest = 400 - fill(20, 400) as u64;
    assert!(newest > 200, "{newest}");
    assert_eq!(
        process.logs.make_room(&open, 1 << 10, 50),
        Room::Dropped,
        "nobody moves within its budget"
    );
    let mut losses = process.logs.losses().all();
    losses.sort_by_key(|loss| loss.level);
    let known: Vec<(u16, &str)> = losses.iter().map(|loss| (loss.level, loss.reason)).collect();
    assert_eq!(known, [(20, "newest"), (30, "oldest"), (50, "stalled")]);
    told.does(TAKE);
    until("it is told", || told.text().contains("log lines dropped"));
    assert!(process.logs.flush(LONG));
    let sum = told.text().lines().filter(|line| *line == "line").count() as u64;
    assert_eq!(sum + oldest + newest, 800, "every line is there or counted");
    assert_eq!(outlets[0].losses().total(), 0);
}

fn record(level: u16) -> Vec<u8> {
    use kymo_core::layout::*;
    let mut body = 1.0_f64.to_le_bytes().to_vec();
    body.extend(level.to_le_bytes());
    body.extend([0; 6]);
    body.extend((-1_i32).to_le_bytes());
    body.extend([0; 4]);
    body.push(VALUE_LATIN1);
    body.extend(5_u32.to_le_bytes());
    body.extend(b"line\n");
    let header = kymo_core::ring::record::Header::for_body(RECORD_LINE, body.len() as u32, false);
    let mut record = header.to_bytes().to_vec();
    record.extend(body);
    record.resize(header.length as usize, 0);
    record
}

#[test]
fn a_flush_waits_for_the_sink_and_its_sync_while_others_write_on() {
    let (one, other) = (Told::new("one", TAKE, false), Told::new("other", TAKE, true));
    let (_scratch, process, route, _) = process(&[&one, &other]);
    let mut producer = process.thread(1 << 16, 0);
    say(&mut producer, route, 0.0, "line\n");
    assert!(process.logs.flush(LONG));
    assert_eq!((one.lines(), other.lines()), (1, 1));
    assert!(one.syncs.load(Ordering::Relaxed) >= 1 && other.syncs.load(Ordering::Relaxed) >= 1);
    let (say_so, said) = std::sync::mpsc::channel();
    // A thread that never pauses: no moment finds all rings empty.
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let ended = Arc::clone(&stop);
    let busy = std::thread::spawn(move || {
        let mut line = 0.0;
        while !ended.load(Ordering::Relaxed) {
            say(&mut producer, route, line, "busy\n");
            line += 1.0;
        }
    });
    process
        .logs
        .flush_then(Box::new(move |complete| say_so.send(complete).unwrap()));
    assert!(said.recv_timeout(LONG).unwrap());
    assert!(process.logs.flush(LONG));
    stop.store(true, Ordering::Relaxed);
    busy.join().unwrap();
}

#[test]
fn a_closed_sink_takes_no_more_and_its_lines_are_counted() {
    let told = Told::new("one", STALL, true);
    let (_scratch, process, route, outlets) = process(&[&told]);
    let mut producer = process.thread(1 << 16, 0);
    (0..5).for_each(|line| say(&mut producer, route, line as f64, "line\n"));
    until("they are with it", || outlets[0].state().queued_bytes == 25);
    assert!(!outlets[0].close(Duration::from_millis(10)));
    until("the ring is free again", || {
        process.logs.flush(Duration::from_millis(100))
    });
    say(&mut producer, route, 5.0, "line\n");
    until("lost as well", || outlets[0].losses().total() == 6);
    assert_eq!(
        outlets[0].losses().all(),
        [Loss {
            level: 30,
            reason: "closed",
            lines: 6
        }]
    );
}

#[test]
fn a_route_without_sinks_is_silent_and_one_that_was_never_set_is_counted() {
    let told = Told::new("one", TAKE, false);
    let (_scratch, process, route, _) = process(&[&told]);
    let mut producer = process.thread(1 << 16, 0);
    let (silent, unset) = (process.lead("silent", &[]), process.logs.route("unset"));
    assert_eq!(
        (process.logs.route("main"), process.logs.route("unset")),
        (route, unset)
    );
    say(&mut producer, silent, 0.0, "silent\n");
    say(&mut producer, unset, 0.0, "unset\n");
    assert!(process.logs.flush(LONG));
    let no_route = Loss {
        level: 30,
        reason: "no_route",
        lines: 1,
    };
    assert_eq!(process.logs.losses().all(), [no_route]);
    assert_eq!(process.logs.counts().lines, 2);
}
